/*
 * store: the durable queue. It never sees XML: to it, a message is an id, some texts, and parts of
 * bytes.
 *
 * One interface, three implementations: SQLite (durable), memory and null (for tests and the
 * bench). A store is made for several nodes to share: deliveries are claimed for a node with a
 * lease and come back when it ends, and whether a message is new is decided inside the commit.
 *
 * Threads: the calls with a completion are asynchronous: they may be made from any thread, are
 * carried out in order by the store's one writer, which commits many in one transaction, and
 * complete through the handoff given when the store was opened, that is on the loop's thread. What
 * a call points to stays untouched and alive until its completion. The calls that return a value
 * read at once, block on the disk, and are for workers, not for the loop. The writers of parts
 * block too.
 *
 * A completion with ok = false changed nothing in the store. Codes: store.full (no space, or the
 * reserve is reached), store.failed (the database reports an error), store.lost-claim (of an
 * outcome), box.taken (of a taking), box.lost (of a settlement), box.unknown (of both),
 * store.closed.
 */
#ifndef MUENGSTEN_STORE_STORE_H
#define MUENGSTEN_STORE_STORE_H

#include "gateway/base/error.h"
#include "gateway/base/handoff.h"
#include "gateway/base/histogram.h"
#include "gateway/base/id.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mg_store;

/* What the bytes of a part are. A message has each at most once, attachments by MG_PART_ATTACHMENT
 * + n. */
enum mg_store_part_kind {
    MG_PART_CONTENT = 1,        /* the canonical document without signature */
    MG_PART_ORIGINAL = 2,       /* the body as it was handed in, unpacked: the evidence */
    MG_PART_SEAL_DETACHED = 3,  /* our ds:Signature over the content */
    MG_PART_SEAL_ENVELOPED = 4, /* our ds:Signature, to be put into the content */
    MG_PART_RECEIPT = 5,        /* the receipt that the sender got */
    MG_PART_HEADER = 6,         /* the header facts, opaque to the store */
    MG_PART_ATTACHMENT = 16,
};

/* A part to be stored. Small ones are bytes in memory; large ones were written with
 * mg_store_part_*. */
struct mg_store_part {
    int kind;
    const char *media_type; /* of attachments; may be NULL */
    const char *name;       /* of attachments; may be NULL */
    const void *bytes;      /* in memory, or NULL if spooled */
    size_t length;
    struct mg_store_spool *spool; /* finished; the store takes it over with the call */
};

/* Writes a part of any size: begin, append, finish; blocks; one thread at a time. What is longer
 * than the store's inline limit goes into a spool file, synced at finish; without a row that names
 * it, the file is swept at the next start. mg_store_spool_free drops one that is not stored. */
struct mg_store_spool *mg_store_spool_begin(struct mg_store *store, struct mg_error *error);
bool mg_store_spool_append(struct mg_store_spool *spool, const void *bytes, size_t length,
                           struct mg_error *error);
bool mg_store_spool_finish(struct mg_store_spool *spool, struct mg_error *error);
void mg_store_spool_free(struct mg_store_spool *spool);

/* ---- accept: one message with its parts, deliveries and first events, in one durable commit ----
 */

enum mg_accept_result {
    MG_ACCEPT_NEW,       /* it is on disk */
    MG_ACCEPT_REPEATED,  /* the same (partner, uuid) with the same digest is there: known_id says
                            which */
    MG_ACCEPT_DIFFERENT, /* the same (partner, uuid) with another digest is there: known_id says
                            which */
};

struct mg_store_delivery_plan {
    struct mg_id id;         /* of the delivery */
    const char *destination; /* its name */
};

