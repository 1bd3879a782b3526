#include "tests/unit/config_fixture.h"

#include "gateway/base/buffer.h"

#include <assert.h>
#include <ftw.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const fixture_lines[FIXTURE_LINES] = {
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    "<gateway xmlns=\"urn:muengsten:config:1\" name=\"gateway.example\">",
    "<store folder=\"store\"/>",
    "<identity tls-certificate=\"tls.pem\" tls-key=\"tls.key\" seal-certificate=\"seal.pem\" "
    "seal-key=\"seal.key\"/>",
    "<trust authorities=\"authority.pem\"/>",
    "<listener name=\"city\" address=\"127.0.0.1:8443\"/>",
    "<profile name=\"service\" namespace=\"urn:test:service\" schema=\"service.xsd\"/>",
    "<partner name=\"portal\" tls-certificate=\"portal-tls.pem\" "
    "signing-certificate=\"portal-signing.pem\">",
    "<permission author=\"ags:1\" type=\"service:*\" reader=\"ags:*\"/>",
    "</partner>",
    "<source name=\"submission\" adapter=\"rest\" listener=\"city\"/>",
    "<destination name=\"office\" adapter=\"folder\" folder=\"out\"/>",
    "<route reader=\"ags:*\" to=\"office\"/>",
    "</gateway>",
};

static const char service_schema[] =
    "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" targetNamespace=\"urn:test:service\">"
    "<xs:element name=\"message\" type=\"xs:string\"/></xs:schema>";

static char folder[] = "/tmp/muengsten-config-XXXXXX";
static EVP_PKEY *authority_key;
static X509 *authority;

const char *fixture_path(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void fixture_write(const char *name, const char *text)
{
    FILE *file = fopen(fixture_path(name), "w");
    assert(file);
    fputs(text, file);
    fclose(file);
}

void fixture_folder(const char *name)
{
    mkdir(fixture_path(name), 0700);
}

void fixture_folder_like_it(const char *name)
{
    static const char *const files[] = {"authority.pem",      "tls.pem",    "tls.key",
                                        "seal.pem",           "seal.key",   "portal-tls.pem",
                                        "portal-signing.pem", "service.xsd"};
    fixture_folder(name);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/%s", name, files[i]);
        remove(fixture_path(path));
        if (symlink(fixture_path(files[i]), fixture_path(path)) != 0)
            perror(path);
    }
}

char *fixture_read(const char *path)
{
    struct mg_buffer text = {0};
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    char piece[4096];
    for (size_t length; (length = fread(piece, 1, sizeof piece, file)) > 0;)
        mg_buffer_add(&text, piece, length);
    fclose(file);
    return mg_buffer_take(&text);
}

static X509 *make_certificate(const char *common_name, EVP_PKEY *key, int from, int to)
{
    static long serial;
    X509 *certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_time_adj_ex(X509_getm_notBefore(certificate), from, 0, NULL);
    X509_time_adj_ex(X509_getm_notAfter(certificate), to, 0, NULL);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1,
                               -1, 0);
    X509_set_pubkey(certificate, key);
    return certificate;
}

static void add_extension(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    assert(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static void write_certificate(const char *name, X509 *certificate)
{
    FILE *file = fopen(fixture_path(name), "w");
    assert(file);
    PEM_write_X509(file, certificate);
    fclose(file);
}

static void write_key(const char *name, EVP_PKEY *key)
{
    FILE *file = fopen(fixture_path(name), "w");
    assert(file);
    fchmod(fileno(file), 0600);
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
}

static void issue(const char *name, const char *common_name, int from, int to, EVP_PKEY *issuer)
{
    char file[128];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(common_name, key, from, to);
    X509_set_issuer_name(certificate, X509_get_subject_name(authority));
    add_extension(certificate, NID_key_usage, "critical,digitalSignature");
    X509_sign(certificate, issuer, EVP_sha256());
    snprintf(file, sizeof file, "%s.pem", name);
    write_certificate(file, certificate);
    snprintf(file, sizeof file, "%s.key", name);
    write_key(file, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void fixture_certificate(const char *name, const char *common_name, int from, int to)
{
    issue(name, common_name, from, to, authority_key);
}

void fixture_namesake(const char *name, const char *common_name)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");
    issue(name, common_name, -1, 365, other);
    EVP_PKEY_free(other);
}

X509 *fixture_load_certificate(const char *name)
{
    char file[128];
    snprintf(file, sizeof file, "%s.pem", name);
    return mg_certificate_from_file(fixture_path(file), NULL);
}

static void make_authority(void)
{
    authority_key = EVP_EC_gen("P-256");
    authority = make_certificate("Test Authority", authority_key, -1, 3650);
    X509_set_issuer_name(authority, X509_get_subject_name(authority));
    add_extension(authority, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(authority, NID_key_usage, "critical,keyCertSign,cRLSign");
    X509_sign(authority, authority_key, EVP_sha256());
    write_certificate("authority.pem", authority);
}

void fixture_start(void)
{
    setenv("MUENGSTEN_DATA", MG_SOURCE_FOLDER, 1);
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(1);
    }
    make_authority();
    fixture_certificate("tls", "gateway.example", -1, 365);
    fixture_certificate("seal", "gateway.example seal", -1, 365);
    fixture_certificate("portal-tls", "portal.example", -1, 365);
    fixture_certificate("portal-signing", "portal.example signing", -1, 365);
    fixture_write("service.xsd", service_schema);
    fixture_folder("out");
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *position)
{
    (void)status;
    (void)kind;
    (void)position;
    return remove(path);
}

void fixture_stop(void)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    X509_free(authority);
    EVP_PKEY_free(authority_key);
}

void fixture_configure(int line, const char *text)
{
    FILE *file = fopen(fixture_path("gateway.xml"), "w");
    assert(file);
    for (int i = 1; i <= FIXTURE_LINES; i++)
        fprintf(file, "%s\n", i == line ? text : fixture_lines[i - 1]);
    fclose(file);
}
