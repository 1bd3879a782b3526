/*
 * acts: what operators do with messages and destinations. Each needs a reason, is written to the
 * audit trail in the commit that carries it out, and leaves an event in the message's trace. Who
 * acts says how the delivery looked: if it looks otherwise by now, nothing is done, and the answer
 * (409) says how it looks. Internal to the room.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_OPERATE_ACTS_H
#define MUENGSTEN_OPERATE_ACTS_H

#include "gateway/operate/desk.h"

/* They live as long as the desk. */
struct mg_resources mg_acts_resources(struct mg_desk *desk);
struct mg_resources mg_destination_acts_resources(struct mg_desk *desk);
struct mg_resources mg_erasure_resources(struct mg_desk *desk);

/* The members that the body of an act may have, up to NULL, beside "why". If it has others, the ask
 * is answered (400 act.invalid) and false returned. */
bool mg_acts_know(struct mg_ask *ask, const char *const *members);

#endif
