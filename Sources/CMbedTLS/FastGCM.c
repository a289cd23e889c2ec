// AES-GCM of whole records. As in FastP256.c, whatever is not plainly what TLS asks for goes to mbedTLS's own function with
// the same arguments.

#define MBEDTLS_ALLOW_PRIVATE_ACCESS  // the key schedule is a private field in mbedTLS 3
#include "FastGCM.h"
#include "FastP256.h"

#include <mbedtls/aes.h>
#include <mbedtls/cipher.h>
#include <mbedtls/gcm.h>
#include <mbedtls/version.h>
#include <stdbool.h>
#include <string.h>

typedef int encrypt_function(
    mbedtls_gcm_context *, int, size_t, const unsigned char *, size_t, const unsigned char *, size_t,
    const unsigned char *, unsigned char *, size_t, unsigned char *);
typedef int decrypt_function(
    mbedtls_gcm_context *, size_t, const unsigned char *, size_t, const unsigned char *, size_t, const unsigned char *,
    size_t, const unsigned char *, unsigned char *);

#if defined(FLEETGATE_FAST_P256)
encrypt_function __real_mbedtls_gcm_crypt_and_tag, __wrap_mbedtls_gcm_crypt_and_tag;
decrypt_function __real_mbedtls_gcm_auth_decrypt, __wrap_mbedtls_gcm_auth_decrypt;

static encrypt_function *const reference_encrypt = __real_mbedtls_gcm_crypt_and_tag;
static decrypt_function *const reference_decrypt = __real_mbedtls_gcm_auth_decrypt;
#else
static encrypt_function *const reference_encrypt = mbedtls_gcm_crypt_and_tag;
static decrypt_function *const reference_decrypt = mbedtls_gcm_auth_decrypt;
#endif

#if defined(FLEETGATE_FAST_P256) && defined(__x86_64__)

#include <immintrin.h>
#include <openssl/crypto.h>
#include <openssl/modes.h>
#include <pthread.h>

enum {
    block_length = 16,
    nonce_length_fast = 12,
    tag_length_fast = 16,
    // More than a record of TLS has (RFC 8446, 5.2); the counter's 32 bits have room for far more.
    length_max = 1 << 20,
    blocks_at_once = 8,
};

// MARK: AES

/// mbedTLS's key schedule: (rounds + 1) keys of 16 bytes, as the processor's instructions take them.
typedef struct {
    const __m128i *round_keys;
    int rounds;
} key_schedule;

/// False for every other cipher than AES.
static bool find_schedule(const mbedtls_gcm_context *context, key_schedule *schedule) {
    switch (mbedtls_cipher_get_type(&context->cipher_ctx)) {
        case MBEDTLS_CIPHER_AES_128_ECB:
        case MBEDTLS_CIPHER_AES_192_ECB:
        case MBEDTLS_CIPHER_AES_256_ECB: break;
        default: return false;
    }
    const mbedtls_aes_context *aes = context->cipher_ctx.cipher_ctx;
    if (aes == NULL || aes->nr < 10 || aes->nr > 14) return false;
#if MBEDTLS_VERSION_MAJOR >= 3
    schedule->round_keys = (const __m128i *)(aes->buf + aes->rk_offset);
#else
    schedule->round_keys = (const __m128i *)aes->rk;
#endif
    schedule->rounds = aes->nr;
    return true;
}

#define WITH_AES __attribute__((target("aes,ssse3,sse4.1")))

/// One block, for libcrypto.
WITH_AES static void encrypt_block(const unsigned char in[block_length], unsigned char out[block_length], const void *key) {
    const key_schedule *schedule = key;
    const __m128i *keys = schedule->round_keys;
    __m128i block = _mm_xor_si128(_mm_loadu_si128((const __m128i *)in), _mm_loadu_si128(keys));
    for (int i = 1; i < schedule->rounds; i++) block = _mm_aesenc_si128(block, _mm_loadu_si128(keys + i));
    block = _mm_aesenclast_si128(block, _mm_loadu_si128(keys + schedule->rounds));
    _mm_storeu_si128((__m128i *)out, block);
}

