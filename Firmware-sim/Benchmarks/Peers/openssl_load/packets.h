/* What devices send, in MQTT 3.1.1. */
#ifndef OPENSSL_LOAD_PACKETS_H
#define OPENSSL_LOAD_PACKETS_H

#include "device.h"

enum {
    CONNECT_ROOM = 64,
    PUBLISH_ROOM = 192,
};

size_t connectPacket(const struct device *device, unsigned char *to);

/* One PUBLISH of 64 bytes; always shorter than 128 bytes, so that its length is one byte. */
size_t publishPacket(const struct device *device, unsigned qos, uint16_t packetId, unsigned char *to);

/* Makes `out` of the device anew: so many PUBLISH packets, in one record. */
void fillBatch(struct device *device, unsigned qos, unsigned packets);

#endif
