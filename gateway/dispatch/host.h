/*
 * host: opens instances of adapters, and offers them what include/muengsten/adapter.h promises.
 *
 * The host trusts no adapter more than the ABI says: versions, sizes and parameters are checked
 * before an instance is opened, and on whose behalf it submits is not the adapter's to say.
 *
 * A new configuration is applied while messages travel. What it leaves as it was stays open and
 * notices nothing. What it changes or removes takes nothing new, ends what it has begun, and is
 * closed; a changed destination, and a source that serves HTTP, is opened anew at once, so that
 * nobody has to wait; other sources when the old ones of their adapter are closed, so that two
 * never look into the same folder. Only on the thread of the loop.
 */
#ifndef MUENGSTEN_DISPATCH_HOST_H
#define MUENGSTEN_DISPATCH_HOST_H

#include "gateway/base/pool.h"
#include "gateway/config/config.h"
#include "gateway/dispatch/catalogue.h"
#include "gateway/dispatch/clients.h"
#include "gateway/intake/intake.h"
#include "gateway/net/http_server.h"
#include "gateway/store/store.h"

#include <event2/event.h>

struct mg_host;
struct mg_instance;
struct mg_delivery;

struct mg_host_options {
    struct event_base *base;
    struct mg_handoff *handoff; /* by which the pools' work comes back */
    struct mg_store *store;
    struct mg_pool *workers;    /* for what costs processor time */
    struct mg_pool *background; /* for what blocks: adapters' work */
    struct mg_intake *intake;
    struct mg_audit *audit;     /* is told of callers that are refused; NULL: nobody is */
    struct mg_clients *clients; /* for adapters' calls */
    /* Deliveries may be handed to this destination again, which was down; may be NULL. */
    void (*ready)(const char *destination, void *context);
    /* A message was collected from this destination's box; may be NULL. */
    void (*collected)(const char *destination, void *context);
    void *context;
};

/* A host without instances. The options are copied. */
struct mg_host *mg_host_new(const struct mg_host_options *options);

/* Applies a configuration, with the catalogue that was made for it: both are held as long as they
 * are needed. False with the reason if an instance cannot be opened; then nothing has changed. */
bool mg_host_apply(struct mg_host *host, struct mg_config *config, struct mg_catalogue *catalogue,
                   struct mg_error *error);

/* Waits for the adapters' work functions that are underway, closes all instances, and waits for
 * their processes, which have some seconds to end; no delivery or exchange may be underway. The
 * pools have to be there still. NULL is allowed. */
void mg_host_free(struct mg_host *host);

/* The instance of a destination, as the last configuration has it; NULL: there is none. */
struct mg_instance *mg_host_destination(struct mg_host *host, const char *name);

/* What operators see of an instance; texts are valid until the host changes. */
struct mg_host_facts {
    const char *name;
    const char *adapter;
    const char *version; /* of the adapter; NULL: it says none */
    unsigned abi;
    bool is_source;
    bool retiring;    /* ends because of a reload */
    bool down;        /* takes nothing at the moment; code and text say why */
    const char *code; /* empty if it is ready */
    const char *text;
    bool is_process;   /* runs in a process of its own */
    bool starting;     /* which is there, and not ready yet */
    int64_t restarts;  /* how often that was started again */
    int64_t restarted; /* when last; 0: never */
    pid_t pid;         /* 0: there is none at the moment */
};
/* The instance with that number, from 0; false: there is none. */
bool mg_host_facts(const struct mg_host *host, size_t number, struct mg_host_facts *facts);

/* A counter of an adapter. It outlives its instance, so that it only ever grows. */
struct mg_host_counter {
    const char *adapter;
    const char *instance;
    bool is_source;
    const char *name;
    const char *help;
    int64_t value;
};
/* Calls see for every counter, in no order; texts are valid until the host is freed. */
void mg_host_each_counter(const struct mg_host *host,
                          void (*see)(const struct mg_host_counter *counter, void *context),
                          void *context);

/* The handler for a listener's server; its context is a value made by mg_host_listener. */
void mg_host_on_head(struct mg_http_request *request, const struct mg_http_head *head,
                     void *context);

/* Likewise: tells the audit trail of a caller that TLS has refused. */
void mg_host_on_stranger(const char *peer, void *context);

/* Names a listener to mg_host_on_head; freed with mg_host_listener_free, after its server. */
struct mg_host_listener *mg_host_listener_new(struct mg_host *host, const char *name);
void mg_host_listener_rename(struct mg_host_listener *listener, const char *name);
void mg_host_listener_free(struct mg_host_listener *listener);

/* Before the end: ends the processes of adapters, and with them what they have begun and not
 * brought to an end. No delivery may be underway. */
void mg_host_let_go(struct mg_host *host);

/* Work functions and exchanges of adapters that are still underway. */
size_t mg_host_underway(const struct mg_host *host);

/* False while the destination's system cannot be reached: nothing is to be delivered to it. */
bool mg_host_is_ready(const struct mg_instance *instance);

/* From begin to end the instance has a delivery underway, and stays open for it. */
void mg_host_begin_delivery(struct mg_instance *instance);
void mg_host_end_delivery(struct mg_instance *instance);

/* Hands a delivery to its instance's adapter. */
void mg_host_deliver(struct mg_instance *instance, struct mg_delivery *delivery);
void mg_host_cancel(struct mg_instance *instance, struct mg_delivery *delivery);

#endif
