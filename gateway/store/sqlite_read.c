/* The readers: a few connections beside the writer, each taken by one thread at a time. A reader
 * never holds a transaction open between calls, so it never keeps the log from being used again. */
#include "gateway/store/sqlite.h"

#include "gateway/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Parts up to this size are read whole and cut; of larger ones only the wanted pages are read. */
#define WHOLE_SIZE 65536

#define PART_OF(table)                                                                             \
    "SELECT key, size, media_type, name, spool,"                                                   \
    " CASE WHEN size <= ?3 THEN bytes END FROM " table                                             \
    " WHERE key = ((SELECT seq FROM messages WHERE id = ?1) << 20) + ?2"

#define DELIVERY                                                                                   \
    "d.id, d.destination, d.state, d.attempts, d.received, d.next_attempt, d.last_code,"           \
    " d.last_text, d.ended, d.since, d.tried"

/* For the search: newest first, below one number and down to another. */
#define MESSAGE "seq, id, partner, way, uuid, digest, profile, type, author, reader, received"
#define BOUNDS  " seq < ?1 AND seq >= ?2 ORDER BY seq DESC"

const char *const mg_sqlite_reads[R_COUNT] = {
    [R_FIND] = "SELECT partner, way, uuid, digest, profile, type, author, reader, received"
               " FROM messages WHERE id = ?1",
    [R_LOOK_UP] = "SELECT digest, message FROM duplicates"
                  " WHERE uuid = ?1 AND partner = ?2 AND until > ?3",
    [R_CONTENT] = PART_OF("contents"),
    [R_RECORD] = PART_OF("records"),
    [R_DELIVERIES] = "SELECT " DELIVERY " FROM messages m CROSS JOIN deliveries d"
                     " ON d.key BETWEEN m.seq << 20 AND (m.seq << 20) + 1048575"
                     " WHERE m.id = ?1 ORDER BY d.key",
    [R_EVENTS] = "SELECT e.time, e.destination, e.code, e.text, e.duration"
                 " FROM messages m CROSS JOIN events e"
                 " ON e.key BETWEEN m.seq << 20 AND (m.seq << 20) + 1048575"
                 " WHERE m.id = ?1 ORDER BY e.key",
    [R_ENDED_LEASE] = "SELECT 1 FROM deliveries INDEXED BY deliveries_running"
                      " WHERE state = 1 AND destination = ?1 AND lease <= ?2 LIMIT 1",
    [R_LIST] = "SELECT d.key, d.next_attempt, d.message, d.received, d.size, d.attempts,"
               " m.uuid, m.type, m.author, m.reader, m.partner"
               " FROM deliveries d INDEXED BY deliveries_waiting"
               " CROSS JOIN messages m ON m.seq = d.key >> 20"
               " WHERE d.state = 0 AND d.destination = ?1 AND (d.next_attempt, d.key) > (?2, ?3)"
               " ORDER BY d.next_attempt, d.key LIMIT ?4",
    [R_PARTS] = "SELECT p.key & 1048575, p.size, p.media_type FROM messages m CROSS JOIN contents p"
                " ON p.key BETWEEN m.seq << 20 AND (m.seq << 20) + 1048575 WHERE m.id = ?1"
                " UNION ALL SELECT p.key & 1048575, p.size, p.media_type FROM messages m"
                " CROSS JOIN records p ON p.key BETWEEN m.seq << 20 AND (m.seq << 20) + 1048575"
                " WHERE m.id = ?1",
    [R_REMAINS] =
        "SELECT EXISTS (SELECT 1 FROM messages WHERE id = ?1),"
        " (SELECT count(*) FROM messages m CROSS JOIN deliveries d"
        " ON d.key BETWEEN m.seq << 20 AND (m.seq << 20) + 1048575 WHERE m.id = ?1),"
        " (SELECT count(*) FROM messages m CROSS JOIN events e"
        " ON e.key BETWEEN m.seq << 20 AND (m.seq << 20) + 1048575 WHERE m.id = ?1),"
        " (SELECT count(*) FROM journal INDEXED BY journal_by_subject WHERE subject = ?1)",
    [R_KNOWN] = "SELECT until FROM duplicates WHERE uuid = ?1 AND partner = ?2 AND message = ?3",
    [R_SPOOLED] = "SELECT 1 FROM contents WHERE spool = ?1 AND spool IS NOT NULL UNION ALL"
                  " SELECT 1 FROM records WHERE spool = ?1 AND spool IS NOT NULL LIMIT 1",
    [R_PAUSES] = "SELECT destination, since, by, why FROM pauses ORDER BY destination",
    [R_SEARCH_ALL] = "SELECT " MESSAGE " FROM messages WHERE" BOUNDS,
    [R_SEARCH_AUTHOR] = "SELECT " MESSAGE " FROM messages INDEXED BY messages_by_author"
                        " WHERE author = ?3 AND" BOUNDS,
    [R_SEARCH_READER] = "SELECT " MESSAGE " FROM messages INDEXED BY messages_by_reader"
                        " WHERE reader = ?3 AND" BOUNDS,
    [R_SEARCH_TYPE] = "SELECT " MESSAGE " FROM messages INDEXED BY messages_by_type"
                      " WHERE type = ?3 AND" BOUNDS,
    [R_SEARCH_UUID] = "SELECT seq FROM duplicates INDEXED BY duplicates_by_uuid WHERE uuid = ?1",
    [R_SEARCH_SEQ] = "SELECT " MESSAGE " FROM messages WHERE seq = ?1",
    [R_SEARCH_ID] = "SELECT " MESSAGE " FROM messages WHERE id = ?1",
    [R_SEARCH_TIME] = "SELECT seq, received FROM messages WHERE seq <= ?1"
                      " ORDER BY seq DESC LIMIT 1",
    [R_SEARCH_OPEN] = "SELECT key FROM deliveries INDEXED BY deliveries_open WHERE ended = 0"
                      " AND destination = ?1 AND key < ?2 ORDER BY key DESC LIMIT 1",
    [R_SEARCH_DEAD] = "SELECT key FROM deliveries INDEXED BY deliveries_dead WHERE state = 5"
                      " AND destination = ?1 AND key < ?2 ORDER BY key DESC LIMIT 1",
    [R_SEARCH_HELD] = "SELECT key FROM deliveries INDEXED BY deliveries_held WHERE state = 2"
                      " AND destination = ?1 AND key < ?2 ORDER BY key DESC LIMIT 1",
    [R_SEARCH_RUNNING] = "SELECT key FROM deliveries INDEXED BY deliveries_running WHERE state = 1"
                         " AND destination = ?1 LIMIT ?2",
    [R_SEARCH_DELIVERIES] = "SELECT " DELIVERY " FROM deliveries d WHERE d.key"
                            " BETWEEN ?1 << 20 AND (?1 << 20) + 1048575 ORDER BY d.key",
};

