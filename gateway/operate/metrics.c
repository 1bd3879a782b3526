#include "gateway/operate/metrics.h"

#include "gateway/operate/metrics_measures.h"
#include "gateway/operate/metrics_text.h"

#include <stdlib.h>
#include <string.h>

/* ---- the gateway ---- */

static void write_process(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    mg_metrics_begin(buffer, "muengsten_build_info", "gauge",
                     "The version of the gateway; always 1.");
    mg_metrics_number(buffer, "muengsten_build_info", MG_LABELS("version", overview->version), 1);
    mg_metrics_begin(buffer, "process_start_time_seconds", "gauge",
                     "When the gateway was started, in seconds since 1970.");
    mg_metrics_seconds(buffer, "process_start_time_seconds", MG_NO_LABELS, overview->started);
    mg_metrics_begin(buffer, "process_cpu_seconds_total", "counter",
                     "Processor time that the gateway has used, in seconds.");
    mg_metrics_seconds(buffer, "process_cpu_seconds_total", MG_NO_LABELS,
                       overview->process.processor);
    mg_metrics_begin(buffer, "process_resident_memory_bytes", "gauge",
                     "Memory of the gateway, in bytes.");
    mg_metrics_number(buffer, "process_resident_memory_bytes", MG_NO_LABELS,
                      overview->process.resident);
    mg_metrics_begin(buffer, "muengsten_stopping", "gauge",
                     "1 while the gateway takes nothing new and ends what it has begun.");
    mg_metrics_number(buffer, "muengsten_stopping", MG_NO_LABELS, overview->stopping);
}

static void write_configuration(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    const struct mg_overview_reloads *reloads = &overview->reloads;
    mg_metrics_begin(buffer, "muengsten_configuration_info", "gauge",
                     "SHA-256 of the configuration that is in force; always 1.");
    mg_metrics_number(buffer, "muengsten_configuration_info", MG_LABELS("hash", overview->hash), 1);
    mg_metrics_begin(buffer, "muengsten_configuration_loaded_timestamp_seconds", "gauge",
                     "When the configuration in force was read, in seconds since 1970.");
    mg_metrics_seconds(buffer, "muengsten_configuration_loaded_timestamp_seconds", MG_NO_LABELS,
                       overview->loaded);
    mg_metrics_begin(buffer, "muengsten_reloads_total", "counter",
                     "Configurations that were to be applied while the gateway runs.");
    mg_metrics_number(buffer, "muengsten_reloads_total", MG_LABELS("result", "applied"),
                      reloads->applied);
    mg_metrics_number(buffer, "muengsten_reloads_total", MG_LABELS("result", "refused"),
                      reloads->refused);
    mg_metrics_begin(buffer, "muengsten_configuration_refused", "gauge",
                     "1 if the last configuration that was to be applied had a mistake.");
    mg_metrics_number(buffer, "muengsten_configuration_refused", MG_NO_LABELS,
                      reloads->last_refused > 0);
}

static void write_store(const struct mg_overview_store *store, struct mg_buffer *buffer)
{
    mg_metrics_begin(buffer, "muengsten_store_messages", "gauge", "Messages that the store holds.");
    mg_metrics_number(buffer, "muengsten_store_messages", MG_NO_LABELS, store->messages);
    if (store->bytes >= 0) {
        mg_metrics_begin(buffer, "muengsten_store_size_bytes", "gauge",
                         "Database and spool on disk, in bytes, when they were measured last.");
        mg_metrics_number(buffer, "muengsten_store_size_bytes", MG_NO_LABELS, store->bytes);
    }
    mg_metrics_begin(
        buffer, "muengsten_store_accepts", "gauge",
        "1 while the store takes messages; 0 at its reserve of free space, or after a failure.");
    mg_metrics_number(buffer, "muengsten_store_accepts", MG_NO_LABELS, store->accepts);
    mg_metrics_begin(buffer, "muengsten_store_records", "gauge",
                     "1 while the store can record deliveries; 0 stops them.");
    mg_metrics_number(buffer, "muengsten_store_records", MG_NO_LABELS, store->records);
}

/* ---- destinations ---- */

