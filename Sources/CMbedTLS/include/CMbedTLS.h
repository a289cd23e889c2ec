#ifndef FLEETGATE_CMBEDTLS_H
#define FLEETGATE_CMBEDTLS_H

/*
 * mbedTLS as the Swift side sees it: opaque objects and plain numbers.
 *
 * No mbedTLS header is included here, so nothing that differs between mbedTLS 2.28 and 3.6 (field names, private
 * fields, signatures, error codes) can be seen outside this target, and no target above needs mbedTLS's headers.
 *
 * Ownership: every `…_new` returns an object the caller frees with `…_free` (null is accepted), or null when there is
 * no memory. Objects are allocated on the heap because mbedTLS's structures must not move.
 *
 * Thread rule: an object may be used by one thread at a time. `fleetgate_settings` is read-only after it was set up.
 */

#include <stddef.h>
#include <stdint.h>

#include "ClosedEnumeration.h"
#include "FastGCM.h"
#include "FastP256.h"
#include "FastSHA256.h"
#include "FastSignatures.h"

/* ---- Library ---------------------------------------------------------------------------------------------------- */

/** The version linked, as 0xMMNNPP00 (`mbedtls_version_get_number`). */
uint32_t fleetgate_library_version_number(void);
/** 1 when the library was built with MBEDTLS_THREADING_C. */
int fleetgate_library_is_threaded(void);
/** 1 when the library was built with TLS 1.3. */
int fleetgate_library_has_tls13(void);
/** 1 when the headers this program was compiled with are of the version that was linked. */
int fleetgate_library_headers_match(void);
/**
 * Fills every lazily initialised table of mbedTLS, and initialises PSA where there is one. To be called once, by one
 * thread, before anything else. Returns 0 or an mbedTLS (or PSA) error code.
 */
int fleetgate_library_prepare(void);
/** The SHA-256 of `length` bytes, into 32 bytes. Returns 0, or -1 when libcrypto failed. */
int fleetgate_sha256(const unsigned char *bytes, size_t length, unsigned char *digest);

/** mbedTLS's own words for one of its codes (`mbedtls_strerror`), NUL-terminated within `capacity` bytes. */
void fleetgate_error_text(int error, char *text, size_t capacity);

/* ---- Random source ---------------------------------------------------------------------------------------------- */

typedef struct fleetgate_random fleetgate_random;
/** A seeded CTR_DRBG with its own entropy context; `error` receives an mbedTLS code when null is returned. */
fleetgate_random *fleetgate_random_new(int *error);
/** At most 1024 bytes at a time. Returns 0 or an mbedTLS code. */
int fleetgate_random_bytes(fleetgate_random *random, unsigned char *bytes, size_t length);
void fleetgate_random_free(fleetgate_random *random);

/* ---- Certificates and keys -------------------------------------------------------------------------------------- */

typedef struct fleetgate_certificates fleetgate_certificates;
/**
 * Parses one or more PEM certificates (`mbedtls_x509_crt_parse`). `error` receives 0; a negative mbedTLS code when
 * nothing could be parsed; or the positive number of certificates that could not. Null unless it is 0.
 */
fleetgate_certificates *fleetgate_certificates_new(const unsigned char *pem, size_t length, int *error);
void fleetgate_certificates_free(fleetgate_certificates *certificates);
size_t fleetgate_certificates_count(const fleetgate_certificates *certificates);
/** The DER of one certificate, valid as long as the object; null when there is none of that index. */
const unsigned char *fleetgate_certificates_der(
    const fleetgate_certificates *certificates, size_t index, size_t *length);

/**
 * Makes the tables with which handshakes check what these certificates' P-256 keys have signed (FastSignatures.h), unless
 * they are there. Takes a lock, and 30 ms for each that no other list has: not on an event loop, and before
 * the first handshake. Without memory, or built without acceleration, there are fewer or none. To free the certificates
 * takes no lock.
 */
void fleetgate_certificates_make_tables(fleetgate_certificates *certificates);

/** An empty list, for certificates as a peer would present them; `error` receives an mbedTLS code with a null. */
fleetgate_certificates *fleetgate_certificates_new_empty(int *error);
/**
 * Appends one certificate to an empty list or to what this appended before, as mbedTLS does with the certificates of a
 * handshake: one signed with an algorithm that is not known is passed over. Returns 0 or an mbedTLS code.
 */
int fleetgate_certificates_add_presented(
    fleetgate_certificates *certificates, const unsigned char *der, size_t length);

