/*
 * issuers: the authorities that may issue a partner's certificates.
 *
 * A partner that is known by the subject of its certificates is known by a name only, and every
 * trusted authority can write every name into a certificate: one city's could issue another city's.
 * So the subject counts together with the authority that issued it, and that is known by its key
 * and not by its name. A struct mg_issuers is thread-safe once all authorities are added.
 */
#ifndef MUENGSTEN_TRUST_ISSUERS_H
#define MUENGSTEN_TRUST_ISSUERS_H

#include "gateway/trust/certificate.h"

#include <openssl/x509.h>

struct mg_issuers;

/* None yet. */
struct mg_issuers *mg_issuers_new(void);
void mg_issuers_free(struct mg_issuers *issuers);

/* Adds an authority; the caller keeps its own reference. */
void mg_issuers_add(struct mg_issuers *issuers, X509 *authority);

/* True if one of the authorities signed the certificate, whose fingerprint the caller knows. What
 * was once found true is remembered, so that the signature is not verified with each message.
 * Whether certificate and authority are valid is for mg_anchors_check to say. */
bool mg_issuers_issued(struct mg_issuers *issuers, const X509 *certificate,
                       const struct mg_fingerprint *fingerprint);

#endif
