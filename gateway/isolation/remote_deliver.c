/* Messages going out: deliver, read, done, cancel. */
#include "gateway/isolation/remote_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_LIMIT 65536

/* A delivery that the host has handed us, or one that was taken out of a box. */
struct remote_delivery {
    struct mg_numbered entry;     /* first; in remote->deliveries once it is sent */
    struct remote_delivery *next; /* while it is held */
    struct mg_remote *remote;
    struct mg_delivery *delivery;
    struct mg_timer *patience; /* after a cancel */
    bool taken;
    size_t reading; /* reads on other threads: it must not end before them */
    bool over;
    struct mg_outcome outcome; /* once it is over, while reads are underway */
    char code[MG_ERROR_CODE_SIZE];
    char *text, *reply, *reply_media_type;
};

/* ---- the end of a delivery ---- */

static void free_delivery(struct remote_delivery *out)
{
    if (out->patience)
        out->remote->gateway->timer_cancel(out->patience);
    free(out->text);
    free(out->reply);
    free(out->reply_media_type);
    free(out);
}

static void end_now(struct remote_delivery *out, const struct mg_outcome *outcome)
{
    const struct mg_gateway *gateway = out->remote->gateway;
    struct mg_delivery *delivery = out->delivery;
    bool taken = out->taken;
    if (taken)
        gateway->box_close(delivery);
    else
        gateway->delivery_done(delivery, outcome);
    free_delivery(out);
}

/* Keeps the outcome until the reads are done. */
static void end_later(struct remote_delivery *out, const struct mg_outcome *outcome)
{
    out->over = true;
    if (out->taken)
        return;
    out->outcome = *outcome;
    snprintf(out->code, sizeof out->code, "%s", outcome->code ? outcome->code : "");
    out->outcome.code = outcome->code ? out->code : NULL;
    if (outcome->text)
        out->outcome.text = out->text = mg_copy_text(outcome->text);
    if (!outcome->reply)
        return;
    out->reply = mg_allocate(outcome->reply_length + 1);
    memcpy(out->reply, outcome->reply, outcome->reply_length);
    out->outcome.reply = out->reply;
    out->outcome.reply_media_type = out->reply_media_type = mg_copy_text(outcome->reply_media_type);
}

/* It is in no list any more. */
static void end(struct remote_delivery *out, const struct mg_outcome *outcome)
{
    if (out->patience) {
        out->remote->gateway->timer_cancel(out->patience);
        out->patience = NULL;
    }
    if (out->reading > 0)
        end_later(out, outcome);
    else
        end_now(out, outcome);
}

static void end_as_temporary(struct remote_delivery *out, const char *code, const char *text)
{
    const struct mg_outcome outcome = {
        .size = sizeof outcome, .kind = MG_TEMPORARY, .code = code, .text = text};
    end(out, &outcome);
}

/* Takes the first out of those that are held. */
static struct remote_delivery *next_held(struct mg_remote *remote)
{
    struct remote_delivery *out = remote->held;
    remote->held = out->next;
    if (!remote->held)
        remote->held_end = &remote->held;
    return out;
}

void mg_remote_break_off_deliveries(struct mg_remote *remote, const char *code, const char *text)
{
    struct remote_delivery *out;
    while ((out = mg_numbers_any(&remote->deliveries))) {
        mg_numbers_remove(&remote->deliveries, &out->entry);
        end_as_temporary(out, code, text);
    }
    while (remote->held)
        end_as_temporary(next_held(remote), code, text);
}

/* ---- sending ---- */

static void put_part(struct mg_frame_writer *writer, const char *name,
                     const struct mg_part_facts *facts)
{
    mg_frame_put_open(writer, NULL, '{');
    mg_frame_put_text(writer, "part", name);
    mg_frame_put_number(writer, "length", facts->length);
    mg_frame_put_text(writer, "mediaType", facts->media_type);
    if (facts->name && *facts->name)
        mg_frame_put_text(writer, "name", facts->name);
    if (facts->content_id && *facts->content_id)
        mg_frame_put_text(writer, "contentId", facts->content_id);
    mg_frame_put_close(writer, '}');
}

