#include "gateway/dispatch/delivery.h"

#include "gateway/base/clock.h"
#include "gateway/message/header_record.h"
#include "gateway/trust/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- loading, on a worker ---- */

static bool read_part(struct mg_delivery *delivery, int kind, struct delivery_part *part)
{
    const struct mg_id *id = &delivery->claim.message;
    struct mg_store_part_facts facts;
    if (!mg_store_part(delivery->store, id, kind, &facts, &delivery->error))
        return false;
    part->present = facts.size >= 0;
    if (!part->present)
        return true;
    snprintf(part->media_type, sizeof part->media_type, "%s",
             facts.media_type[0] ? facts.media_type : "application/xml");
    char *room = mg_buffer_reserve(&part->bytes, (size_t)facts.size);
    for (int64_t offset = 0; offset < facts.size;) {
        ssize_t length = mg_store_read(delivery->store, id, kind, offset, room + offset,
                                       (size_t)(facts.size - offset), &delivery->error);
        if (length <= 0)
            return length == 0 ? mg_fail(&delivery->error, "store.failed",
                                         "A part of the message is shorter than the store says.")
                               : false;
        offset += length;
    }
    mg_buffer_used(&part->bytes, (size_t)facts.size);
    return true;
}

static bool read_header(struct mg_delivery *delivery)
{
    struct delivery_part record = {0};
    bool read = read_part(delivery, MG_PART_HEADER, &record);
    if (read && !mg_header_read(record.bytes.data, record.bytes.length, &delivery->header))
        read = mg_fail(&delivery->error, "store.failed",
                       "The stored header facts of the message cannot be read.");
    mg_buffer_free(&record.bytes);
    return read;
}

static bool need(struct mg_delivery *delivery, const struct delivery_part *part)
{
    return part->present ||
           mg_fail(&delivery->error, "store.no-such-part",
                   "The message's content or seal is no longer stored; its retention has ended.");
}

/* The seal in the form that the destination wants now. A message that was accepted when it wanted
 * the other one has only that, and is delivered with it. */
static bool read_seal(struct mg_delivery *delivery)
{
    static const int kinds[] = {
        [MG_SEAL_DETACHED] = MG_PART_SEAL_DETACHED, [MG_SEAL_ENVELOPED] = MG_PART_SEAL_ENVELOPED};
    if (!read_part(delivery, kinds[delivery->form], &delivery->seal))
        return false;
    if (delivery->seal.present)
        return true;
    delivery->form = delivery->form == MG_SEAL_DETACHED ? MG_SEAL_ENVELOPED : MG_SEAL_DETACHED;
    return read_part(delivery, kinds[delivery->form], &delivery->seal) &&
           need(delivery, &delivery->seal);
}

/* The detached seal is a part of its own, the enveloped one becomes part of the document. */
static bool read_sealed(struct mg_delivery *delivery)
{
    struct delivery_part *document = &delivery->document, *seal = &delivery->seal;
    if (!read_part(delivery, MG_PART_CONTENT, document) || !need(delivery, document) ||
        !read_seal(delivery))
        return false;
    bool enveloped = delivery->form == MG_SEAL_ENVELOPED;
    char uri[MG_SEAL_URI_SIZE];
    snprintf(document->content_id, sizeof document->content_id, "%s",
             mg_seal_uri(&delivery->claim.message, uri) + strlen("cid:"));
    snprintf(seal->content_id, sizeof seal->content_id, "seal-%.58s", document->content_id);
    if (!enveloped)
        return true;
    struct mg_buffer sealed = {0};
    mg_buffer_reserve(&sealed, document->bytes.length + seal->bytes.length);
    mg_seal_insert(document->bytes.data, document->bytes.length, seal->bytes.data,
                   seal->bytes.length, &sealed);
    mg_buffer_free(&document->bytes);
    mg_buffer_free(&seal->bytes);
    document->bytes = sealed;
    seal->present = false;
    return true;
}

/* Attachments stay in the store, and are read there; what they are is known from the beginning. */
static bool look_at_attachments(struct mg_delivery *delivery)
{
    for (int i = 0; i < MG_DELIVERY_ATTACHMENTS; i++) {
        struct mg_store_part_facts facts;
        if (!mg_store_part(delivery->store, &delivery->claim.message, MG_PART_ATTACHMENT + i,
                           &facts, &delivery->error))
            return false;
        if (facts.size < 0)
            break;
        delivery->attachments =
            mg_reallocate(delivery->attachments, (size_t)(i + 1) * sizeof *delivery->attachments);
        delivery->attachments[i] = facts;
        delivery->attachment_count = (unsigned)i + 1;
    }
    return true;
}

static void fill_facts(struct mg_delivery *delivery)
{
    const struct mg_header *header = &delivery->header;
    delivery->facts = (struct mg_message_facts){
        .size = sizeof delivery->facts,
        .id = delivery->message_id,
        .uuid = header->uuid,
        .profile = delivery->message.profile,
        .type_list = header->type_list,
        .type_version = header->type_version,
        .type_code = header->type_code,
        .type_name = header->type_name,
        .created = header->created,
        .author = header->author.id,
        .reader = header->reader.id,
        .partner = delivery->message.partner,
        .accepted = delivery->message.received,
        .attachments = delivery->attachment_count,
    };
}

