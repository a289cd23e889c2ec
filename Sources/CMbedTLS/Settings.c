/* mbedtls_ssl_config: everything set explicitly, nothing left to a default that differs between versions. */

#include <stdlib.h>
#include <string.h>

#include <mbedtls/ssl_ciphersuites.h>

#include "MbedTLSObjects.h"

/* IANA "TLS Supported Groups". */
#define GROUP_SECP256R1 0x0017
#define GROUP_SECP384R1 0x0018
#define GROUP_X25519 0x001D

#if FLEETGATE_MBEDTLS_3
/* No SHA-1; ECDSA first, because it is the cheaper one on both sides. */
static const uint16_t signature_algorithms[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256, MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,       MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
    MBEDTLS_TLS1_3_SIG_NONE,
};
#else
static const int signature_hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512, MBEDTLS_MD_NONE};
#endif

static const mbedtls_x509_crt_profile strong_profile = {
    MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) | MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384)
        | MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
    0xFFFFFFF, /* any public key algorithm that mbedTLS can verify */
    MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP256R1) | MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP384R1)
        | MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP521R1) | MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_BP256R1)
        | MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_BP384R1) | MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_BP512R1),
    2048, /* RSA bits: NIST SP 800-57 part 1, 112-bit strength */
};

mbedtls_x509_crt_profile fleetgate_profile(int weak_keys_allowed)
{
    mbedtls_x509_crt_profile profile = strong_profile;
    if (weak_keys_allowed) {
        profile.allowed_curves = 0xFFFFFFF;
        profile.rsa_min_bitlen = 1024;
    }
    return profile;
}

static int remember_server_name(void *user, mbedtls_ssl_context *ssl, const unsigned char *name, size_t length)
{
    (void) user;
    fleetgate_connection *connection = (fleetgate_connection *) ssl;
    connection->callbacks.server_name(connection->verification, name, length);
    return 0;
}

