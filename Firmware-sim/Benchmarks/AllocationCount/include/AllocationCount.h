#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H

#include <stdint.h>

/// Calls of malloc since the program started, by its only thread.
///
/// The program defines malloc itself, which the dynamic linker then takes for every library in the process, the Swift
/// runtime included: each call is counted and handed on to glibc's own. What comes by other names (calloc,
/// posix_memalign) is not counted; Swift asks for objects and arrays by malloc alone.
int64_t allocation_count(void);

/// Bytes in use on the heap, those of large blocks that have pages of their own included.
int64_t allocation_bytes_in_use(void);

/// Nanoseconds for which the calling thread has computed. Unlike the time of day it stands still while others have the
/// processor.
int64_t thread_cpu_nanoseconds(void);

#endif
