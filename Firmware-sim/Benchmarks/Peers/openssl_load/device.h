/* The devices, and what each needs to be let in: a key and a certificate of its own. */
#ifndef OPENSSL_LOAD_DEVICE_H
#define OPENSSL_LOAD_DEVICE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum state { AWAY, IN_TCP, IN_TLS, IN_CONNACK, LIVE, GONE };

struct device {
    X509 *certificate;
    EVP_PKEY *key;
    SSL_SESSION *session;
    SSL *ssl;
    int fd;
    enum state state;
    bool wantsWrite;              /* what epoll is told */
    unsigned number, visits;
    char name[24];
    unsigned char in[512];        /* an MQTT packet that is not whole yet */
    size_t inBytes;
    unsigned char *out;           /* flood and latency: the packets of a record */
    size_t outBytes;
    bool outPending;              /* `out` has to be written again: the socket was full */
    bool finalSent;
    uint64_t sent, acknowledged;
    uint16_t packetId;
    bool underWay;                /* latency: a message is */
    uint64_t dueNs, countedFromNs;
};

extern struct device *devices;
extern unsigned deviceCount;

/* With TLS the issuer has to be read before. */
void makeDevices(void);

void readIssuer(void);
void makeCredential(struct device *device);

#endif
