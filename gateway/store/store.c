#include "gateway/store/backend.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void run_accept(struct mg_handoff_item *item)
{
    struct mg_store_accept *accept = (struct mg_store_accept *)item;
    accept->done(accept);
}

static void run_claim(struct mg_handoff_item *item)
{
    struct mg_store_claim *claim = (struct mg_store_claim *)item;
    claim->done(claim);
}

static void run_outcome(struct mg_handoff_item *item)
{
    struct mg_store_outcome *outcome = (struct mg_store_outcome *)item;
    if (outcome->done)
        outcome->done(outcome);
}

static void run_take(struct mg_handoff_item *item)
{
    struct mg_store_take *take = (struct mg_store_take *)item;
    take->done(take);
}

static void run_settle(struct mg_handoff_item *item)
{
    struct mg_store_settle *settle = (struct mg_store_settle *)item;
    if (settle->done)
        settle->done(settle);
}

static void run_note(struct mg_handoff_item *item)
{
    struct mg_store_note *note = (struct mg_store_note *)item;
    if (note->done)
        note->done(note);
}

static void clear_error(struct mg_error *error)
{
    error->code[0] = error->place[0] = error->text[0] = '\0';
}

void mg_store_accept(struct mg_store *store, struct mg_store_accept *accept)
{
    assert(accept->done && accept->partner && accept->uuid);
    accept->item = (struct mg_handoff_item){.run = run_accept};
    accept->ok = false;
    accept->result = MG_ACCEPT_NEW;
    accept->known_id = (struct mg_id){{0}};
    clear_error(&accept->error);
    store->class->accept(store, accept);
}

void mg_store_claim(struct mg_store *store, struct mg_store_claim *claim)
{
    assert(claim->done && claim->destination && claim->due_by <= claim->now);
    claim->item = (struct mg_handoff_item){.run = run_claim};
    claim->ok = false;
    claim->deliveries = NULL;
    claim->count = 0;
    claim->next_due = claim->next_lease = 0;
    claim->blocked = false;
    claim->blocking = (struct mg_id){{0}};
    clear_error(&claim->error);
    store->class->claim(store, claim);
}

void mg_store_outcome(struct mg_store *store, struct mg_store_outcome *outcome)
{
    assert(outcome->code && outcome->state != MG_DELIVERY_RUNNING);
    assert(!outcome->blocks || outcome->state == MG_DELIVERY_DEAD);
    outcome->item = (struct mg_handoff_item){.run = run_outcome};
    outcome->ok = false;
    clear_error(&outcome->error);
    store->class->outcome(store, outcome);
}

void mg_store_take(struct mg_store *store, struct mg_store_take *take)
{
    assert(take->done && take->destination);
    take->item = (struct mg_handoff_item){.run = run_take};
    take->ok = take->found = false;
    clear_error(&take->error);
    store->class->take(store, take);
}

void mg_store_settle(struct mg_store *store, struct mg_store_settle *settle)
{
    assert(settle->destination && settle->code);
    assert(settle->state == MG_DELIVERY_COLLECTED || settle->state == MG_DELIVERY_WAITING);
    settle->item = (struct mg_handoff_item){.run = run_settle};
    settle->ok = settle->repeated = false;
    clear_error(&settle->error);
    store->class->settle(store, settle);
}

void mg_store_note(struct mg_store *store, struct mg_store_note *note)
{
    assert(note->line);
    assert(!note->subject || strlen(note->subject) < MG_STORE_SUBJECT_SIZE);
    note->item = (struct mg_handoff_item){.run = run_note};
    note->ok = false;
    note->number = 0;
    clear_error(&note->error);
    store->class->note(store, note);
}

bool mg_store_journal(struct mg_store *store, const struct mg_store_journal_query *query,
                      struct mg_store_lines *lines, struct mg_error *error)
{
    assert(query->limit >= 1 && query->limit <= MG_STORE_LINES_LIMIT);
    *lines = (struct mg_store_lines){0};
    return store->class->journal(store, query, lines, error);
}

bool mg_store_trim_journal(struct mg_store *store, int64_t through, const char *kept, bool *more,
                           struct mg_error *error)
{
    *more = false;
    return store->class->trim_journal(store, through, kept, more, error);
}

bool mg_store_flush_journal(struct mg_store *store, struct mg_error *error)
{
    return !store->class->flush_journal || store->class->flush_journal(store, error);
}

int64_t mg_store_journal_last(struct mg_store *store)
{
    return store->class->journal_last(store);
}

void mg_store_queue(struct mg_store *store, const char *destination, struct mg_store_queue *queue)
{
    *queue = (struct mg_store_queue){0};
    mg_store_copy_text(queue->destination, sizeof queue->destination, destination);
    store->class->queue(store, queue);
}

void mg_store_queues(struct mg_store *store, struct mg_store_queue **queues, size_t *count)
{
    *queues = NULL;
    *count = 0;
    store->class->queues(store, queues, count);
}

