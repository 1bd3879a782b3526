#include "gateway/trust/signature_certificate.h"

#include "gateway/base/clock.h"
#include "gateway/trust/signature_shape.h"
#include "gateway/trust/signature_text.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* More than any chain has, and far more than a certificate is long. */
#define CERTIFICATES      8
#define CERTIFICATE_BYTES 16384

/* The longest RSA keys cost as much as a hundred usual ones. */
#define RSA_BITS_LONGEST 8192

/*
 * OpenSSL 3.0 takes longer to read a certificate than to verify a signature. So those of known
 * signers are kept read, found by the SHA-256 of the bytes they came in. Nothing else of them is
 * remembered: whether they count is asked each time. The table has a place for each first byte; a
 * newcomer displaces who has the same one. The lock guards the table; certificates are counted
 * references.
 */
struct known {
    uint8_t key[SHA256_DIGEST_LENGTH];
    X509 *certificate; /* NULL: an empty place */
    struct mg_fingerprint fingerprint;
    char subject[sizeof((struct mg_signature_result *)NULL)->subject];
};

static struct known table[256];
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

struct candidate {
    X509 *certificate;
    uint8_t key[SHA256_DIGEST_LENGTH];
};

struct candidates {
    struct candidate list[CERTIFICATES];
    size_t count;
};

static X509 *recall(const uint8_t key[SHA256_DIGEST_LENGTH])
{
    X509 *certificate = NULL;
    pthread_mutex_lock(&table_lock);
    const struct known *place = &table[key[0]];
    if (place->certificate && memcmp(place->key, key, sizeof place->key) == 0) {
        certificate = place->certificate;
        X509_up_ref(certificate);
    }
    pthread_mutex_unlock(&table_lock);
    return certificate;
}

/* Fills in what the result says of the signer, and keeps it ready for the next time. */
static void describe(const struct candidate *signer, struct mg_signature_result *result)
{
    pthread_mutex_lock(&table_lock);
    struct known *place = &table[signer->key[0]];
    if (!place->certificate || memcmp(place->key, signer->key, sizeof place->key) != 0) {
        X509_free(place->certificate);
        X509_up_ref(signer->certificate);
        place->certificate = signer->certificate;
        memcpy(place->key, signer->key, sizeof place->key);
        place->fingerprint = mg_certificate_fingerprint(signer->certificate);
        mg_certificate_subject(signer->certificate, place->subject, sizeof place->subject);
    }
    result->signer = place->fingerprint;
    memcpy(result->subject, place->subject, sizeof result->subject);
    pthread_mutex_unlock(&table_lock);
}

void mg_signature_signer_forget(void)
{
    pthread_mutex_lock(&table_lock);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        X509_free(table[i].certificate);
    memset(table, 0, sizeof table);
    pthread_mutex_unlock(&table_lock);
}

/* Reads one ds:X509Certificate; NULL if it holds none. */
static X509 *read_certificate(const xmlNode *element, uint8_t key[SHA256_DIGEST_LENGTH])
{
    const char *text = mg_signature_text(element);
    uint8_t bytes[CERTIFICATE_BYTES];
    size_t length;
    if (!text || !mg_signature_read_base64(text, bytes, sizeof bytes, &length))
        return NULL;
    SHA256(bytes, length, key);
    X509 *certificate = recall(key);
    if (certificate)
        return certificate;
    const unsigned char *end = bytes;
    certificate = d2i_X509(NULL, &end, (long)length);
    if (certificate && end != bytes + length) {
        X509_free(certificate);
        certificate = NULL;
    }
    if (!certificate)
        ERR_clear_error();
    return certificate;
}

static bool read_candidates(const xmlNode *key_info, struct candidates *candidates,
                            struct mg_error *error)
{
    for (const xmlNode *data = key_info->children; data; data = data->next) {
        if (!mg_signature_is(data, "X509Data"))
            continue;
        for (const xmlNode *node = data->children; node; node = node->next) {
            if (!mg_signature_is(node, "X509Certificate"))
                continue;
            if (candidates->count == CERTIFICATES)
                return mg_fail(
                    error, "signature.shape",
                    "ds:KeyInfo has more than %d certificates. Leave out those that do not "
                    "belong to the signer's chain.",
                    CERTIFICATES);
            struct candidate *candidate = &candidates->list[candidates->count];
            candidate->certificate = read_certificate(node, candidate->key);
            if (!candidate->certificate)
                return mg_fail(
                    error, "signature.no-certificate",
                    "A ds:X509Certificate cannot be read. It has to be one certificate in DER "
                    "form, as Base64, of at most %d bytes.",
                    CERTIFICATE_BYTES);
            candidates->count++;
        }
    }
    if (candidates->count == 0)
        return mg_fail(
            error, "signature.no-certificate",
            "ds:KeyInfo has no ds:X509Certificate. Put the signing certificate there; other "
            "kinds of keys do not count.");
    return true;
}

