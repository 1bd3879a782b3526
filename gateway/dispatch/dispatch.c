#include "gateway/dispatch/dispatch.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/dispatch/breaker.h"
#include "gateway/dispatch/delivery.h"
#include "gateway/dispatch/retry.h"

#include <assert.h>
#include <event2/event.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Milliseconds that a store that failed, or full workers, are left alone. */
#define PAUSE 1000
/* Milliseconds that a claim lasts longer than an attempt, so that it does not end under a running
 * one. */
#define LEASE_RESERVE 600000

struct lane {
    struct mg_dispatch *dispatch;
    const struct mg_config_destination *destination;
    struct mg_instance *instance;
    struct mg_breaker breaker;
    unsigned running;
    bool claiming;
    bool more; /* something may be due in the store */
    struct event *timer;
    struct mg_store_claim claim;
    struct mg_delivery **deliveries; /* those running; destination->concurrency places */
};

struct mg_dispatch {
    struct mg_dispatch_options options;
    struct lane *lanes;
    size_t lane_count;
    bool begun;
    bool stopping;
    struct event *grace;
    void (*drained)(void *context);
    void *context;
};

static void pump(struct lane *lane);

/* ---- the end of it all ---- */

static bool is_idle(const struct mg_dispatch *dispatch)
{
    for (size_t i = 0; i < dispatch->lane_count; i++)
        if (dispatch->lanes[i].running > 0 || dispatch->lanes[i].claiming)
            return false;
    return true;
}

static void look_whether_drained(struct mg_dispatch *dispatch)
{
    if (!dispatch->stopping || !dispatch->drained || !is_idle(dispatch))
        return;
    void (*drained)(void *) = dispatch->drained;
    dispatch->drained = NULL;
    drained(dispatch->context);
}

/* ---- lanes ---- */

static void start_timer(struct event *timer, int64_t milliseconds)
{
    if (milliseconds < 0)
        milliseconds = 0;
    struct timeval after = {milliseconds / 1000, milliseconds % 1000 * 1000};
    evtimer_add(timer, &after);
}

static void pump_in(struct lane *lane, int64_t milliseconds)
{
    start_timer(lane->timer, milliseconds);
}

static void lane_due(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct lane *lane = context;
    lane->more = true;
    pump(lane);
}

static void leave_lane(struct mg_delivery *delivery)
{
    struct lane *lane = delivery->lane;
    for (unsigned i = 0; i < lane->destination->concurrency; i++)
        if (lane->deliveries[i] == delivery)
            lane->deliveries[i] = NULL;
    lane->running--;
    if (delivery->timeout)
        event_free(delivery->timeout);
    mg_delivery_free(delivery);
    pump(lane);
    look_whether_drained(lane->dispatch);
}

/* ---- recording what became of a delivery ---- */

static void record(struct mg_delivery *delivery);

static void record_again(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    record(context);
}

/* Told when it is recorded: whoever reads the line finds the same in the store. */
static void log_outcome(const struct mg_delivery *delivery)
{
    static const char *const events[] = {[MG_DELIVERY_WAITING] = "delivery.postponed",
                                         [MG_DELIVERY_DELIVERED] = "delivery.delivered",
                                         [MG_DELIVERY_DEAD] = "delivery.dead"};
    static const enum mg_log_level levels[] = {[MG_DELIVERY_WAITING] = MG_LOG_NOTICE,
                                               [MG_DELIVERY_DELIVERED] = MG_LOG_INFO,
                                               [MG_DELIVERY_DEAD] = MG_LOG_ERROR};
    enum mg_delivery_state state = delivery->outcome.state;
    mg_log(levels[state], events[state], "message", delivery->message_id, "destination",
           delivery->lane->destination->name, "attempt", MG_LOG_NUMBER(delivery->claim.attempts),
           "microseconds", MG_LOG_NUMBER(delivery->outcome.duration), "code",
           delivery->outcome_code, "reason",
           state == MG_DELIVERY_DELIVERED ? NULL : delivery->outcome_text, NULL);
}

