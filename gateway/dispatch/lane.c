/* Claims and starts the deliveries of one destination. */
#include "gateway/dispatch/lane.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"

#include <stdlib.h>
#include <string.h>

/* Milliseconds that a claim lasts longer than an attempt, so that it does not end under a running
 * one. */
#define LEASE_RESERVE 600000
/* However many nobody has collected, they are given up in steps. */
#define GIVE_UP_AT_ONCE 64

void mg_lane_start_timer(struct event *timer, int64_t milliseconds)
{
    if (milliseconds < 0)
        milliseconds = 0;
    struct timeval after = {milliseconds / 1000, milliseconds % 1000 * 1000};
    evtimer_add(timer, &after);
}

void mg_lane_pump_in(struct mg_lane *lane, int64_t milliseconds)
{
    mg_lane_start_timer(lane->timer, milliseconds);
}

static void lane_due(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct mg_lane *lane = context;
    lane->more = true;
    mg_lane_pump(lane);
}

static void give_back_at_stop(struct mg_delivery *delivery)
{
    mg_delivery_give_back(delivery, 0, "gateway.stopping",
                          "The gateway was stopped before the delivery.");
}

/* ---- starting deliveries ---- */

/* Once: an adapter may take its time to complete what was cancelled. */
static void cancel(struct mg_delivery *delivery)
{
    if (delivery->cancelled)
        return;
    delivery->cancelled = true;
    mg_host_cancel(delivery->instance, delivery);
}

static void timed_out(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    cancel(context);
}

static void load(struct mg_job *job)
{
    mg_delivery_load((struct mg_delivery *)job);
}

static void loaded(struct mg_job *job)
{
    struct mg_delivery *delivery = (struct mg_delivery *)job;
    struct mg_lane *lane = delivery->lane;
    delivery->begun = mg_clock_monotonic();
    if (!delivery->loaded) {
        /* What is not in the store will not come back; a store that fails may recover. */
        bool gone = strcmp(delivery->error.code, "store.no-such-part") == 0;
        const struct mg_outcome outcome = {
            .size = sizeof outcome,
            .kind = gone ? MG_PERMANENT : MG_TEMPORARY,
            .code = delivery->error.code,
            .text = delivery->error.text,
        };
        delivery->completed = true;
        mg_delivery_conclude(delivery, &outcome);
        return;
    }
    if (lane->dispatch->stopping) {
        give_back_at_stop(delivery);
        return;
    }
    int64_t timeout = lane->destination->timeout;
    delivery->deadline = delivery->begun + timeout * 1000;
    delivery->timeout = evtimer_new(lane->dispatch->options.base, timed_out, delivery);
    mg_lane_start_timer(delivery->timeout, timeout);
    mg_host_deliver(delivery->instance, delivery);
}

static bool is_open(const struct mg_lane *lane)
{
    return !lane->removed && !lane->destination->paused && !lane->pause &&
           mg_host_is_ready(lane->instance);
}

static void start(struct mg_lane *lane, const struct mg_store_delivery *claim)
{
    struct mg_delivery *delivery = mg_allocate_zeroed(1, sizeof *delivery);
    delivery->lane = lane;
    delivery->store = lane->dispatch->options.store;
    delivery->claim = *claim;
    mg_id_text(&claim->message, delivery->message_id);
    delivery->form = lane->destination->seal;
    LIST_INSERT_HEAD(&lane->deliveries, delivery, entry);
    lane->running++;
    delivery->job.work = load;
    delivery->job.done = loaded;
    if (lane->dispatch->stopping) {
        give_back_at_stop(delivery);
        return;
    }
    /* What a reload or the adapter itself has closed since the claim gets nothing more. */
    if (!is_open(lane) || mg_lane_is_collected(lane)) {
        mg_delivery_give_back(delivery, 0, "destination.closed",
                              "The destination was paused, changed, or went down.");
        return;
    }
    delivery->instance = lane->instance;
    mg_host_begin_delivery(lane->instance);
    if (!mg_pool_submit(lane->dispatch->options.workers, &delivery->job))
        mg_delivery_give_back(delivery, MG_LANE_PAUSE, "gateway.overloaded",
                              "The gateway's workers had no place.");
}

/* Told once: nothing more goes to this destination until somebody has looked after the dead one. */
static void note_block(struct mg_lane *lane, const struct mg_store_claim *claim)
{
    if (claim->blocked && !lane->blocked) {
        char id[MG_ID_TEXT_SIZE];
        mg_id_text(&claim->blocking, id);
        mg_log(MG_LOG_ERROR, "destination.blocked", "destination", lane->name, "message", id,
               "reason", "it is ordered, and this message is dead; the next may not overtake it",
               NULL);
    }
    lane->blocked = claim->blocked;
}

/* A claim of what is too old is given up, unless a reload has had it delivered instead meanwhile.
 */
static void start_or_give_up(struct mg_lane *lane, const struct mg_store_delivery *delivery)
{
    if (lane->claim.due_by != 0 && mg_lane_is_collected(lane))
        mg_lane_give_up(lane, delivery);
    else
        start(lane, delivery);
}