/// CTR with a counter of 32 bits (SP 800-38D, 6.5), for libcrypto: whole blocks from the counter block `start` on.
WITH_AES static void encrypt_counters(
    const unsigned char *in, unsigned char *out, size_t blocks, const void *key, const unsigned char start[block_length]) {
    const key_schedule *schedule = key;
    const __m128i *keys = schedule->round_keys;
    const __m128i first = _mm_loadu_si128((const __m128i *)start);
    uint32_t counter;
    memcpy(&counter, start + nonce_length_fast, sizeof counter);
    counter = __builtin_bswap32(counter);
    while (blocks > 0) {
        // All are computed, the last ones for nothing perhaps: they are under way at the same time.
        const size_t count = blocks < blocks_at_once ? blocks : blocks_at_once;
        __m128i block[blocks_at_once];
        const __m128i first_key = _mm_loadu_si128(keys);
        for (uint32_t i = 0; i < blocks_at_once; i++) {
            block[i] = _mm_xor_si128(_mm_insert_epi32(first, (int)__builtin_bswap32(counter + i), 3), first_key);
        }
        for (int round = 1; round < schedule->rounds; round++) {
            const __m128i round_key = _mm_loadu_si128(keys + round);
            for (size_t i = 0; i < blocks_at_once; i++) block[i] = _mm_aesenc_si128(block[i], round_key);
        }
        const __m128i last_key = _mm_loadu_si128(keys + schedule->rounds);
        for (size_t i = 0; i < count; i++) {
            const __m128i stream = _mm_aesenclast_si128(block[i], last_key);
            const __m128i text = _mm_loadu_si128((const __m128i *)in + i);
            _mm_storeu_si128((__m128i *)out + i, _mm_xor_si128(stream, text));
        }
        counter += (uint32_t)count;
        in += count * block_length;
        out += count * block_length;
        blocks -= count;
    }
}

/// With carry-less multiplication libcrypto's GHASH is in constant time; without it, it looks secrets up in tables.
static bool is_supported(void) {
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("ssse3")
        && __builtin_cpu_supports("sse4.1");
}

// MARK: GCM

static pthread_once_t set_up_once = PTHREAD_ONCE_INIT;
static pthread_key_t key_of_thread;
static bool is_usable;
// The destructor wipes and frees at a thread's end; this one only saves its look-up. Between two records it holds what
// GHASH is keyed with for the last one.
static _Thread_local GCM128_CONTEXT *thread_gcm;
static _Thread_local uint64_t records;

static void free_gcm(void *gcm) {
    CRYPTO_gcm128_release(gcm);
    thread_gcm = NULL;
}

static void set_up(void) { is_usable = is_supported() && pthread_key_create(&key_of_thread, free_gcm) == 0; }

static GCM128_CONTEXT *gcm_for_thread(key_schedule *schedule) {
    if (thread_gcm != NULL) return thread_gcm;
    if (pthread_once(&set_up_once, set_up) != 0 || !is_usable) return NULL;
    GCM128_CONTEXT *gcm = CRYPTO_gcm128_new(schedule, encrypt_block);
    if (gcm == NULL) return NULL;
    if (pthread_setspecific(key_of_thread, gcm) != 0) {
        CRYPTO_gcm128_release(gcm);
        return NULL;
    }
    thread_gcm = gcm;
    return gcm;
}

