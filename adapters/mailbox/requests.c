/*
 * The requests of readers. Each is read whole (none has a body), then asks the gateway for its box,
 * and is answered when the gateway has.
 *
 *   200  the list; or the message, in the form that rest delivers it in, with the fields
 *        Muengsten-Message-Id, Muengsten-Attempt, Muengsten-Claim and Muengsten-Claim-Until
 *   204  fetch: nothing waits; acknowledge, return: done
 *   …    refused: the refusal's own status, with Retry-After where waiting helps
 */
#include "adapters/common/answer.h"
#include "adapters/common/body.h"
#include "adapters/common/moment.h"
#include "adapters/mailbox/listing.h"
#include "adapters/mailbox/mailbox.h"
#include "adapters/mailbox/query.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Entries of a list where the reader does not say. */
#define USUAL_LIMIT   100
#define LARGEST_LIMIT 1000

#define ID_SIZE 64

/* A request underway, from its head to its answer. */
struct visit {
    struct mg_mailbox *mailbox;
    struct mg_exchange *exchange; /* NULL: the connection broke while the gateway was asked */
    bool wants_xml;
    bool asked; /* what the gateway was asked for is still to come */
    bool (*ask)(struct visit *visit);
    char id[ID_SIZE];           /* empty: of no message */
    struct mg_query_value text; /* after, or claim */
    int64_t number;             /* limit, or lease in seconds */
    /* A message that was taken */
    struct mg_delivery *delivery;
    struct mg_body body;
    int64_t until; /* when the lease ends, milliseconds since 1970 */
    char *bytes;   /* the whole body */
};

static void refuse(struct visit *visit, int status, const char *code, const char *title,
                   const char *text)
{
    const struct mg_refusal refusal = {.size = sizeof refusal,
                                       .status = status,
                                       .code = code,
                                       .title = title,
                                       .text = text,
                                       .place = "",
                                       .message = "",
                                       .retry_after = status == 503 ? 1 : 0};
    mg_answer_refusal(visit->mailbox->gateway, visit->exchange, visit->wants_xml, &refusal);
    free(visit);
}

static void pass_refusal(struct visit *visit, const struct mg_refusal *refusal)
{
    mg_answer_refusal(visit->mailbox->gateway, visit->exchange, visit->wants_xml, refusal);
    free(visit);
}

/* What was asked for has come; false if nobody waits for it any more, and the visit is over. */
static bool is_awaited(struct visit *visit)
{
    visit->asked = false;
    if (visit->exchange)
        return true;
    free(visit);
    return false;
}

/* ---- list ---- */

static void list_end(const struct mg_box_list *list, void *context)
{
    static const struct mg_field fields[] = {{"Content-Type", "application/json"},
                                             {"Cache-Control", "no-store"}};
    struct visit *visit = context;
    const struct mg_mailbox *mailbox = visit->mailbox;
    if (!is_awaited(visit))
        return;
    if (list->refusal) {
        pass_refusal(visit, list->refusal);
        return;
    }
    struct mg_box_facts facts = {.size = sizeof facts};
    struct mg_text body = {0};
    mailbox->gateway->box_facts(mailbox->instance, &facts);
    mg_listing_write(list, &facts, &body);
    mailbox->gateway->exchange_answer(visit->exchange, 200, fields, 2, body.bytes, body.length);
    mg_text_free(&body);
    free(visit);
}

static bool ask_list(struct visit *visit)
{
    const struct mg_mailbox *mailbox = visit->mailbox;
    return mailbox->gateway->box_list(mailbox->instance,
                                      visit->text.given ? visit->text.text : NULL,
                                      (unsigned)visit->number, list_end, visit);
}

/* ---- fetch ---- */

static void returned(const struct mg_refusal *refusal, void *context)
{
    (void)refusal, (void)context;
}

/* Back into the box, for the next reader. If the gateway is too busy even for that, the lease ends
 * by itself. */
static void put_back(const struct visit *visit)
{
    const struct mg_gateway *gateway = visit->mailbox->gateway;
    gateway->box_settle(visit->mailbox->instance, gateway->delivery_message(visit->delivery)->id,
                        gateway->box_claim(visit->delivery), MG_RETURNED, returned, NULL);
}

static void release(struct visit *visit)
{
    visit->mailbox->gateway->box_close(visit->delivery);
    mg_body_free(&visit->body);
    free(visit->bytes);
    visit->bytes = NULL;
}

static void hand_out(struct visit *visit)
{
    const struct mg_gateway *gateway = visit->mailbox->gateway;
    char attempt[16], until[MG_MOMENT_SIZE];
    snprintf(attempt, sizeof attempt, "%d", gateway->delivery_attempt(visit->delivery));
    const struct mg_field fields[] = {
        {"Content-Type", visit->body.media_type.bytes},
        {"Muengsten-Message-Id", gateway->delivery_message(visit->delivery)->id},
        {"Muengsten-Attempt", attempt},
        {"Muengsten-Claim", gateway->box_claim(visit->delivery)},
        {"Muengsten-Claim-Until", mg_moment_text(visit->until, until)},
        {"Cache-Control", "no-store"},
    };
    gateway->exchange_answer(visit->exchange, 200, fields, sizeof fields / sizeof *fields,
                             visit->bytes, (size_t)visit->body.length);
    gateway->counter_add(visit->mailbox->fetched, 1);
    release(visit);
    free(visit);
}

