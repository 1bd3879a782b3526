/* The store in memory: behaves as the durable one does, and forgets everything at its end. */
#include "gateway/store/memory.h"

#include "gateway/base/clock.h"

#include <stdlib.h>
#include <string.h>

/* ---- finding ---- */

static size_t id_bucket(const struct mg_id *id)
{
    return (size_t)(id->bytes[14] << 8 | id->bytes[15]) % MG_MEMORY_BUCKETS;
}

static size_t text_bucket(const char *partner, const char *uuid)
{
    /* FNV-1a over both texts. */
    uint32_t hash = 2166136261u;
    for (; *partner; partner++)
        hash = (hash ^ (uint8_t)*partner) * 16777619u;
    for (; *uuid; uuid++)
        hash = (hash ^ (uint8_t)*uuid) * 16777619u;
    return hash % MG_MEMORY_BUCKETS;
}

struct memory_message *mg_memory_find(struct memory_store *memory, const struct mg_id *id)
{
    struct memory_message *message = memory->messages[id_bucket(id)];
    while (message && memcmp(&message->facts.id, id, sizeof *id) != 0)
        message = message->next_in_bucket;
    return message;
}

static struct memory_known **find_known(struct memory_store *memory, const char *partner,
                                        const char *uuid)
{
    struct memory_known **known = &memory->known[text_bucket(partner, uuid)];
    while (*known && (strcmp((*known)->uuid, uuid) != 0 || strcmp((*known)->partner, partner) != 0))
        known = &(*known)->next_in_bucket;
    return known;
}

static struct memory_part *find_part(struct memory_store *memory, const struct mg_id *id, int kind)
{
    struct memory_message *message = mg_memory_find(memory, id);
    for (size_t i = 0; message && i < message->part_count; i++)
        if (message->parts[i].kind == kind)
            return &message->parts[i];
    return NULL;
}

static struct memory_delivery *find_delivery(struct memory_store *memory,
                                             const struct mg_id *message_id, const struct mg_id *id)
{
    struct memory_message *message = mg_memory_find(memory, message_id);
    for (size_t i = 0; message && i < message->delivery_count; i++)
        if (memcmp(&message->deliveries[i].facts.id, id, sizeof *id) == 0)
            return &message->deliveries[i];
    return NULL;
}

/* ---- writing ---- */

void mg_memory_add_event(struct memory_message *message, int64_t time, const char *destination,
                         const char *code, const char *text, int64_t duration)
{
    message->events =
        mg_reallocate(message->events, (message->event_count + 1) * sizeof *message->events);
    struct mg_store_event *event = &message->events[message->event_count++];
    event->time = time;
    event->duration = duration;
    mg_store_copy_text(event->destination, sizeof event->destination, destination);
    mg_store_copy_text(event->code, sizeof event->code, code);
    mg_store_copy_text(event->text, sizeof event->text, text);
}

void mg_memory_open_delivery(struct memory_store *memory, struct memory_delivery *delivery)
{
    if (memory->open_count == memory->open_room) {
        memory->open_room = memory->open_room ? 2 * memory->open_room : 64;
        memory->open = mg_reallocate(memory->open, memory->open_room * sizeof(void *));
    }
    size_t place = memory->open_count++;
    for (; place > 0 && memory->open[place - 1]->key > delivery->key; place--)
        memory->open[place] = memory->open[place - 1];
    memory->open[place] = delivery;
}

void mg_memory_close_delivery(struct memory_store *memory, struct memory_delivery *delivery)
{
    size_t kept = 0;
    for (size_t i = 0; i < memory->open_count; i++)
        if (memory->open[i] != delivery)
            memory->open[kept++] = memory->open[i];
    memory->open_count = kept;
}

static void copy_facts(struct mg_store_message *facts, const struct mg_store_accept *accept)
{
    facts->id = accept->id;
    facts->received = accept->received;
    memcpy(facts->digest, accept->digest, sizeof facts->digest);
    mg_store_copy_text(facts->partner, sizeof facts->partner, accept->partner);
    mg_store_copy_text(facts->way, sizeof facts->way, accept->way);
    mg_store_copy_text(facts->uuid, sizeof facts->uuid, accept->uuid);
    mg_store_copy_text(facts->profile, sizeof facts->profile, accept->profile);
    mg_store_copy_text(facts->type, sizeof facts->type, accept->type);
    mg_store_copy_text(facts->author, sizeof facts->author, accept->author);
    mg_store_copy_text(facts->reader, sizeof facts->reader, accept->reader);
}

