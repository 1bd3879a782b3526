#include "gateway/config/credentials.h"

#include "gateway/base/buffer.h"
#include "gateway/base/clock.h"
#include "gateway/trust/issuers.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A subject is compared as a whole, so it may not be longer than what is compared (lookup.c). */
#define SUBJECT_LENGTH 2000

/* The day of a moment, "2026-11-23", since nobody looks for the millisecond of an expiry. */
static const char *day(int64_t milliseconds, char text[MG_CLOCK_TEXT_SIZE])
{
    mg_clock_text(milliseconds, text);
    text[10] = '\0';
    return text;
}

static bool begins_after(const X509 *certificate, int64_t milliseconds)
{
    time_t seconds = (time_t)(milliseconds / 1000);
    return X509_cmp_time(X509_get0_notBefore(certificate), &seconds) > 0;
}

static void check_validity(struct mg_reader *reader, const xmlNode *element, const char *attribute,
                           const char *path, const X509 *certificate, bool bearable)
{
    char text[MG_CLOCK_TEXT_SIZE];
    int64_t expiry = mg_certificate_expiry(certificate), now = mg_clock_now();
    if (expiry <= now)
        mg_reader_problem(reader, element, bearable,
                          "%s: the certificate %s expired on %s; replace it by a current one",
                          attribute, path, day(expiry, text));
    else if (expiry <= now + MG_EXPIRY_WARNING)
        mg_reader_problem(reader, element, true,
                          "%s: the certificate %s expires on %s; have it renewed", attribute, path,
                          day(expiry, text));
    if (begins_after(certificate, now))
        mg_reader_problem(reader, element, true, "%s: the certificate %s is not valid yet",
                          attribute, path);
}

static X509 *read_certificate(struct mg_reader *reader, const xmlNode *element,
                              const char *attribute, const char *path)
{
    struct mg_error error = {0};
    X509 *certificate = mg_certificate_from_file(path, &error);
    if (certificate)
        mg_credentials_note(reader, element, attribute, path, certificate);
    else
        mg_reader_problem(reader, element, false, "%s: %s: %s (%s)", attribute, path, error.text,
                          error.code);
    return certificate;
}

X509 *mg_credentials_certificate(struct mg_reader *reader, const xmlNode *element,
                                 const char *attribute, const char *path)
{
    bool bearable = reader->problems->starting && (xmlStrEqual(element->name, BAD_CAST "partner") ||
                                                   xmlStrEqual(element->name, BAD_CAST "operator"));
    X509 *certificate = read_certificate(reader, element, attribute, path);
    if (certificate)
        check_validity(reader, element, attribute, path, certificate, bearable);
    return certificate;
}

X509 *mg_credentials_former(struct mg_reader *reader, const xmlNode *element, const char *attribute,
                            const char *path)
{
    X509 *certificate = read_certificate(reader, element, attribute, path);
    if (certificate)
        check_validity(reader, element, attribute, path, certificate, true);
    return certificate;
}

X509 *mg_credentials_future(struct mg_reader *reader, const xmlNode *element, const char *attribute,
                            const char *path, int64_t from)
{
    char text[MG_CLOCK_TEXT_SIZE];
    int64_t now = mg_clock_now(), first = from > now ? from : now;
    X509 *certificate = read_certificate(reader, element, attribute, path);
    if (!certificate)
        return NULL;
    int64_t expiry = mg_certificate_expiry(certificate);
    if (expiry <= first)
        mg_reader_problem(reader, element, false,
                          "%s: the certificate %s expires on %s, too early to come into force",
                          attribute, path, day(expiry, text));
    else if (begins_after(certificate, first))
        mg_reader_problem(reader, element, false,
                          "%s: the certificate %s is not yet valid when it comes into force",
                          attribute, path);
    else if (from <= now)
        check_validity(reader, element, attribute, path, certificate, false);
    return certificate;
}

/* ---- what operators see of certificates ---- */

/* By the element and its attribute. */
static const char *role_of(const xmlNode *element, const char *attribute)
{
    static const struct {
        const char *element;
        const char *attribute;
        const char *role;
    } roles[] = {
        {"identity", "tls-certificate", "tls"},
        {"identity", "seal-certificate", "seal"},
        {"next-seal", "certificate", "seal.next"},
        {"trust", "authorities", "authority"},
        {"partner", "tls-certificate", "partner.tls"},
        {"partner", "signing-certificate", "partner.signing"},
        {"destination", "tls-certificate", "destination.tls"},
        {"operator", "certificate", "operator"},
    };
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (xmlStrEqual(element->name, BAD_CAST roles[i].element) &&
            strcmp(attribute, roles[i].attribute) == 0)
            return roles[i].role;
    return NULL;
}

