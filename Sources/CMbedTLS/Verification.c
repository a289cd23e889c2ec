/* The judgement of a chain, in a handshake or without one. */

#include "MbedTLSObjects.h"

#include <mbedtls/oid.h>

uint32_t fleetgate_judge_certificate(
    fleetgate_verify verify, void *verification, const mbedtls_x509_crt *certificate, int depth, int version,
    uint32_t reasons)
{
    uint32_t standing =
        verify(verification, certificate->raw.p, certificate->raw.len, depth, version, reasons);
    /* Policy can excuse these and no other, so no mistake above this line lets anything else through. */
    const uint32_t excusable =
        MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
    return standing | (reasons & ~excusable);
}

typedef struct {
    fleetgate_verify verify;
    void *verification;
    int version;
} judgement;

static int judge(void *user, mbedtls_x509_crt *certificate, int depth, uint32_t *reasons)
{
    const judgement *judging = user;
    *reasons = fleetgate_judge_certificate(
        judging->verify, judging->verification, certificate, depth, judging->version, *reasons);
    return 0;
}

/* What a server's handshake asks of the leaf after the chain (`mbedtls_ssl_check_cert_usage`). */
static uint32_t usage_reasons(const mbedtls_x509_crt *leaf)
{
    uint32_t reasons = 0;
    if (mbedtls_x509_crt_check_key_usage(leaf, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0) {
        reasons |= MBEDTLS_X509_BADCERT_KEY_USAGE;
    }
    if (mbedtls_x509_crt_check_extended_key_usage(
            leaf, MBEDTLS_OID_CLIENT_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH)) != 0) {
        reasons |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
    }
    return reasons;
}

int fleetgate_certificates_verify(
    fleetgate_certificates *chain, fleetgate_certificates *anchors, int weak_keys_allowed, fleetgate_verify verify,
    void *verification, uint32_t *reasons)
{
    judgement judging = {verify, verification, 0};
    mbedtls_x509_crt_profile profile = fleetgate_profile(weak_keys_allowed);
    *reasons = 0;
    return mbedtls_x509_crt_verify_with_profile(
        &chain->chain, &anchors->chain, NULL, &profile, NULL, reasons, judge, &judging);
}

int fleetgate_settings_verify(
    const fleetgate_settings *settings, fleetgate_certificates *chain, fleetgate_verify verify, void *verification,
    int version, uint32_t *reasons)
{
    judgement judging = {verify, verification, version};
    *reasons = 0;
    /* The arguments that ssl_tls.c passes: these anchors, no CRL, this profile; no name, as on every server. */
    int status = mbedtls_x509_crt_verify_with_profile(
        &chain->chain, settings->configuration.ca_chain, NULL, &settings->profile, NULL, reasons, judge, &judging);
    if (status == 0 || status == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        *reasons |= usage_reasons(&chain->chain);
        status = *reasons == 0 ? 0 : MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
    }
    return status;
}
