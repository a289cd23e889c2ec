// ECDSA on secp256r1, checked by libcrypto as a whole. As in FastP256.c, whatever is not plainly right or plainly wrong
// goes to mbedTLS's own function with the same arguments.

#define MBEDTLS_ALLOW_PRIVATE_ACCESS  // the public key of a context is a private field in mbedTLS 3
#define OPENSSL_SUPPRESS_DEPRECATED   // ECDSA_verify: what replaces it looks the algorithm up under a lock, each time
#include "FastP256.h"
#include "FastSignatures.h"
#include "IssuerTables.h"

#include <mbedtls/bignum.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>

typedef int read_signature_function(
    mbedtls_ecdsa_context *, const unsigned char *, size_t, const unsigned char *, size_t);

#if defined(FLEETGATE_FAST_P256)

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <pthread.h>
#include <stdbool.h>

read_signature_function __real_mbedtls_ecdsa_read_signature, __wrap_mbedtls_ecdsa_read_signature;

enum {
    // SHA-1 to SHA-512: nothing else is signed here.
    hash_length_min = 20,
    hash_length_max = 64,
    // A SEQUENCE of two INTEGERs of 33 bytes (RFC 3279, 2.2.3).
    signature_length_max = 72,
};

static pthread_once_t set_up_once = PTHREAD_ONCE_INIT;
static pthread_key_t key_of_thread;
static bool has_key_of_thread;
// The destructor frees at a thread's end; this one only saves its look-up.
static _Thread_local EC_KEY *thread_key;
static _Thread_local uint64_t checks;

static void free_key(void *key) {
    EC_KEY_free(key);
    thread_key = NULL;
}

static void set_up(void) { has_key_of_thread = pthread_key_create(&key_of_thread, free_key) == 0; }

static EC_KEY *key_for_thread(void) {
    if (thread_key != NULL) return thread_key;
    if (pthread_once(&set_up_once, set_up) != 0 || !has_key_of_thread) return NULL;
    EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    if (key == NULL) return NULL;
    if (pthread_setspecific(key_of_thread, key) != 0) {
        EC_KEY_free(key);
        return NULL;
    }
    thread_key = key;
    return key;
}

/// 1 for a good signature, 0 for a bad one, anything else when libcrypto cannot say.
static int judge(
    const unsigned char *public_key, const unsigned char *hash, size_t hash_length, const unsigned char *signature,
    size_t signature_length) {
    const int answer = fleetgate_issuer_table_check(public_key, hash, hash_length, signature, signature_length);
    if (answer >= 0) return answer;
    EC_KEY *key = key_for_thread();
    // False also when the point is not on the curve or its coordinates are not reduced.
    if (key == NULL || EC_KEY_oct2key(key, public_key, FLEETGATE_P256_POINT_LENGTH, NULL) != 1) return -1;
    return ECDSA_verify(0, hash, (int)hash_length, signature, (int)signature_length, key);
}

/// True when `*status` is the answer; false when mbedTLS must give it.
static bool try_check(
    const mbedtls_ecdsa_context *context, const unsigned char *hash, size_t hash_length, const unsigned char *signature,
    size_t signature_length, int *status) {
    if (!fleetgate_p256_enabled() || context->grp.id != MBEDTLS_ECP_DP_SECP256R1 || hash_length < hash_length_min
        || hash_length > hash_length_max || signature_length > signature_length_max) {
        return false;
    }
    unsigned char public_key[FLEETGATE_P256_POINT_LENGTH];
    if (!fleetgate_issuer_table_key(&context->Q, public_key)) return false;
    ERR_set_mark();
    const int answer = judge(public_key, hash, hash_length, signature, signature_length);
    ERR_pop_to_mark();  // other users of libcrypto on this thread must not find our refusals in their queue
    if (answer != 0 && answer != 1) return false;
    checks++;
    *status = answer == 1 ? 0 : MBEDTLS_ERR_ECP_VERIFY_FAILED;
    return true;
}

int __wrap_mbedtls_ecdsa_read_signature(
    mbedtls_ecdsa_context *ctx, const unsigned char *hash, size_t hlen, const unsigned char *sig, size_t slen) {
    int status;
    if (try_check(ctx, hash, hlen, sig, slen, &status)) return status;
    return __real_mbedtls_ecdsa_read_signature(ctx, hash, hlen, sig, slen);
}

uint64_t fleetgate_fast_signatures_thread_checks(void) { return checks; }

static read_signature_function *const reference_check = __real_mbedtls_ecdsa_read_signature;

#else

uint64_t fleetgate_fast_signatures_thread_checks(void) { return 0; }

static read_signature_function *const reference_check = mbedtls_ecdsa_read_signature;

#endif

// MARK: One check either way

