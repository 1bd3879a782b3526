#include "adapters/smtp/protect.h"

#include <limits.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SHORTEST_RSA    2048 /* bits; what offices have is not ours to choose */
#define MOST_BETWEEN    8    /* certificates between the signer's and its authority's */
#define SIGNER          "gateway, with which it signs mails,"
#define CMS_SIGN_FLAGS  (CMS_DETACHED | CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP)
#define CMS_WHOLE_FLAGS (CMS_BINARY | CMS_PARTIAL)

/* ---- files ---- */

/* The first certificate of a file, and those that follow, if wanted. */
static X509 *read_certificate(const char *path, STACK_OF(X509) * others)
{
    BIO *file = BIO_new_file(path, "r");
    X509 *first = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    X509 *next;
    while (first && others && sk_X509_num(others) < MOST_BETWEEN &&
           (next = PEM_read_bio_X509(file, NULL, NULL, NULL)))
        sk_X509_push(others, next);
    BIO_free(file);
    ERR_clear_error();
    return first;
}

/* Nobody is there to be asked for a passphrase. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

static EVP_PKEY *read_key(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = file ? PEM_read_bio_PrivateKey(file, NULL, no_passphrase, NULL) : NULL;
    BIO_free(file);
    ERR_clear_error();
    return key;
}

/* ---- judging ---- */

static bool is_valid_at(const X509 *certificate, time_t now, const char *whose, const char *code,
                        struct mg_failure *failure)
{
    if (X509_cmp_time(X509_get0_notBefore(certificate), &now) > 0)
        return mg_failure_set_loud(failure, code, "The certificate of the %s is not valid yet.",
                                   whose);
    if (X509_cmp_time(X509_get0_notAfter(certificate), &now) < 0)
        return mg_failure_set_loud(failure, code,
                                   "The certificate of the %s has expired: put the renewed one in "
                                   "its place, and the messages that wait go out.",
                                   whose);
    return true;
}

bool mg_protect_judge(X509 *certificate, const char *address, time_t now,
                      struct mg_failure *failure)
{
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (!is_valid_at(certificate, now, "recipient", "smtp.recipient-expired", failure))
        return false;
    if (X509_check_email(certificate, address, strlen(address), 0) != 1)
        return mg_failure_set_loud(
            failure, "smtp.recipient-address",
            "The recipient's certificate does not name the address that the mail goes to: it may "
            "be somebody else's. Where that is meant, certificate-address says which one it "
            "names.");
    bool rsa = key && EVP_PKEY_is_a(key, "RSA"), ec = key && EVP_PKEY_is_a(key, "EC");
    uint32_t wanted = rsa ? KU_KEY_ENCIPHERMENT : KU_KEY_AGREEMENT;
    if ((!rsa && !ec) || !(X509_get_key_usage(certificate) & wanted) ||
        !(X509_get_extended_key_usage(certificate) & (XKU_SMIME | XKU_ANYEKU)))
        return mg_failure_set_loud(failure, "smtp.recipient-usage",
                                   "The recipient's certificate is not for encrypting mail.");
    if (rsa && EVP_PKEY_get_bits(key) < SHORTEST_RSA)
        return mg_failure_set_loud(failure, "smtp.recipient-usage",
                                   "The recipient's RSA key has less than %d bits.", SHORTEST_RSA);
    return true;
}

static bool no_recipient(struct mg_failure *failure)
{
    return mg_failure_set_loud(failure, "smtp.recipient-certificate",
                               "The recipient's certificate cannot be read (PEM).");
}

static bool no_signer(struct mg_failure *failure)
{
    return mg_failure_set_loud(failure, "smtp.signer",
                               "The certificate and the key to sign mails with cannot be read "
                               "(PEM, without a passphrase), or do not belong together.");
}

bool mg_protect_check(const struct mg_protection *protection, struct mg_failure *failure)
{
    X509 *recipient = read_certificate(protection->certificate, NULL);
    X509 *signer = read_certificate(protection->signing_certificate, NULL);
    EVP_PKEY *key = read_key(protection->signing_key);
    bool right = true;
    if (!recipient)
        right = no_recipient(failure);
    else if (!signer || !key || X509_check_private_key(signer, key) != 1)
        right = no_signer(failure);
    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(signer);
    X509_free(recipient);
    return right;
}

bool mg_protect_look(const struct mg_protection *protection, struct mg_failure *failure)
{
    if (!mg_protect_check(protection, failure))
        return false;
    X509 *recipient = read_certificate(protection->certificate, NULL);
    X509 *signer = read_certificate(protection->signing_certificate, NULL);
    bool right = recipient && signer &&
                 is_valid_at(signer, time(NULL), SIGNER, "smtp.signer-expired", failure) &&
                 mg_protect_judge(recipient, protection->address, time(NULL), failure);
    if (!right && !failure->code)
        no_recipient(failure);
    X509_free(signer);
    X509_free(recipient);
    return right;
}

