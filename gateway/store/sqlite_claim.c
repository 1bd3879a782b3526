/* What claim and outcome do inside the writer's transaction. */
#include "gateway/store/sqlite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- what both need ---- */

bool mg_sqlite_end_message(struct mg_sqlite *sqlite, int64_t now, int64_t seq)
{
    sqlite3_stmt *end = mg_sqlite_bind(&sqlite->writer, W_END);
    sqlite3_bind_int64(end, 1, seq);
    sqlite3_bind_int64(end, 2, now);
    return mg_sqlite_done(&sqlite->writer, W_END);
}

/* The first of those that are dead and may not be overtaken; message may be NULL. */
static bool read_blocking(struct mg_sqlite *sqlite, const char *destination, int64_t *key,
                          struct mg_id *message, bool *found)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *row = mg_sqlite_bind(writer, W_BLOCKING);
    mg_sqlite_bind_text(row, 1, destination);
    if (!mg_sqlite_row(writer, W_BLOCKING, found))
        return false;
    if (*found)
        *key = sqlite3_column_int64(row, 0);
    if (*found && message)
        mg_sqlite_column_id(row, 1, message);
    mg_sqlite_reset(writer, W_BLOCKING);
    return true;
}

/* ---- claim ---- */

void mg_sqlite_read_due(struct mg_store_delivery *delivery, sqlite3_stmt *row,
                        const char *destination)
{
    mg_sqlite_column_id(row, 1, &delivery->id);
    mg_sqlite_column_id(row, 2, &delivery->message);
    mg_store_copy_text(delivery->destination, sizeof delivery->destination, destination);
    delivery->state = MG_DELIVERY_RUNNING;
    delivery->attempts = sqlite3_column_int(row, 3);
    delivery->received = sqlite3_column_int64(row, 4);
    delivery->next_attempt = sqlite3_column_int64(row, 5);
    mg_sqlite_column_text(row, 6, delivery->last_code, sizeof delivery->last_code);
    mg_sqlite_column_text(row, 7, delivery->last_text, sizeof delivery->last_text);
    delivery->since = mg_sqlite_since(row, 8, delivery->received);
    delivery->tried = sqlite3_column_int(row, 9);
    delivery->ended = 0;
}

static int64_t due_by(const struct mg_store_claim *claim)
{
    return claim->due_by != 0 ? claim->due_by : claim->now;
}

static void add_claimed(struct mg_store_claim *claim, sqlite3_stmt *row)
{
    struct mg_store_delivery *delivery = &claim->deliveries[claim->count++];
    mg_sqlite_read_due(delivery, row, claim->destination);
    delivery->attempts++;
}

/* The rows are read to their end before one of them is changed: changing them changes the index
 * that is read. *keys is allocated here. */
static bool read_all_due(struct mg_sqlite *sqlite, struct mg_store_claim *claim, int64_t **keys)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *due = mg_sqlite_bind(writer, W_DUE);
    mg_sqlite_bind_text(due, 1, claim->destination);
    sqlite3_bind_int64(due, 2, due_by(claim));
    sqlite3_bind_int64(due, 3, claim->limit < INT32_MAX ? (int64_t)claim->limit : INT32_MAX);
    size_t room = 0;
    bool row, passed;
    assert(claim->count == 0 && !claim->deliveries);
    while ((passed = mg_sqlite_row(writer, W_DUE, &row)) && row) {
        if (claim->count == room) {
            room = room ? 2 * room : 4;
            *keys = mg_reallocate(*keys, room * sizeof **keys);
            claim->deliveries = mg_reallocate(claim->deliveries, room * sizeof *claim->deliveries);
        }
        (*keys)[claim->count] = sqlite3_column_int64(due, 0);
        add_claimed(claim, due);
    }
    if (passed)
        mg_sqlite_reset(writer, W_DUE);
    return passed;
}

static bool mark_claimed(struct mg_sqlite *sqlite, const struct mg_store_claim *claim,
                         const int64_t *keys)
{
    sqlite3_stmt *mark = mg_sqlite_bind(&sqlite->writer, W_CLAIM);
    for (size_t i = 0; i < claim->count; i++) {
        sqlite3_bind_int64(mark, 1, keys[i]);
        mg_sqlite_bind_text(mark, 2, sqlite->node);
        sqlite3_bind_int64(mark, 3, claim->lease);
        if (!mg_sqlite_done(&sqlite->writer, W_CLAIM))
            return false;
    }
    if (claim->count > 0)
        mg_store_queues_change(sqlite->queues, claim->destination)->queue.running +=
            (int64_t)claim->count;
    return true;
}

/* When it is worth asking again: the next attempt of one that waits, or the end of a lease. */
static bool read_next_due(struct mg_sqlite *sqlite, struct mg_store_claim *claim)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *next = mg_sqlite_bind(writer, W_NEXT_DUE);
    mg_sqlite_bind_text(next, 1, claim->destination);
    bool row;
    if (!mg_sqlite_row(writer, W_NEXT_DUE, &row))
        return false;
    int64_t waiting = sqlite3_column_int64(next, 0), lease = sqlite3_column_int64(next, 1);
    claim->next_lease = lease;
    claim->next_due = waiting == 0 || (lease != 0 && lease < waiting) ? lease : waiting;
    mg_sqlite_reset(writer, W_NEXT_DUE);
    return true;
}

