#include "gateway/isolation/channel.h"

#include "gateway/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes and frames of one channel in one round of the loop. */
#define READ_SIZE    (256U * 1024)
#define ROUND_FRAMES 256
/* A buffer that once held something large is given back. */
#define KEPT_CAPACITY (1024U * 1024)

/* Bytes that a frame still points to while a wait inside its on_frame reads on. */
struct retired {
    struct retired *next;
    char *data;
};

struct mg_channel {
    int input, output;
    size_t content_limit;
    const struct mg_channel_events *events;
    void *context;
    struct event *readable, *writable, *flush, *again;
    struct mg_buffer in;
    size_t at;     /* what stands before it in `in` is dealt with */
    size_t needed; /* bytes without which there is no next frame */
    struct mg_buffer out;
    size_t sent;    /* bytes of out that are written */
    uint64_t total; /* bytes that ever were in out */
    struct mg_frame_writer writer;
    struct retired *retired;
    int inside; /* how many of our functions that call back are on the stack */
    bool flushing, blocked, paused, more, ended, freed;
};

/* ---- the end ---- */

static void free_retired(struct mg_channel *channel)
{
    for (struct retired *next; channel->retired; channel->retired = next) {
        next = channel->retired->next;
        free(channel->retired->data);
        free(channel->retired);
    }
}

static void release(struct mg_channel *channel)
{
    free_retired(channel);
    mg_buffer_free(&channel->in);
    mg_buffer_free(&channel->out);
    free(channel);
}

static void enter(struct mg_channel *channel)
{
    channel->inside++;
}

/* False if the channel was freed meanwhile. */
static bool leave(struct mg_channel *channel)
{
    channel->inside--;
    bool freed = channel->freed;
    if (channel->inside == 0) {
        free_retired(channel);
        if (freed)
            release(channel);
    }
    return !freed;
}

int mg_channel_detach(struct mg_channel *channel)
{
    int descriptor = channel->input;
    event_free(channel->readable);
    event_free(channel->writable);
    event_free(channel->flush);
    event_free(channel->again);
    channel->freed = channel->ended = true;
    if (channel->inside == 0)
        release(channel);
    return descriptor;
}

void mg_channel_free(struct mg_channel *channel)
{
    if (!channel)
        return;
    if (channel->output != channel->input)
        close(channel->output);
    close(mg_channel_detach(channel));
}

static void end(struct mg_channel *channel, const struct mg_error *error)
{
    if (channel->ended)
        return;
    channel->ended = true;
    event_del(channel->readable);
    event_del(channel->writable);
    channel->events->on_end(error, channel->context);
}

static void end_of_stream(struct mg_channel *channel)
{
    struct mg_error error;
    bool broken = channel->in.length > channel->at;
    mg_fail(&error, "adapter.died", "The stream ended in the middle of a frame.");
    end(channel, broken ? &error : NULL);
}

static void end_by_system(struct mg_channel *channel)
{
    struct mg_error error;
    int reason = errno;
    if (reason == EPIPE || reason == ECONNRESET) {
        end_of_stream(channel);
        return;
    }
    mg_fail(&error, "adapter.stream", "The stream of the adapter fails: %s.", strerror(reason));
    end(channel, &error);
}

/* ---- writing ---- */

static bool is_wait(int reason)
{
    return reason == EAGAIN || reason == EWOULDBLOCK || reason == EINTR;
}

static ssize_t write_some(const struct mg_channel *channel, const void *bytes, size_t length)
{
    if (channel->input == channel->output)
        return send(channel->output, bytes, length, MSG_NOSIGNAL);
    return write(channel->output, bytes, length);
}

static void write_out(struct mg_channel *channel)
{
    while (!channel->ended && channel->sent < channel->out.length) {
        ssize_t length = write_some(channel, channel->out.data + channel->sent,
                                    channel->out.length - channel->sent);
        if (length < 0 && is_wait(errno))
            break;
        if (length < 0) {
            /* What the peer said last is still to be read; its end is found there. */
            channel->sent = channel->out.length;
            break;
        }
        channel->sent += (size_t)length;
    }
    if (channel->sent < channel->out.length) {
        if (!channel->ended)
            event_add(channel->writable, NULL);
        channel->blocked = true;
        return;
    }
    channel->sent = 0;
    mg_buffer_clear(&channel->out);
    if (channel->out.capacity > KEPT_CAPACITY)
        mg_buffer_free(&channel->out);
    if (channel->blocked) {
        channel->blocked = false;
        event_del(channel->writable);
        if (channel->events->on_drained && !channel->ended)
            channel->events->on_drained(channel->context);
    }
}

