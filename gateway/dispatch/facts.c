/* What operators see of the lanes. */
#include "gateway/base/clock.h"
#include "gateway/dispatch/instance.h"
#include "gateway/dispatch/lane.h"

#include <stdio.h>

void mg_lane_note(struct mg_lane *lane, const struct mg_outcome *outcome)
{
    struct mg_lane_history *history = &lane->history;
    if (outcome->kind == MG_DELIVERED) {
        history->last_success = mg_clock_now();
        return;
    }
    history->last_failure = mg_clock_now();
    snprintf(history->failure_code, sizeof history->failure_code, "%s",
             outcome->code ? outcome->code : "");
    snprintf(history->failure_text, sizeof history->failure_text, "%s",
             outcome->text ? outcome->text : "");
}

static void count(struct mg_dispatch_counts *counts, enum mg_delivery_state state)
{
    switch (state) {
    case MG_DELIVERY_DELIVERED:
        counts->delivered++;
        break;
    case MG_DELIVERY_COLLECTED:
        counts->collected++;
        break;
    case MG_DELIVERY_DEAD:
        counts->dead++;
        break;
    case MG_DELIVERY_WAITING:
        counts->postponed++;
        break;
    default:
        break;
    }
}

void mg_lane_count(struct mg_lane *lane, enum mg_delivery_state state, int64_t duration)
{
    struct mg_dispatch_totals *totals = &lane->dispatch->totals;
    struct mg_lane_history *history = &lane->history;
    int64_t now = mg_clock_monotonic();
    count(&history->counts, state);
    count(&totals->counts, state);
    if (state == MG_DELIVERY_DELIVERED || state == MG_DELIVERY_COLLECTED)
        mg_rate_add(&history->rate, now);
    if (state != MG_DELIVERY_DELIVERED)
        return;
    mg_histogram_add(&history->duration, duration);
    mg_histogram_add(&totals->duration, duration);
    mg_window_add(&history->recent, now, duration);
}

const struct mg_dispatch_totals *mg_dispatch_totals(const struct mg_dispatch *dispatch)
{
    return &dispatch->totals;
}

static int64_t due(const struct event *timer)
{
    struct timeval at;
    if (!evtimer_pending(timer, &at))
        return 0;
    return (int64_t)at.tv_sec * 1000 + at.tv_usec / 1000;
}

static void tell(const struct mg_lane *lane, struct mg_dispatch_facts *facts)
{
    const struct mg_breaker *breaker = &lane->breaker;
    facts->paused = lane->destination->paused;
    facts->pause = lane->pause;
    facts->ordered = lane->destination->ordered;
    facts->concurrency = lane->destination->concurrency;
    facts->blocked = lane->blocked;
    if (lane->blocked && !lane->claiming)
        facts->blocking = lane->claim.blocking;
    mg_instance_tell(lane->instance, &facts->instance);
    facts->failures = breaker->failures;
    if (breaker->open)
        facts->breaker =
            mg_clock_monotonic() < breaker->try_at ? MG_BREAKER_OPEN : MG_BREAKER_HALF_OPEN;
    facts->collected = mg_lane_is_collected(lane);
    if (!facts->collected) /* there the timer is for what nobody collects */
        facts->next_attempt = due(lane->timer);
}

/* What the lane has measured itself. */
static void tell_measures(const struct mg_lane_history *history, int64_t now,
                          struct mg_dispatch_facts *facts)
{
    struct mg_histogram recent = mg_window_read(&history->recent, now);
    facts->duration = &history->duration;
    facts->duration_p50 = mg_histogram_quantile(&recent, 0.5);
    facts->duration_p99 = mg_histogram_quantile(&recent, 0.99);
    facts->rate = mg_rate_read(&history->rate, now);
}

void mg_dispatch_each(const struct mg_dispatch *dispatch,
                      void (*see)(const struct mg_dispatch_facts *facts, void *context),
                      void *context)
{
    int64_t now = mg_clock_monotonic();
    for (const struct mg_lane *lane = dispatch->lanes; lane; lane = lane->next) {
        const struct mg_lane_history *history = &lane->history;
        struct mg_dispatch_facts facts = {
            .name = lane->name,
            .removed = lane->removed,
            .running = lane->running,
            .counts = history->counts,
            .last_success = history->last_success,
            .last_failure = history->last_failure,
            .failure_code = history->failure_code,
            .failure_text = history->failure_text,
        };
        tell_measures(history, now, &facts);
        /* The instance of one that is removed may be gone. */
        if (!lane->removed)
            tell(lane, &facts);
        see(&facts, context);
    }
}
