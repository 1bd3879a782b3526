/*
 * children: the processes of adapters on one event loop: each is watched, what it writes to
 * standard error comes line by line, and each is ended and reaped for certain, with or without a
 * farewell. Only on the thread of the loop.
 */
#ifndef MUENGSTEN_ISOLATION_CHILDREN_H
#define MUENGSTEN_ISOLATION_CHILDREN_H

#include "gateway/isolation/process.h"

#include <event2/event.h>

struct mg_children;
struct mg_child;

struct mg_child_events {
    /* A line of standard error, without control characters; what is too long or too much is left
     * out. */
    void (*on_line)(const char *text, void *context);
    /* The process has ended by itself. The child is still to be ended with mg_child_end. */
    void (*on_exit)(const char *how, void *context);
};

struct mg_children *mg_children_new(struct event_base *base);

/* Kills whoever is still there after its farewell, and waits until all are reaped: at most some
 * seconds for those that have one, and a moment for the others. NULL is allowed. */
void mg_children_free(struct mg_children *children);

/* Starts a process; *stream is our end of its stream, which the caller owns. NULL with the reason.
 * The events are borrowed. */
struct mg_child *mg_child_start(struct mg_children *children, const struct mg_process_spec *spec,
                                const struct mg_child_events *events, void *context, int *stream,
                                struct mg_error *error);

pid_t mg_child_pid(const struct mg_child *child);

/* Nothing is told of the child any more. Kills it at once. NULL is allowed. */
void mg_child_end(struct mg_child *child);

/* Likewise, but it may end by itself within so many milliseconds. Takes the stream, at which it was
 * told to close: it is shut down for writing, and what still comes is thrown away. child may be
 * NULL: a program that somebody else has started. */
void mg_child_farewell(struct mg_children *children, struct mg_child *child, int stream,
                       int64_t milliseconds);

#endif
