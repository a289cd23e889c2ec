// Signatures of chains that were found good, remembered by the thread that checked them. See FastSignatures.h for why
// that needs no invalidation.

#define OPENSSL_SUPPRESS_DEPRECATED  // SHA256_Init and its like: what replaces them allocates, and locks to look up
#include "FastP256.h"
#include "FastSignatures.h"

#if defined(FLEETGATE_FAST_P256)

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef int verify_chain_function(
    mbedtls_x509_crt *, mbedtls_x509_crt *, mbedtls_x509_crl *, const mbedtls_x509_crt_profile *, const char *,
    uint32_t *, int (*)(void *, mbedtls_x509_crt *, int, uint32_t *), void *, mbedtls_x509_crt_restart_ctx *);
verify_chain_function __real_mbedtls_x509_crt_verify_restartable, __wrap_mbedtls_x509_crt_verify_restartable;

typedef int verify_signature_function(
    mbedtls_pk_type_t, const void *, mbedtls_pk_context *, mbedtls_md_type_t, const unsigned char *, size_t,
    const unsigned char *, size_t);
verify_signature_function __real_mbedtls_pk_verify_ext, __wrap_mbedtls_pk_verify_ext;

enum {
    ways = 4,
    set_count = FLEETGATE_REMEMBERED_SIGNATURES_MAX / ways,
    // A SubjectPublicKeyInfo with an RSA key of 8,192 bits has 1,062.
    public_key_length_max = 1100,
    signature_length_max = 1024,
    hash_length_max = 64,
};

typedef struct {
    unsigned char bytes[SHA256_DIGEST_LENGTH];
} digest;

typedef struct {
    // An empty place is all zero, which is no digest that anybody has seen. calloc(3) takes this much from the system as
    // pages of zeros, which cost nothing until they are written.
    digest places[set_count][ways];
} memory;

static pthread_once_t set_up_once = PTHREAD_ONCE_INIT;
static pthread_key_t memory_of_thread;
static bool has_memory_of_thread;
// The destructor frees at a thread's end; this one only saves its look-up.
static _Thread_local memory *thread_memory;
static _Thread_local uint64_t hits, count;
static _Thread_local unsigned chains_being_verified;

static void free_memory(void *pointer) {
    free(pointer);
    thread_memory = NULL;
}

static void set_up(void) { has_memory_of_thread = pthread_key_create(&memory_of_thread, free_memory) == 0; }

static memory *memory_for_thread(void) {
    if (thread_memory != NULL) return thread_memory;
    if (pthread_once(&set_up_once, set_up) != 0 || !has_memory_of_thread) return NULL;
    memory *new = calloc(1, sizeof *new);
    if (new == NULL) return NULL;
    if (pthread_setspecific(memory_of_thread, new) != 0) {
        free(new);
        return NULL;
    }
    thread_memory = new;
    return new;
}

static digest *set_of(memory *of, const digest *wanted) {
    return of->places[(wanted->bytes[0] | (unsigned)wanted->bytes[1] << 8) % set_count];
}

static bool remembers(memory *of, const digest *wanted) {
    const digest *set = set_of(of, wanted);
    for (int way = 0; way < ways; way++) {
        if (memcmp(set[way].bytes, wanted->bytes, sizeof wanted->bytes) == 0) return true;
    }
    return false;
}

static void remember(memory *of, const digest *new) {
    static const digest empty;
    digest *set = set_of(of, new);
    // Which one gives way does not matter much; the digest itself is as good as chance.
    int place = new->bytes[2] % ways;
    for (int way = 0; way < ways; way++) {
        if (memcmp(set[way].bytes, empty.bytes, sizeof empty.bytes) == 0) {
            place = way;
            break;
        }
    }
    set[place] = *new;
    count++;
}

static void add_number(SHA256_CTX *hashing, uint32_t value) {
    const unsigned char bytes[4] = {
        (unsigned char)(value >> 24), (unsigned char)(value >> 16), (unsigned char)(value >> 8), (unsigned char)value};
    SHA256_Update(hashing, bytes, sizeof bytes);
}

/// Everything that the answer of a check depends on, each with its length. False for what is not remembered.
static bool describe(
    digest *result, mbedtls_pk_type_t type, mbedtls_pk_context *issuer, mbedtls_md_type_t algorithm,
    const unsigned char *hash, size_t hash_length, const unsigned char *signature, size_t signature_length) {
    if (hash_length == 0 || hash_length > hash_length_max || signature_length > signature_length_max) return false;
    unsigned char public_key[public_key_length_max];
    // Written at the end of the room.
    const int length = mbedtls_pk_write_pubkey_der(issuer, public_key, sizeof public_key);
    if (length <= 0) return false;
    SHA256_CTX hashing;
    SHA256_Init(&hashing);
    add_number(&hashing, (uint32_t)type);
    add_number(&hashing, (uint32_t)algorithm);
    add_number(&hashing, (uint32_t)length);
    SHA256_Update(&hashing, public_key + sizeof public_key - length, (size_t)length);
    add_number(&hashing, (uint32_t)hash_length);
    SHA256_Update(&hashing, hash, hash_length);
    add_number(&hashing, (uint32_t)signature_length);
    SHA256_Update(&hashing, signature, signature_length);
    SHA256_Final(result->bytes, &hashing);
    return true;
}

int __wrap_mbedtls_pk_verify_ext(
    mbedtls_pk_type_t type, const void *options, mbedtls_pk_context *ctx, mbedtls_md_type_t md_alg,
    const unsigned char *hash, size_t hash_len, const unsigned char *sig, size_t sig_len) {
    digest described;
    memory *of = chains_being_verified > 0 && fleetgate_p256_enabled() ? memory_for_thread() : NULL;
    // RSASSA-PSS alone has options; they would have to be described too.
    const bool can_remember = of != NULL && options == NULL
        && describe(&described, type, ctx, md_alg, hash, hash_len, sig, sig_len);
    if (can_remember && remembers(of, &described)) {
        hits++;
        return 0;
    }
    const int status = __real_mbedtls_pk_verify_ext(type, options, ctx, md_alg, hash, hash_len, sig, sig_len);
    if (can_remember && status == 0) remember(of, &described);
    return status;
}

int __wrap_mbedtls_x509_crt_verify_restartable(
    mbedtls_x509_crt *crt, mbedtls_x509_crt *trust_ca, mbedtls_x509_crl *ca_crl,
    const mbedtls_x509_crt_profile *profile, const char *cn, uint32_t *flags,
    int (*f_vrfy)(void *, mbedtls_x509_crt *, int, uint32_t *), void *p_vrfy, mbedtls_x509_crt_restart_ctx *rs_ctx) {
    chains_being_verified++;
    const int status =
        __real_mbedtls_x509_crt_verify_restartable(crt, trust_ca, ca_crl, profile, cn, flags, f_vrfy, p_vrfy, rs_ctx);
    chains_being_verified--;
    return status;
}

uint64_t fleetgate_remembered_signatures_thread_hits(void) { return hits; }

uint64_t fleetgate_remembered_signatures_thread_count(void) { return count; }

void fleetgate_remembered_signatures_forget(void) {
    if (thread_memory != NULL) memset(thread_memory, 0, sizeof *thread_memory);
}

#else

uint64_t fleetgate_remembered_signatures_thread_hits(void) { return 0; }

uint64_t fleetgate_remembered_signatures_thread_count(void) { return 0; }

void fleetgate_remembered_signatures_forget(void) {}

#endif
