#include <stdio.h>
#include <stdlib.h>

#include "device.h"
#include "options.h"
#include "packets.h"
#include "process.h"

struct device *devices;
unsigned deviceCount;

void makeDevices(void) {
    deviceCount = option.devices ? option.devices : option.count;
    if (deviceCount > DEVICES_MAX) fail("at most %d devices", DEVICES_MAX);
    devices = calloc(deviceCount, sizeof *devices);
    if (!devices) fail("out of memory");
    for (unsigned index = 0; index < deviceCount; index++) {
        struct device *device = &devices[index];
        device->number = option.first + index;
        device->fd = -1;
        snprintf(device->name, sizeof device->name, "meter-%06u", device->number);
        if (withTLS()) makeCredential(device);
        if (publishes()) {
            device->out = malloc((size_t)option.batch * PUBLISH_ROOM);
            if (!device->out) fail("out of memory");
        }
    }
}
