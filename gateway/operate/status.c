#include "gateway/operate/status.h"

#include "gateway/base/clock.h"
#include "gateway/operate/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

static json_t *must(json_t *value)
{
    if (!value)
        mg_die("no memory for the status");
    return value;
}

static void set(json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new_nocheck(object, name, must(value)) != 0)
        mg_die("no memory for the status");
}

static void append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, must(value)) != 0)
        mg_die("no memory for the status");
}

static json_t *text_value(const char *text)
{
    size_t length;
    if (text && mg_shown_as_it_is(text, &length))
        return json_stringn_nocheck(text, length);
    struct mg_buffer shown = {0};
    mg_shown_text(&shown, text);
    json_t *value = json_stringn_nocheck(shown.data ? shown.data : "", shown.length);
    mg_buffer_free(&shown);
    return value;
}

static json_t *text_or_null(const char *text)
{
    return text && *text ? text_value(text) : json_null();
}

static json_t *time_value(int64_t time)
{
    char text[MG_CLOCK_TEXT_SIZE];
    return time > 0 ? json_string_nocheck(mg_clock_text(time, text)) : json_null();
}

static json_t *age_value(int64_t since, int64_t now)
{
    if (since <= 0)
        return json_null();
    return json_real(since < now ? (double)(now - since) / 1000.0 : 0.0);
}

/* ---- the parts ---- */

static json_t *configuration_value(const struct mg_overview *overview)
{
    const struct mg_overview_reloads *reloads = &overview->reloads;
    json_t *configuration = must(json_object());
    set(configuration, "file", text_value(overview->file));
    set(configuration, "hash", text_value(overview->hash));
    set(configuration, "loaded", time_value(overview->loaded));
    json_t *refused = json_null();
    if (reloads->last_refused > 0) {
        refused = must(json_object());
        set(refused, "time", time_value(reloads->last_refused));
        json_t *problems = must(json_array());
        for (size_t i = 0; i < reloads->problem_count; i++)
            append(problems, text_value(reloads->problems[i]));
        set(refused, "problems", problems);
    }
    set(configuration, "last_refused", refused);
    return configuration;
}

static json_t *store_value(const struct mg_overview_store *store)
{
    json_t *value = must(json_object());
    set(value, "messages", json_integer(store->messages));
    set(value, "waiting", json_integer(store->waiting));
    set(value, "dead", json_integer(store->dead));
    set(value, "bytes", store->bytes >= 0 ? json_integer(store->bytes) : json_null());
    set(value, "measured", time_value(store->measured));
    set(value, "accepts", json_boolean(store->accepts));
    set(value, "records", json_boolean(store->records));
    return value;
}

static json_t *queue_value(const struct mg_store_queue *queue, int64_t now)
{
    json_t *value = must(json_object());
    set(value, "waiting", json_integer(queue->waiting));
    set(value, "running", json_integer(queue->running));
    set(value, "dead", json_integer(queue->dead));
    set(value, "bytes", json_integer(queue->bytes));
    set(value, "oldest", time_value(queue->oldest));
    set(value, "oldest_seconds", age_value(queue->oldest, now));
    return value;
}

static json_t *breaker_value(const struct mg_dispatch_facts *facts)
{
    static const char *const words[] = {
        [MG_BREAKER_CLOSED] = "closed",
        [MG_BREAKER_OPEN] = "open",
        [MG_BREAKER_HALF_OPEN] = "half-open",
    };
    json_t *value = must(json_object());
    set(value, "state", json_string(words[facts->breaker]));
    set(value, "failures", json_integer(facts->failures));
    return value;
}

static json_t *counts_value(const struct mg_dispatch_counts *counts)
{
    json_t *value = must(json_object());
    set(value, "delivered", json_integer(counts->delivered));
    set(value, "collected", json_integer(counts->collected));
    set(value, "postponed", json_integer(counts->postponed));
    set(value, "dead", json_integer(counts->dead));
    return value;
}

static json_t *last_error_value(const struct mg_dispatch_facts *facts)
{
    if (facts->last_failure == 0)
        return json_null();
    json_t *value = must(json_object());
    set(value, "time", time_value(facts->last_failure));
    set(value, "code", text_value(facts->failure_code));
    set(value, "text", text_value(facts->failure_text));
    return value;
}