typedef struct fleetgate_key fleetgate_key;
typedef enum FLEETGATE_CLOSED_ENUM {
    FLEETGATE_KEY_PARSED FLEETGATE_SWIFT_NAME(parsed) = 0,
    FLEETGATE_KEY_UNPARSABLE FLEETGATE_SWIFT_NAME(unparsable),
    FLEETGATE_KEY_NEEDS_PASS_PHRASE FLEETGATE_SWIFT_NAME(needsPassPhrase),
    FLEETGATE_KEY_WRONG_PASS_PHRASE FLEETGATE_SWIFT_NAME(wrongPassPhrase),
    FLEETGATE_KEY_NO_MEMORY FLEETGATE_SWIFT_NAME(noMemory),
} fleetgate_key_result;
/**
 * Parses a PEM private key: PKCS#8, SEC 1 or PKCS#1, plain or encrypted. `pass_phrase` may be null. Encrypted keys are
 * decrypted by libcrypto, because mbedTLS 2.28 cannot read what OpenSSL 3 writes (PBES2 with HMAC-SHA256). Every
 * intermediate copy of the key is overwritten before it is freed.
 */
fleetgate_key *fleetgate_key_new(
    const unsigned char *pem, size_t length, const unsigned char *pass_phrase, size_t pass_phrase_length,
    fleetgate_random *random, fleetgate_key_result *result);
void fleetgate_key_free(fleetgate_key *key);
/** 1 when the key belongs to the first of the certificates. */
int fleetgate_key_matches(
    const fleetgate_key *key, const fleetgate_certificates *certificates, fleetgate_random *random);

/* ---- Settings (mbedtls_ssl_config) ------------------------------------------------------------------------------ */

#define FLEETGATE_VERSION_TLS12 0x0303
#define FLEETGATE_VERSION_TLS13 0x0304
#define FLEETGATE_CIPHER_SUITES_MAX 32
#define FLEETGATE_NAMED_GROUPS_MAX 8
#define FLEETGATE_PROTOCOLS_MAX 8
#define FLEETGATE_PROTOCOL_LENGTH_MAX 255

typedef struct fleetgate_settings fleetgate_settings;
/**
 * Settings that start from nothing but: peer certificate required, no renegotiation, no resumption, no SHA-1, RSA of
 * at least 2048 bits and curves of at least 256 bits in certificates (unless `weak_keys_allowed`).
 */
fleetgate_settings *fleetgate_settings_new(
    int is_server, int weak_keys_allowed, fleetgate_random *random, int *error);
void fleetgate_settings_free(fleetgate_settings *settings);
/** Lowest and highest version, FLEETGATE_VERSION_…. Returns 0, or -1 when the library lacks one of them. */
int fleetgate_settings_set_versions(fleetgate_settings *settings, int lowest, int highest);
/** IANA numbers in order of preference. Returns 0, or -1 when there are none, too many, or one is not available. */
int fleetgate_settings_set_cipher_suites(fleetgate_settings *settings, const uint16_t *suites, size_t count);
/** IANA "supported groups" numbers in order of preference. Returns as above. */
int fleetgate_settings_set_named_groups(fleetgate_settings *settings, const uint16_t *groups, size_t count);
/** Adds one ALPN protocol, most preferred first. Returns 0, or -1 when it is empty, too long or there are too many. */
int fleetgate_settings_add_protocol(fleetgate_settings *settings, const unsigned char *name, size_t length);
/** Makes the protocols take effect; to be called once, after the last was added. Returns 0 or an mbedTLS code. */
int fleetgate_settings_apply_protocols(fleetgate_settings *settings);
/** The chain and key to present. Both must outlive the settings. Returns 0 or an mbedTLS code. */
int fleetgate_settings_set_identity(
    fleetgate_settings *settings, fleetgate_certificates *chain, fleetgate_key *key);
/** The trust anchors, which must outlive the settings. */
void fleetgate_settings_set_trust(fleetgate_settings *settings, fleetgate_certificates *anchors);
/** Client: ask for session tickets, and resume with a fresh key exchange only. */
void fleetgate_settings_set_keeps_sessions(fleetgate_settings *settings);
/** Server: give each client one ticket, and resume with a fresh key exchange only (`fleetgate_callbacks`). */
void fleetgate_settings_set_issues_tickets(fleetgate_settings *settings);
/** Server: whether the CertificateRequest lists the anchors' names. */
void fleetgate_settings_set_sends_authorities(fleetgate_settings *settings, int sends);
/** Client: the max_fragment_length code of RFC 6066 (1 = 512 … 4 = 4096, 0 = none). Returns 0 or an mbedTLS code. */
int fleetgate_settings_set_maximum_fragment_length(fleetgate_settings *settings, int code);

