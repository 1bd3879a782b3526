/*
 * receipt: what the gateway has signed: verified, and read for people. Also what it says when it
 * refuses. Pure.
 */
#ifndef MUENGSTEN_TOOLS_SEND_RECEIPT_H
#define MUENGSTEN_TOOLS_SEND_RECEIPT_H

#include "gateway/base/error.h"
#include "gateway/trust/certificate.h"
#include "gateway/trust/receipt_reading.h"

#include <stddef.h>

struct mg_send_receipt {
    char signer[256]; /* subject of the certificate that signed it */
    struct mg_receipt_reading reading;
};

/* Verifies the signature of a receipt or report: by a certificate that the anchors trust, and by
 * one of those very certificates if expected is given; and that it is about the message of that
 * gateway's id and, unless it is empty, of that UUID of the sender's. Fills receipt also if only
 * the signature is bad. Codes: send.receipt-malformed, send.receipt-unsigned, send.receipt-foreign,
 * and those of gateway/trust/signature.h. */
bool mg_send_receipt_check(struct mg_anchors *anchors, const STACK_OF(X509) * expected,
                           const char *id, const char *uuid, const char *bytes, size_t length,
                           struct mg_send_receipt *receipt, struct mg_error *error);

/* Reads a refusal in its XML form into code, place and text. False if it is none. */
bool mg_send_refusal_read(const char *bytes, size_t length, struct mg_error *refusal);

#endif
