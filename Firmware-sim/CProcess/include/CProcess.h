#ifndef FIRMWARE_SIM_PROCESS_H
#define FIRMWARE_SIM_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/// Has every block of at least that many bytes mapped on its own (mallopt(3), M_MMAP_THRESHOLD), so that pages of it
/// that are never written take no memory, and all of it goes back when it is freed.
///
/// Returns 1 if the C library does so, 0 if it has no such setting.
int firmware_sim_map_blocks_from(size_t bytes);

/// Processor time of the calling thread so far, in nanoseconds (clock_gettime(2), CLOCK_THREAD_CPUTIME_ID); 0 if the
/// system does not tell.
uint64_t firmware_sim_thread_processor_nanoseconds(void);

#endif
