/* What a failed step was about: mbedTLS's codes, states and messages, which differ between versions. */

#include <mbedtls/error.h>

#include "MbedTLSObjects.h"

_Static_assert(FLEETGATE_CERTIFICATE_EXPIRED == MBEDTLS_X509_BADCERT_EXPIRED, "");
_Static_assert(FLEETGATE_CERTIFICATE_REVOKED == MBEDTLS_X509_BADCERT_REVOKED, "");
_Static_assert(FLEETGATE_CERTIFICATE_WRONG_NAME == MBEDTLS_X509_BADCERT_CN_MISMATCH, "");
_Static_assert(FLEETGATE_CERTIFICATE_NOT_TRUSTED == MBEDTLS_X509_BADCERT_NOT_TRUSTED, "");
_Static_assert(FLEETGATE_CERTIFICATE_OTHER == MBEDTLS_X509_BADCERT_OTHER, "");
_Static_assert(FLEETGATE_CERTIFICATE_NOT_YET_VALID == MBEDTLS_X509_BADCERT_FUTURE, "");
_Static_assert(FLEETGATE_CERTIFICATE_KEY_USAGE == MBEDTLS_X509_BADCERT_KEY_USAGE, "");
_Static_assert(FLEETGATE_CERTIFICATE_EXTENDED_KEY_USAGE == MBEDTLS_X509_BADCERT_EXT_KEY_USAGE, "");
_Static_assert(FLEETGATE_CERTIFICATE_WEAK_DIGEST == MBEDTLS_X509_BADCERT_BAD_MD, "");
_Static_assert(FLEETGATE_CERTIFICATE_UNACCEPTABLE_ALGORITHM == MBEDTLS_X509_BADCERT_BAD_PK, "");
_Static_assert(FLEETGATE_CERTIFICATE_WEAK_KEY == MBEDTLS_X509_BADCERT_BAD_KEY, "");

#define HANDSHAKE_MESSAGE_CERTIFICATE 11
#define HANDSHAKE_HEADER_LENGTH 4
#define RECORD_HEADER_LENGTH 5

/* An mbedTLS code is a high-level one (a multiple of 0x80) plus, perhaps, a low-level one (below 0x80). */
static int high_level(int error)
{
    return -(-error & 0x7F80);
}

static int is_out_of_memory(int error)
{
    switch (high_level(error)) {
        case MBEDTLS_ERR_SSL_ALLOC_FAILED:
        case MBEDTLS_ERR_X509_ALLOC_FAILED:
        case MBEDTLS_ERR_PK_ALLOC_FAILED:
        case MBEDTLS_ERR_ECP_ALLOC_FAILED:
        case MBEDTLS_ERR_MD_ALLOC_FAILED:
        case MBEDTLS_ERR_CIPHER_ALLOC_FAILED:
            return 1;
        default:
            return error == MBEDTLS_ERR_MPI_ALLOC_FAILED || error == MBEDTLS_ERR_ASN1_ALLOC_FAILED;
    }
}

/* Errors of the X.509 (0x20 to 0x2F) and PK (0x39 to 0x3F) modules, other than those told apart before. */
static int is_about_a_certificate(int error)
{
    int module = -high_level(error) >> 8;
    return (module >= 0x20 && module <= 0x2F) || (module >= 0x39 && module <= 0x3F);
}

static int is_bad_signature(int error)
{
    int high = high_level(error);
    return high == MBEDTLS_ERR_ECP_VERIFY_FAILED || high == MBEDTLS_ERR_RSA_VERIFY_FAILED
        || high == MBEDTLS_ERR_PK_SIG_LEN_MISMATCH;
}

#if FLEETGATE_MBEDTLS_3
/* 3.6 has one code for many failures: which one it was follows from the state it stopped in. */
static fleetgate_failure handshake_failure_in_state(int state)
{
    if (state <= MBEDTLS_SSL_SERVER_HELLO) {
        return FLEETGATE_FAILURE_NO_SHARED_CIPHER;
    }
    if (state == MBEDTLS_SSL_CERTIFICATE_VERIFY || state == MBEDTLS_SSL_CLIENT_CERTIFICATE_VERIFY) {
        return FLEETGATE_FAILURE_PROOF_OF_POSSESSION;
    }
    return FLEETGATE_FAILURE_PROTOCOL;
}
#endif

/*
 * A client that refuses our certificate in TLS 1.3 may send its alert in the clear, which mbedTLS takes for a bad record.
 * As the connection has failed anyway, believing it harms nothing. Returns its description, or -1.
 */
