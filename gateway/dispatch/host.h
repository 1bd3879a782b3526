/*
 * host: loads adapters, opens their instances, and offers them what include/muengsten/adapter.h
 * promises.
 *
 * The host trusts no adapter more than the ABI says: versions, sizes and parameters are checked
 * before an instance is opened, and on whose behalf it submits is not the adapter's to say. Only on
 * the thread of the loop.
 */
#ifndef MUENGSTEN_DISPATCH_HOST_H
#define MUENGSTEN_DISPATCH_HOST_H

#include "gateway/base/pool.h"
#include "gateway/config/config.h"
#include "gateway/intake/intake.h"
#include "gateway/net/http_client.h"
#include "gateway/net/http_server.h"
#include "gateway/store/store.h"

#include <event2/event.h>

struct mg_host;
struct mg_instance;
struct mg_delivery;

struct mg_host_options {
    struct event_base *base;
    struct mg_handoff *handoff; /* by which the pools' work comes back */
    struct mg_config *config;   /* the host takes a reference */
    struct mg_store *store;
    struct mg_pool *workers;    /* for what costs processor time */
    struct mg_pool *background; /* for what blocks: adapters' work */
    struct mg_intake *intake;
    struct mg_http_client *client; /* for adapters' calls */
};

/* Checks every source and destination of the configuration against what its adapter declares: loads
 * the adapters and unloads them again. For `muengstend -t`; needs no loop. */
void mg_host_check(const struct mg_config *config, struct mg_config_problems *problems);

/* Loads the adapters and opens an instance for each source and destination. NULL with the reason if
 * one cannot be opened. The options are copied. */
struct mg_host *mg_host_new(const struct mg_host_options *options, struct mg_error *error);

/* Waits for the adapters' work functions that are underway, and closes all instances; no delivery
 * or exchange may be underway. The pools have to be there still. NULL is allowed. */
void mg_host_free(struct mg_host *host);

/* The instance of a destination. */
struct mg_instance *mg_host_destination(struct mg_host *host, const char *name);

/* The handler for a listener's server; its context is a value made by mg_host_listener. */
void mg_host_on_head(struct mg_http_request *request, const struct mg_http_head *head,
                     void *context);

/* Names a listener to mg_host_on_head; freed with mg_host_listener_free, after its server. */
struct mg_host_listener *mg_host_listener_new(struct mg_host *host, const char *name);
void mg_host_listener_free(struct mg_host_listener *listener);

/* Work functions and exchanges of adapters that are still underway. */
size_t mg_host_underway(const struct mg_host *host);

/* Hands a delivery to its instance's adapter. */
void mg_host_deliver(struct mg_instance *instance, struct mg_delivery *delivery);
void mg_host_cancel(struct mg_instance *instance, struct mg_delivery *delivery);

#endif
