#include "gateway/operate/operate.h"

#include "config.h"
#include "gateway/base/clock.h"
#include "gateway/base/json.h"
#include "gateway/base/log.h"
#include "gateway/operate/acts.h"
#include "gateway/operate/backups.h"
#include "gateway/operate/entrances.h"
#include "gateway/operate/events.h"
#include "gateway/operate/files.h"
#include "gateway/operate/history.h"
#include "gateway/operate/messages.h"
#include "gateway/operate/metrics.h"
#include "gateway/operate/overview.h"
#include "gateway/operate/reloads.h"
#include "gateway/operate/status.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Milliseconds for which the measured size of the store is good enough. */
#define MEASURE_PAUSE 5000
/* Reasons of a refused configuration that are shown: the log has all of them. */
#define PROBLEMS_LIMIT 50

struct mg_operate {
    struct mg_operate_options options;
    struct mg_config *config; /* held: the one that is shown */
    struct mg_files *files;
    struct mg_desk *desk;
    struct mg_resources resources[16];
    size_t resource_count;
    struct mg_entrances *entrances;
    struct mg_events *events;
    struct mg_reloads *reloading;
    struct mg_history *history;
    struct event *minute;
    struct mg_backups *backups;
    int64_t started;
    bool stopping;
    struct mg_overview_reloads reloads;
    int64_t unannounced;
    char *problems[PROBLEMS_LIMIT];
    /* The size of the store. */
    struct measurement *measuring; /* NULL: nobody measures */
    struct mg_store_totals totals;
    int64_t measured;
};

/* ---- measuring, in the background ---- */

/* Outlives the operate that has asked, if it has to. */
struct measurement {
    struct mg_job job;          /* first */
    struct mg_operate *operate; /* NULL: it no longer wants to know */
    struct mg_store *store;
    struct mg_store_totals totals;
    bool ok;
};

static void measure(struct mg_job *job)
{
    struct measurement *measurement = (struct measurement *)job;
    struct mg_error error;
    measurement->ok = mg_store_totals(measurement->store, &measurement->totals, &error);
}

static void has_measured(struct mg_job *job)
{
    struct measurement *measurement = (struct measurement *)job;
    struct mg_operate *operate = measurement->operate;
    if (operate) {
        operate->measuring = NULL;
        if (measurement->ok) {
            operate->measured = mg_clock_now();
            operate->totals = measurement->totals;
        }
    }
    free(measurement);
}

static void measure_if_old(struct mg_operate *operate)
{
    int64_t age = mg_clock_now() - operate->measured;
    if (operate->measuring || operate->stopping || (age >= 0 && age < MEASURE_PAUSE))
        return;
    struct measurement *measurement = mg_allocate_zeroed(1, sizeof *measurement);
    measurement->job.work = measure;
    measurement->job.done = has_measured;
    measurement->operate = operate;
    measurement->store = operate->options.store;
    if (mg_pool_submit(operate->options.background, &measurement->job))
        operate->measuring = measurement;
    else
        free(measurement);
}

/* ---- what is shown ---- */

