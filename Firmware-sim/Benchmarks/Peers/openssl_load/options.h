/* The command line. */
#ifndef OPENSSL_LOAD_OPTIONS_H
#define OPENSSL_LOAD_OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    DEVICES_MAX = 20000,
    BATCH_MAX = 128,              /* PUBLISH packets in one TLS record */
};

enum mode { CONNECT, IDLE, FLOOD, LATENCY };

struct options {
    enum mode mode;
    struct sockaddr_in target;
    const char *tls, *ca, *issuer, *issuerKey;
    unsigned first, count, devices, concurrency, batch, window, qos, periodUs, timeoutSeconds;
    uint64_t messages;
    bool resume;
};
extern struct options option;

void parse(int count, char **words);

bool withTLS(void);

/* Flood and latency: devices that are connected before anything is measured, and then publish. */
bool publishes(void);

#endif