static int plain_alert_received(const fleetgate_connection *connection)
{
#if FLEETGATE_MBEDTLS_3
    const unsigned char *record = connection->ssl.in_hdr;
    if (connection->ssl.tls_version == MBEDTLS_SSL_VERSION_TLS1_3 && record != NULL
        && connection->ssl.in_left >= RECORD_HEADER_LENGTH && record[0] == MBEDTLS_SSL_MSG_ALERT
        && connection->ssl.state != MBEDTLS_SSL_HANDSHAKE_OVER && record[3] == 0 && record[4] == 2
        && connection->ssl.in_left >= RECORD_HEADER_LENGTH + 2
        && record[RECORD_HEADER_LENGTH] == MBEDTLS_SSL_ALERT_LEVEL_FATAL) {
        return record[RECORD_HEADER_LENGTH + 1];
    }
#else
    (void) connection;
#endif
    return -1;
}

fleetgate_failure fleetgate_connection_failure(const fleetgate_connection *connection, int error)
{
    if (is_out_of_memory(error)) {
        return FLEETGATE_FAILURE_OUT_OF_MEMORY;
    }
    switch (error) {
        case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
#if FLEETGATE_MBEDTLS_3
        case MBEDTLS_ERR_SSL_BAD_CERTIFICATE:
#else
        case MBEDTLS_ERR_SSL_BAD_HS_CERTIFICATE:
#endif
            return fleetgate_connection_reasons(connection) == 0 ? FLEETGATE_FAILURE_CERTIFICATE_UNPARSABLE
                                                                 : FLEETGATE_FAILURE_VERIFICATION;
        case MBEDTLS_ERR_X509_FATAL_ERROR:
            /* Our verify callback never fails, so this is the chain being longer than mbedTLS can hold. */
            return FLEETGATE_FAILURE_CHAIN_TOO_LONG;
        case MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE:
            return FLEETGATE_FAILURE_NO_CERTIFICATE;
        case MBEDTLS_ERR_SSL_INVALID_MAC:
        case MBEDTLS_ERR_SSL_INVALID_RECORD:
            return plain_alert_received(connection) >= 0 ? FLEETGATE_FAILURE_PEER_ALERT
                                                         : FLEETGATE_FAILURE_BAD_RECORD;
        case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
            return FLEETGATE_FAILURE_PEER_ALERT;
#if FLEETGATE_MBEDTLS_3
        case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
            return FLEETGATE_FAILURE_NO_SHARED_VERSION;
        case MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL:
            return FLEETGATE_FAILURE_NO_SHARED_PROTOCOL;
        case MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE:
            return handshake_failure_in_state(connection->ssl.state);
#else
        case MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION:
            return FLEETGATE_FAILURE_NO_SHARED_VERSION;
        case MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN:
        case MBEDTLS_ERR_SSL_NO_USABLE_CIPHERSUITE:
            return FLEETGATE_FAILURE_NO_SHARED_CIPHER;
#endif
        case MBEDTLS_ERR_SSL_BAD_INPUT_DATA:
        case MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL:
            /* A record or message that does not fit into mbedTLS's buffer (`mbedtls_ssl_fetch_input`). */
            return FLEETGATE_FAILURE_BAD_RECORD;
        case MBEDTLS_ERR_SSL_INTERNAL_ERROR:
        case MBEDTLS_ERR_SSL_BAD_CONFIG:
        case MBEDTLS_ERR_SSL_NO_RNG:
        case MBEDTLS_ERR_SSL_CA_CHAIN_REQUIRED:
        case MBEDTLS_ERR_SSL_PRIVATE_KEY_REQUIRED:
        case MBEDTLS_ERR_SSL_COUNTER_WRAPPING:
        case MBEDTLS_ERR_ERROR_CORRUPTION_DETECTED:
            return FLEETGATE_FAILURE_INTERNAL;
        default:
            break;
    }
    /* 2.28 has no code of its own for these. */
    if (connection->plain_alert_sent == MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL) {
        return FLEETGATE_FAILURE_NO_SHARED_PROTOCOL;
    }
    if (connection->plain_alert_sent == MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION) {
        return FLEETGATE_FAILURE_NO_SHARED_VERSION;
    }
    if (is_bad_signature(error)) {
        return FLEETGATE_FAILURE_PROOF_OF_POSSESSION;
    }
    if (is_about_a_certificate(error)) {
        return FLEETGATE_FAILURE_CERTIFICATE_UNPARSABLE;
    }
    return FLEETGATE_FAILURE_PROTOCOL;
}

fleetgate_failure fleetgate_chain_failure(int error)
{
    if (is_out_of_memory(error)) {
        return FLEETGATE_FAILURE_OUT_OF_MEMORY;
    }
    switch (error) {
        case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
            return FLEETGATE_FAILURE_VERIFICATION;
        case MBEDTLS_ERR_X509_FATAL_ERROR:
            return FLEETGATE_FAILURE_CHAIN_TOO_LONG;
        default:
            return is_about_a_certificate(error) ? FLEETGATE_FAILURE_CERTIFICATE_UNPARSABLE
                                                 : FLEETGATE_FAILURE_INTERNAL;
    }
}