/* Why it is not ready: a code and a sentence. */
static void set_reason(json_t *value, const struct mg_overview_destination *destination)
{
    const struct mg_dispatch_facts *facts = &destination->facts;
    const char *code = NULL, *reason = NULL;
    switch (destination->state) {
    case MG_DESTINATION_PAUSED:
        code = "destination.paused";
        reason = "The configuration pauses it; what waits is kept.";
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
    set(value, "code", text_or_null(code));
    set(value, "reason", text_or_null(reason));
}

static json_t *blocking_value(const struct mg_dispatch_facts *facts)
{
    static const struct mg_id none;
    char id[MG_ID_TEXT_SIZE];
    if (!facts->blocked || memcmp(&facts->blocking, &none, sizeof none) == 0)
        return json_null();
    mg_id_text(&facts->blocking, id);
    return json_string(id);
}

static json_t *destination_value(const struct mg_overview_destination *destination, int64_t now)
{
    const struct mg_dispatch_facts *facts = &destination->facts;
    json_t *value = must(json_object());
    set(value, "name", text_value(facts->name));
    set(value, "adapter", text_or_null(facts->instance.adapter));
    set(value, "state", json_string(mg_destination_state_words[destination->state]));
    set_reason(value, destination);
    set(value, "blocking_message", blocking_value(facts));
    set(value, "collected", json_boolean(facts->collected));
    set(value, "ordered", json_boolean(facts->ordered));
    set(value, "concurrency", json_integer(facts->concurrency));
    set(value, "queue", queue_value(&destination->queue, now));
    set(value, "breaker", breaker_value(facts));
    set(value, "next_attempt", time_value(facts->next_attempt));
    set(value, "last_success", time_value(facts->last_success));
    set(value, "last_error", last_error_value(facts));
    set(value, "deliveries", counts_value(&facts->counts));
    return value;
}

static const char *instance_state(const struct mg_host_facts *facts)
{
    if (facts->retiring)
        return "retiring";
    return facts->down ? "down" : "ready";
}

/* Of an adapter that runs inside the gateway: null. */
static json_t *process_value(const struct mg_host_facts *facts)
{
    if (!facts->is_process)
        return json_null();
    json_t *value = must(json_object());
    const char *state = facts->starting ? "starting" : facts->pid > 0 ? "running" : "none";
    set(value, "state", json_string(state));
    set(value, "pid", facts->pid > 0 ? json_integer(facts->pid) : json_null());
    set(value, "restarts", json_integer(facts->restarts));
    return value;
}

static json_t *instance_value(const struct mg_host_facts *facts)
{
    json_t *value = must(json_object());
    set(value, "name", text_value(facts->name));
    set(value, "kind", json_string(facts->is_source ? "source" : "destination"));
    set(value, "isolation", json_string(facts->is_process ? "process" : "none"));
    set(value, "state", json_string(instance_state(facts)));
    set(value, "code", text_or_null(facts->code));
    set(value, "reason", text_or_null(facts->text));
    set(value, "process", process_value(facts));
    return value;
}

static json_t *source_value(const struct mg_host_facts *facts)
{
    json_t *value = must(json_object());
    set(value, "name", text_value(facts->name));
    set(value, "adapter", text_value(facts->adapter));
    set(value, "state", json_string(instance_state(facts)));
    set(value, "code", text_or_null(facts->code));
    set(value, "reason", text_or_null(facts->text));
    return value;
}

/* ---- the lists ---- */

static json_t *destinations_value(const struct mg_overview *overview)
{
    json_t *list = must(json_array());
    for (size_t i = 0; i < overview->destination_count; i++)
        append(list, destination_value(&overview->destinations[i], overview->now));
    return list;
}

static json_t *sources_value(const struct mg_overview *overview)
{
    json_t *list = must(json_array());
    for (size_t i = 0; i < overview->instance_count; i++)
        if (overview->instances[i].is_source && !overview->instances[i].retiring)
            append(list, source_value(&overview->instances[i]));
    return list;
}

/* The instances stand in the order of their adapters. */
static json_t *adapters_value(const struct mg_overview *overview)
{
    json_t *list = must(json_array()), *instances = NULL;
    for (size_t i = 0; i < overview->instance_count; i++) {
        const struct mg_host_facts *facts = &overview->instances[i];
        if (i == 0 || strcmp(facts->adapter, overview->instances[i - 1].adapter) != 0) {
            json_t *adapter = must(json_object());
            set(adapter, "name", text_value(facts->adapter));
            set(adapter, "version", text_or_null(facts->version));
            set(adapter, "abi", json_integer(facts->abi));
            instances = must(json_array());
            set(adapter, "instances", instances);
            append(list, adapter);
        }
        append(instances, instance_value(facts));
    }
    return list;
}

static int add_piece(const char *bytes, size_t length, void *context)
{
    return mg_buffer_add(context, bytes, length) ? 0 : -1;
}

void mg_status_write(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    json_t *status = must(json_object());
    set(status, "name", text_value(overview->name));
    set(status, "version", text_value(overview->version));
    set(status, "time", time_value(overview->now));
    set(status, "started", time_value(overview->started));
    set(status, "uptime_seconds", age_value(overview->started, overview->now));
    set(status, "stopping", json_boolean(overview->stopping));
    set(status, "configuration", configuration_value(overview));
    set(status, "store", store_value(&overview->store));
    set(status, "destinations", destinations_value(overview));
    set(status, "sources", sources_value(overview));
    set(status, "adapters", adapters_value(overview));
    if (json_dump_callback(status, add_piece, buffer, JSON_COMPACT | JSON_REAL_PRECISION(12)) != 0)
        mg_die("the status cannot be written");
    mg_buffer_add_text(buffer, "\n");
    json_decref(status);
}
