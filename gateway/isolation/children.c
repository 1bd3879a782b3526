#include "gateway/isolation/children.h"

#include "gateway/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A line of standard error, and how many may come in a second. */
#define LINE_SIZE 1024
#define LINES     50
/* Microseconds for which a child that writes more is not read: it may wait, we do not. */
#define ERRORS_REST 20000

struct mg_children {
    struct event_base *base;
    struct mg_child *first;
};

struct mg_child {
    struct mg_child *next;
    struct mg_child **link;
    struct mg_children *children;
    struct mg_process process;            /* pid -1: somebody else's */
    const struct mg_child_events *events; /* NULL: nobody wants to know any more */
    void *context;
    struct event *exited, *errors, *rest, *patience, *stream_event;
    int stream; /* during the farewell; -1 otherwise */
    char line[LINE_SIZE];
    size_t line_length;
    int64_t second; /* in which lines are counted */
    int lines;
};

static void free_event(struct event *event)
{
    if (event)
        event_free(event);
}

static void free_child(struct mg_child *child)
{
    *child->link = child->next;
    if (child->next)
        child->next->link = child->link;
    free_event(child->exited);
    free_event(child->errors);
    free_event(child->rest);
    free_event(child->patience);
    free_event(child->stream_event);
    if (child->process.errors >= 0)
        close(child->process.errors);
    if (child->stream >= 0)
        close(child->stream);
    free(child);
}

/* ---- standard error ---- */

static void tell_line(struct mg_child *child)
{
    int64_t second = mg_clock_monotonic() / 1000000;
    if (second != child->second) {
        child->second = second;
        child->lines = 0;
    }
    child->line[child->line_length] = '\0';
    bool empty = child->line_length == 0;
    child->line_length = 0;
    if (empty || ++child->lines > LINES + 1 || !child->events)
        return;
    child->events->on_line(child->lines <= LINES ? child->line : "(more lines are left out)",
                           child->context);
}

static void take_errors(struct mg_child *child, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char letter = (unsigned char)bytes[i];
        if (letter == '\n')
            tell_line(child);
        else if (child->line_length < LINE_SIZE - 1)
            child->line[child->line_length++] = (char)(letter < ' ' ? ' ' : letter);
    }
}

static void errors_readable(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    struct mg_child *child = context;
    char bytes[16384];
    ssize_t length = read(descriptor, bytes, sizeof bytes);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0) {
        tell_line(child);
        event_del(child->errors);
        return;
    }
    take_errors(child, bytes, (size_t)length);
    if (child->lines > LINES || length == (ssize_t)sizeof bytes) {
        static const struct timeval rest = {0, ERRORS_REST};
        event_del(child->errors);
        event_add(child->rest, &rest);
    }
}

static void errors_again(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct mg_child *child = context;
    event_add(child->errors, NULL);
}

/* What it said last, mostly why it ends. */
static void take_last_errors(struct mg_child *child)
{
    char bytes[16384];
    ssize_t length = read(child->process.errors, bytes, sizeof bytes);
    if (length > 0)
        take_errors(child, bytes, (size_t)length);
    tell_line(child);
}

/* ---- the end ---- */

static void has_exited(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct mg_child *child = context;
    char how[128];
    if (!mg_process_reap(&child->process, how, sizeof how))
        return;
    event_free(child->exited);
    child->exited = NULL;
    child->process.pid = -1;
    take_last_errors(child);
    if (child->events)
        child->events->on_exit(how, child->context);
    else
        free_child(child);
}

void mg_child_end(struct mg_child *child)
{
    if (!child)
        return;
    child->events = NULL;
    if (child->process.pid < 0)
        free_child(child);
    else
        mg_process_kill(&child->process);
}

static void out_of_patience(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    mg_child_end(context);
}

/* False at the end of the stream. */
static bool throw_away(int stream)
{
    char bytes[16384];
    ssize_t length = recv(stream, bytes, sizeof bytes, MSG_DONTWAIT);
    return length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR));
}

