#ifndef FLEETGATE_FAST_SIGNATURES_H
#define FLEETGATE_FAST_SIGNATURES_H

/*
 * Checking signatures with less work, put under mbedTLS at link time together with the P-256 arithmetic (FastP256.h), and
 * switched with it.
 *
 * 1. ECDSA on secp256r1 (`mbedtls_ecdsa_read_signature`) is checked by libcrypto as a whole. What libcrypto cannot say yes
 *    or no to (an unusual encoding, another curve, no memory) is checked by mbedTLS.
 *
 * 2. A signature that was found good while a chain was verified (`mbedtls_pk_verify_ext` below
 *    `mbedtls_x509_crt_verify_restartable`) is remembered by its thread: the SHA-256 of the issuer's public key, the hash
 *    algorithm, the hash of what is signed, and the signature. When a device comes again with the same certificate, that
 *    its issuer signed it need not be computed again. What is remembered is a fact of arithmetic, which no revocation, no
 *    change of anchors and no clock makes untrue: everything else about the chain is judged each time. The proof that the
 *    device has its private key (CertificateVerify, RFC 8446, 4.4.3, and RFC 5246, 7.4.8) is no part of a chain and is
 *    checked every time.
 *
 * 3. For the public keys of the CAs that a server is configured with, libcrypto has a table each of multiples of the key:
 *    a check of what they signed takes half the time. Nobody but the operator can have a table made.
 *
 * Thread rule: everything may be called from any thread at any time. What is remembered is the calling thread's own; tables
 * are there for all threads, which read them without a lock.
 */

#include <stddef.h>
#include <stdint.h>

/**
 * Signatures a thread remembers at most, 32 bytes each: 2 MiB, which a thread has taken by the time it has seen some 2,000
 * certificates. Older ones give way. mbedTLS also checks signatures of certificates that a stranger has made for each
 * other, so a stranger can make others give way; then they are computed again.
 */
#define FLEETGATE_REMEMBERED_SIGNATURES_MAX 65536

/** How many signature checks the calling thread was spared so far; 0 when not compiled in. */
uint64_t fleetgate_remembered_signatures_thread_hits(void);

/** Signatures the calling thread has come to remember so far, those that gave way since included. */
uint64_t fleetgate_remembered_signatures_thread_count(void);

/** Forgets what the calling thread remembers. For tests. */
void fleetgate_remembered_signatures_forget(void);

/**
 * Tables that a list of certificates has at most, and a process with all its lists: some 150 KB each, and 30 ms of processor
 * time to make one. Lists of the same keys share them. What CAs beyond them have signed is checked without a table.
 */
#define FLEETGATE_ISSUER_TABLES_MAX 16
#define FLEETGATE_ISSUER_TABLES_OF_PROCESS_MAX 128

/** Tables for some public keys. Immutable: may be used by several threads at a time. */
typedef struct fleetgate_issuer_tables fleetgate_issuer_tables;

/**
 * The table for one key of FLEETGATE_P256_POINT_LENGTH bytes; for tests, handshakes use those of their anchors
 * (`fleetgate_certificates_make_tables`). Empty when libcrypto can make none; null without memory, or when not compiled in.
 */
fleetgate_issuer_tables *fleetgate_issuer_tables_new(const unsigned char *public_key);
void fleetgate_issuer_tables_free(fleetgate_issuer_tables *tables);
size_t fleetgate_issuer_tables_count(const fleetgate_issuer_tables *tables);

/**
 * From now on the calling thread checks signatures with these tables; with none when null. They must outlive that. Returns
 * those of before.
 */
const fleetgate_issuer_tables *fleetgate_issuer_tables_use(const fleetgate_issuer_tables *tables);

/** How many signatures were judged with a table for the calling thread. */
uint64_t fleetgate_issuer_tables_thread_checks(void);

/** How many ECDSA signatures libcrypto has judged for the calling thread; 0 when not compiled in. */
uint64_t fleetgate_fast_signatures_thread_checks(void);

/** 1 when what is linked judges a good and a bad signature as mbedTLS does, otherwise 0. Part of the self-check. */
int fleetgate_fast_signatures_agree(void);

/*
 * One check either way, for tests: `reference` is mbedTLS's own `mbedtls_ecdsa_read_signature`, `linked` is what the linker
 * put in its place. `public_key` has FLEETGATE_P256_POINT_LENGTH bytes and is taken as it is, however wrong; `signature`
 * is an ECDSA-Sig-Value in DER (RFC 3279, 2.2.3). Each returns mbedTLS's error code: 0, MBEDTLS_ERR_ECP_VERIFY_FAILED, …
 */

int fleetgate_reference_check_signature(
    const unsigned char *public_key, const unsigned char *hash, size_t hash_length, const unsigned char *signature,
    size_t signature_length);

int fleetgate_linked_check_signature(
    const unsigned char *public_key, const unsigned char *hash, size_t hash_length, const unsigned char *signature,
    size_t signature_length);

#endif