static void copy_parts(struct memory_message *message, const struct mg_store_accept *accept)
{
    message->parts = mg_allocate_zeroed(accept->part_count, sizeof *message->parts);
    message->part_count = accept->part_count;
    for (size_t i = 0; i < accept->part_count; i++) {
        const struct mg_store_part *from = &accept->parts[i];
        struct memory_part *part = &message->parts[i];
        part->kind = from->kind;
        part->length = mg_store_part_length(from);
        part->bytes = mg_allocate((size_t)part->length);
        if (part->length > 0)
            memcpy(part->bytes, mg_store_part_bytes(from), (size_t)part->length);
        mg_store_copy_text(part->media_type, sizeof part->media_type, from->media_type);
        mg_store_copy_text(part->name, sizeof part->name, from->name);
    }
}

static void copy_deliveries(struct memory_store *memory, struct memory_message *message,
                            const struct mg_store_accept *accept)
{
    message->deliveries = mg_allocate_zeroed(accept->delivery_count, sizeof *message->deliveries);
    message->delivery_count = accept->delivery_count;
    for (size_t i = 0; i < accept->delivery_count; i++) {
        struct memory_delivery *delivery = &message->deliveries[i];
        struct mg_store_delivery *facts = &delivery->facts;
        delivery->message = message;
        delivery->key = ++memory->last_key;
        facts->id = accept->deliveries[i].id;
        facts->message = accept->id;
        facts->received = facts->since = facts->next_attempt = accept->received;
        mg_store_copy_text(facts->destination, sizeof facts->destination,
                           accept->deliveries[i].destination);
        mg_memory_open_delivery(memory, delivery);
    }
}

static void remember(struct memory_known **place, const struct mg_store_accept *accept)
{
    struct memory_known *known = *place;
    if (!known) {
        known = *place = mg_allocate_zeroed(1, sizeof *known);
        known->partner = mg_copy_text(accept->partner);
        known->uuid = mg_copy_text(accept->uuid);
    }
    memcpy(known->digest, accept->digest, sizeof known->digest);
    known->message = accept->id;
    known->until = accept->remembered_until;
}

static void add_message(struct memory_store *memory, const struct mg_store_accept *accept)
{
    struct memory_message *message = mg_allocate_zeroed(1, sizeof *message);
    message->seq = ++memory->last_seq;
    copy_facts(&message->facts, accept);
    copy_parts(message, accept);
    message->size = mg_store_content_size(accept);
    copy_deliveries(memory, message, accept);
    mg_memory_add_event(message, accept->received, NULL, "accepted", NULL, 0);
    if (accept->delivery_count == 0)
        message->ended = accept->received;
    struct memory_message **bucket = &memory->messages[id_bucket(&accept->id)];
    message->next_in_bucket = *bucket;
    *bucket = message;
    *memory->end = message;
    memory->end = &message->next;
}

static enum mg_accept_result compare(const struct memory_known *known, const uint8_t digest[32],
                                     struct mg_id *known_id)
{
    *known_id = known->message;
    bool same = memcmp(known->digest, digest, sizeof known->digest) == 0;
    return same ? MG_ACCEPT_REPEATED : MG_ACCEPT_DIFFERENT;
}

static bool accept_message(struct memory_store *memory, struct mg_store_accept *accept)
{
    struct memory_known **known = find_known(memory, accept->partner, accept->uuid);
    if (*known && (*known)->until > accept->received) {
        accept->result = compare(*known, accept->digest, &accept->known_id);
        return true;
    }
    if (mg_memory_find(memory, &accept->id))
        return mg_fail(&accept->error, "store.failed", "the message's id is already in the store");
    remember(known, accept);
    add_message(memory, accept);
    mg_memory_write_line(memory, &accept->id, accept->line);
    return true;
}

static void memory_accept(struct mg_store *store, struct mg_store_accept *accept)
{
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    accept->ok = accept_message(memory, accept);
    pthread_mutex_unlock(&memory->lock);
    mg_store_drop_spools(accept);
    mg_handoff_post(store->handoff, &accept->item);
}

void mg_memory_end_message(struct memory_message *message, int64_t now)
{
    message->ended = now;
    for (size_t i = 0; i < message->delivery_count; i++)
        if (message->deliveries[i].facts.ended == 0 || message->deliveries[i].blocks)
            message->ended = 0;
}

