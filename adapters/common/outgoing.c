#include "adapters/common/outgoing.h"

#include "adapters/common/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRACE          1000 /* milliseconds that a delivery has to end when it is cancelled */
#define LONGEST_HEADER 4096 /* bytes of a value; longer ones are left out */

/* ---- from the thread to the loop ---- */

static void completed(struct mg_letter *letter)
{
    struct mg_out *out = (struct mg_out *)letter;
    const struct mg_gateway *gateway = out->outgoing->gateway;
    struct mg_out **link = &out->outgoing->underway;
    while (*link != out)
        link = &(*link)->next_underway;
    *link = out->next_underway;
    if (out->grace)
        gateway->timer_cancel(out->grace);
    mg_body_free(&out->body);
    gateway->delivery_done(out->delivery, &out->outcome);
    free(out);
}

void mg_out_complete(struct mg_out *out, enum mg_outcome_kind kind, const char *code,
                     const char *text)
{
    struct mg_out **link = &out->outgoing->outs;
    while (*link != out)
        link = &(*link)->next;
    *link = out->next;
    out->outcome = (struct mg_outcome){.size = sizeof out->outcome, .kind = kind};
    if (code) {
        snprintf(out->code, sizeof out->code, "%s", code);
        snprintf(out->text, sizeof out->text, "%s", text);
        out->outcome.code = out->code;
        out->outcome.text = out->text;
    }
    out->letter.open = completed;
    mg_courier_to_loop(out->outgoing->courier, &out->letter);
}

/* ---- from the loop to the thread ---- */

static void arrived(struct mg_letter *letter)
{
    struct mg_out *out = (struct mg_out *)letter;
    struct mg_out **link = &out->outgoing->outs;
    while (*link)
        link = &(*link)->next;
    *link = out;
}

void mg_out_deliver(struct mg_outgoing *outgoing, struct mg_delivery *delivery)
{
    struct mg_out *out = mg_text_allocate(1, sizeof *out);
    *out = (struct mg_out){
        .letter = {.open = arrived},
        .outgoing = outgoing,
        .message = outgoing->gateway->delivery_message(delivery),
        .attempt = outgoing->gateway->delivery_attempt(delivery),
        .serial = ++outgoing->serials,
        .delivery = delivery,
        .next_underway = outgoing->underway,
    };
    mg_body_make(outgoing->gateway, delivery, &out->body);
    outgoing->underway = out;
    mg_courier_to_thread(outgoing->courier, &out->letter);
}

/* A cancellation names its delivery by number, since that may be on its way home meanwhile. */
struct cancellation {
    struct mg_letter letter; /* first */
    struct mg_outgoing *outgoing;
    uint64_t serial;
};

static void cancellation_drop(struct mg_letter *letter)
{
    free(letter);
}

static void cancellation_arrived(struct mg_letter *letter)
{
    struct cancellation *cancellation = (struct cancellation *)letter;
    struct mg_out *out = cancellation->outgoing->outs;
    while (out && out->serial != cancellation->serial)
        out = out->next;
    if (out)
        mg_out_complete(out, MG_TEMPORARY, "broker.cancelled",
                        out->number
                            ? "The delivery was broken off before the broker had confirmed it."
                            : "The delivery was broken off before it could be published.");
    free(cancellation);
}

static void grace_over(void *context)
{
    struct mg_out *out = context;
    out->grace = NULL;
    mg_courier_break(out->outgoing->courier);
}

void mg_out_cancel(struct mg_outgoing *outgoing, struct mg_delivery *delivery)
{
    struct mg_out *out = outgoing->underway;
    while (out && out->delivery != delivery)
        out = out->next_underway;
    assert(out);
    if (out->grace)
        return;
    struct cancellation *cancellation = mg_text_allocate(1, sizeof *cancellation);
    *cancellation = (struct cancellation){
        .letter = {.open = cancellation_arrived, .drop = cancellation_drop},
        .outgoing = outgoing,
        .serial = out->serial,
    };
    mg_courier_to_thread(outgoing->courier, &cancellation->letter);
    out->grace = outgoing->gateway->timer(outgoing->instance, GRACE, grace_over, out);
}

/* ---- the thread's ---- */

struct mg_out *mg_out_waiting(const struct mg_outgoing *outgoing)
{
    struct mg_out *out = outgoing->outs;
    while (out && out->number)
        out = out->next;
    return out;
}

bool mg_out_header(const struct mg_out *out, size_t *index, const char **name, const char **value)
{
    const struct mg_message_facts *message = out->message;
    const char *const headers[MG_OUT_HEADERS][2] = {
        {"uuid", message->uuid},
        {"profile", message->profile},
        {"type", message->type_code},
        {"type-list", message->type_list},
        {"type-version", message->type_version},
        {"created", message->created},
        {"author", message->author},
        {"reader", message->reader},
    };
    while (*index < MG_OUT_HEADERS) {
        *name = headers[*index][0];
        *value = headers[*index][1];
        ++*index;
        if (*value && **value && strlen(*value) <= LONGEST_HEADER)
            return true;
    }
    return false;
}
