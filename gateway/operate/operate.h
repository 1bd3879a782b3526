/*
 * operate: shows operators the state of the gateway, its messages and its audit trail, and lets
 * them act: by an address of its own, plain where only this machine can reach it, else by TLS, and
 * by a Unix socket. docs/muengstend.8 says what there is to ask, openapi.json describes it.
 *
 * A look at the state never waits for the disk: everything is known in memory, and what is not (the
 * size of the store) is measured in the background now and then. Such an answer is made in one turn
 * of the loop; what has to ask the store does so in the background.
 *
 * Who may ask what is decided in one place, for all (endpoint.c); each part of the room brings a
 * table of what it answers (ask.h).
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_OPERATE_OPERATE_H
#define MUENGSTEN_OPERATE_OPERATE_H

#include "gateway/audit/audit.h"
#include "gateway/base/pool.h"
#include "gateway/config/config.h"
#include "gateway/dispatch/dispatch.h"
#include "gateway/dispatch/host.h"
#include "gateway/net/http.h"
#include "gateway/operate/overview.h"
#include "gateway/store/store.h"

#include <event2/event.h>

struct mg_operate;
struct mg_http_request;

struct mg_operate_options {
    struct event_base *base;
    struct mg_store *store;
    struct mg_audit *audit;
    struct mg_pool *background; /* measures; may be freed before, its handoff drained after */
    const struct mg_host *host;
    struct mg_dispatch *dispatch;
    const struct mg_intake *intake;
    /* Begins to read the configuration anew; the number of that reload, 0 if none is possible. */
    int64_t (*reload)(void *owner);
    /* Calls see for each listener; owner is passed on. NULL: there are none. */
    void (*listeners)(void (*see)(const struct mg_overview_listener *listener, void *context),
                      void *context, void *owner);
    void *owner;
};

/* Serves nothing yet. The options are copied. */
struct mg_operate *mg_operate_new(const struct mg_operate_options *options);
/* Breaks what is left. NULL is allowed. */
void mg_operate_free(struct mg_operate *operate);

/* Opens the address of a configuration, unless it is open already. False, with the reason, if it
 * cannot be opened. After success exactly one of the two others is called: commit shows this
 * configuration from now on, and serves no longer where it does not say so. */
bool mg_operate_prepare(struct mg_operate *operate, struct mg_config *config,
                        struct mg_error *error);
void mg_operate_commit(struct mg_operate *operate, struct mg_config *config);
void mg_operate_abandon(struct mg_operate *operate);

/* New revocation lists. */
void mg_operate_set_store(struct mg_operate *operate, X509_STORE *store);

/* A configuration was not applied: why, one sentence after the other. */
void mg_operate_refused(struct mg_operate *operate, const char *const *problems, size_t count);

/* Since when a certificate seals that was not announced; 0: none does. */
void mg_operate_unannounced(struct mg_operate *operate, int64_t since);

/* The reload of that number has ended: it was applied, or refused as was told just before; neither
 * if the gateway stops. */
void mg_operate_reload_ended(struct mg_operate *operate, int64_t number, bool applied,
                             bool refused);

/* Shows everything that there is to ask for, as openapi.json has to describe it. */
struct mg_resource;
void mg_operate_each_resource(const struct mg_operate *operate,
                              void (*see)(const struct mg_resource *resource, void *context),
                              void *context);

/* From now on the gateway takes nothing new; it is shown until the end. */
void mg_operate_stopping(struct mg_operate *operate);

#endif
