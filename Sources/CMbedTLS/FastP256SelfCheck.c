// The wrap against mbedTLS's own arithmetic: one multiplication either way, and the check at start made of them.

#define MBEDTLS_ALLOW_PRIVATE_ACCESS  // the coordinates of a point are private fields in mbedTLS 3
#include "FastGCM.h"
#include "FastP256.h"
#include "FastSHA256.h"
#include "FastSignatures.h"
#include "SystemRandom.h"

#include <mbedtls/bignum.h>
#include <mbedtls/ecp.h>
#include <mbedtls/version.h>
#include <string.h>

enum { scalar_length = FLEETGATE_P256_SCALAR_LENGTH, point_length = FLEETGATE_P256_POINT_LENGTH };
typedef int random_function(void *, unsigned char *, size_t);
typedef int mul_function(
    mbedtls_ecp_group *, mbedtls_ecp_point *, const mbedtls_mpi *, const mbedtls_ecp_point *, random_function *,
    void *);
typedef int muladd_function(
    mbedtls_ecp_group *, mbedtls_ecp_point *, const mbedtls_mpi *, const mbedtls_ecp_point *, const mbedtls_mpi *,
    const mbedtls_ecp_point *, mbedtls_ecp_restart_ctx *);

// The inversion that ECDSA uses: mbedTLS 3.6.6's is not in its public headers.
#if MBEDTLS_VERSION_NUMBER >= 0x03060600
typedef int invert_function(mbedtls_mpi *, mbedtls_mpi *, const mbedtls_mpi *, const mbedtls_mpi *);
invert_function mbedtls_mpi_gcd_modinv_odd, __real_mbedtls_mpi_gcd_modinv_odd;
#define linked_invert mbedtls_mpi_gcd_modinv_odd
#define real_invert __real_mbedtls_mpi_gcd_modinv_odd
#define call_invert(function, X, A, N) function(NULL, X, A, N)
#else
typedef int invert_function(mbedtls_mpi *, const mbedtls_mpi *, const mbedtls_mpi *);
invert_function __real_mbedtls_mpi_inv_mod;
#define linked_invert mbedtls_mpi_inv_mod
#define real_invert __real_mbedtls_mpi_inv_mod
#define call_invert(function, X, A, N) function(X, A, N)
#endif

#if defined(FLEETGATE_FAST_P256)
static invert_function *const reference_invert = real_invert;
mul_function __real_mbedtls_ecp_mul;
muladd_function __real_mbedtls_ecp_muladd_restartable;
static mul_function *const reference_mul = __real_mbedtls_ecp_mul;
static muladd_function *const reference_muladd = __real_mbedtls_ecp_muladd_restartable;
#else
static invert_function *const reference_invert = linked_invert;
static mul_function *const reference_mul = mbedtls_ecp_mul;
static muladd_function *const reference_muladd = mbedtls_ecp_muladd_restartable;
#endif

// MARK: Bytes to mbedTLS's numbers and back

static int load_point(mbedtls_ecp_point *target, const unsigned char bytes[point_length]) {
    if (bytes[0] == 0) return mbedtls_ecp_set_zero(target);
    if (bytes[0] != 4) return MBEDTLS_ERR_ECP_BAD_INPUT_DATA;
    int status = mbedtls_mpi_read_binary(&target->X, bytes + 1, scalar_length);
    if (status == 0) status = mbedtls_mpi_read_binary(&target->Y, bytes + 1 + scalar_length, scalar_length);
    if (status == 0) status = mbedtls_mpi_lset(&target->Z, 1);
    return status;
}

static int store_point(const mbedtls_ecp_point *source, unsigned char bytes[point_length]) {
    if (mbedtls_mpi_cmp_int(&source->Z, 0) == 0) return 0;
    if (mbedtls_mpi_cmp_int(&source->Z, 1) != 0) return MBEDTLS_ERR_ECP_BAD_INPUT_DATA;
    bytes[0] = 4;
    const int status = mbedtls_mpi_write_binary(&source->X, bytes + 1, scalar_length);
    return status != 0 ? status : mbedtls_mpi_write_binary(&source->Y, bytes + 1 + scalar_length, scalar_length);
}

static int run_mul(
    mul_function *function, const unsigned char *scalar, const unsigned char *point, unsigned char *result,
    int aliased) {
    mbedtls_ecp_group group;
    mbedtls_ecp_point P, R;
    mbedtls_mpi k;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&P);
    mbedtls_ecp_point_init(&R);
    mbedtls_mpi_init(&k);
    memset(result, 0, point_length);
    int status = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1);
    if (status == 0) status = mbedtls_mpi_read_binary(&k, scalar, scalar_length);
    if (status == 0) status = load_point(&P, point);
    if (status == 0) status = function(&group, aliased ? &P : &R, &k, &P, system_random, NULL);
    if (status == 0) status = store_point(aliased ? &P : &R, result);
    mbedtls_mpi_free(&k);
    mbedtls_ecp_point_free(&R);
    mbedtls_ecp_point_free(&P);
    mbedtls_ecp_group_free(&group);
    return status;
}

