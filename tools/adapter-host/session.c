/* The conversation with the gateway, from hello to the end of the stream. */
#include "tools/adapter-host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS       4
#define WORK_LIMIT    1000
#define CONTENT_LIMIT 0 /* before the gateway has said its own */

static void say(struct host *host, const char *type)
{
    mg_channel_begin(host->channel, type);
    mg_channel_send(host->channel);
}

/* ---- hello ---- */

static bool offers(struct mg_frame *frame, int64_t version)
{
    const json_t *range = mg_frame_array(frame, NULL, "protocol");
    return json_array_size(range) == 2 && json_integer_value(json_array_get(range, 0)) <= version &&
           json_integer_value(json_array_get(range, 1)) >= version;
}

static void on_hello(struct host *host, struct mg_frame *frame)
{
    const char *version = mg_frame_text(frame, NULL, "gateway");
    int64_t content = mg_frame_need_number(frame, NULL, "content");
    if (frame->wrong)
        return;
    mg_channel_set_limit(host->channel, (size_t)content);
    if (!offers(frame, 1)) {
        mg_frame_object_to(frame, "The gateway does not speak version 1 of the protocol.");
        return;
    }
    snprintf(host->version, sizeof host->version, "%s", version ? version : "");
    host->gateway.version = host->version;
    host->greeted = true;
    struct mg_frame_writer *writer = mg_channel_begin(host->channel, "hello");
    mg_frame_put_number(writer, "protocol", 1);
    host_describe(host->adapter, writer);
    if (!mg_channel_send(host->channel))
        mg_frame_object_to(frame, "What the adapter declares is longer than a frame may be.");
}

/* ---- open ---- */

static void read_facts(struct host *host, struct mg_frame *frame)
{
    struct mg_instance *instance = &host->instance;
    const char *role = mg_frame_need_text(frame, NULL, "role");
    *instance = (struct mg_instance){
        .host = host,
        .adapter = host->adapter,
        .opening = true,
        .facts = {.size = sizeof instance->facts,
                  .name = mg_frame_need_text(frame, NULL, "instance"),
                  .is_source = strcmp(role, "source") == 0,
                  .is_destination = strcmp(role, "destination") == 0,
                  .prefix = mg_frame_text(frame, NULL, "prefix"),
                  .partner = mg_frame_text(frame, NULL, "partner")},
    };
    if (!mg_frame_object(frame, NULL, "parameters"))
        mg_frame_object_to(frame, "An instance is opened without parameters.");
}

static void end_instance(struct mg_instance *instance)
{
    host_end_calls(instance);
    host_end_exchanges(instance);
    host_end_submissions(instance);
    host_end_reads(instance);
    host_end_services(instance);
    json_decref(instance->values);
    instance->values = NULL;
    instance->host->open = false;
}

/* The gateway has checked the parameters before; an adapter may rely on that, whoever opens it. */
static bool has_what_it_requires(struct mg_instance *instance)
{
    unsigned use = instance->facts.is_source ? MG_USED_BY_SOURCE : MG_USED_BY_DESTINATION;
    for (size_t i = 0; i < instance->adapter->parameter_count; i++) {
        const struct mg_parameter *parameter = &instance->adapter->parameters[i];
        if (!parameter->required || !((unsigned)parameter->use & use) ||
            instance->host->gateway.parameter_text(instance, parameter->name))
            continue;
        mg_fail(&instance->error, "adapter.parameter", "The parameter %s is missing.",
                parameter->name);
        return false;
    }
    return true;
}

static void on_open(struct host *host, struct mg_frame *frame)
{
    struct mg_instance *instance = &host->instance;
    if (host->open) {
        mg_frame_object_to(frame, "An instance is opened while another is.");
        return;
    }
    read_facts(host, frame);
    if (frame->wrong)
        return;
    instance->values = json_incref(frame->header);
    host->open = true;
    mg_fail(&instance->error, "adapter.open", "The adapter gave no reason.");
    if (has_what_it_requires(instance))
        instance->state = host->adapter->open(&host->gateway, instance, &instance->facts);
    instance->opening = false;
    if (instance->state) {
        say(host, "opened");
        return;
    }
    struct mg_frame_writer *writer = mg_channel_begin(host->channel, "failed");
    mg_frame_put_text(writer, "code", instance->error.code);
    mg_frame_put_text(writer, "text", instance->error.text);
    mg_channel_send(host->channel);
    instance->closing = true;
    if (instance->working == 0)
        end_instance(instance);
}

/* ---- close ---- */

void host_look_whether_done(struct host *host)
{
    struct mg_instance *instance = &host->instance;
    if (!host->open || !instance->closing || instance->working > 0)
        return;
    host_send_counters(instance);
    if (instance->state) {
        host->adapter->close(instance->state);
        say(host, "closed");
    }
    end_instance(instance);
    if (host->ended)
        event_base_loopbreak(host->base);
}

