/* Encrypted PEM private keys, by libcrypto. */

#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "MbedTLSObjects.h"

struct pass_phrase {
    const unsigned char *bytes;
    size_t length;
    int was_asked_for;
};

/* Never the default callback, which would ask on the terminal. */
static int give_pass_phrase(char *buffer, int size, int is_writing, void *user)
{
    (void) is_writing;
    struct pass_phrase *phrase = user;
    phrase->was_asked_for = 1;
    if (phrase->bytes == NULL || size < 0 || phrase->length > (size_t) size) {
        return -1;
    }
    memcpy(buffer, phrase->bytes, phrase->length);
    return (int) phrase->length;
}

fleetgate_key_result fleetgate_key_decrypt(
    const unsigned char *pem, size_t length, const unsigned char *pass_phrase, size_t pass_phrase_length,
    unsigned char **der, size_t *der_length)
{
    *der = NULL;
    *der_length = 0;
    if (length > INT_MAX) {
        return FLEETGATE_KEY_UNPARSABLE;
    }
    BIO *text = BIO_new_mem_buf(pem, (int) length);
    if (text == NULL) {
        return FLEETGATE_KEY_NO_MEMORY;
    }

    struct pass_phrase phrase = {pass_phrase, pass_phrase_length, 0};
    EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, give_pass_phrase, &phrase);
    BIO_free(text);
    ERR_clear_error(); /* the queue belongs to the thread, and others on it read it */
    if (key == NULL) {
        if (!phrase.was_asked_for) {
            return FLEETGATE_KEY_UNPARSABLE;
        }
        return pass_phrase == NULL ? FLEETGATE_KEY_NEEDS_PASS_PHRASE : FLEETGATE_KEY_WRONG_PASS_PHRASE;
    }

    int size = i2d_PrivateKey(key, der);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (size <= 0) {
        *der = NULL;
        return FLEETGATE_KEY_UNPARSABLE;
    }
    *der_length = (size_t) size;
    return FLEETGATE_KEY_PARSED;
}

void fleetgate_key_der_free(unsigned char *der, size_t length)
{
    OPENSSL_clear_free(der, length);
}
