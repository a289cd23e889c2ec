/* The work flood. Its end is known by acknowledgements alone: of all messages at QoS 1, of one after them at QoS 0. */
#include "connection.h"
#include "options.h"
#include "packets.h"
#include "process.h"
#include "works.h"

enum { WRITES_PER_TURN = 4 };     /* of one device, so that all get their turn */

static uint64_t floodsDone;

void pump(struct device *device) {
    for (unsigned turn = 0; turn < WRITES_PER_TURN; turn++) {
        if (!device->outPending) {
            uint64_t left = option.messages - device->sent;
            unsigned packets = left < option.batch ? (unsigned)left : option.batch;
            if (packets == 0) {
                /* The broker answers the last one, at QoS 1, when it has read all before it. */
                if (option.qos == 1 || device->finalSent) break;
                device->finalSent = true;
                fillBatch(device, 1, 1);
            } else {
                if (option.qos == 1 && device->sent - device->acknowledged + packets > option.window) break;
                fillBatch(device, option.qos, packets);
                device->sent += packets;
            }
            device->outPending = true;
        }
        ssize_t written = transmit(device, device->out, device->outBytes);
        if (written < 0) { failed(device, CLOSED_BY_SERVER, "the server closed in the flood"); return; }
        if (written == 0) { watch(device, true); return; }
        device->outPending = false;
    }
    bool more = option.qos == 1
        ? device->sent < option.messages && device->sent - device->acknowledged + option.batch <= option.window
        : !device->finalSent;
    watch(device, more);
}

void floodAcknowledged(struct device *device) {
    device->acknowledged++;
    uint64_t expected = option.qos == 1 ? option.messages : 1;
    if (device->acknowledged == expected) { floodsDone++; watch(device, false); }
    else if (device->acknowledged < expected && option.qos == 1 && !device->wantsWrite) pump(device);
}

void flood(void) {
    uint64_t deadline = nowNs() + (uint64_t)option.timeoutSeconds * 1000000000u;
    for (unsigned index = 0; index < deviceCount; index++)
        if (devices[index].state == LIVE) pump(&devices[index]);
    while (floodsDone + tally.lost < deviceCount && nowNs() < deadline) turn(100);
}