/* ---- the pool ---- */

static bool open_reader(struct mg_sqlite *sqlite, struct mg_sqlite_connection *reader,
                        struct mg_error *error)
{
    if (mg_sqlite_connect(reader, sqlite->path, sqlite->vfs, false, error) &&
        mg_sqlite_run(reader, "PRAGMA query_only = ON; PRAGMA cache_size = -512;", error) &&
        mg_sqlite_prepare(reader, mg_sqlite_reads, R_COUNT, error) &&
        mg_sqlite_prepare(reader, mg_sqlite_journal_reads, J_COUNT, error))
        return true;
    mg_sqlite_disconnect(reader);
    return false;
}

void mg_sqlite_return_reader(struct mg_sqlite *sqlite, struct mg_sqlite_connection *reader)
{
    pthread_mutex_lock(&sqlite->reader_lock);
    sqlite->idle[sqlite->idle_count++] = reader;
    pthread_cond_signal(&sqlite->reader_free);
    pthread_mutex_unlock(&sqlite->reader_lock);
}

struct mg_sqlite_connection *mg_sqlite_take_reader(struct mg_sqlite *sqlite, struct mg_error *error)
{
    pthread_mutex_lock(&sqlite->reader_lock);
    while (sqlite->idle_count == 0)
        pthread_cond_wait(&sqlite->reader_free, &sqlite->reader_lock);
    struct mg_sqlite_connection *reader = sqlite->idle[--sqlite->idle_count];
    pthread_mutex_unlock(&sqlite->reader_lock);
    if (reader->database || open_reader(sqlite, reader, error))
        return reader;
    mg_sqlite_return_reader(sqlite, reader);
    return NULL;
}

