/* Claims, boxes and numbers of the store in memory: it looks at everything that is open, each time,
 * since it is for tests. */
#include "gateway/store/memory.h"

#include <stdlib.h>
#include <string.h>

static bool is_for(const struct memory_delivery *delivery, const char *destination)
{
    return strcmp(delivery->facts.destination, destination) == 0;
}

/* Those whose lease has ended return to the queue. */
void mg_memory_return_leases(struct memory_store *memory, const char *destination, int64_t now)
{
    for (size_t i = 0; i < memory->open_count; i++) {
        struct memory_delivery *delivery = memory->open[i];
        if (delivery->facts.state == MG_DELIVERY_RUNNING && delivery->lease <= now &&
            is_for(delivery, destination)) {
            delivery->facts.state = MG_DELIVERY_WAITING;
            delivery->taken = false;
        }
    }
}

static bool is_after(const struct memory_delivery *delivery, int64_t time, int64_t key)
{
    return delivery->facts.next_attempt > time ||
           (delivery->facts.next_attempt == time && delivery->key > key);
}

/* The one that waits longest for this destination, whether it is due or not, after a place. */
static struct memory_delivery *first_waiting(struct memory_store *memory, const char *destination,
                                             struct mg_store_place after)
{
    struct memory_delivery *first = NULL;
    for (size_t i = 0; i < memory->open_count; i++) {
        struct memory_delivery *delivery = memory->open[i];
        if (delivery->facts.state == MG_DELIVERY_WAITING &&
            is_after(delivery, after.time, after.key) &&
            (!first || is_after(first, delivery->facts.next_attempt, delivery->key)) &&
            is_for(delivery, destination))
            first = delivery;
    }
    return first;
}

static const struct mg_store_place beginning;

/* ---- claims ---- */

/* When the first lease ends; 0: nothing runs. */
static int64_t first_lease(const struct memory_store *memory, const char *destination)
{
    int64_t lease = 0;
    for (size_t i = 0; i < memory->open_count; i++) {
        const struct memory_delivery *delivery = memory->open[i];
        if (delivery->facts.state == MG_DELIVERY_RUNNING &&
            (lease == 0 || delivery->lease < lease) && is_for(delivery, destination))
            lease = delivery->lease;
    }
    return lease;
}

static int64_t due_by(const struct mg_store_claim *claim)
{
    return claim->due_by != 0 ? claim->due_by : claim->now;
}

static void run(struct memory_delivery *delivery, int64_t lease, bool taken)
{
    delivery->facts.state = MG_DELIVERY_RUNNING;
    delivery->facts.attempts++;
    delivery->lease = lease;
    delivery->taken = taken;
}

static void claim_delivery(struct mg_store_claim *claim, struct memory_delivery *delivery)
{
    run(delivery, claim->lease, false);
    claim->deliveries =
        mg_reallocate(claim->deliveries, (claim->count + 1) * sizeof *claim->deliveries);
    claim->deliveries[claim->count++] = delivery->facts;
}

static void claim_due(struct memory_store *memory, struct mg_store_claim *claim)
{
    struct memory_delivery *delivery;
    while ((delivery = first_waiting(memory, claim->destination, beginning)) &&
           claim->count < claim->limit && delivery->facts.next_attempt <= due_by(claim))
        claim_delivery(claim, delivery);
    int64_t lease = first_lease(memory, claim->destination);
    claim->next_lease = lease;
    claim->next_due = delivery ? delivery->facts.next_attempt : 0;
    if (lease != 0 && (!delivery || lease < claim->next_due))
        claim->next_due = lease;
}

/* The first that is dead and may not be overtaken. All that are let pass are passed. */
static struct memory_delivery *first_blocking(struct memory_store *memory,
                                              const struct mg_store_claim *claim)
{
    struct memory_message *message = memory->first;
    for (; message; message = message->next) {
        for (size_t i = 0; i < message->delivery_count; i++) {
            struct memory_delivery *delivery = &message->deliveries[i];
            if (!delivery->blocks || !is_for(delivery, claim->destination))
                continue;
            if (!claim->pass_dead)
                return delivery;
            delivery->blocks = false;
            mg_memory_end_message(message, claim->now);
        }
    }
    return NULL;
}

