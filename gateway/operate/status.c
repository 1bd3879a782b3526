#include "gateway/operate/status.h"

#include "gateway/base/json.h"

#include "gateway/operate/health.h"
#include "gateway/operate/status_named.h"

#include <string.h>

/* The age of what is there since then; null where nothing is. */
static void write_age(struct mg_json *json, const char *name, int64_t since, int64_t now)
{
    if (since > 0)
        mg_json_seconds(json, name, since < now ? now - since : 0);
    else
        mg_json_null(json, name);
}

/* What half, and all but one in a hundred, did not exceed; null where nothing was measured. */
static void write_quantiles(struct mg_json *json, const char *name, int64_t half, int64_t most)
{
    if (half < 0) {
        mg_json_null(json, name);
        return;
    }
    mg_json_object(json, name);
    mg_json_microseconds(json, "p50", half);
    mg_json_microseconds(json, "p99", most);
    mg_json_end_object(json);
}

/* ---- the gateway ---- */

static void write_health(struct mg_json *json, const struct mg_overview *overview)
{
    mg_json_object(json, "health");
    mg_json_text(json, "state", mg_health_state(overview));
    mg_json_list(json, "reasons");
    for (size_t i = 0; i < overview->reason_count; i++) {
        const struct mg_overview_reason *reason = &overview->reasons[i];
        mg_json_object(json, NULL);
        mg_json_text(json, "severity", reason->critical ? "critical" : "warning");
        mg_json_text(json, "code", reason->code);
        mg_json_text_or_null(json, "subject", reason->subject);
        mg_json_text(json, "text", reason->text);
        mg_json_time(json, "since", reason->since);
        mg_json_end_object(json);
    }
    mg_json_end_list(json);
    mg_json_end_object(json);
}

static void write_audit(struct mg_json *json, const struct mg_overview *overview)
{
    mg_json_object(json, "audit");
    mg_json_number(json, "entries", overview->audit.entries);
    mg_json_text_or_null(json, "closed", overview->audit.closed);
    mg_json_number(json, "unknown_callers", overview->audit.unknown_callers);
    mg_json_end_object(json);
}

static void write_refused(struct mg_json *json, const struct mg_overview_reloads *reloads)
{
    if (reloads->last_refused == 0) {
        mg_json_null(json, "last_refused");
        return;
    }
    mg_json_object(json, "last_refused");
    mg_json_time(json, "time", reloads->last_refused);
    mg_json_list(json, "problems");
    for (size_t i = 0; i < reloads->problem_count; i++)
        mg_json_text(json, NULL, reloads->problems[i]);
    mg_json_end_list(json);
    mg_json_end_object(json);
}

static void write_configuration(struct mg_json *json, const struct mg_overview *overview)
{
    mg_json_object(json, "configuration");
    mg_json_text(json, "file", overview->file);
    mg_json_text(json, "hash", overview->hash);
    mg_json_time(json, "loaded", overview->loaded);
    write_refused(json, &overview->reloads);
    mg_json_end_object(json);
}

static void write_measures(struct mg_json *json, const struct mg_store_measures *measures)
{
    write_quantiles(json, "commit_seconds", mg_histogram_quantile(&measures->recent, 0.5),
                    mg_histogram_quantile(&measures->recent, 0.99));
    mg_json_number(json, "backlog", measures->backlog);
    if (measures->free_bytes >= 0)
        mg_json_number(json, "free_bytes", measures->free_bytes);
    else
        mg_json_null(json, "free_bytes");
    mg_json_number(json, "reserve_bytes", measures->reserve);
}

static void write_store(struct mg_json *json, const struct mg_overview *overview)
{
    const struct mg_overview_store *store = &overview->store;
    mg_json_object(json, "store");
    mg_json_number(json, "messages", store->messages);
    mg_json_number(json, "waiting", store->waiting);
    mg_json_number(json, "dead", store->dead);
    if (store->bytes >= 0)
        mg_json_number(json, "bytes", store->bytes);
    else
        mg_json_null(json, "bytes");
    mg_json_time(json, "measured", store->measured);
    mg_json_truth(json, "accepts", store->accepts);
    mg_json_truth(json, "records", store->records);
    write_measures(json, &overview->measures);
    mg_json_end_object(json);
}

/* ---- destinations ---- */

static void write_queue(struct mg_json *json, const struct mg_store_queue *queue, int64_t now)
{
    mg_json_object(json, "queue");
    mg_json_number(json, "waiting", queue->waiting);
    mg_json_number(json, "running", queue->running);
    mg_json_number(json, "held", queue->held);
    mg_json_number(json, "dead", queue->dead);
    mg_json_number(json, "bytes", queue->bytes);
    mg_json_time(json, "oldest", queue->oldest);
    write_age(json, "oldest_seconds", queue->oldest, now);
    mg_json_end_object(json);
}

