/*
 * What a connection does without when it has nothing to do: what mbedTLS keeps of its handshake, and its record buffers.
 *
 * mbedTLS gives each connection two buffers of 16.3 KiB for its whole life, though nothing is in them between two
 * records but the number of the next one to be received. So a connection that rests lends its buffers to the next one on
 * the same thread that works: a thread needs two, besides those of handshakes and of records that are half there.
 */

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "MbedTLSObjects.h"

#include <mbedtls/platform.h>
#include <mbedtls/platform_util.h>

#if defined(MBEDTLS_SSL_VARIABLE_BUFFER_LENGTH)
#error "with buffers of different lengths no connection can use another's"
#endif

/* More than one only where several connections have half a record each; beyond that they are freed. */
#define SPARES_MAX 4
/* What may stand around the bytes of the largest record: headers, nonce, tag, the counter. */
#define AROUND_RECORD 128

typedef struct {
    unsigned char *in;
    unsigned char *out;
} buffers;

typedef struct {
    size_t count;
    buffers pairs[SPARES_MAX];
} spares;

static pthread_key_t spares_key;
static int has_spares_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_spares(void *user)
{
    spares *own = user;
    for (size_t index = 0; index < own->count; index += 1) {
        mbedtls_free(own->pairs[index].in);
        mbedtls_free(own->pairs[index].out);
    }
    free(own);
}

static void make_key(void)
{
    has_spares_key = pthread_key_create(&spares_key, free_spares) == 0;
}

/* This thread's, or null when there is no memory for them. */
static spares *own_spares(void)
{
    pthread_once(&once, make_key);
    if (!has_spares_key) {
        return NULL;
    }
    spares *own = pthread_getspecific(spares_key);
    if (own == NULL) {
        own = calloc(1, sizeof *own);
        if (own != NULL && pthread_setspecific(spares_key, own) != 0) {
            free(own);
            own = NULL;
        }
    }
    return own;
}

/* A pair as mbedTLS itself makes it, whose sizes it tells nobody. */
static int make_buffers(const mbedtls_ssl_config *configuration, buffers *made)
{
    mbedtls_ssl_context ssl;
    mbedtls_ssl_init(&ssl);
    int status = mbedtls_ssl_setup(&ssl, configuration);
    made->in = ssl.in_buf;
    made->out = ssl.out_buf;
    ssl.in_buf = NULL;
    ssl.out_buf = NULL;
    mbedtls_ssl_free(&ssl);
    if (status != 0) {
        mbedtls_free(made->in);
        mbedtls_free(made->out);
        return status;
    }
    /* Setup has written first pointers into it, no bytes but zeros. */
    return 0;
}

/* Overwrites what can have been written since the buffer was zero, so that no connection finds another's bytes. */
static void clean(unsigned char *buffer, size_t passed)
{
    size_t size = malloc_usable_size(buffer);
    memset(buffer, 0, passed < size - AROUND_RECORD ? passed + AROUND_RECORD : size);
}

/* Whether nothing is in the buffers, neither to be sent nor received in part or read in part. */
static int is_idle(const fleetgate_connection *connection)
{
    const mbedtls_ssl_context *ssl = &connection->ssl;
#if MBEDTLS_VERSION_NUMBER >= 0x03060300
    /* Over TCP: bytes of a handshake message that came in several records. */
    if (ssl->badmac_seen_or_in_hsfraglen != 0) {
        return 0;
    }
#endif
    return ssl->state == MBEDTLS_SSL_HANDSHAKE_OVER && ssl->in_buf != NULL && ssl->out_buf != NULL
        && ssl->out_left == 0 && ssl->in_left == 0 && ssl->in_offt == NULL && ssl->in_msglen == 0
        && ssl->in_hslen == 0 && ssl->keep_current_message == 0 && connection->available == 0
        && ssl->in_ctr == ssl->in_buf && ssl->in_hdr == ssl->in_buf + sizeof connection->resting.in_counter;
}

#if FLEETGATE_MBEDTLS_3
/* mbedTLS's own, which its headers for applications do not declare. The first leaves all zeros. */
void mbedtls_ssl_handshake_free(mbedtls_ssl_context *ssl);
void mbedtls_ssl_transform_free(mbedtls_ssl_transform *transform);
#endif

