/*
 * handoff: the one queue by which other threads hand results to the event loop.
 *
 * An item is embedded in whatever is handed over. mg_handoff_post may be called from any thread and
 * never blocks; it makes the descriptor readable. The thread of the loop watches the descriptor and
 * calls mg_handoff_drain, which runs each item in the order of posting. An item belongs to the
 * queue from post to run; its function may free it.
 */
#ifndef MUENGSTEN_BASE_HANDOFF_H
#define MUENGSTEN_BASE_HANDOFF_H

#include "gateway/base/error.h"

struct mg_handoff;

struct mg_handoff_item {
    void (*run)(struct mg_handoff_item *item); /* called on the thread that drains */
    struct mg_handoff_item *next;              /* the queue's own */
};

/* NULL only if the system has no descriptor left (code system.descriptors). */
struct mg_handoff *mg_handoff_new(struct mg_error *error);

/* No item may be in it or come any more. NULL is allowed. */
void mg_handoff_free(struct mg_handoff *handoff);

/* Readable while items wait; to be watched for reading, and for nothing else. */
int mg_handoff_descriptor(const struct mg_handoff *handoff);

/* Any thread. */
void mg_handoff_post(struct mg_handoff *handoff, struct mg_handoff_item *item);

/* Posts a chain of items linked by next, first to last, with a single wake-up. Any thread. */
void mg_handoff_post_chain(struct mg_handoff *handoff, struct mg_handoff_item *first,
                           struct mg_handoff_item *last);

/* Runs all that were posted before the call. Only on the one thread that drains. */
void mg_handoff_drain(struct mg_handoff *handoff);

/* Waits up to so many milliseconds (-1: without end) for an item, then drains: for programs and
 * tests without an event loop. */
void mg_handoff_wait(struct mg_handoff *handoff, int milliseconds);

#endif
