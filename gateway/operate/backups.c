#include "gateway/operate/backups.h"

#include "gateway/base/log.h"
#include "gateway/operate/acts.h"
#include "gateway/store/backup.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK ((size_t)256 * 1024)

struct running {
    struct mg_job job;          /* first */
    struct mg_backups *backups; /* NULL: they are gone */
    struct mg_ask *ask;
    atomic_bool over; /* nobody listens, or the gateway stops */
    bool working;     /* the job is on its way */
    struct mg_store *store;
    struct mg_store_backup backup;
    bool made;
    struct mg_error error;
    char block[BLOCK];
    ssize_t length; /* of what was read into it; -1: that failed */
};

struct mg_backups {
    struct mg_backups_options options;
    struct running *running; /* NULL: none */
    bool stopping;
};

/* ---- the end ---- */

static void forget(struct running *running)
{
    if (running->backups)
        running->backups->running = NULL;
    if (running->backup.file >= 0)
        close(running->backup.file);
    free(running);
}

/* Before the first byte. */
static void refuse(struct running *running, int status, const struct mg_error *error)
{
    mg_ask_problem(running->ask, status, error->code, "%s", error->text);
    forget(running);
}

/* Behind it: whoever reads sees that the rest is missing. */
static void break_off(struct running *running)
{
    mg_ask_break(running->ask);
    forget(running);
}

/* ---- sending ---- */

static void read_block(struct mg_job *job)
{
    struct running *running = (struct running *)job;
    do
        running->length = read(running->backup.file, running->block, BLOCK);
    while (running->length < 0 && errno == EINTR);
}

static void send_block(struct mg_job *job);

static void read_on(struct running *running)
{
    running->job = (struct mg_job){.work = read_block, .done = send_block};
    running->working = running->backups && !running->backups->stopping &&
                       mg_pool_submit(running->backups->options.background, &running->job);
    if (!running->working)
        break_off(running);
}

static void send_block(struct mg_job *job)
{
    struct running *running = (struct running *)job;
    bool more = false;
    /* Writing may find out that nobody listens any more, and says so at once. */
    if (running->length > 0 && !atomic_load(&running->over))
        more = mg_ask_write(running->ask, running->block, (size_t)running->length);
    running->working = false;
    if (running->length < 0 || atomic_load(&running->over)) {
        break_off(running);
    } else if (running->length == 0) {
        mg_ask_end(running->ask);
        forget(running);
    } else if (more) {
        read_on(running);
    }
}

static void writable(struct mg_ask *ask, void *context)
{
    struct running *running = context;
    (void)ask;
    if (!running->working && running->made)
        read_on(running);
}

static void aborted(struct mg_ask *ask, void *context)
{
    struct running *running = context;
    (void)ask;
    atomic_store(&running->over, true);
    /* The job that is underway ends soon, and finds that out. */
    if (!running->working && running->made)
        break_off(running);
}

/* ---- making ---- */

static bool is_over(void *context)
{
    return atomic_load(&((struct running *)context)->over);
}

static void make(struct mg_job *job)
{
    struct running *running = (struct running *)job;
    running->backup.is_aborted = is_over;
    running->backup.context = running;
    running->made = mg_store_backup(running->store, &running->backup, &running->error);
}

static void made(struct mg_job *job)
{
    struct running *running = (struct running *)job;
    running->working = false;
    if (!running->made) {
        refuse(running, strcmp(running->error.code, "store.full") == 0 ? 507 : 503,
               &running->error);
        return;
    }
    static const struct mg_http_header headers[] = {
        {"Content-Disposition", "attachment; filename=\"muengsten.backup\""}};
    mg_ask_begin(running->ask, "application/octet-stream", headers, 1);
    read_on(running);
}

static void begin(bool ok, const struct mg_error *error, void *context)
{
    struct running *running = context;
    struct mg_error busy = {.code = "operate.busy", .text = "The gateway has too much to do."};
    running->job = (struct mg_job){.work = make, .done = made};
    running->working = ok && running->backups && !running->backups->stopping &&
                       mg_pool_submit(running->backups->options.background, &running->job);
    if (!running->working)
        refuse(running, 503, ok ? &busy : error);
}

/* A backup has every content in it, so it is for those who may see contents. */
static bool is_allowed(struct mg_ask *ask, struct mg_audit *audit)
{
    const struct mg_caller *caller = mg_ask_caller(ask);
    if (caller->contents || caller->owns_store)
        return true;
    const struct mg_audit_act act = {.act = "denied",
                                     .by = caller->name,
                                     .way = caller->way,
                                     .what = "POST /backup",
                                     .code = "access.contents"};
    mg_audit_act(audit, &act, NULL, NULL);
    mg_log(MG_LOG_NOTICE, "operate.denied", "code", act.code, "caller", act.by, "way", act.way,
           "path", mg_ask_resource(ask)->pattern, NULL);
    mg_ask_problem(ask, 403, act.code,
                   "A backup has contents in it: it is for root, the gateway's user, and whom the "
                   "configuration allows to see contents.");
    return false;
}

void mg_backups_handle(struct mg_ask *ask, void *context)
{
    static const struct mg_ask_events events = {.on_writable = writable, .on_abort = aborted};
    struct mg_backups *backups = context;
    const struct mg_caller *caller = mg_ask_caller(ask);
    static const char *const none[] = {NULL};
    if (!mg_acts_know(ask, none) || !is_allowed(ask, backups->options.audit))
        return;
    if (backups->running || backups->stopping) {
        mg_ask_problem(ask, backups->stopping ? 503 : 409,
                       backups->stopping ? "gateway.stopping" : "backup.running",
                       backups->stopping ? "The gateway stops."
                                         : "A backup is made already; wait for its end.");
        return;
    }
    struct running *running = mg_allocate_zeroed(1, sizeof *running);
    running->backups = backups;
    running->store = backups->options.store;
    running->ask = ask;
    running->backup.file = -1;
    backups->running = running;
    mg_ask_watch(ask, &events, running);
    const struct mg_audit_act act = {
        .act = "backup", .by = caller->name, .way = caller->way, .why = mg_ask_why(ask)};
    mg_audit_act(backups->options.audit, &act, begin, running);
}

/* ---- life ---- */

struct mg_backups *mg_backups_new(const struct mg_backups_options *options)
{
    struct mg_backups *backups = mg_allocate_zeroed(1, sizeof *backups);
    backups->options = *options;
    return backups;
}

void mg_backups_stop(struct mg_backups *backups)
{
    backups->stopping = true;
    if (backups->running)
        atomic_store(&backups->running->over, true);
}

void mg_backups_free(struct mg_backups *backups)
{
    if (!backups)
        return;
    mg_backups_stop(backups);
    if (backups->running && !backups->running->working && backups->running->made)
        break_off(backups->running);
    else if (backups->running)
        backups->running->backups = NULL;
    free(backups);
}