void mg_sqlite_close_readers(struct mg_sqlite *sqlite)
{
    for (size_t i = 0; i < MG_SQLITE_READERS; i++)
        mg_sqlite_disconnect(&sqlite->readers[i]);
}

/* ---- messages ---- */

void mg_sqlite_read_message(sqlite3_stmt *row, int first, struct mg_store_message *message)
{
    mg_sqlite_column_text(row, first, message->partner, sizeof message->partner);
    mg_sqlite_column_text(row, first + 1, message->way, sizeof message->way);
    mg_sqlite_column_text(row, first + 2, message->uuid, sizeof message->uuid);
    const void *digest = sqlite3_column_blob(row, first + 3);
    if (digest && sqlite3_column_bytes(row, first + 3) == sizeof message->digest)
        memcpy(message->digest, digest, sizeof message->digest);
    mg_sqlite_column_text(row, first + 4, message->profile, sizeof message->profile);
    mg_sqlite_column_text(row, first + 5, message->type, sizeof message->type);
    mg_sqlite_column_text(row, first + 6, message->author, sizeof message->author);
    mg_sqlite_column_text(row, first + 7, message->reader, sizeof message->reader);
    message->received = sqlite3_column_int64(row, first + 8);
}

bool mg_sqlite_find(struct mg_store *store, const struct mg_id *id,
                    struct mg_store_message *message, bool *found, struct mg_error *error)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    struct mg_sqlite_connection *reader = mg_sqlite_take_reader(sqlite, error);
    if (!reader)
        return false;
    sqlite3_stmt *row = mg_sqlite_bind(reader, R_FIND);
    mg_sqlite_bind_id(row, 1, id);
    bool passed = mg_sqlite_row(reader, R_FIND, found);
    if (passed && *found) {
        *message = (struct mg_store_message){.id = *id};
        mg_sqlite_read_message(row, 0, message);
    }
    if (passed)
        mg_sqlite_reset(reader, R_FIND);
    else
        mg_sqlite_fail(reader, error);
    mg_sqlite_return_reader(sqlite, reader);
    return passed;
}

bool mg_sqlite_look_up(struct mg_store *store, const char *partner, const char *uuid,
                       const uint8_t digest[32], enum mg_accept_result *result,
                       struct mg_id *known_id, struct mg_error *error)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    struct mg_sqlite_connection *reader = mg_sqlite_take_reader(sqlite, error);
    if (!reader)
        return false;
    struct mg_id room;
    sqlite3_stmt *row = mg_sqlite_bind(reader, R_LOOK_UP);
    mg_sqlite_bind_uuid(row, 1, uuid, &room);
    mg_sqlite_bind_text(row, 2, partner);
    sqlite3_bind_int64(row, 3, mg_clock_now());
    bool found, passed = mg_sqlite_row(reader, R_LOOK_UP, &found);
    if (passed && found) {
        const void *known = sqlite3_column_blob(row, 0);
        bool same = known && sqlite3_column_bytes(row, 0) == 32 && memcmp(known, digest, 32) == 0;
        *result = same ? MG_ACCEPT_REPEATED : MG_ACCEPT_DIFFERENT;
        mg_sqlite_column_id(row, 1, known_id);
    }
    if (passed)
        mg_sqlite_reset(reader, R_LOOK_UP);
    else
        mg_sqlite_fail(reader, error);
    mg_sqlite_return_reader(sqlite, reader);
    return passed;
}

/* ---- parts ---- */

struct part_row {
    int statement;
    sqlite3_stmt *row;
    int64_t key;
    int64_t size;
    bool in_spool;
    struct mg_id spool;
};

