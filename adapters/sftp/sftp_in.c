/*
 * The way in: when to look through the folder at the server, and what comes after what. There are
 * no notices of new files over SFTP, so the interval says when; a look that found more than it
 * could pick up is followed by the next at once, and one that found files which are not settled yet
 * by one when they are.
 *
 * If the server cannot be worked with, what is underway is broken off and everything begins anew
 * after a pause that grows: the files stay where they are, and the gateway recognises what it had
 * already accepted.
 */
#include "adapters/sftp/sftp_in.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK         262144
#define FIRST_PAUSE   1000 /* milliseconds */
#define LONGEST_PAUSE 60000

static void look(void *context);

static void schedule(struct mg_sftp_source *source, int64_t milliseconds)
{
    const struct mg_tasks *tasks = &source->sftp.tasks;
    source->timer = tasks->gateway->timer(tasks->instance, milliseconds, look, source);
}

/* Older gateways have no state. */
static void tell_state(struct mg_sftp_source *source, const struct mg_failure *failure)
{
    const struct mg_gateway *gateway = source->sftp.tasks.gateway;
    if (gateway->size >= offsetof(struct mg_gateway, state) + sizeof gateway->state &&
        gateway->state)
        gateway->state(source->sftp.tasks.instance, failure ? MG_STATE_DOWN : MG_STATE_READY,
                       failure ? failure->code : NULL, failure ? failure->text : NULL);
}

void mg_sftp_step(struct mg_sftp_source *source, void (*work)(struct mg_task *task),
                  void (*done)(struct mg_task *task))
{
    source->busy = true;
    source->task.work = work;
    source->task.done = done;
    mg_task_start(&source->task);
}

void mg_sftp_trouble(struct mg_sftp_source *source)
{
    if (!source->sftp.told || !source->failure.code ||
        strcmp(source->sftp.told, source->failure.code) != 0)
        tell_state(source, &source->failure);
    mg_sftp_tell(&source->sftp, &source->failure);
    mg_sftp_file_abort(source);
    source->batch_count = source->batch_at = 0;
    schedule(source, source->pause);
    source->pause = source->pause < LONGEST_PAUSE / 2 ? source->pause * 2 : LONGEST_PAUSE;
}

/* Milliseconds until the next file that was left for later is due; limit if none is before. */
static int64_t until_due(const struct mg_sftp_source *source, int64_t limit)
{
    int64_t now = mg_sftp_now();
    for (size_t i = 0; i < source->postponed_count; i++) {
        int64_t left = source->postponed[i].due - now;
        if (left < limit)
            limit = left > 0 ? left : 0;
    }
    return limit;
}

static void next(struct mg_sftp_source *source)
{
    if (source->batch_at < source->batch_count) {
        mg_sftp_file_begin(source);
        return;
    }
    int64_t wait = source->interval;
    if (source->wait > 0 && source->wait < wait)
        wait = source->wait;
    schedule(source, source->more ? 0 : until_due(source, wait));
}

void mg_sftp_file_over(struct mg_sftp_source *source)
{
    source->batch_at++;
    next(source);
}

static void looked(struct mg_task *task)
{
    struct mg_sftp_source *source = (struct mg_sftp_source *)(void *)task->tasks;
    source->busy = false;
    if (source->failure.code) {
        mg_sftp_trouble(source);
        return;
    }
    if (source->sftp.told)
        tell_state(source, NULL);
    mg_sftp_tell(&source->sftp, NULL);
    source->pause = FIRST_PAUSE;
    next(source);
}

static void look(void *context)
{
    struct mg_sftp_source *source = context;
    source->timer = NULL;
    mg_sftp_step(source, mg_sftp_look, looked);
}

/* ---- begin and end ---- */

/* The task belongs to the source; what it picked up lies in in-progress for the next start. */
static void drop(struct mg_task *task)
{
    (void)task;
}

static void free_source(struct mg_tasks *tasks)
{
    struct mg_sftp_source *source = (struct mg_sftp_source *)(void *)tasks;
    mg_session_free(source->session);
    mg_text_free(&source->paper);
    free(source->block);
    free(source);
    libssh2_exit();
}

static void close_source(struct mg_sftp *sftp)
{
    struct mg_sftp_source *source = (struct mg_sftp_source *)sftp;
    atomic_store(&source->stop, true);
    if (source->timer)
        sftp->tasks.gateway->timer_cancel(source->timer);
    mg_task_withdraw(&source->task);
    if (source->answer)
        sftp->tasks.gateway->timer_cancel(source->answer);
    if (source->submission)
        sftp->tasks.gateway->submit_abort(source->submission);
    source->answer = NULL;
    source->submission = NULL;
    mg_tasks_close(&sftp->tasks);
}

struct mg_sftp *mg_sftp_new_source(const struct mg_gateway *gateway, struct mg_instance *instance)
{
    struct mg_sftp_source *source = mg_text_allocate(1, sizeof *source);
    source->sftp.tasks = (struct mg_tasks){gateway, instance, 0, false, free_source};
    source->sftp.close = close_source;
    source->task = (struct mg_task){.tasks = &source->sftp.tasks, .drop = drop};
    source->interval = gateway->parameter_number(instance, "interval") * 1000;
    source->settle = gateway->parameter_number(instance, "settle") * 1000;
    source->keep = gateway->parameter_boolean(instance, "keep");
    source->pause = FIRST_PAUSE;
    source->block = mg_text_allocate(1, BLOCK);
    source->session = mg_session_new(&source->sftp.settings);
    source->accepted = gateway->counter(instance, "files_accepted", "Files handed in.");
    source->rejected = gateway->counter(instance, "files_rejected", "Files put into rejected.");
    source->later =
        gateway->counter(instance, "files_postponed", "Times a file was left for a later attempt.");
    /* No message may come before every instance is open. */
    schedule(source, 0);
    return &source->sftp;
}
