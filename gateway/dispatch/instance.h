/*
 * instance: what the parts of dispatch know of an adapter's instance; internal to the room.
 */
#ifndef MUENGSTEN_DISPATCH_INSTANCE_H
#define MUENGSTEN_DISPATCH_INSTANCE_H

#include "gateway/dispatch/end.h"
#include "gateway/dispatch/host.h"
#include "gateway/isolation/services.h"

#include <event2/event.h>
#include <muengsten/adapter.h>

struct route_entry; /* http_in.c */

struct mg_instance {
    struct mg_host *host;
    struct mg_catalogue *catalogue; /* held: the adapter's description is in it */
    const struct mg_adapter *adapter;
    void *state;           /* the adapter's; NULL: not open */
    char *name;            /* of the source or destination */
    char *prefix;          /* of its routes; NULL: no listener */
    char *partner;         /* the name of the partner it is bound to; NULL: none */
    char **values;         /* of the adapter's parameters, in their order; NULL: none */
    bool is_process;       /* the state is that of a program (isolation/remote.h) */
    struct mg_error error; /* what fail said */
    bool absent;           /* its program did not say what it is: it cannot be opened */
    bool down;             /* it says so, or it is not open */
    bool closed;           /* an operator has paused its destination */
    char down_code[MG_ERROR_CODE_SIZE];
    char down_text[256];

    /* The configuration that it works with: exchanged by a reload that leaves it open. */
    struct mg_config *config; /* held */
    struct mg_end end;

    /* What ends with the instance */
    struct mg_services services;
    struct mg_call *calls;
    struct mg_box *box; /* box.h; NULL: never asked for */

    /* What has to end before it can be closed */
    size_t working; /* work functions underway */
    size_t deliveries;
    size_t submissions;
    size_t exchanges; /* requests from outside */

    /* A reload */
    bool fresh;    /* made by the reload that is being carried out */
    bool kept;     /* serves as it is under the new configuration */
    bool retiring; /* takes nothing new, and closes when nothing is underway */
};

struct mg_host {
    struct mg_host_options options;
    struct mg_gateway gateway; /* what adapters are given */
    struct mg_config *config;  /* held: the one that was applied last */
    struct mg_instance **instances;
    size_t instance_count;
    struct mg_children *children; /* the processes of adapters */
    struct event *sweep;          /* closes what is retired, opens what waited for that */
    struct route_entry *routes;   /* http_in.c */
    struct mg_counter *counters;
    bool closing;
};

/* The instance of a source or destination, with its parameters read, not yet open. Its program may
 * be absent: then it stays closed. Freeing closes it. */
struct mg_instance *mg_instance_new(struct mg_host *host, struct mg_config *config,
                                    struct mg_catalogue *catalogue, const struct mg_end *end);
void mg_instance_free(struct mg_instance *instance);

/* False with the adapter's reason, and where the configuration names the instance. */
bool mg_instance_open(struct mg_instance *instance, struct mg_error *error);

/* Nothing is underway in it: it can be closed. */
bool mg_instance_is_idle(const struct mg_instance *instance);

/* Reads the parameters: the values that the configuration gives, or the standards; files and
 * folders as absolute paths. They were checked before. */
void mg_instance_resolve_parameters(struct mg_instance *instance);

/* What operators see of it. */
void mg_instance_tell(const struct mg_instance *instance, struct mg_host_facts *facts);

/* Something that was underway in the instance has ended: a retired one may be closed now. */
void mg_instance_ended(struct mg_instance *instance);

/* Each part adds its functions to what adapters are given. */
void mg_host_offer_parameters(struct mg_gateway *gateway);
void mg_host_offer_services(struct mg_gateway *gateway);
void mg_host_offer_counters(struct mg_gateway *gateway);
void mg_host_offer_http_in(struct mg_gateway *gateway);
void mg_host_offer_http_out(struct mg_gateway *gateway);
void mg_host_offer_submission(struct mg_gateway *gateway);
void mg_host_offer_delivery(struct mg_gateway *gateway);
void mg_host_offer_box(struct mg_gateway *gateway);
void mg_host_offer_state(struct mg_gateway *gateway);

/* An error as adapters are told it; message is the sender's UUID, or empty. */
void mg_host_describe(const struct mg_error *error, const char *message,
                      struct mg_refusal *refusal);

/* Ends what the instance has left: its calls; its routes; its box, which nobody may ask any more.
 */
void mg_instance_end_calls(struct mg_instance *instance);
void mg_instance_end_routes(struct mg_instance *instance);
void mg_instance_end_box(struct mg_instance *instance);

/* Tells the log what was counted, and forgets the counters. */
void mg_host_end_counters(struct mg_host *host);

/* The name of the partner on whose behalf an exchange speaks, or NULL. */
const char *mg_exchange_partner(const struct mg_exchange *exchange);
/* "192.0.2.1:4711". */
const char *mg_exchange_peer(const struct mg_exchange *exchange);

/* The report that an exchange waits for; NULL: none. A report takes its time on a worker, and the
 * exchange may end meanwhile: then the report is told to forget it. */
struct mg_asked;
struct mg_asked **mg_exchange_asked(struct mg_exchange *exchange);
void mg_asked_forget(struct mg_asked *asked);

#endif