/* ---- ordered claims ---- */

/* The dead that stand in the way no longer do; those that are over for good can now expire. */
static bool pass_dead(struct mg_sqlite *sqlite, const struct mg_store_claim *claim)
{
    for (;;) {
        int64_t key;
        bool found;
        if (!read_blocking(sqlite, claim->destination, &key, NULL, &found))
            return false;
        if (!found)
            return true;
        sqlite3_bind_int64(mg_sqlite_bind(&sqlite->writer, W_PASS), 1, key);
        if (!mg_sqlite_done(&sqlite->writer, W_PASS) ||
            !mg_sqlite_end_message(sqlite, claim->now, key >> MG_STORE_NUMBER_BITS))
            return false;
    }
}

static bool read_running(struct mg_sqlite *sqlite, const char *destination, int64_t *lease)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    mg_sqlite_bind_text(mg_sqlite_bind(writer, W_RUNNING), 1, destination);
    bool row;
    if (!mg_sqlite_row(writer, W_RUNNING, &row))
        return false;
    *lease = sqlite3_column_int64(mg_sqlite_bind(writer, W_RUNNING), 0);
    mg_sqlite_reset(writer, W_RUNNING);
    return true;
}

/* The first that is not over, whatever its state; in claim->deliveries, but not counted yet. */
static bool read_first(struct mg_sqlite *sqlite, struct mg_store_claim *claim, int64_t *key,
                       enum mg_delivery_state *state, bool *found)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *first = mg_sqlite_bind(writer, W_FIRST);
    mg_sqlite_bind_text(first, 1, claim->destination);
    if (!mg_sqlite_row(writer, W_FIRST, found))
        return false;
    if (*found) {
        claim->deliveries = mg_allocate(sizeof *claim->deliveries);
        add_claimed(claim, first);
        claim->count = 0;
        *key = sqlite3_column_int64(first, 0);
        *state = (enum mg_delivery_state)sqlite3_column_int(first, 10);
    }
    mg_sqlite_reset(writer, W_FIRST);
    return true;
}

static void block(struct mg_store_claim *claim, const struct mg_id *message)
{
    claim->blocked = true;
    claim->blocking = *message;
}

/* Decides about the first one while nothing of the destination runs. */
static bool claim_first(struct mg_sqlite *sqlite, struct mg_store_claim *claim)
{
    int64_t key = 0, dead_key = 0;
    enum mg_delivery_state state = MG_DELIVERY_WAITING;
    struct mg_id dead;
    bool found, has_dead;
    if (!read_blocking(sqlite, claim->destination, &dead_key, &dead, &has_dead) ||
        !read_first(sqlite, claim, &key, &state, &found))
        return false;
    if (has_dead && (!found || dead_key < key)) {
        block(claim, &dead);
    } else if (found && state == MG_DELIVERY_HELD) {
        block(claim, &claim->deliveries[0].message);
    } else if (found && claim->deliveries[0].next_attempt > due_by(claim)) {
        claim->next_due = claim->deliveries[0].next_attempt;
    } else if (found && claim->limit > 0) {
        claim->count = 1;
        claim->next_due = claim->lease;
        return mark_claimed(sqlite, claim, &key);
    }
    free(claim->deliveries);
    claim->deliveries = NULL;
    return true;
}

static bool claim_ordered(struct mg_sqlite *sqlite, struct mg_store_claim *claim)
{
    if ((claim->pass_dead && !pass_dead(sqlite, claim)) ||
        !read_running(sqlite, claim->destination, &claim->next_due))
        return false;
    return claim->next_due != 0 || claim_first(sqlite, claim);
}

static bool claim_due(struct mg_sqlite *sqlite, struct mg_store_claim *claim)
{
    int64_t *keys = NULL;
    bool passed = read_all_due(sqlite, claim, &keys) && mark_claimed(sqlite, claim, keys) &&
                  read_next_due(sqlite, claim);
    free(keys);
    return passed;
}

bool mg_sqlite_claim(struct mg_sqlite *sqlite, struct mg_store_claim *claim)
{
    if (mg_sqlite_refuse_for_space(atomic_load(&sqlite->used_up), &claim->error))
        return true;
    claim->ok = mg_sqlite_return_leases(sqlite, claim->destination, claim->now, NULL) &&
                (claim->ordered ? claim_ordered(sqlite, claim) : claim_due(sqlite, claim));
    return claim->ok;
}

/* ---- outcome ---- */