static const char *hexadecimal(struct mg_reader *reader, const uint8_t *bytes, size_t length)
{
    char text[2 * 64 + 1] = "";
    for (size_t i = 0; i < length && i < 64; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return mg_arena_text(reader->arena, text);
}

/* Whether the same owner has named the certificate for the same before: they come one after the
 * other. */
static bool is_noted(const struct mg_config *config, const char *role, const char *owner,
                     const char *fingerprint)
{
    for (size_t i = config->certificate_count; i > 0; i--) {
        const struct mg_config_certificate *one = &config->certificates[i - 1];
        bool same_owner =
            owner && one->owner ? strcmp(owner, one->owner) == 0 : owner == one->owner;
        if (!same_owner || strcmp(one->role, role) != 0)
            return false;
        if (strcmp(one->fingerprint, fingerprint) == 0)
            return true;
    }
    return false;
}

void mg_credentials_note(struct mg_reader *reader, const xmlNode *element, const char *attribute,
                         const char *path, const X509 *certificate)
{
    struct mg_config *config = reader->config;
    const char *role = role_of(element, attribute);
    const char *owner = mg_reader_text(reader, element, "name");
    struct mg_fingerprint digest = mg_certificate_fingerprint(certificate);
    const char *fingerprint = hexadecimal(reader, digest.bytes, sizeof digest.bytes);
    size_t count = config->certificate_count;
    if (!role || is_noted(config, role, owner, fingerprint))
        return;
    if ((count & (count - 1)) == 0)
        config->certificates = mg_reallocate(
            config->certificates, (count ? 2 * count : 1) * sizeof *config->certificates);
    char subject[1024];
    mg_certificate_subject(certificate, subject, sizeof subject);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    config->certificates[config->certificate_count++] = (struct mg_config_certificate){
        .role = role,
        .owner = owner,
        .subject = mg_arena_text(reader->arena, subject),
        .serial =
            hexadecimal(reader, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)),
        .fingerprint = fingerprint,
        .file = path,
        .not_before = mg_certificate_beginning(certificate),
        .not_after = mg_certificate_expiry(certificate),
    };
}

void mg_credentials_note_authorities(struct mg_reader *reader, const xmlNode *element,
                                     const char *path)
{
    const STACK_OF(X509) *authorities = mg_anchors_authorities(reader->config->anchors);
    for (int i = 0; i < sk_X509_num(authorities); i++)
        mg_credentials_note(reader, element, "authorities", path, sk_X509_value(authorities, i));
}

/* The gateway runs without anybody who could type a passphrase. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static EVP_PKEY *read_key(int file)
{
    BIO *bio = BIO_new_fd(file, BIO_NOCLOSE);
    if (!bio)
        mg_die("config: no memory for a key");
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    return key;
}

static void check_open_key(struct mg_reader *reader, const xmlNode *element, const char *attribute,
                           const char *path, int file, X509 *certificate)
{
    struct stat status;
    if (fstat(file, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)))
        mg_reader_problem(reader, element, false,
                          "%s: others than its owner may use the key; run: chmod 600 %s", attribute,
                          path);
    EVP_PKEY *key = read_key(file);
    if (!key)
        mg_reader_problem(reader, element, false,
                          "%s: %s is no private key in PEM without a passphrase", attribute, path);
    else if (certificate && X509_check_private_key(certificate, key) != 1)
        mg_reader_problem(reader, element, false,
                          "%s: the key %s does not belong to the certificate", attribute, path);
    EVP_PKEY_free(key);
    ERR_clear_error();
}

void mg_credentials_check_key(struct mg_reader *reader, const xmlNode *element,
                              const char *attribute, const char *path, X509 *certificate)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        mg_reader_problem(reader, element, false, "%s: the key %s cannot be opened: %s", attribute,
                          path, strerror(errno));
        return;
    }
    check_open_key(reader, element, attribute, path, file, certificate);
    close(file);
}

struct mg_fingerprint *mg_credentials_fingerprints(
    struct mg_reader *reader, const xmlNode *element, const char *attribute,
    void (*look)(struct mg_reader *reader, const xmlNode *element, const char *path,
                 const X509 *certificate, const void *context),
    const void *context, size_t *count)
{
    size_t words;
    const char **files = mg_reader_words(reader, element, attribute, &words);
    struct mg_fingerprint *fingerprints =
        mg_arena_allocate(reader->arena, words, sizeof *fingerprints);
    *count = 0;
    for (size_t i = 0; i < words && !reader->without_files; i++) {
        const char *path = mg_reader_path(reader, files[i]);
        X509 *certificate = mg_credentials_certificate(reader, element, attribute, path);
        if (!certificate)
            continue;
        if (look)
            look(reader, element, path, certificate, context);
        fingerprints[(*count)++] = mg_certificate_fingerprint(certificate);
        X509_free(certificate);
    }
    return fingerprints;
}

const char *mg_credentials_subject(struct mg_reader *reader, const xmlNode *element,
                                   const char *attribute)
{
    const char *subject = mg_reader_text(reader, element, attribute);
    if (!subject || strlen(subject) <= SUBJECT_LENGTH)
        return subject;
    mg_reader_problem(reader, element, false, "%s is longer than %d bytes", attribute,
                      SUBJECT_LENGTH);
    return NULL;
}

static void add_issuer(struct mg_reader *reader, const xmlNode *element, const char *file,
                       struct mg_issuers **issuers)
{
    X509 *authority =
        mg_credentials_certificate(reader, element, "issuer", mg_reader_path(reader, file));
    if (!authority)
        return;
    if (X509_check_ca(authority) == 0)
        mg_reader_problem(reader, element, false, "issuer: %s is no certificate of an authority",
                          file);
    if (!*issuers)
        *issuers = mg_issuers_new();
    mg_issuers_add(*issuers, authority);
    X509_free(authority);
}

struct mg_issuers *mg_credentials_issuers(struct mg_reader *reader, const xmlNode *element,
                                          const char *what, const char *name, bool by_subject,
                                          const char *subjects)
{
    struct mg_issuers *issuers = NULL;
    size_t words;
    const char **files = mg_reader_words(reader, element, "issuer", &words);
    if (by_subject && words == 0)
        mg_reader_problem(reader, element, false,
                          "%s \"%.100s\" is known by the subject of its certificates, which every "
                          "trusted authority could issue; say with issuer=\"FILE\" which one does",
                          what, name);
    else if (!by_subject && words > 0)
        mg_reader_problem(reader, element, true, "issuer means nothing without %s", subjects);
    for (size_t i = 0; i < words && by_subject && !reader->without_files; i++)
        add_issuer(reader, element, files[i], &issuers);
    return issuers;
}