/* ---- Connection (mbedtls_ssl_context) --------------------------------------------------------------------------- */

/* Reasons against a certificate: mbedTLS's own flags, whose values are the same in 2.28 and 3.6. */
#define FLEETGATE_CERTIFICATE_EXPIRED 0x01
#define FLEETGATE_CERTIFICATE_REVOKED 0x02
#define FLEETGATE_CERTIFICATE_WRONG_NAME 0x04
#define FLEETGATE_CERTIFICATE_NOT_TRUSTED 0x08
#define FLEETGATE_CERTIFICATE_OTHER 0x0100
#define FLEETGATE_CERTIFICATE_NOT_YET_VALID 0x0200
#define FLEETGATE_CERTIFICATE_KEY_USAGE 0x0800
#define FLEETGATE_CERTIFICATE_EXTENDED_KEY_USAGE 0x1000
#define FLEETGATE_CERTIFICATE_WEAK_DIGEST 0x4000
#define FLEETGATE_CERTIFICATE_UNACCEPTABLE_ALGORITHM 0x8000
#define FLEETGATE_CERTIFICATE_WEAK_KEY 0x010000

typedef enum FLEETGATE_CLOSED_ENUM {
    FLEETGATE_STEP_DONE FLEETGATE_SWIFT_NAME(done) = 0,
    FLEETGATE_STEP_NEEDS_INPUT FLEETGATE_SWIFT_NAME(needsInput),
    FLEETGATE_STEP_PEER_CLOSED FLEETGATE_SWIFT_NAME(peerClosed),
    FLEETGATE_STEP_NEW_SESSION FLEETGATE_SWIFT_NAME(newSession),
    FLEETGATE_STEP_FAILED FLEETGATE_SWIFT_NAME(failed),
} fleetgate_step;

typedef enum FLEETGATE_CLOSED_ENUM {
    FLEETGATE_FAILURE_VERIFICATION FLEETGATE_SWIFT_NAME(verification) = 0,
    FLEETGATE_FAILURE_NO_CERTIFICATE FLEETGATE_SWIFT_NAME(noCertificate),
    FLEETGATE_FAILURE_CERTIFICATE_UNPARSABLE FLEETGATE_SWIFT_NAME(certificateUnparsable),
    FLEETGATE_FAILURE_CHAIN_TOO_LONG FLEETGATE_SWIFT_NAME(chainTooLong),
    FLEETGATE_FAILURE_PROOF_OF_POSSESSION FLEETGATE_SWIFT_NAME(proofOfPossession),
    FLEETGATE_FAILURE_NO_SHARED_VERSION FLEETGATE_SWIFT_NAME(noSharedVersion),
    FLEETGATE_FAILURE_NO_SHARED_CIPHER FLEETGATE_SWIFT_NAME(noSharedCipher),
    FLEETGATE_FAILURE_NO_SHARED_PROTOCOL FLEETGATE_SWIFT_NAME(noSharedProtocol),
    FLEETGATE_FAILURE_BAD_RECORD FLEETGATE_SWIFT_NAME(badRecord),
    FLEETGATE_FAILURE_PEER_ALERT FLEETGATE_SWIFT_NAME(peerAlert),
    FLEETGATE_FAILURE_PROTOCOL FLEETGATE_SWIFT_NAME(protocol),
    FLEETGATE_FAILURE_OUT_OF_MEMORY FLEETGATE_SWIFT_NAME(outOfMemory),
    FLEETGATE_FAILURE_INTERNAL FLEETGATE_SWIFT_NAME(internal),
} fleetgate_failure;

/**
 * Judges one certificate of the chain, from the root (highest depth) to the leaf (0): gets mbedTLS's reasons against it
 * and the version negotiated (FLEETGATE_VERSION_…, or 0), returns those that stand, and further ones if it has any.
 *
 * Of mbedTLS's reasons it can lift NOT_TRUSTED, EXPIRED and NOT_YET_VALID. All others stand whatever it returns. When it
 * lifts NOT_TRUSTED above the leaf it must put it back at the leaf, unless it has decided there that it does not count.
 */
typedef uint32_t (*fleetgate_verify)(
    void *verification, const unsigned char *der, size_t length, int depth, int version, uint32_t reasons);

