/*
 * events: GET /events, the state of the gateway as it changes (server-sent events, WHATWG HTML,
 * section 9.2); internal to the room.
 *
 * Each stream begins with the status. From then on it is looked at once a second, and sent when
 * something has changed but the time, and at least every 15 seconds, together with a comment. Other
 * events are passed on as they come. A reader that does not keep up misses what it has no room for,
 * and gets the newest status as soon as it has; one that takes nothing at all is let go by the HTTP
 * server. So no stream costs more memory than a status beyond the connection's buffer, and without
 * streams nothing is looked at.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_OPERATE_EVENTS_H
#define MUENGSTEN_OPERATE_EVENTS_H

#include "gateway/operate/ask.h"

#include <event2/event.h>

#define MG_EVENTS_STREAMS 32

struct mg_events;

struct mg_events_options {
    struct event_base *base;
    /* Writes the status as JSON in one line. steady: without what changes all the time. */
    void (*write)(void *context, struct mg_buffer *buffer, bool steady);
    void *context;
};

struct mg_events *mg_events_new(const struct mg_events_options *options);
/* Ends all streams. NULL is allowed. */
void mg_events_free(struct mg_events *events);

/* For GET /events; context is the struct mg_events. */
void mg_events_handle(struct mg_ask *ask, void *context);

/* Tells all streams: data is one line. */
void mg_events_tell(struct mg_events *events, const char *name, const char *data);

#endif
