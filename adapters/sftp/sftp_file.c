/*
 * One file, from picked up to put away. Steps that talk to the server run on the other thread, one
 * at a time:
 *
 *     open --> read, append --> … --> finish --> accepted, repeated: write the receipt, then remove
 *                                            |   the file or move it to done
 *                                            +-> refused: write the reason, move the file to
 *                                            |   rejected
 *                                            +-> not now, or no answer: leave it in in-progress,
 *                                                for longer each time, and go on with the next
 *
 * The receipt is at the server before the file leaves in-progress, and the reason before the file
 * is in rejected. Where the connection breaks in between, or the gateway ends, the step is
 * repeated: the gateway recognises the message and gives the same receipt.
 */
#include "adapters/common/name.h"
#include "adapters/common/problem.h"
#include "adapters/sftp/sftp_in.h"

#include <stdio.h>
#include <string.h>

#define BLOCK         262144 /* as in sftp_in.c */
#define FIRST_PAUSE   1000   /* milliseconds */
#define LONGEST_PAUSE 300000
#define ANSWER_TIME   20000 /* after which an answer of the gateway is waited for no longer */
#define MOST_SAME     1000  /* files of one name in rejected or done */

static struct mg_sftp_source *source_of(struct mg_task *task)
{
    return (struct mg_sftp_source *)(void *)task->tasks;
}

static const char *name_of(const struct mg_sftp_source *source)
{
    return source->batch[source->batch_at];
}

static void stop_waiting(struct mg_sftp_source *source)
{
    if (source->answer)
        source->sftp.tasks.gateway->timer_cancel(source->answer);
    source->answer = NULL;
}

void mg_sftp_file_abort(struct mg_sftp_source *source)
{
    stop_waiting(source);
    if (source->submission)
        source->sftp.tasks.gateway->submit_abort(source->submission);
    source->submission = NULL;
    source->file = NULL; /* closed, or ended with the session */
    mg_text_free(&source->paper);
}

/* ---- later ---- */

static struct mg_sftp_postponed *postponed(struct mg_sftp_source *source)
{
    for (size_t i = 0; i < source->postponed_count; i++)
        if (strcmp(source->postponed[i].name, name_of(source)) == 0)
            return &source->postponed[i];
    return NULL;
}

static void forget_postponed(struct mg_sftp_source *source)
{
    struct mg_sftp_postponed *entry = postponed(source);
    if (entry)
        *entry = source->postponed[--source->postponed_count];
}

/* Leaves the file in in-progress for a later attempt. Where too many wait already, the one that is
 * due first makes room: it is then tried again a little early. */
static void postpone(struct mg_sftp_source *source)
{
    struct mg_sftp_postponed *entry = postponed(source);
    source->sftp.tasks.gateway->counter_add(source->later, 1);
    if (entry) {
        entry->pause = entry->pause < LONGEST_PAUSE / 2 ? entry->pause * 2 : LONGEST_PAUSE;
    } else {
        if (source->postponed_count == MG_SFTP_POSTPONED) {
            entry = source->postponed;
            for (size_t i = 1; i < source->postponed_count; i++)
                if (source->postponed[i].due < entry->due)
                    entry = &source->postponed[i];
        } else {
            entry = &source->postponed[source->postponed_count++];
        }
        snprintf(entry->name, sizeof entry->name, "%s", name_of(source));
        entry->pause = FIRST_PAUSE;
    }
    if (source->retry_after > entry->pause)
        entry->pause = source->retry_after;
    entry->due = mg_sftp_now() + entry->pause;
    mg_text_free(&source->paper);
    mg_sftp_file_over(source);
}

/* A step has failed. The file alone waits if the connection is well, otherwise everything does. */
static void failed(struct mg_sftp_source *source)
{
    if (source->failure.broken) {
        mg_sftp_trouble(source);
        return;
    }
    const struct mg_tasks *tasks = &source->sftp.tasks;
    tasks->gateway->log(tasks->instance, MG_LEVEL_WARNING, source->failure.code, NULL,
                        source->failure.text);
    if (source->file)
        mg_session_cut(source->session); /* the only way not to wait for the handle's end here */
    mg_sftp_file_abort(source);
    source->retry_after = 0;
    postpone(source);
}

/* ---- putting away ---- */

/* Finds a name below that is not taken: NAME, NAME.2, NAME.3, …, so that no file is lost when its
 * sender uses a name again. */
