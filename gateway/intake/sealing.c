/* What the gateway makes of a message that may pass: its route, its seal, its receipt. */
#include "gateway/base/clock.h"
#include "gateway/intake/trip.h"
#include "gateway/message/header_record.h"
#include "gateway/trust/receipt.h"
#include "gateway/trust/seal.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

/* The content is the canonical form: what the sender's signature covered, and nothing else. */
static bool fix_content(struct mg_trip *trip)
{
    if (trip->signature.canonical) {
        trip->content = trip->signature.canonical;
        trip->content_length = trip->signature.canonical_length;
    } else {
        if (!mg_xml_canonical(trip->document, &trip->canonical, &trip->content_length,
                              &trip->error))
            return false;
        trip->content = (const char *)trip->canonical;
    }
    if (EVP_Digest(trip->content, trip->content_length, trip->digest, NULL, EVP_sha256(), NULL) !=
        1)
        mg_die("OpenSSL cannot compute SHA-256");
    return true;
}

bool mg_trip_recall(struct mg_trip *trip, const struct mg_id *id)
{
    struct mg_store_part_facts facts;
    if (!mg_store_part(trip->store, id, MG_PART_RECEIPT, &facts, &trip->error))
        return false;
    if (facts.size < 0)
        return mg_fail(
            &trip->error, "duplicate.receipt-gone",
            "This message was accepted before, so long ago that its receipt is no longer "
            "stored; do not send it again.");
    mg_buffer_clear(&trip->receipt);
    char *room = mg_buffer_reserve(&trip->receipt, (size_t)facts.size);
    ssize_t length =
        mg_store_read(trip->store, id, MG_PART_RECEIPT, 0, room, (size_t)facts.size, &trip->error);
    if (length < 0)
        return false;
    mg_buffer_used(&trip->receipt, (size_t)length);
    trip->id = *id;
    trip->repeated = true;
    return true;
}

/* A hint only: the commit decides. It spares a repeated message the seal. */
static bool look_up(struct mg_trip *trip)
{
    struct mg_id known;
    enum mg_accept_result result;
    if (!mg_store_look_up(trip->store, trip->partner->name, trip->header.uuid, trip->digest,
                          &result, &known, &trip->error))
        return false;
    if (result == MG_ACCEPT_DIFFERENT)
        return mg_fail(&trip->error, "duplicate.different-content",
                       "A message of this UUID was accepted before, with other content; give each "
                       "message a UUID of its own.");
    return result == MG_ACCEPT_NEW || mg_trip_recall(trip, &known);
}

static bool find_route(struct mg_trip *trip)
{
    const struct mg_config *config = trip->config;
    trip->route =
        mg_route_find(config->routes, config->route_count, trip->type, trip->header.reader.id);
    if (!trip->route)
        return mg_fail(
            &trip->error, "route.none",
            "No route leads messages of the type %s to this reader; check the reader's id, "
            "or ask the operator for a route.",
            trip->type);
    return true;
}

static bool make_seals(struct mg_trip *trip)
{
    const struct mg_seal_facts facts = {
        .id = trip->id,
        .gateway = trip->config->name,
        .partner = trip->partner->name,
        .way = trip->source->name,
        .profile = trip->profile->name,
        .received = trip->received,
        .signature = trip->is_signed ? "valid" : "none",
        .signer = trip->signature.subject,
        .digest = trip->digest,
        .next = mg_config_announcement(trip->config, trip->received),
    };
    const struct mg_signer *signer = mg_config_signer(trip->config, trip->received);
    for (size_t i = 0; i < trip->route->destination_count; i++) {
        const struct mg_config_destination *destination =
            &trip->config->destinations[trip->route->destinations[i]];
        struct mg_buffer *seal =
            destination->seal == MG_SEAL_ENVELOPED ? &trip->seal_enveloped : &trip->seal_detached;
        if (seal->length == 0 &&
            !mg_seal_make(signer, &facts, destination->seal, seal, &trip->error))
            return false;
    }
    return true;
}

