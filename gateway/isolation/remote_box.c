/* Messages that are collected: box, list, take, settle. */
#include "gateway/isolation/remote_inside.h"

#include <stdlib.h>
#include <string.h>

/* A request that the gateway answers later, perhaps to nobody any more. */
struct remote_request {
    struct remote_request *next;
    struct remote_request **link;
    struct mg_remote *remote; /* NULL: the program that asked has ended */
    const struct mg_gateway *gateway;
    int64_t number;
};

static const struct mg_refusal no_box = {
    .size = sizeof no_box,
    .status = 404,
    .code = "box.none",
    .title = "There is no box",
    .text = "The instance is no destination whose messages are collected.",
    .place = "",
    .message = "",
};

static const struct mg_refusal busy = {
    .size = sizeof busy,
    .status = 503,
    .code = "adapter.busy",
    .title = "Too much at once",
    .text = "The adapter asks for more at once than it may.",
    .place = "",
    .message = "",
    .retry_after = 1,
};

static bool has_box(const struct mg_remote *remote)
{
    return (remote->options.description->abilities & MG_IS_COLLECTED) &&
           remote->facts.is_destination && remote->gateway->box_facts;
}

static struct mg_frame_writer *begin_answer(struct mg_remote *remote, const char *type,
                                            int64_t number)
{
    struct mg_frame_writer *writer = mg_channel_begin(remote->channel, type);
    mg_frame_put_number(writer, "request", number);
    return writer;
}

static void refuse(struct mg_remote *remote, const char *type, int64_t number,
                   const struct mg_refusal *refusal)
{
    mg_remote_put_refusal(begin_answer(remote, type, number), refusal);
    mg_remote_send_answer(remote);
}

static struct remote_request *add_request(struct mg_remote *remote, int64_t number)
{
    struct remote_request *request = mg_allocate_zeroed(1, sizeof *request);
    *request = (struct remote_request){.next = remote->requests,
                                       .link = &remote->requests,
                                       .remote = remote,
                                       .gateway = remote->gateway,
                                       .number = number};
    if (request->next)
        request->next->link = &request->next;
    remote->requests = request;
    remote->request_count++;
    return request;
}

/* The remote that asked, or NULL; the request is gone. */
static struct mg_remote *end_request(struct remote_request *request)
{
    struct mg_remote *remote = request->remote;
    if (remote) {
        *request->link = request->next;
        if (request->next)
            request->next->link = request->link;
        remote->request_count--;
    }
    free(request);
    return remote;
}

void mg_remote_break_off_requests(struct mg_remote *remote)
{
    for (struct remote_request *request = remote->requests; request; request = request->next)
        request->remote = NULL;
    remote->requests = NULL;
    remote->request_count = 0;
}

/* Whether a request may begin; otherwise it is refused. */
static bool may_begin(struct mg_remote *remote, const char *type, int64_t number)
{
    if (has_box(remote) && remote->request_count < MG_REMOTE_MOST_REQUESTS)
        return true;
    refuse(remote, type, number, has_box(remote) ? &busy : &no_box);
    return false;
}

void mg_remote_on_box(struct mg_remote *remote, struct mg_frame *frame)
{
    int64_t number = mg_frame_need_number(frame, NULL, "request");
    struct mg_box_facts facts = {.size = sizeof facts};
    if (frame->wrong || !may_begin(remote, "box", number))
        return;
    remote->gateway->box_facts(remote->instance, &facts);
    struct mg_frame_writer *writer = begin_answer(remote, "box", number);
    mg_frame_put_number(writer, "waiting", facts.waiting);
    mg_frame_put_number(writer, "taken", facts.taken);
    mg_frame_put_number(writer, "bytes", facts.bytes);
    mg_frame_put_number(writer, "oldest", facts.oldest);
    mg_remote_send_answer(remote);
}

/* ---- list ---- */

static void put_entry(struct mg_frame_writer *writer, const struct mg_box_entry *entry)
{
    mg_frame_put_open(writer, NULL, '{');
    mg_frame_put_text(writer, "id", entry->id);
    mg_frame_put_text(writer, "uuid", entry->uuid);
    mg_frame_put_text(writer, "type", entry->type);
    mg_frame_put_text(writer, "author", entry->author);
    mg_frame_put_text(writer, "reader", entry->reader);
    mg_frame_put_text(writer, "partner", entry->partner);
    mg_frame_put_number(writer, "accepted", entry->accepted);
    mg_frame_put_number(writer, "length", entry->length);
    mg_frame_put_number(writer, "attempts", entry->attempts);
    mg_frame_put_close(writer, '}');
}

