/* What is erased before its time, and what is left of a message. */
#include "gateway/store/sqlite.h"

#include <stdlib.h>

/* ---- erasing ---- */

struct erasing {
    struct mg_sqlite_errand errand; /* first */
    struct mg_store_erase *erase;
    int64_t seq;
    struct mg_sqlite_spools spools;
};

static bool find_seq(struct mg_sqlite *sqlite, const struct mg_id *id, int64_t *seq, bool *found)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *row = mg_sqlite_bind(writer, W_SEQ);
    mg_sqlite_bind_id(row, 1, id);
    if (!mg_sqlite_row(writer, W_SEQ, found))
        return false;
    if (*found)
        *seq = sqlite3_column_int64(row, 0);
    mg_sqlite_reset(writer, W_SEQ);
    return true;
}

/* Whether its deliveries admit it; those that are not over are no longer counted as waiting. */
static bool end_deliveries(struct mg_sqlite *sqlite, struct erasing *erasing, bool *may)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *row = mg_sqlite_bind(writer, W_DELIVERIES);
    struct mg_error *error = &erasing->errand.error;
    sqlite3_bind_int64(row, 1, erasing->seq);
    bool found, passed;
    *may = true;
    while ((passed = mg_sqlite_row(writer, W_DELIVERIES, &found)) && found) {
        enum mg_delivery_state state = (enum mg_delivery_state)sqlite3_column_int(row, 1);
        if (mg_store_is_end(state))
            continue;
        *may = *may && mg_store_may_erase(state, erasing->erase->cancel, error);
        if (!*may)
            continue;
        struct mg_store_tally *tally =
            mg_store_queues_change(sqlite->queues, (const char *)sqlite3_column_text(row, 2));
        tally->queue.held -= state == MG_DELIVERY_HELD;
        mg_store_tally_ended(tally, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 3),
                             false);
    }
    if (passed)
        mg_sqlite_reset(writer, W_DELIVERIES);
    return passed;
}

/* False if a statement failed. *may: whether it was done. */
static bool erase_message(struct mg_sqlite *sqlite, struct erasing *erasing, bool *may)
{
    bool found;
    *may = false;
    if (!mg_sqlite_done(&sqlite->writer, W_BEGIN) ||
        !find_seq(sqlite, &erasing->erase->message, &erasing->seq, &found))
        return false;
    if (!found) {
        mg_store_fail_no_message(&erasing->errand.error);
        return true;
    }
    if (!end_deliveries(sqlite, erasing, may))
        return false;
    if (!*may)
        return true;
    mg_store_queues_add(sqlite->queues, -1, 0);
    return mg_sqlite_drop_content(sqlite, erasing->seq, &erasing->spools) &&
           mg_sqlite_drop_trace(sqlite, erasing->seq, &erasing->spools) &&
           mg_sqlite_write_line(sqlite, &erasing->erase->message, erasing->erase->line);
}

static void carry_out(struct mg_sqlite *sqlite, struct mg_sqlite_errand *errand)
{
    struct erasing *erasing = (struct erasing *)errand;
    bool may, passed = erase_message(sqlite, erasing, &may);
    if (passed && !may) {
        mg_sqlite_abandon_errand(sqlite);
        return;
    }
    mg_sqlite_end_errand(sqlite, errand, passed);
    if (errand->ok) {
        mg_sqlite_remove_spools(sqlite, &erasing->spools);
        erasing->erase->gone_from_log = mg_sqlite_checkpoint(sqlite, true);
    }
    free(erasing->spools.ids);
}

bool mg_sqlite_erase(struct mg_store *store, struct mg_store_erase *erase, struct mg_error *error)
{
    struct erasing erasing = {.errand.carry_out = carry_out, .erase = erase};
    return mg_sqlite_run_errand((struct mg_sqlite *)store, &erasing.errand, error);
}

/* ---- what is left ---- */

static bool read_parts(struct mg_sqlite_connection *reader, const struct mg_id *id,
                       struct mg_store_remains *remains)
{
    sqlite3_stmt *row = mg_sqlite_bind(reader, R_PARTS);
    mg_sqlite_bind_id(row, 1, id);
    bool found, passed;
    while ((passed = mg_sqlite_row(reader, R_PARTS, &found)) && found) {
        remains->parts =
            mg_reallocate(remains->parts, (remains->part_count + 1) * sizeof *remains->parts);
        struct mg_store_remaining_part *part = &remains->parts[remains->part_count++];
        part->kind = sqlite3_column_int(row, 0);
        part->size = sqlite3_column_int64(row, 1);
        mg_sqlite_column_text(row, 2, part->media_type, sizeof part->media_type);
    }
    if (passed)
        mg_sqlite_reset(reader, R_PARTS);
    return passed;
}

static bool count_rest(struct mg_sqlite_connection *reader, const struct mg_id *id,
                       struct mg_store_remains *remains)
{
    sqlite3_stmt *row = mg_sqlite_bind(reader, R_REMAINS);
    mg_sqlite_bind_id(row, 1, id);
    bool found;
    if (!mg_sqlite_row(reader, R_REMAINS, &found))
        return false;
    remains->message = sqlite3_column_int(row, 0);
    remains->deliveries = sqlite3_column_int64(row, 1);
    remains->events = sqlite3_column_int64(row, 2);
    remains->lines = sqlite3_column_int64(row, 3);
    mg_sqlite_reset(reader, R_REMAINS);
    return true;
}

static bool read_known(struct mg_sqlite_connection *reader, const struct mg_id *id,
                       const char *partner, const char *uuid, struct mg_store_remains *remains)
{
    struct mg_id room;
    sqlite3_stmt *row = mg_sqlite_bind(reader, R_KNOWN);
    mg_sqlite_bind_uuid(row, 1, uuid, &room);
    mg_sqlite_bind_text(row, 2, partner);
    mg_sqlite_bind_id(row, 3, id);
    bool found;
    if (!mg_sqlite_row(reader, R_KNOWN, &found))
        return false;
    remains->known_until = found ? sqlite3_column_int64(row, 0) : 0;
    mg_sqlite_reset(reader, R_KNOWN);
    return true;
}

bool mg_sqlite_remains(struct mg_store *store, const struct mg_id *id, const char *partner,
                       const char *uuid, struct mg_store_remains *remains, struct mg_error *error)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    struct mg_sqlite_connection *reader = mg_sqlite_take_reader(sqlite, error);
    if (!reader)
        return false;
    bool passed = count_rest(reader, id, remains) && read_parts(reader, id, remains) &&
                  (!partner || !uuid || read_known(reader, id, partner, uuid, remains));
    if (!passed) {
        mg_sqlite_fail(reader, error);
        mg_store_remains_free(remains);
    }
    mg_sqlite_return_reader(sqlite, reader);
    return passed;
}