uint32_t fleetgate_connection_reasons(const fleetgate_connection *connection)
{
    const mbedtls_ssl_session *session = connection->ssl.session_negotiate;
    return session == NULL ? 0 : session->verify_result;
}

/* The same order in 2.28 (ssl_tls.c) and 3.6 (ssl_tls.c). */
int fleetgate_alert_for_reasons(uint32_t reasons)
{
    if (reasons & MBEDTLS_X509_BADCERT_OTHER) {
        return MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED;
    }
    if (reasons & MBEDTLS_X509_BADCERT_CN_MISMATCH) {
        return MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
    }
    if (reasons & (MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE
                   | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY)) {
        return MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT;
    }
    if (reasons & MBEDTLS_X509_BADCERT_EXPIRED) {
        return MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED;
    }
    if (reasons & MBEDTLS_X509_BADCERT_REVOKED) {
        return MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED;
    }
    if (reasons & MBEDTLS_X509_BADCERT_NOT_TRUSTED) {
        return MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA;
    }
    return MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN;
}

int fleetgate_connection_alert_sent(const fleetgate_connection *connection)
{
    if (connection->plain_alert_sent >= 0) {
        return connection->plain_alert_sent;
    }
    uint32_t reasons = fleetgate_connection_reasons(connection);
    /* Missing (no certificate) is set without a chain having been judged; all ones is the value before any was. */
    if (reasons != 0 && reasons != UINT32_MAX && !(reasons & MBEDTLS_X509_BADCERT_MISSING)) {
        return fleetgate_alert_for_reasons(reasons);
    }
#if FLEETGATE_MBEDTLS_3
    if (connection->ssl.alert_type != 0) {
        return connection->ssl.alert_type;
    }
#endif
    return -1;
}

int fleetgate_connection_alert_received(const fleetgate_connection *connection, int error)
{
    if (error == MBEDTLS_ERR_SSL_INVALID_MAC || error == MBEDTLS_ERR_SSL_INVALID_RECORD) {
        return plain_alert_received(connection);
    }
    return error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE && connection->ssl.in_msg != NULL
            && connection->ssl.in_msgtype == MBEDTLS_SSL_MSG_ALERT && connection->ssl.in_msglen == 2
        ? connection->ssl.in_msg[1]
        : -1;
}

const unsigned char *fleetgate_connection_presented_certificate(
    const fleetgate_connection *connection, size_t index, size_t *length)
{
    *length = 0;
    const unsigned char *message = connection->ssl.in_msg;
    size_t left = connection->ssl.in_hslen;
    if (message == NULL || connection->ssl.in_msgtype != MBEDTLS_SSL_MSG_HANDSHAKE
        || left > MBEDTLS_SSL_IN_CONTENT_LEN || left < HANDSHAKE_HEADER_LENGTH
        || message[0] != HANDSHAKE_MESSAGE_CERTIFICATE) {
        return NULL;
    }
    message += HANDSHAKE_HEADER_LENGTH;
    left -= HANDSHAKE_HEADER_LENGTH;
    int has_extensions = fleetgate_connection_version(connection) == FLEETGATE_VERSION_TLS13;
    if (has_extensions) {
        /* RFC 8446, 4.4.2: an empty certificate_request_context comes first. */
        if (left < 1 || message[0] != 0) {
            return NULL;
        }
        message += 1;
        left -= 1;
    }
    /* The length of the list; then for each certificate its length, three bytes each. */
    if (left < 3) {
        return NULL;
    }
    message += 3;
    left -= 3;
    for (;;) {
        if (left < 3) {
            return NULL;
        }
        size_t size = ((size_t) message[0] << 16) | ((size_t) message[1] << 8) | message[2];
        message += 3;
        left -= 3;
        if (size == 0 || size > left) {
            return NULL;
        }
        if (index == 0) {
            *length = size;
            return message;
        }
        index -= 1;
        message += size;
        left -= size;
        if (has_extensions) {
            /* In TLS 1.3 each has extensions, with two bytes for their length. */
            if (left < 2) {
                return NULL;
            }
            size_t extensions = ((size_t) message[0] << 8) | message[1];
            if (extensions > left - 2) {
                return NULL;
            }
            message += 2 + extensions;
            left -= 2 + extensions;
        }
    }
}

void fleetgate_error_text(int error, char *text, size_t capacity)
{
    mbedtls_strerror(error, text, capacity);
}
