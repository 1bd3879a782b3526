/*
 * The way out: POST of the sealed message to the destination's URL. The fields Idempotency-Key (a
 * quoted string, as draft-ietf-httpapi-idempotency-key-header has it) and Muengsten-Message-Id
 * carry the gateway's id, by which the receiving system recognises a repetition; Muengsten-Attempt
 * counts from 1.
 *
 * What an answer means (the table itself stands in status.c). 2xx: delivered. 3xx: permanent,
 * http.redirect, since redirects are not followed. 408, 409, 423, 425 and 429: temporary, 409 too,
 * since a system that is still busy with the same key says so. Other 4xx, 501 and 505: permanent.
 * Other 5xx, and what is no status: temporary. No answer or a broken one: temporary, with the code
 * of the connection (net.…).
 *
 * Retry-After counts with everything temporary. A 2xx counts as delivered only if the whole message
 * was sent and the answer came completely: a repetition does no harm, a loss does. For every other
 * status its head is enough, since nobody reads the rest.
 *
 * With the parameter replies, the body of an answer 200 is a message of the system's own, which the
 * delivery's completion hands to the gateway. One that is too large would be so at every
 * repetition: the delivery ends permanently with rest.reply-too-large, for somebody to look at.
 */
#include "adapters/common/answer.h"
#include "adapters/common/body.h"
#include "adapters/rest/rest.h"
#include "adapters/rest/status.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct mg_rest_delivery {
    struct mg_rest *rest;
    struct mg_delivery *delivery;
    struct mg_call *call;
    struct mg_body body;
    int64_t sent;        /* bytes of the body that the call has taken */
    int status;          /* 0: no answer yet */
    int64_t retry_after; /* milliseconds */
    struct mg_text reply;
    struct mg_text reply_type; /* its Content-Type */
    bool reply_too_large;
    struct mg_rest_delivery *next;
};

static void take_out(struct mg_rest_delivery *out)
{
    struct mg_rest_delivery **link = &out->rest->underway;
    while (*link != out)
        link = &(*link)->next;
    *link = out->next;
}

static void free_delivery(struct mg_rest_delivery *out)
{
    mg_body_free(&out->body);
    mg_text_free(&out->reply);
    mg_text_free(&out->reply_type);
    free(out);
}

static void complete(struct mg_rest_delivery *out, enum mg_outcome_kind kind, const char *code,
                     const char *text)
{
    const struct mg_gateway *gateway = out->rest->gateway;
    struct mg_delivery *delivery = out->delivery;
    struct mg_outcome outcome = {
        .size = sizeof outcome,
        .kind = kind,
        .code = code,
        .text = text,
        .retry_after = kind == MG_TEMPORARY ? out->retry_after : 0,
    };
    if (kind == MG_DELIVERED && out->reply.length > 0) {
        outcome.reply = out->reply.bytes;
        outcome.reply_length = out->reply.length;
        outcome.reply_media_type = out->reply_type.bytes;
    }
    /* What is completed may be begun again before delivery_done returns: out is no longer underway.
     */
    take_out(out);
    gateway->delivery_done(delivery, &outcome);
    free_delivery(out);
}

static ssize_t on_body(int64_t offset, void *bytes, size_t size, void *context)
{
    struct mg_rest_delivery *out = context;
    ssize_t read = mg_body_read(&out->body, offset, bytes, size);
    if (read > 0)
        out->sent = offset + read;
    return read;
}

static void on_response(const struct mg_response *response, void *context)
{
    struct mg_rest_delivery *out = context;
    const char *wait = mg_field_value(response->fields, response->field_count, "Retry-After");
    out->status = response->status;
    out->retry_after = wait ? mg_status_retry_after(wait, time(NULL)) : 0;
    const char *type = mg_field_value(response->fields, response->field_count, "Content-Type");
    mg_text_print(&out->reply_type, "%s", type ? type : "application/octet-stream");
}

static void on_data(const void *bytes, size_t length, void *context)
{
    struct mg_rest_delivery *out = context;
    size_t limit = out->rest->reply_size;
    if (out->status != 200 || limit == 0)
        return;
    if (length > limit - out->reply.length)
        out->reply_too_large = true;
    else if (!out->reply_too_large)
        mg_text_add(&out->reply, bytes, length);
}

static void on_done(const char *code, const char *text, void *context)
{
    struct mg_rest_delivery *out = context;
    struct mg_status status;
    char sentence[160];
    mg_status_read(out->status, &status);
    bool delivered = out->status && status.kind == MG_DELIVERED;
    if (!code && !out->status) {
        code = "http.no-answer";
        text = "The connection ended without an answer of the receiving system.";
    }
    if (code && (!out->status || delivered)) {
        complete(out, MG_TEMPORARY, code, text);
    } else if (delivered && out->sent < out->body.length) {
        complete(out, MG_TEMPORARY, "http.early",
                 "The receiving system answered before it had the whole message.");
    } else if (out->reply_too_large) {
        complete(out, MG_PERMANENT, "rest.reply-too-large",
                 "The receiving system has the message, but its reply is larger than reply-size.");
    } else {
        snprintf(sentence, sizeof sentence, "The receiving system %s (status %d).", status.meaning,
                 out->status);
        complete(out, status.kind, delivered ? NULL : status.code, sentence);
    }
}

void mg_rest_deliver(void *state, struct mg_delivery *delivery)
{
    struct mg_rest *rest = state;
    const struct mg_gateway *gateway = rest->gateway;
    const char *id = gateway->delivery_message(delivery)->id;
    int64_t deadline = gateway->delivery_deadline(delivery);
    char key[64], attempt[16];
    struct mg_rest_delivery *out = mg_text_allocate(1, sizeof *out);
    *out = (struct mg_rest_delivery){.rest = rest, .delivery = delivery, .next = rest->underway};
    rest->underway = out;
    mg_body_make(gateway, delivery, &out->body);
    snprintf(key, sizeof key, "\"%s\"", id);
    snprintf(attempt, sizeof attempt, "%d", gateway->delivery_attempt(delivery));
    const struct mg_field fields[] = {
        {"Content-Type", out->body.media_type.bytes},
        {"Idempotency-Key", key},
        {"Muengsten-Message-Id", id},
        {"Muengsten-Attempt", attempt},
    };
    const struct mg_call_spec spec = {
        .size = sizeof spec,
        .method = "POST",
        .url = rest->url,
        .fields = fields,
        .field_count = sizeof fields / sizeof *fields,
        .length = out->body.length,
        .timeout = deadline > 0 ? deadline : 0,
        .on_body = on_body,
        .on_response = on_response,
        .on_data = on_data,
        .on_done = on_done,
        .context = out,
    };
    out->call = gateway->call(rest->instance, &spec);
    if (!out->call)
        complete(out, MG_TEMPORARY, "http.call",
                 "The call could not begin: check the url, and the log of the gateway.");
}

void mg_rest_cancel(void *state, struct mg_delivery *delivery)
{
    struct mg_rest *rest = state;
    struct mg_rest_delivery *out = rest->underway;
    while (out && out->delivery != delivery)
        out = out->next;
    assert(out);
    rest->gateway->call_cancel(out->call);
    complete(out, MG_TEMPORARY, "rest.cancelled",
             "The delivery was broken off before the receiving system had answered.");
}
