/* Tickets of a server: mbedTLS's callbacks, and the sealing of what they carry. */

#include <openssl/evp.h>
#include <string.h>

#include "MbedTLSObjects.h"

#include <mbedtls/platform_util.h>

/* A session without its certificate: TLS 1.2's needs some 120 bytes, TLS 1.3's some 100. */
#define SAVED_SESSION_MAX 512

static int write_ticket(
    void *user, const mbedtls_ssl_session *session, unsigned char *start, const unsigned char *end, size_t *length,
    uint32_t *lifetime)
{
    (void) user;
    *length = 0;
    *lifetime = 0;
    size_t capacity = (size_t) (end - start);
    fleetgate_connection *connection = fleetgate_connection_being_stepped();
    if (connection != NULL) {
        /* The certificate goes into the ticket by another way, the same for all versions. */
        mbedtls_ssl_session without_certificate = *session;
#if defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE)
        without_certificate.peer_cert = NULL;
#endif
        unsigned char saved[SAVED_SESSION_MAX];
        size_t saved_length = 0;
        if (mbedtls_ssl_session_save(&without_certificate, saved, sizeof saved, &saved_length) == 0) {
            *length = connection->callbacks.write_ticket(
                connection->verification, saved, saved_length, !connection->certificate_state_seen,
                fleetgate_connection_version(connection), start, capacity, lifetime);
        }
        mbedtls_platform_zeroize(&without_certificate, sizeof without_certificate);
        mbedtls_platform_zeroize(saved, sizeof saved);
    }
    if (*length == 0) {
        /* To fail would end the handshake of TLS 1.3, which also knows no empty ticket: 0 seconds mean "discard". */
        *lifetime = 0;
        if (capacity > 0) {
            start[0] = 0;
            *length = 1;
        }
    }
    return 0;
}

static int read_ticket(void *user, mbedtls_ssl_session *session, unsigned char *ticket, size_t length)
{
    (void) user;
    fleetgate_connection *connection = fleetgate_connection_being_stepped();
    if (connection == NULL) {
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    }
    int version = fleetgate_connection_version(connection);
    size_t offset = 0, saved_length = 0;
    int status = MBEDTLS_ERR_SSL_INVALID_MAC;
    if (connection->callbacks.read_ticket(
            connection->verification, ticket, length, version, &offset, &saved_length) == 0
        && offset <= length && saved_length <= length - offset) {
        status = mbedtls_ssl_session_load(session, ticket + offset, saved_length);
#if FLEETGATE_MBEDTLS_3
        /* A session of TLS 1.3 has no master secret: in TLS 1.2 it would be resumed with one of zeros. */
        if (status == 0 && (int) session->tls_version != version) {
            status = MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED;
        }
#endif
        if (status != 0) {
            mbedtls_ssl_session_free(session);
            status = MBEDTLS_ERR_SSL_SESSION_TICKET_EXPIRED;
        }
    }
    /* It was opened in place, and nobody reads it again: TLS 1.3 gives a copy, which mbedTLS frees as it is. */
    mbedtls_platform_zeroize(ticket, length);
    return status;
}

void fleetgate_settings_conf_ticket_callbacks(fleetgate_settings *settings)
{
    mbedtls_ssl_conf_session_tickets_cb(&settings->configuration, write_ticket, read_ticket, NULL);
}

int fleetgate_random_bytes(fleetgate_random *random, unsigned char *bytes, size_t length)
{
    return mbedtls_ctr_drbg_random(&random->generator, bytes, length);
}

void fleetgate_wipe(void *bytes, size_t length)
{
    mbedtls_platform_zeroize(bytes, length);
}

/* AES-256-GCM by libcrypto, whose tables and timing do not depend on the key. */
static int seal_or_open(
    int seals, const unsigned char *key, const unsigned char *nonce, const unsigned char *header, size_t header_length,
    unsigned char *bytes, size_t length, unsigned char *tag)
{
    if (header_length > INT32_MAX || length > INT32_MAX) {
        return -1;
    }
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int done = 0, last = 0;
    int is_good = context != NULL
        && EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce, seals) == 1
        && EVP_CipherUpdate(context, NULL, &done, header, (int) header_length) == 1
        && EVP_CipherUpdate(context, bytes, &done, bytes, (int) length) == 1
        && (seals
            || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, FLEETGATE_SEAL_TAG_LENGTH, tag) == 1)
        && EVP_CipherFinal_ex(context, bytes + done, &last) == 1
        && (!seals
            || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, FLEETGATE_SEAL_TAG_LENGTH, tag) == 1)
        && (size_t) done == length && last == 0;
    EVP_CIPHER_CTX_free(context);
    if (!is_good) {
        /* Neither what was to be sealed nor what turned out not to be authentic may be used. */
        mbedtls_platform_zeroize(bytes, length);
        return -1;
    }
    return 0;
}

int fleetgate_seal(
    const unsigned char *key, const unsigned char *nonce, const unsigned char *header, size_t header_length,
    unsigned char *bytes, size_t length, unsigned char *tag)
{
    return seal_or_open(1, key, nonce, header, header_length, bytes, length, tag);
}

int fleetgate_open(
    const unsigned char *key, const unsigned char *nonce, const unsigned char *header, size_t header_length,
    unsigned char *bytes, size_t length, const unsigned char *tag)
{
    unsigned char copy[FLEETGATE_SEAL_TAG_LENGTH];
    memcpy(copy, tag, sizeof copy);
    return seal_or_open(0, key, nonce, header, header_length, bytes, length, copy);
}
