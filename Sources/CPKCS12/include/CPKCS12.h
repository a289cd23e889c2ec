/*
 * Private keys and PKCS#12 archives by way of libcrypto (OpenSSL 3).
 *
 * Plain buffers in, plain buffers out. No function keeps a pointer it was given, no libcrypto type is visible, and
 * none writes to libcrypto's error queue as seen by the caller: it is emptied before return. All functions may be
 * called from several threads at once.
 */
#ifndef CPKCS12_H
#define CPKCS12_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The longest input of each kind, in octets. A chain of 100 certificates of 10 KB fits in one; nothing real is longer. */
#define CPKCS12_MAX_INPUT ((size_t)1048576)
/* The longest pass phrase, in octets: what libcrypto's PEM reader offers its callback (PEM_BUFSIZE). */
#define CPKCS12_MAX_PASSPHRASE ((size_t)1024)

enum cpkcs12_status {
    CPKCS12_OK = 0,
    /* A length or count outside the limits above, an empty pass phrase, or an iteration count below 1. */
    CPKCS12_INVALID_ARGUMENT = 1,
    /* The certificate is not exactly one DER certificate. */
    CPKCS12_INVALID_CERTIFICATE = 2,
    /* The chain is not a sequence of DER certificates. */
    CPKCS12_INVALID_CHAIN = 3,
    /* The private key cannot be parsed, or is of a kind libcrypto does not know. */
    CPKCS12_INVALID_KEY = 4,
    /* The private key does not belong to the certificate. */
    CPKCS12_KEY_MISMATCH = 5,
    /* The private key is encrypted and no pass phrase was given. */
    CPKCS12_PASSPHRASE_REQUIRED = 6,
    /* The private key did not decrypt: another pass phrase, or damaged ciphertext (the format cannot tell them apart). */
    CPKCS12_WRONG_PASSPHRASE = 7,
    /* libcrypto failed in itself: out of memory, no randomness, algorithm switched off by system policy. */
    CPKCS12_LIBRARY_FAILURE = 8,
    /* Not exactly one DER PKCS#12 archive, or one protected in a way libcrypto does not offer (RC2, for instance). */
    CPKCS12_INVALID_ARCHIVE = 9
};

/* Octets owned by libcrypto's allocator. Free with cpkcs12_buffer_free. */
struct cpkcs12_buffer {
    uint8_t *bytes;
    size_t count;
};

/* Overwrites and frees what the buffer holds and makes it empty. An empty buffer is left as it is. */
void cpkcs12_buffer_free(struct cpkcs12_buffer *buffer);

/*
 * A PKCS#12 archive (RFC 7292) in DER: key and certificates under PBES2 with AES-256-CBC, MAC with HMAC-SHA-256.
 *
 * chain: certificates above the leaf as DER, one after the other; may be NULL with a length of 0.
 * key: PKCS#8 PrivateKeyInfo in DER, not encrypted.
 * friendly_name: UTF-8, NUL-terminated; may be NULL.
 * passphrase: UTF-8, NUL-terminated, not empty.
 */
enum cpkcs12_status cpkcs12_archive(
    const uint8_t *certificate, size_t certificate_count,
    const uint8_t *chain, size_t chain_count,
    const uint8_t *key, size_t key_count,
    const char *friendly_name,
    const char *passphrase,
    int iterations,
    struct cpkcs12_buffer *archive);

/*
 * The certificate of a PKCS#12 archive, in DER: the one that the archive's private key belongs to, or, without a key,
 * the only one.
 *
 * passphrase: UTF-8, NUL-terminated; NULL for an archive without one.
 * CPKCS12_INVALID_ARCHIVE when it is not one PKCS#12 archive; CPKCS12_INVALID_CERTIFICATE when it holds no certificate,
 * or several and no key to choose by; CPKCS12_PASSPHRASE_REQUIRED and CPKCS12_WRONG_PASSPHRASE as for keys.
 */
enum cpkcs12_status cpkcs12_certificate(
    const uint8_t *archive, size_t archive_count,
    const char *passphrase,
    struct cpkcs12_buffer *certificate);

/*
 * All that a PKCS#12 archive holds: the certificate that its private key belongs to (empty when there is no key), the
 * other certificates in DER one after the other, and the key as PKCS#8 PrivateKeyInfo. Each may be empty.
 *
 * passphrase and errors: as for cpkcs12_certificate. After an error all three are empty.
 */
enum cpkcs12_status cpkcs12_open(
    const uint8_t *archive, size_t archive_count,
    const char *passphrase,
    struct cpkcs12_buffer *certificate,
    struct cpkcs12_buffer *others,
    struct cpkcs12_buffer *key);

/*
 * Encrypts a PKCS#8 PrivateKeyInfo (DER) into a PEM "ENCRYPTED PRIVATE KEY": PBES2 (RFC 8018) with
 * PBKDF2-HMAC-SHA-256, a salt of 16 random octets, and AES-256-CBC.
 */
enum cpkcs12_status cpkcs12_key_encrypt(
    const uint8_t *key, size_t key_count,
    const uint8_t *passphrase, size_t passphrase_count,
    int iterations,
    struct cpkcs12_buffer *pem);

/*
 * Reads the first private key of a PEM text, in any form libcrypto reads (PKCS#8 plain or encrypted, SEC 1, PKCS#1,
 * the old Proc-Type encryption), and gives it as PKCS#8 PrivateKeyInfo in DER, not encrypted.
 * passphrase: may be NULL; then an encrypted key is CPKCS12_PASSPHRASE_REQUIRED.
 */
enum cpkcs12_status cpkcs12_key_decode(
    const uint8_t *pem, size_t pem_count,
    const uint8_t *passphrase, size_t passphrase_count,
    struct cpkcs12_buffer *key);

#ifdef __cplusplus
}
#endif

#endif
