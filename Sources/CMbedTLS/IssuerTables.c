// Checking signatures with a table of multiples of the signer's public key. See FastSignatures.h for whose keys get one.

#define MBEDTLS_ALLOW_PRIVATE_ACCESS  // the public key of a context is a private field in mbedTLS 3
#define OPENSSL_SUPPRESS_DEPRECATED   // EC_GROUP_precompute_mult: nothing replaces it
#include "IssuerTables.h"

#include "FastP256.h"
#include "FastSignatures.h"
#include "MbedTLSObjects.h"

#if defined(FLEETGATE_FAST_P256)

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { coordinate_length = FLEETGATE_P256_SCALAR_LENGTH };

typedef struct {
    unsigned char public_key[FLEETGATE_P256_POINT_LENGTH];
    /// P-256 with the public key as its generator: libcrypto computes a table for the generator of a group only.
    const EC_GROUP *group;
    /// The table's number in `places`.
    size_t place;
} issuer_table;

/// Immutable.
struct fleetgate_issuer_tables {
    size_t count;
    issuer_table tables[FLEETGATE_ISSUER_TABLES_MAX];
};

static _Thread_local const fleetgate_issuer_tables *in_use;
static _Thread_local uint64_t checks;

static pthread_once_t set_up_once = PTHREAD_ONCE_INIT;
static EC_GROUP *curve;

static void set_up(void) { curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1); }

static const EC_GROUP *group_in(const fleetgate_issuer_tables *in, const unsigned char *public_key) {
    for (size_t i = 0; i < in->count; i++) {
        const issuer_table *table = &in->tables[i];
        if (memcmp(table->public_key, public_key, sizeof table->public_key) == 0) return table->group;
    }
    return NULL;
}

// MARK: Making a table

/// Whether the table says of some multiples of the key what libcrypto says without it.
static bool agrees(const EC_GROUP *group, const EC_POINT *key, BN_CTX *context) {
    EC_POINT *with = EC_POINT_new(curve), *without = EC_POINT_new(curve);
    BIGNUM *scalar = BN_new();
    bool same = with != NULL && without != NULL && scalar != NULL
        && BN_copy(scalar, EC_GROUP_get0_order(curve)) != NULL && BN_sub_word(scalar, 1) == 1;
    // n - 1, then nine bits less each time: all lengths, and many patterns of bits.
    while (same && !BN_is_zero(scalar)) {
        same = EC_POINT_mul(group, with, scalar, NULL, NULL, context) == 1
            && EC_POINT_mul(curve, without, NULL, key, scalar, context) == 1
            && EC_POINT_cmp(curve, with, without, context) == 0 && BN_rshift(scalar, scalar, 9) == 1;
    }
    BN_free(scalar);
    EC_POINT_free(with);
    EC_POINT_free(without);
    return same;
}

/// Null when libcrypto cannot, or when the bytes are no point of the curve.
static EC_GROUP *make_group(const unsigned char *public_key) {
    BN_CTX *context = BN_CTX_new();
    EC_POINT *key = EC_POINT_new(curve);
    EC_GROUP *group = EC_GROUP_dup(curve);
    const bool made = context != NULL && key != NULL && group != NULL
        && EC_POINT_oct2point(curve, key, public_key, FLEETGATE_P256_POINT_LENGTH, context) == 1
        && EC_GROUP_set_generator(group, key, EC_GROUP_get0_order(curve), BN_value_one()) == 1
        && EC_GROUP_precompute_mult(group, context) == 1 && agrees(group, key, context);
    EC_POINT_free(key);
    BN_CTX_free(context);
    if (made) return group;
    EC_GROUP_free(group);
    return NULL;
}

/// All tables of the process: each event loop has anchors of its own, mostly the same, and so have most reloads. One that
/// nobody uses stays until its place is wanted. A table is taken and replaced under the lock; it is let go of without it,
/// by event loops too, which must not wait while another thread makes one.
static struct {
    unsigned char public_key[FLEETGATE_P256_POINT_LENGTH];
    EC_GROUP *group;
    _Atomic size_t user_count;
} places[FLEETGATE_ISSUER_TABLES_OF_PROCESS_MAX];
static pthread_mutex_t placing = PTHREAD_MUTEX_INITIALIZER;

static size_t user_count(size_t place) {
    // What users did with the table is done when it is replaced.
    return atomic_load_explicit(&places[place].user_count, memory_order_acquire);
}