/* Frees what is left of a handshake that is over, the peer's certificate among it. */
static void settle(fleetgate_connection *connection)
{
    mbedtls_ssl_context *ssl = &connection->ssl;
    if (connection->is_settled) {
        return;
    }
    connection->is_settled = 1;
    if (ssl->session != NULL) {
        fleetgate_session_drop_certificate(ssl->session);
    }
#if FLEETGATE_MBEDTLS_3
    /* TLS 1.3 over TCP never frees it (`mbedtls_ssl_handshake_wrapup_free_hs_transform` is for TLS 1.2 and DTLS). */
    if (ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_3 && ssl->handshake != NULL) {
        mbedtls_ssl_handshake_free(ssl);
#if defined(MBEDTLS_SSL_PROTO_TLS1_2)
        /* The keys that TLS 1.2 would have had: `mbedtls_ssl_free` frees them only together with the handshake. */
        mbedtls_ssl_transform_free(ssl->transform_negotiate);
        mbedtls_free(ssl->transform_negotiate);
        ssl->transform_negotiate = NULL;
#endif
        /* A client that takes NewSessionTickets notes their extensions in it, and steps through them only with one. */
        if (ssl->conf->endpoint == MBEDTLS_SSL_IS_SERVER
            || ssl->conf->session_tickets == MBEDTLS_SSL_SESSION_TICKETS_DISABLED) {
            mbedtls_free(ssl->handshake);
            ssl->handshake = NULL;
        }
    }
#endif
}

int fleetgate_connection_rest(fleetgate_connection *connection)
{
    if (connection->resting.is_resting) {
        return 1;
    }
    if (!is_idle(connection)) {
        return 0;
    }
    settle(connection);
    mbedtls_ssl_context *ssl = &connection->ssl;
    fleetgate_resting *resting = &connection->resting;
    memcpy(resting->in_counter, ssl->in_ctr, sizeof resting->in_counter);
    buffers pair = {ssl->in_buf, ssl->out_buf};
#define FOR_EACH_POINTER(DO)                                                                                          \
    DO(in, hdr) DO(in, len) DO(in, iv) DO(in, msg) DO(out, ctr) DO(out, hdr) DO(out, len) DO(out, iv) DO(out, msg)
#define KEEP_OFFSET(side, name)                                                                                       \
    resting->side##_##name = (uint8_t) (ssl->side##_##name - ssl->side##_buf);                                        \
    ssl->side##_##name = NULL;
    FOR_EACH_POINTER(KEEP_OFFSET)
    ssl->in_ctr = NULL;
#if defined(MBEDTLS_SSL_DTLS_CONNECTION_ID)
    /* For TLS they are the same (`mbedtls_ssl_update_in_pointers`). */
    ssl->in_cid = NULL;
    ssl->out_cid = NULL;
#endif
    ssl->in_buf = NULL;
    ssl->out_buf = NULL;
    resting->is_resting = 1;

    spares *own = own_spares();
    if (own == NULL || own->count == SPARES_MAX) {
        mbedtls_platform_zeroize(pair.in, malloc_usable_size(pair.in));
        mbedtls_platform_zeroize(pair.out, malloc_usable_size(pair.out));
        mbedtls_free(pair.in);
        mbedtls_free(pair.out);
        return 1;
    }
    clean(pair.in, resting->received);
    clean(pair.out, resting->sent);
    own->pairs[own->count] = pair;
    own->count += 1;
    return 1;
}

int fleetgate_connection_wake(fleetgate_connection *connection)
{
    if (!connection->resting.is_resting) {
        return 0;
    }
    mbedtls_ssl_context *ssl = &connection->ssl;
    fleetgate_resting *resting = &connection->resting;
    buffers pair;
    spares *own = own_spares();
    if (own != NULL && own->count > 0) {
        own->count -= 1;
        pair = own->pairs[own->count];
    } else {
        int status = make_buffers(ssl->conf, &pair);
        if (status != 0) {
            return status;
        }
    }
    ssl->in_buf = pair.in;
    ssl->out_buf = pair.out;
    ssl->in_ctr = ssl->in_buf;
    memcpy(ssl->in_ctr, resting->in_counter, sizeof resting->in_counter);
#define FROM_OFFSET(side, name) ssl->side##_##name = ssl->side##_buf + resting->side##_##name;
    FOR_EACH_POINTER(FROM_OFFSET)
#if defined(MBEDTLS_SSL_DTLS_CONNECTION_ID)
    ssl->in_cid = ssl->in_len;
    ssl->out_cid = ssl->out_len;
#endif
    resting->is_resting = 0;
    resting->received = 0;
    resting->sent = 0;
    return 0;
}
