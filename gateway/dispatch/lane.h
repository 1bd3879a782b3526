/*
 * lane: the deliveries of one destination: claims them from the store, has them loaded, hands them
 * to the adapter's instance, records what became of them. Internal to the room.
 *
 * lane.c claims and starts, outcome.c decides and records, dispatch.c has all the lanes.
 */
#ifndef MUENGSTEN_DISPATCH_LANE_H
#define MUENGSTEN_DISPATCH_LANE_H

#include "gateway/dispatch/breaker.h"
#include "gateway/dispatch/delivery.h"
#include "gateway/dispatch/dispatch.h"

#include <event2/event.h>

/* Milliseconds that a store that failed, or full workers, are left alone. */
#define MG_LANE_PAUSE 1000

/* What became of a lane's deliveries since it was made. */
struct mg_lane_history {
    struct mg_dispatch_counts counts;
    struct mg_histogram duration; /* of deliveries that succeeded */
    struct mg_window recent;      /* likewise */
    struct mg_rate rate;          /* of what was delivered or collected */
    int64_t last_success;         /* milliseconds since 1970; 0: none yet */
    int64_t last_failure;
    char failure_code[MG_ERROR_CODE_SIZE]; /* of the last one */
    char failure_text[256];
};

LIST_HEAD(mg_deliveries, mg_delivery);

struct mg_lane {
    struct mg_lane *next;
    struct mg_dispatch *dispatch;
    char *name;               /* of the destination */
    struct mg_config *config; /* held: destination is in it */
    const struct mg_config_destination *destination;
    struct mg_instance *instance;       /* NULL once it is removed */
    const struct mg_store_pause *pause; /* by an operator; NULL: none */
    struct mg_breaker breaker;
    unsigned running;
    bool claiming;
    bool more;    /* something may be due in the store */
    bool blocked; /* ordered, and one that is dead stands before the next */
    bool removed; /* the configuration no longer has it: ends with what runs */
    struct event *timer;
    struct mg_store_claim claim;
    struct mg_lane_history history;
    struct mg_deliveries deliveries; /* those running */
};

/* By operators; also of destinations without a lane. */
struct mg_pause {
    struct mg_pause *next;
    struct mg_store_pause facts;
};

struct mg_dispatch {
    struct mg_dispatch_options options;
    struct mg_lane *lanes;
    struct mg_dispatch_totals totals;
    struct mg_pause *pauses;
    bool begun;
    bool stopping;
    struct event *grace;
    void (*drained)(void *context);
    void *context;
};

/* A lane for a destination, with the values that mg_lane_apply gives it. */
struct mg_lane *mg_lane_new(struct mg_dispatch *dispatch, const char *name);
/* Nothing may run or be claimed. */
void mg_lane_free(struct mg_lane *lane);

/* Goes on under this configuration, with this instance. */
void mg_lane_apply(struct mg_lane *lane, struct mg_config *config,
                   const struct mg_config_destination *destination, struct mg_instance *instance);

/* An operator has paused the destination in this way, which stays; NULL: or resumed it. */
void mg_lane_set_pause(struct mg_lane *lane, const struct mg_store_pause *pause);

/* A message has come for the destination. */
void mg_lane_wake(struct mg_lane *lane);

/* give_up.c: whether what waits is collected by its readers, and not delivered by the lane. Then
 * the lane only gives up what nobody collects in time. */
bool mg_lane_is_collected(const struct mg_lane *lane);
void mg_lane_give_up(struct mg_lane *lane, const struct mg_store_delivery *claim);
/* When there may be something to give up, after a claim that found no more. */
int64_t mg_lane_give_up_at(const struct mg_lane *lane, const struct mg_store_claim *claim);

/* Claims as much as may run now, if something may be due. */
void mg_lane_pump(struct mg_lane *lane);
void mg_lane_pump_in(struct mg_lane *lane, int64_t milliseconds);

/* A delivery is recorded, or its claim lost: frees it, and goes on. */
void mg_lane_leave(struct mg_delivery *delivery);

/* Cancels what runs, as the stop does. */
void mg_lane_cancel_all(struct mg_lane *lane);

/* dispatch.c: something that ran in the lane has ended; the lane may be gone afterwards. */
void mg_dispatch_look(struct mg_lane *lane);

/* outcome.c: what an adapter has said, or what became of the reply, decides. */
void mg_delivery_conclude(struct mg_delivery *delivery, const struct mg_outcome *outcome);
/* reply.c: hands in the reply of a delivery that was completed, then concludes it. */
void mg_delivery_hand_in_reply(struct mg_delivery *delivery, const struct mg_outcome *outcome);

/* outcome.c: records what stands in the delivery's outcome. */
void mg_delivery_record(struct mg_delivery *delivery);
/* Gives a claimed delivery back as if it had not been claimed, to be claimed again after a pause.
 */
void mg_delivery_give_back(struct mg_delivery *delivery, int64_t pause, const char *code,
                           const char *text);

/* facts.c: an attempt has ended, and what the adapter said of it. */
void mg_lane_note(struct mg_lane *lane, const struct mg_outcome *outcome);
/* facts.c: what became of a delivery is recorded; duration in microseconds, of one delivered. */
void mg_lane_count(struct mg_lane *lane, enum mg_delivery_state state, int64_t duration);

/* Starts a timer; what is negative is due at once. */
void mg_lane_start_timer(struct event *timer, int64_t milliseconds);

#endif
