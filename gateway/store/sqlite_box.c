/* What take and settle do inside the writer's transaction, and how leases end. A taking is a row
 * that runs without a node: so no node's restart returns it, and no node's outcome fits it. */
#include "gateway/store/sqlite.h"

/* However many leases end at once, nobody else waits long for it. */
#define LEASES_AT_ONCE 256

/* ---- leases ---- */

bool mg_sqlite_return_leases(struct mg_sqlite *sqlite, const char *destination, int64_t now,
                             bool *more)
{
    sqlite3_stmt *leases = mg_sqlite_bind(&sqlite->writer, W_RETURN_LEASES);
    mg_sqlite_bind_text(leases, 1, destination);
    sqlite3_bind_int64(leases, 2, now);
    sqlite3_bind_int64(leases, 3, LEASES_AT_ONCE);
    if (!mg_sqlite_done(&sqlite->writer, W_RETURN_LEASES))
        return false;
    int returned = sqlite3_changes(sqlite->writer.database);
    if (returned > 0)
        mg_store_queues_change(sqlite->queues, destination)->queue.running -= returned;
    if (more)
        *more = returned == LEASES_AT_ONCE;
    return true;
}

struct returning {
    struct mg_sqlite_errand errand; /* first */
    const char *destination;
    int64_t now;
    bool more;
};

static void carry_out_returning(struct mg_sqlite *sqlite, struct mg_sqlite_errand *errand)
{
    struct returning *returning = (struct returning *)errand;
    mg_sqlite_end_errand(sqlite, errand,
                         mg_sqlite_done(&sqlite->writer, W_BEGIN) &&
                             mg_sqlite_return_leases(sqlite, returning->destination, returning->now,
                                                     &returning->more));
}

bool mg_sqlite_return_all_leases(struct mg_sqlite *sqlite, const char *destination, int64_t now,
                                 struct mg_error *error)
{
    for (;;) {
        struct returning returning = {
            .errand.carry_out = carry_out_returning, .destination = destination, .now = now};
        if (!mg_sqlite_run_errand(sqlite, &returning.errand, error))
            return false;
        if (!returning.more)
            return true;
    }
}

/* ---- take ---- */

static bool find_boxed(struct mg_sqlite *sqlite, const struct mg_id *message,
                       const char *destination, struct mg_sqlite_delivery *delivery)
{
    sqlite3_stmt *row = mg_sqlite_bind(&sqlite->writer, W_BOXED);
    mg_sqlite_bind_id(row, 1, message);
    mg_sqlite_bind_text(row, 2, destination);
    return mg_sqlite_find_delivery(sqlite, W_BOXED, delivery);
}

static bool take_row(struct mg_sqlite *sqlite, struct mg_store_take *take, int64_t key)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *row = mg_sqlite_bind(writer, W_TAKE);
    sqlite3_bind_int64(row, 1, key);
    sqlite3_bind_int64(row, 2, take->lease);
    if (!mg_sqlite_row(writer, W_TAKE, &take->found))
        return false;
    if (take->found)
        mg_sqlite_read_due(&take->delivery, row, take->destination);
    mg_sqlite_reset(writer, W_TAKE);
    mg_store_queues_change(sqlite->queues, take->destination)->queue.running += take->found;
    return true;
}

static bool take_oldest(struct mg_sqlite *sqlite, struct mg_store_take *take)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *row = mg_sqlite_bind(writer, W_NEXT_BOXED);
    mg_sqlite_bind_text(row, 1, take->destination);
    bool found;
    if (!mg_sqlite_row(writer, W_NEXT_BOXED, &found))
        return false;
    int64_t key = found ? sqlite3_column_int64(row, 0) : 0;
    mg_sqlite_reset(writer, W_NEXT_BOXED);
    take->ok = !found || take_row(sqlite, take, key);
    return take->ok;
}

/* Its lease may have ended without having been returned yet, if very many have. */
static bool take_given(struct mg_sqlite *sqlite, struct mg_store_take *take)
{
    struct mg_sqlite_delivery delivery;
    if (!find_boxed(sqlite, take->message, take->destination, &delivery))
        return false;
    bool ended = delivery.state == MG_DELIVERY_RUNNING && delivery.lease <= take->now;
    if (!delivery.found || mg_store_is_end(delivery.state))
        mg_store_fail_unknown(&take->error);
    else if (delivery.state != MG_DELIVERY_WAITING && !ended)
        mg_store_fail_taken(&take->error);
    else
        take->ok = take_row(sqlite, take, delivery.key);
    if (ended && take->ok)
        mg_store_queues_change(sqlite->queues, take->destination)->queue.running--;
    return take->ok || take->error.code[0] != '\0';
}

bool mg_sqlite_take(struct mg_sqlite *sqlite, struct mg_store_take *take)
{
    if (mg_sqlite_refuse_for_space(atomic_load(&sqlite->used_up), &take->error))
        return true;
    if (!mg_sqlite_return_leases(sqlite, take->destination, take->now, NULL))
        return false;
    return take->message ? take_given(sqlite, take) : take_oldest(sqlite, take);
}

/* ---- settle ---- */

/* What is in the row's place when it is settled a second time by the same taking. */
static bool is_repeated(const struct mg_store_settle *settle,
                        const struct mg_sqlite_delivery *delivery)
{
    return settle->state == MG_DELIVERY_COLLECTED && delivery->state == MG_DELIVERY_COLLECTED &&
           delivery->attempts == settle->attempt;
}

/* Recorded below the reserve too, as outcomes are. */
bool mg_sqlite_settle(struct mg_sqlite *sqlite, struct mg_store_settle *settle)
{
    struct mg_sqlite_delivery delivery;
    if (!find_boxed(sqlite, &settle->message, settle->destination, &delivery))
        return false;
    if (!delivery.found) {
        mg_store_fail_unknown(&settle->error);
        return true;
    }
    bool holds =
        delivery.is_taken && delivery.attempts == settle->attempt && delivery.lease > settle->now;
    if (!holds) {
        settle->repeated = is_repeated(settle, &delivery);
        settle->ok = settle->repeated || mg_store_fail_lost_taking(&settle->error);
        return true;
    }
    const struct mg_store_outcome outcome = {
        .state = settle->state,
        .attempt_counts = true,
        .now = settle->now,
        .next_attempt = delivery.next_attempt,
        .code = settle->code,
        .text = settle->text,
    };
    settle->ok = mg_sqlite_record(sqlite, &outcome, &delivery) &&
                 mg_sqlite_write_line(sqlite, &settle->message, settle->line);
    return settle->ok;
}
