/* mbedtls_ssl_session: what a client keeps of a connection to resume it. */

#include "MbedTLSObjects.h"

#include <mbedtls/platform.h>

int fleetgate_connection_is_resumed(const fleetgate_connection *connection)
{
    return connection->ssl.state == MBEDTLS_SSL_HANDSHAKE_OVER && !connection->certificate_state_seen;
}

/* Whether a server could resume it: by a ticket, or in TLS 1.2 by what it remembers under an identifier. */
static int is_resumable(const mbedtls_ssl_session *session)
{
    if (session->ticket != NULL && session->ticket_len > 0) {
        return 1;
    }
#if FLEETGATE_MBEDTLS_3
    return session->tls_version == MBEDTLS_SSL_VERSION_TLS1_2 && session->id_len > 0;
#else
    return session->id_len > 0;
#endif
}

int fleetgate_connection_save_session(
    const fleetgate_connection *connection, unsigned char *bytes, size_t capacity, size_t *length)
{
    *length = 0;
    mbedtls_ssl_session session;
    mbedtls_ssl_session_init(&session);
    int status = mbedtls_ssl_get_session(&connection->ssl, &session);
    if (status == 0 && !is_resumable(&session)) {
        status = MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE;
    }
    if (status == 0) {
        /* The certificate is kept beside the session, by those who judged it. */
        fleetgate_session_drop_certificate(&session);
        status = mbedtls_ssl_session_save(&session, bytes, capacity, length);
    }
    mbedtls_ssl_session_free(&session);
    return status;
}

int fleetgate_connection_set_session(fleetgate_connection *connection, const unsigned char *bytes, size_t length)
{
    mbedtls_ssl_session session;
    mbedtls_ssl_session_init(&session);
    int status = mbedtls_ssl_session_load(&session, bytes, length);
    if (status == 0) {
        status = mbedtls_ssl_set_session(&connection->ssl, &session);
    }
    mbedtls_ssl_session_free(&session);
    return status;
}

/*
 * A ticket that the server has declined: mbedTLS would keep it beside the new session's secret in TLS 1.2, and such a
 * session could not be resumed but would end the handshake with an error (RFC 5077, 3.3: the server may send no ticket).
 */
void fleetgate_session_drop_ticket(mbedtls_ssl_session *session)
{
    if (session != NULL) {
        mbedtls_free(session->ticket);
        session->ticket = NULL;
        session->ticket_len = 0;
    }
}

void fleetgate_session_drop_certificate(mbedtls_ssl_session *session)
{
#if defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE)
    if (session->peer_cert != NULL) {
        mbedtls_x509_crt_free(session->peer_cert);
        mbedtls_free(session->peer_cert);
        session->peer_cert = NULL;
    }
#else
    (void) session;
#endif
}
