#ifndef FLEETGATE_P256_NUMBER_H
#define FLEETGATE_P256_NUMBER_H

// 256-bit numbers and P-256's domain parameters. Nothing here branches on a number or uses it as an index; a result of
// type bool is for the caller to branch on, so ask only about what may be known.

#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdint.h>

enum { limb_count = 4, number_length = 32 };
typedef struct {
    uint64_t limb[limb_count];  // least significant first
} number;
__extension__ typedef unsigned __int128 double_limb;

// Domain parameters of P-256 (FIPS 186-4, D.1.2.3).
static const number field_prime = {{UINT64_MAX, 0x00000000FFFFFFFF, 0, 0xFFFFFFFF00000001}};
static const number group_order = {{0xF3B9CAC2FC632551, 0xBCE6FAADA7179E84, UINT64_MAX, 0xFFFFFFFF00000000}};
static const number generator_x = {{0xF4A13945D898C296, 0x77037D812DEB33A0, 0xF8BCE6E563A440F2, 0x6B17D1F2E12C4247}};
static const number generator_y = {{0xCBB6406837BF51F5, 0x2BCE33576B315ECE, 0x8EE7EB4A7C0F9E16, 0x4FE342E2FE1A7F9B}};

/// difference = a - b modulo 2^256; returns all ones when a < b, otherwise 0.
static inline uint64_t subtract(number *difference, const number *a, const number *b) {
    uint64_t borrow = 0;
    for (int i = 0; i < limb_count; i++) {
        const double_limb d = (double_limb)a->limb[i] - b->limb[i] - borrow;
        difference->limb[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return (uint64_t)0 - borrow;
}

/// target = source where the mask is all ones; unchanged where it is 0.
static inline void replace_if(uint64_t mask, number *target, const number *source) {
    __asm__("" : "+r"(mask));  // keeps the compiler from knowing that the mask has two values, and branching on it
    for (int i = 0; i < limb_count; i++) {
        target->limb[i] ^= mask & (target->limb[i] ^ source->limb[i]);
    }
}

static inline bool is_below(const number *a, const number *limit) {
    number unused;
    const uint64_t below = subtract(&unused, a, limit);
    OPENSSL_cleanse(&unused, sizeof unused);
    return below != 0;
}

static inline bool is_zero(const number *a) { return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0; }

static inline bool are_equal(const number *a, const number *b) { return CRYPTO_memcmp(a, b, sizeof *a) == 0; }

static inline void read_bytes(number *target, const unsigned char bytes[number_length]) {
    for (int i = 0; i < limb_count; i++) {
        uint64_t limb = 0;
        for (int j = 0; j < 8; j++) limb = limb << 8 | bytes[8 * (limb_count - 1 - i) + j];
        target->limb[i] = limb;
    }
}

static inline void write_bytes(const number *source, unsigned char bytes[number_length]) {
    for (int i = 0; i < number_length; i++) {
        bytes[i] = (unsigned char)(source->limb[limb_count - 1 - i / 8] >> (56 - 8 * (i % 8)));
    }
}

/// Replaces k by n - k when that is larger, and says so by a mask. libcrypto strips leading zero bytes of a number, so
/// it would show how short a secret scalar is; the larger of the two is never short.
static inline uint64_t fold_scalar(number *k) {
    number other, unused;
    subtract(&other, &group_order, k);
    const uint64_t mask = subtract(&unused, k, &other);
    replace_if(mask, k, &other);
    OPENSSL_cleanse(&other, sizeof other);
    OPENSSL_cleanse(&unused, sizeof unused);
    return mask;
}

/// y becomes p - y where the mask is all ones. No point of P-256 has y = 0.
static inline void negate_if(uint64_t mask, number *y) {
    number negated;
    subtract(&negated, &field_prime, y);
    replace_if(mask, y, &negated);
    OPENSSL_cleanse(&negated, sizeof negated);
}

#endif