static int64_t left_of(const char *path)
{
    X509 *certificate = read_certificate(path, NULL);
    int days = 0, seconds = 0;
    if (certificate)
        ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate));
    X509_free(certificate);
    int64_t left = (int64_t)days * 86400 + seconds;
    return left > 0 ? left : 0;
}

int64_t mg_protect_time_left(const struct mg_protection *protection)
{
    int64_t own = left_of(protection->signing_certificate);
    int64_t recipient = left_of(protection->certificate);
    return own < recipient ? own : recipient;
}

/* ---- signing ---- */

static bool take_der(CMS_ContentInfo *cms, struct mg_text *text)
{
    unsigned char *der = NULL;
    int length = i2d_CMS_ContentInfo(cms, &der);
    if (length > 0)
        mg_text_add(text, der, (size_t)length);
    OPENSSL_free(der);
    return length > 0;
}

static bool set_pss(CMS_SignerInfo *signer, const EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = CMS_SignerInfo_get0_pkey_ctx(signer);
    return !EVP_PKEY_is_a(key, "RSA") ||
           (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0);
}

static bool sign(X509 *certificate, EVP_PKEY *key, STACK_OF(X509) * others,
                 const struct mg_text *content, struct mg_text *signature)
{
    BIO *data = BIO_new_mem_buf(content->bytes, (int)content->length);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, others, NULL, CMS_SIGN_FLAGS);
    CMS_SignerInfo *signer =
        cms ? CMS_add1_signer(cms, certificate, key, EVP_sha256(), CMS_SIGN_FLAGS | CMS_KEY_PARAM)
            : NULL;
    bool done = data && signer && set_pss(signer, key) &&
                CMS_final(cms, data, NULL, CMS_SIGN_FLAGS) == 1 && take_der(cms, signature);
    CMS_ContentInfo_free(cms);
    BIO_free(data);
    return done;
}

bool mg_protect_sign(const struct mg_protection *protection, const struct mg_text *content,
                     struct mg_text *signature, struct mg_failure *failure)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    X509 *certificate = read_certificate(protection->signing_certificate, others);
    EVP_PKEY *key = read_key(protection->signing_key);
    bool done = false;
    if (!certificate || !key || X509_check_private_key(certificate, key) != 1)
        no_signer(failure);
    else if (content->length > INT_MAX)
        mg_failure_set(failure, "smtp.too-large", "The message is too large for a mail.");
    else if (is_valid_at(certificate, time(NULL), SIGNER, "smtp.signer-expired", failure))
        done = sign(certificate, key, others, content, signature) ||
               mg_failure_set(failure, "smtp.internal", "The mail could not be signed.");
    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(certificate);
    sk_X509_pop_free(others, X509_free);
    return done;
}

/* ---- encrypting ---- */

static bool set_key_transport(CMS_RecipientInfo *recipient, const EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(recipient);
    if (EVP_PKEY_is_a(key, "RSA"))
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0;
    return EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) > 0;
}

static bool encrypt(X509 *certificate, bool authenticated, const struct mg_text *content,
                    struct mg_text *encrypted)
{
    const EVP_CIPHER *cipher = authenticated ? EVP_aes_256_gcm() : EVP_aes_256_cbc();
    BIO *data = BIO_new_mem_buf(content->bytes, (int)content->length);
    CMS_ContentInfo *cms = CMS_encrypt(NULL, NULL, cipher, CMS_WHOLE_FLAGS);
    CMS_RecipientInfo *recipient =
        cms ? CMS_add1_recipient_cert(cms, certificate, CMS_KEY_PARAM) : NULL;
    bool done = data && recipient && set_key_transport(recipient, X509_get0_pubkey(certificate)) &&
                CMS_final(cms, data, NULL, CMS_WHOLE_FLAGS) == 1 && take_der(cms, encrypted);
    CMS_ContentInfo_free(cms);
    BIO_free(data);
    return done;
}

bool mg_protect_encrypt(const struct mg_protection *protection, const struct mg_text *content,
                        struct mg_text *encrypted, struct mg_failure *failure)
{
    X509 *certificate = read_certificate(protection->certificate, NULL);
    bool done = false;
    if (!certificate)
        no_recipient(failure);
    else if (content->length > INT_MAX)
        mg_failure_set(failure, "smtp.too-large", "The message is too large for a mail.");
    else if (mg_protect_judge(certificate, protection->address, time(NULL), failure))
        done = encrypt(certificate, protection->authenticated, content, encrypted) ||
               mg_failure_set(failure, "smtp.internal", "The mail could not be encrypted.");
    ERR_clear_error();
    X509_free(certificate);
    return done;
}