static void write_breaker(struct mg_json *json, const struct mg_dispatch_facts *facts)
{
    static const char *const words[] = {
        [MG_BREAKER_CLOSED] = "closed",
        [MG_BREAKER_OPEN] = "open",
        [MG_BREAKER_HALF_OPEN] = "half-open",
    };
    mg_json_object(json, "breaker");
    mg_json_text(json, "state", words[facts->breaker]);
    mg_json_number(json, "failures", facts->failures);
    mg_json_end_object(json);
}

static void write_history(struct mg_json *json, const struct mg_dispatch_facts *facts)
{
    mg_json_time(json, "last_success", facts->last_success);
    if (facts->last_failure > 0) {
        mg_json_object(json, "last_error");
        mg_json_time(json, "time", facts->last_failure);
        mg_json_text(json, "code", facts->failure_code);
        mg_json_text(json, "text", facts->failure_text);
        mg_json_end_object(json);
    } else {
        mg_json_null(json, "last_error");
    }
    mg_json_object(json, "deliveries");
    mg_json_number(json, "delivered", facts->counts.delivered);
    mg_json_number(json, "collected", facts->counts.collected);
    mg_json_number(json, "postponed", facts->counts.postponed);
    mg_json_number(json, "dead", facts->counts.dead);
    mg_json_end_object(json);
}

/* Why it is not ready: a code and a sentence. */
static void write_reason(struct mg_json *json, const struct mg_overview_destination *destination)
{
    const struct mg_dispatch_facts *facts = &destination->facts;
    const char *code = NULL, *reason = NULL;
    switch (destination->state) {
    case MG_DESTINATION_PAUSED:
        code = "destination.paused";
        reason = facts->pause ? "An operator has paused it; what waits is kept."
                              : "The configuration pauses it; what waits is kept.";
        break;
    case MG_DESTINATION_DOWN:
        code = facts->instance.code;
        reason = facts->instance.text;
        break;
    case MG_DESTINATION_BLOCKED:
        code = "destination.blocked";
        reason = "It is ordered, and a message that is dead stands before the next.";
        break;
    case MG_DESTINATION_REMOVED:
        code = "destination.removed";
        reason = "The configuration no longer has it; what waits is kept.";
        break;
    case MG_DESTINATION_READY:
    default:
        break;
    }
    mg_json_text_or_null(json, "code", code);
    mg_json_text_or_null(json, "reason", reason);
}

static void write_blocking(struct mg_json *json, const struct mg_dispatch_facts *facts)
{
    static const struct mg_id none;
    char id[MG_ID_TEXT_SIZE];
    bool known = facts->blocked && memcmp(&facts->blocking, &none, sizeof none) != 0;
    mg_json_text_or_null(json, "blocking_message", known ? mg_id_text(&facts->blocking, id) : NULL);
}

/* What the configuration says for people; of one that it no longer has, its name. */
static void write_title(struct mg_json *json, const struct mg_overview *overview, const char *name)
{
    const struct mg_config_destination *values = mg_config_destination(overview->config, name);
    mg_json_text(json, "title", values && values->title[0] ? values->title : name);
    mg_json_text_or_null(json, "place", values && values->site ? values->site->name : NULL);
}

static void write_pause(struct mg_json *json, const struct mg_store_pause *pause)
{
    if (!pause) {
        mg_json_null(json, "paused_by");
        return;
    }
    mg_json_object(json, "paused_by");
    mg_json_text(json, "by", pause->by);
    mg_json_text(json, "why", pause->why);
    mg_json_time(json, "since", pause->since);
    mg_json_end_object(json);
}

static void write_destination(struct mg_json *json, const struct mg_overview *overview,
                              const struct mg_overview_destination *destination)
{
    const struct mg_dispatch_facts *facts = &destination->facts;
    int64_t now = overview->now;
    mg_json_object(json, NULL);
    mg_json_text(json, "name", facts->name);
    write_title(json, overview, facts->name);
    mg_json_text_or_null(json, "adapter", facts->instance.adapter);
    mg_json_text(json, "state", mg_destination_state_words[destination->state]);
    write_reason(json, destination);
    write_blocking(json, facts);
    mg_json_truth(json, "collected", facts->collected);
    mg_json_truth(json, "ordered", facts->ordered);
    mg_json_number(json, "concurrency", facts->concurrency);
    write_queue(json, &destination->queue, now);
    write_breaker(json, facts);
    mg_json_time(json, "next_attempt", facts->next_attempt);
    mg_json_time(json, "next_retry", facts->next_attempt);
    write_pause(json, facts->pause);
    mg_json_seconds(json, "rate_per_minute", (int64_t)(facts->rate * 1000));
    write_quantiles(json, "delivery_seconds", facts->duration_p50, facts->duration_p99);
    write_history(json, facts);
    mg_json_end_object(json);
}