static void recorded(struct mg_store_outcome *outcome)
{
    struct mg_delivery *delivery = outcome->context;
    struct lane *lane = delivery->lane;
    bool lost = !outcome->ok && strcmp(outcome->error.code, "store.lost-claim") == 0;
    if (!outcome->ok) {
        mg_log(MG_LOG_ERROR, "delivery.not-recorded", "message", delivery->message_id,
               "destination", lane->destination->name, "code", outcome->error.code, "reason",
               outcome->error.text, NULL);
        /* After a stop the claim ends by itself, and the delivery is repeated: at least once. */
        if (!lost && !lane->dispatch->stopping) {
            if (delivery->timeout)
                event_free(delivery->timeout);
            delivery->timeout = evtimer_new(lane->dispatch->options.base, record_again, delivery);
            start_timer(delivery->timeout, PAUSE);
            return;
        }
    } else {
        log_outcome(delivery);
    }
    if (outcome->state == MG_DELIVERY_WAITING) {
        int64_t wait = outcome->next_attempt - mg_clock_now();
        struct timeval due;
        /* The timer is set to the earliest of what waits. */
        if (!evtimer_pending(lane->timer, &due) || wait <= 0)
            pump_in(lane, wait);
        else
            lane->more = true;
    }
    leave_lane(delivery);
}

static void record(struct mg_delivery *delivery)
{
    struct mg_store_outcome *outcome = &delivery->outcome;
    outcome->delivery = delivery->claim.id;
    outcome->message = delivery->claim.message;
    outcome->code = delivery->outcome_code;
    outcome->text = delivery->outcome_text;
    outcome->done = recorded;
    outcome->context = delivery;
    mg_store_outcome(delivery->store, outcome);
}

/* Gives a claimed delivery back as if it had not been claimed, to be claimed again after a pause.
 */
static void give_back(struct mg_delivery *delivery, int64_t pause, const char *code,
                      const char *text)
{
    delivery->completed = true;
    delivery->outcome.state = MG_DELIVERY_WAITING;
    delivery->outcome.attempt_counts = false;
    delivery->outcome.now = mg_clock_now();
    delivery->outcome.next_attempt = delivery->outcome.now + pause;
    snprintf(delivery->outcome_code, sizeof delivery->outcome_code, "%s", code);
    snprintf(delivery->outcome_text, sizeof delivery->outcome_text, "%s", text);
    record(delivery);
}

static void give_back_at_stop(struct mg_delivery *delivery)
{
    give_back(delivery, 0, "gateway.stopping", "The gateway was stopped before the delivery.");
}

static double chance(void)
{
    uint32_t number = 0;
    if (RAND_bytes((unsigned char *)&number, sizeof number) != 1)
        mg_die("OpenSSL has no random bytes");
    return number / 4294967296.0;
}

static void decide_retry(struct mg_delivery *delivery, const struct mg_outcome *outcome)
{
    const struct mg_retry_facts facts = {
        .attempts = delivery->claim.attempts,
        .accepted = delivery->claim.received,
        .now = delivery->outcome.now,
        .retry_after = outcome->retry_after,
        .chance = chance(),
    };
    bool again =
        mg_retry_next(&delivery->lane->destination->retry, &facts, &delivery->outcome.next_attempt);
    delivery->outcome.state = again ? MG_DELIVERY_WAITING : MG_DELIVERY_DEAD;
    /* What only the stop has cancelled is not given up for it, and goes on with the next start. */
    if (delivery->kept) {
        delivery->outcome.state = MG_DELIVERY_WAITING;
        delivery->outcome.next_attempt = delivery->outcome.now;
    }
}

static void work_breaker(struct lane *lane, enum mg_outcome_kind kind)
{
    const char *name = lane->destination->name;
    if (kind == MG_TEMPORARY) {
        if (mg_breaker_fail(&lane->breaker, &lane->destination->retry, mg_clock_monotonic()))
            mg_log(MG_LOG_WARNING, "destination.breaker-open", "destination", name, "failures",
                   MG_LOG_NUMBER(lane->breaker.failures), NULL);
    } else if (mg_breaker_succeed(&lane->breaker)) {
        mg_log(MG_LOG_NOTICE, "destination.breaker-closed", "destination", name, NULL);
    }
}

