/*
 * The way out: FOLDER/ID.xml, and before it FOLDER/ID.seal.xml where the seal is detached and
 * FOLDER/ID.attachment-N for attachments, so that whoever sees ID.xml has everything. A file that
 * is there under its name is whole (remote.h) and the name is the message's own, so that a
 * repetition writes only what is still missing.
 *
 * Connections are kept: each delivery takes one that is idle, or makes one. An idle connection may
 * have ended without our noticing, so what breaks on a kept one is tried once more on a new one.
 *
 * Whatever fails is temporary (failure.h): the message waits as long as the destination says. What
 * an operator has to mend, such as a host key that has changed, makes the destination go down until
 * a look at the server finds that it was mended (outage.h).
 */
#include "adapters/common/outage.h"
#include "adapters/common/text.h"
#include "adapters/sftp/remote.h"
#include "adapters/sftp/sftp.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_IDLE 8
#define IDLE_TIME 30000 /* milliseconds for which a connection is kept that nobody uses */

struct destination {
    struct mg_sftp sftp; /* first */
    struct mg_outage outage;
    struct mg_session *idle[MOST_IDLE];
    size_t idle_count;
    struct mg_timer *timer; /* until the idle connections are ended */
    struct out *underway;
};

struct out {
    struct mg_task task; /* first */
    struct destination *destination;
    struct out *next;
    struct mg_delivery *delivery;
    char id[64];
    unsigned attachments;
    int64_t *sizes; /* of the document, the seal (-1: none apart) and the attachments */
    int64_t deadline;
    struct mg_session *session;
    atomic_bool cancelled;
    struct mg_failure failure;
};

/* ---- on the other thread ---- */

enum { DOCUMENT, SEAL, ATTACHMENTS }; /* places in sizes */

struct part {
    struct out *out;
    int number;
};

static ssize_t read_part(int64_t offset, void *bytes, size_t size, void *context)
{
    const struct part *part = context;
    return part->out->task.tasks->gateway->delivery_read(part->out->delivery, part->number, offset,
                                                         bytes, size);
}

static bool write_part(struct out *out, int number, int64_t length, const char *name)
{
    struct part part = {out, number};
    char path[MG_REMOTE_PATH];
    bool found;
    uint64_t size;
    mg_remote_path(out->session, NULL, name, path);
    if (!mg_remote_look(out->session, path, &found, &size))
        return false;
    if (found && length >= 0 && size == (uint64_t)length)
        return true;
    return mg_remote_write(out->session, NULL, name, read_part, &part);
}

static bool write_parts(struct out *out)
{
    char name[sizeof out->id + 32];
    for (unsigned i = 0; i < out->attachments; i++) {
        snprintf(name, sizeof name, "%s.attachment-%u", out->id, i + 1);
        if (!write_part(out, MG_MESSAGE_ATTACHMENT + (int)i, out->sizes[ATTACHMENTS + i], name))
            return false;
    }
    snprintf(name, sizeof name, "%s.seal.xml", out->id);
    if (out->sizes[SEAL] >= 0 && !write_part(out, MG_MESSAGE_SEAL, out->sizes[SEAL], name))
        return false;
    snprintf(name, sizeof name, "%s.xml", out->id);
    return write_part(out, MG_MESSAGE_DOCUMENT, out->sizes[DOCUMENT], name);
}

static void work(struct mg_task *task)
{
    struct out *out = (struct out *)task;
    bool fresh = false, written = false, again = true;
    while (!written && again) {
        mg_session_use(out->session, out->deadline, &out->cancelled, &out->failure);
        written = mg_session_ready(out->session, &fresh) && write_parts(out);
        again = !fresh && out->failure.broken && !atomic_load(&out->cancelled);
    }
}

/* Whether the server can be worked with, as far as that can be said without writing anything. */
static bool probe(struct mg_outage *outage)
{
    const struct destination *destination = (struct destination *)(void *)outage->task.tasks;
    struct mg_session *session = mg_session_new(&destination->sftp.settings);
    struct mg_failure failure;
    mg_session_use(session, destination->sftp.settings.step, NULL, &failure);
    bool well =
        mg_session_ready(session, NULL) || mg_outage_find(outage, failure.code, failure.text);
    mg_session_free(session);
    return well;
}

/* ---- on the loop ---- */

static void end_idle(void *context)
{
    struct destination *destination = context;
    destination->timer = NULL;
    while (destination->idle_count > 0)
        mg_session_free(destination->idle[--destination->idle_count]);
}