static void flush_now(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct mg_channel *channel = context;
    channel->flushing = false;
    enter(channel);
    write_out(channel);
    leave(channel);
}

static void is_writable(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct mg_channel *channel = context;
    enter(channel);
    write_out(channel);
    leave(channel);
}

struct mg_frame_writer *mg_channel_begin(struct mg_channel *channel, const char *type)
{
    /* Where much waits, what is written is not moved for each frame. */
    if (channel->sent > KEPT_CAPACITY && channel->sent > channel->out.length / 2) {
        memmove(channel->out.data, channel->out.data + channel->sent,
                channel->out.length - channel->sent);
        channel->out.length -= channel->sent;
        channel->sent = 0;
    }
    mg_frame_begin(&channel->writer, &channel->out, type);
    return &channel->writer;
}

bool mg_channel_send(struct mg_channel *channel)
{
    if (!mg_frame_end(&channel->writer, channel->content_limit))
        return false;
    channel->total += channel->out.length - channel->writer.start;
    if (channel->ended) {
        mg_buffer_clear(&channel->out);
        channel->sent = 0;
        return true;
    }
    if (!channel->flushing && !channel->blocked) {
        channel->flushing = true;
        event_active(channel->flush, EV_TIMEOUT, 1);
    }
    return true;
}

void mg_channel_set_limit(struct mg_channel *channel, size_t content_limit)
{
    channel->content_limit = content_limit;
}

size_t mg_channel_waiting(const struct mg_channel *channel)
{
    return channel->out.length - channel->sent;
}

uint64_t mg_channel_sent(const struct mg_channel *channel)
{
    return channel->total;
}

/* ---- reading ---- */

/* Forgets what is dealt with. */
static void compact(struct mg_channel *channel)
{
    struct mg_buffer *in = &channel->in;
    size_t left = in->length - channel->at;
    if (left == 0 && in->capacity > KEPT_CAPACITY) {
        mg_buffer_free(in);
    } else if (channel->at > 0) {
        memmove(in->data, in->data + channel->at, left);
        in->length = left;
    }
    channel->at = 0;
}

/* 1: something was read; 0: nothing is there now; -1: the stream has ended. */
static int read_in(struct mg_channel *channel)
{
    compact(channel);
    size_t size = READ_SIZE;
    if (channel->needed > channel->in.length + size)
        size = channel->needed - channel->in.length;
    /* A frame is announced by eight bytes: memory comes with what is really sent. */
    if (size > 8U * READ_SIZE)
        size = 8U * READ_SIZE;
    char *room = mg_buffer_reserve(&channel->in, size);
    ssize_t length = read(channel->input, room, size);
    if (length < 0 && is_wait(errno))
        return 0;
    if (length <= 0) {
        if (length < 0)
            end_by_system(channel);
        else
            end_of_stream(channel);
        return -1;
    }
    mg_buffer_used(&channel->in, (size_t)length);
    return 1;
}

/* Hands a frame over; its bytes are dealt with. */
static void hand_over(struct mg_channel *channel, struct mg_frame *frame)
{
    channel->needed = MG_FRAME_PREFIX;
    channel->events->on_frame(frame, channel->context);
    if (frame->wrong && !channel->ended)
        end(channel, &frame->error);
    mg_frame_free(frame);
}

static void look_for_frames(struct mg_channel *channel)
{
    struct mg_frame frame;
    channel->more = false;
    for (int count = 0; !channel->ended && !channel->paused; count++) {
        size_t length = channel->in.length - channel->at;
        if (length < channel->needed || length == 0)
            break;
        if (count == ROUND_FRAMES) {
            static const struct timeval now = {0, 0};
            event_add(channel->again, &now);
            channel->more = true;
            break;
        }
        enum mg_frame_progress progress =
            mg_frame_read(channel->in.data + channel->at, length, channel->content_limit, &frame,
                          &channel->needed);
        if (progress == MG_FRAME_MORE)
            break;
        if (progress == MG_FRAME_WRONG) {
            end(channel, &frame.error);
            break;
        }
        channel->at += frame.size;
        hand_over(channel, &frame);
    }
}

static void is_readable(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct mg_channel *channel = context;
    enter(channel);
    /* Nothing more is read while frames are there that had no place in the round before. */
    if (!channel->ended && !channel->paused && !channel->more && read_in(channel) > 0)
        look_for_frames(channel);
    leave(channel);
}

static void look_again(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct mg_channel *channel = context;
    enter(channel);
    look_for_frames(channel);
    leave(channel);
}

