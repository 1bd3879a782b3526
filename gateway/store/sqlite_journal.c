/* The journal: lines are written inside the writer's transactions, and read by the readers or from
 * a file that another process may have open. */
#include "gateway/store/sqlite.h"

#include "gateway/base/clock.h"

#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

bool mg_sqlite_open_journal(struct mg_sqlite *sqlite, struct mg_error *error)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite->chain = mg_store_chain_new();
    sqlite3_stmt *row = mg_sqlite_bind(writer, W_LAST_LINE);
    bool found;
    if (!mg_sqlite_row(writer, W_LAST_LINE, &found))
        return mg_sqlite_fail(writer, error);
    if (found) {
        const void *hash = sqlite3_column_blob(row, 1);
        sqlite->line.number = sqlite3_column_int64(row, 0);
        if (hash && sqlite3_column_bytes(row, 1) == MG_STORE_HASH_SIZE)
            memcpy(sqlite->line.hash, hash, MG_STORE_HASH_SIZE);
    }
    mg_sqlite_reset(writer, W_LAST_LINE);
    mg_sqlite_keep_lines(sqlite);
    return true;
}

void mg_sqlite_keep_lines(struct mg_sqlite *sqlite)
{
    sqlite->kept_line = sqlite->line;
    atomic_store(&sqlite->last_line, sqlite->line.number);
}

void mg_sqlite_undo_lines(struct mg_sqlite *sqlite)
{
    sqlite->line = sqlite->kept_line;
}

