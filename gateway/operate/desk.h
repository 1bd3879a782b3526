/*
 * desk: what all share who look at messages or act on them; internal to the room.
 *
 * The store's readings block: so an inquiry has them done in the background, and goes on on the
 * loop. Only MG_DESK_AT_ONCE of them are worked on at once, the others wait for that: whoever asks
 * much shall neither keep adapters from their files nor messages that come in from the store's
 * readers. Beyond MG_DESK_INQUIRIES who asks is told to ask again (503 operate.busy).
 *
 * An inquiry holds the desk and its ask until it ends, also after operate is gone; it ends in
 * mg_inquiry_end, when its ask is answered. Once the desk is closed nothing more is begun, neither
 * in the background nor in the store. Only on the thread of the loop, but for the work of an
 * inquiry.
 */
#ifndef MUENGSTEN_OPERATE_DESK_H
#define MUENGSTEN_OPERATE_DESK_H

#include "gateway/audit/audit.h"
#include "gateway/dispatch/dispatch.h"
#include "gateway/operate/ask.h"
#include "gateway/operate/operate.h"
#include "gateway/store/search.h"

#define MG_DESK_INQUIRIES 16
#define MG_DESK_AT_ONCE   2

struct mg_inquiry;

struct mg_desk {
    struct mg_store *store;
    struct mg_audit *audit;
    struct mg_dispatch *dispatch;
    struct mg_pool *background; /* NULL: closed */
    struct mg_config *config;   /* held; NULL: none yet */
    unsigned underway;          /* inquiries */
    unsigned working;           /* of them in the background */
    struct mg_inquiry *first;   /* of those that wait for it */
    struct mg_inquiry *last;
    unsigned held;
};

struct mg_desk *mg_desk_new(const struct mg_operate_options *options);
/* From now on what is asked is about this configuration. */
void mg_desk_apply(struct mg_desk *desk, struct mg_config *config);
/* The pools and the store may end: nothing more is begun, and what the dispatch leans on may be
 * gone already, so that it is told nothing. Then its owner's hold is over; the last inquiry frees
 * it. */
void mg_desk_close(struct mg_desk *desk);
bool mg_desk_is_closed(const struct mg_desk *desk);

/* The name of a destination that the configuration has; NULL: it has none such. */
const char *mg_desk_destination(const struct mg_desk *desk, const char *name);

/* ---- inquiries: the first member of what somebody wants to know ---- */

struct mg_inquiry {
    struct mg_job job;
    struct mg_inquiry *next; /* the desk's: of those that wait */
    struct mg_desk *desk;
    struct mg_ask *ask;
    /* Blocks, in the background; false with the reason. */
    bool (*work)(struct mg_inquiry *inquiry);
    /* On the loop, with what came of it. */
    void (*done)(struct mg_inquiry *inquiry);
    /* Frees what the inquiry holds beside itself; may be NULL. */
    void (*clean)(struct mg_inquiry *inquiry);
    bool ok;
    bool rests; /* waits for who asks, and is not counted */
    struct mg_error error;
};

/* Makes room for an inquiry of this size about an ask. NULL if there are too many: the ask is
 * answered then. */
struct mg_inquiry *mg_inquiry_new(struct mg_desk *desk, struct mg_ask *ask, size_t size);
/* Has work done, then done called. False if the background has no place: then the inquiry goes on
 * as if work had failed for that, without done being called. */
bool mg_inquiry_work(struct mg_inquiry *inquiry, bool (*work)(struct mg_inquiry *inquiry),
                     void (*done)(struct mg_inquiry *inquiry));
/* While it waits for who asks to read on, it takes nobody's place. */
void mg_inquiry_rest(struct mg_inquiry *inquiry, bool rests);
/* Its ask is answered: frees it. */
void mg_inquiry_end(struct mg_inquiry *inquiry);

/* Answers with a problem for what failed, and ends. */
void mg_inquiry_fail(struct mg_inquiry *inquiry);
/* Answers with JSON, frees the body, and ends. */
void mg_inquiry_answer(struct mg_inquiry *inquiry, struct mg_buffer *body);

/* ---- what many need ---- */

/* Whether the path names an id; if not, the ask is answered (404 message.unknown). */
bool mg_desk_read_id(struct mg_ask *ask, struct mg_id *id);

/* Reads a message with its deliveries; found says whether there is one. Blocks. */
bool mg_desk_read_hit(struct mg_desk *desk, const struct mg_id *id, struct mg_store_hit *hit,
                      bool *found, struct mg_error *error);

/* Whoever asks has looked at a message, which the audit trail is told; what: NULL, or what of it
 * was seen. False: these are too many looks; then the inquiry has been refused and is gone. */
bool mg_desk_looked(struct mg_inquiry *inquiry, const struct mg_id *message, const char *what);

/* An act for the audit trail, by whoever asks. */
struct mg_audit_act mg_desk_act(const struct mg_ask *ask, const char *name);

#endif