/* Finds a part; its bytes come with the row if it is not longer than whole. The statement is to be
 * reset if one was found. */
static bool find_part(struct mg_sqlite_connection *reader, const struct mg_id *id, int kind,
                      int64_t whole, struct part_row *part, bool *found)
{
    part->statement = mg_store_is_content(kind) ? R_CONTENT : R_RECORD;
    part->row = mg_sqlite_bind(reader, part->statement);
    mg_sqlite_bind_id(part->row, 1, id);
    sqlite3_bind_int(part->row, 2, kind);
    sqlite3_bind_int64(part->row, 3, whole);
    if (!mg_sqlite_row(reader, part->statement, found))
        return false;
    if (!*found) {
        mg_sqlite_reset(reader, part->statement);
        return true;
    }
    part->key = sqlite3_column_int64(part->row, 0);
    part->size = sqlite3_column_int64(part->row, 1);
    part->in_spool = sqlite3_column_type(part->row, 4) == SQLITE_BLOB;
    if (part->in_spool)
        mg_sqlite_column_id(part->row, 4, &part->spool);
    return true;
}

bool mg_sqlite_part(struct mg_store *store, const struct mg_id *id, int kind,
                    struct mg_store_part_facts *facts, struct mg_error *error)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    struct mg_sqlite_connection *reader = mg_sqlite_take_reader(sqlite, error);
    if (!reader)
        return false;
    struct part_row part = {0};
    bool found = false;
    bool passed = find_part(reader, id, kind, -1, &part, &found) || mg_sqlite_fail(reader, error);
    if (found) {
        facts->size = part.size;
        mg_sqlite_column_text(part.row, 2, facts->media_type, sizeof facts->media_type);
        mg_sqlite_column_text(part.row, 3, facts->name, sizeof facts->name);
        mg_sqlite_reset(reader, part.statement);
    }
    mg_sqlite_return_reader(sqlite, reader);
    return passed;
}

static ssize_t read_spool(const struct mg_sqlite *sqlite, const struct part_row *part,
                          int64_t offset, void *bytes, size_t size, struct mg_error *error)
{
    int file = mg_store_spool_open(sqlite->store.spool_folder, &part->spool);
    ssize_t result = file < 0 ? -1 : pread(file, bytes, size, (off_t)offset);
    if (result < 0 && errno == ENOENT)
        mg_store_fail_no_part(error);
    else if (result < 0)
        mg_fail(error, "store.failed", "a spool file cannot be read: %s", strerror(errno));
    if (file >= 0)
        close(file);
    return result;
}

/* Between finding the row and this, retention may have deleted it. */
static ssize_t read_blob(struct mg_sqlite_connection *reader, const struct part_row *part,
                         int64_t offset, void *bytes, size_t size, struct mg_error *error)
{
    const char *table = part->statement == R_CONTENT ? "contents" : "records";
    sqlite3_blob *blob = NULL;
    int result = sqlite3_blob_open(reader->database, "main", table, "bytes", part->key, 0, &blob);
    if (result == SQLITE_OK)
        result = sqlite3_blob_read(blob, bytes, (int)size, (int)offset);
    sqlite3_blob_close(blob);
    if (result == SQLITE_OK)
        return (ssize_t)size;
    reader->failure = result;
    if ((result & 0xff) == SQLITE_ERROR)
        mg_store_fail_no_part(error);
    else
        mg_sqlite_fail(reader, error);
    return -1;
}

static ssize_t read_part(struct mg_sqlite *sqlite, struct mg_sqlite_connection *reader,
                         struct part_row *part, int64_t offset, void *bytes, size_t size,
                         struct mg_error *error)
{
    int64_t left = offset < part->size ? part->size - offset : 0;
    if ((int64_t)size > left)
        size = (size_t)left;
    bool whole = !part->in_spool && part->size <= WHOLE_SIZE;
    const char *row = whole ? sqlite3_column_blob(part->row, 5) : NULL;
    if (row && size > 0)
        memcpy(bytes, row + offset, size);
    mg_sqlite_reset(reader, part->statement);
    if (size == 0 || whole)
        return (ssize_t)size;
    if (part->in_spool)
        return read_spool(sqlite, part, offset, bytes, size, error);
    return read_blob(reader, part, offset, bytes, size, error);
}

