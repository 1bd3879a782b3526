/*
 * trail: what the files of the audit trail share; internal to the room.
 *
 *   audit.c    what is written, and what is only counted
 *   lines.c    what the lines say
 *   upkeep.c   what runs in the background: days are closed, entries exported and deleted
 *   closing.c  the signature that closes a day
 *   export.c   entries leave for others
 *   seals.c    which certificate seals
 *   verify.c   is the trail as it was written?
 *
 * Threads: the accounts and what is counted have a lock; everything else is the loop's.
 */
#ifndef MUENGSTEN_AUDIT_TRAIL_H
#define MUENGSTEN_AUDIT_TRAIL_H

#include "gateway/audit/audit.h"
#include "gateway/store/journal.h"

#include <pthread.h>
#include <stdatomic.h>

/* A look that was written. */
struct look {
    struct mg_id message;
    bool whole; /* not only at what is still stored of it */
};

/* What was written of one partner or operator in this minute. */
struct account {
    struct account *next;
    const char *member; /* partner, or by: what the name is */
    int64_t minute;
    unsigned written;
    int64_t unwritten;
    struct look *looks; /* of look_minute; NULL: there was never one */
    size_t look_count;
    int64_t look_minute;
    char name[];
};

/* What may not work. */
enum trouble { TROUBLE_WRITING, TROUBLE_DAYS, TROUBLE_EXPORT, TROUBLE_DIFFERS, TROUBLES };

struct mg_audit {
    struct mg_audit_options options;
    struct mg_config *config; /* held; NULL: none was applied yet */
    int64_t asked_at;         /* the last entry when the export was asked for */
    char *folder;             /* of the store */
    atomic_bool stopping;     /* read in the background too */

    pthread_mutex_t lock;
    struct account *accounts; /* as many as there are partners and operators: a short list */
    struct {
        int64_t minute;
        int64_t count;    /* in this minute */
        char network[64]; /* of the first of them; empty: not known */
        int64_t all;      /* since the start */
    } unknown;

    struct mg_error troubles[TROUBLES]; /* the loop's; code empty: it works */

    atomic_size_t writing; /* lines handed to the store, and not completed */
    struct upkeep *upkeep;
};

/* Hands a line over to the store; it is copied. done and subject may be NULL. False if too many are
 * on their way: then done is not called. */
bool mg_audit_write(struct mg_audit *audit, const char *subject, const char *line,
                    void (*done)(bool ok, const struct mg_error *error, void *context),
                    void *context);

/* The same for what nobody waits for: the log has what does not come into the trail. */
void mg_audit_write_or_tell(struct mg_audit *audit, const char *subject,
                            const struct mg_buffer *line);

/* error NULL: it works. */
void mg_audit_note_trouble(struct mg_audit *audit, enum trouble trouble,
                           const struct mg_error *error);

/* upkeep.c */
void mg_audit_start_upkeep(struct mg_audit *audit);
void mg_audit_do_upkeep(struct mg_audit *audit);
void mg_audit_free_upkeep(struct mg_audit *audit);

#endif
