/* Operators' acts and their search in the store in memory, which looks at everything. */
#include "gateway/store/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- acts ---- */

static struct memory_delivery *find_delivery(struct memory_message *message,
                                             const char *destination)
{
    for (size_t i = 0; message && i < message->delivery_count; i++)
        if (strcmp(message->deliveries[i].facts.destination, destination) == 0)
            return &message->deliveries[i];
    return NULL;
}

static bool has_content(const struct memory_message *message)
{
    for (size_t i = 0; i < message->part_count; i++)
        if (message->parts[i].kind == MG_PART_CONTENT)
            return true;
    return false;
}

static void revive(struct memory_store *memory, struct memory_delivery *delivery, int64_t now)
{
    struct mg_store_delivery *facts = &delivery->facts;
    if (mg_store_is_end(facts->state))
        mg_memory_open_delivery(memory, delivery);
    facts->state = MG_DELIVERY_WAITING;
    facts->next_attempt = facts->since = now;
    facts->tried = facts->attempts;
    facts->ended = 0;
    delivery->blocks = false;
    delivery->message->ended = 0;
}

static void cancel(struct memory_store *memory, const struct mg_store_act *act,
                   struct memory_delivery *delivery)
{
    struct mg_store_delivery *facts = &delivery->facts;
    if (!mg_store_is_end(facts->state))
        mg_memory_close_delivery(memory, delivery);
    facts->state = MG_DELIVERY_CANCELLED;
    facts->ended = act->now;
    delivery->blocks = false;
    mg_store_copy_text(facts->last_code, sizeof facts->last_code, act->code);
    mg_store_copy_text(facts->last_text, sizeof facts->last_text, act->text);
}

static void retry(struct memory_store *memory, const struct mg_store_act *act,
                  struct memory_delivery *delivery)
{
    struct mg_store_delivery *facts = &delivery->facts;
    if (facts->state != MG_DELIVERY_WAITING)
        revive(memory, delivery, act->now);
    else if (facts->next_attempt > act->now)
        facts->next_attempt = act->now;
}

/* The deliveries of the message may lie elsewhere afterwards. */
static void add_delivery(struct memory_store *memory, const struct mg_store_act *act,
                         const struct memory_delivery *from)
{
    struct memory_message *message = from->message;
    struct memory_delivery *before = message->deliveries;
    size_t count = message->delivery_count;
    int64_t key = from->key;
    struct memory_delivery *after = mg_allocate((count + 1) * sizeof *after);
    memcpy(after, before, count * sizeof *after);
    for (size_t i = 0; i < memory->open_count; i++)
        if (memory->open[i]->message == message)
            memory->open[i] = after + (memory->open[i] - before);
    after[count] = (struct memory_delivery){.key = key, .message = message};
    struct mg_store_delivery *facts = &after[count].facts;
    facts->id = mg_id_new();
    facts->message = message->facts.id;
    facts->received = message->facts.received;
    facts->since = facts->next_attempt = act->now;
    mg_store_copy_text(facts->destination, sizeof facts->destination, act->to);
    message->deliveries = after;
    message->delivery_count = count + 1;
    free(before);
    mg_memory_open_delivery(memory, &after[count]);
}

static bool move(struct memory_store *memory, struct mg_store_act *act,
                 struct memory_delivery *delivery)
{
    struct memory_message *message = delivery->message;
    struct memory_delivery *there = find_delivery(message, act->to);
    if (there && there->facts.state != MG_DELIVERY_DEAD &&
        there->facts.state != MG_DELIVERY_CANCELLED)
        return mg_store_fail_there(&act->error);
    if (there)
        revive(memory, there, act->now);
    else
        add_delivery(memory, act, delivery);
    cancel(memory, act, find_delivery(message, act->destination));
    mg_memory_add_event(message, act->now, act->to, act->code, act->text, 0);
    return true;
}

static bool act_on(struct memory_store *memory, struct mg_store_act *act)
{
    struct memory_message *message = mg_memory_find(memory, &act->message);
    mg_memory_return_leases(memory, act->destination, act->now);
    struct memory_delivery *delivery = find_delivery(message, act->destination);
    act->found = delivery;
    if (delivery) {
        act->state = delivery->facts.state;
        act->attempts = delivery->facts.attempts;
    }
    if (!mg_store_may_act(act))
        return false;
    if (act->kind != MG_ACT_CANCEL && !has_content(message))
        return mg_store_fail_gone(&act->error);
    if (act->kind == MG_ACT_RETRY)
        retry(memory, act, delivery);
    else if (act->kind == MG_ACT_CANCEL)
        cancel(memory, act, delivery);
    else if (!move(memory, act, delivery))
        return false;
    mg_memory_add_event(message, act->now, act->destination, act->code, act->text, 0);
    mg_memory_end_message(message, act->now);
    mg_memory_write_line(memory, &act->message, act->line);
    return true;
}

void mg_memory_act(struct mg_store *store, struct mg_store_act *act)
{
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    act->ok = act_on(memory, act);
    pthread_mutex_unlock(&memory->lock);
    mg_handoff_post(store->handoff, &act->item);
}