bool mg_store_list(struct mg_store *store, const char *destination, struct mg_store_place after,
                   size_t limit, int64_t now, struct mg_store_list *list, struct mg_error *error)
{
    assert(limit >= 1 && limit <= MG_STORE_LIST_LIMIT);
    *list = (struct mg_store_list){.next = after};
    return store->class->list(store, destination, after, limit, now, list, error);
}

bool mg_store_find(struct mg_store *store, const struct mg_id *id, struct mg_store_message *message,
                   bool *found, struct mg_error *error)
{
    *found = false;
    return store->class->find(store, id, message, found, error);
}

bool mg_store_look_up(struct mg_store *store, const char *partner, const char *uuid,
                      const uint8_t digest[32], enum mg_accept_result *result,
                      struct mg_id *known_id, struct mg_error *error)
{
    *result = MG_ACCEPT_NEW;
    *known_id = (struct mg_id){{0}};
    return store->class->look_up(store, partner, uuid, digest, result, known_id, error);
}

bool mg_store_part(struct mg_store *store, const struct mg_id *id, int kind,
                   struct mg_store_part_facts *facts, struct mg_error *error)
{
    *facts = (struct mg_store_part_facts){.size = -1};
    return store->class->part(store, id, kind, facts, error);
}

ssize_t mg_store_read(struct mg_store *store, const struct mg_id *id, int kind, int64_t offset,
                      void *bytes, size_t size, struct mg_error *error)
{
    assert(offset >= 0);
    return store->class->read(store, id, kind, offset, bytes, size, error);
}

int mg_store_descriptor(struct mg_store *store, const struct mg_id *id, int kind)
{
    return store->class->descriptor(store, id, kind);
}

bool mg_store_deliveries(struct mg_store *store, const struct mg_id *id,
                         struct mg_store_delivery **deliveries, size_t *count,
                         struct mg_error *error)
{
    *deliveries = NULL;
    *count = 0;
    return store->class->deliveries(store, id, deliveries, count, error);
}

bool mg_store_events(struct mg_store *store, const struct mg_id *id, struct mg_store_event **events,
                     size_t *count, struct mg_error *error)
{
    *events = NULL;
    *count = 0;
    return store->class->events(store, id, events, count, error);
}

bool mg_store_totals(struct mg_store *store, struct mg_store_totals *totals, struct mg_error *error)
{
    *totals = (struct mg_store_totals){0};
    return store->class->totals(store, totals, error);
}

#define DAY INT64_C(86400000)

/* Of what is due by the clock, what is within a day after the oldest. */
static int64_t bound(int64_t oldest, int64_t due, bool *behind)
{
    if (oldest >= due - DAY)
        return due;
    *behind = true;
    return oldest + DAY;
}

void mg_store_begin_expiry(const struct mg_store *store, const struct mg_store_oldest *oldest,
                           struct mg_store_expiry *expiry)
{
    int64_t now = expiry->now;
    expiry->contents = bound(oldest->contents, now - store->keep_content, &expiry->behind);
    expiry->traces = bound(oldest->traces, now - store->keep_trace, &expiry->behind);
    expiry->duplicates = bound(oldest->duplicates, now, &expiry->behind);
    expiry->begun = true;
}

bool mg_store_expire(struct mg_store *store, struct mg_store_expiry *expiry, struct mg_error *error)
{
    expiry->more = false;
    return store->class->expire(store, expiry, error);
}

void mg_store_set_retention(struct mg_store *store, int64_t keep_content, int64_t keep_trace)
{
    store->keep_content = keep_content;
    store->keep_trace = keep_trace;
}

void mg_store_measures(struct mg_store *store, struct mg_store_measures *measures)
{
    *measures = (struct mg_store_measures){.messages = -1, .free_bytes = -1};
    if (store->class->measures)
        store->class->measures(store, measures);
}

bool mg_store_ready(struct mg_store *store)
{
    return store->class->ready(store);
}

bool mg_store_can_record(struct mg_store *store)
{
    return store->class->can_record(store);
}

void mg_store_close(struct mg_store *store)
{
    if (store)
        store->class->close(store);
}

/* ---- what the implementations share ---- */

/* By its run function a call is known. */
static const struct kind {
    void (*run)(struct mg_handoff_item *item);
    enum mg_store_call call;
    size_t ok;
    size_t error;
} kinds[] = {
#define KIND(run, call, type)                                                                      \
    {                                                                                              \
        run, call, offsetof(struct type, ok), offsetof(struct type, error)                         \
    }
    KIND(run_accept, MG_STORE_CALL_ACCEPT, mg_store_accept),
    KIND(run_claim, MG_STORE_CALL_CLAIM, mg_store_claim),
    KIND(run_outcome, MG_STORE_CALL_OUTCOME, mg_store_outcome),
    KIND(run_take, MG_STORE_CALL_TAKE, mg_store_take),
    KIND(run_settle, MG_STORE_CALL_SETTLE, mg_store_settle),
    KIND(run_note, MG_STORE_CALL_NOTE, mg_store_note),
    KIND(mg_store_run_act, MG_STORE_CALL_ACT, mg_store_act),
    KIND(mg_store_run_revive, MG_STORE_CALL_REVIVE, mg_store_revive),
    KIND(mg_store_run_pausing, MG_STORE_CALL_PAUSING, mg_store_pausing),
#undef KIND
};

