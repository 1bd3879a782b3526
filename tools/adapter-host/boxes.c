/* Messages that are collected. */
#include "tools/adapter-host/host.h"

#include <stdlib.h>
#include <string.h>

#define MOST_ENTRIES 1000

struct asked {
    struct host_request request; /* first */
    union {
        void (*list)(const struct mg_box_list *list, void *context);
        void (*take)(struct mg_delivery *delivery, const struct mg_refusal *refusal, void *context);
        void (*settle)(const struct mg_refusal *refusal, void *context);
    } end;
    void *context;
};

static struct mg_frame_writer *ask(struct mg_instance *instance, const char *type,
                                   struct host_request *request)
{
    int64_t number = host_add_request(instance, request);
    struct mg_frame_writer *writer = mg_channel_begin(instance->host->channel, type);
    mg_frame_put_number(writer, "request", number);
    return writer;
}

static struct asked *new_asked(void *context)
{
    struct asked *asked = mg_allocate_zeroed(1, sizeof *asked);
    asked->context = context;
    return asked;
}

/* ---- facts ---- */

struct facts_asked {
    struct host_request request; /* first */
    struct mg_box_facts *facts;
};

static void facts(struct mg_instance *instance, struct mg_box_facts *wanted)
{
    struct mg_box_facts found = {.size = wanted->size};
    struct facts_asked asked = {.facts = &found};
    ask(instance, "box", &asked.request);
    mg_channel_send(instance->host->channel);
    host_wait(instance, &asked.request);
    memcpy(wanted, &found, found.size < sizeof found ? found.size : sizeof found);
}

void host_on_box(struct host *host, struct mg_frame *frame)
{
    struct facts_asked *asked = host_end_request(host, frame);
    if (!asked)
        return;
    asked->facts->waiting = mg_frame_number(frame, NULL, "waiting", 0);
    asked->facts->taken = mg_frame_number(frame, NULL, "taken", 0);
    asked->facts->bytes = mg_frame_number(frame, NULL, "bytes", 0);
    asked->facts->oldest = mg_frame_number(frame, NULL, "oldest", 0);
    asked->request.answered = true;
}

/* ---- list ---- */

static bool list(struct mg_instance *instance, const char *after, unsigned limit,
                 void (*end)(const struct mg_box_list *list, void *context), void *context)
{
    struct asked *asked = new_asked(context);
    asked->end.list = end;
    struct mg_frame_writer *writer = ask(instance, "list", &asked->request);
    mg_frame_put_text(writer, "after", after);
    mg_frame_put_number(writer, "limit",
                        limit < 1              ? 1
                        : limit > MOST_ENTRIES ? MOST_ENTRIES
                                               : limit);
    return mg_channel_send(instance->host->channel);
}

static const char *text_of(struct mg_frame *frame, const json_t *object, const char *name)
{
    const char *text = mg_frame_text(frame, object, name);
    return text ? text : "";
}

static void read_entry(struct mg_frame *frame, const json_t *object, struct mg_box_entry *entry)
{
    *entry = (struct mg_box_entry){
        .size = sizeof *entry,
        .id = text_of(frame, object, "id"),
        .uuid = text_of(frame, object, "uuid"),
        .type = text_of(frame, object, "type"),
        .author = text_of(frame, object, "author"),
        .reader = text_of(frame, object, "reader"),
        .partner = text_of(frame, object, "partner"),
        .accepted = mg_frame_number(frame, object, "accepted", 0),
        .length = mg_frame_number(frame, object, "length", 0),
        .attempts = (int)mg_frame_number(frame, object, "attempts", 0),
    };
}

void host_on_list(struct host *host, struct mg_frame *frame)
{
    struct asked *asked = host_end_request(host, frame);
    if (!asked)
        return;
    const json_t *array = mg_frame_array(frame, NULL, "entries");
    size_t count = json_array_size(array);
    struct mg_box_entry *entries = mg_allocate_zeroed(count + 1, sizeof *entries);
    const struct mg_box_entry **places = mg_allocate_zeroed(count + 1, sizeof *places);
    for (size_t i = 0; i < count; i++) {
        read_entry(frame, json_array_get(array, i), &entries[i]);
        places[i] = &entries[i];
    }
    struct mg_refusal refusal;
    const struct mg_box_list told = {
        .size = sizeof told,
        .entries = places,
        .count = count,
        .next = mg_frame_text(frame, NULL, "next"),
        .refusal = host_read_refusal(frame, &refusal) ? &refusal : NULL,
    };
    asked->end.list(&told, asked->context);
    free(places);
    free(entries);
    free(asked);
}

/* ---- take and settle ---- */

static bool take(struct mg_instance *instance, const char *id, int64_t lease,
                 void (*end)(struct mg_delivery *delivery, const struct mg_refusal *refusal,
                             void *context),
                 void *context)
{
    struct asked *asked = new_asked(context);
    asked->end.take = end;
    struct mg_frame_writer *writer = ask(instance, "take", &asked->request);
    mg_frame_put_text(writer, "id", id);
    mg_frame_put_number(writer, "lease", lease);
    return mg_channel_send(instance->host->channel);
}

void host_on_taken(struct host *host, struct mg_frame *frame)
{
    struct asked *asked = host_end_request(host, frame);
    if (!asked)
        return;
    struct mg_refusal refusal;
    bool refused = host_read_refusal(frame, &refusal);
    struct mg_delivery *delivery = NULL;
    if (json_object_get(frame->header, "delivery"))
        delivery = host_read_delivery(&host->instance, frame);
    asked->end.take(delivery, refused ? &refusal : NULL, asked->context);
    free(asked);
}

static bool settle(struct mg_instance *instance, const char *id, const char *claim,
                   enum mg_settlement settlement,
                   void (*end)(const struct mg_refusal *refusal, void *context), void *context)
{
    struct asked *asked = new_asked(context);
    asked->end.settle = end;
    struct mg_frame_writer *writer = ask(instance, "settle", &asked->request);
    mg_frame_put_text(writer, "id", id);
    mg_frame_put_text(writer, "claim", claim);
    mg_frame_put_text(writer, "settlement", settlement == MG_COLLECTED ? "collected" : "returned");
    return mg_channel_send(instance->host->channel);
}

void host_on_settled(struct host *host, struct mg_frame *frame)
{
    struct asked *asked = host_end_request(host, frame);
    struct mg_refusal refusal;
    if (!asked)
        return;
    bool refused = host_read_refusal(frame, &refusal);
    asked->end.settle(refused ? &refusal : NULL, asked->context);
    free(asked);
}

void host_offer_boxes(struct mg_gateway *gateway)
{
    gateway->box_facts = facts;
    gateway->box_list = list;
    gateway->box_take = take;
    gateway->box_settle = settle;
}
