/* What the audit trail has done in the background. */
#include "gateway/audit/days.h"
#include "gateway/audit/export.h"
#include "gateway/audit/trail.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"

#include <stdlib.h>
#include <string.h>

/* After a failure: how long until the next try, in milliseconds. */
#define PAUSE 60000

struct upkeep {
    bool looking;   /* for days that are over, or writing their closings */
    int64_t due;    /* when to look again */
    size_t waiting; /* closings that are not on disk yet */
    bool failed;
    /* Once they are: when to look again, what may be deleted, and the last day that is closed. */
    int64_t next;
    int64_t expired;
    char closing[MG_AUDIT_DAY_SIZE];
    char closed[MG_AUDIT_DAY_SIZE]; /* the last day whose closing is on disk */
    bool exporting;
    int64_t export_due;
    bool export_failed;
    int64_t exported; /* -1: not known yet */
};

/* One task of the background: it holds the configuration that it was begun with. */
struct task {
    struct mg_job job; /* first */
    struct mg_audit *audit;
    struct mg_config *config;
    struct mg_audit_days days;
    int64_t number; /* up to where it deletes, or has exported */
    int64_t asked_at;
    bool differs; /* the store has not what has left last: with the reason */
    bool ok;
    struct mg_error error, difference;
};

void mg_audit_start_upkeep(struct mg_audit *audit)
{
    audit->upkeep = mg_allocate_zeroed(1, sizeof *audit->upkeep);
    audit->upkeep->exported = -1;
}

void mg_audit_free_upkeep(struct mg_audit *audit)
{
    free(audit->upkeep);
}

bool mg_audit_is_busy(const struct mg_audit *audit)
{
    return audit->upkeep->looking || audit->upkeep->exporting;
}

void mg_audit_facts(struct mg_audit *audit, struct mg_audit_facts *facts)
{
    *facts = (struct mg_audit_facts){.entries = mg_store_journal_last(audit->options.store)};
    memcpy(facts->closed, audit->upkeep->closed, sizeof facts->closed);
    pthread_mutex_lock(&audit->lock);
    facts->unknown_callers = audit->unknown.all;
    pthread_mutex_unlock(&audit->lock);
    for (int i = 0; i < TROUBLES && !facts->failing; i++)
        facts->failing = audit->troubles[i].code[0] ? audit->troubles[i].text : NULL;
}

static struct task *begin(struct mg_audit *audit, void (*work)(struct mg_job *job),
                          void (*done)(struct mg_job *job))
{
    struct task *task = mg_allocate_zeroed(1, sizeof *task);
    task->job = (struct mg_job){.work = work, .done = done};
    task->audit = audit;
    task->config = mg_config_hold(audit->config);
    return task;
}

static void end(struct task *task)
{
    mg_audit_days_free(&task->days);
    mg_config_release(task->config);
    free(task);
}

static bool submit(struct task *task)
{
    if (mg_pool_submit(task->audit->options.background, &task->job))
        return true;
    end(task);
    return false;
}

/* ---- deleting ---- */

static void work_deletion(struct mg_job *job)
{
    struct task *task = (struct task *)job;
    bool more = true;
    task->ok = true;
    while (more && task->ok && !atomic_load(&task->audit->stopping))
        task->ok = mg_store_trim_journal(task->audit->options.store, task->number, MG_AUDIT_CLOSED,
                                         &more, &task->error);
}

static void deleted(struct mg_job *job)
{
    struct task *task = (struct task *)job;
    if (!task->ok)
        mg_log(MG_LOG_ERROR, "audit.not-deleted", "code", task->error.code, "reason",
               task->error.text, NULL);
    task->audit->upkeep->looking = false;
    end(task);
}

static void delete (struct mg_audit *audit, int64_t through)
{
    struct task *task = begin(audit, work_deletion, deleted);
    task->number = through;
    audit->upkeep->looking = submit(task);
}

/* ---- closing ---- */

static void tell_closed(struct upkeep *upkeep)
{
    if (upkeep->failed || strcmp(upkeep->closed, upkeep->closing) == 0)
        return;
    memcpy(upkeep->closed, upkeep->closing, sizeof upkeep->closed);
    mg_log(MG_LOG_NOTICE, "audit.closed", "day", upkeep->closed, NULL);
}

/* When everything is on disk; the rest of the days, or what failed, has its turn later. */
static void finish_days(struct mg_audit *audit)
{
    struct upkeep *upkeep = audit->upkeep;
    /* Not from now on: midnight may have come while this day was looked at. */
    upkeep->due = upkeep->failed ? mg_clock_now() + PAUSE : upkeep->next;
    upkeep->looking = false;
    tell_closed(upkeep);
    if (upkeep->expired > 0 && !upkeep->failed && !atomic_load(&audit->stopping))
        delete (audit, upkeep->expired);
}

