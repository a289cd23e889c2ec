/* A device's key and its certificate, signed by the CA that the servers trust. */
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "device.h"
#include "options.h"
#include "process.h"

static X509 *issuerCertificate;
static EVP_PKEY *issuerKey;

void readIssuer(void) {
    FILE *file = fopen(option.issuer, "r");
    if (!file || !(issuerCertificate = PEM_read_X509(file, NULL, NULL, NULL))) fail("cannot read %s", option.issuer);
    fclose(file);
    file = fopen(option.issuerKey, "r");
    if (!file || !(issuerKey = PEM_read_PrivateKey(file, NULL, NULL, NULL))) fail("cannot read %s", option.issuerKey);
    fclose(file);
}

static void addExtension(X509 *certificate, int nid, const char *value) {
    X509V3_CTX about;
    X509V3_set_ctx(&about, issuerCertificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &about, nid, value);
    if (!extension || !X509_add_ext(certificate, extension, -1)) fail("cannot make a certificate extension");
    X509_EXTENSION_free(extension);
}

void makeCredential(struct device *device) {
    device->key = EVP_EC_gen("P-256");
    X509 *certificate = device->certificate = X509_new();
    if (!device->key || !certificate) fail("cannot make a key");
    unsigned char serial[16];
    RAND_bytes(serial, sizeof serial);
    serial[0] = (unsigned char)((serial[0] & 0x3f) | 0x40);
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    X509_set_version(certificate, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 7 * 86400);
    char site[24];
    snprintf(site, sizeof site, "site-%u", device->number % 10);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"FleetGate Bench", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "OU", MBSTRING_UTF8, (const unsigned char *)site, -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)device->name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuerCertificate));
    X509_set_pubkey(certificate, device->key);
    addExtension(certificate, NID_basic_constraints, "critical,CA:FALSE");
    addExtension(certificate, NID_key_usage, "critical,digitalSignature");
    addExtension(certificate, NID_ext_key_usage, "clientAuth");
    addExtension(certificate, NID_subject_key_identifier, "hash");
    addExtension(certificate, NID_authority_key_identifier, "keyid");
    if (!X509_sign(certificate, issuerKey, EVP_sha256())) fail("cannot sign a certificate");
}
