/* Counters of adapters. They belong to the host and outlive their instances: what an instance
 * counts after a reload goes on where the one before it stopped. */
#include "gateway/base/log.h"
#include "gateway/dispatch/instance.h"

#include <stdlib.h>
#include <string.h>

/* Counters of one instance: enough for any adapter, and a bound for one that goes mad. */
#define COUNTERS_LIMIT 64
#define NAME_LIMIT     64

struct mg_counter {
    struct mg_counter *next;
    char *adapter;
    char *instance;
    bool is_source; /* a source and a destination may have the same name */
    char *name;
    char *help;
    int64_t value;
};

/* What is counted under a name that is none, or beyond the limit. */
static struct mg_counter nowhere;

static bool is_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return length > 0 && length <= NAME_LIMIT && name[length] == '\0' &&
           (name[0] < '0' || name[0] > '9');
}

static struct mg_counter *make_counter(struct mg_instance *instance, const char *name,
                                       const char *help)
{
    struct mg_host *host = instance->host;
    size_t count = 0;
    for (struct mg_counter *counter = host->counters; counter; counter = counter->next) {
        if (counter->is_source != (instance->end.source != NULL) ||
            strcmp(counter->instance, instance->name) != 0 ||
            strcmp(counter->adapter, instance->adapter->name) != 0)
            continue;
        if (strcmp(counter->name, name) == 0)
            return counter;
        count++;
    }
    if (!is_name(name) || count >= COUNTERS_LIMIT) {
        mg_log(MG_LOG_WARNING, "adapter.not-counted", "instance", instance->name, "counter", name,
               "reason",
               "the name is not made of small letters, digits and _, or there are too many", NULL);
        return &nowhere;
    }
    struct mg_counter *counter = mg_allocate_zeroed(1, sizeof *counter);
    *counter = (struct mg_counter){
        .next = host->counters,
        .adapter = mg_copy_text(instance->adapter->name),
        .instance = mg_copy_text(instance->name),
        .is_source = instance->end.source != NULL,
        .name = mg_copy_text(name),
        .help = mg_copy_text(help ? help : ""),
    };
    return host->counters = counter;
}

static void add_to_counter(struct mg_counter *counter, int64_t number)
{
    if (number > 0)
        counter->value = number < INT64_MAX - counter->value ? counter->value + number : INT64_MAX;
}

void mg_host_each_counter(const struct mg_host *host,
                          void (*see)(const struct mg_host_counter *counter, void *context),
                          void *context)
{
    for (const struct mg_counter *counter = host->counters; counter; counter = counter->next) {
        const struct mg_host_counter facts = {
            .adapter = counter->adapter,
            .instance = counter->instance,
            .is_source = counter->is_source,
            .name = counter->name,
            .help = counter->help,
            .value = counter->value,
        };
        see(&facts, context);
    }
}

void mg_host_end_counters(struct mg_host *host)
{
    for (struct mg_counter *counter = host->counters, *next; counter; counter = next) {
        next = counter->next;
        mg_log(MG_LOG_INFO, "adapter.counted", "instance", counter->instance, "counter",
               counter->name, "value", MG_LOG_NUMBER(counter->value), NULL);
        free(counter->help);
        free(counter->name);
        free(counter->instance);
        free(counter->adapter);
        free(counter);
    }
    host->counters = NULL;
}

void mg_host_offer_counters(struct mg_gateway *gateway)
{
    gateway->counter = make_counter;
    gateway->counter_add = add_to_counter;
}
