#include "gateway/trust/plain.h"

#include "gateway/trust/signature_make.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

/* Keys sign in the form of XML Signature: both numbers, each with half of the bytes. */
static bool put_into_der(uint8_t signature[MG_SIGNATURE_SIZE], size_t *length)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    int half = (int)(*length / 2);
    BIGNUM *r = BN_bin2bn(signature, half, NULL), *s = BN_bin2bn(signature + half, half, NULL);
    unsigned char *end = signature;
    int size = -1;
    if (pair && r && s && ECDSA_SIG_set0(pair, r, s)) {
        r = s = NULL; /* the pair has them */
        size = i2d_ECDSA_SIG(pair, NULL);
        if (size > 0 && size <= MG_SIGNATURE_SIZE)
            size = i2d_ECDSA_SIG(pair, &end);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    *length = size > 0 ? (size_t)size : 0;
    return size > 0 && size <= MG_SIGNATURE_SIZE;
}

bool mg_plain_sign(const struct mg_signer *signer, const void *bytes, size_t length,
                   uint8_t signature[MG_SIGNATURE_SIZE], size_t *signature_length,
                   struct mg_error *error)
{
    uint8_t digest[32];
    struct mg_key *key = mg_signer_key(signer);
    if (!mg_signature_digest(bytes, length, digest, error) ||
        !mg_key_sign(key, MG_DIGEST_SHA256, digest, signature, signature_length, error))
        return false;
    return key->kind != MG_KEY_ECDSA || put_into_der(signature, signature_length) ||
           mg_fail(error, "key.sign", "The signature has no form that others can read.");
}

bool mg_plain_verify(const X509 *certificate, const void *bytes, size_t length,
                     const uint8_t *signature, size_t signature_length)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = key && context &&
                EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, signature, signature_length, bytes, length) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}
