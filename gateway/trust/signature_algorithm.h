/*
 * signature_algorithm: the algorithms that signatures may use, and no others (BSI TR-02102-1).
 * Whatever is not in these tables does not exist for the gateway: HMAC, SHA-1, XSLT, XPath,
 * comments.
 */
#ifndef MUENGSTEN_TRUST_SIGNATURE_ALGORITHM_H
#define MUENGSTEN_TRUST_SIGNATURE_ALGORITHM_H

#include "gateway/trust/key.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <xmlsec/xmlsec.h>

#include <xmlsec/transforms.h>

#define MG_ALGORITHM_ENVELOPED           "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
#define MG_ALGORITHM_CANONICAL           "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define MG_ALGORITHM_CANONICAL_EXCLUSIVE "http://www.w3.org/2001/10/xml-exc-c14n#"
#define MG_ALGORITHM_SHA256              "http://www.w3.org/2001/04/xmlenc#sha256"

struct mg_signature_method {
    const char *uri;
    enum mg_key_kind kind;
    enum mg_digest digest;
    xmlSecTransformId (*transform)(
        void); /* xmlsec's; NULL: RSA-PSS, which xmlsec 1.2 does not have */
};

/* NULL if the method is not admitted. */
const struct mg_signature_method *mg_signature_method_find(const char *uri);

/* The method that our own signatures use with such a key: with SHA-256. */
const struct mg_signature_method *mg_signature_method_of(enum mg_key_kind kind);

/* False if the digest is not admitted. */
bool mg_digest_find(const char *uri, enum mg_digest *digest);
const EVP_MD *mg_digest_implementation(enum mg_digest digest);

/* The mode of libxml2 for a canonicalisation; false if it is not admitted. */
bool mg_canonical_find(const char *uri, int *mode);

#endif