static bool free_name(struct mg_sftp_source *source, const char *below, char name[MG_NAME_SIZE])
{
    char path[MG_REMOTE_PATH];
    bool found = true;
    for (int i = 1; i < MOST_SAME; i++) {
        mg_name_number(name_of(source), i, name);
        mg_remote_path(source->session, below, name, path);
        if (!mg_remote_look(source->session, path, &found, NULL))
            return false;
        if (!found)
            return true;
    }
    mg_failure_set(&source->failure, "sftp.failed",
                   "The folder %s has too many files of one name: clear it up.", below);
    return false;
}

static bool move_away(struct mg_sftp_source *source, const char *below, const char *name)
{
    char from[MG_REMOTE_PATH], to[MG_REMOTE_PATH];
    mg_remote_path(source->session, MG_SFTP_IN_PROGRESS, name_of(source), from);
    mg_remote_path(source->session, below, name, to);
    if (mg_remote_move(source->session, from, to))
        return true;
    /* Someone has taken the file back: there is nothing left to do. */
    if (!mg_remote_is_missing(&source->failure))
        return false;
    source->failure = (struct mg_failure){0};
    return true;
}

static void put_accepted(struct mg_task *task)
{
    struct mg_sftp_source *source = source_of(task);
    char name[MG_NAME_SIZE], path[MG_REMOTE_PATH];
    mg_name_receipt(name_of(source), name);
    mg_session_use(source->session, 0, &source->stop, &source->failure);
    if (!mg_session_ready(source->session, NULL) ||
        !mg_remote_write_bytes(source->session, MG_SFTP_RECEIPTS, name, source->paper.bytes,
                               source->paper.length))
        return;
    if (source->keep) {
        if (free_name(source, MG_SFTP_DONE, name))
            move_away(source, MG_SFTP_DONE, name);
    } else {
        mg_remote_path(source->session, MG_SFTP_IN_PROGRESS, name_of(source), path);
        mg_remote_remove(source->session, path);
    }
}

static void put_rejected(struct mg_task *task)
{
    struct mg_sftp_source *source = source_of(task);
    char name[MG_NAME_SIZE], reason[MG_NAME_SIZE];
    mg_session_use(source->session, 0, &source->stop, &source->failure);
    if (!mg_session_ready(source->session, NULL) || !free_name(source, MG_SFTP_REJECTED, name))
        return;
    mg_name_reason(name, reason);
    if (mg_remote_write_bytes(source->session, MG_SFTP_REJECTED, reason, source->paper.bytes,
                              source->paper.length))
        move_away(source, MG_SFTP_REJECTED, name);
}

static void put_away(struct mg_task *task)
{
    struct mg_sftp_source *source = source_of(task);
    source->busy = false;
    if (source->failure.code) {
        failed(source);
        return;
    }
    source->sftp.tasks.gateway->counter_add(
        source->result == MG_SFTP_ACCEPTED ? source->accepted : source->rejected, 1);
    forget_postponed(source);
    mg_text_free(&source->paper);
    mg_sftp_file_over(source);
}

/* Goes on once the result is known and no step runs. */
static void settle(struct mg_sftp_source *source)
{
    if (source->result == MG_SFTP_LATER)
        postpone(source);
    else
        mg_sftp_step(source, source->result == MG_SFTP_ACCEPTED ? put_accepted : put_rejected,
                     put_away);
}

/* ---- handing in ---- */

static void take_refusal(struct mg_sftp_source *source, const struct mg_refusal *refusal)
{
    if (mg_problem_may_pass(refusal)) {
        source->result = MG_SFTP_LATER;
        source->retry_after = refusal->retry_after * 1000;
        return;
    }
    source->result = MG_SFTP_REJECTED_FILE;
    mg_text_free(&source->paper);
    mg_problem_json(refusal, &source->paper);
}

static void close_and_go_on(struct mg_sftp_source *source);

static void submission_end(const struct mg_submission_end *end, void *context)
{
    struct mg_sftp_source *source = context;
    source->submission = NULL;
    source->ended = true;
    stop_waiting(source);
    if (end->result == MG_REFUSED) {
        take_refusal(source, end->refusal);
    } else {
        source->result = MG_SFTP_ACCEPTED;
        mg_text_free(&source->paper);
        mg_text_add(&source->paper, end->receipt, end->receipt_length);
    }
    if (!source->busy)
        close_and_go_on(source);
}

static void work_close(struct mg_task *task)
{
    struct mg_sftp_source *source = source_of(task);
    mg_session_use(source->session, 0, &source->stop, &source->failure);
    mg_remote_close(source->session, source->file);
}

/* A file that was read does no harm if it cannot be closed; but for a broken connection, which the
 * next step finds out. */