/* ---- sources and adapters ---- */

static void write_state(struct mg_json *json, const struct mg_host_facts *facts)
{
    const char *state = facts->down ? "down" : "ready";
    mg_json_text(json, "state", facts->retiring ? "retiring" : state);
    mg_json_text_or_null(json, "code", facts->code);
    mg_json_text_or_null(json, "reason", facts->text);
}

static const struct mg_config_source *source_of(const struct mg_config *config, const char *name)
{
    for (size_t i = 0; i < config->source_count; i++)
        if (strcmp(config->sources[i].name, name) == 0)
            return &config->sources[i];
    return NULL;
}

static void write_source(struct mg_json *json, const struct mg_overview *overview,
                         const struct mg_host_facts *facts)
{
    const struct mg_config_source *values = source_of(overview->config, facts->name);
    mg_json_object(json, NULL);
    mg_json_text(json, "name", facts->name);
    mg_json_text(json, "adapter", facts->adapter);
    mg_json_text_or_null(json, "partner", values && values->partner ? values->partner->name : NULL);
    mg_json_text_or_null(json, "listener", values ? values->listener : NULL);
    write_state(json, facts);
    mg_json_end_object(json);
}

/* Of an adapter that runs inside the gateway: null. */
static void write_process(struct mg_json *json, const struct mg_host_facts *facts)
{
    if (!facts->is_process) {
        mg_json_null(json, "process");
        return;
    }
    const char *state = facts->pid > 0 ? "running" : "none";
    mg_json_object(json, "process");
    mg_json_text(json, "state", facts->starting ? "starting" : state);
    if (facts->pid > 0)
        mg_json_number(json, "pid", facts->pid);
    else
        mg_json_null(json, "pid");
    mg_json_number(json, "restarts", facts->restarts);
    mg_json_end_object(json);
}

static void write_instance(struct mg_json *json, const struct mg_host_facts *facts)
{
    mg_json_object(json, NULL);
    mg_json_text(json, "name", facts->name);
    mg_json_text(json, "kind", facts->is_source ? "source" : "destination");
    mg_json_text(json, "isolation", facts->is_process ? "process" : "none");
    write_state(json, facts);
    write_process(json, facts);
    mg_json_end_object(json);
}

/* One adapter with those instances from first on that are its own; returns how many. */
static size_t write_adapter(struct mg_json *json, const struct mg_host_facts *first, size_t left)
{
    size_t count = 0;
    mg_json_object(json, NULL);
    mg_json_text(json, "name", first->adapter);
    mg_json_text_or_null(json, "version", first->version);
    mg_json_number(json, "abi", first->abi);
    mg_json_list(json, "instances");
    for (; count < left && strcmp(first[count].adapter, first->adapter) == 0; count++)
        write_instance(json, &first[count]);
    mg_json_end_list(json);
    mg_json_end_object(json);
    return count;
}

/* ---- all of it ---- */

static void write_lists(struct mg_json *json, const struct mg_overview *overview)
{
    mg_json_list(json, "destinations");
    for (size_t i = 0; i < overview->destination_count; i++)
        write_destination(json, overview, &overview->destinations[i]);
    mg_json_end_list(json);
    mg_json_list(json, "sources");
    for (size_t i = 0; i < overview->instance_count; i++)
        if (overview->instances[i].is_source && !overview->instances[i].retiring)
            write_source(json, overview, &overview->instances[i]);
    mg_json_end_list(json);
    mg_json_list(json, "adapters");
    for (size_t i = 0; i < overview->instance_count;)
        i += write_adapter(json, &overview->instances[i], overview->instance_count - i);
    mg_json_end_list(json);
}

void mg_status_write(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    struct mg_json json = {.buffer = buffer};
    mg_json_object(&json, NULL);
    mg_json_text(&json, "name", overview->name);
    mg_json_text(&json, "version", overview->version);
    mg_json_time(&json, "time", overview->now);
    mg_json_time(&json, "started", overview->started);
    write_age(&json, "uptime_seconds", overview->started, overview->now);
    mg_json_truth(&json, "stopping", overview->stopping);
    write_health(&json, overview);
    write_configuration(&json, overview);
    write_store(&json, overview);
    write_audit(&json, overview);
    write_lists(&json, overview);
    mg_status_write_named(&json, overview);
    mg_json_end_object(&json);
    mg_buffer_add_text(buffer, "\n");
}
