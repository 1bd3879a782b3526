#include "gateway/trust/key.h"
#include "tests/unit/pki.h"
#include "tests/unit/unit.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/muengsten-key-XXXXXX";
static char path[sizeof folder + 16];

static const uint8_t digest[64] = {7, 1, 2, 3, 9};
static const size_t sizes[] = {32, 48, 64};
static const char *const names[] = {"SHA256", "SHA384", "SHA512"};

/* Writes the key to the file at path with the mode, as PKCS#8 under a password if one is given. */
static void write_key(EVP_PKEY *pair, mode_t mode, const char *password)
{
    unlink(path);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_FATAL(PEM_write_PKCS8PrivateKey(file, pair, password ? EVP_aes_128_cbc() : NULL,
                                              password, password ? (int)strlen(password) : 0, NULL,
                                              NULL) == 1);
    fclose(file);
    CU_ASSERT_FATAL(chmod(path, mode) == 0);
}

static void write_text(const char *text)
{
    unlink(path);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
    CU_ASSERT_FATAL(chmod(path, 0600) == 0);
}

/* The form of XML Signature back into the one that OpenSSL verifies. */
static size_t join(const uint8_t *signature, size_t length, uint8_t **der)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    int width = (int)length / 2;
    ECDSA_SIG_set0(pair, BN_bin2bn(signature, width, NULL),
                   BN_bin2bn(signature + width, width, NULL));
    *der = NULL;
    int der_length = i2d_ECDSA_SIG(pair, der);
    ECDSA_SIG_free(pair);
    return (size_t)der_length;
}

static bool verify(EVP_PKEY *pair, enum mg_key_kind kind, enum mg_digest algorithm,
                   const uint8_t *signature, size_t length)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);
    uint8_t *der = NULL;
    bool verified = EVP_PKEY_verify_init(context) == 1;
    if (kind == MG_KEY_ECDSA) {
        size_t der_length = join(signature, length, &der);
        verified =
            verified && EVP_PKEY_verify(context, der, der_length, digest, sizes[algorithm]) == 1;
    } else {
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING);
        EVP_PKEY_CTX_set_signature_md(context, EVP_get_digestbyname(names[algorithm]));
        verified =
            verified && EVP_PKEY_verify(context, signature, length, digest, sizes[algorithm]) == 1;
    }
    OPENSSL_free(der);
    EVP_PKEY_CTX_free(context);
    return verified;
}

/* Signs with every digest and lets OpenSSL verify with the public half. */
static void prove(EVP_PKEY *pair, enum mg_key_kind kind, size_t expected)
{
    struct mg_error error = {0};
    write_key(pair, 0600, NULL);
    struct mg_key *key = mg_key_from_file(path, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    CU_ASSERT_EQUAL(key->kind, kind);
    for (enum mg_digest algorithm = MG_DIGEST_SHA256; algorithm <= MG_DIGEST_SHA512; algorithm++) {
        uint8_t signature[MG_SIGNATURE_SIZE];
        size_t length = 0;
        CU_ASSERT(mg_key_sign(key, algorithm, digest, signature, &length, &error));
        CU_ASSERT_EQUAL(length, expected);
        CU_ASSERT(verify(pair, kind, algorithm, signature, length));
        signature[length - 1] ^= 1;
        CU_ASSERT_FALSE(verify(pair, kind, algorithm, signature, length));
    }
    mg_key_free(key);
}

static void openssl_verifies_ecdsa_on_every_curve_in_the_fixed_width_of_xml_signature(void)
{
    static const struct {
        const char *curve;
        size_t length;
    } curves[] = {
        {"P-256", 64},           {"P-384", 96},           {"P-521", 132},
        {"brainpoolP256r1", 64}, {"brainpoolP384r1", 96}, {"brainpoolP512r1", 128},
    };
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        EVP_PKEY *pair = EVP_EC_gen(curves[i].curve);
        prove(pair, MG_KEY_ECDSA, curves[i].length);
        EVP_PKEY_free(pair);
    }
}

static void openssl_verifies_rsa_pkcs1_signatures(void)
{
    EVP_PKEY *pair = pki_rsa(3072);
    prove(pair, MG_KEY_RSA, 384);
    EVP_PKEY_free(pair);
}

