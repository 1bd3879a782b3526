/* HTTP to outside: call, call-cancel. */
#include "gateway/isolation/remote_inside.h"

#include <stdlib.h>
#include <string.h>

struct remote_call {
    struct mg_numbered entry; /* first */
    struct mg_remote *remote;
    struct mg_call *call;
    size_t length;
    bool over; /* cancelled inside a callback of the call */
    char body[];
};

/* ---- fields ---- */

size_t mg_remote_fields(struct mg_frame *frame, struct mg_field *fields)
{
    const json_t *array = mg_frame_array(frame, NULL, "fields");
    size_t count = json_array_size(array);
    if (count > MG_REMOTE_MOST_FIELDS) {
        mg_frame_object_to(frame, "A frame %.40s has more than %d fields.", frame->type,
                           MG_REMOTE_MOST_FIELDS);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(array, i);
        fields[i].name = json_string_value(json_array_get(pair, 0));
        fields[i].value = json_string_value(json_array_get(pair, 1));
        if (json_array_size(pair) != 2 || !fields[i].name || !fields[i].value ||
            !fields[i].name[0] || strpbrk(fields[i].name, "\r\n: ") ||
            strpbrk(fields[i].value, "\r\n")) {
            mg_frame_object_to(frame, "A field is no array of a name and a value.");
            return 0;
        }
    }
    return count;
}

void mg_remote_put_fields(struct mg_frame_writer *writer, const struct mg_field *fields,
                          size_t count)
{
    mg_frame_put_open(writer, "fields", '[');
    for (size_t i = 0; i < count; i++) {
        mg_frame_put_open(writer, NULL, '[');
        mg_frame_put_text(writer, NULL, fields[i].name);
        mg_frame_put_text(writer, NULL, fields[i].value);
        mg_frame_put_close(writer, ']');
    }
    mg_frame_put_close(writer, ']');
}

/* ---- what comes back ---- */

static void send_done(struct mg_remote *remote, int64_t number, const char *code, const char *text)
{
    struct mg_frame_writer *writer = mg_channel_begin(remote->channel, "call-done");
    mg_frame_put_number(writer, "call", number);
    mg_frame_put_text(writer, "code", code);
    mg_frame_put_text(writer, "text", text);
    mg_remote_send_answer(remote);
}

static void forget(struct remote_call *call)
{
    mg_numbers_remove(&call->remote->calls, &call->entry);
    call->remote->call_bytes -= call->length;
    free(call);
}

static ssize_t on_body(int64_t offset, void *bytes, size_t size, void *context)
{
    const struct remote_call *call = context;
    if (offset < 0 || (uint64_t)offset > call->length)
        return -1;
    size_t left = call->length - (size_t)offset;
    if (size > left)
        size = left;
    memcpy(bytes, call->body + offset, size);
    return (ssize_t)size;
}

static void on_response(const struct mg_response *response, void *context)
{
    struct remote_call *call = context;
    struct mg_frame_writer *writer = mg_channel_begin(call->remote->channel, "response");
    mg_frame_put_number(writer, "call", call->entry.number);
    mg_frame_put_number(writer, "status", response->status);
    mg_remote_put_fields(writer, response->fields, response->field_count);
    /* A head too large for a frame leaves the call without a response, which it is told below. */
    mg_channel_send(call->remote->channel);
}

static void on_data(const void *bytes, size_t length, void *context)
{
    struct remote_call *call = context;
    struct mg_remote *remote = call->remote;
    /* Beyond that, nothing more of this response is kept for a program that does not read. */
    if (mg_channel_waiting(remote->channel) > MG_REMOTE_OUTPUT)
        call->over = true;
    if (call->over)
        return;
    struct mg_frame_writer *writer = mg_channel_begin(remote->channel, "response-data");
    mg_frame_put_number(writer, "call", call->entry.number);
    mg_frame_put_content(writer, bytes, length);
    mg_channel_send(remote->channel);
}

static void on_done(const char *code, const char *text, void *context)
{
    struct remote_call *call = context;
    if (call->over && !code) {
        code = "adapter.busy";
        text = "The response came faster than the adapter reads.";
    }
    send_done(call->remote, call->entry.number, code, text);
    forget(call);
}

/* ---- handlers ---- */

static void begin(struct mg_remote *remote, int64_t number, struct mg_call_spec *spec,
                  const struct mg_frame *frame)
{
    struct remote_call *call = mg_allocate_zeroed(1, sizeof *call + frame->length);
    call->entry.number = number;
    call->remote = remote;
    call->length = frame->length;
    if (frame->length > 0)
        memcpy(call->body, frame->content, frame->length);
    mg_numbers_add(&remote->calls, &call->entry);
    remote->call_bytes += call->length;
    spec->length = (int64_t)frame->length;
    spec->on_body = frame->length > 0 ? on_body : NULL;
    spec->on_response = on_response;
    spec->on_data = on_data;
    spec->on_done = on_done;
    spec->context = call;
    call->call = remote->gateway->call(remote->instance, spec);
    if (call->call)
        return;
    forget(call);
    send_done(remote, number, "http.call",
              "The call could not begin: check the url, and the log of the gateway.");
}

void mg_remote_on_call(struct mg_remote *remote, struct mg_frame *frame)
{
    struct mg_field fields[MG_REMOTE_MOST_FIELDS];
    int64_t number = mg_frame_need_number(frame, NULL, "call");
    struct mg_call_spec spec = {
        .size = sizeof spec,
        .method = mg_frame_need_text(frame, NULL, "method"),
        .url = mg_frame_need_text(frame, NULL, "url"),
        .fields = fields,
        .field_count = mg_remote_fields(frame, fields),
        .timeout = mg_frame_number(frame, NULL, "timeout", 0),
    };
    if (mg_numbers_find(&remote->calls, number))
        mg_frame_object_to(frame, "A call has the number of another that is underway.");
    if (frame->wrong)
        return;
    /* A body stays in memory until its call is over. */
    bool full = remote->call_bytes > 0 && remote->call_bytes + frame->length >
                                              MG_REMOTE_CALL_CONTENTS * remote->options.content;
    if (full || remote->calls.count >= MG_REMOTE_MOST_CALLS)
        send_done(remote, number, "adapter.busy", "The adapter has too many calls underway.");
    else
        begin(remote, number, &spec, frame);
}

static void cancel(struct remote_call *call)
{
    call->remote->gateway->call_cancel(call->call);
    forget(call);
}

void mg_remote_on_call_cancel(struct mg_remote *remote, struct mg_frame *frame)
{
    struct remote_call *call =
        mg_numbers_find(&remote->calls, mg_frame_need_number(frame, NULL, "call"));
    if (call && !frame->wrong)
        cancel(call);
}

void mg_remote_break_off_calls(struct mg_remote *remote)
{
    struct remote_call *call;
    while ((call = mg_numbers_any(&remote->calls)))
        cancel(call);
}
