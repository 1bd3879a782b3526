/* What accept, claim and outcome do inside the writer's transaction. Whether a call is refused is
 * decided before it writes anything, so that a refused call leaves nothing to undo; false is
 * returned only where SQLite fails. */
#include "gateway/store/sqlite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- accept ---- */

/* Compares with the message that is known under the same (partner, uuid). *forgotten: its time is
 * over, and its row is deleted. */
static bool compare_known(struct mg_sqlite *sqlite, struct mg_store_accept *accept, bool *forgotten)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    struct mg_id uuid;
    sqlite3_stmt *known = mg_sqlite_bind(writer, W_KNOWN);
    mg_sqlite_bind_uuid(known, 1, accept->uuid, &uuid);
    mg_sqlite_bind_text(known, 2, accept->partner);
    bool found;
    if (!mg_sqlite_row(writer, W_KNOWN, &found))
        return false;
    if (!found) {
        /* The number of a new message is taken: the tables contradict each other. */
        mg_sqlite_reset(writer, W_KNOWN);
        writer->failure = SQLITE_CORRUPT;
        return false;
    }
    *forgotten = sqlite3_column_int64(known, 0) <= accept->received;
    if (!*forgotten) {
        const void *digest = sqlite3_column_blob(known, 1);
        bool same = digest && sqlite3_column_bytes(known, 1) == sizeof accept->digest &&
                    memcmp(digest, accept->digest, sizeof accept->digest) == 0;
        accept->result = same ? MG_ACCEPT_REPEATED : MG_ACCEPT_DIFFERENT;
        mg_sqlite_column_id(known, 2, &accept->known_id);
    }
    int64_t seq = sqlite3_column_int64(known, 3);
    mg_sqlite_reset(writer, W_KNOWN);
    if (!*forgotten)
        return true;
    sqlite3_bind_int64(mg_sqlite_bind(writer, W_FORGET), 1, seq);
    return mg_sqlite_done(writer, W_FORGET);
}

/* Decides whether the message is new. In the usual case this is one statement. */
static bool remember(struct mg_sqlite *sqlite, struct mg_store_accept *accept, int64_t seq)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *remember = mg_sqlite_bind(writer, W_REMEMBER);
    struct mg_id uuid;
    sqlite3_bind_int64(remember, 1, seq);
    mg_sqlite_bind_uuid(remember, 2, accept->uuid, &uuid);
    mg_sqlite_bind_text(remember, 3, accept->partner);
    sqlite3_bind_blob(remember, 4, accept->digest, sizeof accept->digest, SQLITE_STATIC);
    mg_sqlite_bind_id(remember, 5, &accept->id);
    sqlite3_bind_int64(remember, 6, accept->remembered_until);
    accept->result = MG_ACCEPT_NEW;
    if (!mg_sqlite_done(writer, W_REMEMBER))
        return false;
    if (sqlite3_changes(writer->database) > 0)
        return true;
    bool forgotten;
    if (!compare_known(sqlite, accept, &forgotten))
        return false;
    return !forgotten || mg_sqlite_done(writer, W_REMEMBER);
}

static bool add_message(struct mg_sqlite *sqlite, const struct mg_store_accept *accept, int64_t seq)
{
    sqlite3_stmt *message = mg_sqlite_bind(&sqlite->writer, W_MESSAGE);
    sqlite3_bind_int64(message, 1, seq);
    mg_sqlite_bind_id(message, 2, &accept->id);
    mg_sqlite_bind_text(message, 3, accept->partner);
    mg_sqlite_bind_text(message, 4, accept->way);
    mg_sqlite_bind_text(message, 5, accept->uuid);
    sqlite3_bind_blob(message, 6, accept->digest, sizeof accept->digest, SQLITE_STATIC);
    mg_sqlite_bind_text(message, 7, accept->profile);
    mg_sqlite_bind_text(message, 8, accept->type);
    mg_sqlite_bind_text(message, 9, accept->author);
    mg_sqlite_bind_text(message, 10, accept->reader);
    sqlite3_bind_int64(message, 11, accept->received);
    return mg_sqlite_done(&sqlite->writer, W_MESSAGE);
}

static bool add_part(struct mg_sqlite *sqlite, const struct mg_store_part *part, int64_t seq)
{
    int statement = mg_store_is_content(part->kind) ? W_CONTENT : W_RECORD;
    sqlite3_stmt *row = mg_sqlite_bind(&sqlite->writer, statement);
    sqlite3_bind_int64(row, 1, seq << MG_STORE_NUMBER_BITS | part->kind);
    sqlite3_bind_int64(row, 2, mg_store_part_length(part));
    mg_sqlite_bind_text(row, 3, part->media_type);
    mg_sqlite_bind_text(row, 4, part->name);
    if (part->spool && part->spool->in_file) {
        mg_sqlite_bind_id(row, 5, &part->spool->id);
        sqlite3_bind_null(row, 6);
    } else {
        sqlite3_bind_null(row, 5);
        sqlite3_bind_blob64(row, 6, mg_store_part_bytes(part),
                            (sqlite3_uint64)mg_store_part_length(part), SQLITE_STATIC);
    }
    return mg_sqlite_done(&sqlite->writer, statement);
}