/* Milliseconds until it is worth claiming again. */
static int64_t due_in(const struct mg_lane *lane, const struct mg_store_claim *claim)
{
    int64_t due = mg_lane_is_collected(lane) ? mg_lane_give_up_at(lane, claim) : claim->next_due;
    return due - mg_clock_now() + 1;
}

static void claimed(struct mg_store_claim *claim)
{
    struct mg_lane *lane = claim->context;
    lane->claiming = false;
    if (!claim->ok) {
        mg_log(MG_LOG_ERROR, "destination.claim-failed", "destination", lane->name, "code",
               claim->error.code, "reason", claim->error.text, NULL);
        mg_lane_pump_in(lane, MG_LANE_PAUSE);
    } else {
        if (claim->count == claim->limit)
            lane->more = true;
        else if (claim->next_due > 0)
            mg_lane_pump_in(lane, due_in(lane, claim));
        note_block(lane, claim);
        struct mg_store_delivery *deliveries = claim->deliveries;
        size_t count = claim->count;
        for (size_t i = 0; i < count; i++)
            start_or_give_up(lane, &deliveries[i]);
        free(deliveries);
        mg_lane_pump(lane);
    }
    mg_dispatch_look(lane);
}

void mg_lane_pump(struct mg_lane *lane)
{
    struct mg_dispatch *dispatch = lane->dispatch;
    if (!dispatch->begun || dispatch->stopping || lane->claiming || !lane->more || !is_open(lane))
        return;
    if (!mg_store_can_record(dispatch->options.store)) {
        mg_lane_pump_in(lane, MG_LANE_PAUSE);
        return;
    }
    int64_t now = mg_clock_monotonic();
    bool collected = mg_lane_is_collected(lane);
    unsigned allowed = collected
                           ? GIVE_UP_AT_ONCE
                           : mg_breaker_allows(&lane->breaker, now, lane->destination->concurrency);
    if (lane->running >= allowed) {
        if (allowed == 0)
            mg_lane_pump_in(lane, (lane->breaker.try_at - now) / 1000 + 1);
        return;
    }
    lane->more = false;
    lane->claiming = true;
    struct mg_store_claim *claim = &lane->claim;
    claim->destination = lane->name;
    claim->limit = allowed - lane->running;
    claim->now = mg_clock_now();
    claim->lease = claim->now + lane->destination->timeout + LEASE_RESERVE;
    claim->ordered = lane->destination->ordered;
    claim->pass_dead = lane->destination->pass_dead;
    claim->due_by = collected ? claim->now - lane->destination->retry.give_up : 0;
    claim->done = claimed;
    claim->context = lane;
    mg_store_claim(dispatch->options.store, claim);
}

/* What is to be collected is none of the lane's business before it is old; what became so while the
 * adapter was down is. */
void mg_lane_wake(struct mg_lane *lane)
{
    struct timeval due;
    if (mg_lane_is_collected(lane) && !lane->claiming && !lane->more) {
        if (!evtimer_pending(lane->timer, &due) && !lane->dispatch->stopping)
            mg_lane_pump_in(lane, lane->destination->retry.give_up);
        return;
    }
    lane->more = true;
    mg_lane_pump(lane);
}

void mg_lane_leave(struct mg_delivery *delivery)
{
    struct mg_lane *lane = delivery->lane;
    LIST_REMOVE(delivery, entry);
    lane->running--;
    if (delivery->instance)
        mg_host_end_delivery(delivery->instance);
    if (delivery->timeout)
        event_free(delivery->timeout);
    mg_delivery_free(delivery);
    mg_lane_pump(lane);
    mg_dispatch_look(lane);
}

void mg_lane_cancel_all(struct mg_lane *lane)
{
    struct mg_delivery *delivery, *next;
    for (delivery = LIST_FIRST(&lane->deliveries); delivery; delivery = next) {
        next = LIST_NEXT(delivery, entry); /* the adapter may complete it at once */
        if (!delivery->completed && delivery->begun) {
            delivery->kept = !delivery->cancelled;
            cancel(delivery);
        }
    }
}

/* ---- life ---- */

struct mg_lane *mg_lane_new(struct mg_dispatch *dispatch, const char *name)
{
    struct mg_lane *lane = mg_allocate_zeroed(1, sizeof *lane);
    lane->dispatch = dispatch;
    lane->name = mg_copy_text(name);
    lane->timer = evtimer_new(dispatch->options.base, lane_due, lane);
    LIST_INIT(&lane->deliveries);
    return lane;
}

void mg_lane_free(struct mg_lane *lane)
{
    event_free(lane->timer);
    mg_config_release(lane->config);
    free(lane->name);
    free(lane);
}

void mg_lane_apply(struct mg_lane *lane, struct mg_config *config,
                   const struct mg_config_destination *destination, struct mg_instance *instance)
{
    mg_config_hold(config);
    mg_config_release(lane->config);
    lane->config = config;
    lane->destination = destination;
    lane->instance = instance;
    lane->removed = false;
    mg_lane_set_pause(lane, lane->pause);
}

void mg_lane_set_pause(struct mg_lane *lane, const struct mg_store_pause *pause)
{
    lane->pause = pause;
    if (lane->instance)
        lane->instance->closed = pause;
    lane->more = true;
    mg_lane_pump(lane);
}
