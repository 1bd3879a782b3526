/*
 * closing: the signature that closes a day of the audit trail. It stands in the trail as an entry
 * of its own:
 *
 *     {"act":"closed","day":"2026-11-25","first":1,"last":4711,"hash":"…","signature":"…",
 *      "certificate":"…"}
 *
 * hash is that of the entry `last` in hexadecimal, and so covers all entries up to it; signature
 * and certificate (DER) are in base64. What is signed are five lines, each with its end:
 *
 *     muengsten audit 1
 *     2026-11-25
 *     1
 *     4711
 *     the hash
 *
 * `first` is the number after the `last` of the closing before, so that no closing can be left out.
 *
 * What retention deletes is signed as well, before it goes: or whoever can write to the file could
 * delete days and say that it was retention.
 *
 *     {"act":"expired","through":4711,"hash":"…","signature":"…","certificate":"…"}
 *
 * through is the last entry of a day that is closed, hash is its hash. Signed are three lines:
 *
 *     muengsten audit expired 1
 *     4711
 *     the hash
 *
 * Pure but for the signing, which may block.
 */
#ifndef MUENGSTEN_AUDIT_CLOSING_H
#define MUENGSTEN_AUDIT_CLOSING_H

#include "gateway/store/journal.h"
#include "gateway/trust/plain.h"

/* Under which the closings, and what says how much retention deletes, are found in the journal. */
#define MG_AUDIT_CLOSED  "closed"
#define MG_AUDIT_EXPIRED "expired"

#define MG_AUDIT_DAY      INT64_C(86400000)
#define MG_AUDIT_DAY_SIZE 11

/* A closing, or an expiry: that has neither day nor first. */
struct mg_audit_closing {
    char day[MG_AUDIT_DAY_SIZE]; /* "2026-11-25", in UTC; empty: an expiry */
    int64_t first;
    int64_t last;
    uint8_t hash[MG_STORE_HASH_SIZE];
    /* Read, not written: */
    uint8_t signature[MG_SIGNATURE_SIZE];
    size_t signature_length;
    X509 *certificate; /* freed with mg_audit_closing_clear */
};

/* The day that a time, in milliseconds since 1970, is in. */
void mg_audit_day(int64_t time, char day[MG_AUDIT_DAY_SIZE]);

/* Signs a closing or an expiry, and adds its line. Code key.sign. */
bool mg_audit_closing_write(const struct mg_audit_closing *closing, const struct mg_signer *signer,
                            struct mg_buffer *line, struct mg_error *error);

/* Reads the line of a closing, or of an expiry. Code audit.closing if it is none. */
bool mg_audit_closing_read(const char *line, struct mg_audit_closing *closing,
                           struct mg_error *error);
bool mg_audit_expiry_read(const char *line, struct mg_audit_closing *expiry,
                          struct mg_error *error);
void mg_audit_closing_clear(struct mg_audit_closing *closing);

/* Whether the signature is that of the certificate, and the certificate, at the time when the
 * closing was written, one of the trusted ones or issued by them (NULL: anybody's). Codes:
 * audit.signature, audit.signer. */
bool mg_audit_closing_check(const struct mg_audit_closing *closing, int64_t time,
                            X509_STORE *trusted, struct mg_error *error);

#endif
