#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "figures.h"
#include "options.h"
#include "packets.h"
#include "process.h"
#include "works.h"

static const char *const failureNames[FAILURE_KINDS] = {"tcp", "tls", "refused", "closed", "timeout"};

struct tally tally;

void beginMeasure(void) {
    memset(&tally, 0, sizeof tally);
    forgetSamples();
    tally.beganNs = nowNs();
    tally.cpuBeganNs = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
}

void report(const char *event) {
    uint64_t acknowledged = 0, sent = 0;
    for (unsigned index = 0; index < deviceCount; index++) {
        acknowledged += devices[index].acknowledged;
        sent += devices[index].sent;
    }
    printf("{\"event\":\"%s\",\"attempted\":%" PRIu64 ",\"connected\":%" PRIu64 ",\"resumed\":%" PRIu64
           ",\"lost\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"acknowledged\":%" PRIu64 ",\"failures\":{",
           event, tally.attempted, tally.connected, tally.resumed, tally.lost, sent, acknowledged);
    for (unsigned kind = 0; kind < FAILURE_KINDS; kind++)
        printf("%s\"%s\":%" PRIu64, kind ? "," : "", failureNames[kind], tally.failed[kind]);
    printf("},\"wallSeconds\":%.6f,\"cpuSeconds\":%.6f", (double)(nowNs() - tally.beganNs) / 1e9,
           (double)(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - tally.cpuBeganNs) / 1e9);
    if (option.mode == FLOOD) {
        unsigned char packet[PUBLISH_ROOM];
        printf(",\"recordBytes\":%zu", option.batch * publishPacket(&devices[0], option.qos, 1, packet));
    }
    if (option.mode == LATENCY) {
        countWaiting();
        size_t count = sortSamples();
        printf(",\"samples\":%zu,\"p50Us\":%.1f,\"p90Us\":%.1f,\"p99Us\":%.1f,\"maxUs\":%.1f", count,
               quantileUs(0.5), quantileUs(0.9), quantileUs(0.99), quantileUs(1));
    }
    printf("}\n");
    fflush(stdout);
}
