#include "tests/unit/signature_pki.h"

#include "gateway/trust/signature_text.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct pki_party root;
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
    EVP_PKEY *key = strncmp(algorithm, "RSA-", 4) == 0 ? pki_rsa(atoi(algorithm + 4))
                    : strcmp(algorithm, "ED25519") == 0
                        ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                        : EVP_PKEY_Q_keygen(NULL, NULL, "EC", algorithm);
    if (!key)
        mg_die("cannot make a key of %s", algorithm);
    return key;
}

struct pki_party pki_issue(const char *name, const char *algorithm)
{
    return pki_make(&(struct pki_plan){.name = name, .issuer = &root, .key = make_key(algorithm)});
}

struct pki_party pki_self_signed(const char *name, const char *algorithm)
{
    return pki_make(&(struct pki_plan){.name = name, .key = make_key(algorithm)});
}

void pki_start(void)
{
    struct mg_error error;
    snprintf(folder, sizeof folder, "/tmp/muengsten-unit-XXXXXX");
    if (!mkdtemp(folder) || !mg_trust_start(&error))
        mg_die("the tests cannot start");
    root = pki_make(&(struct pki_plan){.name = "root", .authority = 1});
    pki_write_certificates(pki_path("root.pem"), root.certificate, NULL);
    anchors = mg_anchors_new(pki_path("root.pem"), NULL, MG_STALE_REFUSE, &error);
    if (!anchors)
        mg_die("%s: %s", error.code, error.text);
}

void pki_remove_files(void)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(pki_path(names[i]));
    rmdir(folder);
}

void pki_stop(void)
{
    mg_anchors_free(anchors);
    pki_free(&root);
    mg_trust_stop();
    pki_remove_files();
}

struct mg_signer *pki_signer(const struct pki_party *identity)
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

char *pki_key_info(const struct pki_party *identity)
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
    const struct pki_party *partner = context;
    return partner && X509_cmp(certificate, partner->certificate) == 0;
}

struct mg_signature_policy pki_policy(const struct pki_party *partner)
{
    return (struct mg_signature_policy){
        .anchors = anchors, .is_signer = is_partner, .context = partner};
}
