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
    /* First, so that whoever is given only this can find the tables. */
    mbedtls_x509_crt chain;
    /* Of these certificates' public keys; null when none were made. */
    fleetgate_issuer_tables *tables;
};
_Static_assert(offsetof(struct fleetgate_certificates, chain) == 0, "the tables are found from the chain");

struct fleetgate_key {
    mbedtls_pk_context key;
};

/* mbedTLS keeps pointers to every list it is given, so they live beside the configuration. */
struct fleetgate_settings {
    mbedtls_ssl_config configuration;
    mbedtls_x509_crt_profile profile;
    int cipher_suites[FLEETGATE_CIPHER_SUITES_MAX + 1];
    /* Each allocated. */
    char *protocols[FLEETGATE_PROTOCOLS_MAX + 1];
    size_t protocol_count;
#if FLEETGATE_MBEDTLS_3
    uint16_t groups[FLEETGATE_NAMED_GROUPS_MAX + 1];
#else
    mbedtls_ecp_group_id groups[FLEETGATE_NAMED_GROUPS_MAX + 1];
#endif
};

/* What is kept of a connection's record buffers while it has none. */
typedef struct {
    int is_resting;
    /* The number of the next record, which mbedTLS keeps at the head of the buffer. */
    unsigned char in_counter[8];
    /* Where mbedTLS's pointers are in the buffers. */
    uint8_t in_hdr, in_len, in_iv, in_msg, out_ctr, out_hdr, out_len, out_iv, out_msg;
    /* Bytes that have passed through the buffers since they were all zeros. */
    size_t received, sent;
} fleetgate_resting;

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
    /* Whether the handshake came to the server's Certificate, which only a full handshake has, in every version. */
    int certificate_state_seen;
    fleetgate_resting resting;
    /* Whether what is left of the handshake was freed. */
    int is_settled;
};

/* The reasons that stand against one certificate, for mbedTLS's own verify callbacks. */
uint32_t fleetgate_judge_certificate(
    fleetgate_verify verify, void *verification, const mbedtls_x509_crt *certificate, int depth, int version,
    uint32_t reasons);

/* What certificates and their keys must be like. */
mbedtls_x509_crt_profile fleetgate_profile(int weak_keys_allowed);

/* Gives a resting connection buffers again, before mbedTLS is called. Returns 0 or an mbedTLS code. */
int fleetgate_connection_wake(fleetgate_connection *connection);

/* For the ticket callbacks: the connection whose handshake this thread is stepping, or null. */
fleetgate_connection *fleetgate_connection_being_stepped(void);
void fleetgate_settings_conf_ticket_callbacks(fleetgate_settings *settings);

/* Frees a client's ticket in a session; null is accepted. */
void fleetgate_session_drop_ticket(mbedtls_ssl_session *session);

/* Frees the peer's certificate in a session, which then is none the less whole to mbedTLS. */
void fleetgate_session_drop_certificate(mbedtls_ssl_session *session);

/* Decrypts a PEM private key to DER with libcrypto. `*der` is to be freed with `fleetgate_key_der_free`. */
fleetgate_key_result fleetgate_key_decrypt(
    const unsigned char *pem, size_t length, const unsigned char *pass_phrase, size_t pass_phrase_length,
    unsigned char **der, size_t *der_length);
void fleetgate_key_der_free(unsigned char *der, size_t length);

#endif