/* So many entries fit into one header, a kilobyte for each. */
#define MOST_ENTRIES 64

static void listed(const struct mg_box_list *list, void *context)
{
    struct remote_request *request = context;
    int64_t number = request->number;
    struct mg_remote *remote = end_request(request);
    if (!remote)
        return;
    struct mg_frame_writer *writer = begin_answer(remote, "list", number);
    mg_frame_put_open(writer, "entries", '[');
    for (size_t i = 0; i < list->count; i++)
        put_entry(writer, list->entries[i]);
    mg_frame_put_close(writer, ']');
    mg_frame_put_text(writer, "next", list->next);
    mg_remote_put_refusal(writer, list->refusal);
    if (!mg_remote_send_answer(remote))
        refuse(remote, "list", number, &busy);
}

void mg_remote_on_list(struct mg_remote *remote, struct mg_frame *frame)
{
    int64_t number = mg_frame_need_number(frame, NULL, "request");
    const char *after = mg_frame_text(frame, NULL, "after");
    int64_t limit = mg_frame_number(frame, NULL, "limit", 100);
    if (limit < 1 || limit > 1000)
        mg_frame_object_to(frame, "A list is asked for with a limit that is not 1 to 1000.");
    if (frame->wrong || !may_begin(remote, "list", number))
        return;
    if (limit > MOST_ENTRIES)
        limit = MOST_ENTRIES;
    struct remote_request *request = add_request(remote, number);
    if (remote->gateway->box_list(remote->instance, after, (unsigned)limit, listed, request))
        return;
    end_request(request);
    refuse(remote, "list", number, &busy);
}

/* ---- take ---- */

static void taken(struct mg_delivery *delivery, const struct mg_refusal *refusal, void *context)
{
    struct remote_request *request = context;
    const struct mg_gateway *gateway = request->gateway;
    int64_t number = request->number;
    struct mg_remote *remote = end_request(request);
    if (!remote) {
        /* Taken for nobody: it comes back when its lease ends. */
        if (delivery)
            gateway->box_close(delivery);
        return;
    }
    if (!delivery) {
        refuse(remote, "taken", number, refusal);
        return;
    }
    struct mg_frame_writer *writer = begin_answer(remote, "taken", number);
    mg_frame_put_number(writer, "delivery", mg_remote_add_taken(remote, delivery));
    mg_frame_put_text(writer, "claim", gateway->box_claim(delivery));
    if (!mg_remote_send_message(remote, writer, delivery))
        refuse(remote, "taken", number, &busy);
}

void mg_remote_on_take(struct mg_remote *remote, struct mg_frame *frame)
{
    int64_t number = mg_frame_need_number(frame, NULL, "request");
    const char *id = mg_frame_text(frame, NULL, "id");
    int64_t lease = mg_frame_need_number(frame, NULL, "lease");
    if (frame->wrong || !may_begin(remote, "taken", number))
        return;
    struct remote_request *request = add_request(remote, number);
    if (mg_channel_waiting(remote->channel) <= MG_REMOTE_OUTPUT &&
        remote->gateway->box_take(remote->instance, id, lease, taken, request))
        return;
    end_request(request);
    refuse(remote, "taken", number, &busy);
}

/* ---- settle ---- */

static void settled(const struct mg_refusal *refusal, void *context)
{
    struct remote_request *request = context;
    int64_t number = request->number;
    struct mg_remote *remote = end_request(request);
    if (remote)
        refuse(remote, "settled", number, refusal);
}

void mg_remote_on_settle(struct mg_remote *remote, struct mg_frame *frame)
{
    int64_t number = mg_frame_need_number(frame, NULL, "request");
    const char *id = mg_frame_need_text(frame, NULL, "id");
    const char *claim = mg_frame_need_text(frame, NULL, "claim");
    const char *word = mg_frame_need_text(frame, NULL, "settlement");
    bool collected = strcmp(word, "collected") == 0;
    if (!collected && strcmp(word, "returned") != 0)
        mg_frame_object_to(frame, "A settlement is none that there is.");
    if (frame->wrong || !may_begin(remote, "settled", number))
        return;
    struct remote_request *request = add_request(remote, number);
    if (remote->gateway->box_settle(remote->instance, id, claim,
                                    collected ? MG_COLLECTED : MG_RETURNED, settled, request))
        return;
    end_request(request);
    refuse(remote, "settled", number, &busy);
}
