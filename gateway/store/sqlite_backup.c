/*
 * Makes a backup: pages are copied within one reading transaction, which is one moment of the
 * store; the writer goes on meanwhile, and only its log becomes longer. Then what lies in the spool
 * goes in. A file of the spool that is gone by then belonged to a content that was deleted since:
 * its row goes too.
 */
#include "gateway/store/backup.h"
#include "gateway/store/sqlite.h"

#include "gateway/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define PAGES_AT_ONCE 256 /* 2 MB, between two looks at the disk */
#define PIECE         ((size_t)1 << 20)
/* Kept free above the reserve, so that no message is refused because of a backup. */
#define MARGIN ((int64_t)32 << 20)

static const char additions[] = "CREATE TABLE backups (time INTEGER NOT NULL);"
                                "CREATE TABLE spooled ("
                                " spool BLOB NOT NULL,"
                                " number INTEGER NOT NULL,"
                                " bytes BLOB NOT NULL,"
                                " PRIMARY KEY (spool, number));";

enum { B_CONTENTS, B_RECORDS, B_PIECE, B_DROP_CONTENT, B_DROP_RECORD, B_COUNT };
static const char *const statements[B_COUNT] = {
    [B_CONTENTS] = "SELECT key, spool FROM contents WHERE spool IS NOT NULL AND key > ?1"
                   " ORDER BY key LIMIT 1",
    [B_RECORDS] = "SELECT key, spool FROM records WHERE spool IS NOT NULL AND key > ?1"
                  " ORDER BY key LIMIT 1",
    [B_PIECE] = "INSERT INTO spooled VALUES (?1, ?2, ?3)",
    [B_DROP_CONTENT] = "DELETE FROM contents WHERE key = ?1",
    [B_DROP_RECORD] = "DELETE FROM records WHERE key = ?1",
};

struct making {
    struct mg_sqlite *sqlite;
    struct mg_store_backup *backup;
    char *path;       /* of the new file */
    const char *name; /* its last part */
    struct mg_sqlite_connection source, target;
    char *piece;
    struct mg_error *error;
};

/* ---- whether to go on ---- */

static bool fail_with_errno(struct making *making, const char *what)
{
    return mg_fail(making->error,
                   errno == ENOSPC || errno == EDQUOT ? "store.full" : "store.failed",
                   "the backup: %s: %s", what, strerror(errno));
}

static bool has_space(struct making *making, int64_t needed)
{
    struct statvfs disk;
    if (fstatvfs(making->sqlite->folder, &disk) != 0)
        return fail_with_errno(making, "the space on disk cannot be asked for");
    int64_t left = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
    return left - needed > making->sqlite->reserve + MARGIN ||
           mg_fail(making->error, "store.full",
                   "a backup is made beside the store, and there is not enough space for it: "
                   "%lld MB are free, of which %lld MB are reserved for what was accepted",
                   (long long)(left >> 20), (long long)(making->sqlite->reserve >> 20));
}

static bool may_go_on(struct making *making)
{
    const struct mg_store_backup *backup = making->backup;
    if (backup->is_aborted && backup->is_aborted(backup->context))
        return mg_fail(making->error, "store.closed", "nobody waits for the backup any more");
    return has_space(making, 0);
}

/* ---- the file ---- */

