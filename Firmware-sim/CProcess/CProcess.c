#define _POSIX_C_SOURCE 200809L

#include "CProcess.h"

#include <time.h>

uint64_t firmware_sim_thread_processor_nanoseconds(void) {
    struct timespec spent;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent) != 0) {
        return 0;
    }
    return (uint64_t)spent.tv_sec * 1000000000u + (uint64_t)spent.tv_nsec;
}
