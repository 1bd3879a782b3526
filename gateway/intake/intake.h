/*
 * intake: the stages from bytes to a committed message, and every reason to refuse one.
 *
 * A message comes in as a trip: begin (who, what, how large; refusals before any byte was read),
 * append (the body, collected under the limits), finish. Then a worker takes it through the stages,
 * each in a file of the name of what it does:
 *
 *   reading    unpack, split, scan, parse, profile, header facts
 *   judging    permission, signature, schema
 *   sealing    duplicate (a hint), route, seal, receipt
 *
 * and the store makes it durable in one commit, which also decides whether it is new. Only then is
 * the sender told. A trip holds the configuration it began with, so that a reload never changes the
 * rules under it.
 *
 * All functions are for the thread of the loop.
 */
#ifndef MUENGSTEN_INTAKE_INTAKE_H
#define MUENGSTEN_INTAKE_INTAKE_H

#include "gateway/audit/audit.h"
#include "gateway/base/pool.h"
#include "gateway/config/config.h"
#include "gateway/store/store.h"

struct mg_intake;
struct mg_tally;
struct mg_trip;

struct mg_intake_options {
    struct mg_store *store;
    struct mg_pool *workers;
    struct mg_audit *audit; /* is told of refusals; NULL: nobody is */
    /* A message was committed with deliveries to this destination; may be NULL. */
    void (*committed)(const char *destination, void *context);
    void *context;
};

struct mg_intake *mg_intake_new(const struct mg_intake_options *options);
/* No trip may be underway. NULL is allowed. */
void mg_intake_free(struct mg_intake *intake);

/* From now on everything new is refused with gateway.stopping. */
void mg_intake_stop(struct mg_intake *intake);
/* Trips underway. */
size_t mg_intake_underway(const struct mg_intake *intake);
/* What was counted of all trips that have ended. */
const struct mg_tally *mg_intake_tally(const struct mg_intake *intake);

/* How a message comes in; borrowed for the call. */
struct mg_entry {
    struct mg_config *config; /* the trip takes a reference of its own */
    const struct mg_config_source *source;
    const struct mg_config_partner *partner; /* NULL: nobody we know */
    const char *media_type;                  /* Content-Type; NULL: none was given */
    const char *content_encoding;            /* NULL: none */
    int64_t length;                          /* announced; -1: not known */
    const char *peer;                        /* "192.0.2.1:4711"; NULL: not known */
};

enum mg_trip_end { MG_TRIP_ACCEPTED, MG_TRIP_REPEATED, MG_TRIP_REFUSED };

struct mg_trip_result {
    enum mg_trip_end end;
    char id[MG_ID_TEXT_SIZE]; /* empty if refused */
    const char *receipt;
    size_t receipt_length;
    const struct mg_error *refusal; /* NULL unless refused */
    const char *message;            /* the sender's message UUID; empty if it was not read */
};

/* Begins a trip. NULL and a refusal if it ends here: partner.unknown, media-type.unsupported,
 * encoding.unsupported, body.too-large, quota.exceeded, gateway.overloaded, gateway.stopping,
 * store.full. Otherwise done is called once, unless the trip is aborted; the trip is gone when done
 * returns. */
struct mg_trip *mg_intake_begin(struct mg_intake *intake, const struct mg_entry *entry,
                                void (*done)(const struct mg_trip_result *result, void *context),
                                void *context, struct mg_error *refusal);

/* Adds to the body. False if that is too much for a message (body.too-large) or for all that are
 * underway (gateway.overloaded): done was called with the refusal, and the trip is gone. */
bool mg_intake_append(struct mg_trip *trip, const void *bytes, size_t length);
void mg_intake_finish(struct mg_trip *trip);

/* Before finish: the trip ends here. After it: the message goes on, but nobody is told any more. */
void mg_intake_abort(struct mg_trip *trip);

#endif
