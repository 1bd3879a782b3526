#include "gateway/trust/key.h"

#include "gateway/base/buffer.h"
#include "gateway/trust/file.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT   65536
#define RSA_SMALLEST 3000 /* BSI TR-02102-1, section 2.3 */
#define RSA_LARGEST  (MG_SIGNATURE_SIZE * 8)
/* A DER signature on the longest curve, P-521: two integers of 66 bytes and their headers. */
#define ECDSA_DER_SIZE 160

#define DIGESTS 3

/* A key that was read from a file and lives in this process. */
struct file_key {
    struct mg_key key;
    EVP_PKEY *pair;
    size_t width; /* ECDSA: bytes of r and of s */
    /* One for each digest, with algorithm and padding looked up. Signing copies it: 0.1 µs, where
     * setting up a new one costs 1.2 µs, and one context must not be used by two threads. */
    EVP_PKEY_CTX *prepared[DIGESTS];
};

static size_t digest_size(enum mg_digest algorithm)
{
    static const size_t sizes[DIGESTS] = {32, 48, 64};
    return sizes[algorithm];
}

static bool fail_to_sign(struct mg_error *error)
{
    ERR_clear_error();
    return mg_fail(error, "key.sign",
                   "The key could not make a signature. If it lives in a token or a process of its "
                   "own, see whether that still works; otherwise check memory and the log.");
}

/* XML Signature wants r and s side by side in fixed width, OpenSSL gives them in DER. */
static bool split_signature(const uint8_t *der, size_t der_length, size_t width, uint8_t *signature)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)der_length);
    if (!pair)
        return false;
    bool split = BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, (int)width) == (int)width &&
                 BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + width, (int)width) == (int)width;
    ECDSA_SIG_free(pair);
    return split;
}

static bool sign(struct mg_key *key, enum mg_digest algorithm, const uint8_t *digest,
                 uint8_t signature[MG_SIGNATURE_SIZE], size_t *length, struct mg_error *error)
{
    struct file_key *self = (struct file_key *)key;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_dup(self->prepared[algorithm]);
    if (!context)
        return fail_to_sign(error);
    bool signed_ = false;
    if (key->kind == MG_KEY_ECDSA) {
        uint8_t der[ECDSA_DER_SIZE];
        size_t der_length = sizeof der;
        signed_ = EVP_PKEY_sign(context, der, &der_length, digest, digest_size(algorithm)) > 0 &&
                  split_signature(der, der_length, self->width, signature);
        *length = 2 * self->width;
    } else {
        *length = MG_SIGNATURE_SIZE;
        signed_ = EVP_PKEY_sign(context, signature, length, digest, digest_size(algorithm)) > 0;
    }
    EVP_PKEY_CTX_free(context);
    return signed_ || fail_to_sign(error);
}

static void free_file_key(struct mg_key *key)
{
    struct file_key *self = (struct file_key *)key;
    for (size_t i = 0; i < DIGESTS; i++)
        EVP_PKEY_CTX_free(self->prepared[i]);
    EVP_PKEY_free(self->pair);
    free(self);
}

static const struct mg_key_class file_key_class = {sign, free_file_key};

/* The curves of the contract, with the bytes of their order; 0 for any other. */
static size_t curve_width(const char *name)
{
    static const struct {
        const char *name;
        size_t width;
    } curves[] = {
        {"prime256v1", 32},      {"secp384r1", 48},       {"secp521r1", 66},
        {"brainpoolP256r1", 32}, {"brainpoolP384r1", 48}, {"brainpoolP512r1", 64},
    };
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (strcmp(curves[i].name, name) == 0)
            return curves[i].width;
    return 0;
}

static bool admit(struct file_key *self)
{
    char curve[64];
    if (EVP_PKEY_is_a(self->pair, "EC") &&
        EVP_PKEY_get_group_name(self->pair, curve, sizeof curve, NULL) == 1) {
        self->key.kind = MG_KEY_ECDSA;
        self->width = curve_width(curve);
        return self->width != 0;
    }
    self->key.kind = MG_KEY_RSA;
    int bits = EVP_PKEY_get_bits(self->pair);
    return EVP_PKEY_is_a(self->pair, "RSA") && bits >= RSA_SMALLEST && bits <= RSA_LARGEST;
}

static bool prepare(struct file_key *self)
{
    const EVP_MD *digests[DIGESTS] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};
    for (size_t i = 0; i < DIGESTS; i++) {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, self->pair, NULL);
        self->prepared[i] = context;
        if (!context || EVP_PKEY_sign_init(context) <= 0)
            return false;
        /* ECDSA signs the digest as it is; PKCS#1 v1.5 writes the algorithm's name into the
         * signature. */
        if (self->key.kind == MG_KEY_RSA &&
            (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) <= 0 ||
             EVP_PKEY_CTX_set_signature_md(context, digests[i]) <= 0))
            return false;
    }
    return true;
}

/* Keys of a daemon have no password: there is nobody to type it, and without this OpenSSL would ask
 * on the terminal. */
static int no_password(char *text, int size, int for_writing, void *context)
{
    (void)text, (void)size, (void)for_writing, (void)context;
    return -1;
}

static EVP_PKEY *read_pair(const char *path, struct mg_error *error)
{
    struct mg_buffer pem = {.limit = FILE_LIMIT};
    const char *reason = "";
    EVP_PKEY *pair = NULL;
    switch (mg_file_read(path, MG_FILE_PRIVATE, &pem, &reason)) {
    case MG_FILE_EXPOSED:
        mg_fail(error, "key.permissions",
                "The private key can be used by others than its owner. Take the permissions away "
                "(chmod 600), and replace the key if others could read it.");
        break;
    case MG_FILE_UNREADABLE:
        mg_fail(error, "key.unreadable", "The private key cannot be read: %s.", reason);
        break;
    case MG_FILE_READ: {
        BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.length);
        pair = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
        BIO_free(bio);
        if (!pair)
            mg_fail(error, "key.unreadable",
                    "The file holds no private key in PEM form without a password.");
    }
    }
    if (pem.data)
        OPENSSL_cleanse(pem.data, pem.capacity);
    mg_buffer_free(&pem);
    ERR_clear_error();
    return pair;
}

struct mg_key *mg_key_from_file(const char *path, struct mg_error *error)
{
    EVP_PKEY *pair = read_pair(path, error);
    if (!pair) {
        mg_error_at(error, "%s", path);
        return NULL;
    }
    struct file_key *self = mg_allocate_zeroed(1, sizeof *self);
    self->key.class = &file_key_class;
    self->pair = pair;
    bool usable = admit(self) && prepare(self);
    if (!usable) {
        ERR_clear_error();
        mg_fail(error, "key.algorithm",
                "The gateway signs with ECDSA on P-256, P-384, P-521 or brainpoolP256r1, P384r1, "
                "P512r1, or with RSA of %d to %d bits; this key is something else.",
                RSA_SMALLEST, RSA_LARGEST);
        mg_error_at(error, "%s", path);
        mg_key_free(&self->key);
    }
    return usable ? &self->key : NULL;
}

bool mg_key_sign(struct mg_key *key, enum mg_digest algorithm, const uint8_t *digest,
                 uint8_t signature[MG_SIGNATURE_SIZE], size_t *length, struct mg_error *error)
{
    assert(algorithm < DIGESTS);
    return key->class->sign(key, algorithm, digest, signature, length, error);
}

void mg_key_free(struct mg_key *key)
{
    if (key)
        key->class->free(key);
}