bool mg_sqlite_find_delivery(struct mg_sqlite *sqlite, int statement,
                             struct mg_sqlite_delivery *delivery)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *row = mg_sqlite_bind(writer, statement);
    *delivery = (struct mg_sqlite_delivery){0};
    if (!mg_sqlite_row(writer, statement, &delivery->found))
        return false;
    if (delivery->found) {
        const char *node = (const char *)sqlite3_column_text(row, 2);
        delivery->key = sqlite3_column_int64(row, 0);
        delivery->state = (enum mg_delivery_state)sqlite3_column_int(row, 1);
        bool runs = delivery->state == MG_DELIVERY_RUNNING;
        delivery->is_taken = runs && !node;
        delivery->is_ours = runs && node && strcmp(node, sqlite->node) == 0;
        delivery->attempts = sqlite3_column_int(row, 3);
        delivery->next_attempt = sqlite3_column_int64(row, 4);
        delivery->lease = sqlite3_column_int64(row, 5);
        delivery->size = sqlite3_column_int64(row, 6);
        mg_sqlite_column_text(row, 7, delivery->destination, sizeof delivery->destination);
        delivery->received = sqlite3_column_int64(row, 8);
    }
    mg_sqlite_reset(writer, statement);
    return true;
}

static bool update_delivery(struct mg_sqlite *sqlite, const struct mg_store_outcome *outcome,
                            int64_t key)
{
    sqlite3_stmt *update = mg_sqlite_bind(&sqlite->writer, W_OUTCOME);
    sqlite3_bind_int64(update, 1, key);
    sqlite3_bind_int(update, 2, (int)outcome->state);
    sqlite3_bind_int(update, 3, outcome->attempt_counts ? 0 : 1);
    if (outcome->state == MG_DELIVERY_WAITING)
        sqlite3_bind_int64(update, 4, outcome->next_attempt);
    else
        sqlite3_bind_null(update, 4);
    sqlite3_bind_int64(update, 5, mg_store_is_end(outcome->state) ? outcome->now : 0);
    mg_sqlite_bind_text(update, 6, outcome->code);
    mg_sqlite_bind_text(update, 7, outcome->text);
    return mg_sqlite_done(&sqlite->writer, W_OUTCOME);
}

static bool add_event(struct mg_sqlite *sqlite, const struct mg_store_outcome *outcome,
                      const struct mg_sqlite_delivery *delivery)
{
    sqlite3_stmt *event = mg_sqlite_bind(&sqlite->writer, W_EVENT);
    sqlite3_bind_int64(event, 1, delivery->key >> MG_STORE_NUMBER_BITS);
    sqlite3_bind_int64(event, 2, outcome->now);
    mg_sqlite_bind_text(event, 3, delivery->destination);
    mg_sqlite_bind_text(event, 4, outcome->code);
    mg_sqlite_bind_text(event, 5, outcome->text);
    sqlite3_bind_int64(event, 6, outcome->duration);
    return mg_sqlite_done(&sqlite->writer, W_EVENT);
}

static bool block_those_after(struct mg_sqlite *sqlite, int64_t key)
{
    sqlite3_bind_int64(mg_sqlite_bind(&sqlite->writer, W_BLOCK), 1, key);
    return mg_sqlite_done(&sqlite->writer, W_BLOCK);
}

static void count_outcome(struct mg_sqlite *sqlite, const struct mg_store_outcome *outcome,
                          const struct mg_sqlite_delivery *delivery)
{
    struct mg_store_tally *tally = mg_store_queues_change(sqlite->queues, delivery->destination);
    tally->queue.running--;
    tally->queue.held += outcome->state == MG_DELIVERY_HELD;
    if (mg_store_is_end(outcome->state))
        mg_store_tally_ended(tally, delivery->key, delivery->size,
                             outcome->state == MG_DELIVERY_DEAD);
}

bool mg_sqlite_record(struct mg_sqlite *sqlite, const struct mg_store_outcome *outcome,
                      const struct mg_sqlite_delivery *delivery)
{
    count_outcome(sqlite, outcome, delivery);
    return update_delivery(sqlite, outcome, delivery->key) &&
           add_event(sqlite, outcome, delivery) &&
           (!outcome->blocks || block_those_after(sqlite, delivery->key)) &&
           (!mg_store_is_end(outcome->state) ||
            mg_sqlite_end_message(sqlite, outcome->now, delivery->key >> MG_STORE_NUMBER_BITS));
}

/* Recorded below the reserve too: that is what the reserve is for. */
bool mg_sqlite_outcome(struct mg_sqlite *sqlite, struct mg_store_outcome *outcome)
{
    struct mg_sqlite_delivery delivery;
    sqlite3_stmt *row = mg_sqlite_bind(&sqlite->writer, W_CLAIMED);
    mg_sqlite_bind_id(row, 1, &outcome->message);
    mg_sqlite_bind_id(row, 2, &outcome->delivery);
    if (!mg_sqlite_find_delivery(sqlite, W_CLAIMED, &delivery))
        return false;
    if (!delivery.is_ours) {
        mg_store_fail_lost_claim(&outcome->error);
        return true;
    }
    outcome->ok = mg_sqlite_record(sqlite, outcome, &delivery) &&
                  mg_sqlite_write_line(sqlite, &outcome->message, outcome->line);
    return outcome->ok;
}
