/* mbedtls_ssl_context: the steps of one connection. */

#include <stdlib.h>
#include <string.h>

#include "MbedTLSObjects.h"

#define RECORD_ALERT 21
#define RECORD_HEADER_LENGTH 5
#define ALERT_LEVEL_FATAL 2

static int receive_ciphertext(void *user, unsigned char *bytes, size_t capacity)
{
    fleetgate_connection *connection = user;
    if (capacity > INT32_MAX) {
        capacity = INT32_MAX;
    }
    size_t count = connection->callbacks.receive(connection->io, bytes, capacity);
    connection->resting.received += count;
    /* To mbedTLS 0 would mean the end of the stream, which the channel handler reports by itself. */
    return count == 0 ? MBEDTLS_ERR_SSL_WANT_READ : (int) count;
}

static int send_ciphertext(void *user, const unsigned char *bytes, size_t length)
{
    fleetgate_connection *connection = user;
    if (length == RECORD_HEADER_LENGTH + 2 && bytes[0] == RECORD_ALERT
        && bytes[RECORD_HEADER_LENGTH] == ALERT_LEVEL_FATAL) {
        connection->plain_alert_sent = bytes[RECORD_HEADER_LENGTH + 1];
    }
    if (length > INT32_MAX || connection->callbacks.send(connection->io, bytes, length) != 0) {
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    }
    connection->resting.sent += length;
    return (int) length;
}

/*
 * TLS 1.3 in mbedTLS 3.6 writes some fatal alerts under the wrong keys, so that the peer sees a bad record and never
 * learns the reason (its issue 10877). What follows puts that right. Each switch starts the record sequence anew, which
 * is safe only because nothing but one fatal alert is ever written between it and the end of the connection, or mbedTLS
 * switches to the same keys itself before it writes anything.
 */

/* A client's alert about the server's certificate belongs under the handshake keys (RFC 8446, 6.2). */
static void encrypt_alert_of_client(mbedtls_ssl_context *ssl)
{
#if FLEETGATE_MBEDTLS_3
    if (ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_3 && ssl->conf->endpoint == MBEDTLS_SSL_IS_CLIENT
        && ssl->transform_out == NULL && ssl->transform_in != NULL && ssl->out_left == 0) {
        /* The keys of both directions are in one object. */
        ssl->transform_out = ssl->transform_in;
        memset(ssl->cur_out_ctr, 0, sizeof ssl->cur_out_ctr);
    }
#else
    (void) ssl;
#endif
}

/* Whatever a server writes after its Finished belongs under the application keys (RFC 8446, 4.4.4). */
static void switch_server_to_application_keys(mbedtls_ssl_context *ssl)
{
#if FLEETGATE_MBEDTLS_3
    if (ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_3 && ssl->conf->endpoint == MBEDTLS_SSL_IS_SERVER
        && ssl->state != MBEDTLS_SSL_HANDSHAKE_OVER && ssl->state != MBEDTLS_SSL_SERVER_FINISHED
        && ssl->transform_application != NULL && ssl->transform_out != ssl->transform_application) {
        /* The Finished may still wait to be sent, but it is encrypted already. */
        ssl->transform_out = ssl->transform_application;
        memset(ssl->cur_out_ctr, 0, sizeof ssl->cur_out_ctr);
    }
#else
    (void) ssl;
#endif
}

static int verify_certificate(void *user, mbedtls_x509_crt *certificate, int depth, uint32_t *reasons)
{
    fleetgate_connection *connection = user;
    *reasons = fleetgate_judge_certificate(
        connection->callbacks.verify, connection->verification, certificate, depth,
        fleetgate_connection_version(connection), *reasons);
    if (depth == 0 && *reasons != 0) {
        encrypt_alert_of_client(&connection->ssl);
    }
    /* Anything else would end the handshake without an alert. */
    return 0;
}

fleetgate_connection *fleetgate_connection_new(
    const fleetgate_settings *settings, const fleetgate_callbacks *callbacks, void *io, void *verification,
    int *error)
{
    fleetgate_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        *error = MBEDTLS_ERR_SSL_ALLOC_FAILED;
        return NULL;
    }
    connection->callbacks = *callbacks;
    connection->io = io;
    connection->verification = verification;
    connection->plain_alert_sent = -1;
    mbedtls_ssl_init(&connection->ssl);
    *error = mbedtls_ssl_setup(&connection->ssl, &settings->configuration);
    if (*error != 0) {
        fleetgate_connection_free(connection);
        return NULL;
    }
    mbedtls_ssl_set_bio(&connection->ssl, connection, send_ciphertext, receive_ciphertext, NULL);
    mbedtls_ssl_set_verify(&connection->ssl, verify_certificate, connection);
    return connection;
}

void fleetgate_connection_free(fleetgate_connection *connection)
{
    if (connection == NULL) {
        return;
    }
    mbedtls_ssl_free(&connection->ssl);
    free(connection);
}

int fleetgate_connection_set_server_name(fleetgate_connection *connection, const char *name)
{
    return mbedtls_ssl_set_hostname(&connection->ssl, name);
}

static fleetgate_step step_from(int status)
{
    switch (status) {
        case 0:
            return FLEETGATE_STEP_DONE;
        case MBEDTLS_ERR_SSL_WANT_READ:
        case MBEDTLS_ERR_SSL_WANT_WRITE:
            return FLEETGATE_STEP_NEEDS_INPUT;
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
        case MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET:
            return FLEETGATE_STEP_NEW_SESSION;
#endif
        case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
            return FLEETGATE_STEP_PEER_CLOSED;
        default:
            return FLEETGATE_STEP_FAILED;
    }
}

