/*
 * delivery: one claimed delivery with the message it carries; what adapters see as struct
 * mg_delivery.
 *
 * A worker loads the message; from then on document and seal are in memory, and never change, so
 * that an adapter's own thread may read them. The original and attachments are read by offset.
 * Internal to the room.
 */
#ifndef MUENGSTEN_DISPATCH_DELIVERY_H
#define MUENGSTEN_DISPATCH_DELIVERY_H

#include "gateway/base/pool.h"
#include "gateway/dispatch/instance.h"
#include "gateway/message/header.h"
#include "gateway/store/store.h"

#include <sys/queue.h>

struct mg_lane;
struct mg_taking; /* box_take.c */

/* As many attachments as a delivery shows to its adapter. */
#define MG_DELIVERY_ATTACHMENTS 256

/* Bytes of one part of the message, in memory. */
struct delivery_part {
    struct mg_buffer bytes;
    bool present;
    char media_type[128];
    char content_id[64];
};

struct mg_delivery {
    struct mg_job job;             /* first: the loading */
    LIST_ENTRY(mg_delivery) entry; /* of those running in the lane */
    struct mg_lane *lane;          /* NULL: it was taken from a box */
    struct mg_taking *taking;      /* and this is how */
    struct mg_store *store;
    struct mg_instance *instance;
    enum mg_seal_form form; /* of the seal, as the destination wants it */
    struct mg_store_delivery claim;
    char message_id[MG_ID_TEXT_SIZE];

    /* Loaded */
    struct mg_store_message message;
    struct mg_header header;
    struct delivery_part document;
    struct delivery_part seal;
    bool loaded;
    struct mg_error error; /* why it could not be loaded */
    struct mg_message_facts facts;
    char original_type[128];
    struct mg_store_part_facts *attachments;
    unsigned attachment_count;

    /* Running */
    int64_t begun;    /* mg_clock_monotonic */
    int64_t deadline; /* mg_clock_monotonic */
    struct event *timeout;
    bool cancelled; /* the adapter was told */
    bool kept;      /* cancelled by the stop, and not by its own deadline */
    bool completed;

    struct mg_store_outcome outcome;
    char outcome_code[MG_ERROR_CODE_SIZE];
    char outcome_text[256];
    char cause[MG_ERROR_CODE_SIZE]; /* what the adapter said */
    struct mg_buffer line;          /* for the audit trail */
};

/* Loads the message of a claimed delivery in the seal form that its destination wants. On a worker.
 */
void mg_delivery_load(struct mg_delivery *delivery);

/* Frees everything but the timeout, which must be gone. NULL is allowed. */
void mg_delivery_free(struct mg_delivery *delivery);

/* outcome.c: an adapter has completed the delivery, which is where every outcome of adapters comes
 * in. */
void mg_delivery_completed(struct mg_delivery *delivery, const struct mg_outcome *outcome);

#endif
