/*
 * Gives up what nobody collects. The lane of a destination whose messages are collected hands
 * nothing to its adapter: readers take what they want out of the box. It sleeps until the oldest
 * message has waited for as long as the destination allows, and ends it as dead then, so that its
 * sender and the operator learn of it.
 */
#include "gateway/base/clock.h"
#include "gateway/dispatch/lane.h"

#include <stdio.h>

bool mg_lane_is_collected(const struct mg_lane *lane)
{
    return lane->instance && lane->instance->adapter->abilities & MG_IS_COLLECTED;
}

/* Nothing is old enough before the oldest is; and it may be taken: then its lease has to end. */
int64_t mg_lane_give_up_at(const struct mg_lane *lane, const struct mg_store_claim *claim)
{
    int64_t give_up = lane->destination->retry.give_up;
    int64_t lease = claim->next_lease, due = claim->next_due;
    struct mg_store_queue queue;
    mg_store_queue(lane->dispatch->options.store, lane->name, &queue);
    if (due != lease)
        due += give_up;
    if (lease > 0 && lease < due)
        due = lease;
    return due > queue.oldest + give_up ? due : queue.oldest + give_up;
}

void mg_lane_give_up(struct mg_lane *lane, const struct mg_store_delivery *claim)
{
    struct mg_delivery *delivery = mg_allocate_zeroed(1, sizeof *delivery);
    delivery->lane = lane;
    delivery->store = lane->dispatch->options.store;
    delivery->claim = *claim;
    delivery->claim.attempts--; /* only readers' takings count */
    mg_id_text(&claim->message, delivery->message_id);
    LIST_INSERT_HEAD(&lane->deliveries, delivery, entry);
    lane->running++;
    delivery->completed = true;
    delivery->outcome.state = MG_DELIVERY_DEAD;
    delivery->outcome.attempt_counts = false;
    delivery->outcome.now = mg_clock_now();
    snprintf(delivery->outcome_code, sizeof delivery->outcome_code, "mailbox.not-collected");
    snprintf(delivery->outcome_text, sizeof delivery->outcome_text,
             "Nobody has collected the message in the time that its destination allows; times that "
             "it was fetched and not acknowledged: %d.",
             delivery->claim.attempts);
    const struct mg_outcome outcome = {
        .kind = MG_PERMANENT,
        .code = delivery->outcome_code,
        .text = delivery->outcome_text,
    };
    mg_lane_note(lane, &outcome);
    mg_delivery_record(delivery);
}