void mg_memory_record(struct memory_store *memory, struct memory_delivery *delivery,
                      const struct mg_store_outcome *outcome)
{
    struct mg_store_delivery *facts = &delivery->facts;
    facts->state = outcome->state;
    facts->attempts -= outcome->attempt_counts ? 0 : 1;
    if (outcome->state == MG_DELIVERY_WAITING)
        facts->next_attempt = outcome->next_attempt;
    mg_store_copy_text(facts->last_code, sizeof facts->last_code, outcome->code);
    mg_store_copy_text(facts->last_text, sizeof facts->last_text, outcome->text);
    mg_memory_add_event(delivery->message, outcome->now, facts->destination, outcome->code,
                        outcome->text, outcome->duration);
    delivery->blocks = outcome->blocks;
    if (!mg_store_is_end(outcome->state))
        return;
    facts->ended = outcome->now;
    mg_memory_end_message(delivery->message, outcome->now);
    mg_memory_close_delivery(memory, delivery);
}

static bool record_outcome(struct memory_store *memory, struct mg_store_outcome *outcome)
{
    struct memory_delivery *delivery = find_delivery(memory, &outcome->message, &outcome->delivery);
    if (!delivery || delivery->facts.state != MG_DELIVERY_RUNNING || delivery->taken)
        return mg_store_fail_lost_claim(&outcome->error);
    mg_memory_record(memory, delivery, outcome);
    mg_memory_write_line(memory, &outcome->message, outcome->line);
    return true;
}

static void memory_outcome(struct mg_store *store, struct mg_store_outcome *outcome)
{
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    outcome->ok = record_outcome(memory, outcome);
    pthread_mutex_unlock(&memory->lock);
    mg_handoff_post(store->handoff, &outcome->item);
}

/* ---- reading ---- */

static bool memory_find(struct mg_store *store, const struct mg_id *id,
                        struct mg_store_message *message, bool *found, struct mg_error *error)
{
    (void)error;
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    const struct memory_message *known = mg_memory_find(memory, id);
    if (known)
        *message = known->facts;
    *found = known;
    pthread_mutex_unlock(&memory->lock);
    return true;
}

static bool memory_look_up(struct mg_store *store, const char *partner, const char *uuid,
                           const uint8_t digest[32], enum mg_accept_result *result,
                           struct mg_id *known_id, struct mg_error *error)
{
    (void)error;
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    const struct memory_known *known = *find_known(memory, partner, uuid);
    if (known && known->until > mg_clock_now())
        *result = compare(known, digest, known_id);
    pthread_mutex_unlock(&memory->lock);
    return true;
}

static bool memory_part(struct mg_store *store, const struct mg_id *id, int kind,
                        struct mg_store_part_facts *facts, struct mg_error *error)
{
    (void)error;
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    const struct memory_part *part = find_part(memory, id, kind);
    if (part) {
        facts->size = part->length;
        memcpy(facts->media_type, part->media_type, sizeof facts->media_type);
        memcpy(facts->name, part->name, sizeof facts->name);
    }
    pthread_mutex_unlock(&memory->lock);
    return true;
}

static ssize_t memory_read(struct mg_store *store, const struct mg_id *id, int kind, int64_t offset,
                           void *bytes, size_t size, struct mg_error *error)
{
    struct memory_store *memory = (struct memory_store *)store;
    ssize_t result = -1;
    pthread_mutex_lock(&memory->lock);
    const struct memory_part *part = find_part(memory, id, kind);
    if (part) {
        int64_t left = offset < part->length ? part->length - offset : 0;
        result = left < (int64_t)size ? (ssize_t)left : (ssize_t)size;
        if (result > 0)
            memcpy(bytes, part->bytes + offset, (size_t)result);
    } else {
        mg_store_fail_no_part(error);
    }
    pthread_mutex_unlock(&memory->lock);
    return result;
}

static int memory_descriptor(struct mg_store *store, const struct mg_id *id, int kind)
{
    (void)store, (void)id, (void)kind;
    return -1;
}

static bool memory_deliveries(struct mg_store *store, const struct mg_id *id,
                              struct mg_store_delivery **deliveries, size_t *count,
                              struct mg_error *error)
{
    (void)error;
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    const struct memory_message *message = mg_memory_find(memory, id);
    if (message && message->delivery_count > 0) {
        *count = message->delivery_count;
        *deliveries = mg_allocate(*count * sizeof **deliveries);
        for (size_t i = 0; i < *count; i++)
            (*deliveries)[i] = message->deliveries[i].facts;
    }
    pthread_mutex_unlock(&memory->lock);
    return true;
}

static bool memory_events(struct mg_store *store, const struct mg_id *id,
                          struct mg_store_event **events, size_t *count, struct mg_error *error)
{
    (void)error;
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    const struct memory_message *message = mg_memory_find(memory, id);
    if (message) {
        *count = message->event_count;
        *events = mg_allocate(*count * sizeof **events);
        memcpy(*events, message->events, *count * sizeof **events);
    }
    pthread_mutex_unlock(&memory->lock);
    return true;
}

