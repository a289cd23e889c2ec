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

enum cpkcs12_status cpkcs12_certificate(
    const uint8_t *archive, size_t archive_count, const char *passphrase, struct cpkcs12_buffer *certificate)
{
    certificate->bytes = NULL;
    certificate->count = 0;
    if (archive_count == 0 || archive_count > CPKCS12_MAX_INPUT ||
        (passphrase != NULL && strlen(passphrase) > CPKCS12_MAX_PASSPHRASE))
        return CPKCS12_INVALID_ARGUMENT;
    ERR_clear_error();

    enum cpkcs12_status status = CPKCS12_INVALID_ARCHIVE;
    EVP_PKEY *key = NULL;
    X509 *leaf = NULL;
    STACK_OF(X509) *others = NULL;

    const unsigned char *cursor = archive;
    PKCS12 *p12 = d2i_PKCS12(NULL, &cursor, (long)archive_count);
    if (p12 == NULL || cursor != archive + archive_count)
        goto done;
    /* "No pass phrase" is written in two ways, an absent one and an empty one (RFC 7292, appendix B.1). */
    if (!verifies(p12, passphrase) && (passphrase != NULL || !verifies(p12, ""))) {
        status = passphrase == NULL ? CPKCS12_PASSPHRASE_REQUIRED : CPKCS12_WRONG_PASSPHRASE;
        goto done;
    }
    if (PKCS12_parse(p12, passphrase, &key, &leaf, &others) != 1)
        goto done;
    if (leaf != NULL)
        status = encode(leaf, certificate);
    else if (sk_X509_num(others) == 1)
        status = encode(sk_X509_value(others, 0), certificate);
    else
        status = CPKCS12_INVALID_CERTIFICATE;

done:
    sk_X509_pop_free(others, X509_free);
    X509_free(leaf);
    EVP_PKEY_free(key);
    PKCS12_free(p12);
    ERR_clear_error();
    return status;
}
