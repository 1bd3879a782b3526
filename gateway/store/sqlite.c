/* Opens and closes the durable store: DATABASE "store.db" with its log, the folder "spool", and the
 * file "lock", which is locked as long as a process has the store open. */
#include "gateway/store/sqlite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STRING_OF(number)    STRING_OF_TEXT(number)
#define STRING_OF_TEXT(text) #text

/* Page size and auto_vacuum only count while the file is empty, hence before the log is switched
 * on. */
static const char settings[] =
    "PRAGMA page_size = " STRING_OF(MG_SQLITE_PAGE_SIZE) ";"
                                                         "PRAGMA auto_vacuum = INCREMENTAL;"
                                                         "PRAGMA journal_mode = WAL;"
                                                         "PRAGMA synchronous = FULL;"
                                                         "PRAGMA secure_delete = ON;"
                                                         "PRAGMA trusted_schema = OFF;"
                                                         "PRAGMA temp_store = MEMORY;"
                                                         "PRAGMA mmap_size = 0;"
                                                         "PRAGMA cache_size = -4096;"
                                                         "PRAGMA journal_size_limit = 16777216;";

/* SQLite counts its memory under a lock of the whole process; nobody asks for the figures. Refused,
 * without harm, where the process already used SQLite. */
static void set_up_library(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static bool fail_with_errno(struct mg_error *error, const char *what, const char *path)
{
    return mg_fail(error, errno == ENOSPC ? "store.full" : "store.failed",
                   "the store's folder: %s cannot be %s: %s", path, what, strerror(errno));
}

static bool sync_folder(const char *path)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = folder >= 0 && fsync(folder) == 0;
    if (folder >= 0)
        close(folder);
    return synced;
}

/* The entry of a new folder is only safe when the folder above is synced. */
static bool make_folder(const char *path, struct mg_error *error)
{
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST || fail_with_errno(error, "created", path);
    char *above = mg_allocate(strlen(path) + sizeof "/..");
    sprintf(above, "%s/..", path);
    bool synced = sync_folder(above) || fail_with_errno(error, "synced", above);
    free(above);
    return synced;
}

