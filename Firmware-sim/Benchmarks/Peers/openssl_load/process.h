/* What the program has from its process: how it ends, its clocks, its files and the lines that drive it. */
#ifndef OPENSSL_LOAD_PROCESS_H
#define OPENSSL_LOAD_PROCESS_H

#include <stdint.h>
#include <time.h>

/* Ends the program with status 1: for what is wrong with the call or the machine, never for a connection. */
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

uint64_t nanoseconds(clockid_t clock);
uint64_t nowNs(void);

void liftFileLimit(void);

/* The next line of standard input; ends the program when there is none any more. */
void awaitLine(void);

#endif
