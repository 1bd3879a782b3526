/*
 * tls: how adapters that bring a TLS library of their own speak TLS: 1.2 and 1.3 with the suites of
 * BSI TR-02102-2, the peer verified against given authorities and by its name.
 *
 * Any thread, each with a context of its own.
 */
#ifndef MUENGSTEN_ADAPTERS_TLS_H
#define MUENGSTEN_ADAPTERS_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct mg_tls {
    const char *host;        /* that the peer's certificate has to name: a name or an address */
    const char *authorities; /* PEM file */
    const char *certificate; /* of our own, PEM with its chain; NULL: none */
    const char *key;
};

/* Sets a client's context up. False with the reason, a sentence, if a file cannot be used. */
bool mg_tls_prepare(SSL_CTX *context, const struct mg_tls *tls, char *reason, size_t size);

/* Why the peer's certificate was not accepted in the last handshake of a prepared context, such as
 * "hostname mismatch"; NULL: it was, or there was none. */
const char *mg_tls_distrust(const SSL_CTX *context);

#endif