static bool lock_folder(struct mg_sqlite *sqlite, struct mg_error *error)
{
    sqlite->lock_file = openat(sqlite->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (sqlite->lock_file < 0)
        return fail_with_errno(error, "opened", "lock");
    if (flock(sqlite->lock_file, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        return mg_fail(error, "store.in-use",
                       "another process has the store open; only one gateway may use a folder");
    return fail_with_errno(error, "locked", "lock");
}

/* What a backup left that ended with its process. */
static void sweep_backups(const char *path)
{
    DIR *entries = opendir(path);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (strncmp(entry->d_name, MG_SQLITE_BACKUP, strlen(MG_SQLITE_BACKUP)) == 0)
            unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries)
        closedir(entries);
}

/* Between the old store and the restored one there is none, and an empty one must not be made. */
static bool check_restored(struct mg_sqlite *sqlite, struct mg_error *error)
{
    return faccessat(sqlite->folder, MG_SQLITE_RESTORING, F_OK, AT_SYMLINK_NOFOLLOW) != 0 ||
           mg_fail(error, "store.restoring",
                   "a restore was broken off before it had come to its end; do it again");
}

static bool open_folders(struct mg_sqlite *sqlite, const char *path, struct mg_error *error)
{
    if (!make_folder(path, error))
        return false;
    sqlite->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sqlite->folder < 0)
        return fail_with_errno(error, "opened", path);
    if (!lock_folder(sqlite, error) || !check_restored(sqlite, error))
        return false;
    sweep_backups(path);
    if (mkdirat(sqlite->folder, "spool", 0700) != 0 && errno != EEXIST)
        return fail_with_errno(error, "created", "spool");
    sqlite->store.spool_folder =
        openat(sqlite->folder, "spool", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sqlite->store.spool_folder < 0)
        return fail_with_errno(error, "opened", "spool");
    /* SQLite gives the log the mode of the database, and the database the one it already has. */
    int file = openat(sqlite->folder, "store.db", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return fail_with_errno(error, "opened", "store.db");
    close(file);
    return true;
}

/* SQLite stays silently without a log where the file system cannot share memory. */
static bool set_up_log(struct mg_sqlite_connection *writer, struct mg_error *error)
{
    int64_t is_on;
    if (!mg_sqlite_run(writer, settings, error) ||
        !mg_sqlite_number(writer,
                          "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'",
                          &is_on, error))
        return false;
    return is_on || mg_fail(error, "store.failed",
                            "the file system of the store's folder allows no write-ahead log; "
                            "use a local one");
}

static bool open_database(struct mg_sqlite *sqlite, struct mg_error *error)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    int64_t message, known;
    if (!mg_sqlite_connect(writer, sqlite->path, sqlite->vfs, true, error) ||
        !set_up_log(writer, error) || !mg_sqlite_upgrade(writer, error) ||
        !mg_sqlite_prepare(writer, mg_sqlite_writes, W_COUNT, error))
        return false;
    if (fsync(sqlite->folder) != 0)
        return fail_with_errno(error, "synced", "it");
    /* Numbers are never given twice, also while only a duplicate still has one. */
    if (!mg_sqlite_number(writer, "SELECT coalesce(max(seq), 0) FROM messages", &message, error) ||
        !mg_sqlite_number(writer, "SELECT coalesce(max(seq), 0) FROM duplicates", &known, error))
        return false;
    sqlite->last_message = message > known ? message : known;
    return mg_sqlite_open_journal(sqlite, error);
}

/* Whatever this node was delivering when it ended waits again. What a reader has taken is no
 * node's, and stays taken. */
static bool return_claims(struct mg_sqlite *sqlite, struct mg_error *error)
{
    sqlite3_stmt *statement = mg_sqlite_bind(&sqlite->writer, W_RETURN_OWN);
    mg_sqlite_bind_text(statement, 1, sqlite->node);
    return mg_sqlite_done(&sqlite->writer, W_RETURN_OWN) || mg_sqlite_fail(&sqlite->writer, error);
}

static void close_descriptor(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}

static void close_store(struct mg_store *store)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    mg_sqlite_stop_writer(sqlite);
    mg_sqlite_close_readers(sqlite);
    mg_sqlite_disconnect(&sqlite->writer);
    mg_store_queues_free(sqlite->queues);
    mg_store_chain_free(sqlite->chain);
    close_descriptor(sqlite->store.spool_folder);
    close_descriptor(sqlite->lock_file);
    close_descriptor(sqlite->folder);
    pthread_cond_destroy(&sqlite->reader_free);
    pthread_mutex_destroy(&sqlite->reader_lock);
    pthread_cond_destroy(&sqlite->errand_done);
    pthread_cond_destroy(&sqlite->called);
    pthread_mutex_destroy(&sqlite->lock);
    free(sqlite->vfs);
    free(sqlite->node);
    free(sqlite->path);
    free(sqlite);
}

static void enqueue_accept(struct mg_store *store, struct mg_store_accept *accept)
{
    mg_sqlite_enqueue((struct mg_sqlite *)store, &accept->item);
}

static void enqueue_claim(struct mg_store *store, struct mg_store_claim *claim)
{
    mg_sqlite_enqueue((struct mg_sqlite *)store, &claim->item);
}

static void enqueue_outcome(struct mg_store *store, struct mg_store_outcome *outcome)
{
    mg_sqlite_enqueue((struct mg_sqlite *)store, &outcome->item);
}

static void enqueue_take(struct mg_store *store, struct mg_store_take *take)
{
    mg_sqlite_enqueue((struct mg_sqlite *)store, &take->item);
}

static void enqueue_settle(struct mg_store *store, struct mg_store_settle *settle)
{
    mg_sqlite_enqueue((struct mg_sqlite *)store, &settle->item);
}

static void enqueue_note(struct mg_store *store, struct mg_store_note *note)
{
    mg_sqlite_enqueue((struct mg_sqlite *)store, &note->item);
}

static void enqueue_act(struct mg_store *store, struct mg_store_act *act)
{
    mg_sqlite_enqueue((struct mg_sqlite *)store, &act->item);
}

static void enqueue_revive(struct mg_store *store, struct mg_store_revive *revival)
{
    mg_sqlite_enqueue((struct mg_sqlite *)store, &revival->item);
}

static void enqueue_pausing(struct mg_store *store, struct mg_store_pausing *pausing)
{
    mg_sqlite_enqueue((struct mg_sqlite *)store, &pausing->item);
}

