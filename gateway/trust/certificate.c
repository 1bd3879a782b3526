#include "gateway/trust/certificate.h"

#include "gateway/base/buffer.h"
#include "gateway/trust/file.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define FILE_LIMIT (1024 * 1024)

static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;

/* Kept for the life of the process: looking the algorithm up anew costs as much as the digest. */
static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!sha256)
        mg_die("OpenSSL offers no SHA-256");
}

struct mg_fingerprint mg_certificate_fingerprint(const X509 *certificate)
{
    pthread_once(&sha256_once, fetch_sha256);
    struct mg_fingerprint fingerprint;
    unsigned char *der = NULL;
    int length = i2d_X509(certificate, &der);
    if (length < 0 || EVP_Digest(der, (size_t)length, fingerprint.bytes, NULL, sha256, NULL) != 1)
        mg_die("no memory for a certificate's digest");
    OPENSSL_free(der);
    return fingerprint;
}

/* The longest beginning of text that fits in size - 1 bytes and does not cut a character of UTF-8.
 */
static size_t cut(const char *text, size_t length, size_t size)
{
    if (length < size)
        return length;
    length = size - 1;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

void mg_name_text(const X509_NAME *name, char *text, size_t size)
{
    /* As RFC 4514, section 2, but with letters beyond ASCII as they are instead of as \C3\BC. */
    static const unsigned long form = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    if (size == 0)
        return;
    text[0] = '\0';
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio)
        mg_die("no memory for a certificate's subject");
    if (X509_NAME_print_ex(bio, name, 0, form) >= 0) {
        char *data = NULL;
        long length = BIO_get_mem_data(bio, &data);
        size_t kept = length > 0 ? cut(data, (size_t)length, size) : 0;
        if (kept > 0)
            memcpy(text, data, kept);
        text[kept] = '\0';
    }
    BIO_free(bio);
}

void mg_certificate_subject(const X509 *certificate, char *text, size_t size)
{
    mg_name_text(X509_get_subject_name(certificate), text, size);
}

int64_t mg_certificate_beginning(const X509 *certificate)
{
    struct tm moment;
    if (ASN1_TIME_to_tm(X509_get0_notBefore(certificate), &moment) != 1)
        return 0;
    return (int64_t)timegm(&moment) * 1000;
}

int64_t mg_certificate_expiry(const X509 *certificate)
{
    struct tm moment;
    /* A date that cannot be read lies in the past. */
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &moment) != 1)
        return 0;
    return (int64_t)timegm(&moment) * 1000;
}

X509 *mg_certificate_from_file(const char *path, struct mg_error *error)
{
    struct mg_buffer pem = {.limit = FILE_LIMIT};
    const char *reason = "";
    X509 *certificate = NULL;
    if (mg_file_read(path, MG_FILE_PUBLIC, &pem, &reason) == MG_FILE_READ) {
        BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.length);
        certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
        BIO_free(bio);
        reason = "it does not begin with a certificate in PEM form";
    }
    if (!certificate) {
        mg_fail(error, "certificate.unreadable", "The certificate cannot be read: %s.", reason);
        mg_error_at(error, "%s", path);
    }
    mg_buffer_free(&pem);
    ERR_clear_error();
    return certificate;
}