static int run_muladd(
    muladd_function *function, const unsigned char *m, const unsigned char *p, const unsigned char *n,
    const unsigned char *q, unsigned char *result, int aliased) {
    mbedtls_ecp_group group;
    mbedtls_ecp_point P, Q, R;
    mbedtls_mpi k, l;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&P);
    mbedtls_ecp_point_init(&Q);
    mbedtls_ecp_point_init(&R);
    mbedtls_mpi_init(&k);
    mbedtls_mpi_init(&l);
    memset(result, 0, point_length);
    int status = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1);
    if (status == 0) status = mbedtls_mpi_read_binary(&k, m, scalar_length);
    if (status == 0) status = mbedtls_mpi_read_binary(&l, n, scalar_length);
    if (status == 0) status = load_point(&P, p);
    if (status == 0) status = load_point(&Q, q);
    if (status == 0) status = function(&group, aliased ? &Q : &R, &k, &P, &l, &Q, NULL);
    if (status == 0) status = store_point(aliased ? &Q : &R, result);
    mbedtls_mpi_free(&l);
    mbedtls_mpi_free(&k);
    mbedtls_ecp_point_free(&R);
    mbedtls_ecp_point_free(&Q);
    mbedtls_ecp_point_free(&P);
    mbedtls_ecp_group_free(&group);
    return status;
}

int fleetgate_p256_reference_mul(const unsigned char *scalar, const unsigned char *point, unsigned char *result) {
    return run_mul(reference_mul, scalar, point, result, 0);
}

int fleetgate_p256_wrapped_mul(const unsigned char *scalar, const unsigned char *point, unsigned char *result) {
    return run_mul(mbedtls_ecp_mul, scalar, point, result, 1);
}

int fleetgate_p256_reference_muladd(
    const unsigned char *m, const unsigned char *p, const unsigned char *n, const unsigned char *q,
    unsigned char *result) {
    return run_muladd(reference_muladd, m, p, n, q, result, 0);
}

int fleetgate_p256_wrapped_muladd(
    const unsigned char *m, const unsigned char *p, const unsigned char *n, const unsigned char *q,
    unsigned char *result) {
    return run_muladd(mbedtls_ecp_muladd_restartable, m, p, n, q, result, 1);
}

static int run_invert(invert_function *function, const unsigned char *scalar, unsigned char *result) {
    mbedtls_ecp_group group;
    mbedtls_mpi a;
    mbedtls_ecp_group_init(&group);
    mbedtls_mpi_init(&a);
    memset(result, 0, scalar_length);
    int status = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1);
    if (status == 0) status = mbedtls_mpi_read_binary(&a, scalar, scalar_length);
    if (status == 0) status = call_invert(function, &a, &a, &group.N);
    if (status == 0) status = mbedtls_mpi_write_binary(&a, result, scalar_length);
    mbedtls_mpi_free(&a);
    mbedtls_ecp_group_free(&group);
    return status;
}

int fleetgate_p256_reference_invert(const unsigned char *scalar, unsigned char *result) {
    return run_invert(reference_invert, scalar, result);
}

int fleetgate_p256_wrapped_invert(const unsigned char *scalar, unsigned char *result) {
    return run_invert(linked_invert, scalar, result);
}

// MARK: The check at start

#if defined(FLEETGATE_FAST_P256)

enum { random_rounds = 8 };

static const unsigned char edge_scalars[][scalar_length] = {
    {0},
    {[31] = 1},
    {[31] = 2},
    {[1] = 1},  // a leading zero byte
    // (n - 1) / 2 and (n + 1) / 2: where a scalar and its negative change places
    {0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8},
    {0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa9},
    // n - 1, n
    {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x50},
    {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51},
};
enum { edge_count = sizeof edge_scalars / sizeof edge_scalars[0], two = 2, order_minus_one = 6 };

