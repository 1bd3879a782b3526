/* How a message enters and leaves intake; what happens between stands in reading, judging, sealing.
 */
#include "gateway/intake/intake.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/intake/quota.h"
#include "gateway/intake/tally.h"
#include "gateway/intake/trip.h"
#include "gateway/message/multipart.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct mg_intake {
    struct mg_intake_options options;
    struct mg_quota *quota;
    struct mg_tally *tally;
    size_t underway;
    size_t bytes; /* of the bodies underway, and of what was made of them */
    bool stopping;
    /* Refusals in the log's present second: whoever is refused very often shall not fill the disk.
     */
    int64_t log_second;
    unsigned logged;
    unsigned unlogged;
};

/* Bytes that an announced body gets at once; a longer one gets more as it comes. */
#define RESERVED (256 * 1024)
/* Lines about refusals that go to the log in one second. */
#define LOG_LIMIT 100

struct mg_intake *mg_intake_new(const struct mg_intake_options *options)
{
    struct mg_intake *intake = mg_allocate_zeroed(1, sizeof *intake);
    intake->options = *options;
    intake->quota = mg_quota_new();
    intake->tally = mg_tally_new();
    return intake;
}

void mg_intake_free(struct mg_intake *intake)
{
    if (!intake)
        return;
    assert(intake->underway == 0);
    mg_tally_free(intake->tally);
    mg_quota_free(intake->quota);
    free(intake);
}

void mg_intake_stop(struct mg_intake *intake)
{
    intake->stopping = true;
}

size_t mg_intake_underway(const struct mg_intake *intake)
{
    return intake->underway;
}

const struct mg_tally *mg_intake_tally(const struct mg_intake *intake)
{
    return intake->tally;
}

/* ---- admission ---- */

/* Compares the media type without its parameters. */
static bool media_type_is(const char *value, const char *type)
{
    size_t length = strcspn(value, "; \t");
    return strlen(type) == length && strncasecmp(value, type, length) == 0;
}

static bool admit_form(const struct mg_entry *entry, struct mg_error *error)
{
    const char *type = entry->media_type ? entry->media_type : "";
    if (!media_type_is(type, "application/xml") && !media_type_is(type, "text/xml") &&
        !mg_multipart_is(type))
        return mg_fail(
            error, "media-type.unsupported",
            "Send the message as application/xml, text/xml, or multipart/related with its "
            "detached signature.");
    if (strlen(type) >= sizeof((struct mg_trip *)0)->media_type)
        return mg_fail(error, "media-type.unsupported", "The Content-Type is too long.");
    const char *encoding = entry->content_encoding;
    if (encoding && strcasecmp(encoding, "gzip") != 0 && strcasecmp(encoding, "identity") != 0)
        return mg_fail(error, "encoding.unsupported",
                       "Send the message unpacked or with Content-Encoding: gzip.");
    return true;
}

static bool too_large(const struct mg_config *config, struct mg_error *error)
{
    return mg_fail(error, "body.too-large", "The body is larger than the %zu bytes allowed here.",
                   config->limits.message);
}

static bool overloaded(struct mg_error *error)
{
    return mg_fail(error, "gateway.overloaded",
                   "The gateway has as many messages underway as it may; send it again later.");
}

static bool admit_load(struct mg_intake *intake, const struct mg_entry *entry,
                       struct mg_error *error)
{
    const struct mg_config_limits *limits = &entry->config->limits;
    if (intake->stopping)
        return mg_fail(error, "gateway.stopping",
                       "The gateway is being stopped; send the message again in a minute.");
    if (!mg_store_ready(intake->options.store))
        return mg_fail(error, "store.full",
                       "The gateway cannot store messages at the moment; send it again later.");
    if (intake->underway >= limits->intake || intake->bytes >= limits->intake_bytes)
        return overloaded(error);
    return true;
}

static bool admit(struct mg_intake *intake, const struct mg_entry *entry, struct mg_error *error)
{
    if (!entry->partner)
        return mg_fail(
            error, "partner.unknown",
            "The client certificate belongs to no partner of this gateway; ask the operator "
            "to enter it.");
    if (!admit_form(entry, error))
        return false;
    if (entry->length > 0 && (uint64_t)entry->length > entry->config->limits.message)
        return too_large(entry->config, error);
    return admit_load(intake, entry, error) && mg_quota_enter(intake->quota, entry->partner, error);
}

