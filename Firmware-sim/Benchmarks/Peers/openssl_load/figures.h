/* What is counted and timed between two steps, and how it is told. */
#ifndef OPENSSL_LOAD_FIGURES_H
#define OPENSSL_LOAD_FIGURES_H

#include <stddef.h>
#include <stdint.h>

enum failure { TCP_FAILED, TLS_FAILED, MQTT_REFUSED, CLOSED_BY_SERVER, TIMED_OUT, FAILURE_KINDS };

struct tally {
    uint64_t attempted, connected, resumed, failed[FAILURE_KINDS], lost;
    uint64_t beganNs, cpuBeganNs;
};
extern struct tally tally;

void beginMeasure(void);
/* One line of JSON on standard output. */
void report(const char *event);

/* Latency: the round trips since beginMeasure. */
void makeSamples(void);
void forgetSamples(void);
void addSample(uint64_t ns);
/* How many there are. quantileUs needs them sorted. */
size_t sortSamples(void);
double quantileUs(double share);

#endif
