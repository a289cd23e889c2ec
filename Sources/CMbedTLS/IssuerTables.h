#ifndef FLEETGATE_ISSUER_TABLES_H
#define FLEETGATE_ISSUER_TABLES_H

/* What checks of signatures use of IssuerTables.c. */

#include <stdbool.h>
#include <stddef.h>

#include <mbedtls/ecp.h>

/** A point as FLEETGATE_P256_POINT_LENGTH bytes; false when it is not affine, or has a coordinate that does not fit. */
bool fleetgate_issuer_table_key(const mbedtls_ecp_point *point, unsigned char *public_key);

/**
 * 1 for a good signature, 0 for a bad one; -1 when there is no table for that key, or when the signature is not plainly
 * one or the other and has to be judged without it.
 */
int fleetgate_issuer_table_check(
    const unsigned char *public_key, const unsigned char *hash, size_t hash_length, const unsigned char *signature,
    size_t signature_length);

#endif
