// The wrap itself. How it works: each wrapped function tries libcrypto and otherwise calls mbedTLS's own function
// with the same arguments. "Otherwise" is every case that is not plainly right: so what mbedTLS refuses is refused by
// mbedTLS, with its own error code, and this file only has to be right where it answers.

#define MBEDTLS_ALLOW_PRIVATE_ACCESS  // the coordinates and the sign are private fields in mbedTLS 3
#include "FastP256.h"

#if defined(FLEETGATE_FAST_P256)

#include "P256Number.h"

#include <mbedtls/bignum.h>
#include <mbedtls/ecp.h>
#include <mbedtls/version.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef int random_function(void *, unsigned char *, size_t);

typedef int mul_function(
    mbedtls_ecp_group *, mbedtls_ecp_point *, const mbedtls_mpi *, const mbedtls_ecp_point *, random_function *,
    void *);
typedef int mul_restartable_function(
    mbedtls_ecp_group *, mbedtls_ecp_point *, const mbedtls_mpi *, const mbedtls_ecp_point *, random_function *,
    void *, mbedtls_ecp_restart_ctx *);
typedef int muladd_restartable_function(
    mbedtls_ecp_group *, mbedtls_ecp_point *, const mbedtls_mpi *, const mbedtls_ecp_point *, const mbedtls_mpi *,
    const mbedtls_ecp_point *, mbedtls_ecp_restart_ctx *);

// Names of the linker's `--wrap`: a call to `x` from another object file goes to `__wrap_x`; `__real_x` is the old `x`.
mul_function __real_mbedtls_ecp_mul, __wrap_mbedtls_ecp_mul;
mul_restartable_function __real_mbedtls_ecp_mul_restartable, __wrap_mbedtls_ecp_mul_restartable;
muladd_restartable_function __real_mbedtls_ecp_muladd_restartable, __wrap_mbedtls_ecp_muladd_restartable;

// The inversion that ECDSA signs and checks with. mbedTLS 3.6.6 has a function of its own for an odd modulus.
#if MBEDTLS_VERSION_NUMBER >= 0x03060600
typedef int invert_function(mbedtls_mpi *, mbedtls_mpi *, const mbedtls_mpi *, const mbedtls_mpi *);
invert_function __real_mbedtls_mpi_gcd_modinv_odd, __wrap_mbedtls_mpi_gcd_modinv_odd;
#else
typedef int invert_function(mbedtls_mpi *, const mbedtls_mpi *, const mbedtls_mpi *);
invert_function __real_mbedtls_mpi_inv_mod, __wrap_mbedtls_mpi_inv_mod;
#endif

// MARK: mbedTLS's numbers

/// False for a negative number and for one of 2^256 or more.
static bool read_mpi(number *target, const mbedtls_mpi *source) {
    unsigned char bytes[number_length];
    const bool fits = source->s > 0 && mbedtls_mpi_write_binary(source, bytes, sizeof bytes) == 0;
    if (fits) read_bytes(target, bytes);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return fits;
}

static int write_mpi(const number *source, mbedtls_mpi *target) {
    unsigned char bytes[number_length];
    write_bytes(source, bytes);
    const int result = mbedtls_mpi_read_binary(target, bytes, sizeof bytes);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return result;
}

/// The range check of `mbedtls_ecp_check_privkey`: 1 to n - 1.
static bool read_scalar(number *target, const mbedtls_mpi *source) {
    return read_mpi(target, source) && !is_zero(target) && is_below(target, &group_order);
}

/// The range checks of `mbedtls_ecp_check_pubkey`: affine (Z = 1), and both coordinates below p.
static bool read_coordinates(number *x, number *y, const mbedtls_ecp_point *point) {
    return mbedtls_mpi_cmp_int(&point->Z, 1) == 0 && read_mpi(x, &point->X) && is_below(x, &field_prime)
        && read_mpi(y, &point->Y) && is_below(y, &field_prime);
}

// MARK: What a thread computes with

/// libcrypto's curve: one for the process, made once, only read afterwards. Its own table for the generator is
/// compiled into it.
static EC_GROUP *curve;
/// For inverting modulo the order n: n itself, n - 2, and n's Montgomery form. Only read after set-up.
static BIGNUM *order, *order_minus_two;
static BN_MONT_CTX *order_montgomery;
static pthread_once_t set_up_once = PTHREAD_ONCE_INIT;
static pthread_key_t scratch_key;
static bool has_scratch_key;
static atomic_bool switched_on = true;
static _Thread_local int thread_override = FLEETGATE_P256_FOLLOW_SWITCH;

