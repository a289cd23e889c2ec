/* What all TLS connections have in common, and the beginning of one. */
#include <string.h>

#include "connection.h"
#include "options.h"
#include "process.h"

static SSL_CTX *context;

static int keepSession(SSL *ssl, SSL_SESSION *session) {
    struct device *device = SSL_get_app_data(ssl);
    SSL_SESSION_free(device->session);
    device->session = session;
    return 1;
}

void makeContext(void) {
    int version = strcmp(option.tls, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    context = SSL_CTX_new(TLS_client_method());
    /* What small devices have: P-256 for everything, AES-128 in GCM. The same for every server. */
    if (!context || !SSL_CTX_set_min_proto_version(context, version) || !SSL_CTX_set_max_proto_version(context, version)
        || !SSL_CTX_set1_groups_list(context, "P-256")
        || !SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256")
        || !SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256")
        || !SSL_CTX_load_verify_file(context, option.ca))
        fail("cannot set up TLS");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    /* Nobody is sent the CA that it trusts anyway: a device sends its own certificate and no more. */
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    /* firmware-sim asks for no ticket when it will not come again; nor does this, so that the two can be compared. */
    if (!option.resume) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keepSession);
}

void beginTLS(struct device *device) {
    if (!context) return;
    device->ssl = SSL_new(context);
    if (!device->ssl || !SSL_set_fd(device->ssl, device->fd)
        || !SSL_use_certificate(device->ssl, device->certificate)
        || !SSL_use_PrivateKey(device->ssl, device->key))
        fail("cannot begin a TLS connection");
    SSL_set_app_data(device->ssl, device);
    SSL_set_tlsext_host_name(device->ssl, "localhost");
    SSL_set1_host(device->ssl, "localhost");
    if (option.resume && device->session) SSL_set_session(device->ssl, device->session);
}