/* The whole body; NULL if it cannot be read. */
static char *read_whole(const struct mg_body *body)
{
    char *bytes = mg_text_allocate(1, (size_t)body->length);
    for (int64_t offset = 0; offset < body->length;) {
        ssize_t length =
            mg_body_read(body, offset, bytes + offset, (size_t)(body->length - offset));
        if (length <= 0) {
            free(bytes);
            return NULL;
        }
        offset += length;
    }
    return bytes;
}

static void read_body(void *context)
{
    struct visit *visit = context;
    visit->bytes = read_whole(&visit->body);
}

static void body_is_read(void *context)
{
    struct visit *visit = context;
    bool awaited = visit->exchange != NULL;
    if (awaited && visit->bytes) {
        hand_out(visit);
        return;
    }
    put_back(visit);
    release(visit);
    if (is_awaited(visit))
        refuse(visit, 503, "mailbox.unreadable", "The message cannot be read",
               "The message cannot be read at the moment: wait, then fetch it again.");
}

static void take_end(struct mg_delivery *delivery, const struct mg_refusal *refusal, void *context)
{
    struct visit *visit = context;
    const struct mg_gateway *gateway = visit->mailbox->gateway;
    if (!delivery) {
        if (!is_awaited(visit))
            return;
        if (refusal) {
            pass_refusal(visit, refusal);
            return;
        }
        gateway->exchange_answer(visit->exchange, 204, NULL, 0, NULL, 0);
        free(visit);
        return;
    }
    visit->delivery = delivery;
    mg_body_make(gateway, delivery, &visit->body);
    /* Document and seal are in memory; attachments are read from the disk, which blocks. */
    if (visit->exchange && gateway->delivery_message(delivery)->attachments > 0 &&
        gateway->work(visit->mailbox->instance, read_body, body_is_read, visit))
        return;
    if (visit->exchange && gateway->delivery_message(delivery)->attachments == 0)
        read_body(visit);
    body_is_read(visit);
}

static bool ask_take(struct visit *visit)
{
    const struct mg_mailbox *mailbox = visit->mailbox;
    /* The lease begins a little later than this, so the reader is never told too much. */
    visit->until = mg_moment_now() + visit->number * 1000;
    return mailbox->gateway->box_take(mailbox->instance, *visit->id ? visit->id : NULL,
                                      visit->number * 1000, take_end, visit);
}

/* ---- acknowledge and return ---- */

static void settled(struct visit *visit, const struct mg_refusal *refusal,
                    struct mg_counter *counter)
{
    const struct mg_mailbox *mailbox = visit->mailbox;
    if (!refusal)
        mailbox->gateway->counter_add(counter, 1);
    else if (strcmp(refusal->code, "box.lost") == 0)
        mailbox->gateway->counter_add(mailbox->lost, 1);
    if (!is_awaited(visit))
        return;
    if (refusal) {
        pass_refusal(visit, refusal);
        return;
    }
    mailbox->gateway->exchange_answer(visit->exchange, 204, NULL, 0, NULL, 0);
    free(visit);
}

static void acknowledge_end(const struct mg_refusal *refusal, void *context)
{
    struct visit *visit = context;
    settled(visit, refusal, visit->mailbox->acknowledged);
}

static void return_end(const struct mg_refusal *refusal, void *context)
{
    struct visit *visit = context;
    settled(visit, refusal, visit->mailbox->returned);
}

static bool ask_acknowledge(struct visit *visit)
{
    const struct mg_mailbox *mailbox = visit->mailbox;
    return mailbox->gateway->box_settle(mailbox->instance, visit->id, visit->text.text,
                                        MG_COLLECTED, acknowledge_end, visit);
}

static bool ask_return(struct visit *visit)
{
    const struct mg_mailbox *mailbox = visit->mailbox;
    return mailbox->gateway->box_settle(mailbox->instance, visit->id, visit->text.text, MG_RETURNED,
                                        return_end, visit);
}

/* ---- from the head of a request to its end ---- */

static void on_data(struct mg_exchange *exchange, const void *bytes, size_t length, void *context)
{
    (void)exchange, (void)bytes, (void)length, (void)context;
}

static void on_end(struct mg_exchange *exchange, void *context)
{
    (void)exchange;
    struct visit *visit = context;
    visit->asked = visit->ask(visit);
    if (!visit->asked)
        refuse(visit, 503, "mailbox.busy", "Too much is underway",
               "Too many requests to this box are underway: wait, then ask again.");
}

