/*
 * box: what adapters are offered for destinations that are collected: to look into the box, take a
 * message out, and settle it. Internal to the room; only on the thread of the loop.
 *
 * What waits in a box waits in the store, and who has taken what is written there too, so a box has
 * no state of its own but what is underway. box.c lists and settles, box_take.c takes.
 *
 * All of it is bounded: questions by MG_BOX_QUESTIONS, messages that are in memory by the
 * concurrency of the destination; takings beyond that wait for their turn. An instance is not
 * closed before every question is answered and every message closed.
 */
#ifndef MUENGSTEN_DISPATCH_BOX_H
#define MUENGSTEN_DISPATCH_BOX_H

#include "gateway/base/id.h"
#include "gateway/dispatch/instance.h"

#include <sys/queue.h>

/* Questions to one box that may be underway at once. */
#define MG_BOX_QUESTIONS 256

struct mg_taking;
STAILQ_HEAD(mg_takings, mg_taking);

struct mg_box {
    unsigned questions;
    unsigned open;             /* messages taken, or being taken, and not closed */
    struct mg_takings takings; /* those that wait for their turn */
};

/* The box of the instance; NULL if it has none, is asked too much, or may not be asked any more. */
struct mg_box *mg_box_of(struct mg_instance *instance);

/* What is no id becomes one that no message has. */
void mg_box_read_id(const char *text, struct mg_id *id);

/* From begin to end a question is underway. */
void mg_box_begin_question(struct mg_instance *instance);
void mg_box_end_question(struct mg_instance *instance);

/* What adapters are offered for takings (box_take.c). */
void mg_host_offer_takings(struct mg_gateway *gateway);

#endif