typedef struct {
    BN_CTX *context;
    BIGNUM *scalar, *second_scalar, *x, *y;
    EC_POINT *point, *result;
    uint64_t operations;
} scratch;

// The key's destructor frees at a thread's end; this one only saves its look-up.
static _Thread_local scratch *thread_scratch;

static void free_scratch(void *pointer) {
    scratch *s = pointer;
    if (s == NULL) return;
    BN_clear_free(s->scalar);
    BN_clear_free(s->second_scalar);
    BN_clear_free(s->x);
    BN_clear_free(s->y);
    EC_POINT_clear_free(s->point);
    EC_POINT_clear_free(s->result);
    BN_CTX_free(s->context);
    free(s);
    thread_scratch = NULL;
}

static void set_up(void) {
    curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    order = BN_new();
    order_minus_two = BN_new();
    order_montgomery = BN_MONT_CTX_new();
    BN_CTX *context = BN_CTX_new();
    const bool has_order = curve != NULL && order != NULL && order_minus_two != NULL && order_montgomery != NULL
        && context != NULL && EC_GROUP_get_order(curve, order, context) == 1
        && BN_copy(order_minus_two, order) != NULL && BN_sub_word(order_minus_two, 2) == 1
        && BN_MONT_CTX_set(order_montgomery, order, context) == 1;
    BN_CTX_free(context);
    if (!has_order) {
        EC_GROUP_free(curve);
        curve = NULL;  // no scratch is made without a curve, so nothing is answered
    }
    has_scratch_key = pthread_key_create(&scratch_key, free_scratch) == 0;
}

static scratch *make_scratch(void) {
    if (pthread_once(&set_up_once, set_up) != 0 || curve == NULL || !has_scratch_key) return NULL;
    scratch *s = calloc(1, sizeof *s);
    if (s == NULL) return NULL;
    s->context = BN_CTX_secure_new();
    s->scalar = BN_new();
    s->second_scalar = BN_new();
    s->x = BN_new();
    s->y = BN_new();
    s->point = EC_POINT_new(curve);
    s->result = EC_POINT_new(curve);
    if (s->context == NULL || s->scalar == NULL || s->second_scalar == NULL || s->x == NULL || s->y == NULL
        || s->point == NULL || s->result == NULL || pthread_setspecific(scratch_key, s) != 0) {
        free_scratch(s);
        return NULL;
    }
    BN_set_flags(s->scalar, BN_FLG_CONSTTIME);
    thread_scratch = s;
    return s;
}

/// Leaves no secret behind: neither a scalar, nor a shared point, nor its projective coordinates.
static void wipe(scratch *s) {
    BN_clear(s->scalar);
    BN_clear(s->second_scalar);
    BN_clear(s->x);
    BN_clear(s->y);
    EC_POINT_copy(s->result, EC_GROUP_get0_generator(curve));
}

// MARK: To libcrypto and back

static bool to_bignum(const number *source, BIGNUM *target) {
    unsigned char bytes[number_length];
    write_bytes(source, bytes);
    const bool done = BN_bin2bn(bytes, sizeof bytes, target) != NULL;
    OPENSSL_cleanse(bytes, sizeof bytes);
    return done;
}

static bool from_bignum(const BIGNUM *source, number *target) {
    unsigned char bytes[number_length];
    const bool done = BN_bn2binpad(source, bytes, sizeof bytes) == number_length;
    if (done) read_bytes(target, bytes);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return done;
}

/// Sets the scratch's point; false also when it is not on the curve, which libcrypto checks.
static bool set_point(scratch *s, const number *x, const number *y) {
    return to_bignum(x, s->x) && to_bignum(y, s->y)
        && EC_POINT_set_affine_coordinates(curve, s->point, s->x, s->y, s->context) == 1;
}

static bool take_result(scratch *s, number *x, number *y) {
    return EC_POINT_get_affine_coordinates(curve, s->result, s->x, s->y, s->context) == 1 && from_bignum(s->x, x)
        && from_bignum(s->y, y);
}

static bool is_generator(const number *x, const number *y) {
    return are_equal(x, &generator_x) && are_equal(y, &generator_y);
}

// MARK: The two operations

