/* What retention deletes: in batches, found by the time at which messages ended, zeroed in the file
 * by secure_delete, and gone from the log at the end. */
#include "gateway/store/sqlite.h"

#include <stdlib.h>

/* Pages that are given back to the file system in one step, and the share of the file that is kept
 * for what comes next. */
#define VACUUM_PAGES      256
#define VACUUM_KEPT_SHARE 8

struct ending {
    int64_t seq;
    int64_t ended;
    bool stale; /* says nothing any more */
};

struct task {
    struct mg_sqlite_errand errand; /* first */
    struct mg_store_expiry *expiry;
};

struct batch {
    struct ending endings[MG_STORE_EXPIRE_BATCH];
    size_t count;
    size_t dropped; /* of them */
    struct mg_sqlite_spools spools;
};

static int64_t time_or_never(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL ? INT64_MAX
                                                           : sqlite3_column_int64(row, column);
}

/* Each run does this once, before it deletes anything. */
static bool begin(struct mg_sqlite *sqlite, struct mg_store_expiry *expiry)
{
    sqlite3_stmt *times = mg_sqlite_bind(&sqlite->writer, W_OLDEST);
    bool row;
    if (!mg_sqlite_row(&sqlite->writer, W_OLDEST, &row))
        return false;
    struct mg_store_oldest oldest = {
        .contents = time_or_never(times, 0),
        .traces = time_or_never(times, 1),
        .duplicates = time_or_never(times, 2),
    };
    mg_sqlite_reset(&sqlite->writer, W_OLDEST);
    /* What still has its content has a trace as well. */
    if (oldest.contents < oldest.traces)
        oldest.traces = oldest.contents;
    mg_store_begin_expiry(&sqlite->store, &oldest, expiry);
    return true;
}

static bool forget_duplicates(struct mg_sqlite *sqlite, int64_t until, bool *more)
{
    sqlite3_stmt *forget = mg_sqlite_bind(&sqlite->writer, W_FORGET_OLD);
    sqlite3_bind_int64(forget, 1, until);
    sqlite3_bind_int64(forget, 2, MG_STORE_EXPIRE_BATCH);
    if (!mg_sqlite_done(&sqlite->writer, W_FORGET_OLD))
        return false;
    *more = *more || sqlite3_changes(sqlite->writer.database) == MG_STORE_EXPIRE_BATCH;
    return true;
}

static bool read_batch(struct mg_sqlite *sqlite, int stage, int64_t until, struct batch *batch)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *expired = mg_sqlite_bind(writer, W_EXPIRED);
    sqlite3_bind_int(expired, 1, stage);
    sqlite3_bind_int64(expired, 2, until);
    sqlite3_bind_int64(expired, 3, MG_STORE_EXPIRE_BATCH);
    batch->count = batch->dropped = 0;
    bool row, passed;
    while ((passed = mg_sqlite_row(writer, W_EXPIRED, &row)) && row) {
        struct ending *ending = &batch->endings[batch->count++];
        ending->seq = sqlite3_column_int64(expired, 0);
        ending->ended = sqlite3_column_int64(expired, 1);
        ending->stale = sqlite3_column_int(expired, 2);
    }
    if (passed)
        mg_sqlite_reset(writer, W_EXPIRED);
    return passed;
}

static bool collect_spools(struct mg_sqlite *sqlite, int64_t seq, bool records,
                           struct mg_sqlite_spools *collected)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    int statement = records ? W_RECORD_SPOOLS : W_CONTENT_SPOOLS;
    sqlite3_stmt *spools = mg_sqlite_bind(writer, statement);
    sqlite3_bind_int64(spools, 1, seq);
    bool row, passed;
    while ((passed = mg_sqlite_row(writer, statement, &row)) && row) {
        if (collected->count == collected->room) {
            collected->room = collected->room ? 2 * collected->room : 64;
            collected->ids =
                mg_reallocate(collected->ids, collected->room * sizeof *collected->ids);
        }
        mg_sqlite_column_id(spools, 0, &collected->ids[collected->count++]);
        mg_store_queues_add(sqlite->queues, 0, -sqlite3_column_int64(spools, 1));
    }
    if (passed)
        mg_sqlite_reset(writer, statement);
    return passed;
}

static bool delete_of(struct mg_sqlite *sqlite, int statement, int64_t seq)
{
    sqlite3_bind_int64(mg_sqlite_bind(&sqlite->writer, statement), 1, seq);
    return mg_sqlite_done(&sqlite->writer, statement);
}

static bool delete_ending(struct mg_sqlite *sqlite, int stage, const struct ending *ending)
{
    sqlite3_stmt *delete = mg_sqlite_bind(&sqlite->writer, W_DELETE_ENDING);
    sqlite3_bind_int(delete, 1, stage);
    sqlite3_bind_int64(delete, 2, ending->ended);
    sqlite3_bind_int64(delete, 3, ending->seq);
    return mg_sqlite_done(&sqlite->writer, W_DELETE_ENDING);
}

bool mg_sqlite_drop_content(struct mg_sqlite *sqlite, int64_t seq, struct mg_sqlite_spools *spools)
{
    return collect_spools(sqlite, seq, false, spools) && delete_of(sqlite, W_DELETE_CONTENT, seq);
}

