#include "CPKCS12.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

/* RFC 8018 section 4.1 asks for at least 8 octets; NIST SP 800-132 for 16. */
#define SALT_COUNT 16

void cpkcs12_buffer_free(struct cpkcs12_buffer *buffer)
{
    if (buffer == NULL || buffer->bytes == NULL)
        return;
    OPENSSL_clear_free(buffer->bytes, buffer->count);
    buffer->bytes = NULL;
    buffer->count = 0;
}

/* Exactly one private key: trailing octets are an error, they would be dropped silently otherwise. */
static PKCS8_PRIV_KEY_INFO *parse_key(const uint8_t *key, size_t key_count)
{
    const unsigned char *cursor = key;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &cursor, (long)key_count);
    if (info != NULL && cursor != key + key_count) {
        PKCS8_PRIV_KEY_INFO_free(info);
        return NULL;
    }
    return info;
}

static STACK_OF(X509) *parse_chain(const uint8_t *chain, size_t chain_count, enum cpkcs12_status *status)
{
    STACK_OF(X509) *certificates = sk_X509_new_null();
    if (certificates == NULL) {
        *status = CPKCS12_LIBRARY_FAILURE;
        return NULL;
    }
    const unsigned char *cursor = chain;
    const unsigned char *end = chain + chain_count;
    while (cursor < end) {
        X509 *certificate = d2i_X509(NULL, &cursor, (long)(end - cursor));
        if (certificate == NULL) {
            *status = CPKCS12_INVALID_CHAIN;
            sk_X509_pop_free(certificates, X509_free);
            return NULL;
        }
        if (sk_X509_push(certificates, certificate) <= 0) {
            *status = CPKCS12_LIBRARY_FAILURE;
            X509_free(certificate);
            sk_X509_pop_free(certificates, X509_free);
            return NULL;
        }
    }
    return certificates;
}

static enum cpkcs12_status make_archive(
    X509 *certificate, STACK_OF(X509) *chain, EVP_PKEY *key, const char *friendly_name, const char *passphrase,
    int iterations, struct cpkcs12_buffer *archive)
{
    /* PKCS12_create checks this too, but its failure would not say which of the two it was. */
    if (X509_check_private_key(certificate, key) != 1)
        return CPKCS12_KEY_MISMATCH;
    /* Encryption is named, not left to the default: OpenSSL before 3.0 would take RC2-40 for certificates. */
    PKCS12 *p12 = PKCS12_create(passphrase, friendly_name, key, certificate, chain, NID_aes_256_cbc, NID_aes_256_cbc,
                                iterations, -1, 0);
    if (p12 == NULL)
        return CPKCS12_LIBRARY_FAILURE;
    enum cpkcs12_status status = CPKCS12_LIBRARY_FAILURE;
    unsigned char *der = NULL;
    if (PKCS12_set_mac(p12, passphrase, -1, NULL, SALT_COUNT, iterations, EVP_sha256()) == 1) {
        int count = i2d_PKCS12(p12, &der);
        if (count > 0) {
            archive->bytes = der;
            archive->count = (size_t)count;
            status = CPKCS12_OK;
        }
    }
    PKCS12_free(p12);
    return status;
}

enum cpkcs12_status cpkcs12_archive(
    const uint8_t *certificate, size_t certificate_count, const uint8_t *chain, size_t chain_count,
    const uint8_t *key, size_t key_count, const char *friendly_name, const char *passphrase, int iterations,
    struct cpkcs12_buffer *archive)
{
    archive->bytes = NULL;
    archive->count = 0;
    if (certificate_count == 0 || certificate_count > CPKCS12_MAX_INPUT || chain_count > CPKCS12_MAX_INPUT ||
        key_count == 0 || key_count > CPKCS12_MAX_INPUT || passphrase == NULL || passphrase[0] == '\0' ||
        strlen(passphrase) > CPKCS12_MAX_PASSPHRASE || iterations < 1)
        return CPKCS12_INVALID_ARGUMENT;
    ERR_clear_error();

    enum cpkcs12_status status = CPKCS12_OK;
    PKCS8_PRIV_KEY_INFO *info = NULL;
    EVP_PKEY *private_key = NULL;
    STACK_OF(X509) *issuers = NULL;

    const unsigned char *cursor = certificate;
    X509 *leaf = d2i_X509(NULL, &cursor, (long)certificate_count);
    if (leaf == NULL || cursor != certificate + certificate_count) {
        status = CPKCS12_INVALID_CERTIFICATE;
        goto done;
    }
    info = parse_key(key, key_count);
    private_key = info == NULL ? NULL : EVP_PKCS82PKEY(info);
    if (private_key == NULL) {
        status = CPKCS12_INVALID_KEY;
        goto done;
    }
    if (chain_count > 0) {
        issuers = parse_chain(chain, chain_count, &status);
        if (issuers == NULL)
            goto done;
    }
    status = make_archive(leaf, issuers, private_key, friendly_name, passphrase, iterations, archive);

done:
    sk_X509_pop_free(issuers, X509_free);
    EVP_PKEY_free(private_key);
    PKCS8_PRIV_KEY_INFO_free(info);
    X509_free(leaf);
    ERR_clear_error();
    return status;
}