static const unsigned char generator[point_length] = {
    4, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

// x = p: on the curve if it were reduced modulo p, which mbedTLS does not do.
static const unsigned char unreduced[point_length] = {
    4, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x66, 0x48, 0x5c, 0x78, 0x0e, 0x2f, 0x83, 0xd7, 0x24, 0x33, 0xbd, 0x5d, 0x84, 0xa0, 0x6b, 0xb6,
    0x54, 0x1c, 0x2a, 0xf3, 0x1d, 0xae, 0x87, 0x17, 0x28, 0xbf, 0x85, 0x6a, 0x17, 0x4f, 0x93, 0xf4};

static int mul_agrees(const unsigned char *scalar, const unsigned char *point) {
    unsigned char expected[point_length], actual[point_length];
    return fleetgate_p256_reference_mul(scalar, point, expected) == fleetgate_p256_wrapped_mul(scalar, point, actual)
        && memcmp(expected, actual, point_length) == 0;
}

static int muladd_agrees(const unsigned char *m, const unsigned char *n, const unsigned char *q) {
    unsigned char expected[point_length], actual[point_length];
    return fleetgate_p256_reference_muladd(m, generator, n, q, expected)
            == fleetgate_p256_wrapped_muladd(m, generator, n, q, actual)
        && memcmp(expected, actual, point_length) == 0;
}

static int invert_agrees(const unsigned char *scalar) {
    unsigned char expected[scalar_length], actual[scalar_length];
    return fleetgate_p256_reference_invert(scalar, expected) == fleetgate_p256_wrapped_invert(scalar, actual)
        && memcmp(expected, actual, scalar_length) == 0;
}

/// 0 and n have no inverse, and what mbedTLS 3.6 leaves there means nothing.
static int inversions_agree(void) {
    for (int i = 1; i <= order_minus_one; i++) {
        if (!invert_agrees(edge_scalars[i])) return 0;
    }
    return 1;
}

/// One point with every edge scalar: alone, and added to a multiple of the generator.
static int edges_agree(const unsigned char *point) {
    for (int i = 0; i < edge_count; i++) {
        if (!mul_agrees(edge_scalars[i], point)) return 0;
        if (!muladd_agrees(edge_scalars[i], edge_scalars[order_minus_one - i % order_minus_one], point)) return 0;
    }
    return 1;
}

static int refused_alike(const unsigned char *point) {
    return mul_agrees(edge_scalars[two], point) && muladd_agrees(edge_scalars[two], edge_scalars[two], point);
}

static int random_vectors_agree(void) {
    for (int i = 0; i < random_rounds; i++) {
        unsigned char k[scalar_length], l[scalar_length], point[point_length];
        if (system_random(NULL, k, sizeof k) != 0 || system_random(NULL, l, sizeof l) != 0) return 0;
        if (!mul_agrees(k, generator) || fleetgate_p256_reference_mul(k, generator, point) != 0) return 0;
        if (!mul_agrees(l, point) || !muladd_agrees(l, k, point) || !invert_agrees(k)) return 0;
    }
    return 1;
}

static int all_vectors_agree(void) {
    unsigned char doubled[point_length], negated[point_length], off_curve[point_length];
    const unsigned char infinity[point_length] = {0};
    if (fleetgate_p256_reference_mul(edge_scalars[two], generator, doubled) != 0) return 0;
    if (fleetgate_p256_reference_mul(edge_scalars[order_minus_one], generator, negated) != 0) return 0;
    memcpy(off_curve, generator, point_length);
    off_curve[point_length - 1] ^= 1;
    return edges_agree(generator) && edges_agree(doubled) && edges_agree(negated)
        && inversions_agree() && refused_alike(off_curve) && refused_alike(infinity) && refused_alike(unreduced)
        && random_vectors_agree()
        && fleetgate_fast_signatures_agree() && fleetgate_fast_sha256_agrees()
        && fleetgate_fast_gcm_agrees();
}

/// Agreement proves nothing if libcrypto never answered.
static int libcrypto_answers(void) {
    unsigned char result[point_length];
    const uint64_t before = fleetgate_p256_thread_operations();
    return fleetgate_p256_wrapped_mul(edge_scalars[two], generator, result) == 0
        && fleetgate_p256_thread_operations() == before + 1;
}

fleetgate_p256_agreement fleetgate_p256_self_check(void) {
    const int before = fleetgate_p256_set_thread_override(1);  // also a wrap that is switched off is worth a check
    const fleetgate_p256_agreement answer = !libcrypto_answers() ? FLEETGATE_P256_UNUSABLE
        : !all_vectors_agree()              ? FLEETGATE_P256_DISAGREES
                                            : FLEETGATE_P256_AGREES;
    fleetgate_p256_set_thread_override(before);
    if (answer != FLEETGATE_P256_AGREES) fleetgate_p256_set_enabled(0);
    return answer;
}

#else

fleetgate_p256_agreement fleetgate_p256_self_check(void) { return FLEETGATE_P256_NOT_COMPILED_IN; }

#endif
