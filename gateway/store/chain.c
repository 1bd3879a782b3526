/* The hashes of the journal's lines. The digest is looked up once and its context used again: that
 * costs more than hashing a line. */
#include "gateway/base/buffer.h"
#include "gateway/store/journal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct mg_store_chain {
    EVP_MD *digest;
    EVP_MD_CTX *context;
};

struct mg_store_chain *mg_store_chain_new(void)
{
    struct mg_store_chain *chain = mg_allocate_zeroed(1, sizeof *chain);
    chain->digest = EVP_MD_fetch(NULL, "SHA256", NULL);
    chain->context = EVP_MD_CTX_new();
    if (!chain->digest || !chain->context)
        mg_die("OpenSSL offers no SHA-256");
    return chain;
}

void mg_store_chain_free(struct mg_store_chain *chain)
{
    if (!chain)
        return;
    EVP_MD_CTX_free(chain->context);
    EVP_MD_free(chain->digest);
    free(chain);
}

static void put_number(uint8_t *bytes, uint64_t number, int size)
{
    for (int i = size - 1; i >= 0; i--, number >>= 8)
        bytes[i] = (uint8_t)number;
}

void mg_store_chain_hash(struct mg_store_chain *chain, const uint8_t before[MG_STORE_HASH_SIZE],
                         int64_t number, int64_t time, const char *subject, const char *text,
                         size_t length, uint8_t hash[MG_STORE_HASH_SIZE])
{
    uint8_t head[MG_STORE_HASH_SIZE + 8 + 8 + 4], text_length[4];
    size_t subject_length = subject ? strlen(subject) : 0;
    memcpy(head, before, MG_STORE_HASH_SIZE);
    put_number(head + MG_STORE_HASH_SIZE, (uint64_t)number, 8);
    put_number(head + MG_STORE_HASH_SIZE + 8, (uint64_t)time, 8);
    put_number(head + MG_STORE_HASH_SIZE + 16, subject_length, 4);
    put_number(text_length, length, 4);
    if (!EVP_DigestInit_ex2(chain->context, chain->digest, NULL) ||
        !EVP_DigestUpdate(chain->context, head, sizeof head) ||
        !EVP_DigestUpdate(chain->context, subject, subject_length) ||
        !EVP_DigestUpdate(chain->context, text_length, sizeof text_length) ||
        !EVP_DigestUpdate(chain->context, text, length) ||
        !EVP_DigestFinal_ex(chain->context, hash, NULL))
        mg_die("OpenSSL computes no SHA-256");
}
