/*
 * tls_peers: keeps the certificate that several peers' connections have shown only once.
 *
 * OpenSSL keeps of every connection the peer's certificate, the authorities that came with it and
 * the chain that was verified: with some 5 KB for each certificate, that is more than all the rest
 * of an idle connection. Nearly all connections of a partner show the same certificate. It is
 * verified for each of them all the same; only then does the connection get the object that is
 * there already.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_NET_TLS_PEERS_H
#define MUENGSTEN_NET_TLS_PEERS_H

#include <openssl/ssl.h>
#include <stdint.h>

#define MG_TLS_FINGERPRINT_SIZE 32 /* SHA-256 */

struct mg_tls_peer; /* a certificate, as long as some connection holds it */

/* Lets the server connections of a context share their peers' certificates; once for each context.
 */
void mg_tls_share_peers(SSL_CTX *context);

/* The peer of a connection of such a context, after its handshake. Held until it is released,
 * before the context is freed. */
struct mg_tls_peer *mg_tls_peer_hold(SSL *ssl);
/* NULL does nothing. */
void mg_tls_peer_release(struct mg_tls_peer *peer);

const uint8_t *mg_tls_peer_fingerprint(const struct mg_tls_peer *peer);

#endif
