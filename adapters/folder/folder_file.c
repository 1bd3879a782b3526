/*
 * One file, from picked up to put away. Steps that touch the disk run on the other thread, one at a
 * time:
 *
 *     open --> read, append --> … --> finish --> accepted, repeated: write the receipt, remove the
 * file
 *                                           \--> refused: write the reason, move the file to
 * rejected
 *                                            \-> not now: wait, longer each time, and begin again
 *
 * The receipt is on disk before the file is removed, and the reason before the file is moved, so
 * that a crash between the two only repeats a step: the gateway recognises the repetition and gives
 * the same receipt. A file that has to wait keeps its place among the `simultaneous`: an overloaded
 * gateway is not asked more often because more files lie there.
 */
#include "adapters/common/name.h"
#include "adapters/common/problem.h"
#include "adapters/common/text.h"
#include "adapters/folder/folder_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK         65536
#define FIRST_PAUSE   1000 /* milliseconds */
#define LONGEST_PAUSE 300000
#define SCAN_PAUSE    100   /* until it is tried again whether a scan has ended */
#define MOST_SAME     10000 /* rejected files of one name */

struct mg_folder_file {
    struct mg_folder_job job; /* first */
    struct mg_folder_source *source;
    mg_folder_name name;
    int descriptor; /* -1: not open */
    int64_t size;
    int64_t offset; /* how much was read */
    char *block;
    ssize_t block_length;
    int error; /* errno of the last step; 0: none */
    bool
        busy; /* a step runs, or we are below a call of the gateway: do not go on from a callback */
    bool refused;                     /* submit_append said so; the end will come */
    struct mg_submission *submission; /* NULL: none, or its handle has ended */
    bool ended;
    struct mg_text paper; /* the receipt, or the reason of a refusal */
    enum { ACCEPTED, REJECTED, POSTPONED } result;
    int64_t pause; /* milliseconds before the next attempt */
    struct mg_timer *timer;
};

const char *mg_folder_file_name(const struct mg_folder_file *file)
{
    return file->name;
}

bool mg_folder_file_waits(const struct mg_folder_file *file)
{
    return file->timer != NULL;
}

static void file_free(struct mg_folder_file *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    mg_text_free(&file->paper);
    free(file->block);
    free(file);
}

static void dropped(struct mg_folder_job *job)
{
    file_free((struct mg_folder_file *)job);
}

static void step(struct mg_folder_file *file, void (*work)(struct mg_folder_job *job),
                 void (*done)(struct mg_folder_job *job))
{
    file->busy = true;
    file->error = 0;
    file->job.work = work;
    file->job.done = done;
    mg_folder_start(&file->job);
}

static void begin(struct mg_folder_file *file);

/* ---- putting away ---- */

static void pause_over(void *context)
{
    struct mg_folder_file *file = context;
    const struct mg_folder *folder = &file->source->folder;
    file->timer = NULL;
    if (file->source->scanning)
        file->timer = folder->gateway->timer(folder->instance, SCAN_PAUSE, pause_over, file);
    else
        begin(file);
}

/* Leaves the file where it is for a later attempt. */
static void postpone(struct mg_folder_file *file)
{
    struct mg_folder *folder = &file->source->folder;
    if (file->descriptor >= 0)
        close(file->descriptor);
    file->descriptor = -1;
    folder->gateway->counter_add(file->source->postponed, 1);
    file->timer = folder->gateway->timer(folder->instance, file->pause, pause_over, file);
    file->pause = file->pause < LONGEST_PAUSE / 2 ? file->pause * 2 : LONGEST_PAUSE;
    mg_folder_file_postponed(file->source);
}

static void log_error(struct mg_folder_file *file)
{
    struct mg_folder *folder = &file->source->folder;
    char text[1024];
    const char *code = mg_place_reason(file->error, folder->path, text, sizeof text);
    folder->gateway->log(folder->instance, MG_LEVEL_WARNING, code, NULL, text);
}

