#include "gateway/operate/operate.h"

#include "config.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/operate/endpoint.h"
#include "gateway/operate/metrics.h"
#include "gateway/operate/overview.h"
#include "gateway/operate/status.h"

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
    struct mg_endpoint *endpoint;
    struct mg_endpoint *next; /* opened by a reload that is being carried out */
    int64_t started;
    bool stopping;
    struct mg_overview_reloads reloads;
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
        process.processor = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                            (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
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
        .version = PACKAGE_VERSION,
        .name = config->name,
        .now = mg_clock_now(),
        .started = operate->started,
        .stopping = operate->stopping,
        .file = config->file,
        .hash = config->hash,
        .loaded = config->loaded,
        .reloads = operate->reloads,
        .store = {.messages = operate->totals.messages,
                  .bytes = operate->totals.bytes,
                  .measured = operate->measured},
        .process = look_at_process(),
    };
    mg_overview_collect(overview, operate->options.store, operate->options.host,
                        operate->options.dispatch);
}

static void write_status(void *context, struct mg_buffer *buffer)
{
    struct mg_overview overview;
    look(context, &overview);
    mg_status_write(&overview, buffer);
    mg_overview_free(&overview);
}

static void write_metrics(void *context, struct mg_buffer *buffer)
{
    struct mg_overview overview;
    look(context, &overview);
    mg_metrics_write(&overview, buffer);
    mg_overview_free(&overview);
}

static const struct mg_endpoint_view views[] = {
    {"/status", MG_STATUS_TYPE, write_status},
    {"/metrics", MG_METRICS_TYPE, write_metrics},
    {0},
};

/* ---- configurations ---- */

/* Where the new configuration serves, the old one serves already. */
static bool stays(const struct mg_operate *operate, const struct mg_config *config)
{
    return operate->endpoint && config->status.address &&
           strcmp(mg_endpoint_address(operate->endpoint), config->status.address) == 0;
}

bool mg_operate_prepare(struct mg_operate *operate, const struct mg_config *config,
                        struct mg_error *error)
{
    if (!config->status.address || stays(operate, config))
        return true;
    operate->next =
        mg_endpoint_new(operate->options.base, config->status.address, views, operate, error);
    if (!operate->next)
        mg_error_at(error, "%s:%d", config->status.place.file, config->status.place.line);
    return operate->next != NULL;
}

void mg_operate_abandon(struct mg_operate *operate)
{
    mg_endpoint_free(operate->next);
    operate->next = NULL;
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
    if (operate->endpoint && !stays(operate, config)) {
        mg_log(MG_LOG_NOTICE, "status.close", "address", mg_endpoint_address(operate->endpoint),
               NULL);
        mg_endpoint_free(operate->endpoint);
        operate->endpoint = NULL;
    }
    if (operate->next) {
        operate->endpoint = operate->next;
        operate->next = NULL;
        mg_log(MG_LOG_NOTICE, "status.open", "address", mg_endpoint_address(operate->endpoint),
               "port", MG_LOG_NUMBER(mg_endpoint_port(operate->endpoint)), NULL);
    }
    if (operate->config)
        operate->reloads.applied++;
    forget_problems(operate);
    mg_config_hold(config);
    mg_config_release(operate->config);
    operate->config = config;
    if (operate->endpoint)
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

/* ---- life ---- */

struct mg_operate *mg_operate_new(const struct mg_operate_options *options)
{
    struct mg_operate *operate = mg_allocate_zeroed(1, sizeof *operate);
    operate->options = *options;
    operate->started = mg_clock_now();
    operate->totals.bytes = -1;
    operate->reloads.problems = (const char *const *)operate->problems;
    return operate;
}

void mg_operate_stopping(struct mg_operate *operate)
{
    operate->stopping = true;
}

void mg_operate_free(struct mg_operate *operate)
{
    if (!operate)
        return;
    if (operate->measuring)
        operate->measuring->operate = NULL;
    mg_endpoint_free(operate->next);
    mg_endpoint_free(operate->endpoint);
    forget_problems(operate);
    mg_config_release(operate->config);
    free(operate);
}
