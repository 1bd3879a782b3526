#include "gateway/net/tls_peers.h"

#include "gateway/base/buffer.h"
#include "gateway/base/error.h"

#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* Enough for as many partners as there may be; more of them share a bucket. */
#define BUCKETS 256

LIST_HEAD(bucket, mg_tls_peer);

struct mg_tls_peer {
    LIST_ENTRY(mg_tls_peer) entry;
    X509 *certificate;
    size_t holders;
    uint8_t fingerprint[MG_TLS_FINGERPRINT_SIZE];
};

struct peers {
    struct bucket buckets[BUCKETS];
};

static struct bucket *bucket_of(struct peers *peers, const uint8_t *fingerprint)
{
    return &peers->buckets[fingerprint[0]];
}

static void take_fingerprint(const X509 *certificate, uint8_t *fingerprint)
{
    if (X509_digest(certificate, EVP_sha256(), fingerprint, NULL) != 1)
        mg_die("SHA-256 is not available");
}

static struct mg_tls_peer *find(struct peers *peers, const uint8_t *fingerprint)
{
    struct mg_tls_peer *peer;
    LIST_FOREACH(peer, bucket_of(peers, fingerprint), entry)
    {
        if (memcmp(peer->fingerprint, fingerprint, MG_TLS_FINGERPRINT_SIZE) == 0)
            return peer;
    }
    return NULL;
}

/* OpenSSL makes what is left of the stack, when this returns, the peer's certificate and chain of
 * the session; the verified chain goes from the store's context to the connection. Nobody asks for
 * either chain once it is verified. */
static int verify(X509_STORE_CTX *store, void *context)
{
    uint8_t fingerprint[MG_TLS_FINGERPRINT_SIZE];
    int verified = X509_verify_cert(store);
    if (verified <= 0)
        return verified;
    STACK_OF(X509) *shown = X509_STORE_CTX_get0_untrusted(store);
    while (sk_X509_num(shown) > 1)
        X509_free(sk_X509_pop(shown));
    X509 *certificate = sk_X509_value(shown, 0);
    take_fingerprint(certificate, fingerprint);
    const struct mg_tls_peer *peer = find(context, fingerprint);
    if (peer && peer->certificate != certificate && X509_up_ref(peer->certificate) == 1) {
        sk_X509_set(shown, 0, peer->certificate);
        X509_STORE_CTX_set_cert(store, peer->certificate);
        X509_STORE_CTX_set_current_cert(store, peer->certificate);
        X509_free(certificate);
    }
    X509_STORE_CTX_set0_verified_chain(store, NULL);
    return verified;
}

/* ---- the table of a context, which is freed with it ---- */

static void free_peers(void *parent, void *value, CRYPTO_EX_DATA *data, int place, long number,
                       void *pointer)
{
    (void)parent;
    (void)data;
    (void)place;
    (void)number;
    (void)pointer;
    free(value);
}

static int place_in_contexts(void)
{
    static int place = -1;
    if (place < 0)
        place = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_peers);
    return place;
}

void mg_tls_share_peers(SSL_CTX *context)
{
    struct peers *peers = mg_allocate_zeroed(1, sizeof *peers);
    if (SSL_CTX_set_ex_data(context, place_in_contexts(), peers) != 1)
        mg_die("no memory for a TLS context");
    SSL_CTX_set_cert_verify_callback(context, verify, peers);
}

/* ---- peers ---- */

struct mg_tls_peer *mg_tls_peer_hold(SSL *ssl)
{
    uint8_t fingerprint[MG_TLS_FINGERPRINT_SIZE];
    struct peers *peers = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place_in_contexts());
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (!peers || !certificate)
        return NULL;
    take_fingerprint(certificate, fingerprint);
    struct mg_tls_peer *peer = find(peers, fingerprint);
    if (!peer) {
        peer = mg_allocate_zeroed(1, sizeof *peer);
        memcpy(peer->fingerprint, fingerprint, sizeof fingerprint);
        X509_up_ref(certificate);
        peer->certificate = certificate;
        LIST_INSERT_HEAD(bucket_of(peers, fingerprint), peer, entry);
    }
    peer->holders++;
    return peer;
}

void mg_tls_peer_release(struct mg_tls_peer *peer)
{
    if (!peer || --peer->holders > 0)
        return;
    LIST_REMOVE(peer, entry);
    X509_free(peer->certificate);
    free(peer);
}

const uint8_t *mg_tls_peer_fingerprint(const struct mg_tls_peer *peer)
{
    return peer->fingerprint;
}
