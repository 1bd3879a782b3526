/* Requests of adapters to outside, over connections that the gateway makes under its identity. */
#include "gateway/base/log.h"
#include "gateway/dispatch/instance.h"

#include <stdlib.h>

#define FIELDS 64

struct mg_call {
    struct mg_call *next;
    struct mg_call **link;
    struct mg_http_call *http;
    struct mg_call_spec spec;
};

static void free_call(struct mg_call *call)
{
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    free(call);
}

static ssize_t on_body(struct mg_http_call *http, int64_t offset, void *bytes, size_t size,
                       void *context)
{
    (void)http;
    struct mg_call *call = context;
    return call->spec.on_body(offset, bytes, size, call->spec.context);
}

static void on_response(struct mg_http_call *http, const struct mg_http_head *head, void *context)
{
    (void)http;
    struct mg_call *call = context;
    if (!call->spec.on_response)
        return;
    struct mg_field fields[FIELDS];
    size_t count = head->header_count < FIELDS ? head->header_count : FIELDS;
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct mg_field){head->headers[i].name, head->headers[i].value};
    const struct mg_response response = {
        .size = sizeof response,
        .status = head->status,
        .fields = fields,
        .field_count = count,
    };
    call->spec.on_response(&response, call->spec.context);
}

static void on_data(struct mg_http_call *http, const void *bytes, size_t length, void *context)
{
    (void)http;
    struct mg_call *call = context;
    if (call->spec.on_data)
        call->spec.on_data(bytes, length, call->spec.context);
}

static void on_done(struct mg_http_call *http, const struct mg_error *error, void *context)
{
    (void)http;
    struct mg_call *call = context;
    struct mg_call_spec spec = call->spec;
    free_call(call);
    spec.on_done(error ? error->code : NULL, error ? error->text : NULL, spec.context);
}

/* The client with the identity of the destination, or the gateway's. */
static struct mg_http_client *client_of(const struct mg_instance *instance)
{
    const struct mg_config_destination *destination = instance->end.destination;
    return mg_clients_find(instance->host->options.clients,
                           destination ? destination->tls_certificate : NULL);
}

static struct mg_call *begin(struct mg_instance *instance, const struct mg_call_spec *spec)
{
    const struct mg_http_call_events events = {
        .on_body = spec->on_body ? on_body : NULL,
        .on_response = on_response,
        .on_data = on_data,
        .on_done = on_done,
    };
    struct mg_http_header headers[FIELDS];
    size_t count = spec->field_count < FIELDS ? spec->field_count : FIELDS;
    for (size_t i = 0; i < count; i++)
        headers[i] = (struct mg_http_header){spec->fields[i].name, spec->fields[i].value};
    const struct mg_http_call_options options = {
        .method = spec->method,
        .url = spec->url,
        .headers = headers,
        .header_count = count,
        .length = spec->length,
        .timeout = spec->timeout,
    };
    struct mg_error error;
    struct mg_http_client *client = client_of(instance);
    mg_fail(&error, "net.cancelled", "The instance is not open yet.");
    struct mg_call *call = mg_allocate_zeroed(1, sizeof *call);
    call->spec = *spec;
    if (client)
        call->http = mg_http_call(client, &options, &events, call, &error);
    if (!call->http) {
        mg_log(MG_LOG_ERROR, "adapter.call-failed", "instance", instance->name, "code", error.code,
               "reason", error.text, NULL);
        free(call);
        return NULL;
    }
    call->next = instance->calls;
    call->link = &instance->calls;
    if (call->next)
        call->next->link = &call->next;
    instance->calls = call;
    return call;
}

static void cancel(struct mg_call *call)
{
    mg_http_call_cancel(call->http);
    free_call(call);
}

void mg_instance_end_calls(struct mg_instance *instance)
{
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): what is freed takes itself out of the list first */
    while (instance->calls)
        cancel(instance->calls);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}

void mg_host_offer_http_out(struct mg_gateway *gateway)
{
    gateway->call = begin;
    gateway->call_cancel = cancel;
}