static const struct kind *kind_of(const struct mg_handoff_item *item)
{
    const struct kind *kind = kinds;
    while (kind->run != item->run)
        kind++;
    return kind;
}

enum mg_store_call mg_store_call(const struct mg_handoff_item *item)
{
    return kind_of(item)->call;
}

bool *mg_store_call_ok(struct mg_handoff_item *item)
{
    return (bool *)((char *)item + kind_of(item)->ok);
}

struct mg_error *mg_store_call_error(struct mg_handoff_item *item)
{
    return (struct mg_error *)((char *)item + kind_of(item)->error);
}

void mg_store_lines_free(struct mg_store_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->lines[i].text);
    free(lines->lines);
    *lines = (struct mg_store_lines){0};
}

struct mg_store_line *mg_store_lines_add(struct mg_store_lines *lines, const char *text,
                                         size_t length)
{
    /* Doubled whenever the count is a power of two. */
    if ((lines->count & (lines->count - 1)) == 0)
        lines->lines = mg_reallocate(lines->lines,
                                     (lines->count ? 2 * lines->count : 1) * sizeof *lines->lines);
    struct mg_store_line *line = &lines->lines[lines->count++];
    *line = (struct mg_store_line){.length = length};
    line->text = mg_allocate(length + 1);
    if (length > 0)
        memcpy(line->text, text, length);
    line->text[length] = '\0';
    return line;
}

void mg_store_copy_text(char *to, size_t size, const char *text)
{
    size_t length = text ? strnlen(text, size - 1) : 0;
    if (length > 0)
        memcpy(to, text, length);
    to[length] = '\0';
}

bool mg_store_is_end(enum mg_delivery_state state)
{
    return state == MG_DELIVERY_DELIVERED || state == MG_DELIVERY_COLLECTED ||
           state == MG_DELIVERY_DEAD || state == MG_DELIVERY_CANCELLED;
}

int64_t mg_store_content_size(const struct mg_store_accept *accept)
{
    int64_t size = 0;
    for (size_t i = 0; i < accept->part_count; i++)
        if (accept->parts[i].kind == MG_PART_CONTENT)
            size += mg_store_part_length(&accept->parts[i]);
    return size;
}

bool mg_store_is_content(int kind)
{
    return kind != MG_PART_RECEIPT && kind != MG_PART_HEADER;
}

bool mg_store_fail_lost_claim(struct mg_error *error)
{
    return mg_fail(
        error, "store.lost-claim",
        "this node no longer has the delivery: its lease ended and it was claimed again");
}

bool mg_store_fail_taken(struct mg_error *error)
{
    return mg_fail(error, "box.taken",
                   "the message is taken at the moment; it can be taken when that lease has ended, "
                   "unless it is acknowledged by then");
}

bool mg_store_fail_lost_taking(struct mg_error *error)
{
    return mg_fail(error, "box.lost",
                   "the lease of this taking has ended, and somebody else may have the message; "
                   "take it again");
}

bool mg_store_fail_unknown(struct mg_error *error)
{
    return mg_fail(error, "box.unknown", "no such message waits in this box");
}

bool mg_store_fail_no_part(struct mg_error *error)
{
    return mg_fail(error, "store.no-such-part", "the store holds no such part of this message");
}

/* ---- erasing ---- */

bool mg_store_backup(struct mg_store *store, struct mg_store_backup *backup, struct mg_error *error)
{
    backup->file = -1;
    if (store->class->backup)
        return store->class->backup(store, backup, error);
    return mg_fail(error, "store.failed", "this store keeps nothing that could be backed up");
}

bool mg_store_erase(struct mg_store *store, struct mg_store_erase *erase, struct mg_error *error)
{
    erase->gone_from_log = false;
    return store->class->erase(store, erase, error);
}

bool mg_store_remains(struct mg_store *store, const struct mg_id *message, const char *partner,
                      const char *uuid, struct mg_store_remains *remains, struct mg_error *error)
{
    *remains = (struct mg_store_remains){0};
    return store->class->remains(store, message, partner, uuid, remains, error);
}

void mg_store_remains_free(struct mg_store_remains *remains)
{
    free(remains->parts);
    *remains = (struct mg_store_remains){0};
}

bool mg_store_fail_no_message(struct mg_error *error)
{
    return mg_fail(error, "message.unknown", "No such message is stored.");
}

bool mg_store_may_erase(enum mg_delivery_state state, bool cancel, struct mg_error *error)
{
    if (state == MG_DELIVERY_RUNNING)
        return mg_fail(error, "act.running",
                       "The message is being delivered, or has been taken out of its box, at this "
                       "moment; look at it again.");
    return cancel || mg_fail(error, "act.open",
                             "The message is not delivered everywhere yet; cancel its deliveries "
                             "first, or say that they end with it.");
}
