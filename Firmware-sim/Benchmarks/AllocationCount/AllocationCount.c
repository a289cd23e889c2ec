#include "AllocationCount.h"

#include <malloc.h>
#include <stddef.h>
#include <time.h>

extern void *__libc_malloc(size_t count);

// Of each thread its own, so that counting needs no lock; initial-exec, because other models call malloc themselves.
static __thread int64_t calls __attribute__((tls_model("initial-exec")));

void *malloc(size_t count) {
    calls += 1;
    return __libc_malloc(count);
}

int64_t allocation_count(void) {
    return calls;
}

int64_t allocation_bytes_in_use(void) {
    struct mallinfo2 info = mallinfo2();
    return (int64_t)info.uordblks + (int64_t)info.hblkhd;
}

int64_t thread_cpu_nanoseconds(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0) { return 0; }
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