/* The first that is not over: they stand in the order of acceptance. */
static struct memory_delivery *first_open(struct memory_store *memory, const char *destination)
{
    for (size_t i = 0; i < memory->open_count; i++)
        if (is_for(memory->open[i], destination))
            return memory->open[i];
    return NULL;
}

static void claim_ordered(struct memory_store *memory, struct mg_store_claim *claim)
{
    const struct memory_delivery *dead = first_blocking(memory, claim);
    struct memory_delivery *first = first_open(memory, claim->destination);
    claim->next_due = first_lease(memory, claim->destination);
    if (claim->next_due != 0)
        return;
    if (dead && first && first->key < dead->key)
        dead = NULL;
    if (dead || (first && first->facts.state == MG_DELIVERY_HELD)) {
        claim->blocked = true;
        claim->blocking = dead ? dead->facts.message : first->facts.message;
    } else if (first && first->facts.next_attempt > due_by(claim)) {
        claim->next_due = first->facts.next_attempt;
    } else if (first && claim->limit > 0) {
        claim_delivery(claim, first);
        claim->next_due = claim->lease;
    }
}

void mg_memory_claim(struct mg_store *store, struct mg_store_claim *claim)
{
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    mg_memory_return_leases(memory, claim->destination, claim->now);
    if (claim->ordered)
        claim_ordered(memory, claim);
    else
        claim_due(memory, claim);
    claim->ok = true;
    pthread_mutex_unlock(&memory->lock);
    mg_handoff_post(store->handoff, &claim->item);
}

/* ---- boxes ---- */

static struct memory_delivery *find_boxed(struct memory_store *memory, const struct mg_id *id,
                                          const char *destination)
{
    struct memory_message *message = mg_memory_find(memory, id);
    for (size_t i = 0; message && i < message->delivery_count; i++)
        if (is_for(&message->deliveries[i], destination))
            return &message->deliveries[i];
    return NULL;
}

static bool take_delivery(struct memory_store *memory, struct mg_store_take *take)
{
    mg_memory_return_leases(memory, take->destination, take->now);
    struct memory_delivery *delivery = take->message
                                           ? find_boxed(memory, take->message, take->destination)
                                           : first_waiting(memory, take->destination, beginning);
    if (!take->message && !delivery)
        return true;
    if (!delivery || mg_store_is_end(delivery->facts.state))
        return mg_store_fail_unknown(&take->error);
    if (delivery->facts.state != MG_DELIVERY_WAITING)
        return mg_store_fail_taken(&take->error);
    run(delivery, take->lease, true);
    take->delivery = delivery->facts;
    take->found = true;
    return true;
}

void mg_memory_take(struct mg_store *store, struct mg_store_take *take)
{
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    take->ok = take_delivery(memory, take);
    pthread_mutex_unlock(&memory->lock);
    mg_handoff_post(store->handoff, &take->item);
}

static bool settle_delivery(struct memory_store *memory, struct mg_store_settle *settle)
{
    struct memory_delivery *delivery = find_boxed(memory, &settle->message, settle->destination);
    if (!delivery)
        return mg_store_fail_unknown(&settle->error);
    const struct mg_store_delivery *facts = &delivery->facts;
    bool same = facts->attempts == settle->attempt;
    settle->repeated =
        same && facts->state == MG_DELIVERY_COLLECTED && settle->state == MG_DELIVERY_COLLECTED;
    if (settle->repeated)
        return true;
    if (!same || facts->state != MG_DELIVERY_RUNNING || !delivery->taken ||
        delivery->lease <= settle->now)
        return mg_store_fail_lost_taking(&settle->error);
    const struct mg_store_outcome outcome = {
        .state = settle->state,
        .attempt_counts = true,
        .now = settle->now,
        .next_attempt = facts->next_attempt,
        .code = settle->code,
        .text = settle->text,
    };
    mg_memory_record(memory, delivery, &outcome);
    mg_memory_write_line(memory, &settle->message, settle->line);
    return true;
}

