#include "gateway/dispatch/dispatch.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/dispatch/lane.h"

#include <stdlib.h>
#include <string.h>

/* ---- the end of it all ---- */

static bool is_idle(const struct mg_dispatch *dispatch)
{
    for (const struct mg_lane *lane = dispatch->lanes; lane; lane = lane->next)
        if (lane->running > 0 || lane->claiming)
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

static void remove_lane(struct mg_lane *lane)
{
    struct mg_lane **link = &lane->dispatch->lanes;
    while (*link != lane)
        link = &(*link)->next;
    *link = lane->next;
    mg_lane_free(lane);
}

void mg_dispatch_look(struct mg_lane *lane)
{
    struct mg_dispatch *dispatch = lane->dispatch;
    if (lane->removed && lane->running == 0 && !lane->claiming)
        remove_lane(lane);
    look_whether_drained(dispatch);
}

/* ---- configurations ---- */

static struct mg_lane *find_lane(const struct mg_dispatch *dispatch, const char *name)
{
    for (struct mg_lane *lane = dispatch->lanes; lane; lane = lane->next)
        if (strcmp(lane->name, name) == 0)
            return lane;
    return NULL;
}

static struct mg_pause **find_pause(struct mg_dispatch *dispatch, const char *destination)
{
    struct mg_pause **place = &dispatch->pauses;
    while (*place && strcmp((*place)->facts.destination, destination) != 0)
        place = &(*place)->next;
    return place;
}

static void apply_to_lane(struct mg_dispatch *dispatch, struct mg_config *config,
                          const struct mg_config_destination *destination)
{
    struct mg_lane *lane = find_lane(dispatch, destination->name);
    if (!lane) {
        lane = mg_lane_new(dispatch, destination->name);
        lane->next = dispatch->lanes;
        dispatch->lanes = lane;
        const struct mg_pause *pause = *find_pause(dispatch, destination->name);
        lane->pause = pause ? &pause->facts : NULL;
    }
    mg_lane_apply(lane, config, destination,
                  mg_host_destination(dispatch->options.host, destination->name));
}

/* What waits is not lost, but nobody brings it anywhere. */
static void tell_removed(const struct mg_lane *lane)
{
    struct mg_store_queue queue;
    mg_store_queue(lane->dispatch->options.store, lane->name, &queue);
    mg_log(queue.waiting > 0 ? MG_LOG_WARNING : MG_LOG_NOTICE, "destination.removed", "destination",
           lane->name, "waiting", MG_LOG_NUMBER(queue.waiting), NULL);
}

void mg_dispatch_apply(struct mg_dispatch *dispatch, struct mg_config *config)
{
    for (struct mg_lane *lane = dispatch->lanes; lane; lane = lane->next)
        lane->removed = true;
    for (size_t i = 0; i < config->destination_count; i++)
        apply_to_lane(dispatch, config, &config->destinations[i]);
    for (struct mg_lane *lane = dispatch->lanes, *next; lane; lane = next) {
        next = lane->next;
        if (lane->removed) {
            tell_removed(lane);
            lane->instance = NULL; /* closed as soon as nothing runs in it, perhaps before a claim
                                      has come back */
        }
        mg_dispatch_look(lane);
    }
}

/* ---- life ---- */

struct mg_dispatch *mg_dispatch_new(const struct mg_dispatch_options *options)
{
    struct mg_dispatch *dispatch = mg_allocate_zeroed(1, sizeof *dispatch);
    dispatch->options = *options;
    return dispatch;
}

void mg_dispatch_begin(struct mg_dispatch *dispatch)
{
    dispatch->begun = true;
    for (struct mg_lane *lane = dispatch->lanes; lane; lane = lane->next)
        mg_lane_pump(lane);
}

void mg_dispatch_wake(struct mg_dispatch *dispatch, const char *destination)
{
    struct mg_lane *lane = find_lane(dispatch, destination);
    if (lane)
        mg_lane_wake(lane);
}

void mg_dispatch_hurry(struct mg_dispatch *dispatch, const char *destination)
{
    struct mg_lane *lane = find_lane(dispatch, destination);
    if (!lane)
        return;
    lane->breaker.try_at = mg_clock_monotonic();
    mg_lane_wake(lane);
}

void mg_dispatch_pause(struct mg_dispatch *dispatch, const struct mg_store_pause *facts)
{
    struct mg_lane *lane = find_lane(dispatch, facts->destination);
    struct mg_pause **place = find_pause(dispatch, facts->destination);
    if (!*place)
        *place = mg_allocate_zeroed(1, sizeof **place);
    (*place)->facts = *facts;
    if (lane)
        mg_lane_set_pause(lane, &(*place)->facts);
    mg_log(MG_LOG_NOTICE, "destination.paused", "destination", facts->destination, "by", facts->by,
           NULL);
}

void mg_dispatch_resume(struct mg_dispatch *dispatch, const char *destination)
{
    struct mg_lane *lane = find_lane(dispatch, destination);
    struct mg_pause **place = find_pause(dispatch, destination), *pause = *place;
    if (!pause)
        return;
    *place = pause->next;
    mg_log(MG_LOG_NOTICE, "destination.resumed", "destination", destination, NULL);
    if (lane)
        mg_lane_set_pause(lane, NULL);
    free(pause);
}

void mg_dispatch_collected(struct mg_dispatch *dispatch, const char *destination)
{
    struct mg_lane *lane = find_lane(dispatch, destination);
    if (!lane)
        return;
    mg_lane_count(lane, MG_DELIVERY_COLLECTED, 0);
    lane->history.last_success = mg_clock_now();
}

static void cancel_all(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct mg_dispatch *dispatch = context;
    for (struct mg_lane *lane = dispatch->lanes; lane; lane = lane->next)
        mg_lane_cancel_all(lane);
}

void mg_dispatch_stop(struct mg_dispatch *dispatch, int64_t grace, void (*drained)(void *context),
                      void *context)
{
    if (dispatch->stopping) {
        mg_lane_start_timer(dispatch->grace, grace);
        return;
    }
    dispatch->stopping = true;
    dispatch->drained = drained;
    dispatch->context = context;
    for (struct mg_lane *lane = dispatch->lanes; lane; lane = lane->next)
        evtimer_del(lane->timer);
    dispatch->grace = evtimer_new(dispatch->options.base, cancel_all, dispatch);
    mg_lane_start_timer(dispatch->grace, grace);
    look_whether_drained(dispatch);
}

void mg_dispatch_free(struct mg_dispatch *dispatch)
{
    if (!dispatch)
        return;
    for (struct mg_lane *lane = dispatch->lanes, *next; lane; lane = next) {
        next = lane->next;
        mg_lane_free(lane);
    }
    while (dispatch->pauses) {
        struct mg_pause *pause = dispatch->pauses;
        dispatch->pauses = pause->next;
        free(pause);
    }
    if (dispatch->grace)
        event_free(dispatch->grace);
    free(dispatch);
}
