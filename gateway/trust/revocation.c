#include "gateway/trust/revocation.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"

#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* Keys and digests of at least 112 bits of security: RSA from 2048 bits, no SHA-1 (see
 * SSL_CTX_set_security_level(3)). What a sender's signature needs is said by its policy, and is
 * stricter. */
#define AUTHENTICATION_LEVEL 2
#define LONGEST_CHAIN        8

#define HOUR   ((int64_t)3600 * 1000)
#define CLOCKS 16

struct mg_revocation {
    atomic_int references;
    enum mg_stale_list stale;
    _Atomic int64_t warned[CLOCKS]; /* by the hash of the issuer's name; 0: never */
};

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static int store_index;

static void release(void *store, void *revocation, CRYPTO_EX_DATA *data, int number, long argument,
                    void *pointer)
{
    (void)store, (void)data, (void)number, (void)argument, (void)pointer;
    mg_revocation_free(revocation);
}

static void make_index(void)
{
    store_index = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_X509_STORE, 0, NULL, NULL, NULL, release);
    if (store_index < 0)
        mg_die("no memory for an index of OpenSSL's");
}

struct mg_revocation *mg_revocation_new(enum mg_stale_list stale)
{
    struct mg_revocation *revocation = mg_allocate_zeroed(1, sizeof *revocation);
    atomic_init(&revocation->references, 1);
    revocation->stale = stale;
    return revocation;
}

void mg_revocation_free(struct mg_revocation *revocation)
{
    if (revocation && atomic_fetch_sub(&revocation->references, 1) == 1)
        free(revocation);
}

static void warn(struct mg_revocation *revocation, const X509_NAME *issuer)
{
    int64_t now = mg_clock_now();
    _Atomic int64_t *clock =
        &revocation->warned[X509_NAME_hash_ex(issuer, NULL, NULL, NULL) % CLOCKS];
    int64_t last = atomic_load(clock);
    /* Of the threads that see this at once, the one that sets the clock logs. */
    if ((last != 0 && now - last < HOUR && now >= last) ||
        !atomic_compare_exchange_strong(clock, &last, now))
        return;
    char *name = X509_NAME_oneline(issuer, NULL, 0);
    mg_log(MG_LOG_WARNING, "certificate.list-stale", "issuer", name, "hint",
           "the revocation list is past its nextUpdate and goes on to count; fetch a new one",
           NULL);
    OPENSSL_free(name);
}

static bool has_list(X509_STORE_CTX *context, const X509 *certificate)
{
    STACK_OF(X509_CRL) *lists =
        X509_STORE_CTX_get1_crls(context, X509_get_issuer_name(certificate));
    bool found = sk_X509_CRL_num(lists) > 0;
    sk_X509_CRL_pop_free(lists, X509_CRL_free);
    return found;
}

/* OpenSSL asks about each error whether to go on. Two of them are none here. */
static int judge(int good, X509_STORE_CTX *context)
{
    struct mg_revocation *revocation =
        X509_STORE_get_ex_data(X509_STORE_CTX_get0_store(context), store_index);
    bool forgiven = false;
    if (good)
        return 1;
    switch (X509_STORE_CTX_get_error(context)) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        /* An issuer of which there is a list, but none for this certificate, is another matter. */
        forgiven = !has_list(context, X509_STORE_CTX_get_current_cert(context));
        break;
    case X509_V_ERR_CRL_HAS_EXPIRED:
        forgiven = revocation->stale == MG_STALE_ACCEPT;
        if (forgiven)
            warn(revocation, X509_CRL_get_issuer(X509_STORE_CTX_get0_current_crl(context)));
        break;
    default:
        break;
    }
    /* The error would stay in the result of a verification that succeeds, and TLS keeps that
     * result. */
    if (forgiven)
        X509_STORE_CTX_set_error(context, X509_V_OK);
    return forgiven;
}

X509_STORE *mg_revocation_store(struct mg_revocation *revocation, STACK_OF(X509) * authorities,
                                STACK_OF(X509_CRL) * lists)
{
    pthread_once(&index_once, make_index);
    X509_STORE *store = X509_STORE_new();
    if (!store || X509_STORE_set_ex_data(store, store_index, revocation) != 1)
        mg_die("no memory for a store of certificates");
    atomic_fetch_add(&revocation->references, 1);
    X509_STORE_set_verify_cb(store, judge);
    for (int i = 0; i < sk_X509_num(authorities); i++)
        if (X509_STORE_add_cert(store, sk_X509_value(authorities, i)) != 1)
            mg_die("no memory for an authority");
    for (int i = 0; lists && i < sk_X509_CRL_num(lists); i++)
        if (X509_STORE_add_crl(store, sk_X509_CRL_value(lists, i)) != 1)
            mg_die("no memory for a revocation list");
    X509_VERIFY_PARAM *parameters = X509_STORE_get0_param(store);
    unsigned long flags = X509_V_FLAG_X509_STRICT;
    if (lists)
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    X509_VERIFY_PARAM_set_flags(parameters, flags);
    X509_VERIFY_PARAM_set_auth_level(parameters, AUTHENTICATION_LEVEL);
    X509_VERIFY_PARAM_set_depth(parameters, LONGEST_CHAIN);
    return store;
}

static int64_t earlier_if_ahead(int64_t until, const ASN1_TIME *time, int64_t now)
{
    struct tm moment;
    if (!time || ASN1_TIME_to_tm(time, &moment) != 1)
        return until;
    int64_t milliseconds = (int64_t)timegm(&moment) * 1000;
    return milliseconds > now && milliseconds < until ? milliseconds : until;
}

static int64_t until_list_changes(X509_CRL *list, int64_t until, int64_t now)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);
    until = earlier_if_ahead(until, X509_CRL_get0_lastUpdate(list), now);
    until = earlier_if_ahead(until, next, now);
    /* A stale list that was accepted: whoever relies on it is reminded. */
    if (next && X509_cmp_current_time(next) < 0 && now + HOUR < until)
        until = now + HOUR;
    return until;
}

int64_t mg_revocation_until(X509_STORE_CTX *context, int64_t now)
{
    int64_t until = INT64_MAX;
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509 *certificate = sk_X509_value(chain, i);
        int64_t expiry = mg_certificate_expiry(certificate);
        until = expiry < until ? expiry : until;
        STACK_OF(X509_CRL) *lists =
            X509_STORE_CTX_get1_crls(context, X509_get_issuer_name(certificate));
        for (int j = 0; j < sk_X509_CRL_num(lists); j++)
            until = until_list_changes(sk_X509_CRL_value(lists, j), until, now);
        sk_X509_CRL_pop_free(lists, X509_CRL_free);
    }
    return until;
}
