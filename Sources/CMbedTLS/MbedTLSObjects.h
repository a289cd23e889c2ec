#ifndef FLEETGATE_MBEDTLS_OBJECTS_H
#define FLEETGATE_MBEDTLS_OBJECTS_H

/* The objects behind the opaque types of CMbedTLS.h. Private to this target, as are mbedTLS's private fields. */

#define MBEDTLS_ALLOW_PRIVATE_ACCESS

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include "CMbedTLS.h"

#define FLEETGATE_MBEDTLS_3 (MBEDTLS_VERSION_NUMBER >= 0x03000000)

struct fleetgate_random {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context generator;
};

struct fleetgate_certificates {
    mbedtls_x509_crt chain;
};

struct fleetgate_key {
    mbedtls_pk_context key;
};

/* mbedTLS keeps pointers to every list it is given, so they live beside the configuration. */
struct fleetgate_settings {
    mbedtls_ssl_config configuration;
    mbedtls_x509_crt_profile profile;
    int cipher_suites[FLEETGATE_CIPHER_SUITES_MAX + 1];
    char protocol_names[FLEETGATE_PROTOCOLS_MAX][FLEETGATE_PROTOCOL_LENGTH_MAX + 1];
    const char *protocols[FLEETGATE_PROTOCOLS_MAX + 1];
    size_t protocol_count;
#if FLEETGATE_MBEDTLS_3
    uint16_t groups[FLEETGATE_NAMED_GROUPS_MAX + 1];
#else
    mbedtls_ecp_group_id groups[FLEETGATE_NAMED_GROUPS_MAX + 1];
#endif
};

struct fleetgate_connection {
    /* First, so that the SNI callback, which is given only this, can find the rest. */
    mbedtls_ssl_context ssl;
    fleetgate_callbacks callbacks;
    void *io;
    void *verification;
    /* The first byte of a decrypted record, read to learn how long the rest is. */
    unsigned char first;
    size_t available;
    /* Description of a fatal alert seen going out in the clear, or -1. */
    int plain_alert_sent;
};

/* The reasons that stand against one certificate, for mbedTLS's own verify callbacks. */
uint32_t fleetgate_judge_certificate(
    fleetgate_verify verify, void *verification, const mbedtls_x509_crt *certificate, int depth, int version,
    uint32_t reasons);

/* Decrypts a PEM private key to DER with libcrypto. `*der` is to be freed with `fleetgate_key_der_free`. */
fleetgate_key_result fleetgate_key_decrypt(
    const unsigned char *pem, size_t length, const unsigned char *pass_phrase, size_t pass_phrase_length,
    unsigned char **der, size_t *der_length);
void fleetgate_key_der_free(unsigned char *der, size_t length);

#endif
