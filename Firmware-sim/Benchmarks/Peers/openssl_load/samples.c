/* The round trips of the work latency, one by one: a quantile needs them all. */
#include <stdlib.h>

#include "figures.h"
#include "process.h"

enum { SAMPLES_MAX = 2000000 };

static uint64_t *samples;
static size_t sampleCount;

void makeSamples(void) {
    samples = calloc(SAMPLES_MAX, sizeof *samples);
    if (!samples) fail("out of memory");
}

void forgetSamples(void) { sampleCount = 0; }

void addSample(uint64_t ns) {
    if (sampleCount < SAMPLES_MAX) samples[sampleCount++] = ns;
}

static int ascending(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

size_t sortSamples(void) {
    qsort(samples, sampleCount, sizeof *samples, ascending);
    return sampleCount;
}

double quantileUs(double share) {
    if (sampleCount == 0) return 0;
    return (double)samples[(size_t)(share * (double)(sampleCount - 1) + 0.5)] / 1000.0;
}
