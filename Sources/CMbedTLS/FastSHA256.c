// SHA-256 and SHA-224 of mbedTLS with libcrypto's compression function, which uses the processor's own instructions where
// it has them. The state stays mbedTLS's: every context can be gone on with by either, and the switch can be turned at any
// time.

#define MBEDTLS_ALLOW_PRIVATE_ACCESS  // the state is a private field in mbedTLS 3
#define OPENSSL_SUPPRESS_DEPRECATED   // SHA256_Transform: nothing replaces it
#include "FastP256.h"
#include "FastSHA256.h"

#include <mbedtls/md.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <string.h>

#if defined(FLEETGATE_FAST_P256)

#include <openssl/crypto.h>
#include <openssl/sha.h>

// What mbedTLS 2.28 calls `…_ret` is the function of mbedTLS 3 without that ending.
#if MBEDTLS_VERSION_MAJOR >= 3
typedef int finish_function(mbedtls_sha256_context *, unsigned char *);
#define real_update __real_mbedtls_sha256_update
#define wrap_update __wrap_mbedtls_sha256_update
#define real_finish __real_mbedtls_sha256_finish
#define wrap_finish __wrap_mbedtls_sha256_finish
#else
typedef int finish_function(mbedtls_sha256_context *, unsigned char[32]);
#define real_update __real_mbedtls_sha256_update_ret
#define wrap_update __wrap_mbedtls_sha256_update_ret
#define real_finish __real_mbedtls_sha256_finish_ret
#define wrap_finish __wrap_mbedtls_sha256_finish_ret
#endif
typedef int update_function(mbedtls_sha256_context *, const unsigned char *, size_t);
update_function real_update, wrap_update;
finish_function real_finish, wrap_finish;

enum { block_length = 64, length_length = 8 };

static _Thread_local uint64_t blocks;

/// Works blocks into the state, which may be a key's (HMAC): nothing of it stays behind.
static void compress(mbedtls_sha256_context *context, const unsigned char *input, size_t count) {
    SHA256_CTX compressing;
    memcpy(compressing.h, context->state, sizeof compressing.h);
    for (size_t i = 0; i < count; i++) SHA256_Transform(&compressing, input + i * block_length);
    memcpy(context->state, compressing.h, sizeof compressing.h);
    OPENSSL_cleanse(&compressing, sizeof compressing.h);
    blocks += count;
}

int wrap_update(mbedtls_sha256_context *ctx, const unsigned char *input, size_t ilen) {
    if (ctx == NULL || input == NULL || !fleetgate_p256_enabled()) return real_update(ctx, input, ilen);
    size_t held = ctx->total[0] % block_length;
    // A number of 64 bits in two halves.
    const uint64_t total = ((uint64_t)ctx->total[1] << 32 | ctx->total[0]) + ilen;
    ctx->total[0] = (uint32_t)total;
    ctx->total[1] = (uint32_t)(total >> 32);
    if (held > 0 && ilen >= block_length - held) {
        memcpy(ctx->buffer + held, input, block_length - held);
        compress(ctx, ctx->buffer, 1);
        input += block_length - held;
        ilen -= block_length - held;
        held = 0;
    }
    if (ilen >= block_length) {
        compress(ctx, input, ilen / block_length);
        input += ilen / block_length * block_length;
        ilen %= block_length;
    }
    if (ilen > 0) memcpy(ctx->buffer + held, input, ilen);
    return 0;
}

static void write_big_endian(unsigned char *target, uint32_t value) {
    for (int i = 0; i < 4; i++) target[i] = (unsigned char)(value >> (24 - 8 * i));
}

/// FIPS 180-4, 5.1.1: a 1, zeros, and the length in bits at the end of the last block.
int wrap_finish(mbedtls_sha256_context *ctx, unsigned char *output) {
    if (ctx == NULL || output == NULL || !fleetgate_p256_enabled()) return real_finish(ctx, output);
    size_t held = ctx->total[0] % block_length;
    ctx->buffer[held++] = 0x80;
    if (held > block_length - length_length) {
        memset(ctx->buffer + held, 0, block_length - held);
        compress(ctx, ctx->buffer, 1);
        held = 0;
    }
    memset(ctx->buffer + held, 0, block_length - length_length - held);
    write_big_endian(ctx->buffer + block_length - length_length, ctx->total[0] >> 29 | ctx->total[1] << 3);
    write_big_endian(ctx->buffer + block_length - length_length + 4, ctx->total[0] << 3);
    compress(ctx, ctx->buffer, 1);
    const int words = ctx->is224 ? 7 : 8;
    for (int i = 0; i < words; i++) write_big_endian(output + 4 * i, ctx->state[i]);
#if MBEDTLS_VERSION_MAJOR >= 3
    mbedtls_sha256_free(ctx);  // as mbedTLS 3 does: nothing of the state stays behind
#endif
    return 0;
}

uint64_t fleetgate_fast_sha256_thread_blocks(void) { return blocks; }

#else

uint64_t fleetgate_fast_sha256_thread_blocks(void) { return 0; }

#endif

// MARK: One hash either way

int fleetgate_reference_sha256(const unsigned char *input, size_t length, int is_sha224, unsigned char *output) {
    // Computed within mbedTLS's own file, whose calls are not redirected.
#if MBEDTLS_VERSION_MAJOR >= 3
    return mbedtls_sha256(input, length, output, is_sha224);
#else
    return mbedtls_sha256_ret(input, length, output, is_sha224);
#endif
}

int fleetgate_linked_sha256(
    const unsigned char *input, size_t length, size_t part_length, int is_sha224, unsigned char *output) {
    mbedtls_md_context_t context;
    mbedtls_md_init(&context);
    int status =
        mbedtls_md_setup(&context, mbedtls_md_info_from_type(is_sha224 ? MBEDTLS_MD_SHA224 : MBEDTLS_MD_SHA256), 0);
    if (status == 0) status = mbedtls_md_starts(&context);
    for (size_t at = 0; status == 0 && at < length; at += part_length) {
        const size_t left = length - at;
        status = mbedtls_md_update(&context, input + at, left < part_length ? left : part_length);
    }
    if (status == 0) status = mbedtls_md_finish(&context, output);
    mbedtls_md_free(&context);
    return status;
}

int fleetgate_fast_sha256_agrees(void) {
    // Every number of bytes in the last block, and some blocks before it.
    enum { length_max = 200 };
    unsigned char input[length_max];
    for (size_t i = 0; i < sizeof input; i++) input[i] = (unsigned char)(i * 151 + 7);
    for (size_t length = 0; length <= length_max; length++) {
        unsigned char expected[32] = {0}, actual[32] = {0};
        const int is_sha224 = length % 2;
        if (fleetgate_reference_sha256(input, length, is_sha224, expected)
                != fleetgate_linked_sha256(input, length, 1 + length % 70, is_sha224, actual)
            || memcmp(expected, actual, sizeof expected) != 0) {
            return 0;
        }
    }
    return 1;
}
