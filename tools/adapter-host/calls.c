/* HTTP to outside: the gateway makes the calls. */
#include "tools/adapter-host/host.h"

#include <stdlib.h>

#define PIECE      65536
#define BODY_LIMIT (64U * 1024 * 1024)

struct mg_call {
    struct mg_numbered entry; /* first */
    struct mg_instance *instance;
    void (*on_response)(const struct mg_response *response, void *context);
    void (*on_data)(const void *bytes, size_t length, void *context);
    void (*on_done)(const char *code, const char *text, void *context);
    void *context;
};

/* The whole body goes with the frame: of a length that was said, or to its end. It is read before
 * the frame is begun, since reading may have to ask the gateway. */
static bool read_body(const struct mg_call_spec *spec, struct mg_buffer *body)
{
    int64_t offset = 0;
    while (spec->on_body && (spec->length < 0 || offset < spec->length)) {
        size_t size = spec->length < 0 || spec->length - offset > PIECE
                          ? PIECE
                          : (size_t)(spec->length - offset);
        char *room = mg_buffer_reserve(body, size);
        ssize_t length = room ? spec->on_body(offset, room, size, spec->context) : -1;
        if (length < 0)
            return false;
        if (length == 0)
            break;
        mg_buffer_used(body, (size_t)length);
        offset += length;
    }
    return spec->length < 0 || offset == spec->length;
}

static void forget(struct mg_call *call)
{
    mg_numbers_remove(&call->instance->calls, &call->entry);
    free(call);
}

static bool send_call(struct mg_instance *instance, int64_t number, const struct mg_call_spec *spec,
                      const struct mg_buffer *body)
{
    struct mg_channel *channel = instance->host->channel;
    struct mg_frame_writer *writer = mg_channel_begin(channel, "call");
    mg_frame_put_number(writer, "call", number);
    mg_frame_put_text(writer, "method", spec->method);
    mg_frame_put_text(writer, "url", spec->url);
    host_put_fields(writer, spec->fields, spec->field_count);
    if (spec->timeout > 0)
        mg_frame_put_number(writer, "timeout", spec->timeout);
    mg_frame_put_content(writer, body->data, body->length);
    return mg_channel_send(channel);
}

static struct mg_call *begin(struct mg_instance *instance, const struct mg_call_spec *spec)
{
    struct mg_buffer body = {.limit = BODY_LIMIT};
    struct mg_call *call = mg_allocate_zeroed(1, sizeof *call);
    *call = (struct mg_call){.instance = instance,
                             .on_response = spec->on_response,
                             .on_data = spec->on_data,
                             .on_done = spec->on_done,
                             .context = spec->context};
    int64_t number = mg_numbers_give(&instance->calls, &call->entry);
    bool sent = read_body(spec, &body) && send_call(instance, number, spec, &body);
    mg_buffer_free(&body);
    if (sent)
        return call;
    forget(call);
    return NULL;
}

static void cancel(struct mg_call *call)
{
    struct mg_channel *channel = call->instance->host->channel;
    mg_frame_put_number(mg_channel_begin(channel, "call-cancel"), "call", call->entry.number);
    mg_channel_send(channel);
    forget(call);
}

/* One that was cancelled has crossed what comes. */
static struct mg_call *find(struct host *host, struct mg_frame *frame)
{
    struct mg_call *call =
        mg_numbers_find(&host->instance.calls, mg_frame_need_number(frame, NULL, "call"));
    return frame->wrong ? NULL : call;
}

void host_on_response(struct host *host, struct mg_frame *frame)
{
    struct mg_field fields[HOST_FIELDS];
    struct mg_call *call = find(host, frame);
    const struct mg_response response = {
        .size = sizeof response,
        .status = (int)mg_frame_need_number(frame, NULL, "status"),
        .fields = fields,
        .field_count = host_read_fields(frame, fields),
    };
    if (call && call->on_response && !frame->wrong)
        call->on_response(&response, call->context);
}

void host_on_response_data(struct host *host, struct mg_frame *frame)
{
    struct mg_call *call = find(host, frame);
    if (call && call->on_data)
        call->on_data(frame->content, frame->length, call->context);
}

void host_on_call_done(struct host *host, struct mg_frame *frame)
{
    struct mg_call *call = find(host, frame);
    const char *code = mg_frame_text(frame, NULL, "code");
    const char *text = mg_frame_text(frame, NULL, "text");
    if (!call || frame->wrong)
        return;
    void (*on_done)(const char *, const char *, void *) = call->on_done;
    void *context = call->context;
    forget(call);
    on_done(code, code && !text ? "" : text, context);
}

void host_end_calls(struct mg_instance *instance)
{
    struct mg_call *call;
    while ((call = mg_numbers_any(&instance->calls)))
        forget(call);
}

void host_offer_calls(struct mg_gateway *gateway)
{
    gateway->call = begin;
    gateway->call_cancel = cancel;
}
