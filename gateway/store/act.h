/*
 * act: what operators do with deliveries and destinations.
 *
 * An act names the delivery as its operator saw it. If somebody or something has changed it since,
 * the act is refused and changes nothing (act.conflict), so of two who act on the same sight one
 * wins, and the other is told. Each act leaves an event in the trace and, in the same commit, a
 * line in the journal.
 *
 * Of a message there is at most one delivery for a destination. What is moved to where it had been
 * before revives the delivery that it left there.
 *
 * Threads: as the other asynchronous calls of the store (store.h).
 */
#ifndef MUENGSTEN_STORE_ACT_H
#define MUENGSTEN_STORE_ACT_H

#include "gateway/store/store.h"

enum mg_store_act_kind {
    MG_ACT_RETRY,  /* dead or held: it waits again, due now, and its time to give up begins anew;
                      waiting: it is due now */
    MG_ACT_CANCEL, /* waiting, held or dead: it is over, and in nobody's way */
    MG_ACT_MOVE,   /* likewise, and there is one that waits at another destination */
};

/*
 * Codes: act.unknown (the message has no delivery for this destination), act.conflict (it is not as
 * it was seen), act.running (it is being delivered, or somebody has taken it), act.over (delivered,
 * collected or cancelled), act.gone (its content is no longer stored), act.there (the message is or
 * was at the other destination already), store.full, store.failed, store.closed.
 */
struct mg_store_act {
    struct mg_handoff_item item;
    enum mg_store_act_kind kind;
    struct mg_id message;
    const char *destination;
    const char *to; /* of a move: where to */
    enum mg_delivery_state seen_state;
    int seen_attempts;
    int64_t now;
    const char *code; /* of the event, such as "operator.retry" */
    const char *text; /* of the event: who and why */
    const char *line; /* for the journal if it is done; NULL: none */
    /* Filled in before done is called. */
    bool ok;
    bool found; /* there is such a delivery, and this is how it was before: */
    enum mg_delivery_state state;
    int attempts;
    struct mg_error error;
    void (*done)(struct mg_store_act *act);
    void *context;
};

void mg_store_act(struct mg_store *store, struct mg_store_act *act);

/* Lets those wait again that were given up for one destination, as MG_ACT_RETRY does: at most
 * MG_STORE_REVIVE_LIMIT at once, after the place where an earlier call ended (0: from the
 * beginning), and none that died after `died_by`. Those whose content is gone stay dead. */
#define MG_STORE_REVIVE_LIMIT 256

struct mg_store_revive {
    struct mg_handoff_item item;
    const char *destination;
    int64_t after;
    int64_t died_by; /* milliseconds since 1970 */
    int64_t now;
    const char *code;
    const char *text;
    const char *line; /* NULL: none */
    bool ok;
    int64_t next;   /* the place to go on from */
    bool more;      /* there may be more behind it */
    size_t revived; /* in this call */
    struct mg_error error;
    void (*done)(struct mg_store_revive *revive);
    void *context;
};

void mg_store_revive(struct mg_store *store, struct mg_store_revive *revive);

/* ---- pauses: operators', which outlive restarts. The store only remembers them. ---- */

#define MG_STORE_WHY_SIZE 2048

struct mg_store_pause {
    char destination[MG_STORE_NAME_SIZE];
    int64_t since;
    char by[MG_STORE_NAME_SIZE];
    char why[MG_STORE_WHY_SIZE];
};

/* Pauses or resumes. act.conflict: it is paused, or not paused, already. */
struct mg_store_pausing {
    struct mg_handoff_item item;
    const char *destination;
    bool resume;
    int64_t now;
    const char *by;
    const char *why;
    const char *line; /* NULL: none */
    bool ok;
    struct mg_error error;
    void (*done)(struct mg_store_pausing *pausing);
    void *context;
};

void mg_store_pausing(struct mg_store *store, struct mg_store_pausing *pausing);

/* All pauses there are; blocks, any thread but the loop's, and at the start. The caller frees the
 * array. */
bool mg_store_pauses(struct mg_store *store, struct mg_store_pause **pauses, size_t *count,
                     struct mg_error *error);

#endif
