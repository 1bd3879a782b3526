#include "gateway/trust/issuers.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Certificates of one partner that are in use at the same time: for TLS and for signatures, and
 * their successors. */
#define REMEMBERED 8

struct mg_issuers {
    STACK_OF(X509) * authorities;
    pthread_mutex_t lock; /* guards what follows */
    struct mg_fingerprint issued[REMEMBERED];
    unsigned count; /* ever remembered; the next one displaces the oldest */
};

struct mg_issuers *mg_issuers_new(void)
{
    struct mg_issuers *issuers = mg_allocate_zeroed(1, sizeof *issuers);
    issuers->authorities = sk_X509_new_null();
    if (!issuers->authorities)
        mg_die("no memory for authorities");
    pthread_mutex_init(&issuers->lock, NULL);
    return issuers;
}

void mg_issuers_free(struct mg_issuers *issuers)
{
    if (!issuers)
        return;
    sk_X509_pop_free(issuers->authorities, X509_free);
    pthread_mutex_destroy(&issuers->lock);
    free(issuers);
}

void mg_issuers_add(struct mg_issuers *issuers, X509 *authority)
{
    X509_up_ref(authority);
    if (sk_X509_push(issuers->authorities, authority) == 0)
        mg_die("no memory for an authority");
}

static bool recall(struct mg_issuers *issuers, const struct mg_fingerprint *fingerprint)
{
    bool known = false;
    pthread_mutex_lock(&issuers->lock);
    unsigned filled = issuers->count < REMEMBERED ? issuers->count : REMEMBERED;
    for (unsigned i = 0; i < filled && !known; i++)
        known = memcmp(&issuers->issued[i], fingerprint, sizeof *fingerprint) == 0;
    pthread_mutex_unlock(&issuers->lock);
    return known;
}

static void remember(struct mg_issuers *issuers, const struct mg_fingerprint *fingerprint)
{
    pthread_mutex_lock(&issuers->lock);
    issuers->issued[issuers->count++ % REMEMBERED] = *fingerprint;
    pthread_mutex_unlock(&issuers->lock);
}

static bool is_issued_by(const X509 *certificate, const X509 *authority)
{
    /* OpenSSL has no const here, and changes nothing that could be seen. */
    X509 *signed_one = (X509 *)(uintptr_t)certificate;
    return X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(authority)) ==
               0 &&
           X509_verify(signed_one, X509_get0_pubkey(authority)) == 1;
}

bool mg_issuers_issued(struct mg_issuers *issuers, const X509 *certificate,
                       const struct mg_fingerprint *fingerprint)
{
    if (recall(issuers, fingerprint))
        return true;
    bool issued = false;
    for (int i = 0; i < sk_X509_num(issuers->authorities) && !issued; i++)
        issued = is_issued_by(certificate, sk_X509_value(issuers->authorities, i));
    ERR_clear_error();
    if (issued)
        remember(issuers, fingerprint);
    return issued;
}