ssize_t mg_sqlite_read(struct mg_store *store, const struct mg_id *id, int kind, int64_t offset,
                       void *bytes, size_t size, struct mg_error *error)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    struct mg_sqlite_connection *reader = mg_sqlite_take_reader(sqlite, error);
    if (!reader)
        return -1;
    struct part_row part;
    bool found;
    ssize_t result = -1;
    if (!find_part(reader, id, kind, WHOLE_SIZE, &part, &found))
        mg_sqlite_fail(reader, error);
    else if (!found)
        mg_store_fail_no_part(error);
    else
        result = read_part(sqlite, reader, &part, offset, bytes, size, error);
    mg_sqlite_return_reader(sqlite, reader);
    return result;
}

int mg_sqlite_descriptor(struct mg_store *store, const struct mg_id *id, int kind)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    struct mg_sqlite_connection *reader = mg_sqlite_take_reader(sqlite, NULL);
    if (!reader)
        return -1;
    struct part_row part;
    bool found;
    int descriptor = -1;
    if (find_part(reader, id, kind, -1, &part, &found) && found) {
        mg_sqlite_reset(reader, part.statement);
        if (part.in_spool)
            descriptor = mg_store_spool_open(sqlite->store.spool_folder, &part.spool);
    }
    mg_sqlite_return_reader(sqlite, reader);
    return descriptor;
}

/* ---- the trace ---- */

void mg_sqlite_read_delivery(sqlite3_stmt *row, const struct mg_id *id,
                             struct mg_store_delivery *delivery)
{
    *delivery = (struct mg_store_delivery){.message = *id};
    mg_sqlite_column_id(row, 0, &delivery->id);
    mg_sqlite_column_text(row, 1, delivery->destination, sizeof delivery->destination);
    delivery->state = (enum mg_delivery_state)sqlite3_column_int(row, 2);
    delivery->attempts = sqlite3_column_int(row, 3);
    delivery->received = sqlite3_column_int64(row, 4);
    delivery->next_attempt = sqlite3_column_int64(row, 5);
    mg_sqlite_column_text(row, 6, delivery->last_code, sizeof delivery->last_code);
    mg_sqlite_column_text(row, 7, delivery->last_text, sizeof delivery->last_text);
    delivery->ended = sqlite3_column_int64(row, 8);
    delivery->since = mg_sqlite_since(row, 9, delivery->received);
    delivery->tried = sqlite3_column_int(row, 10);
}

bool mg_sqlite_deliveries(struct mg_store *store, const struct mg_id *id,
                          struct mg_store_delivery **deliveries, size_t *count,
                          struct mg_error *error)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    struct mg_sqlite_connection *reader = mg_sqlite_take_reader(sqlite, error);
    if (!reader)
        return false;
    sqlite3_stmt *statement = mg_sqlite_bind(reader, R_DELIVERIES);
    mg_sqlite_bind_id(statement, 1, id);
    bool row, passed;
    while ((passed = mg_sqlite_row(reader, R_DELIVERIES, &row)) && row) {
        *deliveries = mg_reallocate(*deliveries, (*count + 1) * sizeof **deliveries);
        mg_sqlite_read_delivery(statement, id, &(*deliveries)[(*count)++]);
    }
    if (passed)
        mg_sqlite_reset(reader, R_DELIVERIES);
    else
        mg_sqlite_fail(reader, error);
    mg_sqlite_return_reader(sqlite, reader);
    return passed;
}

static void read_event(sqlite3_stmt *row, struct mg_store_event *event)
{
    event->time = sqlite3_column_int64(row, 0);
    mg_sqlite_column_text(row, 1, event->destination, sizeof event->destination);
    mg_sqlite_column_text(row, 2, event->code, sizeof event->code);
    mg_sqlite_column_text(row, 3, event->text, sizeof event->text);
    event->duration = sqlite3_column_int64(row, 4);
}

