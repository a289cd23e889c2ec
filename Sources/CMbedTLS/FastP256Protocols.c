// mbedTLS's key agreement and signatures on plain bytes: what the wrap is for, in a form that tests can run with the
// wrap on one side and mbedTLS's own arithmetic on the other.

#include "FastP256.h"
#include "SystemRandom.h"

#include <mbedtls/bignum.h>
#include <mbedtls/ecdh.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>

enum { number_length = FLEETGATE_P256_SCALAR_LENGTH };

static int load_group(mbedtls_ecp_group *group, uint16_t named_group) {
    const mbedtls_ecp_curve_info *info = mbedtls_ecp_curve_info_from_tls_id(named_group);
    return info == NULL ? MBEDTLS_ERR_ECP_FEATURE_UNAVAILABLE : mbedtls_ecp_group_load(group, info->grp_id);
}

typedef struct {
    mbedtls_ecp_group group;
    mbedtls_mpi secret, first, second;
    mbedtls_ecp_point point;
} material;

static void material_init(material *m) {
    mbedtls_ecp_group_init(&m->group);
    mbedtls_mpi_init(&m->secret);
    mbedtls_mpi_init(&m->first);
    mbedtls_mpi_init(&m->second);
    mbedtls_ecp_point_init(&m->point);
}

static int material_free(material *m, int status) {
    mbedtls_ecp_group_free(&m->group);
    mbedtls_mpi_free(&m->secret);
    mbedtls_mpi_free(&m->first);
    mbedtls_mpi_free(&m->second);
    mbedtls_ecp_point_free(&m->point);
    return status;
}

int fleetgate_p256_test_key(
    uint16_t named_group, unsigned char *secret, unsigned char *public_key, size_t *public_key_length) {
    material m;
    material_init(&m);
    int status = load_group(&m.group, named_group);
    if (status == 0) status = mbedtls_ecdh_gen_public(&m.group, &m.secret, &m.point, system_random, NULL);
    if (status == 0) status = mbedtls_mpi_write_binary(&m.secret, secret, FLEETGATE_P256_TEST_SECRET_LENGTH);
    if (status == 0) {
        status = mbedtls_ecp_point_write_binary(
            &m.group, &m.point, MBEDTLS_ECP_PF_UNCOMPRESSED, public_key_length, public_key,
            FLEETGATE_P256_TEST_PUBLIC_KEY_LENGTH);
    }
    return material_free(&m, status);
}

int fleetgate_p256_test_agree(
    uint16_t named_group, const unsigned char *secret, const unsigned char *peer, size_t peer_length,
    unsigned char *shared) {
    material m;
    material_init(&m);
    int status = load_group(&m.group, named_group);
    if (status == 0) status = mbedtls_mpi_read_binary(&m.secret, secret, FLEETGATE_P256_TEST_SECRET_LENGTH);
    if (status == 0) status = mbedtls_ecp_point_read_binary(&m.group, &m.point, peer, peer_length);
    if (status == 0) {
        status = mbedtls_ecdh_compute_shared(&m.group, &m.first, &m.point, &m.secret, system_random, NULL);
    }
    if (status == 0) status = mbedtls_mpi_write_binary(&m.first, shared, FLEETGATE_P256_TEST_SECRET_LENGTH);
    return material_free(&m, status);
}

int fleetgate_p256_test_sign(const unsigned char *secret, const unsigned char *digest, unsigned char *signature) {
    material m;
    material_init(&m);
    int status = mbedtls_ecp_group_load(&m.group, MBEDTLS_ECP_DP_SECP256R1);
    if (status == 0) status = mbedtls_mpi_read_binary(&m.secret, secret, FLEETGATE_P256_TEST_SECRET_LENGTH);
    if (status == 0) {
        status = mbedtls_ecdsa_sign(
            &m.group, &m.first, &m.second, &m.secret, digest, number_length, system_random, NULL);
    }
    if (status == 0) status = mbedtls_mpi_write_binary(&m.first, signature, number_length);
    if (status == 0) status = mbedtls_mpi_write_binary(&m.second, signature + number_length, number_length);
    return material_free(&m, status);
}

int fleetgate_p256_test_verify(
    const unsigned char *public_key, const unsigned char *digest, const unsigned char *signature) {
    material m;
    material_init(&m);
    int status = mbedtls_ecp_group_load(&m.group, MBEDTLS_ECP_DP_SECP256R1);
    if (status == 0) {
        status = mbedtls_ecp_point_read_binary(&m.group, &m.point, public_key, FLEETGATE_P256_POINT_LENGTH);
    }
    if (status == 0) status = mbedtls_mpi_read_binary(&m.first, signature, number_length);
    if (status == 0) status = mbedtls_mpi_read_binary(&m.second, signature + number_length, number_length);
    if (status == 0) {
        status = mbedtls_ecdsa_verify(&m.group, digest, number_length, &m.point, &m.first, &m.second);
    }
    return material_free(&m, status);
}
