/* The works, and what each does when a device of it is acknowledged a message. */
#ifndef OPENSSL_LOAD_WORKS_H
#define OPENSSL_LOAD_WORKS_H

#include "device.h"

/* Connects `count` times: devices one after the other, round and round, but none that is still at it. */
void connectAll(unsigned count, unsigned concurrency);
/* Whoever was closed in the meantime is known when all has been read. */
void findLost(void);

/* Writes as much as the window and the socket allow, but not for so long that others do not get their turn. */
void pump(struct device *device);
void flood(void);
void floodAcknowledged(struct device *device);

/* Until standard input ends: sends what is due, and tells the figures at each line. */
void probe(void);
void probeAcknowledged(struct device *device);
/* A message that waits longer than a period counts with the time it has waited until now: without these, the slowest
   ones would be missing. */
void countWaiting(void);

#endif
