#include "gateway/listeners.h"

#include "gateway/base/log.h"
#include "gateway/net/tls.h"

#include <stdlib.h>
#include <string.h>

struct listener {
    struct listener *next;
    struct mg_listeners *all;
    char *name;
    char *address;
    struct mg_http_server *server;
    struct mg_host_listener *handler;
    SSL_CTX *tls;
    bool stopping;
    /* What the configuration that is being applied says of it. */
    bool wanted;
    bool fresh;
    const char *next_name; /* the configuration's, until the commit */
    SSL_CTX *next_tls;
    struct mg_http_limits next_limits;
};

struct mg_listeners {
    struct event_base *base;
    struct mg_host *host;
    struct listener *list;
    bool stopping;
    void (*drained)(void *context);
    void *context;
};

static void free_listener(struct listener *listener)
{
    struct listener **link = &listener->all->list;
    while (*link != listener)
        link = &(*link)->next;
    *link = listener->next;
    mg_http_server_free(listener->server);
    mg_host_listener_free(listener->handler);
    SSL_CTX_free(listener->next_tls);
    SSL_CTX_free(listener->tls);
    free(listener->address);
    free(listener->name);
    free(listener);
}

/* ---- applying a configuration ---- */

/* A listener at the same address is the same one. Port 0 is any port, so there the name decides
 * too.
 */
static struct listener *find(const struct mg_listeners *listeners,
                             const struct mg_config_listener *values)
{
    for (struct listener *listener = listeners->list; listener; listener = listener->next) {
        const char *port = strrchr(listener->address, ':');
        bool any = port && strcmp(port, ":0") == 0;
        if (!listener->stopping && strcmp(listener->address, values->address) == 0 &&
            (!any || strcmp(listener->name, values->name) == 0))
            return listener;
    }
    return NULL;
}

static bool open_listener(struct mg_listeners *listeners, const struct mg_config_listener *values,
                          SSL_CTX *tls, struct mg_error *error)
{
    struct listener *listener = mg_allocate_zeroed(1, sizeof *listener);
    listener->all = listeners;
    listener->name = mg_copy_text(values->name);
    listener->address = mg_copy_text(values->address);
    listener->fresh = listener->wanted = true;
    listener->tls = tls;
    listener->handler = mg_host_listener_new(listeners->host, values->name);
    listener->next = listeners->list;
    listeners->list = listener;
    const struct mg_http_server_options options = {
        .name = values->name,
        .address = values->address,
        .tls = tls,
        .limits = values->limits,
        .handler = {.on_head = mg_host_on_head, .on_stranger = mg_host_on_stranger},
        .context = listener->handler,
    };
    listener->server = mg_http_server_new(listeners->base, &options, error);
    return listener->server != NULL;
}

static bool prepare_one(struct mg_listeners *listeners, const struct mg_config *config,
                        const struct mg_config_listener *values, struct mg_error *error)
{
    X509_STORE *store = mg_anchors_store(config->anchors);
    SSL_CTX *tls = mg_tls_server(config->tls_certificate, config->tls_key, store, error);
    X509_STORE_free(store);
    if (!tls)
        return false;
    struct listener *listener = find(listeners, values);
    if (!listener)
        return open_listener(listeners, values, tls, error);
    listener->wanted = true;
    listener->next_tls = tls;
    listener->next_limits = values->limits;
    listener->next_name = values->name;
    return true;
}

bool mg_listeners_prepare(struct mg_listeners *listeners, const struct mg_config *config,
                          struct mg_error *error)
{
    for (struct listener *listener = listeners->list; listener; listener = listener->next)
        listener->wanted = listener->fresh = false;
    for (size_t i = 0; i < config->listener_count; i++) {
        if (!prepare_one(listeners, config, &config->listeners[i], error)) {
            mg_listeners_abandon(listeners);
            return false;
        }
    }
    return true;
}

void mg_listeners_abandon(struct mg_listeners *listeners)
{
    for (struct listener *listener = listeners->list, *next; listener; listener = next) {
        next = listener->next;
        SSL_CTX_free(listener->next_tls);
        listener->next_tls = NULL;
        if (listener->fresh)
            free_listener(listener);
    }
}

static void one_drained(struct mg_http_server *server, void *context)
{
    (void)server;
    struct listener *listener = context;
    struct mg_listeners *listeners = listener->all;
    free_listener(listener);
    if (listeners->stopping && !listeners->list && listeners->drained)
        listeners->drained(listeners->context);
}

static void stop_listener(struct listener *listener)
{
    if (listener->stopping)
        return;
    listener->stopping = true;
    mg_http_server_stop(listener->server, one_drained, listener);
}

static void exchange(struct listener *listener)
{
    mg_http_server_exchange(listener->server, listener->next_tls, &listener->next_limits);
    free(listener->name);
    listener->name = mg_copy_text(listener->next_name);
    mg_host_listener_rename(listener->handler, listener->name);
    SSL_CTX_free(listener->tls);
    listener->tls = listener->next_tls;
    listener->next_tls = NULL;
}

void mg_listeners_commit(struct mg_listeners *listeners)
{
    for (struct listener *listener = listeners->list, *next; listener; listener = next) {
        next = listener->next;
        if (listener->fresh)
            mg_log(MG_LOG_NOTICE, "listener.open", "listener", listener->name, "address",
                   listener->address, "port", MG_LOG_NUMBER(mg_http_server_port(listener->server)),
                   NULL);
        else if (listener->wanted)
            exchange(listener);
        else
            stop_listener(listener);
        listener->fresh = false;
    }
}

void mg_listeners_set_store(struct mg_listeners *listeners, X509_STORE *store)
{
    for (struct listener *listener = listeners->list; listener; listener = listener->next)
        mg_tls_set_store(listener->tls, store);
}

void mg_listeners_each(const struct mg_listeners *listeners,
                       void (*see)(const struct mg_overview_listener *listener, void *context),
                       void *context)
{
    for (const struct listener *listener = listeners->list; listener; listener = listener->next) {
        const struct mg_overview_listener seen = {
            .name = listener->name,
            .address = listener->address,
            .port = mg_http_server_port(listener->server),
            .connections = (int64_t)mg_http_server_connections(listener->server),
            .stopping = listener->stopping,
        };
        see(&seen, context);
    }
}

/* ---- life ---- */

struct mg_listeners *mg_listeners_new(struct event_base *base, struct mg_host *host)
{
    struct mg_listeners *listeners = mg_allocate_zeroed(1, sizeof *listeners);
    listeners->base = base;
    listeners->host = host;
    return listeners;
}

void mg_listeners_free(struct mg_listeners *listeners)
{
    if (!listeners)
        return;
    while (listeners->list)
        free_listener(listeners->list);
    free(listeners);
}

void mg_listeners_stop(struct mg_listeners *listeners, void (*drained)(void *context),
                       void *context)
{
    listeners->stopping = true;
    listeners->drained = drained;
    listeners->context = context;
    if (!listeners->list)
        drained(context);
    for (struct listener *listener = listeners->list; listener; listener = listener->next)
        stop_listener(listener);
}

bool mg_listeners_break(struct mg_listeners *listeners)
{
    if (!listeners->stopping || !listeners->list)
        return false;
    while (listeners->list)
        free_listener(listeners->list);
    listeners->drained(listeners->context);
    return true;
}
