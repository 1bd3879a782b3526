/*
 * door: a Unix socket at which one program at a time may connect, if it runs as the right user.
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_ISOLATION_DOOR_H
#define MUENGSTEN_ISOLATION_DOOR_H

#include "gateway/base/error.h"

#include <event2/event.h>
#include <sys/types.h>

struct mg_door;

struct mg_door_events {
    /* Somebody has connected, and the door is closed again; the stream is the callee's. */
    void (*on_visitor)(int stream, pid_t pid, void *context);
    /* Somebody was sent away. */
    void (*on_refused)(uid_t user, pid_t pid, void *context);
};

/* Makes the socket; whatever socket stood at the path before is replaced. user: NULL: ours, to whom
 * alone the socket belongs; otherwise everybody may connect, and who is somebody else is sent away.
 * The door is closed. Fails with adapter.socket and adapter.user. */
struct mg_door *mg_door_new(struct event_base *base, const char *path, const char *user,
                            const struct mg_door_events *events, void *context,
                            struct mg_error *error);
/* Lets the next one in. Whoever came before waits until then. The socket gets its path with the
 * first opening, in place of any that was there: a door that is never opened has harmed no other.
 * False, with adapter.socket, if it cannot. */
bool mg_door_open(struct mg_door *door, struct mg_error *error);
void mg_door_close(struct mg_door *door);
/* Removes the socket, unless another stands there by now. NULL is allowed. */
void mg_door_free(struct mg_door *door);

#endif