void mg_memory_settle(struct mg_store *store, struct mg_store_settle *settle)
{
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    settle->ok = settle_delivery(memory, settle);
    pthread_mutex_unlock(&memory->lock);
    mg_handoff_post(store->handoff, &settle->item);
}

static void copy_entry(struct mg_store_entry *entry, const struct memory_delivery *delivery)
{
    const struct mg_store_message *message = &delivery->message->facts;
    entry->message = message->id;
    entry->received = message->received;
    entry->size = delivery->message->size;
    entry->attempts = delivery->facts.attempts;
    memcpy(entry->uuid, message->uuid, sizeof entry->uuid);
    memcpy(entry->type, message->type, sizeof entry->type);
    memcpy(entry->author, message->author, sizeof entry->author);
    memcpy(entry->reader, message->reader, sizeof entry->reader);
    memcpy(entry->partner, message->partner, sizeof entry->partner);
}

bool mg_memory_list(struct mg_store *store, const char *destination, struct mg_store_place after,
                    size_t limit, int64_t now, struct mg_store_list *list, struct mg_error *error)
{
    (void)error;
    struct memory_store *memory = (struct memory_store *)store;
    list->entries = mg_allocate(limit * sizeof *list->entries);
    pthread_mutex_lock(&memory->lock);
    mg_memory_return_leases(memory, destination, now);
    const struct memory_delivery *delivery;
    while (list->count < limit && (delivery = first_waiting(memory, destination, after))) {
        after = (struct mg_store_place){delivery->facts.next_attempt, delivery->key};
        copy_entry(&list->entries[list->count++], delivery);
    }
    pthread_mutex_unlock(&memory->lock);
    list->next = after;
    list->more = list->count == limit;
    return true;
}

/* ---- numbers ---- */

static void count_delivery(struct mg_store_queue *queue, const struct memory_delivery *delivery)
{
    const struct mg_store_delivery *facts = &delivery->facts;
    queue->dead += facts->state == MG_DELIVERY_DEAD;
    if (mg_store_is_end(facts->state))
        return;
    if (queue->waiting++ == 0)
        queue->oldest = facts->received;
    queue->running += facts->state == MG_DELIVERY_RUNNING;
    queue->held += facts->state == MG_DELIVERY_HELD;
    queue->bytes += delivery->message->size;
}

/* The queue of a destination in the array; added if it is not there. */
static struct mg_store_queue *queue_of(struct mg_store_queue **queues, size_t *count,
                                       const char *destination)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*queues)[i].destination, destination) == 0)
            return &(*queues)[i];
    *queues = mg_reallocate(*queues, (*count + 1) * sizeof **queues);
    struct mg_store_queue *queue = &(*queues)[(*count)++];
    *queue = (struct mg_store_queue){0};
    mg_store_copy_text(queue->destination, sizeof queue->destination, destination);
    return queue;
}

/* Those that are over and not dead are no reason to name a destination. */
void mg_memory_queues(struct mg_store *store, struct mg_store_queue **queues, size_t *count)
{
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    for (const struct memory_message *message = memory->first; message; message = message->next) {
        for (size_t i = 0; i < message->delivery_count; i++) {
            const struct memory_delivery *delivery = &message->deliveries[i];
            enum mg_delivery_state state = delivery->facts.state;
            if (state == MG_DELIVERY_DEAD || !mg_store_is_end(state))
                count_delivery(queue_of(queues, count, delivery->facts.destination), delivery);
        }
    }
    pthread_mutex_unlock(&memory->lock);
}

void mg_memory_queue(struct mg_store *store, struct mg_store_queue *queue)
{
    struct mg_store_queue *queues = NULL;
    size_t count = 0;
    mg_memory_queues(store, &queues, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(queues[i].destination, queue->destination) == 0)
            *queue = queues[i];
    free(queues);
}