static bool write_line(struct mg_sqlite *sqlite, const char *subject, const char *text)
{
    uint8_t hash[MG_STORE_HASH_SIZE];
    struct mg_id room;
    int64_t number = sqlite->line.number + 1, now = mg_clock_now();
    size_t length = strlen(text);
    mg_store_chain_hash(sqlite->chain, sqlite->line.hash, number, now, subject, text, length, hash);
    sqlite3_stmt *line = mg_sqlite_bind(&sqlite->writer, W_LINE);
    sqlite3_bind_int64(line, 1, number);
    sqlite3_bind_int64(line, 2, now);
    if (subject)
        mg_sqlite_bind_uuid(line, 3, subject, &room);
    else
        sqlite3_bind_null(line, 3);
    sqlite3_bind_text64(line, 4, text, length, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_blob(line, 5, hash, sizeof hash, SQLITE_STATIC);
    if (!mg_sqlite_done(&sqlite->writer, W_LINE))
        return false;
    sqlite->line.number = number;
    memcpy(sqlite->line.hash, hash, sizeof hash);
    return true;
}

bool mg_sqlite_write_line(struct mg_sqlite *sqlite, const struct mg_id *message, const char *line)
{
    char subject[MG_ID_TEXT_SIZE];
    return !line || write_line(sqlite, message ? mg_id_text(message, subject) : NULL, line);
}

bool mg_sqlite_note(struct mg_sqlite *sqlite, struct mg_store_note *note)
{
    if (mg_sqlite_refuse_for_space(atomic_load(&sqlite->used_up), &note->error))
        return true;
    note->ok = write_line(sqlite, note->subject, note->line);
    note->number = sqlite->line.number;
    return note->ok;
}

/* The errand's turn comes after everything that was called for before it. */
static void carry_out_nothing(struct mg_sqlite *sqlite, struct mg_sqlite_errand *errand)
{
    (void)sqlite;
    errand->ok = true;
}

bool mg_sqlite_flush_journal(struct mg_store *store, struct mg_error *error)
{
    struct mg_sqlite_errand errand = {.carry_out = carry_out_nothing};
    return mg_sqlite_run_errand((struct mg_sqlite *)store, &errand, error);
}

/* ---- deleting ---- */

#define TRIM_BATCH 1000

struct trimming {
    struct mg_sqlite_errand errand; /* first */
    int64_t through;
    const char *kept;
    bool more;
};

static void carry_out_trimming(struct mg_sqlite *sqlite, struct mg_sqlite_errand *errand)
{
    struct trimming *trimming = (struct trimming *)errand;
    struct mg_sqlite_connection *writer = &sqlite->writer;
    bool passed = mg_sqlite_done(writer, W_BEGIN);
    sqlite3_stmt *trim = mg_sqlite_bind(writer, W_TRIM);
    sqlite3_bind_int64(trim, 1, trimming->through);
    mg_sqlite_bind_text(trim, 2, trimming->kept);
    sqlite3_bind_int(trim, 3, TRIM_BATCH);
    passed = passed && mg_sqlite_done(writer, W_TRIM);
    trimming->more = passed && sqlite3_changes(writer->database) == TRIM_BATCH;
    mg_sqlite_end_errand(sqlite, errand, passed);
}

bool mg_sqlite_trim_journal(struct mg_store *store, int64_t through, const char *kept, bool *more,
                            struct mg_error *error)
{
    struct trimming trimming = {
        .errand.carry_out = carry_out_trimming, .through = through, .kept = kept};
    bool passed = mg_sqlite_run_errand((struct mg_sqlite *)store, &trimming.errand, error);
    *more = trimming.more;
    return passed;
}

/* ---- reading ---- */

static void read_subject(sqlite3_stmt *row, char subject[MG_STORE_SUBJECT_SIZE])
{
    struct mg_id id;
    if (sqlite3_column_type(row, 2) == SQLITE_BLOB && sqlite3_column_bytes(row, 2) == sizeof id) {
        mg_sqlite_column_id(row, 2, &id);
        mg_id_text(&id, subject);
    } else {
        mg_sqlite_column_text(row, 2, subject, MG_STORE_SUBJECT_SIZE);
    }
}

/* As it stands there, whatever somebody made of it: the hash says whether it is as it was. */
static void read_line(sqlite3_stmt *row, struct mg_store_lines *lines)
{
    const char *text = (const char *)sqlite3_column_text(row, 3);
    struct mg_store_line *line =
        mg_store_lines_add(lines, text, (size_t)sqlite3_column_bytes(row, 3));
    line->number = sqlite3_column_int64(row, 0);
    line->time = sqlite3_column_int64(row, 1);
    read_subject(row, line->subject);
    const void *hash = sqlite3_column_blob(row, 4);
    if (hash && sqlite3_column_bytes(row, 4) == MG_STORE_HASH_SIZE)
        memcpy(line->hash, hash, MG_STORE_HASH_SIZE);
}

#define COLUMNS "SELECT number, time, subject, line, hash FROM journal"
const char *const mg_sqlite_journal_reads[J_COUNT] = {
    [J_UPWARDS] = COLUMNS " WHERE number >= ?1 ORDER BY number LIMIT ?2",
    [J_BACKWARDS] = COLUMNS " WHERE number <= ?1 ORDER BY number DESC LIMIT ?2",
    [J_UPWARDS_OF] = COLUMNS " INDEXED BY journal_by_subject"
                             " WHERE number >= ?1 AND subject = ?3 ORDER BY number LIMIT ?2",
    [J_BACKWARDS_OF] = COLUMNS " INDEXED BY journal_by_subject"
                               " WHERE number <= ?1 AND subject = ?3 ORDER BY number DESC LIMIT ?2",
};

/* The statements of the journal begin at this one of the connection. */
static bool read_lines(struct mg_sqlite_connection *reader, int first,
                       const struct mg_store_journal_query *query, struct mg_store_lines *lines,
                       struct mg_error *error)
{
    struct mg_id room;
    int statement = first + (query->subject ? (query->backwards ? J_BACKWARDS_OF : J_UPWARDS_OF)
                                            : (query->backwards ? J_BACKWARDS : J_UPWARDS));
    sqlite3_stmt *row = mg_sqlite_bind(reader, statement);
    sqlite3_bind_int64(row, 1, query->from);
    sqlite3_bind_int64(row, 2, (int64_t)query->limit);
    if (query->subject)
        mg_sqlite_bind_uuid(row, 3, query->subject, &room);
    bool found, passed;
    while ((passed = mg_sqlite_row(reader, statement, &found)) && found)
        read_line(row, lines);
    if (passed)
        mg_sqlite_reset(reader, statement);
    else
        mg_sqlite_fail(reader, error);
    if (!passed)
        mg_store_lines_free(lines);
    return passed;
}

bool mg_sqlite_journal(struct mg_store *store, const struct mg_store_journal_query *query,
                       struct mg_store_lines *lines, struct mg_error *error)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    struct mg_sqlite_connection *reader = mg_sqlite_take_reader(sqlite, error);
    if (!reader)
        return false;
    bool passed = read_lines(reader, R_JOURNAL, query, lines, error);
    mg_sqlite_return_reader(sqlite, reader);
    return passed;
}

int64_t mg_sqlite_journal_last(struct mg_store *store)
{
    return atomic_load(&((struct mg_sqlite *)store)->last_line);
}

/* ---- a file ---- */

struct mg_store_journal_file {
    struct mg_sqlite_connection reader;
};

struct mg_store_journal_file *mg_store_journal_open(const char *path, struct mg_error *error)
{
    struct mg_store_journal_file *file = mg_allocate_zeroed(1, sizeof *file);
    if (mg_sqlite_connect_to_read(&file->reader, path, error) &&
        mg_sqlite_is_ours(&file->reader, error) &&
        mg_sqlite_prepare(&file->reader, mg_sqlite_journal_reads, J_COUNT, error))
        return file;
    mg_store_journal_close(file);
    return NULL;
}

bool mg_store_journal_read(struct mg_store_journal_file *file,
                           const struct mg_store_journal_query *query, struct mg_store_lines *lines,
                           struct mg_error *error)
{
    *lines = (struct mg_store_lines){0};
    return read_lines(&file->reader, 0, query, lines, error);
}

void mg_store_journal_close(struct mg_store_journal_file *file)
{
    if (!file)
        return;
    mg_sqlite_disconnect(&file->reader);
    free(file);
}
