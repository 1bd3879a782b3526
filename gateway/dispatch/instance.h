/*
 * instance: what the parts of dispatch know of an adapter's instance; internal to the room.
 */
#ifndef MUENGSTEN_DISPATCH_INSTANCE_H
#define MUENGSTEN_DISPATCH_INSTANCE_H

#include "gateway/dispatch/host.h"

#include <event2/event.h>
#include <muengsten/adapter.h>

struct route_entry; /* http_in.c */

struct mg_instance {
    struct mg_host *host;
    const struct mg_adapter *adapter;
    void *state;                           /* the adapter's */
    const struct mg_config_source *source; /* one of these two is set */
    const struct mg_config_destination *destination;
    struct mg_config_place place;
    const struct mg_config_parameter *parameters;
    size_t parameter_count;
    char **paths; /* absolute paths of the adapter's parameters, by their order; NULL: no path */
    struct mg_error error; /* what fail said */
    /* What ends with the instance */
    struct mg_timer *timers;
    struct mg_watch *watches;
    struct mg_call *calls;
    struct mg_counter *counters;
    size_t working; /* work functions underway */
};

struct mg_host {
    struct mg_host_options options;
    struct mg_gateway gateway; /* what adapters are given */
    struct loaded *loaded;     /* host.c */
    struct mg_instance **instances;
    size_t instance_count;
    struct route_entry *routes; /* http_in.c */
    struct mg_http_client *client;
    size_t exchanges; /* requests from outside underway */
};

const char *mg_instance_name(const struct mg_instance *instance);

/* parameters.c: the value of a parameter as text, or its standard, or NULL. */
const struct mg_parameter *mg_instance_parameter(const struct mg_instance *instance,
                                                 const char *name, const char **value);
/* Fills the paths; the parameters were checked before. */
void mg_instance_resolve_paths(struct mg_instance *instance);

/* Each part adds its functions to what adapters are given. */
void mg_host_offer_parameters(struct mg_gateway *gateway);
void mg_host_offer_services(struct mg_gateway *gateway);
void mg_host_offer_http_in(struct mg_gateway *gateway);
void mg_host_offer_http_out(struct mg_gateway *gateway);
void mg_host_offer_submission(struct mg_gateway *gateway);
void mg_host_offer_delivery(struct mg_gateway *gateway);

/* Ends what the instance has left: timers, watches, calls, counters; and its routes. */
void mg_instance_end_services(struct mg_instance *instance);
void mg_instance_end_calls(struct mg_instance *instance);
void mg_instance_end_routes(struct mg_instance *instance);

/* The partner on whose behalf an exchange speaks, and the configuration that says so. */
const struct mg_config_partner *mg_exchange_partner(const struct mg_exchange *exchange);

/* What is waited for on behalf of an exchange: when the exchange ends before it, by an abort or by
 * another answer, gone is called with it, so that nobody is told of it any more. One at a time;
 * NULL unties it. */
void mg_exchange_tie(struct mg_exchange *exchange, void (*gone)(void *tied), void *tied);

#endif