bool mg_sqlite_events(struct mg_store *store, const struct mg_id *id,
                      struct mg_store_event **events, size_t *count, struct mg_error *error)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    struct mg_sqlite_connection *reader = mg_sqlite_take_reader(sqlite, error);
    if (!reader)
        return false;
    sqlite3_stmt *statement = mg_sqlite_bind(reader, R_EVENTS);
    mg_sqlite_bind_id(statement, 1, id);
    bool row, passed;
    while ((passed = mg_sqlite_row(reader, R_EVENTS, &row)) && row) {
        *events = mg_reallocate(*events, (*count + 1) * sizeof **events);
        read_event(statement, &(*events)[(*count)++]);
    }
    if (passed)
        mg_sqlite_reset(reader, R_EVENTS);
    else
        mg_sqlite_fail(reader, error);
    mg_sqlite_return_reader(sqlite, reader);
    return passed;
}

/* ---- boxes ---- */

static void read_entry(sqlite3_stmt *row, struct mg_store_entry *entry)
{
    mg_sqlite_column_id(row, 2, &entry->message);
    entry->received = sqlite3_column_int64(row, 3);
    entry->size = sqlite3_column_int64(row, 4);
    entry->attempts = sqlite3_column_int(row, 5);
    mg_sqlite_column_text(row, 6, entry->uuid, sizeof entry->uuid);
    mg_sqlite_column_text(row, 7, entry->type, sizeof entry->type);
    mg_sqlite_column_text(row, 8, entry->author, sizeof entry->author);
    mg_sqlite_column_text(row, 9, entry->reader, sizeof entry->reader);
    mg_sqlite_column_text(row, 10, entry->partner, sizeof entry->partner);
}

static bool read_list(struct mg_sqlite_connection *reader, const char *destination,
                      struct mg_store_place after, size_t limit, struct mg_store_list *list)
{
    sqlite3_stmt *statement = mg_sqlite_bind(reader, R_LIST);
    mg_sqlite_bind_text(statement, 1, destination);
    sqlite3_bind_int64(statement, 2, after.time);
    sqlite3_bind_int64(statement, 3, after.key);
    sqlite3_bind_int64(statement, 4, (int64_t)limit);
    size_t room = 0;
    bool row, passed;
    while ((passed = mg_sqlite_row(reader, R_LIST, &row)) && row) {
        if (list->count == room) {
            room = room ? 2 * room : 16;
            list->entries = mg_reallocate(list->entries, room * sizeof *list->entries);
        }
        read_entry(statement, &list->entries[list->count++]);
        list->next.key = sqlite3_column_int64(statement, 0);
        list->next.time = sqlite3_column_int64(statement, 1);
    }
    list->more = list->count == limit;
    if (passed)
        mg_sqlite_reset(reader, R_LIST);
    return passed;
}

static bool has_ended_leases(struct mg_sqlite_connection *reader, const char *destination,
                             int64_t now, bool *has)
{
    sqlite3_stmt *statement = mg_sqlite_bind(reader, R_ENDED_LEASE);
    mg_sqlite_bind_text(statement, 1, destination);
    sqlite3_bind_int64(statement, 2, now);
    bool passed = mg_sqlite_row(reader, R_ENDED_LEASE, has);
    if (passed)
        mg_sqlite_reset(reader, R_ENDED_LEASE);
    return passed;
}

/* What is waiting stands in one index in its order. What has an ended lease would have to be
 * searched for and sorted in between, each time anew; so it is returned first, once. */
bool mg_sqlite_list(struct mg_store *store, const char *destination, struct mg_store_place after,
                    size_t limit, int64_t now, struct mg_store_list *list, struct mg_error *error)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    struct mg_sqlite_connection *reader = mg_sqlite_take_reader(sqlite, error);
    if (!reader)
        return false;
    bool ended = false, passed = has_ended_leases(reader, destination, now, &ended);
    if (passed && ended) {
        /* Nobody holds a reader while waiting for the writer. */
        mg_sqlite_return_reader(sqlite, reader);
        if (!mg_sqlite_return_all_leases(sqlite, destination, now, error))
            return false;
        reader = mg_sqlite_take_reader(sqlite, error);
        if (!reader)
            return false;
    }
    passed = passed && read_list(reader, destination, after, limit, list);
    if (!passed) {
        mg_sqlite_fail(reader, error);
        free(list->entries);
        *list = (struct mg_store_list){.next = after};
    }
    mg_sqlite_return_reader(sqlite, reader);
    return passed;
}