static bool add_deliveries(struct mg_sqlite *sqlite, const struct mg_store_accept *accept,
                           int64_t seq)
{
    sqlite3_stmt *delivery = mg_sqlite_bind(&sqlite->writer, W_DELIVERY);
    for (size_t i = 0; i < accept->delivery_count; i++) {
        sqlite3_bind_int64(delivery, 1, seq << MG_STORE_NUMBER_BITS | (int64_t)i);
        mg_sqlite_bind_id(delivery, 2, &accept->deliveries[i].id);
        mg_sqlite_bind_id(delivery, 3, &accept->id);
        mg_sqlite_bind_text(delivery, 4, accept->deliveries[i].destination);
        sqlite3_bind_int64(delivery, 5, accept->received);
        if (!mg_sqlite_done(&sqlite->writer, W_DELIVERY))
            return false;
    }
    if (accept->delivery_count > 0)
        return true;
    sqlite3_stmt *ending = mg_sqlite_bind(&sqlite->writer, W_END_AT_ONCE);
    sqlite3_bind_int64(ending, 1, accept->received);
    sqlite3_bind_int64(ending, 2, seq);
    return mg_sqlite_done(&sqlite->writer, W_END_AT_ONCE);
}

static bool add_first_event(struct mg_sqlite *sqlite, int64_t seq, int64_t time)
{
    sqlite3_stmt *event = mg_sqlite_bind(&sqlite->writer, W_FIRST_EVENT);
    sqlite3_bind_int64(event, 1, seq << MG_STORE_NUMBER_BITS);
    sqlite3_bind_int64(event, 2, time);
    return mg_sqlite_done(&sqlite->writer, W_FIRST_EVENT);
}

/* The numbers below a message are limited; nobody comes near, but a key must never reach into the
 * next message's. */
static bool fits(const struct mg_store_accept *accept)
{
    for (size_t i = 0; i < accept->part_count; i++)
        if (accept->parts[i].kind < 0 || accept->parts[i].kind > MG_STORE_NUMBER_LAST)
            return false;
    return accept->delivery_count <= MG_STORE_NUMBER_LAST;
}

static bool refuse_for_space(bool refused, struct mg_error *error)
{
    if (refused)
        mg_fail(error, "store.full",
                "the free space on the store's disk is below the reserve; free some space");
    return refused;
}

static bool accept_message(struct mg_sqlite *sqlite, struct mg_store_accept *accept)
{
    if (refuse_for_space(atomic_load(&sqlite->full), &accept->error))
        return true;
    if (!fits(accept)) {
        mg_fail(&accept->error, "store.failed", "the message has too many parts or deliveries");
        return true;
    }
    int64_t seq = ++sqlite->last_message;
    if (!remember(sqlite, accept, seq))
        return false;
    bool is_new = accept->result == MG_ACCEPT_NEW;
    if (is_new && !add_message(sqlite, accept, seq))
        return false;
    for (size_t i = 0; is_new && i < accept->part_count; i++)
        if (!add_part(sqlite, &accept->parts[i], seq))
            return false;
    if (is_new &&
        !(add_deliveries(sqlite, accept, seq) && add_first_event(sqlite, seq, accept->received)))
        return false;
    accept->ok = true;
    return true;
}

/* ---- claim ---- */

static void read_due(struct mg_store_delivery *delivery, sqlite3_stmt *due,
                     const struct mg_store_claim *claim)
{
    mg_sqlite_column_id(due, 1, &delivery->id);
    mg_sqlite_column_id(due, 2, &delivery->message);
    mg_store_copy_text(delivery->destination, sizeof delivery->destination, claim->destination);
    delivery->state = MG_DELIVERY_RUNNING;
    delivery->attempts = sqlite3_column_int(due, 3) + 1;
    delivery->received = sqlite3_column_int64(due, 4);
    delivery->next_attempt = sqlite3_column_int64(due, 5);
    mg_sqlite_column_text(due, 6, delivery->last_code, sizeof delivery->last_code);
    mg_sqlite_column_text(due, 7, delivery->last_text, sizeof delivery->last_text);
    delivery->ended = 0;
}

/* The rows are read to their end before one of them is changed: changing them changes the index
 * that is read. *keys is allocated here. */
