/*
 * endpoint: one address at which operators, programs and the page ask; internal to the room.
 *
 * It makes a struct mg_ask (ask.h) of each request that may be one, and gives it to the handler of
 * its resource. An ask that is not answered yet outlives its endpoint.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_OPERATE_ENDPOINT_H
#define MUENGSTEN_OPERATE_ENDPOINT_H

#include "gateway/config/config.h"
#include "gateway/operate/ask.h"

#include <event2/event.h>

struct mg_endpoint;

struct mg_endpoint_options {
    struct event_base *base;
    struct mg_pool *background;
    const struct mg_resources *resources; /* outlive the endpoint, as what they point to */
    size_t resource_count;
    /* Somebody was refused for what they are: for the audit trail. May be NULL. */
    void (*denied)(const struct mg_ask *ask, const char *code, void *context);
    /* TLS has refused somebody. May be NULL. */
    void (*stranger)(const char *peer, void *context);
    void *context;
};

enum mg_way { MG_WAY_LOOPBACK, MG_WAY_TLS, MG_WAY_SOCKET };

/* Listens at the address of <status>, or at the socket of <control>; the configuration is held.
 * former: the endpoint in whose place it will come, whose port it may have; NULL: none. */
struct mg_endpoint *mg_endpoint_new(const struct mg_endpoint_options *options, enum mg_way way,
                                    struct mg_config *config, const struct mg_endpoint *former,
                                    struct mg_error *error);
/* The address, or the socket's path. */
const char *mg_endpoint_address(const struct mg_endpoint *endpoint);
int mg_endpoint_port(const struct mg_endpoint *endpoint);

/* Another configuration with the same address is to be applied: reads the identity that it says.
 * After success exactly one of the two others is called; from commit on it says who may ask what.
 */
bool mg_endpoint_prepare(struct mg_endpoint *endpoint, const struct mg_config *config,
                         struct mg_error *error);
void mg_endpoint_commit(struct mg_endpoint *endpoint, struct mg_config *config);
void mg_endpoint_abandon(struct mg_endpoint *endpoint);

/* New revocation lists. */
void mg_endpoint_set_store(struct mg_endpoint *endpoint, X509_STORE *store);

/* Breaks what is left, at once. NULL is allowed. */
void mg_endpoint_free(struct mg_endpoint *endpoint);

#endif