static struct mg_overview_process look_at_process(void)
{
    struct mg_overview_process process = {0};
    struct rusage usage;
    unsigned long long size = 0, resident = 0;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        process.processor = (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                            (int64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
    /* proc(5): in pages. It is no file on a disk. */
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%llu %llu", &size, &resident) == 2)
        process.resident = (int64_t)resident * sysconf(_SC_PAGESIZE);
    if (file)
        fclose(file);
    return process;
}

static void look(struct mg_operate *operate, struct mg_overview *overview)
{
    const struct mg_config *config = operate->config;
    measure_if_old(operate);
    *overview = (struct mg_overview){
        .config = config,
        .tally = mg_intake_tally(operate->options.intake),
        .version = PACKAGE_VERSION,
        .name = config->name,
        .now = mg_clock_now(),
        .started = operate->started,
        .stopping = operate->stopping,
        .file = config->file,
        .hash = config->hash,
        .loaded = config->loaded,
        .reloads = operate->reloads,
        .unannounced = operate->unannounced,
        .store = {.messages = operate->totals.messages,
                  .bytes = operate->totals.bytes,
                  .measured = operate->measured},
        .process = look_at_process(),
    };
    if (operate->options.audit)
        mg_audit_facts(operate->options.audit, &overview->audit);
    if (operate->options.listeners)
        operate->options.listeners(mg_overview_add_listener, overview, operate->options.owner);
    mg_overview_collect(overview, operate->options.store, operate->options.host,
                        operate->options.dispatch);
}

static void answer_overview(struct mg_ask *ask, struct mg_operate *operate, const char *media_type,
                            void (*write)(const struct mg_overview *overview,
                                          struct mg_buffer *buffer))
{
    struct mg_buffer body = {0};
    struct mg_overview overview;
    look(operate, &overview);
    write(&overview, &body);
    mg_overview_free(&overview);
    mg_ask_answer(ask, 200, media_type, &body);
    mg_buffer_free(&body);
}

static void answer_status(struct mg_ask *ask, void *context)
{
    answer_overview(ask, context, MG_STATUS_TYPE, mg_status_write);
}

static void answer_metrics(struct mg_ask *ask, void *context)
{
    answer_overview(ask, context, MG_METRICS_TYPE, mg_metrics_write);
}

static void answer_history(struct mg_ask *ask, void *context)
{
    const struct mg_operate *operate = context;
    struct mg_buffer body = {0};
    mg_history_write(operate->history, &body);
    mg_ask_answer(ask, 200, MG_HISTORY_TYPE, &body);
    mg_buffer_free(&body);
}

static void minute_has_passed(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct mg_operate *operate = context;
    struct mg_overview overview;
    look(operate, &overview);
    mg_history_add(operate->history, &overview);
    mg_overview_free(&overview);
    struct mg_buffer point = {0};
    mg_history_write_newest(operate->history, &point);
    mg_events_tell(operate->events, "history", point.data);
    mg_buffer_free(&point);
}

static void answer_health(struct mg_ask *ask, void *context)
{
    (void)context;
    struct mg_buffer body = {0};
    mg_buffer_add_text(&body, "{\"healthy\":true}\n");
    mg_ask_answer(ask, 200, "application/json", &body);
    mg_buffer_free(&body);
}

/* What keeps a message from being accepted; the other reasons do not. */
static bool keeps_from_accepting(const char *code)
{
    static const char *const codes[] = {"store.failed", "store.reserve", "gateway.stopping"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i], code) == 0)
            return true;
    return false;
}

static size_t write_reasons(struct mg_json *json, const struct mg_overview *overview)
{
    size_t count = 0;
    mg_json_list(json, "reasons");
    for (size_t i = 0; i < overview->reason_count; i++) {
        const struct mg_overview_reason *reason = &overview->reasons[i];
        if (!keeps_from_accepting(reason->code))
            continue;
        mg_json_object(json, NULL);
        mg_json_text(json, "code", reason->code);
        mg_json_text(json, "text", reason->text);
        mg_json_end_object(json);
        count++;
    }
    mg_json_end_list(json);
    return count;
}

static void answer_ready(struct mg_ask *ask, void *context)
{
    struct mg_buffer body = {0};
    struct mg_json json = {.buffer = &body};
    struct mg_overview overview;
    look(context, &overview);
    mg_json_object(&json, NULL);
    bool ready = write_reasons(&json, &overview) == 0;
    mg_json_truth(&json, "ready", ready);
    mg_json_end_object(&json);
    mg_overview_free(&overview);
    mg_ask_answer(ask, ready ? 200 : 503, "application/json", &body);
    mg_buffer_free(&body);
}

/* Without what changes with every look, so that two of them can be compared. */
static void write_event(void *context, struct mg_buffer *buffer, bool steady)
{
    struct mg_overview overview;
    look(context, &overview);
    if (steady) {
        overview.now = overview.started;
        overview.process = (struct mg_overview_process){0};
        overview.store.measured = 0;
        overview.measures.free_bytes = -1;
    }
    mg_status_write(&overview, buffer);
    mg_overview_free(&overview);
}

