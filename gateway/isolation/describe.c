/* Asks a program what it is, and ends it: blocking, away from the loop. */
#include "gateway/base/clock.h"
#include "gateway/isolation/hello.h"
#include "gateway/isolation/remote.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE    10000000 /* microseconds */
#define ERROR_LIMIT 600      /* bytes of standard error that a reason quotes */

struct conversation {
    struct mg_process process;
    struct mg_buffer in;
    char said[ERROR_LIMIT + 1]; /* the beginning of its standard error */
    size_t said_length;
    int64_t until;
};

static void take_errors(struct conversation *talk)
{
    char bytes[4096];
    ssize_t length = read(talk->process.errors, bytes, sizeof bytes);
    for (ssize_t i = 0; i < length && talk->said_length < ERROR_LIMIT; i++)
        talk->said[talk->said_length++] = (char)((unsigned char)bytes[i] < ' ' ? ' ' : bytes[i]);
}

static bool fail_with_end(struct conversation *talk, const char *name, struct mg_error *error)
{
    char how[128];
    /* Its stream ends a moment before itself does. */
    for (int i = 0; i < 50; i++) {
        take_errors(talk);
        if (mg_process_reap(&talk->process, how, sizeof how)) {
            talk->process.pid = -1;
            take_errors(talk);
            return mg_fail(error, "adapter.died",
                           "The adapter %s ended before it said what it is: %s%s%s", name, how,
                           talk->said_length ? "; " : ".", talk->said);
        }
        poll(&(struct pollfd){.fd = talk->process.watch, .events = POLLIN}, 1, 20);
    }
    return mg_fail(error, "adapter.died",
                   "The adapter %s closed its stream before it said what it "
                   "is%s%s",
                   name, talk->said_length ? "; " : ".", talk->said);
}

/* Waits for more. False at its end, or at that of our patience. */
static bool read_more(struct conversation *talk, const char *name, struct mg_error *error)
{
    int64_t left = (talk->until - mg_clock_monotonic()) / 1000;
    struct pollfd pollers[2] = {{.fd = talk->process.stream, .events = POLLIN},
                                {.fd = talk->process.errors, .events = POLLIN}};
    if (left <= 0)
        return mg_fail(error, "adapter.silent",
                       "The adapter %s did not say what it is within %d seconds.%s%s", name,
                       PATIENCE / 1000000, talk->said_length ? " It wrote: " : "", talk->said);
    poll(pollers, 2, (int)left + 1);
    if (pollers[1].revents & POLLIN)
        take_errors(talk);
    if (!pollers[0].revents)
        return true;
    char *room = mg_buffer_reserve(&talk->in, 65536);
    ssize_t length = recv(talk->process.stream, room, 65536, MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (length <= 0)
        return fail_with_end(talk, name, error);
    mg_buffer_used(&talk->in, (size_t)length);
    return true;
}

static struct mg_hello *converse(struct conversation *talk, const char *name,
                                 struct mg_error *error)
{
    struct mg_buffer out = {0};
    struct mg_frame_writer writer;
    mg_hello_write(&writer, &out, MG_STANDARD_CONTENT);
    mg_frame_end(&writer, 0);
    /* It fits into any socket's buffer; a program that is gone is found by reading. */
    ssize_t sent = send(talk->process.stream, out.data, out.length, MSG_NOSIGNAL);
    (void)sent;
    mg_buffer_free(&out);
    struct mg_frame frame;
    size_t needed;
    while (read_more(talk, name, error)) {
        /* A hello has no content, and a header is bounded, so what is read is bounded too. */
        enum mg_frame_progress progress =
            mg_frame_read(talk->in.data ? talk->in.data : "", talk->in.length, 0, &frame, &needed);
        if (progress == MG_FRAME_MORE)
            continue;
        if (progress == MG_FRAME_WRONG) {
            mg_fail(error, "adapter.frame", "The adapter %s: %s", name, frame.error.text);
            return NULL;
        }
        struct mg_hello *hello = mg_hello_read(&frame, name, error);
        mg_frame_free(&frame);
        return hello;
    }
    return NULL;
}

/* It may exit by itself at the end of its stream; what does not within a second is killed. */
static void end(struct conversation *talk)
{
    char how[128];
    shutdown(talk->process.stream, SHUT_RDWR);
    close(talk->process.stream);
    if (talk->process.pid >= 0) {
        poll(&(struct pollfd){.fd = talk->process.watch, .events = POLLIN}, 1, 1000);
        while (!mg_process_reap(&talk->process, how, sizeof how)) {
            mg_process_kill(&talk->process);
            poll(&(struct pollfd){.fd = talk->process.watch, .events = POLLIN}, 1, 1000);
        }
    }
    close(talk->process.errors);
    mg_buffer_free(&talk->in);
}

static void *refuse_to_open(const struct mg_gateway *gateway, struct mg_instance *instance,
                            const struct mg_instance_facts *facts)
{
    (void)facts;
    gateway->fail(instance, "adapter.start", "A program is opened by mg_remote_open.");
    return NULL;
}

const struct mg_adapter *mg_remote_describe(const struct mg_process_spec *spec, const char *name,
                                            struct mg_error *error)
{
    struct conversation talk = {.until = mg_clock_monotonic() + PATIENCE};
    if (!mg_process_start(spec, &talk.process, error))
        return NULL;
    struct mg_hello *hello = converse(&talk, name, error);
    end(&talk);
    if (!hello)
        return NULL;
    hello->adapter.open = refuse_to_open;
    hello->adapter.close = mg_remote_close;
    hello->adapter.deliver = hello->adapter.abilities & MG_CAN_TAKE ? mg_remote_deliver : NULL;
    hello->adapter.cancel = mg_remote_cancel;
    return &hello->adapter;
}

void mg_remote_description_free(const struct mg_adapter *description)
{
    mg_hello_free((struct mg_hello *)(uintptr_t)description);
}
