/* Looks into boxes, and settles what was taken out of them. */
#include "gateway/dispatch/box.h"

#include "gateway/audit/lines.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mg_box *mg_box_of(struct mg_instance *instance)
{
    if (!(instance->adapter->abilities & MG_IS_COLLECTED) || !instance->end.destination ||
        instance->host->closing)
        return NULL;
    if (!instance->box) {
        instance->box = mg_allocate_zeroed(1, sizeof *instance->box);
        STAILQ_INIT(&instance->box->takings);
    }
    return instance->box->questions < MG_BOX_QUESTIONS ? instance->box : NULL;
}

void mg_box_read_id(const char *text, struct mg_id *id)
{
    if (!mg_id_parse(text, id))
        *id = (struct mg_id){{0}};
}

void mg_box_begin_question(struct mg_instance *instance)
{
    instance->box->questions++;
    instance->working++;
}

void mg_box_end_question(struct mg_instance *instance)
{
    instance->box->questions--;
    instance->working--;
    mg_instance_ended(instance);
}

static void box_facts(struct mg_instance *instance, struct mg_box_facts *facts)
{
    struct mg_store_queue queue;
    mg_store_queue(instance->host->options.store, instance->name, &queue);
    struct mg_box_facts found = {
        .waiting = queue.waiting,
        .taken = queue.running,
        .bytes = queue.bytes,
        .oldest = queue.oldest,
    };
    /* No further than the adapter knows the structure. */
    found.size = facts->size < sizeof found ? facts->size : sizeof found;
    memcpy(facts, &found, found.size);
}

/* ---- lists ---- */

/* Two numbers of up to 19 digits, a hyphen, and the end. */
#define PLACE_SIZE 48

struct listing {
    struct mg_job job; /* first */
    struct mg_instance *instance;
    struct mg_store *store;
    struct mg_store_place after;
    size_t limit;
    struct mg_store_list found;
    bool ok;
    struct mg_error error;
    void (*end)(const struct mg_box_list *list, void *context);
    void *context;
};

/* The entries as adapters see them, with room for their ids. */
struct shown {
    struct mg_box_entry entry;
    char id[MG_ID_TEXT_SIZE];
};

static bool read_number(const char **text, char last, int64_t *number)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *number = strtoll(*text, &end, 10);
    if (errno != 0 || *end != last)
        return false;
    *text = end + (last != '\0');
    return true;
}

static bool read_place(const char *text, struct mg_store_place *place, struct mg_error *error)
{
    if (!text || (read_number(&text, '-', &place->time) && read_number(&text, '\0', &place->key)))
        return true;
    return mg_fail(error, "box.place",
                   "This is no place where a list of this box has ended: begin from the start.");
}

static void run_listing(struct mg_job *job)
{
    struct listing *listing = (struct listing *)job;
    if (listing->ok)
        listing->ok =
            mg_store_list(listing->store, listing->instance->name, listing->after, listing->limit,
                          mg_clock_now(), &listing->found, &listing->error);
}

static void show(const struct mg_store_entry *stored, struct shown *shown)
{
    shown->entry = (struct mg_box_entry){
        .size = sizeof shown->entry,
        .id = mg_id_text(&stored->message, shown->id),
        .uuid = stored->uuid,
        .type = stored->type,
        .author = stored->author,
        .reader = stored->reader,
        .partner = stored->partner,
        .accepted = stored->received,
        .length = stored->size,
        .attempts = stored->attempts,
    };
}

static void tell_list(const struct listing *listing)
{
    const struct mg_store_list *found = &listing->found;
    struct shown *shown = mg_allocate_zeroed(found->count, sizeof *shown);
    const struct mg_box_entry **entries = mg_allocate_zeroed(found->count, sizeof(void *));
    char next[PLACE_SIZE];
    for (size_t i = 0; i < found->count; i++) {
        show(&found->entries[i], &shown[i]);
        entries[i] = &shown[i].entry;
    }
    snprintf(next, sizeof next, "%lld-%lld", (long long)found->next.time,
             (long long)found->next.key);
    const struct mg_box_list list = {
        .size = sizeof list,
        .entries = entries,
        .count = found->count,
        .next = found->more ? next : NULL,
    };
    listing->end(&list, listing->context);
    free(entries);
    free(shown);
}

