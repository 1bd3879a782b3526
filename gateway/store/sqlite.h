/*
 * sqlite: what the files of the SQLite implementation share.
 *
 *   sqlite.c            opens and closes: folder, lock, spool, readiness
 *   sqlite_schema.c     the tables and the upgrades
 *   sqlite_statement.c  a connection with its prepared statements
 *   sqlite_writer.c     the writer's thread, its queue, the group commit
 *   sqlite_call.c       what accept does inside the commit
 *   sqlite_claim.c      what claim and outcome do
 *   sqlite_box.c        what take and settle do, and the end of leases
 *   sqlite_act.c        what operators' acts do
 *   sqlite_count.c      the numbers of each destination
 *   sqlite_expire.c     what retention deletes
 *   sqlite_backup.c     copies the whole into one file
 *   sqlite_restore.c    makes a store of such a file again
 *   sqlite_erase.c      what is erased before its time, and what is left of a message
 *   sqlite_journal.c    the journal
 *   sqlite_read.c       the readers
 *   sqlite_search.c     the search
 *
 * Threads: the writer's connection belongs to the writer's thread from its start to its end, a
 * reader's to whoever has taken it from the pool. The queue and the pool have a lock each;
 * readiness is atomic; all else is written before the thread starts.
 */
#ifndef MUENGSTEN_STORE_SQLITE_H
#define MUENGSTEN_STORE_SQLITE_H

#include "gateway/store/backend.h"
#include "gateway/store/queues.h"

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

/* Opens a file that another process may have open, to read from it alone. */
bool mg_sqlite_connect_to_read(struct mg_sqlite_connection *connection, const char *path,
                               struct mg_error *error);

/* True if the file is a store's with the tables of this version. Codes: store.unreadable,
 * store.version. */
bool mg_sqlite_is_ours(struct mg_sqlite_connection *connection, struct mg_error *error);

/* Runs statements that give no rows or whose rows nobody wants. */
bool mg_sqlite_run(struct mg_sqlite_connection *connection, const char *sql,
                   struct mg_error *error);

/* The first column of the first row. */
bool mg_sqlite_number(struct mg_sqlite_connection *connection, const char *sql, int64_t *number,
                      struct mg_error *error);

/* Prepares statements; numbered from 0, or after those that the connection has already. */
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
/* Since when the time of a delivery counts: 0 in the row is the time of acceptance. */
int64_t mg_sqlite_since(sqlite3_stmt *statement, int column, int64_t received);

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
    W_RUNNING,
    W_FIRST,
    W_BLOCKING,
    W_PASS,
    W_CLAIMED,
    W_BOXED,
    W_NEXT_BOXED,
    W_TAKE,
    W_OUTCOME,
    W_BLOCK,
    W_EVENT,
    W_END,
    W_HAS_CONTENT,
    W_REVIVE,
    W_HURRY,
    W_CANCEL,
    W_LAST_DELIVERY,
    W_MOVED,
    W_DEAD,
    W_PAUSE,
    W_RESUME,
    W_FORGET_OLD,
    W_OLDEST,
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
    W_SEQ,
    W_DELIVERIES,
    W_LINE,
    W_LAST_LINE,
    W_TRIM,
    W_COUNT
};
extern const char *const mg_sqlite_writes[W_COUNT];

/* The statements of the readers. */
enum mg_sqlite_read_statement {
    R_FIND,
    R_LOOK_UP,
    R_CONTENT,
    R_RECORD,
    R_DELIVERIES,
    R_EVENTS,
    R_ENDED_LEASE,
    R_LIST,
    R_SPOOLED,
    R_PAUSES,
    R_SEARCH_ALL,
    R_SEARCH_AUTHOR,
    R_SEARCH_READER,
    R_SEARCH_TYPE,
    R_SEARCH_UUID,
    R_SEARCH_SEQ,
    R_SEARCH_ID,
    R_SEARCH_TIME,
    R_SEARCH_OPEN,
    R_SEARCH_DEAD,
    R_SEARCH_HELD,
    R_SEARCH_RUNNING,
    R_SEARCH_DELIVERIES,
    R_PARTS,
    R_REMAINS,
    R_KNOWN,
    R_COUNT,
    R_JOURNAL = R_COUNT, /* those of the journal follow them in each reader */
};
extern const char *const mg_sqlite_reads[R_COUNT];

/* The statements that read the journal. */
enum mg_sqlite_journal_statement { J_UPWARDS, J_BACKWARDS, J_UPWARDS_OF, J_BACKWARDS_OF, J_COUNT };
extern const char *const mg_sqlite_journal_reads[J_COUNT];

/* The end of the journal's chain. */
struct mg_sqlite_line {
    int64_t number;
    uint8_t hash[MG_STORE_HASH_SIZE];
};

struct mg_sqlite {
    struct mg_store store;
    char *path; /* of the database */
    char *node;
    char *vfs;
    int folder;    /* descriptor, for the space on its disk */
    int lock_file; /* locked while the store is open */
    int64_t reserve;
    size_t commit_limit;

