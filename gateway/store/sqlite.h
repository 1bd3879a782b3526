/*
 * sqlite: what the files of the SQLite implementation share.
 *
 *   sqlite.c            opens and closes: folder, lock, spool, readiness
 *   sqlite_schema.c     the tables and the upgrades
 *   sqlite_statement.c  a connection with its prepared statements
 *   sqlite_writer.c     the writer's thread, its queue, the group commit
 *   sqlite_call.c       what accept, claim and outcome do inside the commit
 *   sqlite_expire.c     what retention deletes
 *   sqlite_read.c       the readers
 *
 * Threads: the writer's connection belongs to the writer's thread from its start to its end, a
 * reader's to whoever has taken it from the pool. The queue and the pool have a lock each;
 * readiness is atomic; all else is written before the thread starts.
 */
#ifndef MUENGSTEN_STORE_SQLITE_H
#define MUENGSTEN_STORE_SQLITE_H

#include "gateway/store/backend.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#define MG_SQLITE_READERS 4
/* Measured with messages of 7 kB, one run each: 8 KiB cost 2 to 10 % less processor time than 4 in
 * groups of 10 and of 30. 32 KiB cost another 6 to 9 % less in groups of 30, but 6 to 12 % more in
 * groups of 10. */
#define MG_SQLITE_PAGE_SIZE 8192

/* ---- a connection ---- */

struct mg_sqlite_connection {
    sqlite3 *database;
    sqlite3_stmt **statements;
    size_t count;
    int failure; /* extended code of the last statement that failed */
};

/* Opens the file; create says whether it may be made. Codes: store.unreadable, store.failed,
 * store.full. */
bool mg_sqlite_connect(struct mg_sqlite_connection *connection, const char *path, const char *vfs,
                       bool create, struct mg_error *error);

/* Runs statements that give no rows or whose rows nobody wants. */
bool mg_sqlite_run(struct mg_sqlite_connection *connection, const char *sql,
                   struct mg_error *error);

/* The first column of the first row. */
bool mg_sqlite_number(struct mg_sqlite_connection *connection, const char *sql, int64_t *number,
                      struct mg_error *error);

bool mg_sqlite_prepare(struct mg_sqlite_connection *connection, const char *const *sql,
                       size_t count, struct mg_error *error);
void mg_sqlite_disconnect(struct mg_sqlite_connection *connection);

/* Carries out a bound statement that gives no row, and resets it. */
bool mg_sqlite_done(struct mg_sqlite_connection *connection, int statement);

/* Steps to the next row; *row says if there is one. The statement is reset by the caller with
 * mg_sqlite_reset, or by itself if it fails. */
bool mg_sqlite_row(struct mg_sqlite_connection *connection, int statement, bool *row);
void mg_sqlite_reset(struct mg_sqlite_connection *connection, int statement);

/* Puts the last failure into words: store.full if no space is left, store.unreadable if the file is
 * damaged while it is opened, store.failed otherwise. Returns false. */
bool mg_sqlite_fail(const struct mg_sqlite_connection *connection, struct mg_error *error);

/* Binding borrows: what is bound stays untouched until the statement has been carried out. */
sqlite3_stmt *mg_sqlite_bind(struct mg_sqlite_connection *connection, int statement);
void mg_sqlite_bind_id(sqlite3_stmt *statement, int index, const struct mg_id *id);
void mg_sqlite_bind_text(sqlite3_stmt *statement, int index, const char *text);
/* A UUID as its 16 bytes where nothing is lost by that, since short keys make a small index. */
void mg_sqlite_bind_uuid(sqlite3_stmt *statement, int index, const char *uuid, struct mg_id *room);
void mg_sqlite_column_id(sqlite3_stmt *statement, int column, struct mg_id *id);
void mg_sqlite_column_text(sqlite3_stmt *statement, int column, char *text, size_t size);

/* ---- the schema ---- */

/* Makes the tables of a new file, upgrades an older one, refuses a newer or foreign one. */
bool mg_sqlite_upgrade(struct mg_sqlite_connection *connection, struct mg_error *error);

/* ---- the store ---- */

/* The statements of the writer. */
enum mg_sqlite_write {
    W_BEGIN,
    W_COMMIT,
    W_ROLLBACK,
    W_PROBE,
    W_RETURN_OWN,
    W_REMEMBER,
    W_KNOWN,
    W_FORGET,
    W_MESSAGE,
    W_CONTENT,
    W_RECORD,
    W_DELIVERY,
    W_FIRST_EVENT,
    W_END_AT_ONCE,
    W_RETURN_LEASES,
    W_DUE,
    W_CLAIM,
    W_NEXT_DUE,
    W_CLAIMED,
    W_OUTCOME,
    W_EVENT,
    W_END,
    W_FORGET_OLD,
    W_EXPIRED,
    W_CONTENT_SPOOLS,
    W_RECORD_SPOOLS,
    W_DELETE_CONTENT,
    W_DELETE_RECORDS,
    W_DELETE_DELIVERIES,
    W_DELETE_EVENTS,
    W_DELETE_MESSAGE,
    W_DELETE_ENDING,
    W_KEEP_ENDING,
    W_COUNT
};
extern const char *const mg_sqlite_writes[W_COUNT];