/* False if there were too many in this second. */
static bool may_log(struct mg_intake *intake)
{
    int64_t second = mg_clock_monotonic() / 1000000;
    if (second != intake->log_second) {
        if (intake->unlogged > 0)
            mg_log(MG_LOG_NOTICE, "message.refusals-not-logged", "count",
                   MG_LOG_NUMBER(intake->unlogged), NULL);
        intake->log_second = second;
        intake->logged = intake->unlogged = 0;
    }
    if (intake->logged == LOG_LIMIT) {
        intake->unlogged++;
        return false;
    }
    intake->logged++;
    return true;
}

static void tell_refusal(struct mg_intake *intake, const struct mg_config_source *source,
                         const struct mg_config_partner *partner, const char *uuid,
                         const char *peer, const struct mg_error *error)
{
    mg_tally_refuse(intake->tally, partner ? partner->name : NULL, error->code);
    if (intake->options.audit)
        mg_audit_refused(intake->options.audit, partner ? partner->name : NULL, source->name, uuid,
                         error->code, peer);
    if (!may_log(intake))
        return;
    mg_log(MG_LOG_NOTICE, "message.refused", "code", error->code, "partner",
           partner ? partner->name : NULL, "source", source->name, "uuid", uuid, "place",
           error->place, NULL);
}

struct mg_trip *mg_intake_begin(struct mg_intake *intake, const struct mg_entry *entry,
                                void (*done)(const struct mg_trip_result *result, void *context),
                                void *context, struct mg_error *refusal)
{
    if (!admit(intake, entry, refusal)) {
        tell_refusal(intake, entry->source, entry->partner, NULL, entry->peer, refusal);
        return NULL;
    }
    struct mg_trip *trip = mg_allocate_zeroed(1, sizeof *trip);
    trip->intake = intake;
    trip->store = intake->options.store;
    trip->done = done;
    trip->context = context;
    trip->config = mg_config_hold(entry->config);
    trip->source = entry->source;
    trip->partner = entry->partner;
    snprintf(trip->media_type, sizeof trip->media_type, "%s", entry->media_type);
    trip->packed = entry->content_encoding && strcasecmp(entry->content_encoding, "gzip") == 0;
    trip->body.limit = entry->config->limits.message;
    if (entry->length > 0)
        mg_buffer_reserve(&trip->body, entry->length < RESERVED ? (size_t)entry->length : RESERVED);
    intake->underway++;
    return trip;
}

/* ---- the end ---- */

static void free_trip(struct mg_trip *trip)
{
    struct mg_intake *intake = trip->intake;
    intake->underway--;
    intake->bytes -= trip->counted;
    mg_quota_leave(intake->quota, trip->partner);
    mg_buffer_free(&trip->line);
    mg_buffer_free(&trip->record);
    mg_buffer_free(&trip->receipt);
    mg_buffer_free(&trip->seal_enveloped);
    mg_buffer_free(&trip->seal_detached);
    if (trip->canonical)
        xmlFree(trip->canonical);
    free(trip->signature.canonical);
    mg_buffer_free(&trip->plain);
    mg_buffer_free(&trip->body);
    mg_config_release(trip->config);
    free(trip);
}

static void count_end(struct mg_trip *trip)
{
    struct mg_tally *tally = trip->intake->tally;
    const struct mg_tally_accepted accepted = {
        .partner = trip->partner->name,
        .source = trip->source->name,
        .type = trip->type,
        .route = trip->route,
        .duration = mg_clock_monotonic() - trip->finished,
    };
    if (trip->repeated)
        mg_tally_repeat(tally, accepted.partner);
    else
        mg_tally_accept(tally, &accepted);
}

static void end(struct mg_trip *trip)
{
    struct mg_trip_result result = {.message = trip->header.uuid};
    if (trip->refused) {
        result.end = MG_TRIP_REFUSED;
        result.refusal = &trip->error;
        tell_refusal(trip->intake, trip->source, trip->partner, trip->header.uuid, NULL,
                     &trip->error);
    } else {
        result.end = trip->repeated ? MG_TRIP_REPEATED : MG_TRIP_ACCEPTED;
        mg_id_text(&trip->id, result.id);
        result.receipt = trip->receipt.data;
        result.receipt_length = trip->receipt.length;
        count_end(trip);
        mg_log(MG_LOG_INFO, trip->repeated ? "message.repeated" : "message.accepted", "message",
               result.id, "partner", trip->partner->name, "source", trip->source->name, "uuid",
               trip->header.uuid, "type", trip->type, NULL);
    }
    if (!trip->ignored)
        trip->done(&result, trip->context);
    free_trip(trip);
}

