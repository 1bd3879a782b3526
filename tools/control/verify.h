/*
 * verify: judges offline what gateways have signed: sealed messages in each form (the seal inside
 * the document, beside it as NAME.seal.xml, or as a part of a multipart body), receipts and
 * reports, those on dead letters among them; and documents that only carry their sender's
 * signature.
 *
 * Whether a certificate counts is asked as of the moment that the seal or receipt names itself,
 * since certificates end and seals stay. What a verdict says of the facts is what was signed, if
 * its check "signature" passed; otherwise it is what stands there. Reads files; one thread.
 */
#ifndef MUENGSTEN_TOOLS_CONTROL_VERIFY_H
#define MUENGSTEN_TOOLS_CONTROL_VERIFY_H

#include "gateway/base/error.h"
#include "gateway/base/id.h"
#include "gateway/trust/receipt_reading.h"

#include <stddef.h>
#include <stdint.h>

/* Paths, NULL where nothing is given. */
struct mg_verify_request {
    const char *file;
    const char *authorities; /* who may have issued the signer's certificate */
    const char *revocation;  /* their revocation lists */
    const char *certificate; /* the only one that may have signed */
    const char *content;     /* the document, of a detached seal or of a receipt */
};

/* In the order of their weight: of several, the highest counts. */
enum mg_verify_result { MG_VERIFY_PASSED, MG_VERIFY_UNCLEAR, MG_VERIFY_FAILED };

enum mg_verify_kind {
    MG_VERIFY_NOTHING, /* nothing signed was found */
    MG_VERIFY_SEAL,
    MG_VERIFY_RECEIPT,
    MG_VERIFY_SIGNATURE, /* its sender's */
};

enum mg_verify_form { MG_VERIFY_ENVELOPED, MG_VERIFY_DETACHED, MG_VERIFY_MULTIPART };

/* One question that was asked. */
struct mg_verify_check {
    const char *name; /* "signature", "content", "certificate", "revocation", "signer" */
    enum mg_verify_result result;
    const char *code;      /* constant; what was found, such as "intact" */
    struct mg_error error; /* why it failed; its code is empty if it did not */
};

#define MG_VERIFY_CHECKS 6

struct mg_verdict {
    enum mg_verify_result result;
    enum mg_verify_kind kind;
    enum mg_verify_form form;
    char content_file[4096], seal_file[4096]; /* where two files belong together */
    /* What was signed. */
    char message[MG_ID_TEXT_SIZE]; /* the gateway's id */
    char gateway[256];
    char partner[256], way[256], profile[256]; /* of seals */
    char sender_signature[16];                 /* of seals: "valid", "none" */
    char sender[512];                          /* of seals: subject of the sender's certificate */
    char next_certificate[65], next_from[40];  /* of seals: which one will seal, and from when */
    char time[40];                             /* when it was sealed, or reported */
    int64_t moment;                            /* the same in milliseconds; 0: it does not say */
    char digest[65];                           /* SHA-256 of the content, in hexadecimal */
    struct mg_receipt_reading receipt;         /* of receipts */
    /* Who signed. */
    char subject[512], issuer[512], serial[128], fingerprint[65];
    char not_before[40], not_after[40];
    char method[80];
    struct mg_verify_check checks[MG_VERIFY_CHECKS];
    size_t check_count;
};

/* Judges the file. False, with verify.* or the code of whoever failed, if nothing can be said: a
 * file cannot be read, is nothing that could be verified, or an authority is none. */
bool mg_verify(const struct mg_verify_request *request, struct mg_verdict *verdict,
               struct mg_error *error);

#endif