static bool read_all_due(struct mg_sqlite *sqlite, struct mg_store_claim *claim, int64_t **keys)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *due = mg_sqlite_bind(writer, W_DUE);
    mg_sqlite_bind_text(due, 1, claim->destination);
    sqlite3_bind_int64(due, 2, claim->now);
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
        read_due(&claim->deliveries[claim->count++], due, claim);
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
    claim->next_due = waiting == 0 || (lease != 0 && lease < waiting) ? lease : waiting;
    mg_sqlite_reset(writer, W_NEXT_DUE);
    return true;
}

static bool claim_deliveries(struct mg_sqlite *sqlite, struct mg_store_claim *claim)
{
    if (refuse_for_space(atomic_load(&sqlite->used_up), &claim->error))
        return true;
    sqlite3_stmt *leases = mg_sqlite_bind(&sqlite->writer, W_RETURN_LEASES);
    mg_sqlite_bind_text(leases, 1, claim->destination);
    sqlite3_bind_int64(leases, 2, claim->now);
    int64_t *keys = NULL;
    claim->ok = mg_sqlite_done(&sqlite->writer, W_RETURN_LEASES) &&
                read_all_due(sqlite, claim, &keys) && mark_claimed(sqlite, claim, keys) &&
                read_next_due(sqlite, claim);
    free(keys);
    return claim->ok;
}

/* ---- outcome ---- */

struct claimed {
    bool is_ours;
    int64_t key;
    char destination[MG_STORE_NAME_SIZE];
};

static bool find_claimed(struct mg_sqlite *sqlite, const struct mg_store_outcome *outcome,
                         struct claimed *claimed)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *row = mg_sqlite_bind(writer, W_CLAIMED);
    mg_sqlite_bind_id(row, 1, &outcome->message);
    mg_sqlite_bind_id(row, 2, &outcome->delivery);
    bool found;
    if (!mg_sqlite_row(writer, W_CLAIMED, &found))
        return false;
    claimed->is_ours = false;
    if (found) {
        const char *node = (const char *)sqlite3_column_text(row, 2);
        claimed->key = sqlite3_column_int64(row, 0);
        claimed->is_ours = sqlite3_column_int(row, 1) == MG_DELIVERY_RUNNING && node &&
                           strcmp(node, sqlite->node) == 0;
        mg_sqlite_column_text(row, 3, claimed->destination, sizeof claimed->destination);
    }
    mg_sqlite_reset(writer, W_CLAIMED);
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
                      const struct claimed *claimed)
{
    sqlite3_stmt *event = mg_sqlite_bind(&sqlite->writer, W_EVENT);
    sqlite3_bind_int64(event, 1, claimed->key >> MG_STORE_NUMBER_BITS);
    sqlite3_bind_int64(event, 2, outcome->now);
    mg_sqlite_bind_text(event, 3, claimed->destination);
    mg_sqlite_bind_text(event, 4, outcome->code);
    mg_sqlite_bind_text(event, 5, outcome->text);
    sqlite3_bind_int64(event, 6, outcome->duration);
    return mg_sqlite_done(&sqlite->writer, W_EVENT);
}

static bool end_message(struct mg_sqlite *sqlite, const struct mg_store_outcome *outcome,
                        int64_t seq)
{
    sqlite3_stmt *end = mg_sqlite_bind(&sqlite->writer, W_END);
    sqlite3_bind_int64(end, 1, seq);
    sqlite3_bind_int64(end, 2, outcome->now);
    return mg_sqlite_done(&sqlite->writer, W_END);
}

/* Recorded below the reserve too: that is what the reserve is for. */
static bool record_outcome(struct mg_sqlite *sqlite, struct mg_store_outcome *outcome)
{
    struct claimed claimed;
    if (!find_claimed(sqlite, outcome, &claimed))
        return false;
    if (!claimed.is_ours) {
        mg_store_fail_lost_claim(&outcome->error);
        return true;
    }
    outcome->ok = update_delivery(sqlite, outcome, claimed.key) &&
                  add_event(sqlite, outcome, &claimed) &&
                  (!mg_store_is_end(outcome->state) ||
                   end_message(sqlite, outcome, claimed.key >> MG_STORE_NUMBER_BITS));
    return outcome->ok;
}

bool mg_sqlite_carry_out(struct mg_sqlite *sqlite, struct mg_handoff_item *item)
{
    switch (mg_store_call(item)) {
    case MG_STORE_CALL_ACCEPT:
        return accept_message(sqlite, (struct mg_store_accept *)item);
    case MG_STORE_CALL_CLAIM:
        return claim_deliveries(sqlite, (struct mg_store_claim *)item);
    default:
        return record_outcome(sqlite, (struct mg_store_outcome *)item);
    }
}
