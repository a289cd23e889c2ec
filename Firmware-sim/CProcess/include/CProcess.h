#ifndef FIRMWARE_SIM_PROCESS_H
#define FIRMWARE_SIM_PROCESS_H

#include <stdint.h>

/// Processor time of the calling thread so far, in nanoseconds (clock_gettime(2), CLOCK_THREAD_CPUTIME_ID); 0 if the
/// system does not tell.
uint64_t firmware_sim_thread_processor_nanoseconds(void);

#endif
