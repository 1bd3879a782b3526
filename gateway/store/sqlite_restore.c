/*
 * Makes a store of a backup. Everything is prepared under other names beside the store that is
 * there; what can fail fails then. The last step moves names only, and a file "restoring" says that
 * it has begun: with it no gateway opens the folder, which else would look like an empty store.
 */
#include "gateway/store/backup.h"
#include "gateway/store/sqlite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define DATABASE "restored.db"
#define SPOOL    "restored-spool"
#define BLOCK    ((size_t)1 << 20)
#define BATCH    "500"

enum { X_SPOOLS, X_PIECE, X_OPEN, X_COUNT };
static const char *const statements[X_COUNT] = {
    [X_SPOOLS] = "SELECT DISTINCT spool FROM spooled WHERE spool > ?1 ORDER BY spool LIMIT 1",
    [X_PIECE] = "SELECT bytes FROM spooled WHERE spool = ?1 AND number = ?2",
    [X_OPEN] = "SELECT d.key, d.message, m.uuid, m.partner, d.received, d.destination, d.state,"
               " d.attempts FROM deliveries d LEFT JOIN messages m ON m.seq = d.key >> 20"
               " WHERE d.ended = 0 AND d.key > ?1 ORDER BY d.key LIMIT " BATCH,
};

/* What is held says so where the gateway's own attempts say what became of them. */
#define HELD_CODE "restore.held"
static const char hold[] = "UPDATE deliveries SET state = 2, node = NULL, lease = NULL,"
                           " last_code = '" HELD_CODE "', last_text ="
                           " 'The store was restored from a backup: it may have been delivered'"
                           " || ' since. An operator decides whether it is delivered again.'"
                           " WHERE ended = 0";

/* A copy that is begun anew if anything fails needs no journal, and is synced at its end. What is
 * dropped is cut off the file. */
static const char settings[] = "PRAGMA trusted_schema = OFF; PRAGMA journal_mode = OFF;"
                               "PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;";

struct restoring {
    struct mg_store_restore *restore;
    struct mg_sqlite sqlite; /* of which the writer's connection and the journal are used */
    int folder, lock, spool;
    uid_t owner; /* of the folder; what is made shall be theirs */
    gid_t group;
    bool began_before; /* a restore that was broken off */
    struct mg_error *error;
};

static bool fail_with_errno(struct restoring *restoring, const char *name, const char *what)
{
    return mg_fail(restoring->error,
                   errno == ENOSPC || errno == EDQUOT ? "store.full" : "store.failed",
                   "restoring: %s cannot be %s: %s", name, what, strerror(errno));
}

/* ---- the folder ---- */

/* Root may restore for the gateway's user, to whom the folder belongs: nothing in it leads root to
 * files elsewhere, so no symbolic link is followed. */
static bool give_away(struct restoring *restoring, int file, const char *name)
{
    return geteuid() != 0 || fchown(file, restoring->owner, restoring->group) == 0 ||
           fail_with_errno(restoring, name, "given to the owner of the store");
}

/* A new folder belongs to whom the one above belongs to. */
static bool open_folder(struct restoring *restoring)
{
    const char *path = restoring->restore->folder;
    char above[4096];
    struct stat facts;
    bool is_new = mkdir(path, 0700) == 0;
    if (!is_new && errno != EEXIST)
        return fail_with_errno(restoring, path, "created");
    snprintf(above, sizeof above, "%s/..", path);
    restoring->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (restoring->folder < 0 || stat(is_new ? above : path, &facts) != 0)
        return fail_with_errno(restoring, path, "opened");
    restoring->owner = facts.st_uid;
    restoring->group = facts.st_gid;
    return !is_new || give_away(restoring, restoring->folder, path);
}