static bool drop_content(struct mg_sqlite *sqlite, const struct ending *ending, struct batch *batch)
{
    sqlite3_stmt *keep = mg_sqlite_bind(&sqlite->writer, W_KEEP_ENDING);
    sqlite3_bind_int64(keep, 1, ending->ended);
    sqlite3_bind_int64(keep, 2, ending->seq);
    return mg_sqlite_drop_content(sqlite, ending->seq, &batch->spools) &&
           delete_ending(sqlite, 0, ending) && mg_sqlite_done(&sqlite->writer, W_KEEP_ENDING);
}

/* The dead among them are no longer counted. */
static bool delete_deliveries(struct mg_sqlite *sqlite, int64_t seq)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *delete = mg_sqlite_bind(writer, W_DELETE_DELIVERIES);
    sqlite3_bind_int64(delete, 1, seq);
    bool row, passed;
    while ((passed = mg_sqlite_row(writer, W_DELETE_DELIVERIES, &row)) && row)
        if (sqlite3_column_int(delete, 0) == MG_DELIVERY_DEAD)
            mg_store_queues_change(sqlite->queues, (const char *)sqlite3_column_text(delete, 1))
                ->queue.dead--;
    if (passed)
        mg_sqlite_reset(writer, W_DELETE_DELIVERIES);
    return passed;
}

bool mg_sqlite_drop_trace(struct mg_sqlite *sqlite, int64_t seq, struct mg_sqlite_spools *spools)
{
    return collect_spools(sqlite, seq, true, spools) && delete_of(sqlite, W_DELETE_RECORDS, seq) &&
           delete_of(sqlite, W_DELETE_EVENTS, seq) && delete_deliveries(sqlite, seq) &&
           delete_of(sqlite, W_DELETE_MESSAGE, seq);
}

static bool drop_stage(struct mg_sqlite *sqlite, int stage, int64_t until, struct batch *batch,
                       bool *more)
{
    if (!read_batch(sqlite, stage, until, batch))
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        const struct ending *ending = &batch->endings[i];
        bool passed = ending->stale ? delete_ending(sqlite, stage, ending)
                      : stage == 0  ? drop_content(sqlite, ending, batch)
                                    : mg_sqlite_drop_trace(sqlite, ending->seq, &batch->spools) &&
                                         delete_ending(sqlite, 1, ending);
        if (!passed)
            return false;
        batch->dropped += !ending->stale;
    }
    if (stage == 1)
        mg_store_queues_add(sqlite->queues, -(int64_t)batch->dropped, 0);
    *more = *more || batch->count == MG_STORE_EXPIRE_BATCH;
    return true;
}

/* Gives pages back to the file system. */
static bool vacuum(struct mg_sqlite *sqlite, bool *more)
{
    int64_t spare, pages;
    if (!mg_sqlite_number(&sqlite->writer, "PRAGMA freelist_count", &spare, NULL) ||
        !mg_sqlite_number(&sqlite->writer, "PRAGMA page_count", &pages, NULL))
        return false;
    int64_t excess = spare - pages / VACUUM_KEPT_SHARE;
    if (excess < VACUUM_PAGES)
        return true;
    char sql[64];
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
    *more = *more || excess >= 2 * VACUUM_PAGES;
    return mg_sqlite_run(&sqlite->writer, sql, NULL);
}

static bool expire_batch(struct mg_sqlite *sqlite, struct mg_store_expiry *expiry,
                         struct batch *batch)
{
    bool *more = &expiry->more;
    return mg_sqlite_done(&sqlite->writer, W_BEGIN) && (expiry->begun || begin(sqlite, expiry)) &&
           forget_duplicates(sqlite, expiry->duplicates, more) &&
           drop_stage(sqlite, 0, expiry->contents, batch, more) &&
           drop_stage(sqlite, 1, expiry->traces, batch, more) && vacuum(sqlite, more);
}

void mg_sqlite_remove_spools(struct mg_sqlite *sqlite, const struct mg_sqlite_spools *spools)
{
    for (size_t i = 0; i < spools->count; i++)
        mg_store_spool_remove(sqlite->store.spool_folder, &spools->ids[i]);
}

static void carry_out(struct mg_sqlite *sqlite, struct mg_sqlite_errand *errand)
{
    struct mg_store_expiry *expiry = ((struct task *)errand)->expiry;
    struct batch *batch = mg_allocate_zeroed(1, sizeof *batch);
    mg_sqlite_end_errand(sqlite, errand, expire_batch(sqlite, expiry, batch));
    if (errand->ok) {
        mg_sqlite_remove_spools(sqlite, &batch->spools);
        /* What was deleted is still in the log. */
        if (!expiry->more && sqlite->wal_pages > 0)
            mg_sqlite_checkpoint(sqlite, true);
    }
    free(batch->spools.ids);
    free(batch);
}

bool mg_sqlite_expire(struct mg_store *store, struct mg_store_expiry *expiry,
                      struct mg_error *error)
{
    struct task task = {.errand.carry_out = carry_out, .expiry = expiry};
    return mg_sqlite_run_errand((struct mg_sqlite *)store, &task.errand, error);
}
