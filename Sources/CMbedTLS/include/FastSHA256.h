#ifndef FLEETGATE_FAST_SHA256_H
#define FLEETGATE_FAST_SHA256_H

/*
 * mbedTLS's SHA-256 and SHA-224 (FIPS 180-4) with libcrypto's compression function, put under it at link time together with
 * the P-256 arithmetic (FastP256.h), and switched with it. Transcripts, the key schedule of TLS 1.2 and of TLS 1.3, and
 * certificates' hashes are computed with it.
 *
 * Thread rule: everything may be called from any thread at any time.
 */

#include <stddef.h>
#include <stdint.h>

/** How many blocks of 64 bytes libcrypto has compressed for the calling thread; 0 when not compiled in. */
uint64_t fleetgate_fast_sha256_thread_blocks(void);

/** 1 when what is linked gives mbedTLS's own results, for inputs of 0 to 200 bytes, otherwise 0. Part of the self-check. */
int fleetgate_fast_sha256_agrees(void);

/*
 * One hash either way, for tests: `reference` is mbedTLS's own, `linked` is what the linker put in its place, fed in parts
 * of `part_length` bytes, at least 1. `output` has 32 bytes, with SHA-224 (`is_sha224` not 0) 28. Each returns mbedTLS's
 * error code.
 */

int fleetgate_reference_sha256(const unsigned char *input, size_t length, int is_sha224, unsigned char *output);

int fleetgate_linked_sha256(
    const unsigned char *input, size_t length, size_t part_length, int is_sha224, unsigned char *output);

#endif
