/* What the calls do inside the writer's transaction, and accept in particular. Whether a call is
 * refused is decided before it writes anything, so that a refused call leaves nothing to undo;
 * false is returned only where SQLite fails. */
#include "gateway/store/sqlite.h"

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
    int64_t size = mg_store_content_size(accept);
    for (size_t i = 0; i < accept->delivery_count; i++) {
        int64_t key = seq << MG_STORE_NUMBER_BITS | (int64_t)i;
        sqlite3_bind_int64(delivery, 1, key);
        mg_sqlite_bind_id(delivery, 2, &accept->deliveries[i].id);
        mg_sqlite_bind_id(delivery, 3, &accept->id);
        mg_sqlite_bind_text(delivery, 4, accept->deliveries[i].destination);
        sqlite3_bind_int64(delivery, 5, accept->received);
        sqlite3_bind_int64(delivery, 6, size);
        if (!mg_sqlite_done(&sqlite->writer, W_DELIVERY))
            return false;
        mg_store_tally_accepted(
            mg_store_queues_change(sqlite->queues, accept->deliveries[i].destination), key,
            accept->received, size);
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

bool mg_sqlite_refuse_for_space(bool refused, struct mg_error *error)
{
    if (refused)
        mg_fail(error, "store.full",
                "the free space on the store's disk is below the reserve; free some space");
    return refused;
}

static int64_t spooled_bytes(const struct mg_store_accept *accept)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < accept->part_count; i++)
        if (accept->parts[i].spool && accept->parts[i].spool->in_file)
            bytes += accept->parts[i].spool->length;
    return bytes;
}

static bool accept_message(struct mg_sqlite *sqlite, struct mg_store_accept *accept)
{
    if (mg_sqlite_refuse_for_space(atomic_load(&sqlite->full), &accept->error))
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
        !(add_deliveries(sqlite, accept, seq) && add_first_event(sqlite, seq, accept->received) &&
          mg_sqlite_write_line(sqlite, &accept->id, accept->line)))
        return false;
    if (is_new)
        mg_store_queues_add(sqlite->queues, 1, spooled_bytes(accept));
    accept->ok = true;
    return true;
}

bool mg_sqlite_carry_out(struct mg_sqlite *sqlite, struct mg_handoff_item *item)
{
    switch (mg_store_call(item)) {
    case MG_STORE_CALL_ACCEPT:
        return accept_message(sqlite, (struct mg_store_accept *)item);
    case MG_STORE_CALL_CLAIM:
        return mg_sqlite_claim(sqlite, (struct mg_store_claim *)item);
    case MG_STORE_CALL_TAKE:
        return mg_sqlite_take(sqlite, (struct mg_store_take *)item);
    case MG_STORE_CALL_SETTLE:
        return mg_sqlite_settle(sqlite, (struct mg_store_settle *)item);
    case MG_STORE_CALL_ACT:
        return mg_sqlite_act(sqlite, (struct mg_store_act *)item);
    case MG_STORE_CALL_REVIVE:
        return mg_sqlite_revive(sqlite, (struct mg_store_revive *)item);
    case MG_STORE_CALL_PAUSING:
        return mg_sqlite_pausing(sqlite, (struct mg_store_pausing *)item);
    case MG_STORE_CALL_NOTE:
        return mg_sqlite_note(sqlite, (struct mg_store_note *)item);
    default:
        return mg_sqlite_outcome(sqlite, (struct mg_store_outcome *)item);
    }
}