static void read_queue(struct mg_store *store, struct mg_store_queue *queue)
{
    mg_store_queues_read(((struct mg_sqlite *)store)->queues, queue);
}

static void read_queues(struct mg_store *store, struct mg_store_queue **queues, size_t *count)
{
    mg_store_queues_read_all(((struct mg_sqlite *)store)->queues, queues, count);
}

static const struct mg_store_class sqlite_class = {
    .accept = enqueue_accept,
    .claim = enqueue_claim,
    .outcome = enqueue_outcome,
    .take = enqueue_take,
    .settle = enqueue_settle,
    .note = enqueue_note,
    .journal = mg_sqlite_journal,
    .trim_journal = mg_sqlite_trim_journal,
    .flush_journal = mg_sqlite_flush_journal,
    .backup = mg_sqlite_backup,
    .erase = mg_sqlite_erase,
    .remains = mg_sqlite_remains,
    .journal_last = mg_sqlite_journal_last,
    .queue = read_queue,
    .queues = read_queues,
    .list = mg_sqlite_list,
    .act = enqueue_act,
    .revive = enqueue_revive,
    .pausing = enqueue_pausing,
    .pauses = mg_sqlite_pauses,
    .search = mg_sqlite_search,
    .find = mg_sqlite_find,
    .look_up = mg_sqlite_look_up,
    .part = mg_sqlite_part,
    .read = mg_sqlite_read,
    .descriptor = mg_sqlite_descriptor,
    .deliveries = mg_sqlite_deliveries,
    .events = mg_sqlite_events,
    .totals = mg_sqlite_totals,
    .expire = mg_sqlite_expire,
    .measures = mg_sqlite_measures,
    .ready = mg_sqlite_ready,
    .can_record = mg_sqlite_can_record,
    .close = close_store,
};

static void set_up_locks(struct mg_sqlite *sqlite)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&sqlite->lock, NULL);
    pthread_cond_init(&sqlite->called, &monotonic);
    pthread_cond_init(&sqlite->errand_done, NULL);
    pthread_mutex_init(&sqlite->reader_lock, NULL);
    pthread_cond_init(&sqlite->reader_free, NULL);
    pthread_condattr_destroy(&monotonic);
}

static struct mg_sqlite *new_store(const struct mg_store_options *options,
                                   struct mg_handoff *handoff)
{
    struct mg_sqlite *sqlite = mg_allocate_zeroed(1, sizeof *sqlite);
    sqlite->store = (struct mg_store){
        .class = &sqlite_class,
        .handoff = handoff,
        .spool_folder = -1,
        .inline_limit = options->inline_limit ? options->inline_limit : MG_STORE_INLINE_LIMIT,
    };
    mg_store_set_retention(&sqlite->store, options->keep_content, options->keep_trace);
    sqlite->folder = sqlite->lock_file = -1;
    sqlite->path = mg_allocate(strlen(options->folder) + sizeof "/store.db");
    sprintf(sqlite->path, "%s/store.db", options->folder);
    sqlite->node = mg_copy_text(options->node ? options->node : "");
    sqlite->vfs = options->sqlite_vfs ? mg_copy_text(options->sqlite_vfs) : NULL;
    sqlite->reserve = options->reserve;
    sqlite->commit_limit = options->commit_limit ? options->commit_limit : MG_STORE_COMMIT_LIMIT;
    sqlite->queues = mg_store_queues_new();
    for (size_t i = 0; i < MG_SQLITE_READERS; i++)
        sqlite->idle[sqlite->idle_count++] = &sqlite->readers[i];
    set_up_locks(sqlite);
    return sqlite;
}

struct mg_store *mg_store_sqlite_open(const struct mg_store_options *options,
                                      struct mg_handoff *handoff, struct mg_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_library);
    struct mg_sqlite *sqlite = new_store(options, handoff);
    if (!open_folders(sqlite, options->folder, error) || !open_database(sqlite, error) ||
        !return_claims(sqlite, error) || !mg_sqlite_count(sqlite, error) ||
        !mg_sqlite_sweep(sqlite, error)) {
        close_store(&sqlite->store);
        return NULL;
    }
    mg_store_queues_keep(sqlite->queues);
    mg_sqlite_look_at_space(sqlite);
    if (!mg_sqlite_start_writer(sqlite, error)) {
        close_store(&sqlite->store);
        return NULL;
    }
    return &sqlite->store;
}
