/*
 * clients: the HTTP clients for adapters' calls, one for each identity: the gateway's own, and
 * those that destinations have for themselves.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_DISPATCH_CLIENTS_H
#define MUENGSTEN_DISPATCH_CLIENTS_H

#include "gateway/config/config.h"
#include "gateway/net/http_client.h"

struct mg_clients;

struct mg_clients *mg_clients_new(struct event_base *base, struct evdns_base *dns);
/* Ends running calls with net.cancelled. NULL is allowed. */
void mg_clients_free(struct mg_clients *clients);

/* Reads the identities of a configuration anew, whose certificates may have changed under the same
 * name. False, with the reason, if one cannot be used. After success exactly one of the two others
 * is called, with the configuration still held. */
bool mg_clients_prepare(struct mg_clients *clients, const struct mg_config *config,
                        struct mg_error *error);
void mg_clients_commit(struct mg_clients *clients, const struct mg_config *config);
void mg_clients_abandon(struct mg_clients *clients);

/* The client with the identity of this certificate file; NULL: with the gateway's. */
struct mg_http_client *mg_clients_find(const struct mg_clients *clients, const char *certificate);

/* New revocation lists: they count for every connection from now on. */
void mg_clients_set_store(struct mg_clients *clients, X509_STORE *store);

#endif
