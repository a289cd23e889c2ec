#ifndef FLEETGATE_FAST_P256_H
#define FLEETGATE_FAST_P256_H

/*
 * P-256 arithmetic by libcrypto, put under mbedTLS at link time.
 *
 * With `FLEETGATE_FAST_P256` defined and the linker told to `--wrap` them, functions of mbedTLS compute with
 * libcrypto's constant-time code: on secp256r1 the multiplications `mbedtls_ecp_mul`, `mbedtls_ecp_mul_restartable` and
 * `mbedtls_ecp_muladd_restartable`, and modulo its order the inversion that ECDSA uses (`mbedtls_mpi_inv_mod`, in
 * mbedTLS 3.6.6 `mbedtls_mpi_gcd_modinv_odd`). Every other curve, every input that mbedTLS refuses and every unusual call goes to
 * mbedTLS's own function, so results and error codes stay its own.
 *
 * Without the definition every function here exists; nothing is redirected.
 *
 * Thread rule: everything may be called from any thread at any time.
 */

#include <stddef.h>
#include <stdint.h>

#include "ClosedEnumeration.h"

/** Bytes of a scalar, big-endian. */
#define FLEETGATE_P256_SCALAR_LENGTH 32
/**
 * Bytes of a point: 0x04, x, y (SEC 1, 2.3.3, uncompressed). The point at infinity, which has no encoding of that
 * length, is a first byte of 0x00.
 */
#define FLEETGATE_P256_POINT_LENGTH 65

/** Answers of `fleetgate_p256_self_check`. */
typedef enum FLEETGATE_CLOSED_ENUM {
    FLEETGATE_P256_AGREES FLEETGATE_SWIFT_NAME(agrees) = 0,
    /** A result differed from mbedTLS's own: the wrap is now disabled. */
    FLEETGATE_P256_DISAGREES FLEETGATE_SWIFT_NAME(disagrees),
    /** libcrypto could not compute (no such curve, no memory): the wrap is now disabled. */
    FLEETGATE_P256_UNUSABLE FLEETGATE_SWIFT_NAME(unusable),
    /** Built without the wrap: there is nothing to check. */
    FLEETGATE_P256_NOT_COMPILED_IN FLEETGATE_SWIFT_NAME(notCompiledIn),
} fleetgate_p256_agreement;

/** 1 when the wrap is part of this program, otherwise 0. */
int fleetgate_p256_compiled_in(void);

/**
 * Compares the wrap with mbedTLS's own arithmetic, on fixed edge vectors and on random ones (about a tenth of a
 * second of CPU time), and what is switched with it: SHA-256, AES-GCM and the checking of signatures. On anything but
 * agreement the wrap is switched off and mbedTLS computes alone. Meant for the start of a program, before the first
 * handshake: what was computed before a failing check is not undone.
 */
fleetgate_p256_agreement fleetgate_p256_self_check(void);

/** Switches the wrap on (anything but 0; the state at start) or off (0). Without effect when not compiled in. */
void fleetgate_p256_set_enabled(int enabled);

/**
 * For the calling thread alone, whatever the switch says: on (1), off (0), or as the switch says again. For tests. Returns
 * what it was.
 */
int fleetgate_p256_set_thread_override(int override);
#define FLEETGATE_P256_FOLLOW_SWITCH (-1)

/** 1 when the wrap is compiled in and on for the calling thread, otherwise 0. */
int fleetgate_p256_enabled(void);

/** How many multiplications (single or double) libcrypto has done for the calling thread; 0 when not compiled in. */
uint64_t fleetgate_p256_thread_operations(void);

/*
 * One multiplication either way, for tests: `reference` is mbedTLS's own function, `wrapped` is what the linker put
 * in its place. `scalar`, `m`, `n` have FLEETGATE_P256_SCALAR_LENGTH bytes, points FLEETGATE_P256_POINT_LENGTH.
 * Coordinates are taken as they are, however wrong; a scalar is unsigned.
 *
 * Each returns mbedTLS's error code: 0, MBEDTLS_ERR_ECP_INVALID_KEY, …; `result` is all zero unless it is 0.
 */

/** result = scalar · point, by mbedTLS's own `mbedtls_ecp_mul`. */
int fleetgate_p256_reference_mul(const unsigned char *scalar, const unsigned char *point, unsigned char *result);

/** result = scalar · point, by `mbedtls_ecp_mul` as linked, with the result in the point's own place (R aliases P). */
int fleetgate_p256_wrapped_mul(const unsigned char *scalar, const unsigned char *point, unsigned char *result);

/** result = m · p + n · q, by mbedTLS's own `mbedtls_ecp_muladd_restartable`. */
int fleetgate_p256_reference_muladd(
    const unsigned char *m, const unsigned char *p, const unsigned char *n, const unsigned char *q,
    unsigned char *result);

/** result = m · p + n · q, by `mbedtls_ecp_muladd_restartable` as linked, with the result in q's own place. */
int fleetgate_p256_wrapped_muladd(
    const unsigned char *m, const unsigned char *p, const unsigned char *n, const unsigned char *q,
    unsigned char *result);

/** result = 1 / scalar modulo the order of secp256r1, by mbedTLS's own inversion. The scalar lies from 1 to n - 1. */
int fleetgate_p256_reference_invert(const unsigned char *scalar, unsigned char *result);

/** The same by the inversion as linked, with the result in the scalar's own place. */
int fleetgate_p256_wrapped_invert(const unsigned char *scalar, unsigned char *result);

/*
 * mbedTLS's protocols on plain bytes, for tests that run them with the wrap on one side only. A group is TLS's
 * NamedGroup (RFC 8446, 4.2.7): 23 secp256r1, 24 secp384r1, 25 secp521r1, 29 x25519. Each returns mbedTLS's error code.
 */

/** Bytes of a private key and of a shared secret, big-endian, of any group. */
#define FLEETGATE_P256_TEST_SECRET_LENGTH 66
/** Room for a public key of any group. */
#define FLEETGATE_P256_TEST_PUBLIC_KEY_LENGTH 133

/** Makes a key pair; `public_key_length` says how much of `public_key` is used. */
int fleetgate_p256_test_key(
    uint16_t named_group, unsigned char *secret, unsigned char *public_key, size_t *public_key_length);

/** The shared secret of ECDH. */
int fleetgate_p256_test_agree(
    uint16_t named_group, const unsigned char *secret, const unsigned char *peer, size_t peer_length,
    unsigned char *shared);

/** ECDSA on secp256r1: `signature` is r and s, 32 bytes each, big-endian; `digest` has 32 bytes. */
int fleetgate_p256_test_sign(const unsigned char *secret, const unsigned char *digest, unsigned char *signature);

/** 0 when the signature is the public key's on the digest, otherwise mbedTLS's error code. */
int fleetgate_p256_test_verify(
    const unsigned char *public_key, const unsigned char *digest, const unsigned char *signature);

#endif