static void on_abort(struct mg_exchange *exchange, void *context)
{
    (void)exchange;
    struct visit *visit = context;
    visit->exchange = NULL;
    if (!visit->asked)
        free(visit);
}

static struct visit *begin(struct mg_exchange *exchange, const struct mg_request *request,
                           void *state)
{
    struct visit *visit = mg_text_allocate(1, sizeof *visit);
    visit->mailbox = state;
    visit->exchange = exchange;
    visit->wants_xml = mg_answer_wants_xml(request);
    return visit;
}

static void go_on(struct visit *visit, bool (*ask)(struct visit *visit))
{
    static const struct mg_exchange_events events = {
        .size = sizeof events, .on_data = on_data, .on_end = on_end, .on_abort = on_abort};
    visit->ask = ask;
    visit->mailbox->gateway->exchange_take(visit->exchange, &events, 0, visit);
}

static void refuse_query(struct visit *visit, const char *text)
{
    refuse(visit, 400, "mailbox.query", "The query is not understood", text);
}

static void list(struct mg_exchange *exchange, const struct mg_request *request, void *state)
{
    struct visit *visit = begin(exchange, request, state);
    struct mg_query_value values[] = {{.name = "after"}, {.name = "limit"}};
    if (!mg_query_read(request->query, values, 2) ||
        !mg_query_number(&values[1], USUAL_LIMIT, 1, LARGEST_LIMIT, &visit->number)) {
        refuse_query(visit, "A list may be asked for with after=, the next of the list before, and "
                            "limit=, a number from 1 to 1000.");
        return;
    }
    visit->text = values[0];
    go_on(visit, ask_list);
}

static void go_fetch(struct visit *visit, const char *query)
{
    struct mg_query_value lease = {.name = "lease"};
    if (mg_query_read(query, &lease, 1) &&
        mg_query_number(&lease, visit->mailbox->lease, 1, visit->mailbox->longest_lease,
                        &visit->number)) {
        go_on(visit, ask_take);
        return;
    }
    char text[128];
    snprintf(text, sizeof text,
             "A message may be fetched with lease=, a number of seconds from 1 to %lld.",
             (long long)visit->mailbox->longest_lease);
    refuse_query(visit, text);
}

static void fetch_oldest(struct mg_exchange *exchange, const struct mg_request *request,
                         void *state)
{
    go_fetch(begin(exchange, request, state), request->query);
}

static void go_settle(struct visit *visit, const char *query, bool (*ask)(struct visit *visit))
{
    visit->text.name = "claim";
    if (mg_query_read(query, &visit->text, 1) && visit->text.given && *visit->text.text)
        go_on(visit, ask);
    else
        refuse_query(visit, "Say which taking of the message is meant with claim=, the value of "
                            "Muengsten-Claim that came with it.");
}

/* PREFIX/messages/ID, and what stands behind it. */
static void on_message(struct mg_exchange *exchange, const struct mg_request *request, void *state)
{
    struct visit *visit = begin(exchange, request, state);
    size_t before = strlen(visit->mailbox->messages);
    assert(strncmp(request->path, visit->mailbox->messages, before) == 0);
    const char *id = request->path + before;
    size_t length = strcspn(id, "/");
    const char *rest = id + length;
    bool deletes = strcmp(request->method, "DELETE") == 0;
    snprintf(visit->id, sizeof visit->id, "%.*s", (int)(length < ID_SIZE ? length : 0), id);
    if (!*visit->id)
        refuse(visit, 404, "http.path", "Nothing there", "There is nothing at this path.");
    else if (deletes && !*rest)
        go_settle(visit, request->query, ask_acknowledge);
    else if (!deletes && strcmp(rest, "/return") == 0)
        go_settle(visit, request->query, ask_return);
    else if (!deletes && strcmp(rest, "/fetch") == 0)
        go_fetch(visit, request->query);
    else
        refuse(visit, 404, "http.path", "Nothing there", "There is nothing at this path.");
}

bool mg_mailbox_serve(struct mg_mailbox *mailbox, const char *prefix)
{
    const struct mg_gateway *gateway = mailbox->gateway;
    struct mg_instance *instance = mailbox->instance;
    struct mg_text fetch = {0}, messages = {0};
    mg_text_print(&fetch, "%s/fetch", prefix ? prefix : "");
    mg_text_print(&messages, "%s/messages/", prefix ? prefix : "");
    mailbox->messages = mg_text_copy(messages.bytes);
    bool serves = prefix && gateway->http_route(instance, "GET", prefix, list, mailbox) &&
                  gateway->http_route(instance, "POST", fetch.bytes, fetch_oldest, mailbox) &&
                  gateway->http_route(instance, "POST", messages.bytes, on_message, mailbox) &&
                  gateway->http_route(instance, "DELETE", messages.bytes, on_message, mailbox);
    if (!serves)
        gateway->fail(instance, "mailbox.path",
                      "The box cannot be served at its path: it needs a listener, and a path that "
                      "nothing else is served at.");
    mg_text_free(&messages);
    mg_text_free(&fetch);
    return serves;
}
