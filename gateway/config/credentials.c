#include "gateway/config/credentials.h"

#include "gateway/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    if (!certificate)
        mg_reader_problem(reader, element, false, "%s: %s: %s (%s)", attribute, path, error.text,
                          error.code);
    return certificate;
}

X509 *mg_credentials_certificate(struct mg_reader *reader, const xmlNode *element,
                                 const char *attribute, const char *path)
{
    bool bearable = reader->problems->starting && xmlStrEqual(element->name, BAD_CAST "partner");
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