void mg_channel_pause(struct mg_channel *channel, bool paused)
{
    static const struct timeval now = {0, 0};
    if (channel->paused == paused || channel->ended)
        return;
    channel->paused = paused;
    if (paused) {
        event_del(channel->readable);
        event_del(channel->again);
    } else {
        event_add(channel->readable, NULL);
        event_add(channel->again, &now);
        channel->more = true;
    }
}

/* ---- waiting ---- */

/* Keeps the bytes that frames on the stack point to, and goes on reading in others. */
static void retire(struct mg_channel *channel)
{
    struct retired *retired = mg_allocate_zeroed(1, sizeof *retired);
    struct mg_buffer fresh = {0};
    if (channel->in.length > channel->at)
        mg_buffer_add(&fresh, channel->in.data + channel->at, channel->in.length - channel->at);
    *retired = (struct retired){.next = channel->retired, .data = channel->in.data};
    channel->retired = retired;
    channel->in = fresh;
    channel->at = 0;
}

/* Hands over the wanted among the frames that are there, and takes them out. False at garbage. */
static bool look_for_wanted(struct mg_channel *channel, size_t *scanned,
                            bool (*wants)(const struct mg_frame *frame))
{
    struct mg_frame frame;
    size_t needed;
    while (!channel->ended && *scanned < channel->in.length) {
        char *place = channel->in.data + *scanned;
        enum mg_frame_progress progress = mg_frame_read(place, channel->in.length - *scanned,
                                                        channel->content_limit, &frame, &needed);
        if (progress != MG_FRAME_READY)
            return progress == MG_FRAME_MORE;
        if (!wants(&frame)) {
            *scanned += frame.size;
            mg_frame_free(&frame);
            continue;
        }
        size_t size = frame.size;
        hand_over(channel, &frame);
        if (channel->ended)
            break;
        memmove(place, place + size, channel->in.length - *scanned - size);
        channel->in.length -= size;
    }
    return !channel->ended;
}

bool mg_channel_wait(struct mg_channel *channel, bool (*wants)(const struct mg_frame *frame),
                     bool (*done)(void *context), void *context)
{
    static const struct timeval now = {0, 0};
    size_t scanned = 0;
    enter(channel);
    retire(channel);
    while (!channel->ended && !done(context)) {
        write_out(channel);
        if (!look_for_wanted(channel, &scanned, wants) || done(context))
            break;
        struct pollfd pollers[2] = {
            {.fd = channel->input, .events = POLLIN},
            {.fd = channel->blocked ? channel->output : -1, .events = POLLOUT}};
        poll(pollers, 2, -1);
        /* Nothing may be moved that is scanned and not dealt with: at is 0 all the while. */
        if (pollers[0].revents)
            read_in(channel);
    }
    bool came = done(context);
    channel->needed = MG_FRAME_PREFIX;
    channel->more = !channel->ended;
    if (!channel->ended)
        event_add(channel->again, &now);
    return leave(channel) && came;
}

void mg_channel_flush(struct mg_channel *channel, int milliseconds)
{
    int64_t until = mg_clock_monotonic() + milliseconds * INT64_C(1000);
    enter(channel);
    write_out(channel);
    while (mg_channel_waiting(channel) > 0 && mg_clock_monotonic() < until && !channel->ended) {
        struct pollfd poller = {.fd = channel->output, .events = POLLOUT};
        poll(&poller, 1, 100);
        write_out(channel);
    }
    leave(channel);
}

/* ---- life ---- */

struct mg_channel *mg_channel_new(struct event_base *base, int input, int output,
                                  size_t content_limit, const struct mg_channel_events *events,
                                  void *context)
{
    struct mg_channel *channel = mg_allocate_zeroed(1, sizeof *channel);
    channel->input = input;
    channel->output = output;
    evutil_make_socket_nonblocking(input);
    evutil_make_socket_nonblocking(output);
    channel->content_limit = content_limit;
    channel->events = events;
    channel->context = context;
    channel->needed = MG_FRAME_PREFIX;
    channel->readable = event_new(base, input, EV_READ | EV_PERSIST, is_readable, channel);
    channel->writable = event_new(base, output, EV_WRITE | EV_PERSIST, is_writable, channel);
    channel->flush = event_new(base, -1, 0, flush_now, channel);
    channel->again = evtimer_new(base, look_again, channel);
    if (!channel->readable || !channel->writable || !channel->flush || !channel->again)
        mg_die("no memory for the events of a channel");
    event_add(channel->readable, NULL);
    return channel;
}
