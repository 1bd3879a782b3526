/*
 * key: a private key behind one narrow interface, sign(key, digest).
 *
 * It is a file today; a separate process or a PKCS#11 token can stand behind the same interface
 * tomorrow. That is why it is no EVP_PKEY in disguise: a token's key cannot leave it. A signature
 * comes in the form that XML Signature wants. Signing may block, so it is called on workers; any
 * thread.
 */
#ifndef MUENGSTEN_TRUST_KEY_H
#define MUENGSTEN_TRUST_KEY_H

#include "gateway/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum mg_digest { MG_DIGEST_SHA256, MG_DIGEST_SHA384, MG_DIGEST_SHA512 };

enum mg_key_kind { MG_KEY_ECDSA, MG_KEY_RSA };

/* Bytes of the longest signature: RSA with 8192 bits. */
#define MG_SIGNATURE_SIZE 1024

struct mg_key;

/* Implementations embed this as their first member (`struct mg_key key`). */
struct mg_key_class {
    /* digest has the size of its algorithm. ECDSA: r and s, each as long as the curve's order (RFC
     * 4050, XML Signature 1.1, section 6.4.3); RSA: PKCS#1 v1.5. Code key.sign on failure. */
    bool (*sign)(struct mg_key *key, enum mg_digest algorithm, const uint8_t *digest,
                 uint8_t signature[MG_SIGNATURE_SIZE], size_t *length, struct mg_error *error);
    void (*free)(struct mg_key *key);
};

struct mg_key {
    const struct mg_key_class *class;
    enum mg_key_kind kind;
};

/* Reads a private key in PEM from a file that only its owner can read (key.permissions otherwise).
 * ECDSA on P-256/384/521 and brainpoolP256/384/512r1, RSA from 3000 bits; others: key.algorithm.
 * key.unreadable. Freed with mg_key_free. */
struct mg_key *mg_key_from_file(const char *path, struct mg_error *error);

/* Signs, or frees, by the key's class. NULL is allowed in mg_key_free. */
bool mg_key_sign(struct mg_key *key, enum mg_digest algorithm, const uint8_t *digest,
                 uint8_t signature[MG_SIGNATURE_SIZE], size_t *length, struct mg_error *error);
void mg_key_free(struct mg_key *key);

#endif
