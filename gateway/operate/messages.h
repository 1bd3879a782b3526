/*
 * messages: who looks for messages, and at them: the search, the whole trace of one, its content;
 * and the audit trail. What is looked at of a single message is written to the audit trail.
 * Internal to the room.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_OPERATE_MESSAGES_H
#define MUENGSTEN_OPERATE_MESSAGES_H

#include "gateway/operate/desk.h"

/* They live as long as the desk. */
struct mg_resources mg_messages_resources(struct mg_desk *desk);
struct mg_resources mg_content_resources(struct mg_desk *desk);
struct mg_resources mg_trail_resources(struct mg_desk *desk);

#endif