static void line_written(bool ok, const struct mg_error *error, void *context)
{
    (void)error;
    struct mg_audit *audit = context;
    audit->upkeep->failed = audit->upkeep->failed || !ok;
    if (--audit->upkeep->waiting == 0)
        finish_days(audit);
}

static void write_line(struct mg_audit *audit, const char *subject, const char *line)
{
    if (mg_audit_write(audit, subject, line, line_written, audit))
        audit->upkeep->waiting++;
    else
        audit->upkeep->failed = true;
}

static void work_days(struct mg_job *job)
{
    struct task *task = (struct task *)job;
    int64_t now = mg_clock_now();
    task->ok = mg_audit_days_find(task->audit->options.store, mg_config_signer(task->config, now),
                                  now, task->config->keep_audit, &task->days, &task->error);
}

static void found_days(struct mg_job *job)
{
    struct task *task = (struct task *)job;
    struct mg_audit *audit = task->audit;
    struct upkeep *upkeep = audit->upkeep;
    if (!task->ok)
        mg_log(MG_LOG_ERROR, "audit.not-closed", "code", task->error.code, "reason",
               task->error.text, NULL);
    mg_audit_note_trouble(audit, TROUBLE_DAYS, task->ok ? NULL : &task->error);
    upkeep->failed = !task->ok;
    upkeep->next = task->days.next;
    upkeep->expired = task->ok ? task->days.expired : 0;
    upkeep->waiting = 1; /* until all are on their way */
    memcpy(upkeep->closed, task->days.before, sizeof upkeep->closed);
    memcpy(upkeep->closing, task->days.closed, sizeof upkeep->closing);
    for (size_t i = 0; i < task->days.count; i++)
        write_line(audit, MG_AUDIT_CLOSED, task->days.lines[i]);
    if (upkeep->expired > 0)
        write_line(audit, MG_AUDIT_EXPIRED, task->days.expiry);
    end(task);
    line_written(true, NULL, audit);
}

/* ---- exporting ---- */

static void work_export(struct mg_job *job)
{
    struct task *task = (struct task *)job;
    struct mg_store *store = task->audit->options.store;
    int64_t last = mg_store_journal_last(store);
    if (task->number < 0) {
        task->differs = !mg_audit_export_compare(store, task->audit->folder, &task->difference);
        task->number = mg_audit_export_begin(task->audit->folder, last, task->asked_at);
    }
    task->ok = true;
    while (task->ok && task->number < last && !atomic_load(&task->audit->stopping))
        task->ok = mg_audit_export(store, task->audit->folder, task->config->audit_export,
                                   &task->number, &task->error);
}

/* Nobody but the operators can know who exchanged the store, and whether that was in order. */
static void tell_difference(struct mg_audit *audit, const struct mg_error *difference)
{
    mg_log(MG_LOG_ERROR, "audit.differs", "code", difference->code, "reason", difference->text,
           NULL);
    mg_audit_gateway(audit, "differs", NULL, difference->text);
    mg_audit_note_trouble(audit, TROUBLE_DIFFERS, difference);
}

static void exported(struct mg_job *job)
{
    struct task *task = (struct task *)job;
    struct upkeep *upkeep = task->audit->upkeep;
    if (task->differs)
        tell_difference(task->audit, &task->difference);
    if (!task->ok && !upkeep->export_failed)
        mg_log(MG_LOG_ERROR, "audit.not-exported", "code", task->error.code, "reason",
               task->error.text, NULL);
    mg_audit_note_trouble(task->audit, TROUBLE_EXPORT, task->ok ? NULL : &task->error);
    upkeep->export_failed = !task->ok;
    upkeep->export_due = task->ok ? 0 : mg_clock_now() + PAUSE;
    upkeep->exported = task->number;
    upkeep->exporting = false;
    end(task);
}

void mg_audit_do_upkeep(struct mg_audit *audit)
{
    struct upkeep *upkeep = audit->upkeep;
    int64_t now = mg_clock_now();
    /* A clock that was set back by a day must not keep a day from being closed. */
    bool due = upkeep->due <= now || upkeep->due > now + MG_AUDIT_DAY;
    if (!upkeep->looking && due)
        upkeep->looking = submit(begin(audit, work_days, found_days));
    if (audit->config->audit_export != MG_EXPORT_NONE && !upkeep->exporting &&
        upkeep->export_due <= now &&
        upkeep->exported < mg_store_journal_last(audit->options.store)) {
        struct task *task = begin(audit, work_export, exported);
        task->number = upkeep->exported;
        task->asked_at = audit->asked_at;
        upkeep->exporting = submit(task);
    }
}