struct mg_store_accept {
    struct mg_handoff_item item; /* the store's own; first */
    struct mg_id id;             /* of the message */
    const char *partner;         /* who handed it in */
    const char *way;             /* adapter instance it came in by */
    const char *uuid;            /* the sender's */
    uint8_t digest[32];
    const char *profile;
    const char *type; /* profile:code */
    const char *author;
    const char *reader;
    int64_t received;         /* milliseconds since 1970 */
    int64_t remembered_until; /* until when (partner, uuid) is remembered */
    const struct mg_store_part *parts;
    size_t part_count;
    const struct mg_store_delivery_plan *deliveries;
    size_t delivery_count;
    const char *line; /* for the journal if the message is new; NULL: none */
    /* Filled in before done is called. */
    bool ok;
    enum mg_accept_result result;
    struct mg_id known_id;
    struct mg_error error;
    void (*done)(struct mg_store_accept *accept);
    void *context;
};

void mg_store_accept(struct mg_store *store, struct mg_store_accept *accept);

/* ---- deliveries ---- */

enum mg_delivery_state {
    MG_DELIVERY_WAITING = 0,   /* to be tried at its next attempt */
    MG_DELIVERY_RUNNING = 1,   /* claimed by a node */
    MG_DELIVERY_HELD = 2,      /* an operator holds it */
    MG_DELIVERY_DELIVERED = 3, /* the destination has it */
    MG_DELIVERY_COLLECTED = 4, /* its reader has fetched it */
    MG_DELIVERY_DEAD = 5,      /* given up */
    MG_DELIVERY_CANCELLED = 6,
};

#define MG_STORE_NAME_SIZE 128

struct mg_store_delivery {
    struct mg_id id;
    struct mg_id message;
    char destination[MG_STORE_NAME_SIZE];
    enum mg_delivery_state state;
    int attempts;         /* begun so far, the claimed one included */
    int tried;            /* of them, those before it was revived last (act.h) */
    int64_t received;     /* of the message */
    int64_t since;        /* when it began to wait: received, or when it was revived last */
    int64_t next_attempt; /* milliseconds since 1970 */
    char last_code[MG_ERROR_CODE_SIZE];
    char last_text[256];
    int64_t ended; /* 0: not yet */
};

/*
 * Claims up to limit waiting deliveries of a destination whose next attempt is due, oldest first,
 * for this node until the lease ends. The delivery's attempts are counted up.
 *
 * Ordered: at most one at a time, in the order of acceptance. While one of the destination is
 * running, or the first one waits for a later attempt, none is claimed, and next_due says when to
 * ask again. While one that died so that the next may not overtake it (mg_store_outcome.blocks)
 * stands before the first, none is claimed either, and blocked is true. With pass_dead such dead
 * ones no longer stand in anybody's way, now and from now on.
 */
struct mg_store_claim {
    struct mg_handoff_item item;
    const char *destination;
    size_t limit;
    int64_t now;
    int64_t lease;  /* milliseconds since 1970 */
    int64_t due_by; /* only what has been due by then, which is not after now; 0: now. What lies in
                     * a box is due since it was accepted. */
    bool ordered;
    bool pass_dead; /* of an ordered claim */
    bool ok;
    struct mg_store_delivery *deliveries; /* the caller frees it with free() */
    size_t count;
    int64_t next_due;   /* when it is worth asking again: the next attempt of one that waits, or the
                         * end of a lease; 0: neither */
    int64_t next_lease; /* of an unordered claim: the end of the first lease; 0: none */
    bool blocked;       /* of an ordered claim: nothing goes until somebody decides about … */
    struct mg_id blocking; /* … the delivery of this message, which is dead or held */
    struct mg_error error;
    void (*done)(struct mg_store_claim *claim);
    void *context;
};

void mg_store_claim(struct mg_store *store, struct mg_store_claim *claim);

/* Records what became of a claimed delivery, with an event. store.lost-claim, and nothing changed,
 * if this node no longer has the delivery. */