static void answer_whoami(struct mg_ask *ask, void *context)
{
    (void)context;
    const struct mg_caller *caller = mg_ask_caller(ask);
    struct mg_buffer body = {0};
    struct mg_json json = {.buffer = &body};
    mg_json_object(&json, NULL);
    mg_json_text(&json, "name", caller->name);
    mg_json_text(&json, "role", mg_role_words[caller->role]);
    mg_json_truth(&json, "contents", caller->contents);
    mg_json_text(&json, "way", caller->way);
    mg_json_end_object(&json);
    mg_ask_answer(ask, 200, "application/json", &body);
    mg_buffer_free(&body);
}

static const struct mg_resource own[] = {
    {"GET", "/status", MG_ROLE_VIEWER, NULL, answer_status},
    {"GET", "/metrics", MG_ROLE_VIEWER, NULL, answer_metrics},
    {"GET", "/history", MG_ROLE_VIEWER, NULL, answer_history},
    {"GET", "/healthz", MG_ROLE_NONE, NULL, answer_health},
    {"GET", "/readyz", MG_ROLE_NONE, NULL, answer_ready},
    {"GET", "/whoami", MG_ROLE_VIEWER, NULL, answer_whoami},
};

static const struct mg_resource streams[] = {
    {"GET", "/events", MG_ROLE_VIEWER, NULL, mg_events_handle},
};

static const struct mg_resource reload[] = {
    {"POST", "/reload", MG_ROLE_OPERATOR, NULL, mg_reloads_handle},
};

static const struct mg_resource backup[] = {
    {"POST", "/backup", MG_ROLE_OPERATOR, NULL, mg_backups_handle},
};

/* What each part of the room answers; a part adds its table here. */
static void list_resources(struct mg_operate *operate)
{
    const struct mg_resources tables[] = {
        {own, sizeof own / sizeof *own, operate},
        mg_files_resources(operate->files),
        {streams, 1, operate->events},
        {reload, 1, operate->reloading},
        mg_messages_resources(operate->desk),
        mg_content_resources(operate->desk),
        mg_trail_resources(operate->desk),
        mg_acts_resources(operate->desk),
        mg_destination_acts_resources(operate->desk),
        mg_erasure_resources(operate->desk),
        {backup, 1, operate->backups},
    };
    static_assert(sizeof tables <= sizeof operate->resources, "there is room for every table");
    memcpy(operate->resources, tables, sizeof tables);
    operate->resource_count = sizeof tables / sizeof *tables;
}

void mg_operate_each_resource(const struct mg_operate *operate,
                              void (*see)(const struct mg_resource *resource, void *context),
                              void *context)
{
    for (size_t i = 0; i < operate->resource_count; i++)
        for (size_t j = 0; j < operate->resources[i].count; j++)
            see(&operate->resources[i].list[j], context);
}

/* ---- configurations ---- */

bool mg_operate_prepare(struct mg_operate *operate, struct mg_config *config,
                        struct mg_error *error)
{
    return mg_entrances_prepare(operate->entrances, config, error);
}

void mg_operate_abandon(struct mg_operate *operate)
{
    mg_entrances_abandon(operate->entrances);
}

void mg_operate_set_store(struct mg_operate *operate, X509_STORE *store)
{
    mg_entrances_set_store(operate->entrances, store);
}

static void forget_problems(struct mg_operate *operate)
{
    for (size_t i = 0; i < operate->reloads.problem_count; i++)
        free(operate->problems[i]);
    operate->reloads.problem_count = 0;
    operate->reloads.last_refused = 0;
}

void mg_operate_commit(struct mg_operate *operate, struct mg_config *config)
{
    mg_entrances_commit(operate->entrances, config);
    if (operate->config)
        operate->reloads.applied++;
    forget_problems(operate);
    mg_config_hold(config);
    mg_config_release(operate->config);
    operate->config = config;
    if (!evtimer_pending(operate->minute, NULL))
        evtimer_add(operate->minute, &(struct timeval){.tv_sec = MG_HISTORY_STEP});
    mg_desk_apply(operate->desk, config);
    if (mg_entrances_any(operate->entrances))
        measure_if_old(operate);
}