static void farewell_readable(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    struct mg_child *child = context;
    if (throw_away(descriptor))
        return;
    event_del(child->stream_event);
    if (child->process.pid < 0)
        free_child(child);
}

static struct mg_child *new_child(struct mg_children *children)
{
    struct mg_child *child = mg_allocate_zeroed(1, sizeof *child);
    child->children = children;
    child->stream = -1;
    child->process = (struct mg_process){.pid = -1, .watch = -1, .stream = -1, .errors = -1};
    child->next = children->first;
    child->link = &children->first;
    if (child->next)
        child->next->link = &child->next;
    children->first = child;
    return child;
}

void mg_child_farewell(struct mg_children *children, struct mg_child *child, int stream,
                       int64_t milliseconds)
{
    struct timeval patience = {milliseconds / 1000, milliseconds % 1000 * 1000};
    if (child && child->process.pid < 0) {
        free_child(child);
        child = NULL;
    }
    if (!child)
        child = new_child(children);
    child->events = NULL;
    child->stream = stream;
    shutdown(stream, SHUT_WR);
    child->patience = evtimer_new(children->base, out_of_patience, child);
    child->stream_event =
        event_new(children->base, stream, EV_READ | EV_PERSIST, farewell_readable, child);
    event_add(child->patience, &patience);
    event_add(child->stream_event, NULL);
}

/* ---- life ---- */

struct mg_child *mg_child_start(struct mg_children *children, const struct mg_process_spec *spec,
                                const struct mg_child_events *events, void *context, int *stream,
                                struct mg_error *error)
{
    struct mg_process process;
    if (!mg_process_start(spec, &process, error))
        return NULL;
    struct mg_child *child = new_child(children);
    child->process = process;
    child->events = events;
    child->context = context;
    child->exited =
        event_new(children->base, process.watch, EV_READ | EV_PERSIST, has_exited, child);
    child->errors =
        event_new(children->base, process.errors, EV_READ | EV_PERSIST, errors_readable, child);
    child->rest = evtimer_new(children->base, errors_again, child);
    event_add(child->exited, NULL);
    event_add(child->errors, NULL);
    *stream = process.stream;
    return child;
}

pid_t mg_child_pid(const struct mg_child *child)
{
    return child->process.pid;
}

struct mg_children *mg_children_new(struct event_base *base)
{
    struct mg_children *children = mg_allocate_zeroed(1, sizeof *children);
    children->base = base;
    return children;
}

/* Milliseconds until the child has had its time. */
static int time_left(const struct mg_child *child)
{
    struct timeval due, now;
    if (!child->patience || !evtimer_pending(child->patience, &due))
        return 0;
    evutil_gettimeofday(&now, NULL);
    int64_t left = (due.tv_sec - now.tv_sec) * 1000 + (due.tv_usec - now.tv_usec) / 1000;
    return left > 0 ? (int)left : 0;
}

static void wait_for_child(struct mg_child *child)
{
    char how[128];
    int64_t until = mg_clock_monotonic() + time_left(child) * INT64_C(1000);
    while (!mg_process_reap(&child->process, how, sizeof how)) {
        int64_t left = (until - mg_clock_monotonic()) / 1000;
        if (left <= 0)
            mg_process_kill(&child->process);
        struct pollfd pollers[2] = {{.fd = child->process.watch, .events = POLLIN},
                                    {.fd = child->stream, .events = POLLIN}};
        poll(pollers, 2, left > 0 ? (int)left : 1000);
        if (pollers[1].revents && !throw_away(child->stream)) {
            event_del(child->stream_event);
            close(child->stream);
            child->stream = -1;
        }
    }
    event_free(child->exited);
    child->exited = NULL;
    child->process.pid = -1;
}

void mg_children_free(struct mg_children *children)
{
    if (!children)
        return;
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): what is freed takes itself out of the list first */
    while (children->first) {
        struct mg_child *child = children->first;
        child->events = NULL;
        if (child->process.pid >= 0)
            wait_for_child(child);
        free_child(child);
    }
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    free(children);
}
