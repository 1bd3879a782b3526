/* Takes messages out of boxes: asks the store, has the message loaded, and hands it to the adapter.
 */
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/dispatch/box.h"
#include "gateway/dispatch/delivery.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A year: what is longer is a mistake of the adapter's, and must not overflow. */
#define LONGEST_LEASE (INT64_C(366) * 24 * 60 * 60 * 1000)

/* From the question to box_close. */
struct mg_taking {
    struct mg_handoff_item item; /* first: for a refusal that is known at once */
    STAILQ_ENTRY(mg_taking) entry;
    struct mg_instance *instance;
    struct mg_id id; /* of the message that is asked for */
    bool any;        /* none is: the oldest */
    int64_t lease;   /* milliseconds */
    struct mg_store_take take;
    struct mg_store_settle settle; /* what could not be handed out goes back */
    struct mg_delivery *delivery;
    struct mg_error error;
    char claim[16];
    void (*end)(struct mg_delivery *delivery, const struct mg_refusal *refusal, void *context);
    void *context;
};

static void begin_taking(struct mg_taking *taking);

/* A place has become free: the next takes its turn. */
static void leave(struct mg_taking *taking)
{
    struct mg_instance *instance = taking->instance;
    struct mg_box *box = instance->box;
    struct mg_taking *next = STAILQ_FIRST(&box->takings);
    free(taking);
    box->open--;
    if (!next)
        return;
    STAILQ_REMOVE_HEAD(&box->takings, entry);
    begin_taking(next);
}

static void end_empty(struct mg_taking *taking, bool refused)
{
    struct mg_instance *instance = taking->instance;
    struct mg_refusal refusal;
    if (refused)
        mg_host_describe(&taking->error, "", &refusal);
    taking->end(NULL, refused ? &refusal : NULL, taking->context);
    leave(taking);
    mg_box_end_question(instance);
}

/* ---- what was taken ---- */

static void hand_over(struct mg_taking *taking)
{
    struct mg_delivery *delivery = taking->delivery;
    struct mg_instance *instance = taking->instance;
    snprintf(taking->claim, sizeof taking->claim, "%d", delivery->claim.attempts);
    delivery->begun = mg_clock_monotonic();
    delivery->deadline = delivery->begun + taking->lease * 1000;
    mg_log(MG_LOG_INFO, "delivery.taken", "message", delivery->message_id, "destination",
           instance->name, "attempt", MG_LOG_NUMBER(delivery->claim.attempts), "lease",
           MG_LOG_NUMBER(taking->lease), NULL);
    mg_host_begin_delivery(instance);
    taking->end(delivery, NULL, taking->context);
    mg_box_end_question(instance);
}

/* A message that cannot be read stays taken until its lease ends, so that the others behind it are
 * not held up; what happened stands in the log. */
static void loaded(struct mg_job *job)
{
    struct mg_delivery *delivery = (struct mg_delivery *)job;
    struct mg_taking *taking = delivery->taking;
    if (delivery->loaded) {
        hand_over(taking);
        return;
    }
    mg_log(MG_LOG_ERROR, "delivery.not-loaded", "message", delivery->message_id, "destination",
           taking->instance->name, "code", delivery->error.code, "reason", delivery->error.text,
           NULL);
    taking->error = delivery->error;
    mg_delivery_free(delivery);
    end_empty(taking, true);
}

static void load(struct mg_job *job)
{
    mg_delivery_load((struct mg_delivery *)job);
}

static void put_back(struct mg_store_settle *settle)
{
    end_empty(settle->context, true);
}

static void load_taken(struct mg_taking *taking)
{
    struct mg_instance *instance = taking->instance;
    struct mg_delivery *delivery = mg_allocate_zeroed(1, sizeof *delivery);
    delivery->job = (struct mg_job){.work = load, .done = loaded};
    delivery->taking = taking;
    delivery->store = instance->host->options.store;
    delivery->instance = instance;
    delivery->form = instance->end.destination->seal;
    delivery->claim = taking->take.delivery;
    mg_id_text(&delivery->claim.message, delivery->message_id);
    taking->delivery = delivery;
    if (mg_pool_submit(instance->host->options.workers, &delivery->job))
        return;
    mg_delivery_free(delivery);
    mg_fail(&taking->error, "gateway.overloaded", "The gateway's workers had no place.");
    taking->settle = (struct mg_store_settle){
        .destination = instance->name,
        .message = taking->take.delivery.message,
        .attempt = taking->take.delivery.attempts,
        .state = MG_DELIVERY_WAITING,
        .now = mg_clock_now(),
        .code = "gateway.overloaded",
        .text = "The gateway's workers had no place.",
        .done = put_back,
        .context = taking,
    };
    mg_store_settle(instance->host->options.store, &taking->settle);
}

static void taken(struct mg_store_take *take)
{
    struct mg_taking *taking = take->context;
    if (take->ok && take->found) {
        load_taken(taking);
        return;
    }
    taking->error = take->error;
    end_empty(taking, !take->ok);
}

static void refuse_paused(struct mg_handoff_item *item)
{
    struct mg_taking *taking = (struct mg_taking *)item;
    mg_fail(&taking->error, "destination.paused",
            "The box is closed for the moment; what is in it is kept.");
    end_empty(taking, true);
}

static void begin_taking(struct mg_taking *taking)
{
    struct mg_instance *instance = taking->instance;
    instance->box->open++;
    if (instance->end.destination->paused || instance->closed) {
        taking->item.run = refuse_paused;
        mg_handoff_post(instance->host->options.handoff, &taking->item);
        return;
    }
    int64_t now = mg_clock_now();
    taking->take = (struct mg_store_take){
        .destination = instance->name,
        .message = taking->any ? NULL : &taking->id,
        .now = now,
        .lease = now + taking->lease,
        .done = taken,
        .context = taking,
    };
    mg_store_take(instance->host->options.store, &taking->take);
}

/* ---- what adapters are given ---- */

static bool box_take(struct mg_instance *instance, const char *id, int64_t lease,
                     void (*end)(struct mg_delivery *delivery, const struct mg_refusal *refusal,
                                 void *context),
                     void *context)
{
    struct mg_box *box = mg_box_of(instance);
    if (!box)
        return false;
    struct mg_taking *taking = mg_allocate_zeroed(1, sizeof *taking);
    taking->instance = instance;
    taking->any = !id;
    taking->lease = lease < 1 ? 1 : lease > LONGEST_LEASE ? LONGEST_LEASE : lease;
    taking->end = end;
    taking->context = context;
    if (id)
        mg_box_read_id(id, &taking->id);
    mg_box_begin_question(instance);
    if (box->open < instance->end.destination->concurrency)
        begin_taking(taking);
    else
        STAILQ_INSERT_TAIL(&box->takings, taking, entry);
    return true;
}

static const char *box_claim(struct mg_delivery *delivery)
{
    return delivery->taking->claim;
}

static void box_close(struct mg_delivery *delivery)
{
    struct mg_taking *taking = delivery->taking;
    struct mg_instance *instance = taking->instance;
    assert(taking->delivery == delivery);
    mg_delivery_free(delivery);
    leave(taking);
    mg_host_end_delivery(instance);
}

void mg_host_offer_takings(struct mg_gateway *gateway)
{
    gateway->box_take = box_take;
    gateway->box_claim = box_claim;
    gateway->box_close = box_close;
}