static void describe_outcome(struct mg_delivery *delivery, const struct mg_outcome *outcome)
{
    const char *code = outcome->code ? outcome->code : "delivered";
    const char *text = outcome->text ? outcome->text : "";
    bool dead = delivery->outcome.state == MG_DELIVERY_DEAD;
    bool delivered = delivery->outcome.state == MG_DELIVERY_DELIVERED;
    snprintf(delivery->outcome_code, sizeof delivery->outcome_code, "%s",
             dead        ? "dead"
             : delivered ? "delivered"
                         : code);
    if (dead)
        snprintf(delivery->outcome_text, sizeof delivery->outcome_text,
                 "Given up after attempt %d (%s): %.180s", delivery->claim.attempts, code, text);
    else
        snprintf(delivery->outcome_text, sizeof delivery->outcome_text, "%.250s",
                 delivered && !*text ? "The destination has taken the message." : text);
}

void mg_delivery_completed(struct mg_delivery *delivery, const struct mg_outcome *outcome)
{
    assert(!delivery->completed);
    delivery->completed = true;
    if (delivery->timeout)
        evtimer_del(delivery->timeout);
    struct mg_store_outcome *stored = &delivery->outcome;
    stored->attempt_counts = true;
    stored->now = mg_clock_now();
    stored->duration = mg_clock_monotonic() - delivery->begun;
    switch (outcome->kind) {
    case MG_DELIVERED:
        stored->state = MG_DELIVERY_DELIVERED;
        break;
    case MG_TEMPORARY:
        decide_retry(delivery, outcome);
        break;
    case MG_PERMANENT:
    default:
        stored->state = MG_DELIVERY_DEAD;
        break;
    }
    /* What never left the house, or was called back, says nothing of the destination. */
    if (delivery->loaded && !delivery->kept)
        work_breaker(delivery->lane, outcome->kind);
    describe_outcome(delivery, outcome);
    record(delivery);
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
    struct lane *lane = delivery->lane;
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
        mg_delivery_completed(delivery, &outcome);
        return;
    }
    if (lane->dispatch->stopping) {
        give_back_at_stop(delivery);
        return;
    }
    int64_t timeout = lane->destination->timeout;
    delivery->deadline = delivery->begun + timeout * 1000;
    delivery->timeout = evtimer_new(lane->dispatch->options.base, timed_out, delivery);
    start_timer(delivery->timeout, timeout);
    mg_host_deliver(delivery->instance, delivery);
}

static void start(struct lane *lane, const struct mg_store_delivery *claim)
{
    struct mg_delivery *delivery = mg_allocate_zeroed(1, sizeof *delivery);
    delivery->lane = lane;
    delivery->store = lane->dispatch->options.store;
    delivery->instance = lane->instance;
    delivery->claim = *claim;
    mg_id_text(&claim->message, delivery->message_id);
    unsigned place = 0;
    while (lane->deliveries[place])
        place++;
    lane->deliveries[place] = delivery;
    lane->running++;
    delivery->job.work = load;
    delivery->job.done = loaded;
    if (lane->dispatch->stopping)
        give_back_at_stop(delivery);
    else if (!mg_pool_submit(lane->dispatch->options.workers, &delivery->job))
        give_back(delivery, PAUSE, "gateway.overloaded", "The gateway's workers had no place.");
}

static void claimed(struct mg_store_claim *claim)
{
    struct lane *lane = claim->context;
    lane->claiming = false;
    if (!claim->ok) {
        mg_log(MG_LOG_ERROR, "destination.claim-failed", "destination", lane->destination->name,
               "code", claim->error.code, "reason", claim->error.text, NULL);
        pump_in(lane, PAUSE);
    } else {
        if (claim->count == claim->limit)
            lane->more = true;
        else if (claim->next_due > 0)
            pump_in(lane, claim->next_due - mg_clock_now() + 1);
        struct mg_store_delivery *deliveries = claim->deliveries;
        size_t count = claim->count;
        for (size_t i = 0; i < count; i++)
            start(lane, &deliveries[i]);
        free(deliveries);
        pump(lane);
    }
    look_whether_drained(lane->dispatch);
}