fleetgate_settings *fleetgate_settings_new(
    int is_server, int weak_keys_allowed, fleetgate_random *random, int *error)
{
    fleetgate_settings *settings = calloc(1, sizeof *settings);
    if (settings == NULL) {
        *error = MBEDTLS_ERR_SSL_ALLOC_FAILED;
        return NULL;
    }
    mbedtls_ssl_config *configuration = &settings->configuration;
    mbedtls_ssl_config_init(configuration);
    *error = mbedtls_ssl_config_defaults(
        configuration, is_server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
        MBEDTLS_SSL_PRESET_DEFAULT);
    if (*error != 0) {
        fleetgate_settings_free(settings);
        return NULL;
    }

    mbedtls_ssl_conf_rng(configuration, mbedtls_ctr_drbg_random, &random->generator);
    mbedtls_ssl_conf_authmode(configuration, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_renegotiation(configuration, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
    mbedtls_ssl_conf_legacy_renegotiation(configuration, MBEDTLS_SSL_LEGACY_NO_RENEGOTIATION);

    settings->profile = fleetgate_profile(weak_keys_allowed);
    mbedtls_ssl_conf_cert_profile(configuration, &settings->profile);
#if FLEETGATE_MBEDTLS_3
    mbedtls_ssl_conf_sig_algs(configuration, signature_algorithms);
#else
    mbedtls_ssl_conf_sig_hashes(configuration, signature_hashes);
#endif

    if (is_server) {
        mbedtls_ssl_conf_cert_req_ca_list(configuration, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
        mbedtls_ssl_conf_sni(configuration, remember_server_name, NULL);
    }
    /*
     * Resumption is off until it is asked for: no ticket callbacks and no cache on a server, no ticket extension on a
     * client, no PSK.
     */
    if (!is_server) {
        mbedtls_ssl_conf_session_tickets(configuration, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
    }
#if FLEETGATE_MBEDTLS_3
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
    mbedtls_ssl_conf_tls13_key_exchange_modes(configuration, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
#if defined(MBEDTLS_SSL_SESSION_TICKETS) && defined(MBEDTLS_SSL_SRV_C)
    mbedtls_ssl_conf_new_session_tickets(configuration, 0);
#endif
#endif
#endif
    return settings;
}

/* With a fresh key exchange always: a session's key alone would give up forward secrecy (RFC 8446, 2.2 and E.1). */
static void allow_resumption_in_tls13(fleetgate_settings *settings)
{
#if FLEETGATE_MBEDTLS_3 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
    mbedtls_ssl_conf_tls13_key_exchange_modes(
        &settings->configuration,
        MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL | MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL);
#else
    (void) settings;
#endif
}

void fleetgate_settings_free(fleetgate_settings *settings)
{
    if (settings == NULL) {
        return;
    }
    mbedtls_ssl_config_free(&settings->configuration);
    for (size_t index = 0; index < settings->protocol_count; index += 1) {
        free(settings->protocols[index]);
    }
    free(settings);
}

int fleetgate_settings_set_versions(fleetgate_settings *settings, int lowest, int highest)
{
    if (lowest < FLEETGATE_VERSION_TLS12 || highest > FLEETGATE_VERSION_TLS13 || lowest > highest) {
        return -1;
    }
    if (highest == FLEETGATE_VERSION_TLS13 && !fleetgate_library_has_tls13()) {
        return -1;
    }
#if FLEETGATE_MBEDTLS_3
    mbedtls_ssl_conf_min_tls_version(&settings->configuration, (mbedtls_ssl_protocol_version) lowest);
    mbedtls_ssl_conf_max_tls_version(&settings->configuration, (mbedtls_ssl_protocol_version) highest);
#else
    mbedtls_ssl_conf_min_version(&settings->configuration, MBEDTLS_SSL_MAJOR_VERSION_3, lowest & 0xFF);
    mbedtls_ssl_conf_max_version(&settings->configuration, MBEDTLS_SSL_MAJOR_VERSION_3, highest & 0xFF);
#endif
    return 0;
}

int fleetgate_settings_set_cipher_suites(fleetgate_settings *settings, const uint16_t *suites, size_t count)
{
    if (count == 0 || count > FLEETGATE_CIPHER_SUITES_MAX) {
        return -1;
    }
    for (size_t index = 0; index < count; index += 1) {
        if (mbedtls_ssl_ciphersuite_from_id(suites[index]) == NULL) {
            return -1;
        }
        settings->cipher_suites[index] = suites[index];
    }
    settings->cipher_suites[count] = 0;
    mbedtls_ssl_conf_ciphersuites(&settings->configuration, settings->cipher_suites);
    return 0;
}

int fleetgate_settings_set_named_groups(fleetgate_settings *settings, const uint16_t *groups, size_t count)
{
    if (count == 0 || count > FLEETGATE_NAMED_GROUPS_MAX) {
        return -1;
    }
    for (size_t index = 0; index < count; index += 1) {
        switch (groups[index]) {
#if FLEETGATE_MBEDTLS_3
            case GROUP_SECP256R1:
            case GROUP_SECP384R1:
            case GROUP_X25519:
                settings->groups[index] = groups[index];
                break;
#else
            case GROUP_SECP256R1:
                settings->groups[index] = MBEDTLS_ECP_DP_SECP256R1;
                break;
            case GROUP_SECP384R1:
                settings->groups[index] = MBEDTLS_ECP_DP_SECP384R1;
                break;
            case GROUP_X25519:
                settings->groups[index] = MBEDTLS_ECP_DP_CURVE25519;
                break;
#endif
            default:
                return -1;
        }
    }
#if FLEETGATE_MBEDTLS_3
    settings->groups[count] = MBEDTLS_SSL_IANA_TLS_GROUP_NONE;
    mbedtls_ssl_conf_groups(&settings->configuration, settings->groups);
#else
    settings->groups[count] = MBEDTLS_ECP_DP_NONE;
    mbedtls_ssl_conf_curves(&settings->configuration, settings->groups);
#endif
    return 0;
}

int fleetgate_settings_add_protocol(fleetgate_settings *settings, const unsigned char *name, size_t length)
{
    if (length == 0 || length > FLEETGATE_PROTOCOL_LENGTH_MAX || memchr(name, 0, length) != NULL
        || settings->protocol_count == FLEETGATE_PROTOCOLS_MAX) {
        return -1;
    }
    char *copy = malloc(length + 1);
    if (copy == NULL) {
        return -1;
    }
    memcpy(copy, name, length);
    copy[length] = 0;
    settings->protocols[settings->protocol_count] = copy;
    settings->protocol_count += 1;
    return 0;
}

int fleetgate_settings_apply_protocols(fleetgate_settings *settings)
{
    if (settings->protocol_count == 0) {
        return 0;
    }
    return mbedtls_ssl_conf_alpn_protocols(&settings->configuration, (const char **) settings->protocols);
}

int fleetgate_settings_set_identity(
    fleetgate_settings *settings, fleetgate_certificates *chain, fleetgate_key *key)
{
    return mbedtls_ssl_conf_own_cert(&settings->configuration, &chain->chain, &key->key);
}

void fleetgate_settings_set_trust(fleetgate_settings *settings, fleetgate_certificates *anchors)
{
    mbedtls_ssl_conf_ca_chain(&settings->configuration, &anchors->chain, NULL);
}

void fleetgate_settings_set_keeps_sessions(fleetgate_settings *settings)
{
    mbedtls_ssl_conf_session_tickets(&settings->configuration, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
    allow_resumption_in_tls13(settings);
#if FLEETGATE_MBEDTLS_3 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        &settings->configuration, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
}

void fleetgate_settings_set_issues_tickets(fleetgate_settings *settings)
{
    fleetgate_settings_conf_ticket_callbacks(settings);
    allow_resumption_in_tls13(settings);
#if FLEETGATE_MBEDTLS_3 && defined(MBEDTLS_SSL_PROTO_TLS1_3)
    mbedtls_ssl_conf_new_session_tickets(&settings->configuration, 1);
#endif
}

void fleetgate_settings_set_sends_authorities(fleetgate_settings *settings, int sends)
{
    mbedtls_ssl_conf_cert_req_ca_list(
        &settings->configuration,
        sends ? MBEDTLS_SSL_CERT_REQ_CA_LIST_ENABLED : MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
}

int fleetgate_settings_set_maximum_fragment_length(fleetgate_settings *settings, int code)
{
    return mbedtls_ssl_conf_max_frag_len(&settings->configuration, (unsigned char) code);
}
