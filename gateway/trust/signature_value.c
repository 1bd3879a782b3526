#include "gateway/trust/signature_value.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <xmlsec/keys.h>
#include <xmlsec/openssl/evp.h>

enum verdict { GENUINE, FORGED, BROKEN };

xmlSecKey *mg_signature_wrap_key(EVP_PKEY *key)
{
    EVP_PKEY_up_ref(key);
    xmlSecKeyData *data = xmlSecOpenSSLEvpKeyAdopt(key);
    if (!data) {
        EVP_PKEY_free(key);
        return NULL;
    }
    xmlSecKey *wrapped = xmlSecKeyCreate();
    if (!wrapped || xmlSecKeySetValue(wrapped, data) < 0) {
        xmlSecKeyDataDestroy(data);
        xmlSecKeyDestroy(wrapped);
        return NULL;
    }
    return wrapped;
}

static enum verdict check_by_xmlsec(const struct mg_signature_method *method, EVP_PKEY *key,
                                    const char *bytes, size_t length, const uint8_t *value,
                                    size_t value_length)
{
    enum verdict verdict = BROKEN;
    xmlSecTransformCtx *context = xmlSecTransformCtxCreate();
    xmlSecKey *wrapped = mg_signature_wrap_key(key);
    xmlSecTransform *transform =
        context ? xmlSecTransformCtxCreateAndAppend(context, method->transform()) : NULL;
    if (!transform || !wrapped)
        goto end;
    transform->operation = xmlSecTransformOperationVerify;
    if (xmlSecTransformSetKey(transform, wrapped) < 0 ||
        xmlSecTransformCtxBinaryExecute(context, (const xmlSecByte *)bytes, (xmlSecSize)length) < 0)
        goto end;
    /* A value of the wrong length is reported as a failure of the call, which is the sender's fault
     * too. */
    bool done = xmlSecTransformVerify(transform, value, (xmlSecSize)value_length, context) >= 0;
    verdict = done && transform->status == xmlSecTransformStatusOk ? GENUINE : FORGED;
end:
    if (context)
        xmlSecTransformCtxDestroy(context);
    if (wrapped)
        xmlSecKeyDestroy(wrapped);
    return verdict;
}

/* RFC 6931, section 2.3.10: the mask uses the same digest, and the salt is as long as it. */
static enum verdict check_pss(const struct mg_signature_method *method, EVP_PKEY *key,
                              const char *bytes, size_t length, const uint8_t *value,
                              size_t value_length)
{
    enum verdict verdict = BROKEN;
    EVP_PKEY_CTX *options;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context &&
        EVP_DigestVerifyInit(context, &options, mg_digest_implementation(method->digest), NULL,
                             key) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1) {
        int result =
            EVP_DigestVerify(context, value, value_length, (const unsigned char *)bytes, length);
        verdict = result == 1 ? GENUINE : FORGED;
    }
    EVP_MD_CTX_free(context);
    return verdict;
}

bool mg_signature_value_check(const struct mg_signature_method *method, EVP_PKEY *key,
                              const char *bytes, size_t length, const uint8_t *value,
                              size_t value_length, struct mg_error *error)
{
    enum verdict verdict = method->transform
                               ? check_by_xmlsec(method, key, bytes, length, value, value_length)
                               : check_pss(method, key, bytes, length, value, value_length);
    if (verdict != GENUINE)
        ERR_clear_error();
    if (verdict == BROKEN)
        return mg_fail(error, "signature.internal",
                       "The signature could not be checked because of a failure in the gateway.");
    if (verdict == FORGED)
        return mg_fail(
            error, "signature.value",
            "The signature value does not belong to ds:SignedInfo and the certificate's key. "
            "Sign again, and change nothing afterwards.");
    return true;
}
