/*
 * retry: when a delivery that failed is tried again, and when it is given up. Pure.
 */
#ifndef MUENGSTEN_DISPATCH_RETRY_H
#define MUENGSTEN_DISPATCH_RETRY_H

#include "gateway/config/config.h"

struct mg_retry_facts {
    int attempts;        /* begun so far; at least 1 */
    int64_t accepted;    /* since when it waits, milliseconds since 1970 */
    int64_t now;         /* milliseconds since 1970 */
    int64_t retry_after; /* milliseconds that the destination asked to wait; 0: it did not */
    double chance;       /* from 0 up to 1, different each time: spreads retries over time */
};

/* True if the delivery shall be tried again, at *next (milliseconds since 1970): after first *
 * factor^(attempts - 1), at most longest, of which the last half is left to chance. False if that
 * would be later than the time to give up. It is not tried before the destination's own wish; but
 * if that is later than the time to give up, then for a last time at that time: nobody shall lose
 * a message at its first attempt by asking for a day. */
bool mg_retry_next(const struct mg_config_retry *retry, const struct mg_retry_facts *facts,
                   int64_t *next);

#endif
