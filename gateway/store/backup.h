/*
 * backup: a copy of the whole store as one file, made while the store is in use, and how a store is
 * made of it again.
 *
 * A backup is a database like the store's own, as of one moment, with two more tables: what lies in
 * the spool, in pieces, and when it was made. Everything that was accepted before that moment is in
 * it. What is restored is of the past: deliveries that were open then may have ended since. So none
 * of them is tried again by itself; each is held, with an event that says why, until an operator
 * decides about it.
 *
 * Threads: all of it blocks; any thread but the loop's.
 */
#ifndef MUENGSTEN_STORE_BACKUP_H
#define MUENGSTEN_STORE_BACKUP_H

#include "gateway/store/store.h"

/* ---- making one ---- */

struct mg_store_backup {
    /* Asked now and then: true ends it (store.closed). NULL: nobody asks. */
    bool (*is_aborted)(void *context);
    void *context;
    /* Filled in. */
    int file; /* to read it from, which the caller closes; no name leads to it, so that nothing
               * stays of it after a crash */
    int64_t size;
    int64_t time; /* as of when it is, milliseconds since 1970 */
};

/* The file lies in the store's folder while it is used: store.full if it would take what is
 * reserved there. Further codes: store.failed, store.unreadable (the copy, and with it the store,
 * is damaged), store.closed. */
bool mg_store_backup(struct mg_store *store, struct mg_store_backup *backup,
                     struct mg_error *error);

/* ---- restoring one ---- */

/* A delivery that was open when the backup was made, a message that is not in it, or one that was
 * erased since and is back. */
struct mg_store_restored {
    struct mg_id message;
    char uuid[64];
    char partner[MG_STORE_NAME_SIZE];
    int64_t received;
    char destination[MG_STORE_NAME_SIZE]; /* of a delivery */
    enum mg_delivery_state state;         /* as it was then */
    int attempts;
};

struct mg_store_restore {
    const char *file;
    const char *folder; /* of the store; no gateway may have it open */
    bool replace;       /* what is there is moved aside, into a folder below it */
    int64_t now;
    const char *line; /* for the journal; NULL: none */
    /* Each delivery that is held now, in the order of acceptance. */
    void (*held)(const struct mg_store_restored *delivery, void *context);
    /* Each message that the store before has and the backup has not, as far as it can be read. */
    void (*lost)(const struct mg_store_restored *message, void *context);
    /* Each delivery of the message that was told last as lost, as the store before knew it: one
     * that was running may have happened. */
    void (*lost_delivery)(const struct mg_store_restored *delivery, void *context);
    /* Each message that the store before had erased for data protection after the backup was made:
     * it has to be erased again. */
    void (*erased)(const struct mg_store_restored *message, void *context);
    void *context;
    /* Filled in. */
    int64_t time;     /* as of when the backup is */
    int64_t messages; /* in it */
    int64_t journal;  /* the number of the last line in it; 0: none */
    char aside[48];  /* the folder below the store's where it was moved to; empty: there was none */
    bool aside_read; /* and its messages could be compared */
};

/* All or nothing: until the last step the store is as it was, and should that be broken off, no
 * gateway opens the folder (store.restoring) until a restore has come to its end. Files belong to
 * whom the folder belongs to. Codes: store.no-backup (the file is none), store.exists (there is a
 * store, and replace was not said), store.in-use, store.version, store.unreadable, store.full,
 * store.failed. */
bool mg_store_restore(struct mg_store_restore *restore, struct mg_error *error);

#endif
