/* The works connect and idle, and how the devices of the others get in. */
#include "connection.h"
#include "options.h"
#include "process.h"
#include "works.h"

void connectAll(unsigned count, unsigned concurrency) {
    uint64_t deadline = nowNs() + (uint64_t)option.timeoutSeconds * 1000000000u;
    unsigned begun = 0, next = 0;
    while (begun < count || underWayCount > 0) {
        while (begun < count && underWayCount < concurrency) {
            struct device *device = &devices[next];
            if (device->state != AWAY && device->state != GONE) break;
            next = (next + 1) % deviceCount;
            begun++;
            begin(device);
        }
        turn(100);
        if (nowNs() > deadline) break;
    }
    for (unsigned index = 0; index < deviceCount; index++) {
        enum state state = devices[index].state;
        if (state == IN_TCP || state == IN_TLS || state == IN_CONNACK)
            failed(&devices[index], TIMED_OUT, "not connected in time");
    }
}

void findLost(void) {
    for (unsigned rounds = 0; rounds < 100 && tally.lost < deviceCount; rounds++) turn(0);
}
