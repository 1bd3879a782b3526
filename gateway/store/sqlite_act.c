/* What operators' acts do inside the writer's transaction. Whether an act is refused is decided
 * before it writes anything. */
#include "gateway/store/sqlite.h"

#include <stdlib.h>
#include <string.h>

/* ---- what acts need ---- */

static bool find_delivery(struct mg_sqlite *sqlite, const struct mg_id *message,
                          const char *destination, struct mg_sqlite_delivery *delivery)
{
    sqlite3_stmt *row = mg_sqlite_bind(&sqlite->writer, W_BOXED);
    mg_sqlite_bind_id(row, 1, message);
    mg_sqlite_bind_text(row, 2, destination);
    return mg_sqlite_find_delivery(sqlite, W_BOXED, delivery);
}

/* Whether there is still something to deliver. */
static bool has_content(struct mg_sqlite *sqlite, int64_t seq, bool *has)
{
    sqlite3_bind_int64(mg_sqlite_bind(&sqlite->writer, W_HAS_CONTENT), 1, seq);
    if (!mg_sqlite_row(&sqlite->writer, W_HAS_CONTENT, has))
        return false;
    mg_sqlite_reset(&sqlite->writer, W_HAS_CONTENT);
    return true;
}

static bool add_event(struct mg_sqlite *sqlite, int64_t seq, int64_t now, const char *destination,
                      const char *code, const char *text)
{
    sqlite3_stmt *event = mg_sqlite_bind(&sqlite->writer, W_EVENT);
    sqlite3_bind_int64(event, 1, seq);
    sqlite3_bind_int64(event, 2, now);
    mg_sqlite_bind_text(event, 3, destination);
    mg_sqlite_bind_text(event, 4, code);
    mg_sqlite_bind_text(event, 5, text);
    sqlite3_bind_int64(event, 6, 0);
    return mg_sqlite_done(&sqlite->writer, W_EVENT);
}

/* It waits again, and what is to end it begins anew. */
static bool revive(struct mg_sqlite *sqlite, const struct mg_sqlite_delivery *delivery, int64_t now)
{
    sqlite3_stmt *row = mg_sqlite_bind(&sqlite->writer, W_REVIVE);
    sqlite3_bind_int64(row, 1, delivery->key);
    sqlite3_bind_int64(row, 2, now);
    struct mg_store_tally *tally = mg_store_queues_change(sqlite->queues, delivery->destination);
    tally->queue.held -= delivery->state == MG_DELIVERY_HELD;
    if (mg_store_is_end(delivery->state))
        mg_store_tally_revived(tally, delivery->key, delivery->received, delivery->size,
                               delivery->state == MG_DELIVERY_DEAD);
    return mg_sqlite_done(&sqlite->writer, W_REVIVE);
}

static bool hurry(struct mg_sqlite *sqlite, int64_t key, int64_t now)
{
    sqlite3_stmt *row = mg_sqlite_bind(&sqlite->writer, W_HURRY);
    sqlite3_bind_int64(row, 1, key);
    sqlite3_bind_int64(row, 2, now);
    return mg_sqlite_done(&sqlite->writer, W_HURRY);
}

static bool cancel(struct mg_sqlite *sqlite, const struct mg_store_act *act,
                   const struct mg_sqlite_delivery *delivery)
{
    struct mg_store_tally *tally = mg_store_queues_change(sqlite->queues, delivery->destination);
    tally->queue.held -= delivery->state == MG_DELIVERY_HELD;
    if (delivery->state == MG_DELIVERY_DEAD)
        tally->queue.dead--;
    else
        mg_store_tally_ended(tally, delivery->key, delivery->size, false);
    sqlite3_stmt *row = mg_sqlite_bind(&sqlite->writer, W_CANCEL);
    sqlite3_bind_int64(row, 1, delivery->key);
    sqlite3_bind_int64(row, 2, act->now);
    mg_sqlite_bind_text(row, 3, act->code);
    mg_sqlite_bind_text(row, 4, act->text);
    return mg_sqlite_done(&sqlite->writer, W_CANCEL);
}

/* ---- one delivery ---- */

/* What all acts demand of the delivery. */
static bool may_act(struct mg_store_act *act, const struct mg_sqlite_delivery *delivery)
{
    act->found = delivery->found;
    act->state = delivery->state;
    act->attempts = delivery->attempts;
    return mg_store_may_act(act);
}