static void write_queue_numbers(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const struct {
        const char *name;
        const char *help;
        size_t offset;
    } numbers[] = {
        {"muengsten_destination_waiting", "Deliveries that are not over, running ones included.",
         offsetof(struct mg_store_queue, waiting)},
        {"muengsten_destination_running", "Deliveries that are underway, or taken from a mailbox.",
         offsetof(struct mg_store_queue, running)},
        {"muengsten_destination_held",
         "Deliveries that are held since a restore, until an operator decides about them.",
         offsetof(struct mg_store_queue, held)},
        {"muengsten_destination_dead", "Deliveries that were given up and are still stored.",
         offsetof(struct mg_store_queue, dead)},
        {"muengsten_destination_waiting_bytes",
         "Content of the messages that wait for the destination, in bytes.",
         offsetof(struct mg_store_queue, bytes)},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        mg_metrics_begin(buffer, numbers[i].name, "gauge", numbers[i].help);
        for (size_t j = 0; j < overview->destination_count; j++) {
            const struct mg_overview_destination *destination = &overview->destinations[j];
            int64_t value;
            memcpy(&value, (const char *)&destination->queue + numbers[i].offset, sizeof value);
            mg_metrics_number(buffer, numbers[i].name,
                              MG_LABELS("destination", destination->facts.name), value);
        }
    }
}

/* An empty queue has no age, and counts as new. */
static void write_ages(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const char name[] = "muengsten_destination_oldest_age_seconds";
    mg_metrics_begin(
        buffer, name, "gauge",
        "Time since the oldest message that waits was accepted, in seconds; 0 if none waits.");
    for (size_t i = 0; i < overview->destination_count; i++) {
        const struct mg_overview_destination *destination = &overview->destinations[i];
        int64_t oldest = destination->queue.oldest;
        bool waits = oldest > 0 && oldest < overview->now;
        mg_metrics_seconds(buffer, name, MG_LABELS("destination", destination->facts.name),
                           waits ? overview->now - oldest : 0);
    }
}

static void write_states(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    mg_metrics_begin(buffer, "muengsten_destination_state", "gauge",
                     "1 for the state of the destination.");
    for (size_t i = 0; i < overview->destination_count; i++)
        for (int state = 0; state < MG_DESTINATION_STATES; state++)
            mg_metrics_number(buffer, "muengsten_destination_state",
                              MG_LABELS("destination", overview->destinations[i].facts.name,
                                        "state", mg_destination_state_words[state]),
                              overview->destinations[i].state == (enum mg_destination_state)state);
    mg_metrics_begin(
        buffer, "muengsten_destination_breaker_open", "gauge",
        "1 while the destination is left alone after failures, or one delivery tries it.");
    for (size_t i = 0; i < overview->destination_count; i++)
        mg_metrics_number(buffer, "muengsten_destination_breaker_open",
                          MG_LABELS("destination", overview->destinations[i].facts.name),
                          overview->destinations[i].facts.breaker != MG_BREAKER_CLOSED);
}

static void write_deliveries(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const char name[] = "muengsten_destination_deliveries_total";
    static const char last[] = "muengsten_destination_last_success_timestamp_seconds";
    mg_metrics_begin(
        buffer, name, "counter",
        "What was recorded of deliveries since the start; postponed ones are repeated.");
    for (size_t i = 0; i < overview->destination_count; i++) {
        const struct mg_dispatch_facts *facts = &overview->destinations[i].facts;
        const struct {
            const char *outcome;
            int64_t value;
        } counts[] = {
            {"delivered", facts->counts.delivered},
            {"collected", facts->counts.collected},
            {"postponed", facts->counts.postponed},
            {"dead", facts->counts.dead},
        };
        for (size_t j = 0; j < sizeof counts / sizeof *counts; j++)
            mg_metrics_number(buffer, name,
                              MG_LABELS("destination", facts->name, "outcome", counts[j].outcome),
                              counts[j].value);
    }
    mg_metrics_begin(
        buffer, last, "gauge",
        "When the destination last took a message, in seconds since 1970; 0 if not since the "
        "start.");
    for (size_t i = 0; i < overview->destination_count; i++) {
        const struct mg_dispatch_facts *facts = &overview->destinations[i].facts;
        mg_metrics_seconds(buffer, last, MG_LABELS("destination", facts->name),
                           facts->last_success);
    }
}

/* ---- adapters ---- */

static const char *end_label(bool is_source)
{
    return is_source ? "source" : "destination";
}