void mg_operate_refused(struct mg_operate *operate, const char *const *problems, size_t count)
{
    forget_problems(operate);
    operate->reloads.refused++;
    operate->reloads.last_refused = mg_clock_now();
    for (size_t i = 0; i < count && i < PROBLEMS_LIMIT; i++)
        operate->problems[operate->reloads.problem_count++] = mg_copy_text(problems[i]);
}

void mg_operate_unannounced(struct mg_operate *operate, int64_t since)
{
    operate->unannounced = since;
}

void mg_operate_reload_ended(struct mg_operate *operate, int64_t number, bool applied, bool refused)
{
    mg_reloads_ended(operate->reloading, number, applied ? operate->config->hash : NULL,
                     operate->reloads.problems, refused ? operate->reloads.problem_count : 0);
}

/* ---- life ---- */

/* Who was refused for what they are; callers that nobody knows are only counted. */
static void tell_denied(const struct mg_ask *ask, const char *code, void *context)
{
    const struct mg_operate *operate = context;
    const struct mg_caller *caller = mg_ask_caller(ask);
    char what[MG_ASK_WHAT];
    if (caller->name[0] == '\0') {
        mg_audit_unknown_caller(operate->options.audit, mg_ask_peer(ask));
        return;
    }
    const struct mg_audit_act act = {.act = "denied",
                                     .by = caller->name,
                                     .way = caller->way,
                                     .what = mg_ask_what(ask, what),
                                     .code = code};
    mg_audit_act(operate->options.audit, &act, NULL, NULL);
}

static void tell_stranger(const char *peer, void *context)
{
    const struct mg_operate *operate = context;
    mg_audit_unknown_caller(operate->options.audit, peer);
}

static void start_parts(struct mg_operate *operate)
{
    const struct mg_events_options events = {
        .base = operate->options.base, .write = write_event, .context = operate};
    const struct mg_reloads_options reloads = {.audit = operate->options.audit,
                                               .begin = operate->options.reload,
                                               .context = operate->options.owner};
    operate->files = mg_files_new();
    operate->desk = mg_desk_new(&operate->options);
    operate->events = mg_events_new(&events);
    operate->reloading = mg_reloads_new(&reloads);
    const struct mg_backups_options backups = {.store = operate->options.store,
                                               .audit = operate->options.audit,
                                               .background = operate->options.background};
    operate->backups = mg_backups_new(&backups);
}

struct mg_operate *mg_operate_new(const struct mg_operate_options *options)
{
    struct mg_operate *operate = mg_allocate_zeroed(1, sizeof *operate);
    operate->options = *options;
    operate->started = mg_clock_now();
    operate->totals.bytes = -1;
    start_parts(operate);
    operate->history = mg_history_new(operate->started);
    operate->minute = event_new(options->base, -1, EV_PERSIST, minute_has_passed, operate);
    list_resources(operate);
    const struct mg_endpoint_options endpoints = {
        .base = options->base,
        .background = options->background,
        .resources = operate->resources,
        .resource_count = operate->resource_count,
        .denied = tell_denied,
        .stranger = tell_stranger,
        .context = operate,
    };
    operate->entrances = mg_entrances_new(&endpoints);
    operate->reloads.problems = (const char *const *)operate->problems;
    return operate;
}

void mg_operate_stopping(struct mg_operate *operate)
{
    operate->stopping = true;
    mg_backups_stop(operate->backups);
}

void mg_operate_free(struct mg_operate *operate)
{
    if (!operate)
        return;
    if (operate->measuring)
        operate->measuring->operate = NULL;
    event_free(operate->minute);
    mg_entrances_free(operate->entrances); /* which breaks streams: nothing is sent any more */
    mg_events_free(operate->events);
    mg_backups_free(operate->backups);
    mg_reloads_free(operate->reloading);
    mg_history_free(operate->history);
    mg_files_free(operate->files);
    mg_desk_close(operate->desk);
    forget_problems(operate);
    mg_config_release(operate->config);
    free(operate);
}