static void put_message(struct mg_frame_writer *writer, const struct mg_message_facts *facts)
{
    mg_frame_put_open(writer, "message", '{');
    mg_frame_put_text(writer, "id", facts->id);
    mg_frame_put_text(writer, "uuid", facts->uuid);
    mg_frame_put_text(writer, "profile", facts->profile);
    mg_frame_put_text(writer, "typeList", facts->type_list);
    mg_frame_put_text(writer, "typeVersion", facts->type_version);
    mg_frame_put_text(writer, "typeCode", facts->type_code);
    mg_frame_put_text(writer, "typeName", facts->type_name);
    mg_frame_put_text(writer, "created", facts->created);
    mg_frame_put_text(writer, "author", facts->author);
    mg_frame_put_text(writer, "reader", facts->reader);
    mg_frame_put_text(writer, "partner", facts->partner);
    mg_frame_put_number(writer, "accepted", facts->accepted);
    mg_frame_put_close(writer, '}');
}

/* From memory straight into what is sent. */
static void put_bytes(const struct mg_gateway *gateway, struct mg_frame_writer *writer,
                      struct mg_delivery *delivery, int part, int64_t length)
{
    if (length <= 0)
        return;
    char *room = mg_buffer_reserve(writer->buffer, (size_t)length);
    ssize_t read = gateway->delivery_read(delivery, part, 0, room, (size_t)length);
    assert(read == length);
    mg_buffer_used(writer->buffer, read > 0 ? (size_t)read : 0);
}

bool mg_remote_send_message(struct mg_remote *remote, struct mg_frame_writer *writer,
                            struct mg_delivery *delivery)
{
    const struct mg_gateway *gateway = remote->gateway;
    const struct mg_message_facts *facts = gateway->delivery_message(delivery);
    struct mg_part_facts document = {.size = sizeof document}, seal = {.size = sizeof seal};
    gateway->delivery_part(delivery, MG_MESSAGE_DOCUMENT, &document);
    gateway->delivery_part(delivery, MG_MESSAGE_SEAL, &seal);
    put_message(writer, facts);
    mg_frame_put_open(writer, "parts", '[');
    put_part(writer, "document", &document);
    if (seal.length >= 0)
        put_part(writer, "seal", &seal);
    for (unsigned i = 0; i < facts->attachments; i++) {
        char name[32];
        struct mg_part_facts attachment = {.size = sizeof attachment};
        gateway->delivery_part(delivery, MG_MESSAGE_ATTACHMENT + (int)i, &attachment);
        snprintf(name, sizeof name, "attachment-%u", i);
        put_part(writer, name, &attachment);
    }
    mg_frame_put_close(writer, ']');
    mg_frame_put_content(writer, NULL, 0);
    put_bytes(gateway, writer, delivery, MG_MESSAGE_DOCUMENT, document.length);
    put_bytes(gateway, writer, delivery, MG_MESSAGE_SEAL, seal.length);
    return mg_channel_send(remote->channel);
}

static void send_delivery(struct remote_delivery *out)
{
    struct mg_remote *remote = out->remote;
    const struct mg_gateway *gateway = remote->gateway;
    int64_t number = mg_numbers_give(&remote->deliveries, &out->entry);
    struct mg_frame_writer *writer = mg_channel_begin(remote->channel, "deliver");
    mg_frame_put_number(writer, "delivery", number);
    mg_frame_put_number(writer, "attempt", gateway->delivery_attempt(out->delivery));
    mg_frame_put_number(writer, "deadline", gateway->delivery_deadline(out->delivery));
    if (mg_remote_send_message(remote, writer, out->delivery))
        return;
    const struct mg_outcome outcome = {
        .size = sizeof outcome,
        .kind = MG_PERMANENT,
        .code = "adapter.too-large",
        .text = "The message is larger than what is handed to adapters that are processes.",
    };
    mg_numbers_remove(&remote->deliveries, &out->entry);
    end(out, &outcome);
}

void mg_remote_send_held(struct mg_remote *remote)
{
    while (remote->held && mg_remote_is_ready(remote) &&
           mg_channel_waiting(remote->channel) < MG_REMOTE_OUTPUT)
        send_delivery(next_held(remote));
}

void mg_remote_deliver(void *context, struct mg_delivery *delivery)
{
    struct mg_remote *remote = context;
    struct remote_delivery *out = mg_allocate_zeroed(1, sizeof *out);
    *out = (struct remote_delivery){.remote = remote, .delivery = delivery};
    *remote->held_end = out;
    remote->held_end = &out->next;
    mg_remote_send_held(remote);
}