/** What C calls back; only ever from inside one of the functions below, on their thread. */
typedef struct {
    /** Copies at most `capacity` bytes of ciphertext received. Returns how many; 0 when there are none now. */
    size_t (*receive)(void *io, unsigned char *bytes, size_t capacity);
    /** Takes all of `length` bytes of ciphertext to be sent. Returns 0, or -1 when they are more than may be held. */
    int (*send)(void *io, const unsigned char *bytes, size_t length);
    fleetgate_verify verify;
    /** Server: the name the client asked for in SNI, not checked in any way. */
    void (*server_name)(void *verification, const unsigned char *name, size_t length);
    /**
     * Server with tickets: writes a ticket that holds this session, at most `capacity` bytes, and for how many seconds it
     * is good. Returns its length, or 0 when there is to be none.
     */
    size_t (*write_ticket)(
        void *verification, const unsigned char *session, size_t session_length, int is_resumed, int version,
        unsigned char *ticket, size_t capacity, uint32_t *lifetime);
    /**
     * Server with tickets: opens a ticket in place and judges whom it was given to. Returns 0, with where the session is
     * in it, or -1, and then the handshake goes on as a full one. `version` is the one being negotiated. Of several calls
     * in one handshake only the last counts.
     */
    int (*read_ticket)(
        void *verification, unsigned char *ticket, size_t length, int version, size_t *session_offset,
        size_t *session_length);
} fleetgate_callbacks;

typedef struct fleetgate_connection fleetgate_connection;
/** Settings, `io` and `verification` must outlive the connection. `error` receives an mbedTLS code with a null. */
fleetgate_connection *fleetgate_connection_new(
    const fleetgate_settings *settings, const fleetgate_callbacks *callbacks, void *io, void *verification,
    int *error);
void fleetgate_connection_free(fleetgate_connection *connection);
/**
 * Client: the name to ask for in SNI and to check the certificate against; null for neither. Must be called on every
 * client connection. Returns 0 or an mbedTLS code.
 */
int fleetgate_connection_set_server_name(fleetgate_connection *connection, const char *name);

/** Goes on with the handshake as far as the input allows. `error` receives the mbedTLS code when it failed. */
fleetgate_step fleetgate_connection_handshake(fleetgate_connection *connection, int *error);
/**
 * Decrypts until there is plaintext; `available` receives how many bytes `fleetgate_connection_take` will deliver.
 * After DONE, that function must be called before this one. NEW_SESSION is answered by a client whose settings keep
 * sessions, when a ticket of TLS 1.3 was read: there may be more input.
 */
fleetgate_step fleetgate_connection_decrypt(fleetgate_connection *connection, size_t *available, int *error);
/** Copies the plaintext announced, exactly `length` bytes of it. Returns 0, or -1 when `length` is not that. */
int fleetgate_connection_take(fleetgate_connection *connection, unsigned char *bytes, size_t length);
/** Encrypts at most one record; `taken` receives how many bytes went into it. Never answers NEEDS_INPUT. */
fleetgate_step fleetgate_connection_encrypt(
    fleetgate_connection *connection, const unsigned char *bytes, size_t length, size_t *taken, int *error);
/** Writes a close_notify. Returns 0 or an mbedTLS code. */
int fleetgate_connection_close_notify(fleetgate_connection *connection);
/** Writes a fatal alert (RFC 8446, B.2) of ours, where mbedTLS wrote none. Returns 0 or an mbedTLS code. */
int fleetgate_connection_send_fatal_alert(fleetgate_connection *connection, uint8_t description);

/**
 * Between two steps, after whatever is to be known of the handshake was asked for: if it is over and there is nothing in
 * the record buffers, gives them away and frees the peer's certificate. Every other function gets buffers when it needs
 * them. Returns 1 when the connection has none now.
 */
int fleetgate_connection_rest(fleetgate_connection *connection);

/** What kind of failure the code of the last failed step was. */
fleetgate_failure fleetgate_connection_failure(const fleetgate_connection *connection, int error);
/** All reasons against the chain presented, as far as it was judged. */
uint32_t fleetgate_connection_reasons(const fleetgate_connection *connection);
/** The description of the fatal alert that mbedTLS wrote, or -1 when it wrote none or it is not known. */
int fleetgate_connection_alert_sent(const fleetgate_connection *connection);
/** The description of the fatal alert that the peer sent, after FLEETGATE_FAILURE_PEER_ALERT; otherwise -1. */
int fleetgate_connection_alert_received(const fleetgate_connection *connection, int error);
/**
 * A certificate of the Certificate message being handled when the handshake failed, the leaf being 0, straight from the
 * message: for chains that mbedTLS refused before judging them. Null when there is none; valid until the next call.
 */
