/*
 * outgoing: deliveries that a courier's thread takes to a broker. Each goes to the thread with a
 * letter, stands in the thread's list until the broker has it or not, and comes back with its
 * outcome.
 *
 * Each function says which side may call it. A delivery belongs to the thread from mg_out_deliver
 * until mg_out_complete; what is marked as the loop's the thread does not touch.
 */
#ifndef MUENGSTEN_ADAPTERS_OUTGOING_H
#define MUENGSTEN_ADAPTERS_OUTGOING_H

#include "adapters/common/body.h"
#include "adapters/common/courier.h"

#include "muengsten/adapter.h"

struct mg_out {
    struct mg_letter letter; /* first */
    struct mg_outgoing *outgoing;
    struct mg_body body;
    const struct mg_message_facts *message;
    int attempt;
    struct mg_out *next; /* in the order in which they came */
    uint64_t number;     /* by which the broker's answer names it; 0: not handed over yet */
    bool returned;       /* the broker knows nobody who wants it */

    uint64_t serial;
    struct mg_outcome outcome;
    char code[32];
    char text[600];
    /* The loop's. */
    struct mg_delivery *delivery;
    struct mg_out *next_underway;
    struct mg_timer *grace;
};

/* Embedded in an instance; filled with zeros but for these. */
struct mg_outgoing {
    const struct mg_gateway *gateway;
    struct mg_instance *instance;
    struct mg_courier *courier;

    struct mg_out *outs; /* the thread's */
    /* The loop's. */
    struct mg_out *underway;
    uint64_t serials;
};

/* Loop. For mg_adapter.deliver. */
void mg_out_deliver(struct mg_outgoing *outgoing, struct mg_delivery *delivery);

/* Loop. For mg_adapter.cancel: the thread completes it when it opens its letters; if it does not
 * come to that, because a library blocks, its socket is cut off after a second. */
void mg_out_cancel(struct mg_outgoing *outgoing, struct mg_delivery *delivery);

/* Thread. Takes it out of the list and sends it home. code and text are copied; NULL: delivered. */
void mg_out_complete(struct mg_out *out, enum mg_outcome_kind kind, const char *code,
                     const char *text);

/* Thread. The first that was not handed over yet, or NULL. */
struct mg_out *mg_out_waiting(const struct mg_outgoing *outgoing);

/* Thread. The facts of its message that go along as headers, one after the other, until it returns
 * false: those that the message has. index begins at 0. */
bool mg_out_header(const struct mg_out *out, size_t *index, const char **name, const char **value);

#define MG_OUT_HEADERS 8 /* at most */

#endif
