/*
 * host: what the parts of muengsten-adapter-host know: the adapter's end of
 * docs/adapter-protocol.md, which offers an adapter in this process what
 * include/muengsten/adapter.h promises.
 *
 * One process, one adapter, one instance at a time. Everything happens on the thread of the loop
 * but work functions, and in them delivery_read and log.
 */
#ifndef MUENGSTEN_ADAPTER_HOST_H
#define MUENGSTEN_ADAPTER_HOST_H

#include "gateway/base/handoff.h"
#include "gateway/base/pool.h"
#include "gateway/isolation/channel.h"
#include "gateway/isolation/numbers.h"
#include "gateway/isolation/services.h"

#include <muengsten/adapter.h>

struct host_route;

/* The one instance, from open to closed. */
struct mg_instance {
    struct host *host;
    const struct mg_adapter *adapter;
    void *state;    /* the adapter's */
    json_t *values; /* of the frame open: texts live as long as the instance */
    struct mg_instance_facts facts;
    struct mg_error error; /* what fail said */
    struct mg_services services;
    struct mg_counter *counters;
    struct host_route *routes;
    size_t working; /* work functions underway */
    bool opening, closing;
    struct mg_numbers deliveries, submissions, exchanges, calls, requests;
};

struct host {
    const struct mg_adapter *adapter;
    void *object;
    struct event_base *base;
    struct mg_handoff *handoff;
    struct event *handoff_ready;
    struct mg_pool *pool;
    struct mg_channel *channel;
    struct mg_gateway gateway; /* what the adapter is given */
    struct mg_instance instance;
    char version[64]; /* of the gateway */
    bool greeted, open, ended;
    struct event *tell_counters;
};

typedef void host_handler(struct host *host, struct mg_frame *frame);

/* load.c: the shared object at the path, checked. False with the reason: adapter.not-found,
 * adapter.version, adapter.malformed. */
bool host_load(struct host *host, const char *path, struct mg_error *error);
/* Writes what the adapter declares into a hello that was begun. */
void host_describe(const struct mg_adapter *adapter, struct mg_frame_writer *writer);

/* session.c: speaks with the gateway over the descriptors until the end of the stream. Returns the
 * exit status. */
int host_run(struct host *host, int input, int output);
/* To be called when a work function is done: the instance may have to be closed. */
void host_look_whether_done(struct host *host);

/* services.c */
void host_offer_services(struct mg_gateway *gateway);
void host_end_services(struct mg_instance *instance);
void host_send_counters(struct mg_instance *instance);

/* deliveries.c */
host_handler host_on_deliver, host_on_cancel, host_on_data, host_on_taken;
void host_offer_deliveries(struct mg_gateway *gateway);
/* Ends what waits for an answer that does not come any more. */
void host_end_reads(struct mg_instance *instance);
/* A message that was taken out of a box, as a delivery; NULL: the frame is wrong. */
struct mg_delivery *host_read_delivery(struct mg_instance *instance, struct mg_frame *frame);

/* submissions.c */
host_handler host_on_submitted, host_on_reported;
void host_offer_submissions(struct mg_gateway *gateway);
void host_end_submissions(struct mg_instance *instance);
/* The refusal in a frame; false if there is none. Its texts live as long as the frame. */
bool host_read_refusal(struct mg_frame *frame, struct mg_refusal *refusal);

/* exchanges.c */
host_handler host_on_request, host_on_request_data, host_on_request_end, host_on_request_abort;
void host_offer_exchanges(struct mg_gateway *gateway);
void host_end_exchanges(struct mg_instance *instance);
int64_t host_exchange_number(const struct mg_exchange *exchange);
/* The report that an exchange waits for: freed with it. */
void **host_exchange_report(struct mg_exchange *exchange);
size_t host_read_fields(struct mg_frame *frame, struct mg_field *fields);
void host_put_fields(struct mg_frame_writer *writer, const struct mg_field *fields, size_t count);
#define HOST_FIELDS 64

/* calls.c */
host_handler host_on_response, host_on_response_data, host_on_call_done;
void host_offer_calls(struct mg_gateway *gateway);
void host_end_calls(struct mg_instance *instance);

/* boxes.c */
host_handler host_on_box, host_on_list, host_on_settled;
void host_offer_boxes(struct mg_gateway *gateway);

/* What waits for an answer with the number of a request; first in what it is embedded in. */
struct host_request {
    struct mg_numbered entry; /* first */
    bool answered;
    bool waits; /* somebody blocks for it, and frees it; otherwise the answer's handler does */
};
/* Gives the request a number, and frees all that wait for nothing at the end of the instance. */
int64_t host_add_request(struct mg_instance *instance, struct host_request *request);
/* The request that a frame answers, taken out; NULL: the frame is wrong. */
void *host_end_request(struct host *host, struct mg_frame *frame);
/* Blocks, on the loop's thread, until it is answered: true; or the stream has ended. */
bool host_wait(struct mg_instance *instance, struct host_request *request);

#endif