void mg_delivery_load(struct mg_delivery *delivery)
{
    bool found = false;
    delivery->loaded = mg_store_find(delivery->store, &delivery->claim.message, &delivery->message,
                                     &found, &delivery->error) &&
                       (found || mg_fail(&delivery->error, "store.no-such-part",
                                         "The message of the delivery is no longer stored.")) &&
                       read_header(delivery) && read_sealed(delivery) &&
                       look_at_attachments(delivery);
    if (delivery->loaded)
        fill_facts(delivery);
}

void mg_delivery_free(struct mg_delivery *delivery)
{
    if (!delivery)
        return;
    mg_buffer_free(&delivery->line);
    mg_buffer_free(&delivery->seal.bytes);
    mg_buffer_free(&delivery->document.bytes);
    free(delivery->attachments);
    free(delivery);
}

/* ---- what adapters are given ---- */

static const struct mg_message_facts *message_facts(struct mg_delivery *delivery)
{
    return &delivery->facts;
}

static int64_t deadline(struct mg_delivery *delivery)
{
    int64_t left = (delivery->deadline - mg_clock_monotonic()) / 1000;
    return left > 0 ? left : 0;
}

static int attempt(struct mg_delivery *delivery)
{
    return delivery->claim.attempts;
}

/* What is in memory, or NULL. */
static const struct delivery_part *part_of(const struct mg_delivery *delivery, int part)
{
    switch (part) {
    case MG_MESSAGE_DOCUMENT:
        return &delivery->document;
    case MG_MESSAGE_SEAL:
        return &delivery->seal;
    default:
        return NULL;
    }
}

/* What is read from the store; 0, which the store does not know, for what is none of an adapter's
 * business. */
static int stored_kind(int part)
{
    if (part == MG_MESSAGE_ORIGINAL)
        return MG_PART_ORIGINAL;
    return part >= MG_MESSAGE_ATTACHMENT ? MG_PART_ATTACHMENT + (part - MG_MESSAGE_ATTACHMENT) : 0;
}

/* The original is evidence that few destinations want: it stays in the store, and is read there. */
static void original_facts(struct mg_delivery *delivery, struct mg_part_facts *facts)
{
    struct mg_store_part_facts stored;
    if (!mg_store_part(delivery->store, &delivery->claim.message, MG_PART_ORIGINAL, &stored, NULL))
        return;
    snprintf(delivery->original_type, sizeof delivery->original_type, "%s", stored.media_type);
    facts->length = stored.size;
    facts->media_type = delivery->original_type;
}

static void part_facts(struct mg_delivery *delivery, int part, struct mg_part_facts *facts)
{
    struct mg_part_facts found = {.length = -1, .media_type = "", .name = "", .content_id = ""};
    const struct delivery_part *known = part_of(delivery, part);
    if (part == MG_MESSAGE_ORIGINAL)
        original_facts(delivery, &found);
    if (known && known->present) {
        found.length = (int64_t)known->bytes.length;
        found.media_type = known->media_type;
        found.content_id = known->content_id;
    }
    if (part >= MG_MESSAGE_ATTACHMENT &&
        (unsigned)(part - MG_MESSAGE_ATTACHMENT) < delivery->attachment_count) {
        const struct mg_store_part_facts *attachment =
            &delivery->attachments[part - MG_MESSAGE_ATTACHMENT];
        found.length = attachment->size;
        found.media_type = attachment->media_type;
        found.name = attachment->name;
    }
    /* No further than the adapter knows the structure. */
    found.size = facts->size < sizeof found ? facts->size : sizeof found;
    memcpy(facts, &found, found.size);
}

static ssize_t read_bytes(struct mg_delivery *delivery, int part, int64_t offset, void *bytes,
                          size_t size)
{
    const struct delivery_part *known = part_of(delivery, part);
    if (offset < 0 || (known && !known->present))
        return -1;
    if (!known)
        return mg_store_read(delivery->store, &delivery->claim.message, stored_kind(part), offset,
                             bytes, size, NULL);
    if ((uint64_t)offset >= known->bytes.length)
        return 0;
    size_t left = known->bytes.length - (size_t)offset;
    if (size > left)
        size = left;
    memcpy(bytes, known->bytes.data + offset, size);
    return (ssize_t)size;
}

static int descriptor(struct mg_delivery *delivery, int part)
{
    if (part_of(delivery, part))
        return -1;
    return mg_store_descriptor(delivery->store, &delivery->claim.message, stored_kind(part));
}

void mg_host_offer_delivery(struct mg_gateway *gateway)
{
    gateway->delivery_message = message_facts;
    gateway->delivery_deadline = deadline;
    gateway->delivery_attempt = attempt;
    gateway->delivery_part = part_facts;
    gateway->delivery_read = read_bytes;
    gateway->delivery_descriptor = descriptor;
    gateway->delivery_done = mg_delivery_completed;
}
