#include "gateway/operate/events.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* Seconds between two looks, and looks between two signs of life. */
#define LOOK_PAUSE  1
#define QUIET_LOOKS 15

struct stream {
    LIST_ENTRY(stream) entry;
    struct mg_events *events;
    struct mg_ask *ask;
    bool full;   /* no room until on_writable */
    bool misses; /* a status, because it was full */
};

struct mg_events {
    struct mg_events_options options;
    struct event *timer; /* runs while there are streams */
    LIST_HEAD(streams, stream) streams;
    size_t count;
    struct mg_buffer seen; /* the steady status that was sent last */
    unsigned quiet;        /* looks since then */
};

/* ---- writing ---- */

static void add_event(struct mg_buffer *buffer, const char *name, const char *data, size_t length)
{
    while (length > 0 && data[length - 1] == '\n')
        length--;
    mg_buffer_print(buffer, "event: %s\ndata: ", name);
    mg_buffer_add(buffer, data, length);
    mg_buffer_add_text(buffer, "\n\n");
}

static void write_status(struct mg_events *events, struct mg_buffer *buffer)
{
    struct mg_buffer status = {0};
    events->options.write(events->options.context, &status, false);
    add_event(buffer, "status", status.data ? status.data : "", status.length);
    mg_buffer_free(&status);
}

static void pass_on(struct stream *stream, const struct mg_buffer *text)
{
    stream->full = !mg_ask_write(stream->ask, text->data, text->length);
}

static void send_status(struct mg_events *events, bool to_all)
{
    struct mg_buffer text = {0};
    struct stream *stream;
    if (to_all)
        mg_buffer_add_text(&text, ": this gateway is alive\n\n");
    write_status(events, &text);
    LIST_FOREACH(stream, &events->streams, entry)
    {
        if (!to_all && !stream->misses)
            continue;
        stream->misses = stream->full;
        if (!stream->full)
            pass_on(stream, &text);
    }
    mg_buffer_free(&text);
}

/* ---- looking ---- */

static bool has_changed(struct mg_events *events)
{
    struct mg_buffer steady = {0};
    events->options.write(events->options.context, &steady, true);
    bool changed = steady.length != events->seen.length ||
                   memcmp(steady.data, events->seen.data, steady.length) != 0;
    mg_buffer_free(&events->seen);
    events->seen = steady;
    return changed;
}

static bool somebody_misses(const struct mg_events *events)
{
    struct stream *stream;
    LIST_FOREACH(stream, &events->streams, entry)
    {
        if (stream->misses && !stream->full)
            return true;
    }
    return false;
}

static void look(evutil_socket_t none, short what, void *context)
{
    struct mg_events *events = context;
    (void)none;
    (void)what;
    if (has_changed(events) || ++events->quiet >= QUIET_LOOKS) {
        events->quiet = 0;
        send_status(events, true);
    } else if (somebody_misses(events)) {
        send_status(events, false);
    }
}

/* ---- streams ---- */

static void free_stream(struct stream *stream)
{
    struct mg_events *events = stream->events;
    LIST_REMOVE(stream, entry);
    if (--events->count == 0)
        event_del(events->timer);
    mg_ask_end(stream->ask);
    free(stream);
}

static void on_writable(struct mg_ask *ask, void *context)
{
    struct stream *stream = context;
    (void)ask;
    stream->full = false;
}

static void on_abort(struct mg_ask *ask, void *context)
{
    (void)ask;
    free_stream(context);
}

static void open_stream(struct mg_events *events, struct mg_ask *ask)
{
    static const struct mg_ask_events ask_events = {.on_writable = on_writable,
                                                    .on_abort = on_abort};
    static const struct timeval pause = {LOOK_PAUSE, 0};
    struct stream *stream = mg_allocate_zeroed(1, sizeof *stream);
    struct mg_buffer text = {0};
    stream->events = events;
    stream->ask = ask;
    LIST_INSERT_HEAD(&events->streams, stream, entry);
    if (events->count++ == 0)
        event_add(events->timer, &pause);
    mg_ask_watch(ask, &ask_events, stream);
    mg_ask_begin(ask, "text/event-stream", NULL, 0);
    write_status(events, &text);
    pass_on(stream, &text);
    mg_buffer_free(&text);
}

void mg_events_handle(struct mg_ask *ask, void *context)
{
    struct mg_events *events = context;
    if (mg_ask_is_head(ask))
        mg_ask_answer(ask, 200, "text/event-stream", NULL);
    else if (events->count >= MG_EVENTS_STREAMS)
        mg_ask_problem(ask, 503, "events.too-many",
                       "There are %d streams of events already; close one of them.",
                       MG_EVENTS_STREAMS);
    else
        open_stream(events, ask);
}

void mg_events_tell(struct mg_events *events, const char *name, const char *data)
{
    struct mg_buffer text = {0};
    struct stream *stream;
    add_event(&text, name, data, strlen(data));
    LIST_FOREACH(stream, &events->streams, entry)
    {
        if (!stream->full)
            pass_on(stream, &text);
    }
    mg_buffer_free(&text);
}

/* ---- life ---- */

struct mg_events *mg_events_new(const struct mg_events_options *options)
{
    struct mg_events *events = mg_allocate_zeroed(1, sizeof *events);
    events->options = *options;
    LIST_INIT(&events->streams);
    events->timer = event_new(options->base, -1, EV_PERSIST, look, events);
    if (!events->timer)
        mg_die("no memory for a timer");
    return events;
}

void mg_events_free(struct mg_events *events)
{
    struct stream *stream;
    if (!events)
        return;
    while ((stream = LIST_FIRST(&events->streams)))
        free_stream(stream);
    event_free(events->timer);
    mg_buffer_free(&events->seen);
    free(events);
}
