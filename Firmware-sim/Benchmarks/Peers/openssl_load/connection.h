/* One device's connection: TCP, TLS, and the MQTT that goes over it. */
#ifndef OPENSSL_LOAD_CONNECTION_H
#define OPENSSL_LOAD_CONNECTION_H

#include <sys/types.h>

#include "device.h"
#include "figures.h"

/* The one epoll of all connections. What has no device in it is the caller's own. */
extern int poller;
void makePoller(void);

/* Connects that are begun and neither accepted nor failed. */
extern unsigned underWayCount;

void begin(struct device *device);
void accepted(struct device *device);
void failed(struct device *device, enum failure kind, const char *what);
void leave(struct device *device, bool politely);

/* Whether epoll is to tell that the device can write. That it can read is always told. */
void watch(struct device *device, bool write);
/* > 0: all is written; 0: the socket is full, once more with the same bytes; < 0: the end. */
ssize_t transmit(struct device *device, const unsigned char *bytes, size_t count);
/* > 0: so many bytes; 0: nothing there; < 0: the end. */
ssize_t receive(struct device *device, unsigned char *to, size_t room);

void makeContext(void);
/* Gives the device its TLS connection; none when there is no TLS. */
void beginTLS(struct device *device);

/* What the device does about these events of its socket. */
void step(struct device *device, uint32_t events);
/* Waits for events, and steps every device that has some. */
void turn(int timeoutMs);

#endif