struct mg_store_outcome {
    struct mg_handoff_item item;
    struct mg_id delivery;
    struct mg_id message;
    enum mg_delivery_state state; /* WAITING: again at next_attempt; or how it ended */
    bool attempt_counts; /* false: the attempt never left the house (stop, breaker): count down */
    bool blocks;         /* dead, and those after it may not overtake it: ordered claims stop, and
                          * retention leaves the message alone, until one of them passes the dead */
    int64_t now;
    int64_t next_attempt;
    const char *code; /* such as "delivered", "destination.unreachable" */
    const char *text; /* a sentence without content; may be NULL */
    int64_t duration; /* of the attempt, microseconds */
    const char *line; /* for the journal if it is recorded; NULL: none */
    bool ok;
    struct mg_error error;
    void (*done)(struct mg_store_outcome *outcome); /* may be NULL */
    void *context;
};

void mg_store_outcome(struct mg_store *store, struct mg_store_outcome *outcome);

/* ---- boxes: deliveries that are collected ----
 *
 * What waits for a destination may also be taken by readers. A taking is not this node's: it ends
 * with its lease or its settlement alone, also across restarts. Its attempt tells it from every
 * other taking of the same message. The oldest is what has been due for the longest time, which in
 * a box is what was accepted first. */

/* Takes the oldest message, or a given one. Without a given one, none to take is no error: found is
 * false. box.taken: somebody else has it at the moment; box.unknown: it does not wait here. */
struct mg_store_take {
    struct mg_handoff_item item;
    const char *destination;
    const struct mg_id *message; /* NULL: the oldest */
    int64_t now;
    int64_t lease; /* milliseconds since 1970 */
    bool ok;
    bool found;
    struct mg_store_delivery delivery; /* its attempts: the attempt that settles it */
    struct mg_error error;
    void (*done)(struct mg_store_take *take);
    void *context;
};

void mg_store_take(struct mg_store *store, struct mg_store_take *take);

/* Settles a taking, with an event. box.lost: its lease has ended, or the message has been taken or
 * settled otherwise since; box.unknown: no such message is known here. What was collected by the
 * same taking stays so: settled again it is ok, and nothing changes. */
struct mg_store_settle {
    struct mg_handoff_item item;
    const char *destination;
    struct mg_id message;
    int attempt;
    enum mg_delivery_state state; /* COLLECTED; or WAITING: it may be taken again at once */
    int64_t now;
    const char *code; /* such as "collected", "returned" */
    const char *text; /* may be NULL */
    const char *line; /* for the journal if it is recorded now; NULL: none */
    bool ok;
    bool repeated; /* it had been settled so before, and nothing has changed */
    struct mg_error error;
    void (*done)(struct mg_store_settle *settle); /* may be NULL */
    void *context;
};

void mg_store_settle(struct mg_store *store, struct mg_store_settle *settle);

/* ---- the journal ----
 *
 * What a call writes into it is found under the message's id. See gateway/store/journal.h. */

/* Writes a line alone. While the reserve is nearly used up it is refused (store.full). */
struct mg_store_note {
    struct mg_handoff_item item;
    const char *subject; /* less than 64 bytes; NULL: none */
    const char *line;
    bool ok;
    int64_t number; /* of the line */
    struct mg_error error;
    void (*done)(struct mg_store_note *note); /* may be NULL */
    void *context;
};

void mg_store_note(struct mg_store *store, struct mg_store_note *note);

/* ---- numbers: any thread, at once, without the disk ---- */

/* What there is of a destination, as of the last commit. */
struct mg_store_queue {
    char destination[MG_STORE_NAME_SIZE];
    int64_t waiting; /* deliveries that are not over: running, taken and held ones included */
    int64_t running; /* of them claimed or taken; an ended lease counts until the next claim, taking
                      * or list of the destination */
    int64_t held;    /* of them held, since a restore: nothing but an operator moves them */
    int64_t dead;
    int64_t bytes;  /* of the content of those waiting */
    int64_t oldest; /* when the oldest of those waiting was accepted; 0: none waits */
};
void mg_store_queue(struct mg_store *store, const char *destination, struct mg_store_queue *queue);