/* ---- the whole ---- */

bool mg_sqlite_totals(struct mg_store *store, struct mg_store_totals *totals,
                      struct mg_error *error)
{
    (void)error;
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    mg_store_queues_totals(sqlite->queues, totals);
    static const char *const files[] = {"store.db", "store.db-wal"};
    struct stat facts;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (fstatat(sqlite->folder, files[i], &facts, 0) == 0)
            totals->bytes += facts.st_size;
    return true;
}

static DIR *open_spool(struct mg_sqlite *sqlite, struct mg_error *error)
{
    int folder = openat(sqlite->store.spool_folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = folder < 0 ? NULL : fdopendir(folder);
    if (!entries) {
        mg_fail(error, "store.failed", "the spool cannot be listed: %s", strerror(errno));
        if (folder >= 0)
            close(folder);
    }
    return entries;
}

static bool is_named(struct mg_sqlite_connection *reader, const struct mg_id *id, bool *named)
{
    mg_sqlite_bind_id(mg_sqlite_bind(reader, R_SPOOLED), 1, id);
    if (!mg_sqlite_row(reader, R_SPOOLED, named))
        return false;
    mg_sqlite_reset(reader, R_SPOOLED);
    return true;
}

static bool sweep_file(struct mg_sqlite *sqlite, struct mg_sqlite_connection *reader,
                       const char *name)
{
    struct mg_id id;
    struct stat facts;
    bool named;
    if (!mg_id_parse(name, &id))
        return true;
    if (!is_named(reader, &id, &named))
        return false;
    if (!named)
        mg_store_spool_remove(sqlite->store.spool_folder, &id);
    else if (fstatat(sqlite->store.spool_folder, name, &facts, 0) == 0)
        mg_store_queues_add(sqlite->queues, 0, facts.st_size);
    return true;
}

bool mg_sqlite_sweep(struct mg_sqlite *sqlite, struct mg_error *error)
{
    struct mg_sqlite_connection *reader = mg_sqlite_take_reader(sqlite, error);
    DIR *entries = reader ? open_spool(sqlite, error) : NULL;
    bool passed = entries;
    for (struct dirent *entry; passed && (entry = readdir(entries));)
        passed = sweep_file(sqlite, reader, entry->d_name) || mg_sqlite_fail(reader, error);
    if (entries)
        closedir(entries);
    if (reader)
        mg_sqlite_return_reader(sqlite, reader);
    return passed;
}

/* ---- pauses ---- */

bool mg_sqlite_pauses(struct mg_store *store, struct mg_store_pause **pauses, size_t *count,
                      struct mg_error *error)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    struct mg_sqlite_connection *reader = mg_sqlite_take_reader(sqlite, error);
    if (!reader)
        return false;
    sqlite3_stmt *statement = mg_sqlite_bind(reader, R_PAUSES);
    bool row, passed;
    while ((passed = mg_sqlite_row(reader, R_PAUSES, &row)) && row) {
        *pauses = mg_reallocate(*pauses, (*count + 1) * sizeof **pauses);
        struct mg_store_pause *pause = &(*pauses)[(*count)++];
        mg_sqlite_column_text(statement, 0, pause->destination, sizeof pause->destination);
        pause->since = sqlite3_column_int64(statement, 1);
        mg_sqlite_column_text(statement, 2, pause->by, sizeof pause->by);
        mg_sqlite_column_text(statement, 3, pause->why, sizeof pause->why);
    }
    if (passed)
        mg_sqlite_reset(reader, R_PAUSES);
    else
        mg_sqlite_fail(reader, error);
    mg_sqlite_return_reader(sqlite, reader);
    return passed;
}