static void put_away(struct mg_folder_job *job)
{
    struct mg_folder_file *file = (struct mg_folder_file *)job;
    struct mg_folder_source *source = file->source;
    file->busy = false;
    if (file->error) {
        log_error(file);
        postpone(file);
        return;
    }
    source->folder.gateway->counter_add(
        file->result == ACCEPTED ? source->accepted : source->rejected, 1);
    mg_folder_file_gone(source, file);
    file_free(file);
}

static void work_accepted(struct mg_folder_job *job)
{
    struct mg_folder_file *file = (struct mg_folder_file *)job;
    const struct mg_places *places = &file->source->places;
    char name[MG_NAME_SIZE];
    mg_name_receipt(file->name, name);
    if (!mg_place_write(places->receipts, name, file->paper.bytes, file->paper.length) ||
        (unlinkat(places->in_progress, file->name, 0) < 0 && errno != ENOENT))
        file->error = errno;
}

/* Finds a name in rejected that is not taken: NAME, NAME.2, NAME.3, … so that no rejected file is
 * lost when its sender uses a name again. */
static bool move_rejected(struct mg_folder_file *file)
{
    const struct mg_places *places = &file->source->places;
    struct stat facts;
    for (int i = 1; i < MOST_SAME; i++) {
        char name[MG_NAME_SIZE], reason[MG_NAME_SIZE];
        mg_name_number(file->name, i, name);
        if (fstatat(places->rejected, name, &facts, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        mg_name_reason(name, reason);
        return mg_place_write(places->rejected, reason, file->paper.bytes, file->paper.length) &&
               mg_place_move(places->in_progress, file->name, places->rejected, name);
    }
    errno = EEXIST;
    return false;
}

static void work_rejected(struct mg_folder_job *job)
{
    struct mg_folder_file *file = (struct mg_folder_file *)job;
    if (!move_rejected(file) && errno != ENOENT)
        file->error = errno;
}

/* Goes on once the result is known and no step runs. */
static void settle(struct mg_folder_file *file)
{
    if (file->result == POSTPONED)
        postpone(file);
    else
        step(file, file->result == ACCEPTED ? work_accepted : work_rejected, put_away);
}

/* ---- handing in ---- */

static void take_refusal(struct mg_folder_file *file, const struct mg_refusal *refusal)
{
    if (mg_problem_may_pass(refusal)) {
        file->result = POSTPONED;
        if (refusal->retry_after > file->pause / 1000)
            file->pause = refusal->retry_after * 1000;
        return;
    }
    file->result = REJECTED;
    mg_text_free(&file->paper);
    mg_problem_json(refusal, &file->paper);
}

static void submission_end(const struct mg_submission_end *end, void *context)
{
    struct mg_folder_file *file = context;
    file->submission = NULL;
    file->ended = true;
    if (end->result == MG_REFUSED) {
        take_refusal(file, end->refusal);
    } else {
        file->result = ACCEPTED;
        mg_text_free(&file->paper);
        mg_text_add(&file->paper, end->receipt, end->receipt_length);
    }
    if (!file->busy)
        settle(file);
}

static void reject(struct mg_folder_file *file, const char *code, const char *text)
{
    const struct mg_refusal refusal = {
        .size = sizeof refusal,
        .status = 400,
        .code = code,
        .title = "The file cannot be taken",
        .text = text,
    };
    take_refusal(file, &refusal);
    settle(file);
}

static void work_read(struct mg_folder_job *job)
{
    struct mg_folder_file *file = (struct mg_folder_file *)job;
    do
        file->block_length = pread(file->descriptor, file->block, BLOCK, file->offset);
    while (file->block_length < 0 && errno == EINTR);
    if (file->block_length < 0)
        file->error = errno;
}

/* The file could not be read, or is not as long as it was: someone writes to it. */
static void break_off(struct mg_folder_file *file)
{
    if (file->error)
        log_error(file);
    file->source->folder.gateway->submit_abort(file->submission);
    file->submission = NULL;
    postpone(file);
}

static void done_read(struct mg_folder_job *job)
{
    struct mg_folder_file *file = (struct mg_folder_file *)job;
    const struct mg_gateway *gateway = file->source->folder.gateway;
    bool at_end = file->block_length == 0;
    if (!file->ended && !file->error && !at_end) {
        file->offset += file->block_length;
        file->refused =
            !gateway->submit_append(file->submission, file->block, (size_t)file->block_length);
    } else if (!file->ended && !file->error && file->offset == file->size) {
        gateway->submit_finish(file->submission);
    }
    file->busy = false;
    if (file->ended)
        settle(file);
    else if (file->error || file->offset > file->size || (at_end && file->offset < file->size))
        break_off(file);
    else if (!at_end && !file->refused)
        step(file, work_read, done_read);
}

static void work_open(struct mg_folder_job *job)
{
    struct mg_folder_file *file = (struct mg_folder_file *)job;
    struct stat facts;
    file->descriptor = mg_place_open(file->source->places.in_progress, file->name, &facts);
    if (file->descriptor < 0)
        file->error = errno;
    else
        file->size = facts.st_size;
}

static void submit(struct mg_folder_file *file)
{
    struct mg_folder *folder = &file->source->folder;
    struct mg_refusal refusal = {.size = sizeof refusal};
    const struct mg_submission_spec spec = {
        .size = sizeof spec,
        .media_type = "application/xml",
        .content_encoding = mg_name_is_packed(file->name) ? "gzip" : NULL,
        .length = file->size,
    };
    file->offset = 0;
    file->ended = file->refused = false;
    file->submission =
        folder->gateway->submit_begin(folder->instance, &spec, submission_end, file, &refusal);
    if (file->submission) {
        step(file, work_read, done_read);
    } else {
        take_refusal(file, &refusal);
        settle(file);
    }
}

static void done_open(struct mg_folder_job *job)
{
    struct mg_folder_file *file = (struct mg_folder_file *)job;
    file->busy = false;
    if (file->error == ENOENT) {
        /* Someone has taken the file back. */
        mg_folder_file_gone(file->source, file);
        file_free(file);
    } else if (file->error == EINVAL) {
        reject(file, "folder.not-a-file",
               "Only regular files are taken, no links, folders or pipes.");
    } else if (file->error == EACCES) {
        reject(file, "folder.unreadable",
               "The gateway may not read the file: give its group the right to.");
    } else if (file->error) {
        log_error(file);
        postpone(file);
    } else if (strlen(file->name) > MG_NAME_LONGEST) {
        reject(file, "folder.name-too-long", "The name of the file has more than 200 bytes.");
    } else {
        submit(file);
    }
}

static void begin(struct mg_folder_file *file)
{
    step(file, work_open, done_open);
}

void mg_folder_file_start(struct mg_folder_source *source, const char *name)
{
    struct mg_folder_file *file = mg_text_allocate(1, sizeof *file);
    *file = (struct mg_folder_file){
        .job = {.folder = &source->folder, .drop = dropped},
        .source = source,
        .descriptor = -1,
        .pause = FIRST_PAUSE,
    };
    snprintf(file->name, sizeof file->name, "%s", name);
    file->block = mg_text_allocate(1, BLOCK);
    source->files[source->file_count++] = file;
    begin(file);
}

void mg_folder_file_close(struct mg_folder_file *file)
{
    struct mg_folder *folder = &file->source->folder;
    if (file->submission)
        folder->gateway->submit_abort(file->submission);
    file->submission = NULL;
    if (file->timer)
        folder->gateway->timer_cancel(file->timer);
    if (!file->busy || mg_folder_withdraw(&file->job))
        file_free(file);
}