static bool lock_folder(struct restoring *restoring)
{
    struct stat facts;
    restoring->lock = openat(restoring->folder, "lock",
                             O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (restoring->lock < 0 || fstat(restoring->lock, &facts) != 0)
        return fail_with_errno(restoring, "lock", "opened");
    if (!S_ISREG(facts.st_mode) || facts.st_nlink != 1)
        return mg_fail(restoring->error, "store.failed",
                       "restoring: lock is no file of the store's own");
    if (flock(restoring->lock, LOCK_EX | LOCK_NB) != 0)
        return mg_fail(restoring->error, "store.in-use",
                       "a gateway has the store open; stop it before you restore");
    return give_away(restoring, restoring->lock, "lock");
}

static bool exists(const struct restoring *restoring, const char *name)
{
    return faccessat(restoring->folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool check_folder(struct restoring *restoring)
{
    restoring->began_before = exists(restoring, MG_SQLITE_RESTORING);
    return restoring->restore->replace || restoring->began_before ||
           !exists(restoring, "store.db") ||
           mg_fail(restoring->error, "store.exists",
                   "there is a store in the folder; to move it aside and restore the backup in its "
                   "place, say so");
}

/* ---- the files ---- */

static void remove_spool(struct restoring *restoring)
{
    int folder = openat(restoring->folder, SPOOL, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = folder >= 0 ? fdopendir(folder) : NULL;
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (entry->d_name[0] != '.')
            unlinkat(folder, entry->d_name, 0);
    if (entries)
        closedir(entries);
    else if (folder >= 0)
        close(folder);
    if (unlinkat(restoring->folder, SPOOL, AT_REMOVEDIR) != 0)
        unlinkat(restoring->folder, SPOOL, 0);
}

/* Of this restore, or of one that was broken off. */
static void remove_prepared(struct restoring *restoring)
{
    static const char *const names[] = {DATABASE, DATABASE "-journal", DATABASE "-wal",
                                        DATABASE "-shm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlinkat(restoring->folder, names[i], 0);
    remove_spool(restoring);
}

/* The copy, and what lies in the spool once more. */
static bool check_space(struct restoring *restoring, int64_t size)
{
    struct statvfs disk;
    if (fstatvfs(restoring->folder, &disk) != 0)
        return fail_with_errno(restoring, "the space on disk", "asked for");
    int64_t left = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
    return left > 2 * size || mg_fail(restoring->error, "store.full",
                                      "restoring needs up to %lld MB, and %lld MB are free",
                                      (long long)(2 * size >> 20), (long long)(left >> 20));
}

static bool write_all(int file, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(file, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

static bool copy(struct restoring *restoring, int from, int to)
{
    char *block = mg_allocate(BLOCK);
    ssize_t length;
    bool good = true;
    while (good && (length = read(from, block, BLOCK)) != 0) {
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            good = fail_with_errno(restoring, restoring->restore->file, "read");
        else if (!write_all(to, block, (size_t)length))
            good = fail_with_errno(restoring, DATABASE, "written");
    }
    free(block);
    return good;
}

static bool copy_file(struct restoring *restoring)
{
    struct stat facts = {.st_size = 0};
    int from = open(restoring->restore->file, O_RDONLY | O_CLOEXEC), to = -1;
    bool good = (from >= 0 && fstat(from, &facts) == 0) ||
                fail_with_errno(restoring, restoring->restore->file, "opened");
    if (good && !S_ISREG(facts.st_mode))
        good =
            mg_fail(restoring->error, "store.no-backup", "%s is no file", restoring->restore->file);
    good = good && check_space(restoring, facts.st_size);
    if (good)
        to = openat(restoring->folder, DATABASE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    good = good && (to >= 0 || fail_with_errno(restoring, DATABASE, "created")) &&
           give_away(restoring, to, DATABASE) && copy(restoring, from, to);
    if (to >= 0)
        close(to);
    if (from >= 0)
        close(from);
    return good;
}

/* ---- the spool ---- */

static bool write_pieces(struct restoring *restoring, const struct mg_id *spool, int file)
{
    struct mg_sqlite_connection *database = &restoring->sqlite.writer;
    bool found = true;
    for (int64_t number = 0; found; number++) {
        sqlite3_stmt *row = mg_sqlite_bind(database, W_COUNT + X_PIECE);
        mg_sqlite_bind_id(row, 1, spool);
        sqlite3_bind_int64(row, 2, number);
        if (!mg_sqlite_row(database, W_COUNT + X_PIECE, &found))
            return mg_sqlite_fail(database, restoring->error);
        bool written = !found || write_all(file, sqlite3_column_blob(row, 0),
                                           (size_t)sqlite3_column_bytes(row, 0));
        mg_sqlite_reset(database, W_COUNT + X_PIECE);
        if (!written)
            return fail_with_errno(restoring, "a file of the spool", "written");
    }
    return true;
}

static bool write_spool(struct restoring *restoring, const struct mg_id *spool)
{
    char name[MG_ID_TEXT_SIZE];
    int file = openat(restoring->spool, mg_id_text(spool, name),
                      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return fail_with_errno(restoring, "a file of the spool", "created");
    bool good = give_away(restoring, file, name) && write_pieces(restoring, spool, file) &&
                (fsync(file) == 0 || fail_with_errno(restoring, "a file of the spool", "synced"));
    close(file);
    return good;
}

static bool write_spools(struct restoring *restoring)
{
    struct mg_sqlite_connection *database = &restoring->sqlite.writer;
    struct mg_id spool = {.bytes = {0}};
    bool found = true;
    if (mkdirat(restoring->folder, SPOOL, 0700) != 0)
        return fail_with_errno(restoring, SPOOL, "created");
    restoring->spool =
        openat(restoring->folder, SPOOL, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (restoring->spool < 0)
        return fail_with_errno(restoring, SPOOL, "opened");
    while (found) {
        sqlite3_stmt *row = mg_sqlite_bind(database, W_COUNT + X_SPOOLS);
        mg_sqlite_bind_id(row, 1, &spool);
        if (!mg_sqlite_row(database, W_COUNT + X_SPOOLS, &found))
            return mg_sqlite_fail(database, restoring->error);
        if (found)
            mg_sqlite_column_id(row, 0, &spool);
        mg_sqlite_reset(database, W_COUNT + X_SPOOLS);
        if (found && !write_spool(restoring, &spool))
            return false;
    }
    return give_away(restoring, restoring->spool, SPOOL) &&
           (fsync(restoring->spool) == 0 || fail_with_errno(restoring, SPOOL, "synced"));
}

/* ---- the database ---- */

/* A file from outside: only what a backup of ours looks like is let near. */
static bool check_backup(struct restoring *restoring)
{
    struct mg_sqlite_connection *database = &restoring->sqlite.writer;
    struct mg_error *error = restoring->error;
    int64_t tables = 0;
    /* No store has a trigger or a view: they would act in the gateway from then on. */
    if (!mg_sqlite_number(
            database,
            "SELECT sum(type = 'table' AND name IN ('backups', 'spooled', 'messages'))"
            " - 9 * sum(type NOT IN ('table', 'index')) FROM sqlite_schema",
            &tables, error) ||
        tables != 3)
        return mg_fail(error, "store.no-backup", "the file is no backup of a gateway's store");
    return mg_sqlite_check_file(database, error) &&
           mg_sqlite_number(database, "SELECT max(time) FROM backups", &restoring->restore->time,
                            error);
}

static bool open_database(struct restoring *restoring)
{
    struct mg_sqlite_connection *database = &restoring->sqlite.writer;
    struct mg_error *error = restoring->error;
    char *path = mg_allocate(strlen(restoring->restore->folder) + sizeof "/" DATABASE);
    sprintf(path, "%s/" DATABASE, restoring->restore->folder);
    bool good = mg_sqlite_connect(database, path, NULL, false, error) &&
                mg_sqlite_run(database, settings, NULL) && check_backup(restoring);
    if (!good && !error->code[0])
        mg_fail(error, "store.no-backup", "the file is no backup of a gateway's store");
    free(path);
    return good && mg_sqlite_upgrade(database, error) &&
           mg_sqlite_prepare(database, mg_sqlite_writes, W_COUNT, error) &&
           mg_sqlite_prepare(database, statements, X_COUNT, error) &&
           mg_sqlite_open_journal(&restoring->sqlite, error);
}

static void read_open(sqlite3_stmt *row, struct mg_store_restored *delivery)
{
    mg_sqlite_column_id(row, 1, &delivery->message);
    mg_sqlite_column_text(row, 2, delivery->uuid, sizeof delivery->uuid);
    mg_sqlite_column_text(row, 3, delivery->partner, sizeof delivery->partner);
    delivery->received = sqlite3_column_int64(row, 4);
    mg_sqlite_column_text(row, 5, delivery->destination, sizeof delivery->destination);
    delivery->state = (enum mg_delivery_state)sqlite3_column_int(row, 6);
    delivery->attempts = sqlite3_column_int(row, 7);
}

static bool add_event(struct restoring *restoring, int64_t key, const char *destination)
{
    struct mg_sqlite_connection *database = &restoring->sqlite.writer;
    sqlite3_stmt *event = mg_sqlite_bind(database, W_EVENT);
    sqlite3_bind_int64(event, 1, key >> MG_STORE_NUMBER_BITS);
    sqlite3_bind_int64(event, 2, restoring->restore->now);
    mg_sqlite_bind_text(event, 3, destination);
    mg_sqlite_bind_text(event, 4, HELD_CODE);
    mg_sqlite_bind_text(event, 5,
                        "Held, since the store was restored from a backup: it may have been "
                        "delivered since.");
    sqlite3_bind_int64(event, 6, 0);
    return mg_sqlite_done(database, W_EVENT) || mg_sqlite_fail(database, restoring->error);
}

static bool hold_open(struct restoring *restoring)
{
    struct mg_sqlite_connection *database = &restoring->sqlite.writer;
    const struct mg_store_restore *restore = restoring->restore;
    int64_t key = 0;
    bool found, passed = true, more = true;
    while (passed && more) {
        sqlite3_stmt *row = mg_sqlite_bind(database, W_COUNT + X_OPEN);
        sqlite3_bind_int64(row, 1, key);
        more = false;
        while ((passed = mg_sqlite_row(database, W_COUNT + X_OPEN, &found)) && found) {
            struct mg_store_restored delivery = {.uuid = ""};
            more = true;
            key = sqlite3_column_int64(row, 0);
            read_open(row, &delivery);
            if (!add_event(restoring, key, delivery.destination))
                return false;
            if (restore->held)
                restore->held(&delivery, restore->context);
        }
        mg_sqlite_reset(database, W_COUNT + X_OPEN);
    }
    return passed ? mg_sqlite_run(database, hold, restoring->error)
                  : mg_sqlite_fail(database, restoring->error);
}

static bool prepare_database(struct restoring *restoring)
{
    struct mg_sqlite_connection *database = &restoring->sqlite.writer;
    struct mg_store_restore *restore = restoring->restore;
    struct mg_error *error = restoring->error;
    restore->journal = restoring->sqlite.line.number;
    return mg_sqlite_run(database, "BEGIN IMMEDIATE", error) && hold_open(restoring) &&
           (mg_sqlite_write_line(&restoring->sqlite, NULL, restore->line) ||
            mg_sqlite_fail(database, error)) &&
           mg_sqlite_number(database, "SELECT count(*) FROM messages", &restore->messages, error) &&
           mg_sqlite_run(database, "DROP TABLE spooled; DROP TABLE backups; COMMIT;", error) &&
           mg_sqlite_run(database, "PRAGMA incremental_vacuum", error);
}

static bool sync_database(struct restoring *restoring)
{
    int file = openat(restoring->folder, DATABASE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool synced = file >= 0 && fsync(file) == 0 && fsync(restoring->folder) == 0;
    if (!synced)
        fail_with_errno(restoring, DATABASE, "synced");
    if (file >= 0)
        close(file);
    return synced;
}

/* ---- the last step ---- */

static bool begin_moving(struct restoring *restoring)
{
    int mark = openat(restoring->folder, MG_SQLITE_RESTORING,
                      O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    bool made = mark >= 0 && fsync(mark) == 0 && fsync(restoring->folder) == 0;
    if (!made)
        fail_with_errno(restoring, MG_SQLITE_RESTORING, "created");
    if (mark >= 0)
        close(mark);
    return made;
}

static bool move(struct restoring *restoring, const char *name, const char *folder,
                 const char *other)
{
    char to[128];
    snprintf(to, sizeof to, "%s%s", folder, other);
    return renameat(restoring->folder, name, restoring->folder, to) == 0 || errno == ENOENT ||
           fail_with_errno(restoring, name, "moved");
}

/* Whatever there is of a store goes into a folder of its own. */
static bool move_aside(struct restoring *restoring)
{
    struct mg_store_restore *restore = restoring->restore;
    char folder[sizeof restore->aside + 1];
    struct tm moment;
    time_t seconds = (time_t)(restore->now / 1000);
    if (!exists(restoring, "store.db") && !exists(restoring, "spool"))
        return true;
    gmtime_r(&seconds, &moment);
    strftime(restore->aside, sizeof restore->aside, "replaced-%Y%m%dT%H%M%SZ", &moment);
    snprintf(folder, sizeof folder, "%s/", restore->aside);
    if (mkdirat(restoring->folder, restore->aside, 0700) != 0)
        return fail_with_errno(restoring, restore->aside, "created");
    return move(restoring, "store.db", folder, "store.db") &&
           move(restoring, "store.db-wal", folder, "store.db-wal") &&
           move(restoring, "store.db-shm", folder, "store.db-shm") &&
           move(restoring, "spool", folder, "spool");
}

static bool put_in_place(struct restoring *restoring)
{
    return begin_moving(restoring) && move_aside(restoring) &&
           move(restoring, SPOOL, "", "spool") && move(restoring, DATABASE, "", "store.db") &&
           (fsync(restoring->folder) == 0 || fail_with_errno(restoring, "the folder", "synced")) &&
           (unlinkat(restoring->folder, MG_SQLITE_RESTORING, 0) == 0 ||
            fail_with_errno(restoring, MG_SQLITE_RESTORING, "removed")) &&
           (fsync(restoring->folder) == 0 || fail_with_errno(restoring, "the folder", "synced"));
}

/* ---- what is lost, and what is back ---- */

/* Numbers of messages are never given twice, so what has a higher one came after the backup. */
static bool read_last(struct restoring *restoring, int64_t *last)
{
    return mg_sqlite_number(&restoring->sqlite.writer,
                            "SELECT max((SELECT coalesce(max(seq), 0) FROM messages),"
                            " (SELECT coalesce(max(seq), 0) FROM duplicates))",
                            last, restoring->error);
}

#define MESSAGE "SELECT id, uuid, partner, received, seq FROM messages WHERE "
enum { A_NEWER, A_DELIVERIES, A_ERASED, A_COUNT };
static const char *const asides[A_COUNT] = {
    [A_NEWER] = MESSAGE "seq > ?1 ORDER BY seq",
    [A_DELIVERIES] = "SELECT destination, state, attempts FROM deliveries"
                     " WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    [A_ERASED] = "SELECT DISTINCT subject FROM journal"
                 " WHERE number > ?1 AND line LIKE '{\"act\":\"erase\",%'",
};
static const char *const by_id[] = {MESSAGE "id = ?1"};

static void read_message(sqlite3_stmt *row, struct mg_store_restored *message)
{
    *message = (struct mg_store_restored){.uuid = ""};
    mg_sqlite_column_id(row, 0, &message->message);
    mg_sqlite_column_text(row, 1, message->uuid, sizeof message->uuid);
    mg_sqlite_column_text(row, 2, message->partner, sizeof message->partner);
    message->received = sqlite3_column_int64(row, 3);
}

/* How far each delivery of a message had come; what else it says is the message's. */
static bool tell_deliveries(const struct mg_store_restore *restore,
                            struct mg_sqlite_connection *before, int64_t seq,
                            struct mg_store_restored *delivery)
{
    sqlite3_stmt *row = mg_sqlite_bind(before, A_DELIVERIES);
    bool found, passed;
    sqlite3_bind_int64(row, 1, seq << MG_STORE_NUMBER_BITS);
    sqlite3_bind_int64(row, 2, seq << MG_STORE_NUMBER_BITS | MG_STORE_NUMBER_LAST);
    while ((passed = mg_sqlite_row(before, A_DELIVERIES, &found)) && found) {
        mg_sqlite_column_text(row, 0, delivery->destination, sizeof delivery->destination);
        delivery->state = (enum mg_delivery_state)sqlite3_column_int(row, 1);
        delivery->attempts = sqlite3_column_int(row, 2);
        if (restore->lost_delivery)
            restore->lost_delivery(delivery, restore->context);
    }
    if (passed)
        mg_sqlite_reset(before, A_DELIVERIES);
    return passed;
}

static bool tell_lost(const struct mg_store_restore *restore, struct mg_sqlite_connection *before,
                      int64_t last)
{
    sqlite3_stmt *row = mg_sqlite_bind(before, A_NEWER);
    bool found, passed;
    sqlite3_bind_int64(row, 1, last);
    while ((passed = mg_sqlite_row(before, A_NEWER, &found)) && found) {
        struct mg_store_restored message;
        read_message(row, &message);
        if (restore->lost)
            restore->lost(&message, restore->context);
        if (!tell_deliveries(restore, before, sqlite3_column_int64(row, 4), &message))
            return false;
    }
    return passed;
}

/* Whether the message with this id is stored again. */
static bool find_again(struct mg_sqlite_connection *now, const struct mg_id *id, bool *found,
                       struct mg_store_restored *message)
{
    sqlite3_stmt *row = mg_sqlite_bind(now, 0);
    mg_sqlite_bind_id(row, 1, id);
    if (!mg_sqlite_row(now, 0, found))
        return false;
    if (*found)
        read_message(row, message);
    mg_sqlite_reset(now, 0);
    return true;
}

static bool tell_erased(const struct mg_store_restore *restore, struct mg_sqlite_connection *before)
{
    struct mg_sqlite_connection now = {0};
    char path[4200];
    bool found;
    snprintf(path, sizeof path, "%s/store.db", restore->folder);
    bool passed =
        mg_sqlite_connect_to_read(&now, path, NULL) && mg_sqlite_prepare(&now, by_id, 1, NULL);
    sqlite3_stmt *row = mg_sqlite_bind(before, A_ERASED);
    sqlite3_bind_int64(row, 1, restore->journal);
    while (passed && (passed = mg_sqlite_row(before, A_ERASED, &found)) && found) {
        struct mg_store_restored message;
        struct mg_id id;
        bool again = false;
        mg_sqlite_column_id(row, 0, &id);
        passed = find_again(&now, &id, &again, &message);
        if (again && restore->erased)
            restore->erased(&message, restore->context);
    }
    mg_sqlite_disconnect(&now);
    return passed;
}

/* The store before may be damaged, which is no reason to fail. */
static void compare_with_aside(struct restoring *restoring, int64_t last)
{
    struct mg_store_restore *restore = restoring->restore;
    struct mg_sqlite_connection before = {0};
    char path[4200];
    if (!restore->aside[0])
        return;
    snprintf(path, sizeof path, "%s/%s/store.db", restore->folder, restore->aside);
    restore->aside_read = mg_sqlite_connect(&before, path, NULL, false, NULL) &&
                          mg_sqlite_prepare(&before, asides, A_COUNT, NULL) &&
                          tell_lost(restore, &before, last) && tell_erased(restore, &before);
    mg_sqlite_disconnect(&before);
}

static void close_descriptor(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}

bool mg_store_restore(struct mg_store_restore *restore, struct mg_error *error)
{
    struct restoring *restoring = mg_allocate_zeroed(1, sizeof *restoring);
    struct mg_error own = {.code = ""};
    int64_t last = 0;
    restoring->restore = restore;
    restoring->folder = restoring->lock = restoring->spool = -1;
    restoring->error = error ? error : &own;
    restoring->error->code[0] = '\0';
    restore->aside[0] = '\0';
    restore->aside_read = false;
    bool good = open_folder(restoring) && lock_folder(restoring) && check_folder(restoring);
    if (good)
        remove_prepared(restoring);
    good = good && copy_file(restoring) && open_database(restoring) && write_spools(restoring) &&
           prepare_database(restoring) && read_last(restoring, &last);
    bool prepared = good;
    mg_sqlite_disconnect(&restoring->sqlite.writer);
    mg_store_chain_free(restoring->sqlite.chain);
    good = good && sync_database(restoring) && put_in_place(restoring);
    if (good)
        compare_with_aside(restoring, last);
    else if (!prepared && restoring->lock >= 0)
        remove_prepared(restoring);
    close_descriptor(restoring->spool);
    close_descriptor(restoring->lock);
    close_descriptor(restoring->folder);
    free(restoring);
    return good;
}