const unsigned char *fleetgate_connection_presented_certificate(
    const fleetgate_connection *connection, size_t index, size_t *length);

/* ---- Verification without a connection -------------------------------------------------------------------------- */

/**
 * Verifies a client's chain as a server's handshake with these settings would, against their anchors and their profile
 * (`mbedtls_x509_crt_verify_with_profile`), then the leaf's usage. `version` is handed to `verify`; `reasons` receives all reasons that stand.
 * Returns 0 when there are none, otherwise an mbedTLS code.
 *
 * Thread rule: mbedTLS 2.28 computes with the anchors' own curves, so nothing else may use the settings meanwhile.
 */
int fleetgate_settings_verify(
    const fleetgate_settings *settings, fleetgate_certificates *chain, fleetgate_verify verify, void *verification,
    int version, uint32_t *reasons);
/**
 * Verifies the first of these certificates, a CA's, by way of the others up to one of the anchors, with nothing asked of
 * its usage; `reasons` receives all that stand. Returns 0 when there are none, otherwise an mbedTLS code.
 */
int fleetgate_certificates_verify(
    fleetgate_certificates *chain, fleetgate_certificates *anchors, int weak_keys_allowed, fleetgate_verify verify,
    void *verification, uint32_t *reasons);
/** What kind of failure a code is that came from verifying a chain without a connection, or from making one. */
fleetgate_failure fleetgate_chain_failure(int error);
/** The description of the alert that mbedTLS chooses for these reasons, of which there must be one. */
int fleetgate_alert_for_reasons(uint32_t reasons);

/* ---- Sessions (mbedtls_ssl_session) ------------------------------------------------------------------------------ */

/**
 * Whether the handshake, which must be complete, was short: no certificate was asked for or shown. It says nothing about
 * whether it should have been.
 */
int fleetgate_connection_is_resumed(const fleetgate_connection *connection);
/**
 * Client: writes the session without the peer's certificate, secrets and all, at most `capacity` bytes of it. Returns 0
 * or an mbedTLS code: when there is nothing to resume, when it does not fit, or, for a ticket of TLS 1.3, the second time.
 */
int fleetgate_connection_save_session(
    const fleetgate_connection *connection, unsigned char *bytes, size_t capacity, size_t *length);
/**
 * Client, before the handshake and after the server name: offers a session saved earlier. Returns 0, or an mbedTLS code
 * when it cannot be offered, and then the handshake will be a full one.
 *
 * The bytes must be what `fleetgate_connection_save_session` wrote: mbedTLS does not expect them from an enemy.
 */
int fleetgate_connection_set_session(fleetgate_connection *connection, const unsigned char *bytes, size_t length);

/** Overwrites a secret that is of no more use, which no compiler leaves out. */
void fleetgate_wipe(void *bytes, size_t length);

/* ---- Sealing (AES-256-GCM) -------------------------------------------------------------------------------------- */

#define FLEETGATE_SEAL_KEY_LENGTH 32
#define FLEETGATE_SEAL_NONCE_LENGTH 12
#define FLEETGATE_SEAL_TAG_LENGTH 16
/** Encrypts in place and authenticates the header with it. Returns 0, or -1 with the bytes overwritten. */
int fleetgate_seal(
    const unsigned char *key, const unsigned char *nonce, const unsigned char *header, size_t header_length,
    unsigned char *bytes, size_t length, unsigned char *tag);
/** Decrypts in place what was sealed. Returns 0, or -1 with the bytes overwritten when anything of it was changed. */
int fleetgate_open(
    const unsigned char *key, const unsigned char *nonce, const unsigned char *header, size_t header_length,
    unsigned char *bytes, size_t length, const unsigned char *tag);

/* ---- What was negotiated ---------------------------------------------------------------------------------------- */

/** Whether there is a peer certificate; to be asked after the handshake. */
int fleetgate_connection_has_peer_certificate(const fleetgate_connection *connection);
/** FLEETGATE_VERSION_… negotiated, or 0; known before the peer's certificate is judged. */
int fleetgate_connection_version(const fleetgate_connection *connection);
/** IANA number of the cipher suite negotiated, or 0. */
uint16_t fleetgate_connection_cipher_suite(const fleetgate_connection *connection);
/** The ALPN protocol negotiated, or null. */
const char *fleetgate_connection_protocol(const fleetgate_connection *connection);

#endif