static void count_message(const struct memory_message *message, struct mg_store_totals *totals)
{
    totals->messages++;
    for (size_t i = 0; i < message->delivery_count; i++) {
        enum mg_delivery_state state = message->deliveries[i].facts.state;
        totals->waiting += !mg_store_is_end(state);
        totals->dead += state == MG_DELIVERY_DEAD;
    }
    for (size_t i = 0; i < message->part_count; i++)
        totals->bytes += message->parts[i].length;
}

static bool memory_totals(struct mg_store *store, struct mg_store_totals *totals,
                          struct mg_error *error)
{
    (void)error;
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    for (const struct memory_message *message = memory->first; message; message = message->next)
        count_message(message, totals);
    pthread_mutex_unlock(&memory->lock);
    return true;
}

static bool memory_ready(struct mg_store *store)
{
    (void)store;
    return true;
}

/* ---- forgetting ---- */

static void drop_content(struct memory_message *message)
{
    size_t kept = 0;
    for (size_t i = 0; i < message->part_count; i++) {
        if (mg_store_is_content(message->parts[i].kind))
            free(message->parts[i].bytes);
        else
            message->parts[kept++] = message->parts[i];
    }
    message->part_count = kept;
}

static void free_message(struct memory_message *message)
{
    for (size_t i = 0; i < message->part_count; i++)
        free(message->parts[i].bytes);
    free(message->parts);
    free(message->deliveries);
    free(message->events);
    free(message);
}

static void remove_message(struct memory_store *memory, struct memory_message **place)
{
    struct memory_message *message = *place;
    struct memory_message **bucket = &memory->messages[id_bucket(&message->facts.id)];
    while (*bucket != message)
        bucket = &(*bucket)->next_in_bucket;
    *bucket = message->next_in_bucket;
    *place = message->next;
    if (!*place)
        memory->end = place;
    free_message(message);
}

static void free_known(struct memory_known *known)
{
    free(known->partner);
    free(known->uuid);
    free(known);
}

static void forget_known(struct memory_store *memory, int64_t until)
{
    for (size_t i = 0; i < MG_MEMORY_BUCKETS; i++) {
        for (struct memory_known **place = &memory->known[i]; *place;) {
            struct memory_known *known = *place;
            if (known->until > until) {
                place = &known->next_in_bucket;
                continue;
            }
            *place = known->next_in_bucket;
            free_known(known);
        }
    }
}

static bool has_content(const struct memory_message *message)
{
    for (size_t i = 0; i < message->part_count; i++)
        if (mg_store_is_content(message->parts[i].kind))
            return true;
    return false;
}

static struct mg_store_oldest find_oldest(const struct memory_store *memory)
{
    struct mg_store_oldest oldest = {INT64_MAX, INT64_MAX, INT64_MAX};
    for (size_t i = 0; i < MG_MEMORY_BUCKETS; i++)
        for (const struct memory_known *known = memory->known[i]; known;
             known = known->next_in_bucket)
            if (known->until < oldest.duplicates)
                oldest.duplicates = known->until;
    for (const struct memory_message *message = memory->first; message; message = message->next) {
        if (message->ended == 0)
            continue;
        if (message->ended < oldest.traces)
            oldest.traces = message->ended;
        if (message->ended < oldest.contents && has_content(message))
            oldest.contents = message->ended;
    }
    return oldest;
}

static bool memory_expire(struct mg_store *store, struct mg_store_expiry *expiry,
                          struct mg_error *error)
{
    (void)error;
    struct memory_store *memory = (struct memory_store *)store;
    size_t removed = 0;
    pthread_mutex_lock(&memory->lock);
    if (!expiry->begun) {
        struct mg_store_oldest oldest = find_oldest(memory);
        mg_store_begin_expiry(store, &oldest, expiry);
    }
    forget_known(memory, expiry->duplicates);
    for (struct memory_message **place = &memory->first; *place;) {
        struct memory_message *message = *place;
        bool over = message->ended != 0;
        if (over && message->ended <= expiry->contents)
            drop_content(message);
        if (over && message->ended <= expiry->traces && removed < MG_STORE_EXPIRE_BATCH) {
            remove_message(memory, place);
            removed++;
        } else {
            place = &message->next;
        }
    }
    expiry->more = removed == MG_STORE_EXPIRE_BATCH;
    pthread_mutex_unlock(&memory->lock);
    return true;
}

