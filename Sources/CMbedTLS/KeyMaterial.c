/* Random source, certificates and private keys. */

#include <stdlib.h>
#include <string.h>

#include <mbedtls/platform_util.h>

#include "MbedTLSObjects.h"

#include <mbedtls/oid.h>

fleetgate_random *fleetgate_random_new(int *error)
{
    fleetgate_random *random = calloc(1, sizeof *random);
    if (random == NULL) {
        *error = MBEDTLS_ERR_SSL_ALLOC_FAILED;
        return NULL;
    }
    mbedtls_entropy_init(&random->entropy);
    mbedtls_ctr_drbg_init(&random->generator);
    static const unsigned char personalization[] = "fleetgate";
    *error = mbedtls_ctr_drbg_seed(
        &random->generator, mbedtls_entropy_func, &random->entropy, personalization, sizeof personalization - 1);
    if (*error != 0) {
        fleetgate_random_free(random);
        return NULL;
    }
    return random;
}

void fleetgate_random_free(fleetgate_random *random)
{
    if (random == NULL) {
        return;
    }
    mbedtls_ctr_drbg_free(&random->generator);
    mbedtls_entropy_free(&random->entropy);
    free(random);
}

/* mbedTLS takes text as PEM only when its last byte is a NUL that is counted. */
static unsigned char *copy_with_terminator(const unsigned char *text, size_t length)
{
    unsigned char *copy = length < SIZE_MAX ? malloc(length + 1) : NULL;
    if (copy != NULL) {
        if (length != 0) {
            memcpy(copy, text, length);
        }
        copy[length] = 0;
    }
    return copy;
}

fleetgate_certificates *fleetgate_certificates_new(const unsigned char *pem, size_t length, int *error)
{
    fleetgate_certificates *certificates = calloc(1, sizeof *certificates);
    unsigned char *text = copy_with_terminator(pem, length);
    if (certificates == NULL || text == NULL) {
        free(certificates);
        free(text);
        *error = MBEDTLS_ERR_X509_ALLOC_FAILED;
        return NULL;
    }
    mbedtls_x509_crt_init(&certificates->chain);
    *error = mbedtls_x509_crt_parse(&certificates->chain, text, length + 1);
    free(text);
    if (*error != 0) {
        fleetgate_certificates_free(certificates);
        return NULL;
    }
    return certificates;
}

fleetgate_certificates *fleetgate_certificates_new_empty(int *error)
{
    fleetgate_certificates *certificates = calloc(1, sizeof *certificates);
    if (certificates == NULL) {
        *error = MBEDTLS_ERR_X509_ALLOC_FAILED;
        return NULL;
    }
    *error = 0;
    mbedtls_x509_crt_init(&certificates->chain);
    return certificates;
}

int fleetgate_certificates_add_presented(
    fleetgate_certificates *certificates, const unsigned char *der, size_t length)
{
    int status = mbedtls_x509_crt_parse_der(&certificates->chain, der, length);
    /* ssl_tls.c and ssl_tls13_generic.c pass over it too. */
    return status == MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG + MBEDTLS_ERR_OID_NOT_FOUND ? 0 : status;
}

void fleetgate_certificates_free(fleetgate_certificates *certificates)
{
    if (certificates == NULL) {
        return;
    }
    mbedtls_x509_crt_free(&certificates->chain);
    fleetgate_issuer_tables_free(certificates->tables);
    free(certificates);
}

size_t fleetgate_certificates_count(const fleetgate_certificates *certificates)
{
    size_t count = 0;
    for (const mbedtls_x509_crt *one = &certificates->chain; one != NULL && one->raw.p != NULL; one = one->next) {
        count += 1;
    }
    return count;
}

const unsigned char *fleetgate_certificates_der(
    const fleetgate_certificates *certificates, size_t index, size_t *length)
{
    for (const mbedtls_x509_crt *one = &certificates->chain; one != NULL && one->raw.p != NULL; one = one->next) {
        if (index == 0) {
            *length = one->raw.len;
            return one->raw.p;
        }
        index -= 1;
    }
    *length = 0;
    return NULL;
}

static int parse_key(fleetgate_key *key, const unsigned char *bytes, size_t length, fleetgate_random *random)
{
#if FLEETGATE_MBEDTLS_3
    return mbedtls_pk_parse_key(&key->key, bytes, length, NULL, 0, mbedtls_ctr_drbg_random, &random->generator);
#else
    (void) random;
    return mbedtls_pk_parse_key(&key->key, bytes, length, NULL, 0);
#endif
}

/* Both PEM forms say so in clear text: "BEGIN ENCRYPTED PRIVATE KEY", or the header "Proc-Type: 4,ENCRYPTED". */
static int is_encrypted(const char *text)
{
    return strstr(text, "BEGIN ENCRYPTED PRIVATE KEY") != NULL || strstr(text, "4,ENCRYPTED") != NULL;
}

fleetgate_key *fleetgate_key_new(
    const unsigned char *pem, size_t length, const unsigned char *pass_phrase, size_t pass_phrase_length,
    fleetgate_random *random, fleetgate_key_result *result)
{
    fleetgate_key *key = calloc(1, sizeof *key);
    unsigned char *text = copy_with_terminator(pem, length);
    if (key == NULL || text == NULL) {
        free(key);
        if (text != NULL) {
            mbedtls_platform_zeroize(text, length + 1);
        }
        free(text);
        *result = FLEETGATE_KEY_NO_MEMORY;
        return NULL;
    }
    mbedtls_pk_init(&key->key);

    if (is_encrypted((const char *) text)) {
        unsigned char *der = NULL;
        size_t der_length = 0;
        *result = fleetgate_key_decrypt(pem, length, pass_phrase, pass_phrase_length, &der, &der_length);
        if (*result == FLEETGATE_KEY_PARSED && parse_key(key, der, der_length, random) != 0) {
            *result = FLEETGATE_KEY_UNPARSABLE;
        }
        fleetgate_key_der_free(der, der_length);
    } else {
        *result = parse_key(key, text, length + 1, random) == 0 ? FLEETGATE_KEY_PARSED : FLEETGATE_KEY_UNPARSABLE;
    }

    mbedtls_platform_zeroize(text, length + 1);
    free(text);
    if (*result != FLEETGATE_KEY_PARSED) {
        fleetgate_key_free(key);
        return NULL;
    }
    return key;
}

void fleetgate_key_free(fleetgate_key *key)
{
    if (key == NULL) {
        return;
    }
    mbedtls_pk_free(&key->key); /* overwrites the numbers it frees */
    free(key);
}

int fleetgate_key_matches(
    const fleetgate_key *key, const fleetgate_certificates *certificates, fleetgate_random *random)
{
#if FLEETGATE_MBEDTLS_3
    return mbedtls_pk_check_pair(
        &certificates->chain.pk, &key->key, mbedtls_ctr_drbg_random, &random->generator) == 0;
#else
    (void) random;
    return mbedtls_pk_check_pair(&certificates->chain.pk, &key->key) == 0;
#endif
}
