#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "process.h"

struct options option = {.tls = "1.3", .first = 100000, .count = 1000, .devices = 0, .concurrency = 24, .batch = 1,
                         .window = 16, .periodUs = 1000, .timeoutSeconds = 120, .messages = 1000};

bool withTLS(void) { return strcmp(option.tls, "none") != 0; }
bool publishes(void) { return option.mode == FLOOD || option.mode == LATENCY; }

static unsigned number(const char *text, unsigned least, unsigned most) {
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text == 0 || *end != 0 || value < least || value > most)
        fail("%s is not a number from %u to %u", text, least, most);
    return (unsigned)value;
}

void parse(int count, char **words) {
    if (count < 2)
        fail("usage: openssl_load connect|idle|flood|latency --port PORT [--tls none] [--ca FILE --issuer FILE ...]");
    static const char *const modes[] = {"connect", "idle", "flood", "latency"};
    int mode = -1;
    for (int index = 0; index < 4; index++) if (strcmp(words[1], modes[index]) == 0) mode = index;
    if (mode < 0) fail("unknown work: %s", words[1]);
    option.mode = (enum mode)mode;
    option.target = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int index = 2; index < count; index++) {
        const char *name = words[index];
        if (strcmp(name, "--resume") == 0) { option.resume = true; continue; }
        if (++index == count) fail("%s needs a value", name);
        const char *value = words[index];
        if (strcmp(name, "--port") == 0) option.target.sin_port = htons((uint16_t)number(value, 1, 65535));
        else if (strcmp(name, "--tls") == 0) option.tls = value;
        else if (strcmp(name, "--ca") == 0) option.ca = value;
        else if (strcmp(name, "--issuer") == 0) option.issuer = value;
        else if (strcmp(name, "--issuer-key") == 0) option.issuerKey = value;
        else if (strcmp(name, "--first") == 0) option.first = number(value, 1, 900000000);
        else if (strcmp(name, "--count") == 0) option.count = number(value, 1, 10000000);
        else if (strcmp(name, "--devices") == 0) option.devices = number(value, 1, DEVICES_MAX);
        else if (strcmp(name, "--concurrency") == 0) option.concurrency = number(value, 1, DEVICES_MAX);
        else if (strcmp(name, "--messages") == 0) option.messages = number(value, 1, 100000000);
        else if (strcmp(name, "--batch") == 0) option.batch = number(value, 1, BATCH_MAX);
        else if (strcmp(name, "--window") == 0) option.window = number(value, 1, 65535);
        else if (strcmp(name, "--qos") == 0) option.qos = number(value, 0, 1);
        else if (strcmp(name, "--period-us") == 0) option.periodUs = number(value, 1, 60000000);
        else if (strcmp(name, "--timeout") == 0) option.timeoutSeconds = number(value, 1, 3600);
        else fail("unknown option: %s", name);
    }
    if (option.target.sin_port == 0) fail("--port is missing");
    if (withTLS() && (!option.ca || !option.issuer || !option.issuerKey))
        fail("--ca, --issuer and --issuer-key are needed");
    if (option.window < option.batch) fail("--window is less than --batch: nothing could be sent");
}
