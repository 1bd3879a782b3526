/*
 * signature_make: what seals and receipts know of the making of signatures beyond signature.h.
 */
#ifndef MUENGSTEN_TRUST_SIGNATURE_MAKE_H
#define MUENGSTEN_TRUST_SIGNATURE_MAKE_H

#include "gateway/trust/signature.h"

/* As mg_signature_make, for properties that are already in exclusive canonical form. */
bool mg_signature_make_canonical(const struct mg_signer *signer,
                                 const struct mg_signature_plan *plan, struct mg_buffer *text,
                                 struct mg_error *error);

/* The key of a signer, which keeps it. */
struct mg_key *mg_signer_key(const struct mg_signer *signer);

/* SHA-256. Code signature.internal. */
bool mg_signature_digest(const void *bytes, size_t length, uint8_t digest[32],
                         struct mg_error *error);

#endif