/// Makes the table in a place that nobody uses, if there is one. The lock is held. The place, or
/// FLEETGATE_ISSUER_TABLES_OF_PROCESS_MAX when there is no table to be had.
static size_t place_group(const unsigned char *public_key) {
    size_t place = FLEETGATE_ISSUER_TABLES_OF_PROCESS_MAX;
    for (size_t i = 0; i < FLEETGATE_ISSUER_TABLES_OF_PROCESS_MAX; i++) {
        if (user_count(i) > 0) continue;
        place = i;
        if (places[i].group == NULL) break;
    }
    if (place == FLEETGATE_ISSUER_TABLES_OF_PROCESS_MAX) return place;
    EC_GROUP *new = make_group(public_key);
    if (new == NULL) return FLEETGATE_ISSUER_TABLES_OF_PROCESS_MAX;
    EC_GROUP_free(places[place].group);
    memcpy(places[place].public_key, public_key, sizeof places[place].public_key);
    places[place].group = new;
    return place;
}

/// Whoever gets a table is a user of its place until `release_place`. False when there is none to be had.
static bool take_group(issuer_table *table, const unsigned char *public_key) {
    if (pthread_mutex_lock(&placing) != 0) return false;
    size_t place = 0;
    while (place < FLEETGATE_ISSUER_TABLES_OF_PROCESS_MAX
           && (places[place].group == NULL
               || memcmp(places[place].public_key, public_key, sizeof places[place].public_key) != 0)) {
        place++;
    }
    if (place == FLEETGATE_ISSUER_TABLES_OF_PROCESS_MAX) place = place_group(public_key);
    const bool taken = place < FLEETGATE_ISSUER_TABLES_OF_PROCESS_MAX;
    if (taken) {
        atomic_fetch_add_explicit(&places[place].user_count, 1, memory_order_relaxed);
        table->group = places[place].group;
        table->place = place;
    }
    pthread_mutex_unlock(&placing);
    return taken;
}

static void release_place(size_t place) {
    atomic_fetch_sub_explicit(&places[place].user_count, 1, memory_order_release);
}

static void add(fleetgate_issuer_tables *to, const unsigned char *public_key) {
    if (to->count == FLEETGATE_ISSUER_TABLES_MAX || group_in(to, public_key) != NULL) return;
    issuer_table *next = &to->tables[to->count];
    if (!take_group(next, public_key)) return;
    memcpy(next->public_key, public_key, sizeof next->public_key);
    to->count++;
}

static fleetgate_issuer_tables *make_empty(void) {
    if (pthread_once(&set_up_once, set_up) != 0 || curve == NULL) return NULL;
    return calloc(1, sizeof(fleetgate_issuer_tables));
}

bool fleetgate_issuer_table_key(const mbedtls_ecp_point *point, unsigned char *public_key) {
    public_key[0] = 4;
    return mbedtls_mpi_cmp_int(&point->Z, 1) == 0
        && mbedtls_mpi_write_binary(&point->X, public_key + 1, coordinate_length) == 0
        && mbedtls_mpi_write_binary(&point->Y, public_key + 1 + coordinate_length, coordinate_length) == 0;
}

static void add_all(fleetgate_issuer_tables *to, const mbedtls_x509_crt *issuers) {
    for (const mbedtls_x509_crt *issuer = issuers; issuer != NULL; issuer = issuer->next) {
        unsigned char public_key[FLEETGATE_P256_POINT_LENGTH];
        if (!mbedtls_pk_can_do(&issuer->pk, MBEDTLS_PK_ECDSA)) continue;
        const mbedtls_ecp_keypair *key = mbedtls_pk_ec(issuer->pk);
        if (key->grp.id == MBEDTLS_ECP_DP_SECP256R1 && fleetgate_issuer_table_key(&key->Q, public_key)) {
            add(to, public_key);
        }
    }
}

void fleetgate_certificates_make_tables(fleetgate_certificates *certificates) {
    if (certificates->tables != NULL) return;
    ERR_set_mark();
    certificates->tables = make_empty();
    if (certificates->tables != NULL) add_all(certificates->tables, &certificates->chain);
    ERR_pop_to_mark();  // other users of libcrypto on this thread must not find our refusals in their queue
}

fleetgate_issuer_tables *fleetgate_issuer_tables_new(const unsigned char *public_key) {
    ERR_set_mark();
    fleetgate_issuer_tables *tables = make_empty();
    if (tables != NULL) add(tables, public_key);
    ERR_pop_to_mark();
    return tables;
}

void fleetgate_issuer_tables_free(fleetgate_issuer_tables *tables) {
    if (tables == NULL) return;
    for (size_t i = 0; i < tables->count; i++) release_place(tables->tables[i].place);
    free(tables);
}

size_t fleetgate_issuer_tables_count(const fleetgate_issuer_tables *tables) { return tables == NULL ? 0 : tables->count; }

const fleetgate_issuer_tables *fleetgate_issuer_tables_use(const fleetgate_issuer_tables *tables) {
    const fleetgate_issuer_tables *before = in_use;
    in_use = tables;
    return before;
}

// MARK: Checking with it

typedef struct {
    BN_CTX *context;
    BIGNUM *e, *inverse, *u1, *u2, *x;
    EC_POINT *sum, *part;
} workspace;