static bool retry(struct mg_sqlite *sqlite, struct mg_store_act *act,
                  const struct mg_sqlite_delivery *delivery)
{
    if (delivery->state == MG_DELIVERY_WAITING)
        act->ok = hurry(sqlite, delivery->key, act->now);
    else
        act->ok = revive(sqlite, delivery, act->now);
    return act->ok;
}

static bool insert_moved(struct mg_sqlite *sqlite, const struct mg_store_act *act,
                         const struct mg_sqlite_delivery *from, int64_t key)
{
    struct mg_id id = mg_id_new();
    sqlite3_stmt *row = mg_sqlite_bind(&sqlite->writer, W_MOVED);
    sqlite3_bind_int64(row, 1, key);
    mg_sqlite_bind_id(row, 2, &id);
    mg_sqlite_bind_id(row, 3, &act->message);
    mg_sqlite_bind_text(row, 4, act->to);
    sqlite3_bind_int64(row, 5, from->received);
    sqlite3_bind_int64(row, 6, act->now);
    sqlite3_bind_int64(row, 7, from->size);
    mg_store_tally_revived(mg_store_queues_change(sqlite->queues, act->to), key, from->received,
                           from->size, false);
    return mg_sqlite_done(&sqlite->writer, W_MOVED);
}

static bool last_key(struct mg_sqlite *sqlite, int64_t seq, int64_t *key)
{
    bool row;
    sqlite3_stmt *last = mg_sqlite_bind(&sqlite->writer, W_LAST_DELIVERY);
    sqlite3_bind_int64(last, 1, seq);
    if (!mg_sqlite_row(&sqlite->writer, W_LAST_DELIVERY, &row))
        return false;
    *key = sqlite3_column_int64(last, 0);
    mg_sqlite_reset(&sqlite->writer, W_LAST_DELIVERY);
    return true;
}

/* Seen from where it goes: it came, and one that was there before waits again. */
static bool arrive(struct mg_sqlite *sqlite, const struct mg_store_act *act,
                   const struct mg_sqlite_delivery *from, const struct mg_sqlite_delivery *there,
                   int64_t key)
{
    bool arrived =
        there->found ? revive(sqlite, there, act->now) : insert_moved(sqlite, act, from, key + 1);
    return arrived && add_event(sqlite, from->key >> MG_STORE_NUMBER_BITS, act->now, act->to,
                                act->code, act->text);
}

static bool move(struct mg_sqlite *sqlite, struct mg_store_act *act,
                 const struct mg_sqlite_delivery *from)
{
    struct mg_sqlite_delivery there;
    int64_t key, seq = from->key >> MG_STORE_NUMBER_BITS;
    if (!find_delivery(sqlite, &act->message, act->to, &there) || !last_key(sqlite, seq, &key))
        return false;
    bool was_left = there.state == MG_DELIVERY_DEAD || there.state == MG_DELIVERY_CANCELLED;
    if ((there.found && !was_left) || (key & MG_STORE_NUMBER_LAST) == MG_STORE_NUMBER_LAST) {
        mg_store_fail_there(&act->error);
        return true;
    }
    act->ok = arrive(sqlite, act, from, &there, key) && cancel(sqlite, act, from);
    return act->ok;
}

static bool carry_out(struct mg_sqlite *sqlite, struct mg_store_act *act,
                      const struct mg_sqlite_delivery *delivery)
{
    int64_t seq = delivery->key >> MG_STORE_NUMBER_BITS;
    bool passed = true, has = true;
    if (act->kind != MG_ACT_CANCEL && !has_content(sqlite, seq, &has))
        return false;
    if (!has) {
        mg_store_fail_gone(&act->error);
        return true;
    }
    if (act->kind == MG_ACT_RETRY)
        passed = retry(sqlite, act, delivery);
    else if (act->kind == MG_ACT_MOVE)
        passed = move(sqlite, act, delivery);
    else
        passed = act->ok = cancel(sqlite, act, delivery);
    if (passed && act->ok)
        passed = act->ok =
            add_event(sqlite, seq, act->now, act->destination, act->code, act->text) &&
            mg_sqlite_end_message(sqlite, act->now, seq) &&
            mg_sqlite_write_line(sqlite, &act->message, act->line);
    return passed;
}

