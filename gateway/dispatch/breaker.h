/*
 * breaker: keeps the gateway from hammering a destination that is down. Pure; times are
 * microseconds of mg_clock_monotonic.
 *
 * Closed: everything goes. After so many temporary failures in a row it opens: nothing goes. After
 * a while it is half open: one delivery tries; its success closes the breaker, its failure opens it
 * for as long again.
 */
#ifndef MUENGSTEN_DISPATCH_BREAKER_H
#define MUENGSTEN_DISPATCH_BREAKER_H

#include "gateway/config/config.h"

struct mg_breaker {
    unsigned failures; /* in a row */
    bool open;
    int64_t try_at; /* while open: when one delivery may try */
};

/* How many deliveries may run at once, of the limit: all, one, or none. */
unsigned mg_breaker_allows(const struct mg_breaker *breaker, int64_t now, unsigned limit);

/* Records a success; true if it closed the breaker. */
bool mg_breaker_succeed(struct mg_breaker *breaker);

/* Records a temporary failure; true if it opened the breaker (again). */
bool mg_breaker_fail(struct mg_breaker *breaker, const struct mg_config_retry *retry, int64_t now);

#endif
