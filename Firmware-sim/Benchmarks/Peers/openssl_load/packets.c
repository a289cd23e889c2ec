#include <stdio.h>
#include <string.h>

#include "packets.h"

enum {
    PAYLOAD_BYTES = 64,
    KEEP_ALIVE_SECONDS = 600,
};

static size_t putText(unsigned char *to, const char *text) {
    size_t bytes = strlen(text);
    to[0] = (unsigned char)(bytes >> 8);
    to[1] = (unsigned char)bytes;
    memcpy(to + 2, text, bytes);
    return bytes + 2;
}

size_t connectPacket(const struct device *device, unsigned char *to) {
    static const unsigned char head[] = {0, 4, 'M', 'Q', 'T', 'T', 4, 2, KEEP_ALIVE_SECONDS >> 8,
                                         KEEP_ALIVE_SECONDS & 0xff};
    memcpy(to + 2, head, sizeof head);
    /* A client id for each visit: with one alone, the broker could still be about to end the visit before. */
    char clientId[40];
    snprintf(clientId, sizeof clientId, "%s.%u", device->name, device->visits);
    size_t bytes = sizeof head + putText(to + 2 + sizeof head, clientId);
    to[0] = 0x10;
    to[1] = (unsigned char)bytes;
    return bytes + 2;
}

size_t publishPacket(const struct device *device, unsigned qos, uint16_t packetId, unsigned char *to) {
    char topic[64];
    snprintf(topic, sizeof topic, "meters/site-%u/%s/telemetry", device->number % 10, device->name);
    size_t bytes = putText(to + 2, topic);
    if (qos) {
        to[2 + bytes] = (unsigned char)(packetId >> 8);
        to[3 + bytes] = (unsigned char)packetId;
        bytes += 2;
    }
    memset(to + 2 + bytes, 'x', PAYLOAD_BYTES);
    bytes += PAYLOAD_BYTES;
    to[0] = (unsigned char)(0x30 | qos << 1);
    to[1] = (unsigned char)bytes;
    return bytes + 2;
}

static uint16_t nextPacketId(struct device *device) {
    if (++device->packetId == 0) device->packetId = 1;
    return device->packetId;
}

void fillBatch(struct device *device, unsigned qos, unsigned packets) {
    device->outBytes = 0;
    for (unsigned index = 0; index < packets; index++)
        device->outBytes += publishPacket(device, qos, qos ? nextPacketId(device) : 0, device->out + device->outBytes);
}