int64_t mg_remote_add_taken(struct mg_remote *remote, struct mg_delivery *delivery)
{
    struct remote_delivery *out = mg_allocate_zeroed(1, sizeof *out);
    *out = (struct remote_delivery){.remote = remote, .delivery = delivery, .taken = true};
    return mg_numbers_give(&remote->deliveries, &out->entry);
}

/* ---- cancelling ---- */

static void out_of_patience(void *context)
{
    struct remote_delivery *out = context;
    out->patience = NULL;
    mg_remote_break_off(out->remote, "adapter.hung",
                        "The adapter did not complete a delivery that was cancelled.");
}

static bool cancel_held(struct mg_remote *remote, struct mg_delivery *delivery)
{
    struct remote_delivery **link = &remote->held;
    while (*link && (*link)->delivery != delivery)
        link = &(*link)->next;
    struct remote_delivery *out = *link;
    if (!out)
        return false;
    *link = out->next;
    if (!out->next)
        remote->held_end = link;
    end_as_temporary(out, "adapter.down", "The program of the adapter was not ready in time.");
    return true;
}

void mg_remote_cancel(void *context, struct mg_delivery *delivery)
{
    struct mg_remote *remote = context;
    if (cancel_held(remote, delivery))
        return;
    for (size_t i = 0; i < MG_NUMBERS_BUCKETS; i++) {
        for (struct mg_numbered *entry = remote->deliveries.buckets[i]; entry;
             entry = entry->next) {
            struct remote_delivery *out = (struct remote_delivery *)entry;
            if (out->delivery != delivery || out->patience)
                continue;
            mg_frame_put_number(mg_channel_begin(remote->channel, "cancel"), "delivery",
                                entry->number);
            mg_channel_send(remote->channel);
            out->patience = remote->gateway->timer(remote->instance, remote->options.times.cancel,
                                                   out_of_patience, out);
            return;
        }
    }
}

/* ---- done ---- */

static struct remote_delivery *find(struct mg_remote *remote, struct mg_frame *frame, bool taken)
{
    struct remote_delivery *out =
        mg_numbers_find(&remote->deliveries, mg_frame_need_number(frame, NULL, "delivery"));
    if (!out || out->taken != taken)
        mg_frame_object_to(frame, "A frame %.40s names a delivery that there is not (any more).",
                           frame->type);
    return frame->wrong ? NULL : out;
}

static void read_outcome(struct mg_frame *frame, struct mg_outcome *outcome)
{
    const char *word = mg_frame_need_text(frame, NULL, "outcome");
    *outcome = (struct mg_outcome){
        .size = sizeof *outcome,
        .kind = strcmp(word, "delivered") == 0   ? MG_DELIVERED
                : strcmp(word, "temporary") == 0 ? MG_TEMPORARY
                                                 : MG_PERMANENT,
        .code = mg_frame_text(frame, NULL, "code"),
        .text = mg_frame_text(frame, NULL, "text"),
        .retry_after = mg_frame_number(frame, NULL, "retryAfter", 0),
        .reply_media_type = mg_frame_text(frame, NULL, "replyMediaType"),
    };
    if (outcome->kind == MG_PERMANENT && strcmp(word, "permanent") != 0)
        mg_frame_object_to(frame, "The outcome of a delivery is none that there is.");
    if (outcome->kind != MG_DELIVERED && (!outcome->code || !outcome->text))
        mg_frame_object_to(frame, "The outcome of a delivery has no code or text.");
    if (outcome->code && !mg_error_is_code(outcome->code))
        mg_frame_object_to(frame, "The code of an outcome is no stable word.");
    if (frame->length == 0)
        return;
    if (outcome->kind != MG_DELIVERED || !outcome->reply_media_type)
        mg_frame_object_to(frame, "A reply comes without its type, or without being delivered.");
    outcome->reply = frame->content;
    outcome->reply_length = frame->length;
}

void mg_remote_on_done(struct mg_remote *remote, struct mg_frame *frame)
{
    struct mg_outcome outcome;
    struct remote_delivery *out = find(remote, frame, false);
    read_outcome(frame, &outcome);
    if (frame->wrong)
        return;
    if (!outcome.reply)
        outcome.reply_media_type = NULL;
    mg_numbers_remove(&remote->deliveries, &out->entry);
    end(out, &outcome);
}

void mg_remote_on_release(struct mg_remote *remote, struct mg_frame *frame)
{
    struct remote_delivery *out = find(remote, frame, true);
    if (!out)
        return;
    static const struct mg_outcome none = {.size = sizeof none};
    mg_numbers_remove(&remote->deliveries, &out->entry);
    end(out, &none);
}