/* A copy of what a memory BIO holds, in memory that cpkcs12_buffer_free can free. */
static enum cpkcs12_status copy_bio(BIO *bio, struct cpkcs12_buffer *buffer)
{
    char *data = NULL;
    long count = BIO_get_mem_data(bio, &data);
    if (count <= 0 || data == NULL)
        return CPKCS12_LIBRARY_FAILURE;
    buffer->bytes = OPENSSL_malloc((size_t)count);
    if (buffer->bytes == NULL)
        return CPKCS12_LIBRARY_FAILURE;
    memcpy(buffer->bytes, data, (size_t)count);
    buffer->count = (size_t)count;
    return CPKCS12_OK;
}

enum cpkcs12_status cpkcs12_key_encrypt(
    const uint8_t *key, size_t key_count, const uint8_t *passphrase, size_t passphrase_count, int iterations,
    struct cpkcs12_buffer *pem)
{
    pem->bytes = NULL;
    pem->count = 0;
    if (key_count == 0 || key_count > CPKCS12_MAX_INPUT || passphrase_count == 0 ||
        passphrase_count > CPKCS12_MAX_PASSPHRASE || iterations < 1)
        return CPKCS12_INVALID_ARGUMENT;
    ERR_clear_error();

    enum cpkcs12_status status = CPKCS12_LIBRARY_FAILURE;
    X509_ALGOR *scheme = NULL;
    X509_SIG *encrypted = NULL;
    BIO *bio = NULL;

    PKCS8_PRIV_KEY_INFO *info = parse_key(key, key_count);
    if (info == NULL) {
        status = CPKCS12_INVALID_KEY;
        goto done;
    }
    scheme = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), iterations, NULL, SALT_COUNT, NULL, NID_hmacWithSHA256);
    if (scheme == NULL)
        goto done;
    encrypted = PKCS8_set0_pbe((const char *)passphrase, (int)passphrase_count, info, scheme);
    if (encrypted == NULL)
        goto done;
    scheme = NULL; /* now owned by `encrypted` */
    bio = BIO_new(BIO_s_mem());
    if (bio != NULL && PEM_write_bio_PKCS8(bio, encrypted) == 1)
        status = copy_bio(bio, pem);

done:
    BIO_free(bio);
    X509_SIG_free(encrypted);
    X509_ALGOR_free(scheme);
    PKCS8_PRIV_KEY_INFO_free(info);
    ERR_clear_error();
    return status;
}

struct passphrase_request {
    const uint8_t *passphrase;
    size_t count;
    int asked;
};

/* pem_password_cb: libcrypto asks only when the key is encrypted, which is how we learn that it is. */
static int give_passphrase(char *buffer, int size, int for_writing, void *context)
{
    struct passphrase_request *request = context;
    (void)for_writing;
    request->asked = 1;
    if (request->passphrase == NULL || size < 0 || request->count > (size_t)size)
        return -1;
    memcpy(buffer, request->passphrase, request->count);
    return (int)request->count;
}

enum cpkcs12_status cpkcs12_key_decode(
    const uint8_t *pem, size_t pem_count, const uint8_t *passphrase, size_t passphrase_count,
    struct cpkcs12_buffer *key)
{
    key->bytes = NULL;
    key->count = 0;
    if (pem_count == 0 || pem_count > CPKCS12_MAX_INPUT || passphrase_count > CPKCS12_MAX_PASSPHRASE)
        return CPKCS12_INVALID_ARGUMENT;
    ERR_clear_error();

    enum cpkcs12_status status = CPKCS12_LIBRARY_FAILURE;
    struct passphrase_request request = {passphrase, passphrase_count, 0};
    EVP_PKEY *private_key = NULL;
    PKCS8_PRIV_KEY_INFO *info = NULL;

    BIO *bio = BIO_new_mem_buf(pem, (int)pem_count);
    if (bio == NULL)
        goto done;
    private_key = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &request);
    if (private_key == NULL) {
        if (!request.asked)
            status = CPKCS12_INVALID_KEY;
        else
            status = passphrase == NULL ? CPKCS12_PASSPHRASE_REQUIRED : CPKCS12_WRONG_PASSPHRASE;
        goto done;
    }
    info = EVP_PKEY2PKCS8(private_key);
    if (info == NULL) {
        status = CPKCS12_INVALID_KEY;
        goto done;
    }
    unsigned char *der = NULL;
    int count = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    if (count > 0) {
        key->bytes = der;
        key->count = (size_t)count;
        status = CPKCS12_OK;
    }

done:
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(private_key);
    BIO_free(bio);
    ERR_clear_error();
    return status;
}
