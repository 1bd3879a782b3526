#include "gateway/store/sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How long a statement waits for another connection: readers only wait while the log is emptied,
 * the writer for a person who looks into the file with a tool. */
#define BUSY_MILLISECONDS 5000

bool mg_sqlite_fail(const struct mg_sqlite_connection *connection, struct mg_error *error)
{
    /* sqlite3_errmsg is not shown: it may quote a value. */
    int failure = connection->failure;
    int reason = sqlite3_system_errno(connection->database);
    if ((failure & 0xff) == SQLITE_FULL ||
        ((failure & 0xff) == SQLITE_IOERR && (reason == ENOSPC || reason == EDQUOT)))
        return mg_fail(error, "store.full", "the disk of the store is full; free some space");
    if ((failure & 0xff) == SQLITE_NOTADB || (failure & 0xff) == SQLITE_CORRUPT)
        return mg_fail(error, "store.unreadable",
                       "the database of the store is damaged (SQLite code %d); restore it from a "
                       "backup, or move it away to begin with an empty one",
                       failure);
    return mg_fail(error, "store.failed", "the database of the store reports: %s (SQLite code %d)",
                   sqlite3_errstr(failure), failure);
}

static bool check(struct mg_sqlite_connection *connection, int result, struct mg_error *error)
{
    if (result == SQLITE_OK)
        return true;
    connection->failure = sqlite3_extended_errcode(connection->database);
    return mg_sqlite_fail(connection, error);
}

static bool open_file(struct mg_sqlite_connection *connection, const char *path, const char *vfs,
                      int flags, struct mg_error *error)
{
    *connection = (struct mg_sqlite_connection){0};
    int result = sqlite3_open_v2(path, &connection->database, flags | SQLITE_OPEN_NOMUTEX, vfs);
    if (!connection->database)
        mg_die("no memory for a database connection");
    if (!check(connection, result, error))
        return false;
    sqlite3_extended_result_codes(connection->database, 1);
    sqlite3_busy_timeout(connection->database, BUSY_MILLISECONDS);
    return true;
}

bool mg_sqlite_connect(struct mg_sqlite_connection *connection, const char *path, const char *vfs,
                       bool create, struct mg_error *error)
{
    int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
    return open_file(connection, path, vfs, flags, error);
}

bool mg_sqlite_connect_to_read(struct mg_sqlite_connection *connection, const char *path,
                               struct mg_error *error)
{
    return open_file(connection, path, NULL, SQLITE_OPEN_READONLY, error);
}

bool mg_sqlite_run(struct mg_sqlite_connection *connection, const char *sql, struct mg_error *error)
{
    return check(connection, sqlite3_exec(connection->database, sql, NULL, NULL, NULL), error);
}

bool mg_sqlite_number(struct mg_sqlite_connection *connection, const char *sql, int64_t *number,
                      struct mg_error *error)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(connection->database, sql, -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    bool row = result == SQLITE_ROW;
    if (row)
        *number = sqlite3_column_int64(statement, 0);
    bool passed = row || check(connection, result, error);
    sqlite3_finalize(statement);
    return passed && row;
}

bool mg_sqlite_prepare(struct mg_sqlite_connection *connection, const char *const *sql,
                       size_t count, struct mg_error *error)
{
    size_t before = connection->count;
    connection->statements =
        mg_reallocate(connection->statements, (before + count) * sizeof *connection->statements);
    for (size_t i = 0; i < count; i++) {
        sqlite3_stmt **statement = &connection->statements[connection->count++];
        *statement = NULL;
        int result = sqlite3_prepare_v3(connection->database, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                        statement, NULL);
        if (!check(connection, result, error))
            return false;
    }
    return true;
}

void mg_sqlite_disconnect(struct mg_sqlite_connection *connection)
{
    for (size_t i = 0; i < connection->count; i++)
        sqlite3_finalize(connection->statements[i]);
    free(connection->statements);
    sqlite3_close(connection->database);
    *connection = (struct mg_sqlite_connection){0};
}

bool mg_sqlite_row(struct mg_sqlite_connection *connection, int statement, bool *row)
{
    int result = sqlite3_step(connection->statements[statement]);
    *row = result == SQLITE_ROW;
    if (result == SQLITE_ROW || result == SQLITE_DONE)
        return true;
    connection->failure = result;
    sqlite3_reset(connection->statements[statement]);
    return false;
}

void mg_sqlite_reset(struct mg_sqlite_connection *connection, int statement)
{
    sqlite3_reset(connection->statements[statement]);
}

bool mg_sqlite_done(struct mg_sqlite_connection *connection, int statement)
{
    bool row;
    if (!mg_sqlite_row(connection, statement, &row))
        return false;
    sqlite3_reset(connection->statements[statement]);
    return true;
}

sqlite3_stmt *mg_sqlite_bind(struct mg_sqlite_connection *connection, int statement)
{
    return connection->statements[statement];
}

void mg_sqlite_bind_id(sqlite3_stmt *statement, int index, const struct mg_id *id)
{
    sqlite3_bind_blob(statement, index, id->bytes, sizeof id->bytes, SQLITE_STATIC);
}

void mg_sqlite_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

void mg_sqlite_bind_uuid(sqlite3_stmt *statement, int index, const char *uuid, struct mg_id *room)
{
    char text[MG_ID_TEXT_SIZE];
    if (mg_id_parse(uuid, room) && strcmp(mg_id_text(room, text), uuid) == 0)
        mg_sqlite_bind_id(statement, index, room);
    else
        mg_sqlite_bind_text(statement, index, uuid);
}

void mg_sqlite_column_id(sqlite3_stmt *statement, int column, struct mg_id *id)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    *id = (struct mg_id){{0}};
    if (bytes && sqlite3_column_bytes(statement, column) == sizeof id->bytes)
        memcpy(id->bytes, bytes, sizeof id->bytes);
}

void mg_sqlite_column_text(sqlite3_stmt *statement, int column, char *text, size_t size)
{
    mg_store_copy_text(text, size, (const char *)sqlite3_column_text(statement, column));
}

int64_t mg_sqlite_since(sqlite3_stmt *statement, int column, int64_t received)
{
    int64_t since = sqlite3_column_int64(statement, column);
    return since != 0 ? since : received;
}