static void keep(struct destination *destination, struct mg_session *session)
{
    const struct mg_tasks *tasks = &destination->sftp.tasks;
    if (destination->idle_count == MOST_IDLE) {
        mg_session_free(session);
        return;
    }
    destination->idle[destination->idle_count++] = session;
    if (destination->timer)
        tasks->gateway->timer_cancel(destination->timer);
    destination->timer = tasks->gateway->timer(tasks->instance, IDLE_TIME, end_idle, destination);
}

static void forget(struct out *out)
{
    struct out **link = &out->destination->underway;
    while (*link != out)
        link = &(*link)->next;
    *link = out->next;
    free(out->sizes);
    free(out);
}

static void complete(struct out *out, const struct mg_failure *failure)
{
    const struct mg_gateway *gateway = out->task.tasks->gateway;
    const struct mg_outcome outcome = {
        .size = sizeof outcome,
        .kind = failure->code ? MG_TEMPORARY : MG_DELIVERED,
        .code = failure->code,
        .text = failure->code ? failure->text : NULL,
    };
    gateway->delivery_done(out->delivery, &outcome);
    forget(out);
}

static void done(struct mg_task *task)
{
    struct out *out = (struct out *)task;
    keep(out->destination, out->session);
    if (!out->failure.code)
        mg_outage_end(&out->destination->outage);
    else if (out->failure.loud)
        mg_outage_begin(&out->destination->outage, out->failure.code, out->failure.text);
    complete(out, &out->failure);
}

static int64_t size_of(const struct out *out, int number)
{
    struct mg_part_facts facts = {.size = sizeof facts};
    out->task.tasks->gateway->delivery_part(out->delivery, number, &facts);
    return facts.length;
}

/* On the loop, where facts may be asked for. */
static void note_sizes(struct out *out)
{
    out->sizes = mg_text_allocate(ATTACHMENTS + out->attachments, sizeof *out->sizes);
    out->sizes[DOCUMENT] = size_of(out, MG_MESSAGE_DOCUMENT);
    out->sizes[SEAL] = size_of(out, MG_MESSAGE_SEAL);
    for (unsigned i = 0; i < out->attachments; i++)
        out->sizes[ATTACHMENTS + i] = size_of(out, MG_MESSAGE_ATTACHMENT + (int)i);
}

void mg_sftp_deliver(struct mg_sftp *sftp, struct mg_delivery *delivery)
{
    struct destination *destination = (struct destination *)sftp;
    const struct mg_gateway *gateway = sftp->tasks.gateway;
    const struct mg_message_facts *message = gateway->delivery_message(delivery);
    int64_t deadline = gateway->delivery_deadline(delivery);
    struct out *out = mg_text_allocate(1, sizeof *out);
    *out = (struct out){
        /* Nothing to drop: an instance is closed only when every delivery is completed. */
        .task = {.tasks = &sftp->tasks, .work = work, .done = done},
        .destination = destination,
        .next = destination->underway,
        .delivery = delivery,
        .attachments = message->attachments,
        .deadline = deadline > 0 ? deadline : 1,
        .session = destination->idle_count > 0 ? destination->idle[--destination->idle_count]
                                               : mg_session_new(&sftp->settings),
    };
    snprintf(out->id, sizeof out->id, "%s", message->id);
    note_sizes(out);
    destination->underway = out;
    mg_task_start(&out->task);
}

/* What is on the other thread comes back by itself, within a moment. */
void mg_sftp_cancel(struct mg_sftp *sftp, struct mg_delivery *delivery)
{
    struct destination *destination = (struct destination *)sftp;
    struct out *out = destination->underway;
    while (out && out->delivery != delivery)
        out = out->next;
    assert(out);
    atomic_store(&out->cancelled, true);
    if (mg_task_withdraw(&out->task)) {
        mg_failure_set(&out->failure, "sftp.cancelled",
                       "It was broken off before the server had answered.");
        mg_session_free(out->session);
        complete(out, &out->failure);
    }
}

static void free_destination(struct mg_tasks *tasks)
{
    libssh2_exit();
    free((struct destination *)tasks);
}

static void close_destination(struct mg_sftp *sftp)
{
    struct destination *destination = (struct destination *)sftp;
    if (destination->timer)
        sftp->tasks.gateway->timer_cancel(destination->timer);
    end_idle(destination);
    mg_outage_close(&destination->outage);
    mg_tasks_close(&sftp->tasks);
}

struct mg_sftp *mg_sftp_new_destination(void)
{
    struct destination *destination = mg_text_allocate(1, sizeof *destination);
    destination->sftp.tasks.free = free_destination;
    destination->sftp.close = close_destination;
    mg_outage_open(&destination->outage, &destination->sftp.tasks, probe);
    return &destination->sftp;
}
