#ifndef FLEETGATE_SYSTEM_RANDOM_H
#define FLEETGATE_SYSTEM_RANDOM_H

#include <mbedtls/ecp.h>
#include <stddef.h>
#include <sys/random.h>

/// The kernel's random bytes in the form of mbedTLS's random callback.
static inline int system_random(void *unused, unsigned char *bytes, size_t length) {
    (void)unused;
    while (length > 0) {
        const ssize_t got = getrandom(bytes, length, 0);
        if (got <= 0) return MBEDTLS_ERR_ECP_RANDOM_FAILED;
        bytes += got;
        length -= (size_t)got;
    }
    return 0;
}

#endif
