#include "CPKCS12.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

static enum cpkcs12_status encode(X509 *certificate, struct cpkcs12_buffer *buffer)
{
    unsigned char *der = NULL;
    int count = i2d_X509(certificate, &der);
    if (count <= 0)
        return CPKCS12_LIBRARY_FAILURE;
    buffer->bytes = der;
    buffer->count = (size_t)count;
    return CPKCS12_OK;
}

/* Whether the MAC fits the pass phrase; an archive without MAC has nothing to compare. */
static int verifies(PKCS12 *p12, const char *passphrase)
{
    return !PKCS12_mac_present(p12) || PKCS12_verify_mac(p12, passphrase, -1) == 1;
}

/* The certificates in DER, one after the other. */
static enum cpkcs12_status encode_all(const STACK_OF(X509) *certificates, struct cpkcs12_buffer *buffer)
{
    size_t count = 0;
    for (int place = 0; place < sk_X509_num(certificates); place++) {
        int own = i2d_X509(sk_X509_value(certificates, place), NULL);
        if (own <= 0)
            return CPKCS12_LIBRARY_FAILURE;
        count += (size_t)own;
    }
    if (count == 0)
        return CPKCS12_OK;
    unsigned char *der = OPENSSL_malloc(count);
    if (der == NULL)
        return CPKCS12_LIBRARY_FAILURE;
    unsigned char *cursor = der;
    for (int place = 0; place < sk_X509_num(certificates); place++)
        i2d_X509(sk_X509_value(certificates, place), &cursor);
    buffer->bytes = der;
    buffer->count = count;
    return CPKCS12_OK;
}

static enum cpkcs12_status encode_key(const EVP_PKEY *key, struct cpkcs12_buffer *buffer)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    unsigned char *der = NULL;
    int count = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (count <= 0)
        return CPKCS12_LIBRARY_FAILURE;
    buffer->bytes = der;
    buffer->count = (size_t)count;
    return CPKCS12_OK;
}

enum cpkcs12_status cpkcs12_open(
    const uint8_t *archive, size_t archive_count, const char *passphrase, struct cpkcs12_buffer *certificate,
    struct cpkcs12_buffer *others, struct cpkcs12_buffer *key)
{
    *certificate = *others = *key = (struct cpkcs12_buffer){NULL, 0};
    if (archive_count == 0 || archive_count > CPKCS12_MAX_INPUT ||
        (passphrase != NULL && strlen(passphrase) > CPKCS12_MAX_PASSPHRASE))
        return CPKCS12_INVALID_ARGUMENT;
    ERR_clear_error();

    enum cpkcs12_status status = CPKCS12_INVALID_ARCHIVE;
    EVP_PKEY *pkey = NULL;
    X509 *leaf = NULL;
    STACK_OF(X509) *rest = NULL;

    const unsigned char *cursor = archive;
    PKCS12 *p12 = d2i_PKCS12(NULL, &cursor, (long)archive_count);
    if (p12 == NULL || cursor != archive + archive_count)
        goto done;
    /* "No pass phrase" is written in two ways, an absent one and an empty one (RFC 7292, appendix B.1). */
    if (!verifies(p12, passphrase) && (passphrase != NULL || !verifies(p12, ""))) {
        status = passphrase == NULL ? CPKCS12_PASSPHRASE_REQUIRED : CPKCS12_WRONG_PASSPHRASE;
        goto done;
    }
    if (PKCS12_parse(p12, passphrase, &pkey, &leaf, &rest) != 1)
        goto done;
    status = CPKCS12_OK;
    if (leaf != NULL)
        status = encode(leaf, certificate);
    if (status == CPKCS12_OK)
        status = encode_all(rest, others);
    if (status == CPKCS12_OK && pkey != NULL)
        status = encode_key(pkey, key);

done:
    if (status != CPKCS12_OK) {
        cpkcs12_buffer_free(certificate);
        cpkcs12_buffer_free(others);
        cpkcs12_buffer_free(key);
    }
    sk_X509_pop_free(rest, X509_free);
    X509_free(leaf);
    EVP_PKEY_free(pkey);
    PKCS12_free(p12);
    ERR_clear_error();
    return status;
}

enum cpkcs12_status cpkcs12_certificate(
    const uint8_t *archive, size_t archive_count, const char *passphrase, struct cpkcs12_buffer *certificate)
{
    struct cpkcs12_buffer others, key;
    enum cpkcs12_status status =
        cpkcs12_open(archive, archive_count, passphrase, certificate, &others, &key);
    cpkcs12_buffer_free(&key);
    if (status == CPKCS12_OK && certificate->bytes == NULL) {
        const unsigned char *cursor = others.bytes;
        X509 *first = others.count == 0 ? NULL : d2i_X509(NULL, &cursor, (long)others.count);
        if (first != NULL && cursor == others.bytes + others.count) {
            *certificate = others;
            others = (struct cpkcs12_buffer){NULL, 0};
        } else {
            status = CPKCS12_INVALID_CERTIFICATE;
        }
        X509_free(first);
        ERR_clear_error();
    }
    cpkcs12_buffer_free(&others);
    return status;
}