static void done_close(struct mg_task *task)
{
    struct mg_sftp_source *source = source_of(task);
    source->busy = false;
    source->file = NULL;
    settle(source);
}

static void close_and_go_on(struct mg_sftp_source *source)
{
    if (source->file)
        mg_sftp_step(source, work_close, done_close);
    else
        settle(source);
}

static void reject(struct mg_sftp_source *source, const char *code, const char *text)
{
    const struct mg_refusal refusal = {
        .size = sizeof refusal,
        .status = 400,
        .code = code,
        .title = "The file cannot be taken",
        .text = text,
    };
    take_refusal(source, &refusal);
    settle(source);
}

static void work_read(struct mg_task *task)
{
    struct mg_sftp_source *source = source_of(task);
    mg_session_use(source->session, 0, &source->stop, &source->failure);
    source->block_length = mg_remote_read(source->session, source->file, source->block, BLOCK);
}

/* The file is not as long as it was, since someone writes to it; or the gateway does not answer. */
static void not_now(struct mg_sftp_source *source)
{
    source->sftp.tasks.gateway->submit_abort(source->submission);
    source->submission = NULL;
    source->result = MG_SFTP_LATER;
    source->retry_after = 0;
    close_and_go_on(source);
}

static void no_answer(void *context)
{
    struct mg_sftp_source *source = context;
    source->answer = NULL;
    not_now(source);
}

static void done_read(struct mg_task *task)
{
    struct mg_sftp_source *source = source_of(task);
    const struct mg_gateway *gateway = source->sftp.tasks.gateway;
    bool going_on = !source->ended && !source->failure.code;
    bool at_end = source->block_length == 0, refused = false;
    if (going_on && !at_end) {
        source->offset += (uint64_t)source->block_length;
        refused = !gateway->submit_append(source->submission, source->block,
                                          (size_t)source->block_length);
    } else if (going_on && source->offset == source->size) {
        gateway->submit_finish(source->submission);
    }
    source->busy = false;
    if (source->failure.code)
        failed(source);
    else if (source->ended)
        close_and_go_on(source);
    else if (source->offset > source->size || (at_end && source->offset < source->size))
        not_now(source);
    else if (!at_end && !refused)
        mg_sftp_step(source, work_read, done_read);
    else
        source->answer =
            gateway->timer(source->sftp.tasks.instance, ANSWER_TIME, no_answer, source);
}

static void submit(struct mg_sftp_source *source)
{
    const struct mg_tasks *tasks = &source->sftp.tasks;
    struct mg_refusal refusal = {.size = sizeof refusal};
    const struct mg_submission_spec spec = {
        .size = sizeof spec,
        .media_type = "application/xml",
        .content_encoding = mg_name_is_packed(name_of(source)) ? "gzip" : NULL,
        .length = (int64_t)source->size,
    };
    source->offset = 0;
    source->ended = false;
    source->submission =
        tasks->gateway->submit_begin(tasks->instance, &spec, submission_end, source, &refusal);
    if (source->submission) {
        mg_sftp_step(source, work_read, done_read);
    } else {
        take_refusal(source, &refusal);
        close_and_go_on(source);
    }
}

static void work_open(struct mg_task *task)
{
    struct mg_sftp_source *source = source_of(task);
    char path[MG_REMOTE_PATH];
    mg_remote_path(source->session, MG_SFTP_IN_PROGRESS, name_of(source), path);
    mg_session_use(source->session, 0, &source->stop, &source->failure);
    source->file = mg_session_ready(source->session, NULL)
                       ? mg_remote_open(source->session, path, &source->size)
                       : NULL;
}

static void done_open(struct mg_task *task)
{
    struct mg_sftp_source *source = source_of(task);
    source->busy = false;
    if (source->file && source->size <= INT64_MAX) {
        submit(source);
    } else if (mg_remote_is_missing(&source->failure)) {
        /* Someone has taken the file back. */
        forget_postponed(source);
        mg_sftp_file_over(source);
    } else if (!source->failure.broken && source->failure.answer == LIBSSH2_FX_PERMISSION_DENIED) {
        reject(source, "sftp.unreadable",
               "The gateway's user may not read the file at the server: give it the right to.");
    } else {
        failed(source);
    }
}

void mg_sftp_file_begin(struct mg_sftp_source *source)
{
    if (strlen(name_of(source)) > MG_NAME_LONGEST)
        reject(source, "sftp.name-too-long", "The name of the file has more than 200 bytes.");
    else
        mg_sftp_step(source, work_open, done_open);
}
