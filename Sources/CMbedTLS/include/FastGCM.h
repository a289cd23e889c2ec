#ifndef FLEETGATE_FAST_GCM_H
#define FLEETGATE_FAST_GCM_H

/*
 * mbedTLS's AES-GCM (NIST SP 800-38D) of whole records with libcrypto's GHASH and several counter blocks at once, put under
 * it at link time together with the P-256 arithmetic (FastP256.h), and switched with it. mbedTLS works block by block, which
 * is four times the work of a TLS record of 400 bytes.
 *
 * Only where the processor has instructions for AES and for carry-less multiplication, and only for nonces of 12 and tags of 16 bytes, as TLS has them; everything
 * else is mbedTLS's. Keys and their schedules stay where mbedTLS has them; what GHASH is keyed with for a thread's last
 * record stays with the thread until its next one or its end, when it is wiped.
 *
 * Thread rule: everything may be called from any thread at any time.
 */

#include <stddef.h>
#include <stdint.h>

/** How many records were encrypted or decrypted this way for the calling thread; 0 when not compiled in. */
uint64_t fleetgate_fast_gcm_thread_records(void);

/** Whether the processor has what it takes; 0 also when not compiled in. */
int fleetgate_fast_gcm_is_supported(void);

/** 1 when what is linked gives mbedTLS's own results, for records of 0 to 300 bytes, otherwise 0. Part of the self-check. */
int fleetgate_fast_gcm_agrees(void);

/** One record, for tests. */
typedef struct {
    const unsigned char *key;
    /** 128, 192 or 256. */
    unsigned int key_bits;
    const unsigned char *nonce;
    size_t nonce_length;
    const unsigned char *additional;
    size_t additional_length;
} fleetgate_gcm_record;

/*
 * One record either way, for tests: `reference` is mbedTLS's own, `linked` is what the linker put in its place. `input` may
 * be `output`. Encrypting writes a tag of 16 bytes, decrypting compares `tag_length` of them. Each returns mbedTLS's error
 * code.
 */

int fleetgate_reference_gcm_encrypt(
    const fleetgate_gcm_record *record, const unsigned char *input, size_t length, unsigned char *output,
    unsigned char *tag);

int fleetgate_linked_gcm_encrypt(
    const fleetgate_gcm_record *record, const unsigned char *input, size_t length, unsigned char *output,
    unsigned char *tag);

int fleetgate_reference_gcm_decrypt(
    const fleetgate_gcm_record *record, const unsigned char *input, size_t length, const unsigned char *tag,
    size_t tag_length, unsigned char *output);

int fleetgate_linked_gcm_decrypt(
    const fleetgate_gcm_record *record, const unsigned char *input, size_t length, const unsigned char *tag,
    size_t tag_length, unsigned char *output);

#endif
