/* Version, features and one-time initialisation of the library. */

#include <openssl/evp.h>
#include <mbedtls/aes.h>
#include <mbedtls/cipher.h>
#include <mbedtls/ssl_ciphersuites.h>

#include "MbedTLSObjects.h"

#if FLEETGATE_MBEDTLS_3
#include <psa/crypto.h>
#endif

uint32_t fleetgate_library_version_number(void)
{
    return (uint32_t) mbedtls_version_get_number();
}

int fleetgate_library_is_threaded(void)
{
    return mbedtls_version_check_feature("MBEDTLS_THREADING_C") == 0;
}

int fleetgate_library_has_tls13(void)
{
#if FLEETGATE_MBEDTLS_3
    return mbedtls_version_check_feature("MBEDTLS_SSL_PROTO_TLS1_3") == 0;
#else
    return 0;
#endif
}

int fleetgate_library_headers_match(void)
{
    return mbedtls_version_get_number() == MBEDTLS_VERSION_NUMBER;
}

int fleetgate_library_prepare(void)
{
    /* These fill static tables without a lock: ssl_ciphersuites.c, cipher.c, ecp.c. */
    (void) mbedtls_ssl_list_ciphersuites();
    (void) mbedtls_cipher_list();
    (void) mbedtls_ecp_grp_id_list();

    /* One AES operation: fills the tables of aes.c and settles the AES-NI probe of aesni.c (CVE-2025-52496). */
    unsigned char key[16] = {0}, block[16] = {0};
    mbedtls_aes_context aes;
    mbedtls_aes_init(&aes);
    int status = mbedtls_aes_setkey_enc(&aes, key, 128);
    if (status == 0) {
        status = mbedtls_aes_crypt_ecb(&aes, MBEDTLS_AES_ENCRYPT, block, block);
    }
    if (status == 0) {
        status = mbedtls_aes_setkey_dec(&aes, key, 128);
    }
    mbedtls_aes_free(&aes);
    if (status != 0) {
        return status;
    }

#if FLEETGATE_MBEDTLS_3
    /* TLS 1.3, and from 3.6.1 on much else, computes through PSA. */
    status = (int) psa_crypto_init();
    if (status != 0) {
        return status;
    }
#endif

    fleetgate_random *random = fleetgate_random_new(&status);
    fleetgate_random_free(random);
    return status;
}

int fleetgate_sha256(const unsigned char *bytes, size_t length, unsigned char *digest)
{
    /* libcrypto's, because mbedTLS's uses no processor instructions for it. */
    unsigned int size = 32;
    return EVP_Digest(bytes, length, digest, &size, EVP_sha256(), NULL) == 1 && size == 32 ? 0 : -1;
}