static bool create_file(struct making *making)
{
    struct mg_id id = mg_id_new();
    char text[MG_ID_TEXT_SIZE];
    const char *store = making->sqlite->path;
    size_t folder = strlen(store) - strlen("store.db");
    making->path = mg_allocate(folder + sizeof MG_SQLITE_BACKUP + MG_ID_TEXT_SIZE);
    sprintf(making->path, "%.*s" MG_SQLITE_BACKUP "%s", (int)folder, store, mg_id_text(&id, text));
    making->name = making->path + folder;
    int file = open(making->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return fail_with_errno(making, "its file cannot be created");
    close(file);
    return mg_sqlite_connect(&making->target, making->path, NULL, false, making->error) &&
           mg_sqlite_run(&making->target, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;",
                         making->error);
}

/* ---- the pages ---- */

static bool step(struct making *making, sqlite3_backup *copying)
{
    int result;
    do {
        if (!may_go_on(making))
            return false;
        result = sqlite3_backup_step(copying, PAGES_AT_ONCE);
        if (result == SQLITE_BUSY || result == SQLITE_LOCKED)
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    } while (result == SQLITE_OK || result == SQLITE_BUSY || result == SQLITE_LOCKED);
    return result == SQLITE_DONE;
}

static bool copy_pages(struct making *making)
{
    struct mg_error *error = making->error;
    /* Before the moment begins: what was accepted by then is in it. */
    making->backup->time = mg_clock_now();
    if (!mg_sqlite_run(&making->source, "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1;", error))
        return false;
    sqlite3_backup *copying =
        sqlite3_backup_init(making->target.database, "main", making->source.database, "main");
    error->code[0] = '\0';
    bool copied = copying && step(making, copying);
    /* The reason stands in the connection of the new file once the copying has ended. */
    int result = copying ? sqlite3_backup_finish(copying) : SQLITE_ERROR;
    if ((!copied || result != SQLITE_OK) && !error->code[0]) {
        making->target.failure = result;
        mg_sqlite_fail(&making->target, error);
        return false;
    }
    return copied && mg_sqlite_run(&making->source, "COMMIT", error);
}

/* ---- the spool ---- */

static bool store_piece(struct making *making, const struct mg_id *spool, int64_t number,
                        size_t length)
{
    sqlite3_stmt *piece = mg_sqlite_bind(&making->target, B_PIECE);
    mg_sqlite_bind_id(piece, 1, spool);
    sqlite3_bind_int64(piece, 2, number);
    sqlite3_bind_blob64(piece, 3, making->piece, length, SQLITE_STATIC);
    return mg_sqlite_done(&making->target, B_PIECE) ||
           mg_sqlite_fail(&making->target, making->error);
}

static bool copy_file(struct making *making, int file, const struct mg_id *spool)
{
    for (int64_t number = 0;; number++) {
        size_t filled = 0;
        while (filled < PIECE) {
            ssize_t length = read(file, making->piece + filled, PIECE - filled);
            if (length < 0 && errno == EINTR)
                continue;
            if (length < 0)
                return fail_with_errno(making, "a file of the spool cannot be read");
            if (length == 0)
                break;
            filled += (size_t)length;
        }
        if (filled == 0)
            return true;
        if (!may_go_on(making) || !store_piece(making, spool, number, filled))
            return false;
    }
}

static bool drop(struct making *making, int statement, int64_t key)
{
    sqlite3_bind_int64(mg_sqlite_bind(&making->target, statement), 1, key);
    return mg_sqlite_done(&making->target, statement) ||
           mg_sqlite_fail(&making->target, making->error);
}

static bool copy_part(struct making *making, const struct mg_id *spool, int64_t key, int dropping)
{
    int file = mg_store_spool_open(making->sqlite->store.spool_folder, spool);
    if (file < 0 && errno == ENOENT)
        return drop(making, dropping, key);
    if (file < 0)
        return fail_with_errno(making, "a file of the spool cannot be opened");
    bool copied = copy_file(making, file, spool);
    close(file);
    return copied;
}

static bool copy_spool(struct making *making, int listing, int dropping)
{
    struct mg_sqlite_connection *target = &making->target;
    int64_t key = 0;
    bool found = true;
    while (found) {
        struct mg_id spool = {.bytes = {0}};
        sqlite3_stmt *row = mg_sqlite_bind(target, listing);
        sqlite3_bind_int64(row, 1, key);
        if (!mg_sqlite_row(target, listing, &found))
            return mg_sqlite_fail(target, making->error);
        if (found) {
            key = sqlite3_column_int64(row, 0);
            mg_sqlite_column_id(row, 1, &spool);
        }
        mg_sqlite_reset(target, listing);
        if (found && !copy_part(making, &spool, key, dropping))
            return false;
    }
    return true;
}

static bool note_time(struct making *making)
{
    char sql[80];
    snprintf(sql, sizeof sql, "INSERT INTO backups VALUES (%lld)", (long long)making->backup->time);
    return mg_sqlite_run(&making->target, sql, making->error);
}

/* ---- the whole ---- */

bool mg_sqlite_check_file(struct mg_sqlite_connection *connection, struct mg_error *error)
{
    int64_t good = 0;
    /* Without a bound on what is found: SQLite 3.46 takes a number there for a table's name. */
    return mg_sqlite_number(connection,
                            "SELECT count(*) = 1 AND min(quick_check) = 'ok'"
                            " FROM pragma_quick_check",
                            &good, error) &&
           (good || mg_fail(error, "store.unreadable",
                            "the database is damaged: SQLite's check of it found a fault"));
}

static bool fill(struct making *making)
{
    struct mg_sqlite_connection *target = &making->target;
    struct mg_error *error = making->error;
    making->piece = mg_allocate(PIECE);
    /* The copy inherited that there is a log, which one file alone cannot have. */
    return copy_pages(making) &&
           mg_sqlite_run(target, "PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; BEGIN;",
                         error) &&
           mg_sqlite_run(target, additions, error) &&
           mg_sqlite_prepare(target, statements, B_COUNT, error) && note_time(making) &&
           copy_spool(making, B_CONTENTS, B_DROP_CONTENT) &&
           copy_spool(making, B_RECORDS, B_DROP_RECORD) && mg_sqlite_run(target, "COMMIT", error) &&
           mg_sqlite_check_file(target, error);
}

/* Leaves a descriptor of it and no name. */
static bool open_result(struct making *making)
{
    struct stat facts;
    int file = open(making->path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fsync(file) != 0 || fstat(file, &facts) != 0) {
        fail_with_errno(making, "it cannot be read");
        if (file >= 0)
            close(file);
        return false;
    }
    making->backup->file = file;
    making->backup->size = facts.st_size;
    return true;
}

bool mg_sqlite_backup(struct mg_store *store, struct mg_store_backup *backup,
                      struct mg_error *error)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    struct mg_error own;
    struct making making = {.sqlite = sqlite, .backup = backup, .error = error ? error : &own};
    struct mg_store_totals totals;
    backup->file = -1;
    bool made = mg_store_totals(store, &totals, making.error) && has_space(&making, totals.bytes) &&
                create_file(&making) &&
                mg_sqlite_connect(&making.source, sqlite->path, sqlite->vfs, false, making.error) &&
                fill(&making);
    mg_sqlite_disconnect(&making.source);
    mg_sqlite_disconnect(&making.target);
    made = made && open_result(&making);
    if (making.path)
        unlinkat(sqlite->folder, making.name, 0);
    free(making.piece);
    free(making.path);
    return made;
}