static void numbers_with_leading_zeros_keep_their_width(void)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    write_key(pair, 0600, NULL);
    struct mg_key *key = mg_key_from_file(path, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    /* One in 128 signatures has such a number; 2,000 without one do not occur. */
    int short_ones = 0;
    for (size_t i = unit_amount(4000, 2000); i > 0; i--) {
        uint8_t signature[MG_SIGNATURE_SIZE];
        size_t length = 0;
        CU_ASSERT_FATAL(mg_key_sign(key, MG_DIGEST_SHA256, digest, signature, &length, NULL));
        CU_ASSERT_EQUAL_FATAL(length, 64);
        if (signature[0] == 0 || signature[32] == 0) {
            short_ones++;
            CU_ASSERT(verify(pair, MG_KEY_ECDSA, MG_DIGEST_SHA256, signature, length));
        }
    }
    CU_ASSERT(short_ones > 0);
    mg_key_free(key);
    EVP_PKEY_free(pair);
}

static void keys_in_the_older_forms_of_sec1_and_pkcs1_are_read(void)
{
    EVP_PKEY *pairs[] = {EVP_EC_gen("P-256"), pki_rsa(3072)};
    for (size_t i = 0; i < 2; i++) {
        write_text("");
        FILE *file = fopen(path, "w");
        /* "openssl ecparam -genkey" writes the parameters in front of the key. */
        if (i == 0)
            fputs("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
                  file);
        BIO *bio = BIO_new_fp(file, BIO_CLOSE);
        CU_ASSERT(PEM_write_bio_PrivateKey_traditional(bio, pairs[i], NULL, NULL, 0, NULL, NULL));
        BIO_free(bio);
        struct mg_key *key = mg_key_from_file(path, NULL);
        CU_ASSERT_PTR_NOT_NULL(key);
        mg_key_free(key);
        EVP_PKEY_free(pairs[i]);
    }
}

static void expect_refusal(const char *code)
{
    struct mg_error error = {0};
    struct mg_key *key = mg_key_from_file(path, &error);
    CU_ASSERT_PTR_NULL(key);
    CU_ASSERT_STRING_EQUAL(error.code, code);
    CU_ASSERT_STRING_EQUAL(error.place, path);
    mg_key_free(key);
}

static void a_file_that_others_may_read_is_refused(void)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0644};
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        write_key(pair, modes[i], NULL);
        expect_refusal("key.permissions");
    }
    EVP_PKEY_free(pair);
}

static void what_is_no_key_without_a_password_is_unreadable(void)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    write_key(pair, 0600, "secret");
    expect_refusal("key.unreadable");
    EVP_PKEY_free(pair);
    write_text("");
    expect_refusal("key.unreadable");
    write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    expect_refusal("key.unreadable");
    unlink(path);
    expect_refusal("key.unreadable");
    CU_ASSERT(mkfifo(path, 0600) == 0);
    expect_refusal("key.unreadable");
}

static void short_rsa_keys_other_curves_and_other_kinds_are_refused(void)
{
    EVP_PKEY *pairs[] = {pki_rsa(2048), EVP_EC_gen("secp256k1"), EVP_EC_gen("P-224"),
                         EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        write_key(pairs[i], 0600, NULL);
        expect_refusal("key.algorithm");
        EVP_PKEY_free(pairs[i]);
    }
}

struct signing {
    struct mg_key *key;
    EVP_PKEY *pair;
    size_t count, verified;
};

static void *sign_often(void *context)
{
    struct signing *signing = context;
    for (size_t i = 0; i < signing->count; i++) {
        uint8_t signature[MG_SIGNATURE_SIZE];
        size_t length = 0;
        if (mg_key_sign(signing->key, MG_DIGEST_SHA256, digest, signature, &length, NULL) &&
            verify(signing->pair, MG_KEY_ECDSA, MG_DIGEST_SHA256, signature, length))
            signing->verified++;
    }
    return NULL;
}

static void several_threads_sign_with_one_key(void)
{
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    write_key(pair, 0600, NULL);
    struct mg_key *key = mg_key_from_file(path, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    struct signing signings[4];
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        signings[i] = (struct signing){key, pair, unit_amount(200, 25), 0};
        CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, sign_often, &signings[i]) == 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(signings[i].verified, signings[i].count);
    }
    mg_key_free(key);
    EVP_PKEY_free(pair);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(openssl_verifies_ecdsa_on_every_curve_in_the_fixed_width_of_xml_signature),
        UNIT_TEST(openssl_verifies_rsa_pkcs1_signatures),
        UNIT_TEST(numbers_with_leading_zeros_keep_their_width),
        UNIT_TEST(keys_in_the_older_forms_of_sec1_and_pkcs1_are_read),
        UNIT_TEST(a_file_that_others_may_read_is_refused),
        UNIT_TEST(what_is_no_key_without_a_password_is_unreadable),
        UNIT_TEST(short_rsa_keys_other_curves_and_other_kinds_are_refused),
        UNIT_TEST(several_threads_sign_with_one_key),
    };
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/key", folder);
    int status = unit_run("key", tests, sizeof tests / sizeof *tests);
    unlink(path);
    rmdir(folder);
    return status;
}