/*
 * The connection whose handshake is being stepped. mbedTLS gives its ticket callbacks none, only what belongs to the
 * settings, and so to many connections. One for each thread, so that not even a misuse of settings makes two meet.
 */
static _Thread_local fleetgate_connection *stepping;

fleetgate_connection *fleetgate_connection_being_stepped(void)
{
    return stepping;
}

/* Those of the anchors, which `fleetgate_settings_set_trust` took from a `fleetgate_certificates`. */
static const fleetgate_issuer_tables *tables_for(const fleetgate_connection *connection)
{
    const mbedtls_x509_crt *anchors = connection->ssl.conf->ca_chain;
    return anchors == NULL ? NULL : ((const fleetgate_certificates *) anchors)->tables;
}

fleetgate_step fleetgate_connection_handshake(fleetgate_connection *connection, int *error)
{
    /* As `mbedtls_ssl_handshake` does it. */
    *error = 0;
    fleetgate_connection *before = stepping;
    stepping = connection;
    const fleetgate_issuer_tables *tables_before = fleetgate_issuer_tables_use(tables_for(connection));
    while (*error == 0 && connection->ssl.state != MBEDTLS_SSL_HANDSHAKE_OVER) {
        if (connection->ssl.state == MBEDTLS_SSL_SERVER_CERTIFICATE) {
            connection->certificate_state_seen = 1;
            fleetgate_session_drop_ticket(connection->ssl.session_negotiate);
        }
        *error = mbedtls_ssl_handshake_step(&connection->ssl);
        if (*error == 0) {
            switch_server_to_application_keys(&connection->ssl);
        }
    }
    fleetgate_issuer_tables_use(tables_before);
    stepping = before;
    return step_from(*error);
}

fleetgate_step fleetgate_connection_decrypt(fleetgate_connection *connection, size_t *available, int *error)
{
    *available = 0;
    *error = fleetgate_connection_wake(connection);
    if (*error != 0) {
        return FLEETGATE_STEP_FAILED;
    }
    int count = mbedtls_ssl_read(&connection->ssl, &connection->first, 1);
    if (count == MBEDTLS_ERR_SSL_WANT_READ && connection->ssl.state != MBEDTLS_SSL_HANDSHAKE_OVER) {
        /* It has read a whole NewSessionTicket (TLS 1.3), and handles it only when called again. */
        count = mbedtls_ssl_read(&connection->ssl, &connection->first, 1);
    }
    if (count > 0) {
        *error = 0;
        connection->available = 1 + mbedtls_ssl_get_bytes_avail(&connection->ssl);
        *available = connection->available;
        return FLEETGATE_STEP_DONE;
    }
    /* 0 would be the end of the stream, which `receive_ciphertext` never reports. */
    *error = count == 0 ? MBEDTLS_ERR_SSL_INTERNAL_ERROR : count;
    return step_from(*error);
}

int fleetgate_connection_take(fleetgate_connection *connection, unsigned char *bytes, size_t length)
{
    if (length == 0 || length != connection->available) {
        return -1;
    }
    connection->available = 0;
    bytes[0] = connection->first;
    connection->first = 0;
    size_t taken = 1;
    while (taken < length) {
        int count = mbedtls_ssl_read(&connection->ssl, bytes + taken, length - taken);
        if (count <= 0) {
            return -1;
        }
        taken += (size_t) count;
    }
    return 0;
}

fleetgate_step fleetgate_connection_encrypt(
    fleetgate_connection *connection, const unsigned char *bytes, size_t length, size_t *taken, int *error)
{
    *taken = 0;
    *error = fleetgate_connection_wake(connection);
    if (*error != 0) {
        return FLEETGATE_STEP_FAILED;
    }
    int count = mbedtls_ssl_write(&connection->ssl, bytes, length);
    if (count >= 0) {
        *taken = (size_t) count;
        *error = 0;
        return FLEETGATE_STEP_DONE;
    }
    *error = count;
    return FLEETGATE_STEP_FAILED;
}

int fleetgate_connection_close_notify(fleetgate_connection *connection)
{
    int status = fleetgate_connection_wake(connection);
    return status != 0 ? status : mbedtls_ssl_close_notify(&connection->ssl);
}

int fleetgate_connection_send_fatal_alert(fleetgate_connection *connection, uint8_t description)
{
    int status = fleetgate_connection_wake(connection);
    return status != 0
        ? status
        : mbedtls_ssl_send_alert_message(&connection->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, description);
}

int fleetgate_connection_has_peer_certificate(const fleetgate_connection *connection)
{
    return mbedtls_ssl_get_peer_cert(&connection->ssl) != NULL;
}

int fleetgate_connection_version(const fleetgate_connection *connection)
{
#if FLEETGATE_MBEDTLS_3
    return (int) mbedtls_ssl_get_version_number(&connection->ssl);
#else
    return connection->ssl.major_ver == MBEDTLS_SSL_MAJOR_VERSION_3
            && connection->ssl.minor_ver == MBEDTLS_SSL_MINOR_VERSION_3
        ? FLEETGATE_VERSION_TLS12
        : 0;
#endif
}

uint16_t fleetgate_connection_cipher_suite(const fleetgate_connection *connection)
{
#if FLEETGATE_MBEDTLS_3
    return (uint16_t) mbedtls_ssl_get_ciphersuite_id_from_ssl(&connection->ssl);
#else
    return connection->ssl.session == NULL ? 0 : (uint16_t) connection->ssl.session->ciphersuite;
#endif
}

const char *fleetgate_connection_protocol(const fleetgate_connection *connection)
{
    return mbedtls_ssl_get_alpn_protocol(&connection->ssl);
}
