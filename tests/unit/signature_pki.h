/*
 * signature_pki: certificates for the tests of signatures, made when the test runs and never kept:
 * a root that is trusted, and identities it issues. Files lie in a temporary folder that pki_stop
 * removes.
 */
#ifndef MUENGSTEN_TESTS_SIGNATURE_PKI_H
#define MUENGSTEN_TESTS_SIGNATURE_PKI_H

#include "gateway/trust/certificate.h"
#include "gateway/trust/signature.h"
#include "tests/unit/pki.h"

/* Makes the root and starts the trust room. The process ends if that fails. */
void pki_start(void);
void pki_stop(void);

/* Removes the folder now, for a program that does not come to pki_stop. */
void pki_remove_files(void);

/* Path of a file in the temporary folder; "root.pem" is there from the beginning. Valid
 * until the next call. */
const char *pki_path(const char *name);

/* A key of a curve's name, "RSA-3072" and the like, or "ED25519", with a certificate from the root
 * resp. from itself. */
struct pki_party pki_issue(const char *name, const char *algorithm);
struct pki_party pki_self_signed(const char *name, const char *algorithm);

/* A signer with that key, through a key file. */
struct mg_signer *pki_signer(const struct pki_party *identity);

/* ds:KeyInfo with the certificate; the caller frees it. */
char *pki_key_info(const struct pki_party *identity);

/* Writes a file in the temporary folder. */
void pki_write(const char *name, const char *bytes, size_t length);

/* A policy that takes exactly this identity (not copied) for the partner's. */
struct mg_signature_policy pki_policy(const struct pki_party *partner);

#endif