static void revive_dead(struct memory_store *memory, struct mg_store_revive *revival,
                        struct memory_message *message)
{
    struct memory_delivery *delivery = find_delivery(message, revival->destination);
    if (!delivery || delivery->facts.state != MG_DELIVERY_DEAD || message->seq <= revival->after)
        return;
    revival->next = message->seq;
    if (delivery->facts.ended > revival->died_by || !has_content(message))
        return;
    revive(memory, delivery, revival->now);
    mg_memory_add_event(message, revival->now, revival->destination, revival->code, revival->text,
                        0);
    revival->revived++;
}

void mg_memory_revive(struct mg_store *store, struct mg_store_revive *revival)
{
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    struct memory_message *message = memory->first;
    for (; message && revival->revived < MG_STORE_REVIVE_LIMIT; message = message->next)
        revive_dead(memory, revival, message);
    revival->more = message;
    revival->ok = true;
    mg_memory_write_line(memory, NULL, revival->line);
    pthread_mutex_unlock(&memory->lock);
    mg_handoff_post(store->handoff, &revival->item);
}

/* ---- pauses ---- */

static struct mg_store_pause *find_pause(struct memory_store *memory, const char *destination)
{
    for (size_t i = 0; i < memory->pause_count; i++)
        if (strcmp(memory->pauses[i].destination, destination) == 0)
            return &memory->pauses[i];
    return NULL;
}

static bool pause_or_resume(struct memory_store *memory, struct mg_store_pausing *pausing)
{
    struct mg_store_pause *pause = find_pause(memory, pausing->destination);
    if (!pause == pausing->resume)
        return mg_store_fail_paused(pausing->resume, &pausing->error);
    if (pausing->resume) {
        *pause = memory->pauses[--memory->pause_count];
    } else {
        memory->pauses =
            mg_reallocate(memory->pauses, (memory->pause_count + 1) * sizeof *memory->pauses);
        pause = &memory->pauses[memory->pause_count++];
        pause->since = pausing->now;
        mg_store_copy_text(pause->destination, sizeof pause->destination, pausing->destination);
        mg_store_copy_text(pause->by, sizeof pause->by, pausing->by);
        mg_store_copy_text(pause->why, sizeof pause->why, pausing->why);
    }
    mg_memory_write_line(memory, NULL, pausing->line);
    return true;
}

void mg_memory_pausing(struct mg_store *store, struct mg_store_pausing *pausing)
{
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    pausing->ok = pause_or_resume(memory, pausing);
    pthread_mutex_unlock(&memory->lock);
    mg_handoff_post(store->handoff, &pausing->item);
}

bool mg_memory_pauses(struct mg_store *store, struct mg_store_pause **pauses, size_t *count,
                      struct mg_error *error)
{
    (void)error;
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    *count = memory->pause_count;
    if (*count > 0) {
        *pauses = mg_allocate(*count * sizeof **pauses);
        memcpy(*pauses, memory->pauses, *count * sizeof **pauses);
    }
    pthread_mutex_unlock(&memory->lock);
    return true;
}

/* ---- the search ---- */

static void add_hit(struct mg_store_hits *hits, const struct memory_message *message)
{
    struct mg_store_hit *hit = mg_store_hits_add(hits);
    hit->message = message->facts;
    hit->delivery_count = message->delivery_count;
    if (message->delivery_count == 0)
        return;
    hit->deliveries = mg_allocate(message->delivery_count * sizeof *hit->deliveries);
    for (size_t i = 0; i < message->delivery_count; i++)
        hit->deliveries[i] = message->deliveries[i].facts;
}

static bool fits(const struct mg_store_query *query, const struct memory_message *message)
{
    if (!mg_store_fits(query, &message->facts))
        return false;
    struct mg_store_hits one = {0};
    add_hit(&one, message);
    bool fits = mg_store_fits_deliveries(query, one.hits[0].deliveries, one.hits[0].delivery_count);
    mg_store_hits_free(&one);
    return fits;
}

/* From the newest, below the number, the next one: the list leads the other way. */
static struct memory_message *next_older(struct memory_store *memory, int64_t below)
{
    struct memory_message *newest = NULL;
    for (struct memory_message *message = memory->first; message; message = message->next)
        if (message->seq < below)
            newest = message;
    return newest;
}

bool mg_memory_search(struct mg_store *store, const struct mg_store_query *query,
                      struct mg_store_hits *hits, struct mg_error *error)
{
    (void)error;
    struct memory_store *memory = (struct memory_store *)store;
    pthread_mutex_lock(&memory->lock);
    int64_t below = query->before > 0 ? query->before : INT64_MAX;
    const struct memory_message *message;
    while ((message = next_older(memory, below))) {
        below = message->seq;
        hits->examined++;
        if (fits(query, message))
            add_hit(hits, message);
        if (hits->count == query->limit || hits->examined == MG_STORE_SEARCH_EXAMINE) {
            hits->next = below;
            break;
        }
    }
    pthread_mutex_unlock(&memory->lock);
    return true;
}
