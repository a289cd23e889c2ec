#define _POSIX_C_SOURCE 200809L

#include "CProcess.h"

#include <time.h>

#if defined(__GLIBC__)
#include <limits.h>
#include <malloc.h>
#endif

int firmware_sim_map_blocks_from(size_t bytes) {
#if defined(__GLIBC__)
    return bytes <= INT_MAX ? mallopt(M_MMAP_THRESHOLD, (int)bytes) : 0;
#else
    (void)bytes;
    return 0;
#endif
}

uint64_t firmware_sim_thread_processor_nanoseconds(void) {
    struct timespec spent;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent) != 0) {
        return 0;
    }
    return (uint64_t)spent.tv_sec * 1000000000u + (uint64_t)spent.tv_nsec;
}