    /* The queue. */
    pthread_mutex_t lock;
    pthread_cond_t called;      /* for the writer: there is something to do */
    pthread_cond_t errand_done; /* for those who wait for an errand */
    struct mg_handoff_item *first;
    struct mg_handoff_item *last;
    size_t waiting; /* how many there are */
    struct mg_histogram commits;
    struct mg_window recent_commits;
    bool asleep;
    bool look; /* somebody wants to know about the space on disk */
    bool closing;

    struct mg_store_queues *queues;

    /* Readiness. */
    atomic_bool failed;  /* the last commit did not succeed */
    atomic_bool full;    /* the reserve is reached: nothing more is accepted */
    atomic_bool used_up; /* the reserve is nearly used up: nothing more is claimed */
    atomic_llong space;  /* bytes that are free on the disk; -1: not known */
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
    struct mg_store_chain *chain;
    struct mg_sqlite_line line;      /* the last one, with those of the transaction that runs */
    struct mg_sqlite_line kept_line; /* the last one that is committed … */
    atomic_llong last_line;          /* … and its number, for everybody */
    int wal_pages;                   /* in the write-ahead log after the last commit */
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
void mg_sqlite_measures(struct mg_store *store, struct mg_store_measures *measures);
/* Looks at the space on disk. */
void mg_sqlite_look_at_space(struct mg_sqlite *sqlite);
/* Brings what is in the write-ahead log into the database; with empty the log's file is emptied
 * too, so that nothing deleted remains in it. False if a reader was in the way of that. */
bool mg_sqlite_checkpoint(struct mg_sqlite *sqlite, bool empty);

/* What somebody has the writer do alone, in its turn, and waits for; in the writer's queue. */
struct mg_sqlite_errand {
    struct mg_handoff_item item; /* without a run function: by that it is known */
    /* On the writer's thread, outside of a transaction: fills in ok or error. */
    void (*carry_out)(struct mg_sqlite *sqlite, struct mg_sqlite_errand *errand);
    bool ok;
    bool finished;
    struct mg_error error;
};

/* Returns its ok, with the error (NULL is allowed). Any thread but the writer's. */
bool mg_sqlite_run_errand(struct mg_sqlite *sqlite, struct mg_sqlite_errand *errand,
                          struct mg_error *error);
/* Ends the transaction of an errand: commits if it passed, else undoes it and says why. */
void mg_sqlite_end_errand(struct mg_sqlite *sqlite, struct mg_sqlite_errand *errand, bool passed);
/* Undoes it: the errand has found a reason not to be carried out, and says so in its error. */
void mg_sqlite_abandon_errand(struct mg_sqlite *sqlite);

/* ---- what the calls do, inside the writer's transaction ---- */

/* False if a statement failed: then the transaction cannot be committed as it is. Otherwise ok and
 * error of the call say what became of it. */
bool mg_sqlite_carry_out(struct mg_sqlite *sqlite, struct mg_handoff_item *item);
bool mg_sqlite_claim(struct mg_sqlite *sqlite, struct mg_store_claim *claim);
bool mg_sqlite_outcome(struct mg_sqlite *sqlite, struct mg_store_outcome *outcome);
bool mg_sqlite_take(struct mg_sqlite *sqlite, struct mg_store_take *take);
bool mg_sqlite_settle(struct mg_sqlite *sqlite, struct mg_store_settle *settle);
bool mg_sqlite_act(struct mg_sqlite *sqlite, struct mg_store_act *act);
bool mg_sqlite_revive(struct mg_sqlite *sqlite, struct mg_store_revive *revive);
bool mg_sqlite_pausing(struct mg_sqlite *sqlite, struct mg_store_pausing *pausing);

/* True, with the reason, if there is no space left for what is begun. */
bool mg_sqlite_refuse_for_space(bool refused, struct mg_error *error);

/* A delivery's row, as it is found before it is changed. */
struct mg_sqlite_delivery {
    bool found;
    bool is_ours;  /* claimed by this node */
    bool is_taken; /* by a reader */
    int64_t key;
    enum mg_delivery_state state;
    int attempts;
    int64_t next_attempt;
    int64_t lease;
    int64_t size;
    int64_t received; /* of the message */
    char destination[MG_STORE_NAME_SIZE];
};
/* Steps a bound statement whose columns are those of W_CLAIMED. */
bool mg_sqlite_find_delivery(struct mg_sqlite *sqlite, int statement,
                             struct mg_sqlite_delivery *delivery);
/* Records what became of a row that ran, with its event. */
bool mg_sqlite_record(struct mg_sqlite *sqlite, const struct mg_store_outcome *outcome,
                      const struct mg_sqlite_delivery *delivery);
/* A message whose deliveries are all over, and stand in nobody's way, begins to expire. */
bool mg_sqlite_end_message(struct mg_sqlite *sqlite, int64_t now, int64_t seq);
/* Reads a delivery that was just claimed from a row with the columns of W_DUE. */
void mg_sqlite_read_due(struct mg_store_delivery *delivery, sqlite3_stmt *row,
                        const char *destination);

/* Returns to the queue those of a destination whose lease has ended, at most a batch; *more (NULL
 * is allowed) says whether there may be more. */
bool mg_sqlite_return_leases(struct mg_sqlite *sqlite, const char *destination, int64_t now,
                             bool *more);
/* The same, of all, from another thread than the writer's; blocks. */
bool mg_sqlite_return_all_leases(struct mg_sqlite *sqlite, const char *destination, int64_t now,
                                 struct mg_error *error);

/* ---- the journal ---- */

/* Reads where the journal ends, when the file is opened. */
bool mg_sqlite_open_journal(struct mg_sqlite *sqlite, struct mg_error *error);
/* Inside the transaction: writes a line (NULL: none) about a message. */
bool mg_sqlite_write_line(struct mg_sqlite *sqlite, const struct mg_id *message, const char *line);
bool mg_sqlite_note(struct mg_sqlite *sqlite, struct mg_store_note *note);
/* The transaction is committed, or undone. */
void mg_sqlite_keep_lines(struct mg_sqlite *sqlite);
void mg_sqlite_undo_lines(struct mg_sqlite *sqlite);

bool mg_sqlite_journal(struct mg_store *store, const struct mg_store_journal_query *query,
                       struct mg_store_lines *lines, struct mg_error *error);
bool mg_sqlite_trim_journal(struct mg_store *store, int64_t through, const char *kept, bool *more,
                            struct mg_error *error);
bool mg_sqlite_flush_journal(struct mg_store *store, struct mg_error *error);
int64_t mg_sqlite_journal_last(struct mg_store *store);

/* ---- the numbers ---- */

/* Counts what the database holds, when it is opened. */
bool mg_sqlite_count(struct mg_sqlite *sqlite, struct mg_error *error);
/* Before a commit: looks for the oldest of those destinations whose oldest has ended. */
bool mg_sqlite_find_oldest(struct mg_sqlite *sqlite);

/* ---- retention ---- */

/* Spool files to be removed once the transaction is safe; the caller frees the ids. */
struct mg_sqlite_spools {
    struct mg_id *ids;
    size_t count;
    size_t room;
};
void mg_sqlite_remove_spools(struct mg_sqlite *sqlite, const struct mg_sqlite_spools *spools);

/* Inside the transaction: deletes what goes with the content of the message of this number, or all
 * the rest of it. */
bool mg_sqlite_drop_content(struct mg_sqlite *sqlite, int64_t seq, struct mg_sqlite_spools *spools);
bool mg_sqlite_drop_trace(struct mg_sqlite *sqlite, int64_t seq, struct mg_sqlite_spools *spools);

/* How the file of a backup begins, while it is made in the store's folder. */
#define MG_SQLITE_BACKUP "backup-"
/* The file that says that a restore has begun and not come to its end. */
#define MG_SQLITE_RESTORING "restoring"
bool mg_sqlite_backup(struct mg_store *store, struct mg_store_backup *backup,
                      struct mg_error *error);
/* Has SQLite look through the whole database: store.unreadable. */
bool mg_sqlite_check_file(struct mg_sqlite_connection *connection, struct mg_error *error);

bool mg_sqlite_erase(struct mg_store *store, struct mg_store_erase *erase, struct mg_error *error);
bool mg_sqlite_remains(struct mg_store *store, const struct mg_id *id, const char *partner,
                       const char *uuid, struct mg_store_remains *remains, struct mg_error *error);

bool mg_sqlite_expire(struct mg_store *store, struct mg_store_expiry *expiry,
                      struct mg_error *error);

/* ---- the readers ---- */

/* Deletes the files of the spool that no row names, and counts the others. */
bool mg_sqlite_sweep(struct mg_sqlite *sqlite, struct mg_error *error);
void mg_sqlite_close_readers(struct mg_sqlite *sqlite);
/* A delivery from a row with the columns of R_DELIVERIES. */
void mg_sqlite_read_delivery(sqlite3_stmt *row, const struct mg_id *message,
                             struct mg_store_delivery *delivery);
/* A message from a row with the columns of R_FIND, the first of which stands at `first`. */
void mg_sqlite_read_message(sqlite3_stmt *row, int first, struct mg_store_message *message);
bool mg_sqlite_pauses(struct mg_store *store, struct mg_store_pause **pauses, size_t *count,
                      struct mg_error *error);
bool mg_sqlite_search(struct mg_store *store, const struct mg_store_query *query,
                      struct mg_store_hits *hits, struct mg_error *error);

/* Waits for a reader that nobody uses; NULL if it cannot be opened. Whoever has one gives it back
 * before anything else is waited for. */
struct mg_sqlite_connection *mg_sqlite_take_reader(struct mg_sqlite *sqlite,
                                                   struct mg_error *error);
void mg_sqlite_return_reader(struct mg_sqlite *sqlite, struct mg_sqlite_connection *reader);

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
bool mg_sqlite_list(struct mg_store *store, const char *destination, struct mg_store_place after,
                    size_t limit, int64_t now, struct mg_store_list *list, struct mg_error *error);
bool mg_sqlite_totals(struct mg_store *store, struct mg_store_totals *totals,
                      struct mg_error *error);

#endif
