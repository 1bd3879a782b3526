#include "gateway/audit/closing.h"

#include <inttypes.h>
#include <jansson.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void mg_audit_day(int64_t time, char day[MG_AUDIT_DAY_SIZE])
{
    time_t seconds = (time_t)(time / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    if (strftime(day, MG_AUDIT_DAY_SIZE, "%Y-%m-%d", &parts) == 0)
        day[0] = '\0';
}

static void write_hash(const uint8_t hash[MG_STORE_HASH_SIZE], char text[65])
{
    for (size_t i = 0; i < MG_STORE_HASH_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

static void write_signed(const struct mg_audit_closing *closing, struct mg_buffer *bytes)
{
    char hash[65];
    write_hash(closing->hash, hash);
    if (closing->day[0])
        mg_buffer_print(bytes, "muengsten audit 1\n%s\n%" PRId64 "\n%" PRId64 "\n%s\n",
                        closing->day, closing->first, closing->last, hash);
    else
        mg_buffer_print(bytes, "muengsten audit expired 1\n%" PRId64 "\n%s\n", closing->last, hash);
}

/* ---- writing ---- */

static void add_base64(struct mg_buffer *line, const char *name, const uint8_t *bytes,
                       size_t length)
{
    mg_buffer_print(line, ",\"%s\":\"", name);
    size_t size = (length + 2) / 3 * 4;
    char *room = mg_buffer_reserve(line, size + 1);
    EVP_EncodeBlock((unsigned char *)room, bytes, (int)length);
    mg_buffer_used(line, size);
    mg_buffer_add_text(line, "\"");
}

bool mg_audit_closing_write(const struct mg_audit_closing *closing, const struct mg_signer *signer,
                            struct mg_buffer *line, struct mg_error *error)
{
    struct mg_buffer bytes = {0};
    uint8_t signature[MG_SIGNATURE_SIZE];
    size_t length;
    unsigned char *certificate = NULL;
    char hash[65];
    write_signed(closing, &bytes);
    bool passed = mg_plain_sign(signer, bytes.data, bytes.length, signature, &length, error);
    mg_buffer_free(&bytes);
    if (!passed)
        return false;
    int size = i2d_X509(mg_signer_certificate(signer), &certificate);
    if (size <= 0)
        return mg_fail(error, "key.sign", "The seal's certificate has no DER form.");
    write_hash(closing->hash, hash);
    if (closing->day[0])
        mg_buffer_print(
            line, "{\"act\":\"closed\",\"day\":\"%s\",\"first\":%" PRId64 ",\"last\":%" PRId64,
            closing->day, closing->first, closing->last);
    else
        mg_buffer_print(line, "{\"act\":\"expired\",\"through\":%" PRId64, closing->last);
    mg_buffer_print(line, ",\"hash\":\"%s\"", hash);
    add_base64(line, "signature", signature, length);
    add_base64(line, "certificate", certificate, (size_t)size);
    mg_buffer_add_text(line, "}");
    OPENSSL_free(certificate);
    return true;
}

/* ---- reading ---- */

static bool read_hash(const char *text, uint8_t hash[MG_STORE_HASH_SIZE])
{
    if (!text || strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
        return false;
    for (size_t i = 0; i < MG_STORE_HASH_SIZE; i++) {
        unsigned byte;
        if (sscanf(text + 2 * i, "%2x", &byte) != 1)
            return false;
        hash[i] = (uint8_t)byte;
    }
    return true;
}

/* The bytes, which the caller frees; NULL if the text is no base64. */
static uint8_t *read_base64(const char *text, size_t *length)
{
    size_t size = text ? strlen(text) : 0;
    if (size == 0 || size % 4 != 0)
        return NULL;
    uint8_t *bytes = mg_allocate(size / 4 * 3);
    int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)size);
    if (decoded < 0) {
        free(bytes);
        return NULL;
    }
    *length = (size_t)decoded - (text[size - 1] == '=') - (text[size - 2] == '=');
    return bytes;
}

static bool read_signature(const char *text, struct mg_audit_closing *closing)
{
    uint8_t *bytes = read_base64(text, &closing->signature_length);
    bool fits = bytes && closing->signature_length <= sizeof closing->signature;
    if (fits)
        memcpy(closing->signature, bytes, closing->signature_length);
    free(bytes);
    return fits;
}

static bool read_certificate(const char *text, struct mg_audit_closing *closing)
{
    size_t length;
    uint8_t *bytes = read_base64(text, &length);
    const unsigned char *end = bytes;
    if (bytes)
        closing->certificate = d2i_X509(NULL, &end, (long)length);
    free(bytes);
    ERR_clear_error();
    return closing->certificate;
}

static bool says(json_t *line, const char *act)
{
    const char *said = json_string_value(json_object_get(line, "act"));
    return said && strcmp(said, act) == 0;
}

static bool read_day(json_t *line, struct mg_audit_closing *closing)
{
    const char *day = json_string_value(json_object_get(line, "day"));
    closing->first = json_integer_value(json_object_get(line, "first"));
    closing->last = json_integer_value(json_object_get(line, "last"));
    if (!says(line, MG_AUDIT_CLOSED) || !day || strlen(day) != MG_AUDIT_DAY_SIZE - 1 ||
        closing->first < 1 || closing->last < closing->first)
        return false;
    memcpy(closing->day, day, MG_AUDIT_DAY_SIZE);
    return true;
}

static bool read_through(json_t *line, struct mg_audit_closing *expiry)
{
    expiry->last = json_integer_value(json_object_get(line, "through"));
    return says(line, MG_AUDIT_EXPIRED) && expiry->last >= 1;
}

static bool read_line(const char *line, struct mg_audit_closing *closing,
                      bool (*read_numbers)(json_t *line, struct mg_audit_closing *closing))
{
    *closing = (struct mg_audit_closing){.day = ""};
    json_t *read = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    bool passed =
        read_numbers(read, closing) &&
        read_hash(json_string_value(json_object_get(read, "hash")), closing->hash) &&
        read_signature(json_string_value(json_object_get(read, "signature")), closing) &&
        read_certificate(json_string_value(json_object_get(read, "certificate")), closing);
    json_decref(read);
    if (!passed)
        mg_audit_closing_clear(closing);
    return passed;
}

bool mg_audit_closing_read(const char *line, struct mg_audit_closing *closing,
                           struct mg_error *error)
{
    return read_line(line, closing, read_day) ||
           mg_fail(error, "audit.closing", "it closes a day, but not in the form of one");
}

bool mg_audit_expiry_read(const char *line, struct mg_audit_closing *expiry, struct mg_error *error)
{
    return read_line(line, expiry, read_through) ||
           mg_fail(error, "audit.closing",
                   "it says that retention deleted entries, but not in the form of that");
}

void mg_audit_closing_clear(struct mg_audit_closing *closing)
{
    X509_free(closing->certificate);
    closing->certificate = NULL;
}

/* ---- checking ---- */

/* Valid when it signed, whatever became of it since. A day may be closed long after its end. */
static bool is_trusted(const struct mg_audit_closing *closing, int64_t time, X509_STORE *trusted)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool good = context && X509_STORE_CTX_init(context, trusted, closing->certificate, NULL);
    if (good) {
        X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_time(parameters, (time_t)(time / 1000));
        good = X509_verify_cert(context) == 1;
    }
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    return good;
}

bool mg_audit_closing_check(const struct mg_audit_closing *closing, int64_t time,
                            X509_STORE *trusted, struct mg_error *error)
{
    struct mg_buffer bytes = {0};
    const char *what =
        closing->day[0] ? "that closes the day " : "of what retention is said to have deleted";
    write_signed(closing, &bytes);
    bool good = mg_plain_verify(closing->certificate, bytes.data, bytes.length, closing->signature,
                                closing->signature_length);
    mg_buffer_free(&bytes);
    if (!good)
        return mg_fail(error, "audit.signature",
                       "the signature %s%s is not that of its certificate", what, closing->day);
    return !trusted || is_trusted(closing, time, trusted) ||
           mg_fail(error, "audit.signer",
                   "the signature %s%s is of a certificate that is not among the trusted ones",
                   what, closing->day);
}