/// (rx, ry) = k · (x, y). False when libcrypto did not do it; then nothing is said about why. The scalar is secret.
static bool multiply(scratch *s, number *k, const number *x, const number *y, number *rx, number *ry) {
    const uint64_t negated = fold_scalar(k);
    if (!to_bignum(k, s->scalar)) return false;
    const bool multiplied = is_generator(x, y)
        ? EC_POINT_mul(curve, s->result, s->scalar, NULL, NULL, s->context) == 1
        : set_point(s, x, y) && EC_POINT_mul(curve, s->result, NULL, s->point, s->scalar, s->context) == 1;
    if (!multiplied || !take_result(s, rx, ry)) return false;
    negate_if(negated, ry);
    return true;
}

/// (rx, ry) = m · G + n · (x, y). False also when that is the point at infinity, which has no coordinates. Signature
/// checks only: nothing is secret.
static bool multiply_and_add(
    scratch *s, const number *m, const number *n, const number *x, const number *y, number *rx, number *ry) {
    return to_bignum(m, s->scalar) && to_bignum(n, s->second_scalar) && set_point(s, x, y)
        && EC_POINT_mul(curve, s->result, s->scalar, s->point, s->second_scalar, s->context) == 1
        && take_result(s, rx, ry);
}

/// The calling thread's scratch while the wrap is on, otherwise null.
static scratch *enabled_scratch(void) {
    if (!fleetgate_p256_enabled()) return NULL;
    return thread_scratch != NULL ? thread_scratch : make_scratch();
}

/// The scratch when the wrap is to answer for this group, otherwise null.
static scratch *scratch_for(const mbedtls_ecp_group *group) {
    return group->id == MBEDTLS_ECP_DP_SECP256R1 ? enabled_scratch() : NULL;
}

/// inverse = a^(n - 2) = a^-1 modulo n, by Fermat, in constant time.
static bool invert(scratch *s, const number *a, number *inverse) {
    return to_bignum(a, s->scalar)
        && BN_mod_exp_mont_consttime(s->x, s->scalar, order_minus_two, order, s->context, order_montgomery) == 1
        && from_bignum(s->x, inverse);
}

/// True when `*status` is the answer: the modulus is P-256's order and A lies from 1 to n - 1. X may be A.
static bool try_invert(mbedtls_mpi *X, const mbedtls_mpi *A, const mbedtls_mpi *N, int *status) {
    number modulus, a, inverse;
    // The modulus is public, and a look at its size spares every other one the copy.
    if (mbedtls_mpi_size(N) != number_length || !read_mpi(&modulus, N) || !are_equal(&modulus, &group_order)) {
        return false;
    }
    scratch *s = enabled_scratch();
    if (s == NULL) return false;
    bool done = read_scalar(&a, A);
    if (done) {
        ERR_set_mark();
        done = invert(s, &a, &inverse);
        ERR_pop_to_mark();
        wipe(s);
    }
    if (done) *status = write_mpi(&inverse, X);
    OPENSSL_cleanse(&a, sizeof a);
    OPENSSL_cleanse(&inverse, sizeof inverse);
    return done;
}

#if MBEDTLS_VERSION_NUMBER >= 0x03060600
int __wrap_mbedtls_mpi_gcd_modinv_odd(mbedtls_mpi *G, mbedtls_mpi *I, const mbedtls_mpi *A, const mbedtls_mpi *N) {
    int status;
    // Asked for the greatest common divisor too, mbedTLS computes both.
    if (G == NULL && I != NULL && try_invert(I, A, N, &status)) return status;
    return __real_mbedtls_mpi_gcd_modinv_odd(G, I, A, N);
}
#else
int __wrap_mbedtls_mpi_inv_mod(mbedtls_mpi *X, const mbedtls_mpi *A, const mbedtls_mpi *N) {
    int status;
    if (try_invert(X, A, N, &status)) return status;
    return __real_mbedtls_mpi_inv_mod(X, A, N);
}
#endif

static int write_point(mbedtls_ecp_point *target, const number *x, const number *y) {
    int result = write_mpi(x, &target->X);
    if (result == 0) result = write_mpi(y, &target->Y);
    if (result == 0) result = mbedtls_mpi_lset(&target->Z, 1);
    if (result != 0) mbedtls_ecp_point_free(target);  // as mbedTLS: no half of a point for the caller to use
    return result;
}

