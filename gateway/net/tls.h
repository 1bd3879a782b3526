/*
 * tls: OpenSSL contexts as BSI TR-02102-2 recommends: TLS 1.2 and 1.3, ECDHE with AEAD suites only,
 * groups P-256, P-384, P-521 and brainpool (1.2), no compression, no renegotiation.
 *
 * A server context demands client certificates and gives the alert that says why it refuses one.
 * Contexts are reference-counted by OpenSSL; a new revocation list is given to the contexts by
 * mg_tls_set_store, and its users drop sessions and check open connections themselves (see
 * http_server.h).
 */
#ifndef MUENGSTEN_NET_TLS_H
#define MUENGSTEN_NET_TLS_H

#include "gateway/base/error.h"

#include <openssl/ssl.h>

/* Certificate chain (PEM file, own certificate first) and key (PEM file). The store holds the
 * authorities that the peer's certificate has to come from, with revocation lists; the call takes a
 * reference. Codes: tls.certificate, tls.key, tls.mismatch. Freed with SSL_CTX_free. */
SSL_CTX *mg_tls_server(const char *certificate, const char *key, X509_STORE *store,
                       struct mg_error *error);
SSL_CTX *mg_tls_client(const char *certificate, const char *key, X509_STORE *store,
                       struct mg_error *error);

/* Exchanges authorities and lists for new connections, and forgets sessions. */
void mg_tls_set_store(SSL_CTX *context, X509_STORE *store);

#endif