struct mg_sqlite {
    struct mg_store store;
    char *path; /* of the database */
    char *node;
    char *vfs;
    int folder;    /* descriptor, for the space on its disk */
    int lock_file; /* locked while the store is open */
    int64_t reserve;
    int64_t keep_content;
    int64_t keep_trace;
    size_t commit_limit;

    /* The queue. */
    pthread_mutex_t lock;
    pthread_cond_t called;  /* for the writer: there is something to do */
    pthread_cond_t expired; /* for those who wait in mg_store_expire */
    struct mg_handoff_item *first;
    struct mg_handoff_item *last;
    bool asleep;
    bool look; /* somebody wants to know about the space on disk */
    bool closing;

    /* Readiness. */
    atomic_bool failed;  /* the last commit did not succeed */
    atomic_bool full;    /* the reserve is reached: nothing more is accepted */
    atomic_bool used_up; /* the reserve is nearly used up: nothing more is claimed */
    atomic_llong looked; /* when the space was last looked at, in microseconds, monotonic */
    atomic_bool asked;   /* the writer was asked to look */

    /* The writer. */
    pthread_t thread;
    bool started;
    bool checkpoint_failed;
    struct mg_sqlite_connection writer;
    struct mg_handoff_item **group; /* the calls of one commit */
    bool *spoiled;                  /* of each call of the group: not to be carried out */
    int64_t last_message;           /* the highest number given to a message */
    size_t last_count;              /* calls in the last commit */
    int64_t last_begun;             /* when it began, in microseconds, monotonic */
    int wal_pages;                  /* in the write-ahead log after the last commit */
    /* Spools of commits that failed: whether a row names them is only certain after the next
     * commit. */
    struct mg_store_spool *doubtful;

    /* The readers: a stack of those not in use. */
    pthread_mutex_t reader_lock;
    pthread_cond_t reader_free;
    struct mg_sqlite_connection readers[MG_SQLITE_READERS];
    struct mg_sqlite_connection *idle[MG_SQLITE_READERS];
    size_t idle_count;
};

/* ---- the writer ---- */

bool mg_sqlite_start_writer(struct mg_sqlite *sqlite, struct mg_error *error);
/* Carries out what is queued and ends the thread. */
void mg_sqlite_stop_writer(struct mg_sqlite *sqlite);
void mg_sqlite_enqueue(struct mg_sqlite *sqlite, struct mg_handoff_item *item);
bool mg_sqlite_ready(struct mg_store *store);
bool mg_sqlite_can_record(struct mg_store *store);
/* Looks at the space on disk. */
void mg_sqlite_look_at_space(struct mg_sqlite *sqlite);
/* Brings what is in the write-ahead log into the database; with empty the log's file is emptied
 * too, so that nothing deleted remains in it. */
void mg_sqlite_checkpoint(struct mg_sqlite *sqlite, bool empty);

/* ---- what the calls do, inside the writer's transaction ---- */

/* False if a statement failed: then the transaction cannot be committed as it is. Otherwise ok and
 * error of the call say what became of it. */
bool mg_sqlite_carry_out(struct mg_sqlite *sqlite, struct mg_handoff_item *item);

/* ---- retention ---- */

/* Somebody waits in mg_store_expire; in the writer's queue. */
struct mg_sqlite_expiry {
    struct mg_handoff_item item; /* without a run function: by that it is known */
    int64_t now;
    bool more;
    bool ok;
    bool finished;
    struct mg_error error;
};

bool mg_sqlite_expire(struct mg_store *store, int64_t now, bool *more, struct mg_error *error);
/* On the writer's thread, outside of a transaction. */
void mg_sqlite_carry_out_expiry(struct mg_sqlite *sqlite, struct mg_sqlite_expiry *expiry);

/* ---- the readers ---- */

/* Deletes the files of the spool that no row names. */
bool mg_sqlite_sweep(struct mg_sqlite *sqlite, struct mg_error *error);
void mg_sqlite_close_readers(struct mg_sqlite *sqlite);

bool mg_sqlite_find(struct mg_store *store, const struct mg_id *id,
                    struct mg_store_message *message, bool *found, struct mg_error *error);
bool mg_sqlite_look_up(struct mg_store *store, const char *partner, const char *uuid,
                       const uint8_t digest[32], enum mg_accept_result *result,
                       struct mg_id *known_id, struct mg_error *error);
bool mg_sqlite_part(struct mg_store *store, const struct mg_id *id, int kind,
                    struct mg_store_part_facts *facts, struct mg_error *error);
ssize_t mg_sqlite_read(struct mg_store *store, const struct mg_id *id, int kind, int64_t offset,
                       void *bytes, size_t size, struct mg_error *error);
int mg_sqlite_descriptor(struct mg_store *store, const struct mg_id *id, int kind);
bool mg_sqlite_deliveries(struct mg_store *store, const struct mg_id *id,
                          struct mg_store_delivery **deliveries, size_t *count,
                          struct mg_error *error);
bool mg_sqlite_events(struct mg_store *store, const struct mg_id *id,
                      struct mg_store_event **events, size_t *count, struct mg_error *error);
bool mg_sqlite_totals(struct mg_store *store, struct mg_store_totals *totals,
                      struct mg_error *error);

#endif