/* Why none of the certificates is the partner's: another partner's, or not to be trusted at all. */
static bool refuse_foreign(const struct candidates *candidates,
                           const struct mg_signature_policy *policy, struct mg_error *error)
{
    struct mg_error reason;
    for (size_t i = candidates->count; i-- > 0;)
        if (mg_anchors_check(policy->anchors, candidates->list[i].certificate, NULL,
                             MG_USE_SIGNATURE, &reason))
            return mg_fail(
                error, "signature.foreign-certificate",
                "The signing certificate is not one of the partner that handed the message in. "
                "Sign with the partner's own certificate.");
    if (error)
        *error = reason;
    return false;
}

static bool check_chain(const struct candidates *candidates, size_t signer,
                        const struct mg_signature_policy *policy, struct mg_error *error)
{
    STACK_OF(X509) *others = NULL;
    for (size_t i = 0; i < candidates->count; i++) {
        if (i == signer)
            continue;
        if (!others && !(others = sk_X509_new_null()))
            mg_die("no memory for certificates");
        sk_X509_push(others, candidates->list[i].certificate);
    }
    bool trusted = mg_anchors_check(policy->anchors, candidates->list[signer].certificate, others,
                                    MG_USE_SIGNATURE, error);
    sk_X509_free(others);
    return trusted;
}

static bool is_admitted_curve(const EVP_PKEY *key)
{
    static const char *const curves[] = {"prime256v1",      "secp384r1",       "secp521r1",
                                         "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"};
    char name[40];
    size_t length;
    if (EVP_PKEY_get_group_name(key, name, sizeof name, &length) != 1)
        return false;
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (strcmp(curves[i], name) == 0)
            return true;
    return false;
}

static bool check_key(const EVP_PKEY *key, const struct mg_signature_method *method,
                      const struct mg_signature_policy *policy, struct mg_error *error)
{
    bool rsa = key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    bool ecdsa = key && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && is_admitted_curve(key);
    if (!(method->kind == MG_KEY_RSA ? rsa : ecdsa) ||
        (rsa && EVP_PKEY_get_bits(key) > RSA_BITS_LONGEST))
        return mg_fail(
            error, "signature.algorithm",
            "The key of the certificate is not admitted or does not fit the signature method. "
            "Use ECDSA on P-256, P-384, P-521 or brainpool (r1), or RSA from 3000 bits.");
    int shortest = mg_clock_now() < policy->rsa_2048_until ? 2048 : 3000;
    if (rsa && EVP_PKEY_get_bits(key) < shortest)
        return mg_fail(error, "signature.key-too-short",
                       "The RSA key has %d bits; %d are needed (BSI TR-02102-1).",
                       EVP_PKEY_get_bits(key), shortest);
    return true;
}

static bool choose(const struct candidates *candidates, const struct mg_signature_policy *policy,
                   const struct mg_signature_method *method, X509 **signer,
                   struct mg_signature_result *result, struct mg_error *error)
{
    size_t i = 0;
    while (i < candidates->count &&
           !policy->is_signer(candidates->list[i].certificate, policy->context))
        i++;
    if (i == candidates->count)
        return refuse_foreign(candidates, policy, error);
    X509 *certificate = candidates->list[i].certificate;
    /* The key first, so that a short one is called short, and not a rule of the chain's. */
    if (!check_key(X509_get0_pubkey(certificate), method, policy, error) ||
        !check_chain(candidates, i, policy, error))
        return false;
    describe(&candidates->list[i], result);
    X509_up_ref(certificate);
    *signer = certificate;
    return true;
}

bool mg_signature_signer(const xmlNode *key_info, const struct mg_signature_policy *policy,
                         const struct mg_signature_method *method, X509 **signer,
                         struct mg_signature_result *result, struct mg_error *error)
{
    struct candidates candidates = {.count = 0};
    bool found = read_candidates(key_info, &candidates, error) &&
                 choose(&candidates, policy, method, signer, result, error);
    for (size_t i = 0; i < candidates.count; i++)
        X509_free(candidates.list[i].certificate);
    return found;
}