/// SEC 1, 4.1.4, after the ranges were checked. -1 when libcrypto cannot say.
static int compute(
    workspace *w, const EC_GROUP *of_key, const unsigned char *hash, size_t hash_length, const BIGNUM *r,
    const BIGNUM *s) {
    const BIGNUM *order = EC_GROUP_get0_order(curve);
    // The leftmost bits of the hash, as many as the order has; a shorter hash is taken as it is.
    const int length = hash_length < coordinate_length ? (int)hash_length : (int)coordinate_length;
    // Nothing is secret here: signatures and public keys go over the wire.
    if (BN_bin2bn(hash, length, w->e) == NULL || BN_mod_inverse(w->inverse, s, order, w->context) == NULL
        || BN_mod_mul(w->u1, w->e, w->inverse, order, w->context) != 1
        || BN_mod_mul(w->u2, r, w->inverse, order, w->context) != 1
        || EC_POINT_mul(curve, w->sum, w->u1, NULL, NULL, w->context) != 1
        || EC_POINT_mul(of_key, w->part, w->u2, NULL, NULL, w->context) != 1
        || EC_POINT_add(curve, w->sum, w->sum, w->part, w->context) != 1) {
        return -1;
    }
    if (EC_POINT_is_at_infinity(curve, w->sum)) return 0;
    if (EC_POINT_get_affine_coordinates(curve, w->sum, w->x, NULL, w->context) != 1
        || BN_nnmod(w->x, w->x, order, w->context) != 1) {
        return -1;
    }
    return BN_cmp(w->x, r) == 0;
}

/// As `compute`, in a workspace of its own.
static int check(
    const EC_GROUP *of_key, const unsigned char *hash, size_t hash_length, const BIGNUM *r, const BIGNUM *s) {
    const BIGNUM *order = EC_GROUP_get0_order(curve);
    if (BN_is_zero(r) || BN_is_negative(r) || BN_ucmp(r, order) >= 0 || BN_is_zero(s) || BN_is_negative(s)
        || BN_ucmp(s, order) >= 0) {
        return -1;
    }
    workspace w = {.context = BN_CTX_new(), .sum = EC_POINT_new(curve), .part = EC_POINT_new(curve)};
    int answer = -1;
    if (w.context != NULL) {
        BN_CTX_start(w.context);
        w.e = BN_CTX_get(w.context);
        w.inverse = BN_CTX_get(w.context);
        w.u1 = BN_CTX_get(w.context);
        w.u2 = BN_CTX_get(w.context);
        w.x = BN_CTX_get(w.context);  // null when one before was
        if (w.x != NULL && w.sum != NULL && w.part != NULL) answer = compute(&w, of_key, hash, hash_length, r, s);
        BN_CTX_end(w.context);
    }
    EC_POINT_free(w.part);
    EC_POINT_free(w.sum);
    BN_CTX_free(w.context);
    return answer;
}

/// Whether the bytes are the one DER encoding of it: others are for mbedTLS to judge.
static bool is_der_of(const ECDSA_SIG *parsed, const unsigned char *signature, size_t length) {
    unsigned char *encoded = NULL;
    const int encoded_length = i2d_ECDSA_SIG(parsed, &encoded);
    const bool same = encoded_length > 0 && (size_t)encoded_length == length && memcmp(encoded, signature, length) == 0;
    OPENSSL_free(encoded);
    return same;
}

int fleetgate_issuer_table_check(
    const unsigned char *public_key, const unsigned char *hash, size_t hash_length, const unsigned char *signature,
    size_t signature_length) {
    const EC_GROUP *of_key = in_use == NULL ? NULL : group_in(in_use, public_key);
    if (of_key == NULL) return -1;
    const unsigned char *position = signature;
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &position, (long)signature_length);
    if (parsed == NULL) return -1;
    int answer = -1;
    if (is_der_of(parsed, signature, signature_length)) {
        answer = check(of_key, hash, hash_length, ECDSA_SIG_get0_r(parsed), ECDSA_SIG_get0_s(parsed));
    }
    ECDSA_SIG_free(parsed);
    if (answer >= 0) checks++;
    return answer;
}

uint64_t fleetgate_issuer_tables_thread_checks(void) { return checks; }

#else

void fleetgate_certificates_make_tables(fleetgate_certificates *certificates) { (void)certificates; }

fleetgate_issuer_tables *fleetgate_issuer_tables_new(const unsigned char *public_key) {
    (void)public_key;
    return NULL;
}

void fleetgate_issuer_tables_free(fleetgate_issuer_tables *tables) { (void)tables; }

size_t fleetgate_issuer_tables_count(const fleetgate_issuer_tables *tables) {
    (void)tables;
    return 0;
}

const fleetgate_issuer_tables *fleetgate_issuer_tables_use(const fleetgate_issuer_tables *tables) {
    (void)tables;
    return NULL;
}

uint64_t fleetgate_issuer_tables_thread_checks(void) { return 0; }

#endif