static void on_close(struct host *host, struct mg_frame *frame)
{
    if (!host->open || host->instance.deliveries.count > 0) {
        mg_frame_object_to(frame, "A close comes where there is nothing to close.");
        return;
    }
    host->instance.closing = true;
    host_look_whether_done(host);
}

static void on_ping(struct host *host, struct mg_frame *frame)
{
    (void)frame;
    say(host, "pong");
}

/* ---- frames ---- */

static const struct {
    const char *type;
    host_handler *handle;
} handlers[] = {
    {"deliver", host_on_deliver},
    {"data", host_on_data},
    {"cancel", host_on_cancel},
    {"submitted", host_on_submitted},
    {"reported", host_on_reported},
    {"request", host_on_request},
    {"request-data", host_on_request_data},
    {"request-end", host_on_request_end},
    {"request-abort", host_on_request_abort},
    {"response", host_on_response},
    {"response-data", host_on_response_data},
    {"call-done", host_on_call_done},
    {"box", host_on_box},
    {"list", host_on_list},
    {"taken", host_on_taken},
    {"settled", host_on_settled},
    {"ping", on_ping},
    {"close", on_close},
};

static void dispatch(struct host *host, struct mg_frame *frame)
{
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        if (strcmp(frame->type, handlers[i].type) == 0) {
            handlers[i].handle(host, frame);
            return;
        }
    }
    mg_frame_object_to(frame, "A frame of the type %.40s does not fit here.", frame->type);
}

static void on_frame(struct mg_frame *frame, void *context)
{
    struct host *host = context;
    if (strcmp(frame->type, "hello") == 0 && !host->greeted)
        on_hello(host, frame);
    else if (strcmp(frame->type, "open") == 0 && host->greeted)
        on_open(host, frame);
    else if (host->open || strcmp(frame->type, "ping") == 0)
        dispatch(host, frame);
    else if (host->greeted)
        return; /* crossed the end of the instance */
    else
        mg_frame_object_to(frame, "The gateway does not begin with hello.");
}

static void on_end(const struct mg_error *error, void *context)
{
    struct host *host = context;
    host->ended = true;
    if (error)
        fprintf(stderr, "muengsten-adapter-host: the gateway's frames: %s\n", error->text);
    /* Behind a close the stream may end at once; without one there is nothing left to do, and
     * threads of the adapter's may never return. */
    if (host->open && !host->instance.closing)
        _Exit(error ? EXIT_FAILURE : EXIT_SUCCESS);
    if (!host->open)
        event_base_loopbreak(host->base);
}

static const struct mg_channel_events channel_events = {.on_frame = on_frame, .on_end = on_end};

/* ---- life ---- */

static void drain(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    mg_handoff_drain(context);
}

static bool start_loop(struct host *host, struct mg_error *error)
{
    host->base = event_base_new();
    host->handoff = mg_handoff_new(error);
    if (!host->base || !host->handoff)
        return mg_fail(error, "system.loop", "The event loop cannot be started.");
    host->pool = mg_pool_new("work", THREADS, WORK_LIMIT, host->handoff, error);
    if (!host->pool)
        return false;
    host->handoff_ready = event_new(host->base, mg_handoff_descriptor(host->handoff),
                                    EV_READ | EV_PERSIST, drain, host->handoff);
    event_add(host->handoff_ready, NULL);
    return true;
}

static void offer(struct mg_gateway *gateway)
{
    *gateway = (struct mg_gateway){.size = sizeof *gateway, .abi = MG_ADAPTER_ABI, .version = ""};
    host_offer_services(gateway);
    host_offer_deliveries(gateway);
    host_offer_submissions(gateway);
    host_offer_exchanges(gateway);
    host_offer_calls(gateway);
    host_offer_boxes(gateway);
}

static void stop(struct host *host)
{
    mg_channel_flush(host->channel, 1000);
    mg_pool_free(host->pool);
    if (host->handoff)
        mg_handoff_drain(host->handoff);
    mg_channel_free(host->channel);
    if (host->handoff_ready)
        event_free(host->handoff_ready);
    mg_handoff_free(host->handoff);
    if (host->base)
        event_base_free(host->base);
}

int host_run(struct host *host, int input, int output)
{
    struct mg_error error;
    if (!start_loop(host, &error)) {
        fprintf(stderr, "muengsten-adapter-host: %s\n", error.text);
        return EXIT_FAILURE;
    }
    offer(&host->gateway);
    host->channel = mg_channel_new(host->base, input, output, CONTENT_LIMIT, &channel_events, host);
    event_base_dispatch(host->base);
    stop(host);
    return EXIT_SUCCESS;
}
