/*
 * trip: one message on its way through intake; internal to the room.
 *
 * Each member is written by one stage and read by later ones. From mg_intake_finish until the job
 * is done the trip belongs to a worker, otherwise to the loop.
 */
#ifndef MUENGSTEN_INTAKE_TRIP_H
#define MUENGSTEN_INTAKE_TRIP_H

#include "gateway/base/buffer.h"
#include "gateway/intake/checks.h"
#include "gateway/intake/intake.h"
#include "gateway/message/header.h"

struct mg_trip {
    struct mg_job job; /* first, so that the worker's job is the trip */
    struct mg_intake *intake;
    struct mg_store *store;
    void (*done)(const struct mg_trip_result *result, void *context);
    void *context;
    bool ignored; /* nobody wants to hear of it any more */

    /* From the beginning */
    struct mg_config *config;
    const struct mg_config_source *source;
    const struct mg_config_partner *partner;
    char media_type[512];
    bool packed;
    struct mg_buffer body;
    int64_t finished; /* when all of it was there; monotonic */
    size_t counted; /* bytes of it, and of what was made of it, counted towards the limit of all */
    bool refused;
    struct mg_error error;

    struct mg_checks checks; /* passed so far */
    int64_t marked;          /* when the last one ended, mg_clock_monotonic */

    /* Reading */
    struct mg_buffer plain; /* the unpacked body, if it came packed */
    const char *original;   /* the body as handed in, unpacked */
    size_t original_length;
    xmlDoc *document;
    xmlDoc *detached;       /* the signature that came beside the document */
    char detached_uri[260]; /* by which that signature may name the document */
    const struct mg_config_profile *profile;
    struct mg_header header;
    char type[192]; /* profile:code */

    /* Judging */
    bool is_signed;
    struct mg_signature_result signature;

    /* Sealing */
    struct mg_id id;
    int64_t received;
    xmlChar *canonical; /* computed here, unless the signature's check left it */
    const char *content;
    size_t content_length;
    uint8_t digest[32];
    const struct mg_route *route;
    struct mg_buffer seal_detached;
    struct mg_buffer seal_enveloped;
    struct mg_buffer receipt;
    struct mg_buffer record; /* of the header */
    bool repeated;           /* known before: id and receipt are those of the first time */

    /* Committing */
    struct mg_store_part parts[8];
    struct mg_store_delivery_plan deliveries[MG_ROUTE_DESTINATIONS];
    struct mg_buffer line; /* for the audit trail */
    struct mg_store_accept accept;
};

/* The stages, in order; each returns false with trip->error filled. On workers. */
bool mg_trip_read(struct mg_trip *trip);
bool mg_trip_judge(struct mg_trip *trip);
bool mg_trip_seal(struct mg_trip *trip);

/* Notes a check that passed just now, and took the time since the one before. */
void mg_trip_note(struct mg_trip *trip, enum mg_check_kind kind, bool required, const char *detail);

/* Reads the receipt that the message of this id got, into trip->receipt. On workers. */
bool mg_trip_recall(struct mg_trip *trip, const struct mg_id *id);

/* Prepares trip->accept for the store. */
void mg_trip_prepare(struct mg_trip *trip);

#endif