static bool erase_message(struct memory_store *memory, const struct mg_store_erase *erase,
                          struct mg_error *error)
{
    struct memory_message **place = &memory->first;
    while (*place && memcmp(&(*place)->facts.id, &erase->message, sizeof erase->message) != 0)
        place = &(*place)->next;
    if (!*place)
        return mg_store_fail_no_message(error);
    for (size_t i = 0; i < (*place)->delivery_count; i++) {
        enum mg_delivery_state state = (*place)->deliveries[i].facts.state;
        if (!mg_store_is_end(state) && !mg_store_may_erase(state, erase->cancel, error))
            return false;
    }
    for (size_t i = 0; i < (*place)->delivery_count; i++)
        mg_memory_close_delivery(memory, &(*place)->deliveries[i]);
    remove_message(memory, place);
    mg_memory_write_line(memory, &erase->message, erase->line);
    return true;
}

static bool memory_erase(struct mg_store *store, struct mg_store_erase *erase,
                         struct mg_error *error)
{
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    bool erased = erase_message(memory, erase, error);
    pthread_mutex_unlock(&memory->lock);
    erase->gone_from_log = erased;
    return erased;
}

static void copy_remains(const struct memory_message *message, struct mg_store_remains *remains)
{
    remains->message = true;
    remains->deliveries = (int64_t)message->delivery_count;
    remains->events = (int64_t)message->event_count;
    remains->part_count = message->part_count;
    remains->parts = mg_allocate_zeroed(message->part_count + 1, sizeof *remains->parts);
    for (size_t i = 0; i < message->part_count; i++) {
        remains->parts[i].kind = message->parts[i].kind;
        remains->parts[i].size = message->parts[i].length;
        mg_store_copy_text(remains->parts[i].media_type, sizeof remains->parts[i].media_type,
                           message->parts[i].media_type);
    }
}

static bool memory_remains(struct mg_store *store, const struct mg_id *id, const char *partner,
                           const char *uuid, struct mg_store_remains *remains,
                           struct mg_error *error)
{
    (void)error;
    struct memory_store *memory = (struct memory_store *)store;
    char subject[MG_ID_TEXT_SIZE];
    mg_id_text(id, subject);
    pthread_mutex_lock(&memory->lock);
    const struct memory_message *message = mg_memory_find(memory, id);
    if (message)
        copy_remains(message, remains);
    for (size_t i = 0; i < memory->journal.count; i++)
        remains->lines += strcmp(memory->journal.lines[i].subject, subject) == 0;
    const struct memory_known *known = partner && uuid ? *find_known(memory, partner, uuid) : NULL;
    if (known && memcmp(&known->message, id, sizeof *id) == 0)
        remains->known_until = known->until;
    pthread_mutex_unlock(&memory->lock);
    return true;
}

static void memory_close(struct mg_store *store)
{
    struct memory_store *memory = (struct memory_store *)store;
    while (memory->first)
        remove_message(memory, &memory->first);
    forget_known(memory, INT64_MAX);
    mg_store_lines_free(&memory->journal);
    mg_store_chain_free(memory->chain);
    free(memory->pauses);
    free(memory->open);
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

static const struct mg_store_class memory_class = {
    .accept = memory_accept,
    .claim = mg_memory_claim,
    .outcome = memory_outcome,
    .take = mg_memory_take,
    .settle = mg_memory_settle,
    .note = mg_memory_note,
    .journal = mg_memory_journal,
    .trim_journal = mg_memory_trim_journal,
    .erase = memory_erase,
    .remains = memory_remains,
    .journal_last = mg_memory_journal_last,
    .queue = mg_memory_queue,
    .queues = mg_memory_queues,
    .list = mg_memory_list,
    .act = mg_memory_act,
    .revive = mg_memory_revive,
    .pausing = mg_memory_pausing,
    .pauses = mg_memory_pauses,
    .search = mg_memory_search,
    .find = memory_find,
    .look_up = memory_look_up,
    .part = memory_part,
    .read = memory_read,
    .descriptor = memory_descriptor,
    .deliveries = memory_deliveries,
    .events = memory_events,
    .totals = memory_totals,
    .expire = memory_expire,
    .ready = memory_ready,
    .can_record = memory_ready,
    .close = memory_close,
};

struct mg_store *mg_store_memory_open(const struct mg_store_options *options,
                                      struct mg_handoff *handoff, struct mg_error *error)
{
    (void)error;
    struct memory_store *memory = mg_allocate_zeroed(1, sizeof *memory);
    memory->store =
        (struct mg_store){.class = &memory_class, .handoff = handoff, .spool_folder = -1};
    mg_store_set_retention(&memory->store, options->keep_content, options->keep_trace);
    memory->end = &memory->first;
    memory->chain = mg_store_chain_new();
    pthread_mutex_init(&memory->lock, NULL);
    return &memory->store;
}
