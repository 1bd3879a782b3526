/*
 * backend: what the three implementations of the store share, and nobody else sees.
 *
 * An implementation embeds struct mg_store as its first member, and store.c calls it by its class.
 * Before an asynchronous call reaches a class, store.c has set its result to "failed, no reason
 * yet" and its item's run function; the implementation fills in the result and posts the item to
 * the handoff, later, never from within the call's own stack of done functions.
 */
#ifndef MUENGSTEN_STORE_BACKEND_H
#define MUENGSTEN_STORE_BACKEND_H

#include "gateway/base/buffer.h"
#include "gateway/store/act.h"
#include "gateway/store/backup.h"
#include "gateway/store/erase.h"
#include "gateway/store/journal.h"
#include "gateway/store/search.h"
#include "gateway/store/store.h"

#include <stdatomic.h>

#define MG_STORE_INLINE_LIMIT ((size_t)256 * 1024)
#define MG_STORE_COMMIT_LIMIT ((size_t)512)
#define MG_STORE_EXPIRE_BATCH 256

/* The numbers below a message: kinds of parts, deliveries, events. */
#define MG_STORE_NUMBER_BITS 20
#define MG_STORE_NUMBER_LAST ((INT64_C(1) << MG_STORE_NUMBER_BITS) - 1)

struct mg_store_class {
    void (*accept)(struct mg_store *store, struct mg_store_accept *accept);
    void (*claim)(struct mg_store *store, struct mg_store_claim *claim);
    void (*outcome)(struct mg_store *store, struct mg_store_outcome *outcome);
    void (*take)(struct mg_store *store, struct mg_store_take *take);
    void (*settle)(struct mg_store *store, struct mg_store_settle *settle);
    void (*note)(struct mg_store *store, struct mg_store_note *note);
    bool (*journal)(struct mg_store *store, const struct mg_store_journal_query *query,
                    struct mg_store_lines *lines, struct mg_error *error);
    bool (*trim_journal)(struct mg_store *store, int64_t through, const char *kept, bool *more,
                         struct mg_error *error);
    bool (*flush_journal)(struct mg_store *store,
                          struct mg_error *error); /* NULL: nothing is ever underway */
    bool (*backup)(struct mg_store *store, struct mg_store_backup *backup, struct mg_error *error);
    bool (*erase)(struct mg_store *store, struct mg_store_erase *erase, struct mg_error *error);
    bool (*remains)(struct mg_store *store, const struct mg_id *id, const char *partner,
                    const char *uuid, struct mg_store_remains *remains, struct mg_error *error);
    int64_t (*journal_last)(struct mg_store *store);
    void (*act)(struct mg_store *store, struct mg_store_act *act);
    void (*revive)(struct mg_store *store, struct mg_store_revive *revive);
    void (*pausing)(struct mg_store *store, struct mg_store_pausing *pausing);
    bool (*pauses)(struct mg_store *store, struct mg_store_pause **pauses, size_t *count,
                   struct mg_error *error);
    bool (*search)(struct mg_store *store, const struct mg_store_query *query,
                   struct mg_store_hits *hits, struct mg_error *error);
    void (*queue)(struct mg_store *store, struct mg_store_queue *queue);
    void (*queues)(struct mg_store *store, struct mg_store_queue **queues, size_t *count);
    void (*measures)(struct mg_store *store,
                     struct mg_store_measures *measures); /* NULL: nothing is measured */
    bool (*list)(struct mg_store *store, const char *destination, struct mg_store_place after,
                 size_t limit, int64_t now, struct mg_store_list *list, struct mg_error *error);
    bool (*find)(struct mg_store *store, const struct mg_id *id, struct mg_store_message *message,
                 bool *found, struct mg_error *error);
    bool (*look_up)(struct mg_store *store, const char *partner, const char *uuid,
                    const uint8_t digest[32], enum mg_accept_result *result, struct mg_id *known_id,
                    struct mg_error *error);
    bool (*part)(struct mg_store *store, const struct mg_id *id, int kind,
                 struct mg_store_part_facts *facts, struct mg_error *error);
    ssize_t (*read)(struct mg_store *store, const struct mg_id *id, int kind, int64_t offset,
                    void *bytes, size_t size, struct mg_error *error);
    int (*descriptor)(struct mg_store *store, const struct mg_id *id, int kind);
    bool (*deliveries)(struct mg_store *store, const struct mg_id *id,
                       struct mg_store_delivery **deliveries, size_t *count,
                       struct mg_error *error);
    bool (*events)(struct mg_store *store, const struct mg_id *id, struct mg_store_event **events,
                   size_t *count, struct mg_error *error);
    bool (*totals)(struct mg_store *store, struct mg_store_totals *totals, struct mg_error *error);
    bool (*expire)(struct mg_store *store, struct mg_store_expiry *expiry, struct mg_error *error);
    bool (*ready)(struct mg_store *store);
    bool (*can_record)(struct mg_store *store);
    void (*close)(struct mg_store *store);
};