static bool make_receipt(struct mg_trip *trip)
{
    const struct mg_receipt_record accepted = {
        .level = MG_RECEIPT_INFO,
        .time = trip->received,
        .code = "accepted",
        .reason =
            "The message was checked, sealed and stored; the gateway answers for its delivery.",
    };
    const struct mg_receipt_facts facts = {
        .id = trip->id,
        .header = &trip->header,
        .gateway = trip->config->name,
        .service = trip->profile->service,
        .business_scenario = trip->profile->business_scenario,
        .payload_schema = trip->profile->payload_schema,
        .received = trip->received,
        .now = trip->received,
        .digest = trip->digest,
        .size = trip->content_length,
        .status = MG_RECEIPT_OPEN,
        .records = &accepted,
        .record_count = 1,
    };
    if (!mg_receipt_make(mg_config_signer(trip->config, trip->received), &facts, &trip->receipt,
                         &trip->error))
        return false;
    mg_trip_note(trip, MG_CHECK_RECEIPT, true, NULL);
    return true;
}

/* Where it goes, as far as there is room to say it. */
static void note_route(struct mg_trip *trip)
{
    char detail[MG_CHECK_DETAIL] = "";
    size_t length = 0;
    for (size_t i = 0; i < trip->route->destination_count && length < sizeof detail; i++) {
        const char *name = trip->config->destinations[trip->route->destinations[i]].name;
        length += (size_t)snprintf(detail + length, sizeof detail - length, "%s%s",
                                   i > 0 ? ", " : "", name);
    }
    mg_trip_note(trip, MG_CHECK_ROUTE, true, detail);
}

static void note_seals(struct mg_trip *trip)
{
    bool detached = trip->seal_detached.length > 0, enveloped = trip->seal_enveloped.length > 0;
    mg_trip_note(trip, MG_CHECK_SEAL, detached || enveloped,
                 detached && enveloped ? "detached and enveloped"
                 : detached            ? "detached"
                 : enveloped           ? "enveloped"
                                       : NULL);
}

/* What is remembered of header and checks, in one record. */
static bool write_record(struct mg_trip *trip)
{
    return mg_header_write(&trip->header, &trip->record) &&
           mg_checks_write(&trip->checks, &trip->record);
}

bool mg_trip_seal(struct mg_trip *trip)
{
    trip->id = mg_id_new();
    trip->received = mg_clock_now();
    if (!fix_content(trip) || !look_up(trip))
        return false;
    if (trip->repeated)
        return true;
    mg_trip_note(trip, MG_CHECK_DUPLICATE, true, "new");
    if (!find_route(trip))
        return false;
    note_route(trip);
    if (!make_seals(trip))
        return false;
    note_seals(trip);
    return make_receipt(trip) && write_record(trip);
}

static void add_part(struct mg_trip *trip, int kind, const void *bytes, size_t length)
{
    if (length > 0)
        trip->parts[trip->accept.part_count++] =
            (struct mg_store_part){.kind = kind, .bytes = bytes, .length = length};
}

static void add_buffer(struct mg_trip *trip, int kind, const struct mg_buffer *buffer)
{
    add_part(trip, kind, buffer->data, buffer->length);
}

void mg_trip_prepare(struct mg_trip *trip)
{
    add_part(trip, MG_PART_CONTENT, trip->content, trip->content_length);
    add_part(trip, MG_PART_ORIGINAL, trip->original, trip->original_length);
    trip->parts[trip->accept.part_count - 1].media_type = trip->media_type;
    add_buffer(trip, MG_PART_SEAL_DETACHED, &trip->seal_detached);
    add_buffer(trip, MG_PART_SEAL_ENVELOPED, &trip->seal_enveloped);
    add_buffer(trip, MG_PART_RECEIPT, &trip->receipt);
    add_buffer(trip, MG_PART_HEADER, &trip->record);
    for (size_t i = 0; i < trip->route->destination_count; i++)
        trip->deliveries[i] = (struct mg_store_delivery_plan){
            .id = mg_id_new(),
            .destination = trip->config->destinations[trip->route->destinations[i]].name,
        };
    struct mg_store_accept *accept = &trip->accept;
    accept->id = trip->id;
    accept->partner = trip->partner->name;
    accept->way = trip->source->name;
    accept->uuid = trip->header.uuid;
    memcpy(accept->digest, trip->digest, sizeof accept->digest);
    accept->profile = trip->profile->name;
    accept->type = trip->type;
    accept->author = trip->header.author.id;
    accept->reader = trip->header.reader.id;
    accept->received = trip->received;
    accept->remembered_until = trip->received + trip->config->keep_duplicates;
    accept->parts = trip->parts;
    accept->deliveries = trip->deliveries;
    accept->delivery_count = trip->route->destination_count;
    mg_audit_write_accepted(&trip->line, accept);
    accept->line = trip->line.data;
}