static int check(
    read_signature_function *function, const unsigned char *public_key, const unsigned char *hash, size_t hash_length,
    const unsigned char *signature, size_t signature_length) {
    enum { length = FLEETGATE_P256_SCALAR_LENGTH };
    mbedtls_ecdsa_context context;
    mbedtls_ecdsa_init(&context);
    int status = mbedtls_ecp_group_load(&context.grp, MBEDTLS_ECP_DP_SECP256R1);
    if (status == 0) status = mbedtls_mpi_read_binary(&context.Q.X, public_key + 1, length);
    if (status == 0) status = mbedtls_mpi_read_binary(&context.Q.Y, public_key + 1 + length, length);
    // The point at infinity is a first byte of 0.
    if (status == 0) status = mbedtls_mpi_lset(&context.Q.Z, public_key[0] == 0 ? 0 : 1);
    if (status == 0) status = function(&context, hash, hash_length, signature, signature_length);
    mbedtls_ecdsa_free(&context);
    return status;
}

int fleetgate_reference_check_signature(
    const unsigned char *public_key, const unsigned char *hash, size_t hash_length, const unsigned char *signature,
    size_t signature_length) {
    return check(reference_check, public_key, hash, hash_length, signature, signature_length);
}

int fleetgate_linked_check_signature(
    const unsigned char *public_key, const unsigned char *hash, size_t hash_length, const unsigned char *signature,
    size_t signature_length) {
    return check(mbedtls_ecdsa_read_signature, public_key, hash, hash_length, signature, signature_length);
}

int fleetgate_fast_signatures_agree(void) {
    // RFC 6979, A.2.5: the signature on "sample" with SHA-256.
    static const unsigned char public_key[FLEETGATE_P256_POINT_LENGTH] = {
        4, 0x60, 0xFE, 0xD4, 0xBA, 0x25, 0x5A, 0x9D, 0x31, 0xC9, 0x61, 0xEB, 0x74, 0xC6, 0x35, 0x6D, 0x68,
        0xC0, 0x49, 0xB8, 0x92, 0x3B, 0x61, 0xFA, 0x6C, 0xE6, 0x69, 0x62, 0x2E, 0x60, 0xF2, 0x9F, 0xB6,
        0x79, 0x03, 0xFE, 0x10, 0x08, 0xB8, 0xBC, 0x99, 0xA4, 0x1A, 0xE9, 0xE9, 0x56, 0x28, 0xBC, 0x64,
        0xF2, 0xF1, 0xB2, 0x0C, 0x2D, 0x7E, 0x9F, 0x51, 0x77, 0xA3, 0xC2, 0x94, 0xD4, 0x46, 0x22, 0x99};
    static const unsigned char signature[] = {
        0x30, 0x46, 0x02, 0x21, 0, 0xEF, 0xD4, 0x8B, 0x2A, 0xAC, 0xB6, 0xA8, 0xFD, 0x11, 0x40, 0xDD, 0x9C, 0xD4,
        0x5E, 0x81, 0xD6, 0x9D, 0x2C, 0x87, 0x7B, 0x56, 0xAA, 0xF9, 0x91, 0xC3, 0x4D, 0x0E, 0xA8, 0x4E, 0xAF, 0x37, 0x16,
        0x02, 0x21, 0, 0xF7, 0xCB, 0x1C, 0x94, 0x2D, 0x65, 0x7C, 0x41, 0xD4, 0x36, 0xC7, 0xA1, 0xB6, 0xE2, 0x9F, 0x65,
        0xF3, 0xE9, 0x00, 0xDB, 0xB9, 0xAF, 0xF4, 0x06, 0x4D, 0xC4, 0xAB, 0x2F, 0x84, 0x3A, 0xCD, 0xA8};
    unsigned char hash[] = {
        0xAF, 0x2B, 0xDB, 0xE1, 0xAA, 0x9B, 0x6E, 0xC1, 0xE2, 0xAD, 0xE1, 0xD6, 0x94, 0xF4, 0x1F, 0xC7,
        0x1A, 0x83, 0x1D, 0x02, 0x68, 0xE9, 0x89, 0x15, 0x62, 0x11, 0x3D, 0x8A, 0x62, 0xAD, 0xD1, 0xBF};
    for (int round = 0; round < 2; round++) {
        const int expected = round == 0 ? 0 : MBEDTLS_ERR_ECP_VERIFY_FAILED;
        if (fleetgate_reference_check_signature(public_key, hash, sizeof hash, signature, sizeof signature) != expected
            || fleetgate_linked_check_signature(public_key, hash, sizeof hash, signature, sizeof signature) != expected) {
            return 0;
        }
        hash[31] ^= 1;
    }
    return 1;
}