/* ---- reading parts that are not in memory ---- */

struct remote_read {
    struct remote_delivery *out;
    int64_t request;
    int part;
    int64_t offset;
    size_t size;
    ssize_t length; /* what was read; -1: it failed */
    struct mg_part_facts facts;
    char media_type[128], name[256];
    char bytes[];
};

static void read_part(void *context)
{
    struct remote_read *read = context;
    read->length = read->out->remote->gateway->delivery_read(read->out->delivery, read->part,
                                                             read->offset, read->bytes, read->size);
}

static void send_data(struct remote_read *read)
{
    struct mg_remote *remote = read->out->remote;
    struct mg_frame_writer *writer = mg_channel_begin(remote->channel, "data");
    mg_frame_put_number(writer, "request", read->request);
    if (read->length < 0) {
        mg_frame_put_text(writer, "code", "adapter.no-part");
        mg_frame_put_text(writer, "text", "There is no such part, or it cannot be read.");
    } else {
        mg_frame_put_number(writer, "length", read->facts.length);
        mg_frame_put_text(writer, "mediaType", read->media_type);
        mg_frame_put_content(writer, read->bytes, (size_t)read->length);
    }
    mg_remote_send_answer(remote);
}

static void part_was_read(void *context)
{
    struct remote_read *read = context;
    struct remote_delivery *out = read->out;
    struct mg_remote *remote = out->remote;
    remote->reading--;
    out->reading--;
    if (!out->over)
        send_data(read);
    else if (out->reading == 0)
        end_now(out, &out->outcome);
    free(read);
}

static int part_of(const char *name)
{
    static const char attachment[] = "attachment-";
    if (strcmp(name, "document") == 0)
        return MG_MESSAGE_DOCUMENT;
    if (strcmp(name, "seal") == 0)
        return MG_MESSAGE_SEAL;
    if (strcmp(name, "original") == 0)
        return MG_MESSAGE_ORIGINAL;
    if (strncmp(name, attachment, sizeof attachment - 1) != 0)
        return -1;
    const char *digits = name + sizeof attachment - 1;
    size_t length = strlen(digits);
    if (length < 1 || length > 4 || strspn(digits, "0123456789") != length)
        return -1;
    return MG_MESSAGE_ATTACHMENT + atoi(digits);
}

static void start_read(struct remote_delivery *out, int64_t request, int part, int64_t offset,
                       size_t size)
{
    struct mg_remote *remote = out->remote;
    struct remote_read *read = mg_allocate_zeroed(1, sizeof *read + size);
    *read = (struct remote_read){
        .out = out, .request = request, .part = part, .offset = offset, .size = size};
    read->facts = (struct mg_part_facts){.size = sizeof read->facts};
    remote->gateway->delivery_part(out->delivery, part, &read->facts);
    snprintf(read->media_type, sizeof read->media_type, "%s",
             read->facts.media_type ? read->facts.media_type : "");
    bool in_memory = part == MG_MESSAGE_DOCUMENT || part == MG_MESSAGE_SEAL;
    bool counted = !in_memory && read->facts.length >= 0 && size > 0;
    if (counted && remote->reading < MG_REMOTE_MOST_READS &&
        remote->gateway->work(remote->instance, read_part, part_was_read, read)) {
        remote->reading++;
        out->reading++;
        return;
    }
    if (in_memory)
        read_part(read);
    else
        read->length = read->facts.length >= 0 && size == 0 ? 0 : -1;
    send_data(read);
    free(read);
}

void mg_remote_on_read(struct mg_remote *remote, struct mg_frame *frame)
{
    struct remote_delivery *out =
        mg_numbers_find(&remote->deliveries, mg_frame_need_number(frame, NULL, "delivery"));
    int64_t request = mg_frame_need_number(frame, NULL, "request");
    int part = part_of(mg_frame_need_text(frame, NULL, "part"));
    int64_t offset = mg_frame_need_number(frame, NULL, "offset");
    int64_t size = mg_frame_need_number(frame, NULL, "length");
    if (!out)
        mg_frame_object_to(frame, "A read names a delivery that there is not (any more).");
    if (part < 0 || size > READ_LIMIT)
        mg_frame_object_to(frame, "A read asks for what there cannot be.");
    if (out && !frame->wrong)
        start_read(out, request, part, offset, (size_t)size);
}