static void write_instances(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const char name[] = "muengsten_instance_up";
    mg_metrics_begin(
        buffer, name, "gauge",
        "1 while the adapter of the source or destination works, 0 while it says that it cannot.");
    for (size_t i = 0; i < overview->instance_count; i++) {
        const struct mg_host_facts *facts = &overview->instances[i];
        if (!facts->retiring)
            mg_metrics_number(
                buffer, name,
                MG_LABELS("adapter", facts->adapter, end_label(facts->is_source), facts->name),
                !facts->down);
    }
}

static void write_processes(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const char up[] = "muengsten_instance_process_up";
    static const char restarts[] = "muengsten_instance_process_restarts_total";
    mg_metrics_begin(buffer, up, "gauge",
                     "1 while the process of the source's or destination's adapter runs.");
    for (size_t i = 0; i < overview->instance_count; i++) {
        const struct mg_host_facts *facts = &overview->instances[i];
        if (facts->is_process && !facts->retiring)
            mg_metrics_number(
                buffer, up,
                MG_LABELS("adapter", facts->adapter, end_label(facts->is_source), facts->name),
                facts->pid > 0 && !facts->starting);
    }
    mg_metrics_begin(
        buffer, restarts, "counter",
        "How often the process of the source's or destination's adapter was started again.");
    for (size_t i = 0; i < overview->instance_count; i++) {
        const struct mg_host_facts *facts = &overview->instances[i];
        if (facts->is_process && !facts->retiring)
            mg_metrics_number(
                buffer, restarts,
                MG_LABELS("adapter", facts->adapter, end_label(facts->is_source), facts->name),
                facts->restarts);
    }
}

/* A counter of an adapter under its name in the metrics. */
struct named {
    char *name;
    const struct mg_host_counter *counter;
};

/* muengsten_adapter_NAME_COUNTER_total; what may not stand in a name becomes an underscore. */
static char *counter_name(const struct mg_host_counter *counter)
{
    struct mg_buffer name = {0};
    mg_buffer_print(&name, "muengsten_adapter_%s_%s", counter->adapter, counter->name);
    for (char *at = name.data; *at; at++)
        if (!((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9')))
            *at = '_';
    size_t end = strlen("_total");
    if (name.length < end || strcmp(name.data + name.length - end, "_total") != 0)
        mg_buffer_add_text(&name, "_total");
    return mg_buffer_take(&name);
}

static int series_order(const void *left, const void *right)
{
    const struct named *one = left, *other = right;
    int order = strcmp(one->name, other->name);
    if (order == 0)
        order = one->counter->is_source - other->counter->is_source;
    return order ? order : strcmp(one->counter->instance, other->counter->instance);
}

/* One series of those from first on that have the same name and label: adapters whose names differ
 * only in what becomes an underscore count together. Returns how many they are. */
static size_t write_counter(const struct named *first, size_t left, struct mg_buffer *buffer)
{
    int64_t value = 0;
    size_t count = 0;
    for (; count < left && series_order(first, &first[count]) == 0; count++)
        value += first[count].counter->value;
    mg_metrics_number(buffer, first->name,
                      MG_LABELS(end_label(first->counter->is_source), first->counter->instance),
                      value);
    return count;
}

static void write_counters(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    size_t count = overview->counter_count;
    struct named *named = mg_allocate_zeroed(count + 1, sizeof *named);
    for (size_t i = 0; i < count; i++)
        named[i] = (struct named){counter_name(&overview->counters[i]), &overview->counters[i]};
    qsort(named, count, sizeof *named, series_order);
    for (size_t i = 0; i < count;) {
        const char *help = named[i].counter->help;
        if (i == 0 || strcmp(named[i].name, named[i - 1].name) != 0)
            mg_metrics_begin(buffer, named[i].name, "counter",
                             help && *help ? help : "A counter of the adapter.");
        i += write_counter(&named[i], count - i, buffer);
    }
    for (size_t i = 0; i < count; i++)
        free(named[i].name);
    free(named);
}

void mg_metrics_write(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    write_process(overview, buffer);
    write_configuration(overview, buffer);
    write_store(&overview->store, buffer);
    mg_metrics_write_measures(overview, buffer);
    write_queue_numbers(overview, buffer);
    write_ages(overview, buffer);
    write_states(overview, buffer);
    write_deliveries(overview, buffer);
    write_instances(overview, buffer);
    write_processes(overview, buffer);
    write_counters(overview, buffer);
}
