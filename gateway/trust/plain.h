/*
 * plain: a signature over bytes as they are, in the form that other tools verify too, such as
 * `openssl dgst -sha256 -verify`: SHA-256, ECDSA in DER form or RSA with PKCS#1 v1.5. Signing may
 * block, so it is called on workers; any thread.
 */
#ifndef MUENGSTEN_TRUST_PLAIN_H
#define MUENGSTEN_TRUST_PLAIN_H

#include "gateway/trust/signature.h"

/* Code key.sign on failure. */
bool mg_plain_sign(const struct mg_signer *signer, const void *bytes, size_t length,
                   uint8_t signature[MG_SIGNATURE_SIZE], size_t *signature_length,
                   struct mg_error *error);

/* Whether the signature over these bytes is the certificate's. Who that is, is another question. */
bool mg_plain_verify(const X509 *certificate, const void *bytes, size_t length,
                     const uint8_t *signature, size_t signature_length);

#endif