/// True when `*status` is the answer; false when mbedTLS must give it. All input is read before R is written, since R
/// may be one of the points.
static bool try_multiply(
    const mbedtls_ecp_group *group, mbedtls_ecp_point *R, const mbedtls_mpi *m, const mbedtls_ecp_point *P,
    int *status) {
    scratch *s = scratch_for(group);
    if (s == NULL) return false;
    number k, x, y, rx, ry;
    bool done = read_coordinates(&x, &y, P) && read_scalar(&k, m);
    if (done) {
        ERR_set_mark();
        done = multiply(s, &k, &x, &y, &rx, &ry);
        ERR_pop_to_mark();  // other users of libcrypto on this thread must not find our refusals in their queue
        wipe(s);
    }
    if (done) {
        s->operations++;
        *status = write_point(R, &rx, &ry);
    }
    OPENSSL_cleanse(&k, sizeof k);
    OPENSSL_cleanse(&rx, sizeof rx);
    OPENSSL_cleanse(&ry, sizeof ry);
    return done;
}

int __wrap_mbedtls_ecp_mul_restartable(
    mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m, const mbedtls_ecp_point *P,
    random_function *f_rng, void *p_rng, mbedtls_ecp_restart_ctx *rs_ctx) {
    int status;
    // Without a random function mbedTLS 3 refuses and 2.28 has its own way.
    if (rs_ctx == NULL && f_rng != NULL && try_multiply(grp, R, m, P, &status)) return status;
    return __real_mbedtls_ecp_mul_restartable(grp, R, m, P, f_rng, p_rng, rs_ctx);
}

int __wrap_mbedtls_ecp_mul(
    mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m, const mbedtls_ecp_point *P,
    random_function *f_rng, void *p_rng) {
    int status;
    if (f_rng != NULL && try_multiply(grp, R, m, P, &status)) return status;
    return __real_mbedtls_ecp_mul(grp, R, m, P, f_rng, p_rng);
}

/// As `try_multiply`, for the one form that signature checks need: P is the generator and both scalars are 1 to n - 1.
static bool try_multiply_and_add(
    const mbedtls_ecp_group *group, mbedtls_ecp_point *R, const mbedtls_mpi *m, const mbedtls_ecp_point *P,
    const mbedtls_mpi *n, const mbedtls_ecp_point *Q, int *status) {
    scratch *s = scratch_for(group);
    if (s == NULL) return false;
    number k, l, px, py, x, y, rx, ry;
    if (!read_coordinates(&px, &py, P) || !is_generator(&px, &py) || !read_coordinates(&x, &y, Q)
        || !read_scalar(&k, m) || !read_scalar(&l, n)) {
        return false;
    }
    ERR_set_mark();
    const bool done = multiply_and_add(s, &k, &l, &x, &y, &rx, &ry);
    ERR_pop_to_mark();
    wipe(s);
    if (done) {
        s->operations++;
        *status = write_point(R, &rx, &ry);
    }
    return done;
}

int __wrap_mbedtls_ecp_muladd_restartable(
    mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m, const mbedtls_ecp_point *P,
    const mbedtls_mpi *n, const mbedtls_ecp_point *Q, mbedtls_ecp_restart_ctx *rs_ctx) {
    int status;
    if (rs_ctx == NULL && try_multiply_and_add(grp, R, m, P, n, Q, &status)) return status;
    return __real_mbedtls_ecp_muladd_restartable(grp, R, m, P, n, Q, rs_ctx);
}

// MARK: The switch

int fleetgate_p256_compiled_in(void) { return 1; }

void fleetgate_p256_set_enabled(int enabled) {
    atomic_store_explicit(&switched_on, enabled != 0, memory_order_relaxed);
}

int fleetgate_p256_set_thread_override(int override) {
    const int before = thread_override;
    thread_override = override;
    return before;
}

int fleetgate_p256_enabled(void) {
    if (thread_override != FLEETGATE_P256_FOLLOW_SWITCH) return thread_override != 0;
    return atomic_load_explicit(&switched_on, memory_order_relaxed) ? 1 : 0;
}

uint64_t fleetgate_p256_thread_operations(void) { return thread_scratch == NULL ? 0 : thread_scratch->operations; }

#else

int fleetgate_p256_compiled_in(void) { return 0; }

void fleetgate_p256_set_enabled(int enabled) { (void)enabled; }

int fleetgate_p256_set_thread_override(int override) {
    (void)override;
    return FLEETGATE_P256_FOLLOW_SWITCH;
}

int fleetgate_p256_enabled(void) { return 0; }

uint64_t fleetgate_p256_thread_operations(void) { return 0; }

#endif
