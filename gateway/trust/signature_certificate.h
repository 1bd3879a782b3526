/*
 * signature_certificate: from the certificates in ds:KeyInfo to a key that counts.
 */
#ifndef MUENGSTEN_TRUST_SIGNATURE_CERTIFICATE_H
#define MUENGSTEN_TRUST_SIGNATURE_CERTIFICATE_H

#include "gateway/trust/signature.h"
#include "gateway/trust/signature_algorithm.h"

/* Finds the signer's certificate in ds:KeyInfo and checks it against the policy, and its key
 * against the signature method. The caller frees *signer with X509_free. Fills signer, subject and
 * method of the result. Codes: signature.no-certificate, signature.shape (too many certificates),
 * signature.foreign-certificate, signature.algorithm, signature.key-too-short, certificate.*. */
bool mg_signature_signer(const xmlNode *key_info, const struct mg_signature_policy *policy,
                         const struct mg_signature_method *method, X509 **signer,
                         struct mg_signature_result *result, struct mg_error *error);

/* Forgets the certificates that are kept ready (see mg_trust_stop). */
void mg_signature_signer_forget(void);

#endif