/* Nothing is begun without space; to cancel makes space in the end. */
bool mg_sqlite_act(struct mg_sqlite *sqlite, struct mg_store_act *act)
{
    struct mg_sqlite_delivery delivery;
    bool begins = act->kind != MG_ACT_CANCEL;
    if (mg_sqlite_refuse_for_space(begins && atomic_load(&sqlite->used_up), &act->error))
        return true;
    if (!mg_sqlite_return_leases(sqlite, act->destination, act->now, NULL) ||
        !find_delivery(sqlite, &act->message, act->destination, &delivery))
        return false;
    return !may_act(act, &delivery) || carry_out(sqlite, act, &delivery);
}

/* ---- all that are dead of a destination ---- */

struct dead {
    struct mg_sqlite_delivery deliveries[MG_STORE_REVIVE_LIMIT];
    size_t count;
};

/* They are read to the end before one of them is changed. */
static bool read_dead(struct mg_sqlite *sqlite, struct mg_store_revive *revival, struct dead *dead)
{
    struct mg_sqlite_connection *writer = &sqlite->writer;
    sqlite3_stmt *row = mg_sqlite_bind(writer, W_DEAD);
    mg_sqlite_bind_text(row, 1, revival->destination);
    sqlite3_bind_int64(row, 2, revival->after);
    sqlite3_bind_int64(row, 3, MG_STORE_REVIVE_LIMIT);
    bool found, passed;
    while ((passed = mg_sqlite_row(writer, W_DEAD, &found)) && found) {
        struct mg_sqlite_delivery *delivery = &dead->deliveries[dead->count];
        *delivery = (struct mg_sqlite_delivery){.found = true, .state = MG_DELIVERY_DEAD};
        delivery->key = revival->next = sqlite3_column_int64(row, 0);
        delivery->size = sqlite3_column_int64(row, 1);
        delivery->received = sqlite3_column_int64(row, 2);
        mg_store_copy_text(delivery->destination, sizeof delivery->destination,
                           revival->destination);
        revival->more = ++revival->revived == MG_STORE_REVIVE_LIMIT;
        dead->count += sqlite3_column_int64(row, 3) <= revival->died_by;
    }
    revival->revived = 0;
    if (passed)
        mg_sqlite_reset(writer, W_DEAD);
    return passed;
}

static bool revive_dead(struct mg_sqlite *sqlite, struct mg_store_revive *revival,
                        const struct mg_sqlite_delivery *delivery)
{
    int64_t seq = delivery->key >> MG_STORE_NUMBER_BITS;
    bool has;
    if (!has_content(sqlite, seq, &has))
        return false;
    revival->revived += has;
    return !has || (revive(sqlite, delivery, revival->now) &&
                    add_event(sqlite, seq, revival->now, revival->destination, revival->code,
                              revival->text));
}

bool mg_sqlite_revive(struct mg_sqlite *sqlite, struct mg_store_revive *revival)
{
    if (mg_sqlite_refuse_for_space(atomic_load(&sqlite->used_up), &revival->error))
        return true;
    struct dead *dead = mg_allocate_zeroed(1, sizeof *dead);
    bool passed = read_dead(sqlite, revival, dead);
    for (size_t i = 0; passed && i < dead->count; i++)
        passed = revive_dead(sqlite, revival, &dead->deliveries[i]);
    free(dead);
    revival->ok = passed && mg_sqlite_write_line(sqlite, NULL, revival->line);
    return revival->ok;
}

/* ---- pauses ---- */

bool mg_sqlite_pausing(struct mg_sqlite *sqlite, struct mg_store_pausing *pausing)
{
    int statement = pausing->resume ? W_RESUME : W_PAUSE;
    sqlite3_stmt *row = mg_sqlite_bind(&sqlite->writer, statement);
    mg_sqlite_bind_text(row, 1, pausing->destination);
    if (!pausing->resume) {
        sqlite3_bind_int64(row, 2, pausing->now);
        mg_sqlite_bind_text(row, 3, pausing->by);
        mg_sqlite_bind_text(row, 4, pausing->why);
    }
    if (!mg_sqlite_done(&sqlite->writer, statement))
        return false;
    if (sqlite3_changes(sqlite->writer.database) == 0) {
        mg_store_fail_paused(pausing->resume, &pausing->error);
        return true;
    }
    pausing->ok = mg_sqlite_write_line(sqlite, NULL, pausing->line);
    return pausing->ok;
}