/* All destinations for which something waits or is dead, in no order; the caller frees the array.
 */
void mg_store_queues(struct mg_store *store, struct mg_store_queue **queues, size_t *count);

/* How the store does. */
struct mg_store_measures {
    struct mg_histogram commits; /* how long they took, since the start */
    struct mg_histogram recent;  /* the same, of the last minutes */
    int64_t messages;            /* that it holds; -1: not known */
    int64_t backlog;             /* calls that wait for the writer */
    int64_t free_bytes;          /* on its disk; -1: not known */
    int64_t reserve;             /* below which it accepts nothing */
    bool failed;                 /* the last commit did not succeed */
};
void mg_store_measures(struct mg_store *store, struct mg_store_measures *measures);

/* ---- reading; blocks; any thread but the loop's ---- */

struct mg_store_message {
    struct mg_id id;
    char partner[MG_STORE_NAME_SIZE];
    char way[MG_STORE_NAME_SIZE];
    char uuid[64];
    uint8_t digest[32];
    char profile[MG_STORE_NAME_SIZE];
    char type[MG_STORE_NAME_SIZE];
    char author[MG_STORE_NAME_SIZE];
    char reader[MG_STORE_NAME_SIZE];
    int64_t received;
};

struct mg_store_event {
    int64_t time;
    char destination[MG_STORE_NAME_SIZE]; /* empty: of the message as a whole */
    char code[MG_ERROR_CODE_SIZE];
    char text[256];
    int64_t duration;
};

/* *found says whether there is one. */
bool mg_store_find(struct mg_store *store, const struct mg_id *id, struct mg_store_message *message,
                   bool *found, struct mg_error *error);

/* The look before the commit, a hint only: is (partner, uuid) known? result as in mg_store_accept.
 */
bool mg_store_look_up(struct mg_store *store, const char *partner, const char *uuid,
                      const uint8_t digest[32], enum mg_accept_result *result,
                      struct mg_id *known_id, struct mg_error *error);

/* Size and names of a part; size -1 if the message has none such. */
struct mg_store_part_facts {
    int64_t size;
    char media_type[128];
    char name[256];
};
bool mg_store_part(struct mg_store *store, const struct mg_id *id, int kind,
                   struct mg_store_part_facts *facts, struct mg_error *error);

/* Reads up to size bytes of a part from offset; returns how many, 0 at its end, -1 on error
 * (store.no-such-part, store.failed). */
ssize_t mg_store_read(struct mg_store *store, const struct mg_id *id, int kind, int64_t offset,
                      void *bytes, size_t size, struct mg_error *error);

/* A descriptor to read a spooled part from, which the caller closes; -1 if the part is inline. */
int mg_store_descriptor(struct mg_store *store, const struct mg_id *id, int kind);

/* All deliveries, or events, of a message in the order they were made; the caller frees the array.
 */
bool mg_store_deliveries(struct mg_store *store, const struct mg_id *id,
                         struct mg_store_delivery **deliveries, size_t *count,
                         struct mg_error *error);
bool mg_store_events(struct mg_store *store, const struct mg_id *id, struct mg_store_event **events,
                     size_t *count, struct mg_error *error);

/* Lists what may be taken from a box at the moment, oldest first; what has an ended lease may. At
 * most limit (1 to MG_STORE_LIST_LIMIT) entries, after a place where an earlier list ended (zeroed:
 * from the beginning); more says whether there may be more after next. Blocks, also for the writer
 * where leases have ended. */
#define MG_STORE_LIST_LIMIT 1000

struct mg_store_place {
    int64_t time;
    int64_t key;
};

struct mg_store_entry {
    struct mg_id message;
    char uuid[64];
    char type[MG_STORE_NAME_SIZE];
    char author[MG_STORE_NAME_SIZE];
    char reader[MG_STORE_NAME_SIZE];
    char partner[MG_STORE_NAME_SIZE];
    int64_t received;
    int64_t size; /* of the content */
    int attempts; /* how often it was taken so far */
};

