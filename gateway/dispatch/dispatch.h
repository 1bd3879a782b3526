/*
 * dispatch: schedules deliveries: claims them, hands them to adapters, retries, gives up.
 *
 * Each destination has a lane with a limit of deliveries at once, a breaker and a timer. A lane
 * claims nothing while its destination is paused, or its adapter says that it is down. What waits
 * stays in the store; a lane claims only what it can start, so memory is bounded by the lanes'
 * limits, whatever the length of the queue. A lane with nothing due sleeps: there is no polling but
 * the store's own next due time. Only on the thread of the loop.
 */
#ifndef MUENGSTEN_DISPATCH_DISPATCH_H
#define MUENGSTEN_DISPATCH_DISPATCH_H

#include "gateway/base/histogram.h"
#include "gateway/base/pool.h"
#include "gateway/config/config.h"
#include "gateway/dispatch/host.h"
#include "gateway/store/act.h"
#include "gateway/store/store.h"

struct mg_dispatch;

struct mg_dispatch_options {
    struct event_base *base;
    struct mg_store *store;
    struct mg_pool *workers;
    struct mg_host *host;
};

/* Without a lane. The options are copied. */
struct mg_dispatch *mg_dispatch_new(const struct mg_dispatch_options *options);

/* Makes a lane for each destination, or lets the lane that it has go on with the new values and the
 * instance that the host has for it now. Lanes of destinations that are no longer there end with
 * what they have begun; what waits for them stays in the store. */
void mg_dispatch_apply(struct mg_dispatch *dispatch, struct mg_config *config);

/* Begins to claim: when nothing can go wrong with the start any more, since what is claimed has to
 * be brought to its end. */
void mg_dispatch_begin(struct mg_dispatch *dispatch);

/* A message was committed with a delivery to this destination. */
void mg_dispatch_wake(struct mg_dispatch *dispatch, const char *destination);

/* An operator wants it now: what waits is looked at anew, and a breaker that is open lets one try.
 */
void mg_dispatch_hurry(struct mg_dispatch *dispatch, const char *destination);

/* An operator pauses a destination, whatever the configuration says, until resume: nothing more is
 * claimed, what runs goes on. It outlives reloads; the store remembers it for the next start
 * (store/act.h). A destination without a lane gets it with its lane. */
void mg_dispatch_pause(struct mg_dispatch *dispatch, const struct mg_store_pause *pause);
void mg_dispatch_resume(struct mg_dispatch *dispatch, const char *destination);

/* A message was collected from the box of this destination: for what operators see. */
void mg_dispatch_collected(struct mg_dispatch *dispatch, const char *destination);

/* Claims nothing more; drained is called once when what runs has ended and is recorded. After grace
 * milliseconds what still runs is cancelled, and goes on after the next start, whatever time it has
 * left. Called again, it only sets the grace anew. */
void mg_dispatch_stop(struct mg_dispatch *dispatch, int64_t grace, void (*drained)(void *context),
                      void *context);

/* ---- what operators see ---- */

/* Deliveries, by what was recorded of them. */
struct mg_dispatch_counts {
    int64_t delivered;
    int64_t collected;
    int64_t postponed; /* attempts that failed and are repeated */
    int64_t dead;
};

/* Of all lanes since the start, also of those that are gone. */
struct mg_dispatch_totals {
    struct mg_dispatch_counts counts;
    struct mg_histogram duration; /* of deliveries that succeeded */
};
const struct mg_dispatch_totals *mg_dispatch_totals(const struct mg_dispatch *dispatch);

/* Of one lane; texts are valid until the loop goes on. Times are milliseconds since 1970, and 0
 * where there is none. */
struct mg_dispatch_facts {
    const char *name;
    bool
        removed; /* no longer configured: ends with what runs; then the rest says nothing but counts
                  */
    bool paused; /* by the configuration … */
    const struct mg_store_pause *pause; /* … or by an operator, in this way; NULL: it is not */
    bool ordered;
    bool collected;        /* its readers take what waits; nothing is delivered */
    bool blocked;          /* ordered, and a dead one stands before the next … */
    struct mg_id blocking; /* … of this message; zeroed: not known at the moment */
    unsigned concurrency;
    unsigned running;
    struct mg_host_facts instance;
    enum mg_breaker_state { MG_BREAKER_CLOSED, MG_BREAKER_OPEN, MG_BREAKER_HALF_OPEN } breaker;
    unsigned failures;    /* temporary ones in a row */
    int64_t next_attempt; /* when the lane looks again by itself */
    struct mg_dispatch_counts counts;
    const struct mg_histogram *duration; /* of deliveries that succeeded */
    int64_t duration_p50; /* of those of the last minutes, in microseconds; -1: there were none */
    int64_t duration_p99;
    double rate; /* a minute: what was delivered or collected in the last five */
    int64_t last_success;
    int64_t last_failure;
    const char *failure_code; /* of the last failure; empty: none yet */
    const char *failure_text;
};

/* Calls see for every lane, in no order. */
void mg_dispatch_each(const struct mg_dispatch *dispatch,
                      void (*see)(const struct mg_dispatch_facts *facts, void *context),
                      void *context);

/* Nothing may run. NULL is allowed. */
void mg_dispatch_free(struct mg_dispatch *dispatch);

#endif