static void count(struct mg_trip *trip, size_t bytes)
{
    trip->intake->bytes += bytes - trip->counted;
    trip->counted = bytes;
}

/* What is announced takes no memory, what comes does: so the limit is looked at with every piece.
 * One message may always come in, however low the limit is. */
static bool has_room(const struct mg_trip *trip, size_t length)
{
    size_t all = trip->intake->bytes, limit = trip->config->limits.intake_bytes;
    return all == trip->counted || (all <= limit && length <= limit - all);
}

bool mg_intake_append(struct mg_trip *trip, const void *bytes, size_t length)
{
    bool taken =
        (has_room(trip, length) || overloaded(&trip->error)) &&
        (mg_buffer_add(&trip->body, bytes, length) || too_large(trip->config, &trip->error));
    if (!taken) {
        trip->refused = true;
        end(trip);
        return false;
    }
    count(trip, trip->body.length);
    return true;
}

/* ---- the stages, on a worker, and the commit ---- */

static void submit(struct mg_trip *trip, void (*work)(struct mg_job *),
                   void (*done)(struct mg_job *))
{
    trip->job.work = work;
    trip->job.done = done;
    if (!mg_pool_submit(trip->intake->options.workers, &trip->job)) {
        trip->refused = true;
        mg_fail(
            &trip->error, "gateway.overloaded",
            "The gateway's workers have as much to do as they may; send the message again later.");
        end(trip);
    }
}

static void recall(struct mg_job *job)
{
    struct mg_trip *trip = (struct mg_trip *)job;
    trip->refused = !mg_trip_recall(trip, &trip->accept.known_id);
}

static void recalled(struct mg_job *job)
{
    end((struct mg_trip *)job);
}

static void committed(struct mg_store_accept *accept)
{
    struct mg_trip *trip = accept->context;
    if (!accept->ok) {
        trip->refused = true;
        trip->error = accept->error;
    } else if (accept->result == MG_ACCEPT_DIFFERENT) {
        trip->refused = true;
        mg_fail(
            &trip->error, "duplicate.different-content",
            "A message of this UUID was accepted before, with other content; give each message a "
            "UUID of its own.");
    } else if (accept->result == MG_ACCEPT_REPEATED) {
        submit(trip, recall, recalled);
        return;
    } else if (trip->intake->options.committed) {
        for (size_t i = 0; i < accept->delivery_count; i++)
            trip->intake->options.committed(accept->deliveries[i].destination,
                                            trip->intake->options.context);
    }
    end(trip);
}

/* Trees of many small pieces are freed where they were made: the loop has better things to do. */
static void free_documents(struct mg_trip *trip)
{
    if (trip->detached)
        xmlFreeDoc(trip->detached);
    if (trip->document)
        xmlFreeDoc(trip->document);
    trip->detached = trip->document = NULL;
}

static void work(struct mg_job *job)
{
    struct mg_trip *trip = (struct mg_trip *)job;
    trip->refused = !(mg_trip_read(trip) && mg_trip_judge(trip) && mg_trip_seal(trip));
    if (!trip->refused && !trip->repeated)
        mg_trip_prepare(trip);
    free_documents(trip);
}

static void worked(struct mg_job *job)
{
    struct mg_trip *trip = (struct mg_trip *)job;
    if (trip->refused || trip->repeated) {
        end(trip);
        return;
    }
    /* Until it is stored it takes what was unpacked and made canonical. */
    count(trip, trip->body.length + trip->plain.length + trip->content_length);
    trip->accept.done = committed;
    trip->accept.context = trip;
    mg_store_accept(trip->store, &trip->accept);
}

void mg_intake_finish(struct mg_trip *trip)
{
    trip->finished = mg_clock_monotonic();
    submit(trip, work, worked);
}

void mg_intake_abort(struct mg_trip *trip)
{
    if (trip->job.work)
        trip->ignored = true;
    else
        free_trip(trip);
}
