/* The numbers of each destination: counted once when the file is opened, then kept up by the calls
 * themselves. */
#include "gateway/store/sqlite.h"

/* Everything that is not over is found through one index, everything dead in another. */
static const char count_open[] =
    "SELECT destination, count(*), sum(state = 1), sum(state = 2), sum(size), min(key), received"
    " FROM deliveries INDEXED BY deliveries_open WHERE ended = 0 GROUP BY destination";
static const char count_dead[] = "SELECT destination, count(*) FROM deliveries"
                                 " INDEXED BY deliveries_dead WHERE state = 5 GROUP BY destination";

static void read_open(struct mg_store_tally *tally, sqlite3_stmt *row)
{
    tally->queue.waiting = sqlite3_column_int64(row, 1);
    tally->queue.running = sqlite3_column_int64(row, 2);
    tally->queue.held = sqlite3_column_int64(row, 3);
    tally->queue.bytes = sqlite3_column_int64(row, 4);
    tally->oldest_key = sqlite3_column_int64(row, 5);
    /* SQLite takes it from the row that the minimum is from. */
    tally->queue.oldest = sqlite3_column_int64(row, 6);
}

static void read_dead(struct mg_store_tally *tally, sqlite3_stmt *row)
{
    tally->queue.dead = sqlite3_column_int64(row, 1);
}

static bool count_each(struct mg_sqlite *sqlite, const char *sql,
                       void (*read)(struct mg_store_tally *tally, sqlite3_stmt *row),
                       struct mg_error *error)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *row = NULL;
    int result = sqlite3_prepare_v2(writer->database, sql, -1, &row, NULL);
    while (result == SQLITE_OK || result == SQLITE_ROW) {
        if (result == SQLITE_ROW)
            read(mg_store_queues_change(sqlite->queues, (const char *)sqlite3_column_text(row, 0)),
                 row);
        result = sqlite3_step(row);
    }
    sqlite3_finalize(row);
    writer->failure = result;
    return result == SQLITE_DONE || mg_sqlite_fail(writer, error);
}

bool mg_sqlite_count(struct mg_sqlite *sqlite, struct mg_error *error)
{
    int64_t messages;
    if (!count_each(sqlite, count_open, read_open, error) ||
        !count_each(sqlite, count_dead, read_dead, error) ||
        !mg_sqlite_number(&sqlite->writer, "SELECT count(*) FROM messages", &messages, error))
        return false;
    mg_store_queues_add(sqlite->queues, messages, 0);
    return true;
}

static bool find_oldest(struct mg_store_tally *tally, void *context)
{
    struct mg_sqlite *sqlite = context;
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *first = mg_sqlite_bind(writer, W_FIRST);
    mg_sqlite_bind_text(first, 1, tally->queue.destination);
    bool found;
    if (!mg_sqlite_row(writer, W_FIRST, &found))
        return false;
    tally->oldest_key = found ? sqlite3_column_int64(first, 0) : 0;
    tally->queue.oldest = found ? sqlite3_column_int64(first, 4) : 0;
    mg_sqlite_reset(writer, W_FIRST);
    return true;
}

bool mg_sqlite_find_oldest(struct mg_sqlite *sqlite)
{
    return mg_store_queues_find_oldest(sqlite->queues, find_oldest, sqlite);
}