/// Encrypts or decrypts a record and computes its tag. False when mbedTLS must do it; then `output` may have been written.
static bool try_record(
    const mbedtls_gcm_context *context, bool is_encryption, size_t length, const unsigned char *nonce,
    size_t nonce_length, const unsigned char *additional, size_t additional_length, const unsigned char *input,
    unsigned char *output, size_t tag_length, unsigned char tag[tag_length_fast]) {
    key_schedule schedule;
    if (!fleetgate_p256_enabled() || nonce_length != nonce_length_fast || tag_length != tag_length_fast || length == 0
        || length > length_max || additional_length > length_max || !find_schedule(context, &schedule)) {
        return false;
    }
    GCM128_CONTEXT *gcm = gcm_for_thread(&schedule);
    if (gcm == NULL) return false;
    CRYPTO_gcm128_init(gcm, &schedule, encrypt_block);
    CRYPTO_gcm128_setiv(gcm, nonce, nonce_length);
    if (additional_length > 0 && CRYPTO_gcm128_aad(gcm, additional, additional_length) != 0) return false;
    const int status = is_encryption
        ? CRYPTO_gcm128_encrypt_ctr32(gcm, input, output, length, encrypt_counters)
        : CRYPTO_gcm128_decrypt_ctr32(gcm, input, output, length, encrypt_counters);
    // It refuses only lengths that were refused above.
    if (status != 0) return false;
    CRYPTO_gcm128_tag(gcm, tag, tag_length);
    records++;
    return true;
}

int __wrap_mbedtls_gcm_crypt_and_tag(
    mbedtls_gcm_context *ctx, int mode, size_t length, const unsigned char *iv, size_t iv_len, const unsigned char *add,
    size_t add_len, const unsigned char *input, unsigned char *output, size_t tag_len, unsigned char *tag) {
    if (mode == MBEDTLS_GCM_ENCRYPT
        && try_record(ctx, true, length, iv, iv_len, add, add_len, input, output, tag_len, tag)) {
        return 0;
    }
    return __real_mbedtls_gcm_crypt_and_tag(
        ctx, mode, length, iv, iv_len, add, add_len, input, output, tag_len, tag);
}

int __wrap_mbedtls_gcm_auth_decrypt(
    mbedtls_gcm_context *ctx, size_t length, const unsigned char *iv, size_t iv_len, const unsigned char *add,
    size_t add_len, const unsigned char *tag, size_t tag_len, const unsigned char *input, unsigned char *output) {
    unsigned char expected[tag_length_fast];
    if (!try_record(ctx, false, length, iv, iv_len, add, add_len, input, output, tag_len, expected)) {
        return __real_mbedtls_gcm_auth_decrypt(ctx, length, iv, iv_len, add, add_len, tag, tag_len, input, output);
    }
    if (CRYPTO_memcmp(expected, tag, tag_length_fast) == 0) return 0;
    // As mbedTLS: nobody sees what was not authentic.
    OPENSSL_cleanse(output, length);
    return MBEDTLS_ERR_GCM_AUTH_FAILED;
}

uint64_t fleetgate_fast_gcm_thread_records(void) { return records; }

int fleetgate_fast_gcm_is_supported(void) { return is_supported(); }

#else

#if defined(FLEETGATE_FAST_P256)
// The linker redirects the calls on every processor.
int __wrap_mbedtls_gcm_crypt_and_tag(
    mbedtls_gcm_context *ctx, int mode, size_t length, const unsigned char *iv, size_t iv_len, const unsigned char *add,
    size_t add_len, const unsigned char *input, unsigned char *output, size_t tag_len, unsigned char *tag) {
    return __real_mbedtls_gcm_crypt_and_tag(
        ctx, mode, length, iv, iv_len, add, add_len, input, output, tag_len, tag);
}

int __wrap_mbedtls_gcm_auth_decrypt(
    mbedtls_gcm_context *ctx, size_t length, const unsigned char *iv, size_t iv_len, const unsigned char *add,
    size_t add_len, const unsigned char *tag, size_t tag_len, const unsigned char *input, unsigned char *output) {
    return __real_mbedtls_gcm_auth_decrypt(ctx, length, iv, iv_len, add, add_len, tag, tag_len, input, output);
}
#endif

uint64_t fleetgate_fast_gcm_thread_records(void) { return 0; }

int fleetgate_fast_gcm_is_supported(void) { return 0; }

#endif

// MARK: One record either way