struct mg_store_list {
    struct mg_store_entry *entries; /* the caller frees it with free() */
    size_t count;
    struct mg_store_place next;
    bool more;
};
bool mg_store_list(struct mg_store *store, const char *destination, struct mg_store_place after,
                   size_t limit, int64_t now, struct mg_store_list *list, struct mg_error *error);

/* What the store holds, for the start, the log and the status. */
struct mg_store_totals {
    int64_t messages;
    int64_t waiting; /* deliveries that are not over */
    int64_t dead;
    int64_t bytes; /* of the database and spool on disk */
};
bool mg_store_totals(struct mg_store *store, struct mg_store_totals *totals,
                     struct mg_error *error);

/* ---- life ---- */

struct mg_store_options {
    const char *folder; /* of the database and the spool; created with mode 0700 if it is missing */
    const char *node;   /* name of this node, for claims */
    int64_t reserve;    /* bytes of free space at which accepting stops; 0: none */
    size_t inline_limit;    /* bytes of the largest part kept in the row; default 256 KiB */
    size_t commit_limit;    /* calls in one commit at most; default 512 */
    int64_t keep_content;   /* milliseconds that content is kept after the last delivery ended */
    int64_t keep_trace;     /* the same for the message's row, deliveries and events */
    const char *sqlite_vfs; /* name of a registered SQLite VFS; NULL: the default. For tests. */
};

/*
 * Opens or creates a store: upgrades older files, refuses newer ones (store.version), returns to
 * the queue whatever this node had claimed, sweeps spool files that no row names. Only one process
 * may have it open (store.in-use). Further codes: store.unreadable, store.failed.
 */
struct mg_store *mg_store_sqlite_open(const struct mg_store_options *options,
                                      struct mg_handoff *handoff, struct mg_error *error);
struct mg_store *mg_store_memory_open(const struct mg_store_options *options,
                                      struct mg_handoff *handoff, struct mg_error *error);
/* Accepts everything as new, keeps nothing, has no deliveries: the floor of what intake costs. */
struct mg_store *mg_store_null_open(const struct mg_store_options *options,
                                    struct mg_handoff *handoff, struct mg_error *error);

/*
 * A run of retention. It does not believe the clock alone: of contents, of traces and of what is
 * remembered for duplicates it deletes at most what is within a day after the oldest that is there
 * when the run begins. So a clock that is years ahead costs a day's worth a run, and not everything
 * at once; and since the oldest is usually just due, nothing else is different.
 */
struct mg_store_expiry {
    int64_t now; /* given by the caller; all else begins as zero */
    bool more;   /* the run is not over: call again */
    bool behind; /* by the clock another run would have more to delete: give it time */
    /* What ended until then goes, and what is remembered until then at most. */
    bool begun;
    int64_t contents, traces, duplicates;
};

/* Deletes what the retention no longer allows, at most a batch (256 messages) a call. Blocks. */
bool mg_store_expire(struct mg_store *store, struct mg_store_expiry *expiry,
                     struct mg_error *error);

/* Other times to keep contents and traces, from now on. Any thread. */
void mg_store_set_retention(struct mg_store *store, int64_t keep_content, int64_t keep_trace);

/* True while messages can be accepted: space above the reserve, no failed commit since. Cheap (a
 * flag), any thread. */
bool mg_store_ready(struct mg_store *store);

/* True while claims and outcomes can be recorded: that is what the reserve is for, until seven
 * eighths of it are used. Cheap, any thread. */
bool mg_store_can_record(struct mg_store *store);

/* Carries out what was asked for, completes it into the handoff (to be drained afterwards), closes.
 * NULL is allowed. */
void mg_store_close(struct mg_store *store);

#endif
