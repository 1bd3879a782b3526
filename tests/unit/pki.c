#include "tests/unit/pki.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY ((time_t)24 * 3600)

static void require(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "pki: cannot make %s\n", what);
        abort();
    }
}

static void extend(X509 *certificate, X509 *issuer, int number, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, number, value);
    require(extension && X509_add_ext(certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static void set_serial(X509 *certificate)
{
    uint64_t serial;
    require(RAND_bytes((unsigned char *)&serial, sizeof serial) == 1, "a serial number");
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
}

static void set_name(X509 *certificate, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "C", MBSTRING_UTF8, (const unsigned char *)"DE", -1, -1, 0);
    X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"Prüfstelle", -1,
                               -1, 0);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
                               0);
}

static void add_extensions(X509 *certificate, X509 *issuer, const struct pki_plan *plan)
{
    const char *usage =
        plan->authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";
    extend(certificate, issuer, NID_basic_constraints,
           plan->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(certificate, issuer, NID_key_usage, plan->usage ? plan->usage : usage);
    if (plan->extended_usage)
        extend(certificate, issuer, NID_ext_key_usage, plan->extended_usage);
    extend(certificate, issuer, NID_subject_key_identifier, "hash");
    if (plan->issuer)
        extend(certificate, issuer, NID_authority_key_identifier, "keyid:always");
}

EVP_PKEY *pki_rsa(int bits)
{
    char command[128];
    snprintf(command, sizeof command,
             "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:%d 2>/dev/null", bits);
    FILE *said = popen(command, "r");
    require(said != NULL, "an RSA key");
    EVP_PKEY *key = PEM_read_PrivateKey(said, NULL, NULL, NULL);
    require(pclose(said) == 0 && key, "an RSA key");
    return key;
}

struct pki_party pki_make(const struct pki_plan *plan)
{
    struct pki_party party = {plan->key ? plan->key : EVP_EC_gen("P-256"), X509_new()};
    require(party.key && party.certificate, "a key");
    X509 *issuer = plan->issuer ? plan->issuer->certificate : party.certificate;
    EVP_PKEY *signer = plan->issuer ? plan->issuer->key : party.key;
    X509_set_version(party.certificate, X509_VERSION_3);
    set_serial(party.certificate);
    set_name(party.certificate, plan->name);
    X509_set_issuer_name(party.certificate, X509_get_subject_name(issuer));
    X509_set_pubkey(party.certificate, party.key);
    X509_gmtime_adj(X509_getm_notBefore(party.certificate),
                    plan->not_before ? plan->not_before : -DAY);
    X509_gmtime_adj(X509_getm_notAfter(party.certificate), plan->not_after ? plan->not_after : DAY);
    add_extensions(party.certificate, issuer, plan);
    require(X509_sign(party.certificate, signer, plan->digest ? plan->digest : EVP_sha256()) > 0,
            "a certificate");
    return party;
}

void pki_free(struct pki_party *party)
{
    X509_free(party->certificate);
    EVP_PKEY_free(party->key);
    *party = (struct pki_party){0};
}

static void enter(X509_CRL *list, X509 *certificate)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *when = X509_gmtime_adj(NULL, -60);
    require(entry && when, "an entry of a list");
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate));
    X509_REVOKED_set_revocationDate(entry, when);
    require(X509_CRL_add0_revoked(list, entry) == 1, "an entry of a list");
    ASN1_TIME_free(when);
}

X509_CRL *pki_list(const struct pki_party *issuer, X509 *const *revoked, size_t count, time_t since,
                   time_t until)
{
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *from = X509_gmtime_adj(NULL, since), *to = X509_gmtime_adj(NULL, until);
    require(list && from && to, "a list");
    X509_CRL_set_version(list, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->certificate));
    X509_CRL_set1_lastUpdate(list, from);
    X509_CRL_set1_nextUpdate(list, to);
    for (size_t i = 0; i < count; i++)
        enter(list, revoked[i]);
    X509_CRL_sort(list);
    require(X509_CRL_sign(list, issuer->key, EVP_sha256()) > 0, "a list");
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return list;
}

void pki_write_certificates(const char *path, ...)
{
    FILE *file = fopen(path, "w");
    require(file != NULL, path);
    va_list certificates;
    va_start(certificates, path);
    for (X509 *certificate; (certificate = va_arg(certificates, X509 *));)
        require(PEM_write_X509(file, certificate) == 1, path);
    va_end(certificates);
    fclose(file);
}

void pki_write_lists(const char *path, ...)
{
    FILE *file = fopen(path, "w");
    require(file != NULL, path);
    va_list lists;
    va_start(lists, path);
    for (X509_CRL *list; (list = va_arg(lists, X509_CRL *)); X509_CRL_free(list))
        require(PEM_write_X509_CRL(file, list) == 1, path);
    va_end(lists);
    fclose(file);
}