struct mg_store {
    const struct mg_store_class *class;
    struct mg_handoff *handoff;
    int spool_folder;    /* descriptor of the folder of spool files; -1: spools stay in memory */
    size_t inline_limit; /* of the options, or its default */
    /* The retention, which a new configuration may change at any time. */
    atomic_llong keep_content;
    atomic_llong keep_trace;
};

/* A part while and after it is written: bytes in memory, or a file of the spool folder. */
struct mg_store_spool {
    int folder;
    size_t limit;
    struct mg_buffer bytes; /* while it is not longer than the limit */
    int64_t length;
    int file;        /* -1 while the bytes are in memory, and once the file is finished */
    bool in_file;    /* the bytes are in the file that the id names */
    struct mg_id id; /* names the file */
    struct mg_store_spool *next; /* for whoever owns several */
};

/* When the oldest of each kind that retention may delete one day ended, or until when it is
 * remembered; INT64_MAX: none is there. */
struct mg_store_oldest {
    int64_t contents;
    int64_t traces;
    int64_t duplicates;
};
/* Sets the bounds of a run that begins; more is a matter of the batch. */
void mg_store_begin_expiry(const struct mg_store *store, const struct mg_store_oldest *oldest,
                           struct mg_store_expiry *expiry);

/* Which of the asynchronous calls an item is the first member of. */
enum mg_store_call {
    MG_STORE_CALL_ACCEPT,
    MG_STORE_CALL_CLAIM,
    MG_STORE_CALL_OUTCOME,
    MG_STORE_CALL_TAKE,
    MG_STORE_CALL_SETTLE,
    MG_STORE_CALL_NOTE,
    MG_STORE_CALL_ACT,
    MG_STORE_CALL_REVIVE,
    MG_STORE_CALL_PAUSING
};
enum mg_store_call mg_store_call(const struct mg_handoff_item *item);

/* act.c: the run functions of its calls. */
void mg_store_run_act(struct mg_handoff_item *item);
void mg_store_run_revive(struct mg_handoff_item *item);
void mg_store_run_pausing(struct mg_handoff_item *item);

/* Where a call reports whether it was carried out. */
bool *mg_store_call_ok(struct mg_handoff_item *item);
struct mg_error *mg_store_call_error(struct mg_handoff_item *item);

/* Frees the spools of an accept with their files: it was not stored. */
void mg_store_drop_spools(struct mg_store_accept *accept);

/* Frees a spool and leaves its file to the row that names it. */
void mg_store_spool_keep(struct mg_store_spool *spool);

/* The file of a spool: for reading (-1 with errno), and to be rid of it. */
int mg_store_spool_open(int folder, const struct mg_id *id);
void mg_store_spool_remove(int folder, const struct mg_id *id);

/* The bytes of a part that is kept in memory, and the length of any part. */
const void *mg_store_part_bytes(const struct mg_store_part *part);
int64_t mg_store_part_length(const struct mg_store_part *part);

/* Adds a line with a copy of this text; the other members are zero. */
struct mg_store_line *mg_store_lines_add(struct mg_store_lines *lines, const char *text,
                                         size_t length);

/* Copies as much of a text (NULL: none) as fits. */
void mg_store_copy_text(char *to, size_t size, const char *text);

/* True if a delivery in this state is over. */
bool mg_store_is_end(enum mg_delivery_state state);

/* The bytes of the content of a message that is accepted. */
int64_t mg_store_content_size(const struct mg_store_accept *accept);

/* True if a part of this kind goes when the content goes; the others stay as long as the trace. */
bool mg_store_is_content(int kind);

/* What every act demands of its delivery, whose state stands in the act; false with the reason. */
bool mg_store_may_act(struct mg_store_act *act);

/* Whether a message, and one of its deliveries, is what is asked for. */
bool mg_store_fits(const struct mg_store_query *query, const struct mg_store_message *message);
bool mg_store_fits_deliveries(const struct mg_store_query *query,
                              const struct mg_store_delivery *deliveries, size_t count);
/* A zeroed hit more. */
struct mg_store_hit *mg_store_hits_add(struct mg_store_hits *hits);

/* The one sentence for an outcome that came too late, for what a box does not give, and for a part
 * that is not there. */
bool mg_store_fail_lost_claim(struct mg_error *error);
bool mg_store_fail_taken(struct mg_error *error);
bool mg_store_fail_lost_taking(struct mg_error *error);
bool mg_store_fail_unknown(struct mg_error *error);
bool mg_store_fail_no_part(struct mg_error *error);
bool mg_store_fail_no_message(struct mg_error *error);

/* Whether a message may be erased that has a delivery in this state, which is not over. */
bool mg_store_may_erase(enum mg_delivery_state state, bool cancel, struct mg_error *error);
bool mg_store_fail_gone(struct mg_error *error);
bool mg_store_fail_there(struct mg_error *error);
bool mg_store_fail_paused(bool resume, struct mg_error *error);

#endif