/* Claims as much as may run now, if something may be due. */
static void pump(struct lane *lane)
{
    struct mg_dispatch *dispatch = lane->dispatch;
    if (!dispatch->begun || dispatch->stopping || lane->claiming || !lane->more)
        return;
    if (!mg_store_can_record(dispatch->options.store)) {
        pump_in(lane, PAUSE);
        return;
    }
    int64_t now = mg_clock_monotonic();
    unsigned allowed = mg_breaker_allows(&lane->breaker, now, lane->destination->concurrency);
    if (lane->running >= allowed) {
        if (allowed == 0)
            pump_in(lane, (lane->breaker.try_at - now) / 1000 + 1);
        return;
    }
    lane->more = false;
    lane->claiming = true;
    struct mg_store_claim *claim = &lane->claim;
    claim->destination = lane->destination->name;
    claim->limit = allowed - lane->running;
    claim->now = mg_clock_now();
    claim->lease = claim->now + lane->destination->timeout + LEASE_RESERVE;
    claim->done = claimed;
    claim->context = lane;
    mg_store_claim(dispatch->options.store, claim);
}

/* ---- life ---- */

struct mg_dispatch *mg_dispatch_new(const struct mg_dispatch_options *options)
{
    struct mg_dispatch *dispatch = mg_allocate_zeroed(1, sizeof *dispatch);
    dispatch->options = *options;
    const struct mg_config *config = mg_config_hold(options->config);
    dispatch->lane_count = config->destination_count;
    dispatch->lanes = mg_allocate_zeroed(config->destination_count, sizeof *dispatch->lanes);
    for (size_t i = 0; i < config->destination_count; i++) {
        struct lane *lane = &dispatch->lanes[i];
        lane->dispatch = dispatch;
        lane->destination = &config->destinations[i];
        lane->instance = mg_host_destination(options->host, lane->destination->name);
        lane->deliveries =
            mg_allocate_zeroed(lane->destination->concurrency, sizeof *lane->deliveries);
        lane->timer = evtimer_new(options->base, lane_due, lane);
        lane->more = true;
    }
    return dispatch;
}

void mg_dispatch_begin(struct mg_dispatch *dispatch)
{
    dispatch->begun = true;
    for (size_t i = 0; i < dispatch->lane_count; i++)
        pump(&dispatch->lanes[i]);
}

void mg_dispatch_wake(struct mg_dispatch *dispatch, const char *destination)
{
    for (size_t i = 0; i < dispatch->lane_count; i++) {
        struct lane *lane = &dispatch->lanes[i];
        if (strcmp(lane->destination->name, destination) == 0) {
            lane->more = true;
            pump(lane);
        }
    }
}

static void cancel_all(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct mg_dispatch *dispatch = context;
    for (size_t i = 0; i < dispatch->lane_count; i++) {
        struct lane *lane = &dispatch->lanes[i];
        for (unsigned j = 0; j < lane->destination->concurrency; j++) {
            struct mg_delivery *delivery = lane->deliveries[j];
            if (delivery && !delivery->completed && delivery->begun) {
                delivery->kept = !delivery->cancelled;
                cancel(delivery);
            }
        }
    }
}

void mg_dispatch_stop(struct mg_dispatch *dispatch, int64_t grace, void (*drained)(void *context),
                      void *context)
{
    if (dispatch->stopping) {
        start_timer(dispatch->grace, grace);
        return;
    }
    dispatch->stopping = true;
    dispatch->drained = drained;
    dispatch->context = context;
    for (size_t i = 0; i < dispatch->lane_count; i++)
        evtimer_del(dispatch->lanes[i].timer);
    dispatch->grace = evtimer_new(dispatch->options.base, cancel_all, dispatch);
    start_timer(dispatch->grace, grace);
    look_whether_drained(dispatch);
}

void mg_dispatch_free(struct mg_dispatch *dispatch)
{
    if (!dispatch)
        return;
    for (size_t i = 0; i < dispatch->lane_count; i++) {
        event_free(dispatch->lanes[i].timer);
        free(dispatch->lanes[i].deliveries);
    }
    if (dispatch->grace)
        event_free(dispatch->grace);
    free(dispatch->lanes);
    mg_config_release(dispatch->options.config);
    free(dispatch);
}
