#include "gateway/trust/signature_algorithm.h"

#include <libxml/c14n.h>
#include <string.h>
#include <xmlsec/openssl/crypto.h>

#define MORE_2001 "http://www.w3.org/2001/04/xmldsig-more#"
#define MORE_2007 "http://www.w3.org/2007/05/xmldsig-more#"

/* XML Signature 1.1, section 6.4, and RFC 6931, sections 2.3.6 and 2.3.10. */
static const struct mg_signature_method methods[] = {
    {MORE_2001 "ecdsa-sha256", MG_KEY_ECDSA, MG_DIGEST_SHA256,
     xmlSecOpenSSLTransformEcdsaSha256GetKlass},
    {MORE_2001 "rsa-sha256", MG_KEY_RSA, MG_DIGEST_SHA256, xmlSecOpenSSLTransformRsaSha256GetKlass},
    {MORE_2001 "ecdsa-sha384", MG_KEY_ECDSA, MG_DIGEST_SHA384,
     xmlSecOpenSSLTransformEcdsaSha384GetKlass},
    {MORE_2001 "ecdsa-sha512", MG_KEY_ECDSA, MG_DIGEST_SHA512,
     xmlSecOpenSSLTransformEcdsaSha512GetKlass},
    {MORE_2001 "rsa-sha384", MG_KEY_RSA, MG_DIGEST_SHA384, xmlSecOpenSSLTransformRsaSha384GetKlass},
    {MORE_2001 "rsa-sha512", MG_KEY_RSA, MG_DIGEST_SHA512, xmlSecOpenSSLTransformRsaSha512GetKlass},
    {MORE_2007 "sha256-rsa-MGF1", MG_KEY_RSA, MG_DIGEST_SHA256, NULL},
    {MORE_2007 "sha384-rsa-MGF1", MG_KEY_RSA, MG_DIGEST_SHA384, NULL},
    {MORE_2007 "sha512-rsa-MGF1", MG_KEY_RSA, MG_DIGEST_SHA512, NULL},
};

static const struct {
    const char *uri;
    enum mg_digest digest;
} digests[] = {
    {MG_ALGORITHM_SHA256, MG_DIGEST_SHA256},
    {MORE_2001 "sha384", MG_DIGEST_SHA384},
    {"http://www.w3.org/2001/04/xmlenc#sha512", MG_DIGEST_SHA512},
};

static const struct {
    const char *uri;
    int mode;
} canonicals[] = {
    {MG_ALGORITHM_CANONICAL, XML_C14N_1_0},
    {MG_ALGORITHM_CANONICAL_EXCLUSIVE, XML_C14N_EXCLUSIVE_1_0},
    {"http://www.w3.org/2006/12/xml-c14n11", XML_C14N_1_1},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

const struct mg_signature_method *mg_signature_method_find(const char *uri)
{
    for (size_t i = 0; i < COUNT(methods); i++)
        if (strcmp(methods[i].uri, uri) == 0)
            return &methods[i];
    return NULL;
}

const struct mg_signature_method *mg_signature_method_of(enum mg_key_kind kind)
{
    size_t i = 0;
    while (methods[i].kind != kind || methods[i].digest != MG_DIGEST_SHA256)
        i++;
    return &methods[i];
}

bool mg_digest_find(const char *uri, enum mg_digest *digest)
{
    for (size_t i = 0; i < COUNT(digests); i++)
        if (strcmp(digests[i].uri, uri) == 0) {
            *digest = digests[i].digest;
            return true;
        }
    return false;
}

const EVP_MD *mg_digest_implementation(enum mg_digest digest)
{
    return digest == MG_DIGEST_SHA256   ? EVP_sha256()
           : digest == MG_DIGEST_SHA384 ? EVP_sha384()
                                        : EVP_sha512();
}

bool mg_canonical_find(const char *uri, int *mode)
{
    for (size_t i = 0; i < COUNT(canonicals); i++)
        if (strcmp(canonicals[i].uri, uri) == 0) {
            *mode = canonicals[i].mode;
            return true;
        }
    return false;
}
