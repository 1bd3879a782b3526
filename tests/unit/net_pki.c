/* The certificates of the tests of net: made anew in a folder of its own each time. */
#include "tests/unit/net_pki.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int good)
{
    if (!good)
        abort();
}

static void extend(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    must(extension != NULL);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *make(const char *name, EVP_PKEY *key, const struct pki_authority *issuer, long serial,
                  long from, long until)
{
    X509 *certificate = X509_new();
    must(certificate != NULL);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), until);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate,
                         issuer ? X509_get_subject_name(issuer->certificate) : subject);
    X509_set_pubkey(certificate, key);
    return certificate;
}

void pki_authority(struct pki_authority *authority, const char *name)
{
    authority->key = EVP_EC_gen("P-256");
    authority->certificate = make(name, authority->key, NULL, 1, -3600 * 24 * 30, 3600 * 24);
    extend(authority->certificate, authority->certificate, NID_basic_constraints,
           "critical,CA:TRUE");
    extend(authority->certificate, authority->certificate, NID_key_usage,
           "critical,keyCertSign,cRLSign");
    extend(authority->certificate, authority->certificate, NID_subject_key_identifier, "hash");
    must(X509_sign(authority->certificate, authority->key, EVP_sha256()));
}

static FILE *open_file(const char *folder, const char *name, const char *kind)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, kind);
    FILE *file = fopen(path, "w");
    must(file != NULL);
    return file;
}

void pki_leaf(const struct pki_authority *authority, const char *folder, const char *name,
              const char *alternative, long serial, long until)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make(name, key, authority, serial, -3600 * 24 * 2, until);
    extend(certificate, authority->certificate, NID_subject_alt_name, alternative);
    extend(certificate, authority->certificate, NID_key_usage, "critical,digitalSignature");
    must(X509_sign(certificate, authority->key, EVP_sha256()));
    FILE *file = open_file(folder, name, "pem");
    must(PEM_write_X509(file, certificate));
    fclose(file);
    file = open_file(folder, name, "key");
    must(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static X509_CRL *make_list(const struct pki_authority *authority, long revoked)
{
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *time = ASN1_TIME_new();
    must(list && time);
    X509_CRL_set_version(list, 1);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(authority->certificate));
    X509_gmtime_adj(time, -60);
    X509_CRL_set1_lastUpdate(list, time);
    if (revoked) {
        X509_REVOKED *entry = X509_REVOKED_new();
        ASN1_INTEGER *serial = ASN1_INTEGER_new();
        ASN1_INTEGER_set(serial, revoked);
        X509_REVOKED_set_serialNumber(entry, serial);
        X509_REVOKED_set_revocationDate(entry, time);
        X509_CRL_add0_revoked(list, entry);
        ASN1_INTEGER_free(serial);
    }
    X509_gmtime_adj(time, 3600);
    X509_CRL_set1_nextUpdate(list, time);
    ASN1_TIME_free(time);
    must(X509_CRL_sign(list, authority->key, EVP_sha256()));
    return list;
}

X509_STORE *pki_store(const struct pki_authority *authority, long revoked)
{
    X509_STORE *store = X509_STORE_new();
    X509_CRL *list = make_list(authority, revoked);
    must(X509_STORE_add_cert(store, authority->certificate));
    must(X509_STORE_add_crl(store, list));
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    X509_CRL_free(list);
    return store;
}

void pki_authority_free(struct pki_authority *authority)
{
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
}
