#include "tests/unit/signature_pki.h"

#include "gateway/trust/signature_text.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct identity root;
static struct mg_anchors *anchors;
static const char *const names[] = {"root.pem", "key.pem", "content.xml", "seal.xml"};

const char *pki_path(const char *name)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

void pki_write(const char *name, const char *bytes, size_t length)
{
    FILE *file = fopen(pki_path(name), "w");
    if (!file || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
        mg_die("cannot write %s", name);
}

static EVP_PKEY *make_key(const char *algorithm)
{
    EVP_PKEY *key = strncmp(algorithm, "RSA-", 4) == 0
                        ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(algorithm + 4))
                    : strcmp(algorithm, "ED25519") == 0
                        ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                        : EVP_PKEY_Q_keygen(NULL, NULL, "EC", algorithm);
    if (!key)
        mg_die("cannot make a key of %s", algorithm);
    return key;
}

static void extend(X509 *certificate, const X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, (X509 *)issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    if (!extension || X509_add_ext(certificate, extension, -1) != 1)
        mg_die("cannot extend a certificate");
    X509_EXTENSION_free(extension);
}

static struct identity make(const char *name, const char *algorithm, const struct identity *issuer)
{
    static long serial = 1;
    struct identity made = {make_key(algorithm), X509_new()};
    X509 *certificate = made.certificate;
    X509_NAME *subject = X509_get_subject_name(certificate);
    bool authority = issuer == NULL && strcmp(name, "root") == 0;
    issuer = issuer ? issuer : &made;
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
                               0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer->certificate));
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, made.key);
    const X509 *from = issuer->certificate;
    extend(certificate, from, NID_basic_constraints,
           authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(certificate, from, NID_key_usage,
           authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    extend(certificate, from, NID_subject_key_identifier, "hash");
    extend(certificate, from, NID_authority_key_identifier, "keyid:always");
    const EVP_MD *digest =
        EVP_PKEY_get_base_id(issuer->key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
    if (X509_sign(certificate, issuer->key, digest) <= 0)
        mg_die("cannot sign a certificate");
    return made;
}

struct identity pki_issue(const char *name, const char *algorithm)
{
    return make(name, algorithm, &root);
}

struct identity pki_self_signed(const char *name, const char *algorithm)
{
    return make(name, algorithm, NULL);
}

void identity_free(struct identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
    *identity = (struct identity){NULL, NULL};
}

void pki_start(void)
{
    struct mg_error error;
    snprintf(folder, sizeof folder, "/tmp/muengsten-unit-XXXXXX");
    if (!mkdtemp(folder) || !mg_trust_start(&error))
        mg_die("the tests cannot start");
    root = make("root", "P-256", NULL);
    FILE *file = fopen(pki_path("root.pem"), "w");
    if (!file || PEM_write_X509(file, root.certificate) != 1 || fclose(file) != 0)
        mg_die("cannot write the root");
    anchors = mg_anchors_new(pki_path("root.pem"), NULL, MG_STALE_REFUSE, &error);
    if (!anchors)
        mg_die("%s: %s", error.code, error.text);
}

void pki_stop(void)
{
    mg_anchors_free(anchors);
    identity_free(&root);
    mg_trust_stop();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(pki_path(names[i]));
    rmdir(folder);
}

struct mg_anchors *pki_anchors(void)
{
    return anchors;
}

struct mg_signer *pki_signer(const struct identity *identity)
{
    struct mg_error error;
    FILE *file = fopen(pki_path("key.pem"), "w");
    if (!file || fchmod(fileno(file), 0600) != 0 ||
        PEM_write_PrivateKey(file, identity->key, NULL, NULL, 0, NULL, NULL) != 1 ||
        fclose(file) != 0)
        mg_die("cannot write a key");
    struct mg_key *key = mg_key_from_file(pki_path("key.pem"), &error);
    struct mg_signer *signer = key ? mg_signer_new(key, identity->certificate, &error) : NULL;
    if (!signer)
        mg_die("%s: %s", error.code, error.text);
    return signer;
}

char *pki_key_info(const struct identity *identity)
{
    struct mg_buffer text = {0};
    unsigned char *bytes = NULL;
    int length = i2d_X509(identity->certificate, &bytes);
    mg_buffer_add_text(&text, "<ds:KeyInfo xmlns:ds=\"" MG_NAMESPACE_DSIG
                              "\"><ds:X509Data><ds:X509Certificate>");
    mg_signature_add_base64(&text, bytes, (size_t)length);
    mg_buffer_add_text(&text, "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>");
    OPENSSL_free(bytes);
    return mg_buffer_take(&text);
}

static bool is_partner(const X509 *certificate, const void *context)
{
    const struct identity *partner = context;
    return partner && X509_cmp(certificate, partner->certificate) == 0;
}

struct mg_signature_policy pki_policy(const struct identity *partner)
{
    return (struct mg_signature_policy){
        .anchors = anchors, .is_signer = is_partner, .context = partner};
}
