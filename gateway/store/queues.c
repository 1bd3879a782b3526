#include "gateway/store/queues.h"

#include "gateway/base/buffer.h"
#include "gateway/store/backend.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 256

struct destination {
    struct mg_store_tally now;  /* the writer's alone */
    struct mg_store_tally kept; /* what everybody sees: under the lock */
    bool changed;
    struct destination *next_changed;
    struct destination *next_in_bucket;
};

/* What is of no destination. */
struct whole {
    int64_t messages;
    int64_t spooled; /* bytes */
};

/* Destinations are never forgotten: there are only as many as were ever configured. */
struct mg_store_queues {
    pthread_mutex_t lock; /* whoever reads, and the writer where it changes what is read */
    struct destination *buckets[BUCKETS];
    struct whole kept;
    /* The writer's. */
    struct whole now;
    struct destination *changed;
};

struct mg_store_queues *mg_store_queues_new(void)
{
    struct mg_store_queues *queues = mg_allocate_zeroed(1, sizeof *queues);
    pthread_mutex_init(&queues->lock, NULL);
    return queues;
}

void mg_store_queues_free(struct mg_store_queues *queues)
{
    if (!queues)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (queues->buckets[i]) {
            struct destination *destination = queues->buckets[i];
            queues->buckets[i] = destination->next_in_bucket;
            free(destination);
        }
    }
    pthread_mutex_destroy(&queues->lock);
    free(queues);
}

static struct destination **find(struct mg_store_queues *queues, const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *at = name; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    struct destination **place = &queues->buckets[hash % BUCKETS];
    while (*place && strcmp((*place)->now.queue.destination, name) != 0)
        place = &(*place)->next_in_bucket;
    return place;
}

/* ---- counting ---- */

/* The writer alone changes the buckets, so it may look without the lock. */
struct mg_store_tally *mg_store_queues_change(struct mg_store_queues *queues,
                                              const char *destination_name)
{
    char known_as[MG_STORE_NAME_SIZE];
    mg_store_copy_text(known_as, sizeof known_as, destination_name);
    struct destination **place = find(queues, known_as), *destination = *place;
    if (!destination) {
        destination = mg_allocate_zeroed(1, sizeof *destination);
        memcpy(destination->now.queue.destination, known_as, sizeof known_as);
        destination->kept = destination->now;
        pthread_mutex_lock(&queues->lock);
        *place = destination;
        pthread_mutex_unlock(&queues->lock);
    }
    if (!destination->changed) {
        destination->changed = true;
        destination->next_changed = queues->changed;
        queues->changed = destination;
    }
    return &destination->now;
}

/* Rows are accepted in the order of their keys: a new one is the oldest only where none waits. */
void mg_store_tally_accepted(struct mg_store_tally *tally, int64_t key, int64_t received,
                             int64_t size)
{
    if (tally->queue.waiting == 0) {
        tally->queue.oldest = received;
        tally->oldest_key = key;
        tally->oldest_gone = false;
    }
    tally->queue.waiting++;
    tally->queue.bytes += size;
}

void mg_store_tally_ended(struct mg_store_tally *tally, int64_t key, int64_t size, bool dead)
{
    tally->queue.waiting--;
    tally->queue.bytes -= size;
    tally->queue.dead += dead;
    if (key == tally->oldest_key)
        tally->oldest_gone = true;
    if (tally->queue.waiting == 0)
        tally->queue.oldest = 0;
}

void mg_store_tally_revived(struct mg_store_tally *tally, int64_t key, int64_t received,
                            int64_t size, bool was_dead)
{
    if (tally->queue.waiting == 0 || key <= tally->oldest_key) {
        tally->queue.oldest = received;
        tally->oldest_key = key;
        tally->oldest_gone = false;
    }
    tally->queue.waiting++;
    tally->queue.bytes += size;
    tally->queue.dead -= was_dead;
}

void mg_store_queues_add(struct mg_store_queues *queues, int64_t messages, int64_t spooled)
{
    queues->now.messages += messages;
    queues->now.spooled += spooled;
}

bool mg_store_queues_find_oldest(struct mg_store_queues *queues,
                                 bool (*find_it)(struct mg_store_tally *tally, void *context),
                                 void *context)
{
    for (struct destination *one = queues->changed; one; one = one->next_changed) {
        if (!one->now.oldest_gone)
            continue;
        if (one->now.queue.waiting > 0 && !find_it(&one->now, context))
            return false;
        one->now.oldest_gone = false;
    }
    return true;
}

static void end_changes(struct mg_store_queues *queues, bool kept)
{
    pthread_mutex_lock(&queues->lock);
    while (queues->changed) {
        struct destination *one = queues->changed;
        queues->changed = one->next_changed;
        one->changed = false;
        if (kept)
            one->kept = one->now;
        else
            one->now = one->kept;
    }
    if (kept)
        queues->kept = queues->now;
    else
        queues->now = queues->kept;
    pthread_mutex_unlock(&queues->lock);
}

void mg_store_queues_keep(struct mg_store_queues *queues)
{
    end_changes(queues, true);
}

void mg_store_queues_undo(struct mg_store_queues *queues)
{
    end_changes(queues, false);
}

/* ---- reading ---- */

void mg_store_queues_read(struct mg_store_queues *queues, struct mg_store_queue *queue)
{
    pthread_mutex_lock(&queues->lock);
    const struct destination *destination = *find(queues, queue->destination);
    if (destination)
        *queue = destination->kept.queue;
    pthread_mutex_unlock(&queues->lock);
}

void mg_store_queues_read_all(struct mg_store_queues *queues, struct mg_store_queue **all,
                              size_t *count)
{
    size_t room = 0;
    pthread_mutex_lock(&queues->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct destination *one = queues->buckets[i]; one; one = one->next_in_bucket) {
            if (one->kept.queue.waiting == 0 && one->kept.queue.dead == 0)
                continue;
            if (*count == room) {
                room = room ? 2 * room : 16;
                *all = mg_reallocate(*all, room * sizeof **all);
            }
            (*all)[(*count)++] = one->kept.queue;
        }
    }
    pthread_mutex_unlock(&queues->lock);
}

int64_t mg_store_queues_messages(struct mg_store_queues *queues)
{
    pthread_mutex_lock(&queues->lock);
    int64_t messages = queues->kept.messages;
    pthread_mutex_unlock(&queues->lock);
    return messages;
}

void mg_store_queues_totals(struct mg_store_queues *queues, struct mg_store_totals *totals)
{
    pthread_mutex_lock(&queues->lock);
    totals->messages = queues->kept.messages;
    totals->bytes = queues->kept.spooled;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct destination *one = queues->buckets[i]; one; one = one->next_in_bucket) {
            totals->waiting += one->kept.queue.waiting;
            totals->dead += one->kept.queue.dead;
        }
    }
    pthread_mutex_unlock(&queues->lock);
}