static int set_key(mbedtls_gcm_context *context, const fleetgate_gcm_record *record) {
    mbedtls_gcm_init(context);
    return mbedtls_gcm_setkey(context, MBEDTLS_CIPHER_ID_AES, record->key, record->key_bits);
}

static int encrypt(
    encrypt_function *function, const fleetgate_gcm_record *record, const unsigned char *input, size_t length,
    unsigned char *output, unsigned char *tag) {
    mbedtls_gcm_context context;
    int status = set_key(&context, record);
    if (status == 0) {
        status = function(
            &context, MBEDTLS_GCM_ENCRYPT, length, record->nonce, record->nonce_length, record->additional,
            record->additional_length, input, output, 16, tag);
    }
    mbedtls_gcm_free(&context);
    return status;
}

static int decrypt(
    decrypt_function *function, const fleetgate_gcm_record *record, const unsigned char *input, size_t length,
    const unsigned char *tag, size_t tag_length, unsigned char *output) {
    mbedtls_gcm_context context;
    int status = set_key(&context, record);
    if (status == 0) {
        status = function(
            &context, length, record->nonce, record->nonce_length, record->additional, record->additional_length, tag,
            tag_length, input, output);
    }
    mbedtls_gcm_free(&context);
    return status;
}

int fleetgate_reference_gcm_encrypt(
    const fleetgate_gcm_record *record, const unsigned char *input, size_t length, unsigned char *output,
    unsigned char *tag) {
    return encrypt(reference_encrypt, record, input, length, output, tag);
}

int fleetgate_linked_gcm_encrypt(
    const fleetgate_gcm_record *record, const unsigned char *input, size_t length, unsigned char *output,
    unsigned char *tag) {
    return encrypt(mbedtls_gcm_crypt_and_tag, record, input, length, output, tag);
}

int fleetgate_reference_gcm_decrypt(
    const fleetgate_gcm_record *record, const unsigned char *input, size_t length, const unsigned char *tag,
    size_t tag_length, unsigned char *output) {
    return decrypt(reference_decrypt, record, input, length, tag, tag_length, output);
}

int fleetgate_linked_gcm_decrypt(
    const fleetgate_gcm_record *record, const unsigned char *input, size_t length, const unsigned char *tag,
    size_t tag_length, unsigned char *output) {
    return decrypt(mbedtls_gcm_auth_decrypt, record, input, length, tag, tag_length, output);
}

int fleetgate_fast_gcm_agrees(void) {
    enum { checked_length_max = 300 };
    unsigned char text[checked_length_max], key[32], nonce[12], additional[64];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (unsigned char)(i * 151 + 7);
    for (size_t i = 0; i < sizeof key; i++) key[i] = (unsigned char)(i * 29 + 3);
    for (size_t i = 0; i < sizeof nonce; i++) nonce[i] = (unsigned char)(i * 53 + 1);
    for (size_t i = 0; i < sizeof additional; i++) additional[i] = (unsigned char)(i * 11 + 5);
    for (size_t length = 0; length <= checked_length_max; length++) {
        const fleetgate_gcm_record record = {key, 128 + 64 * (unsigned int)(length % 3), nonce, sizeof nonce, additional,
                                             length % sizeof additional};
        unsigned char expected[checked_length_max], expected_tag[16], actual[checked_length_max], tag[16];
        if (fleetgate_reference_gcm_encrypt(&record, text, length, expected, expected_tag) != 0
            || fleetgate_linked_gcm_encrypt(&record, text, length, actual, tag) != 0
            || memcmp(expected, actual, length) != 0 || memcmp(expected_tag, tag, sizeof tag) != 0
            || fleetgate_linked_gcm_decrypt(&record, actual, length, tag, sizeof tag, actual) != 0
            || memcmp(actual, text, length) != 0) {
            return 0;
        }
        tag[length % sizeof tag] ^= 1;
        if (fleetgate_linked_gcm_decrypt(&record, expected, length, tag, sizeof tag, actual)
            != MBEDTLS_ERR_GCM_AUTH_FAILED) {
            return 0;
        }
    }
    return 1;
}