static void listing_done(struct mg_job *job)
{
    struct listing *listing = (struct listing *)job;
    struct mg_instance *instance = listing->instance;
    if (listing->ok) {
        tell_list(listing);
    } else {
        struct mg_refusal refusal;
        mg_host_describe(&listing->error, "", &refusal);
        const struct mg_box_list list = {.size = sizeof list, .refusal = &refusal};
        listing->end(&list, listing->context);
    }
    free(listing->found.entries);
    free(listing);
    mg_box_end_question(instance);
}

static bool box_list(struct mg_instance *instance, const char *after, unsigned limit,
                     void (*end)(const struct mg_box_list *list, void *context), void *context)
{
    if (!mg_box_of(instance))
        return false;
    struct listing *listing = mg_allocate_zeroed(1, sizeof *listing);
    listing->job = (struct mg_job){.work = run_listing, .done = listing_done};
    listing->instance = instance;
    listing->store = instance->host->options.store;
    listing->limit = limit < 1 ? 1 : limit > MG_STORE_LIST_LIMIT ? MG_STORE_LIST_LIMIT : limit;
    listing->ok = read_place(after, &listing->after, &listing->error);
    listing->end = end;
    listing->context = context;
    if (!mg_pool_submit(instance->host->options.workers, &listing->job)) {
        free(listing);
        return false;
    }
    mg_box_begin_question(instance);
    return true;
}

/* ---- settlements ---- */

struct settling {
    struct mg_store_settle settle;
    struct mg_instance *instance;
    struct mg_buffer line; /* for the audit trail */
    void (*end)(const struct mg_refusal *refusal, void *context);
    void *context;
};

static void settled(struct mg_store_settle *settle)
{
    struct settling *settling = settle->context;
    struct mg_instance *instance = settling->instance;
    struct mg_refusal refusal;
    char id[MG_ID_TEXT_SIZE];
    bool news = settle->ok && !settle->repeated;
    if (news)
        mg_log(MG_LOG_INFO,
               settle->state == MG_DELIVERY_COLLECTED ? "delivery.collected" : "delivery.returned",
               "message", mg_id_text(&settle->message, id), "destination", instance->name,
               "attempt", MG_LOG_NUMBER(settle->attempt), NULL);
    if (!settle->ok)
        mg_host_describe(&settle->error, "", &refusal);
    const struct mg_host_options *options = &instance->host->options;
    if (news && settle->state == MG_DELIVERY_COLLECTED && options->collected)
        options->collected(instance->name, options->context);
    settling->end(settle->ok ? NULL : &refusal, settling->context);
    mg_buffer_free(&settling->line);
    free(settling);
    mg_box_end_question(instance);
}

/* The attempt that a claim stands for; 0, which is nobody's, for what is no claim. */
static int attempt_of(const char *claim)
{
    int64_t attempt;
    return read_number(&claim, '\0', &attempt) && attempt <= INT32_MAX ? (int)attempt : 0;
}

static bool box_settle(struct mg_instance *instance, const char *id, const char *claim,
                       enum mg_settlement settlement,
                       void (*end)(const struct mg_refusal *refusal, void *context), void *context)
{
    if (!mg_box_of(instance))
        return false;
    bool collected = settlement == MG_COLLECTED;
    struct settling *settling = mg_allocate_zeroed(1, sizeof *settling);
    settling->instance = instance;
    settling->end = end;
    settling->context = context;
    settling->settle = (struct mg_store_settle){
        .destination = instance->name,
        .attempt = attempt_of(claim),
        .state = collected ? MG_DELIVERY_COLLECTED : MG_DELIVERY_WAITING,
        .now = mg_clock_now(),
        .code = collected ? "collected" : "returned",
        .text = collected ? "The reader has collected the message."
                          : "The reader has given the message back.",
        .done = settled,
        .context = settling,
    };
    mg_box_read_id(id, &settling->settle.message);
    if (collected)
        mg_audit_write_ended(&settling->line, MG_DELIVERY_COLLECTED, &settling->settle.message,
                             instance->name, settling->settle.attempt, settling->settle.code);
    settling->settle.line = settling->line.data;
    mg_box_begin_question(instance);
    mg_store_settle(instance->host->options.store, &settling->settle);
    return true;
}

void mg_instance_end_box(struct mg_instance *instance)
{
    free(instance->box);
    instance->box = NULL;
}

void mg_host_offer_box(struct mg_gateway *gateway)
{
    gateway->box_facts = box_facts;
    gateway->box_list = box_list;
    gateway->box_settle = box_settle;
    mg_host_offer_takings(gateway);
}
