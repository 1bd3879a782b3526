/* All instances: applies configurations to them, and closes what is no longer wanted. */
#include "gateway/dispatch/host.h"

#include "config.h"
#include "gateway/base/log.h"
#include "gateway/dispatch/instance.h"
#include "gateway/isolation/children.h"
#include "gateway/isolation/remote.h"

#include <stdlib.h>
#include <string.h>

/* Milliseconds before a source that could not be opened is tried again. */
#define OPEN_PAUSE 30000
/* Milliseconds that the process of a retired instance has beyond its longest delivery. */
#define RETIRE_TIME 10000

/* ---- all instances ---- */

static void add_instance(struct mg_host *host, struct mg_instance *instance)
{
    host->instances =
        mg_reallocate(host->instances, (host->instance_count + 1) * sizeof *host->instances);
    host->instances[host->instance_count++] = instance;
}

static void remove_instance(struct mg_host *host, size_t index)
{
    struct mg_instance *instance = host->instances[index];
    host->instance_count--;
    memmove(&host->instances[index], &host->instances[index + 1],
            (host->instance_count - index) * sizeof(struct mg_instance *));
    mg_instance_free(instance);
}

static bool is_bringer(const struct mg_end *end)
{
    return end->source && !end->listener;
}

/* Two sources of one adapter might look into the same folder: the new one waits for the old one. */
static bool has_to_wait(const struct mg_host *host, const struct mg_instance *instance)
{
    for (size_t i = 0; i < host->instance_count && is_bringer(&instance->end); i++) {
        const struct mg_instance *other = host->instances[i];
        bool ends = other->retiring || !(other->fresh || other->kept);
        if (ends && other->state && is_bringer(&other->end) &&
            strcmp(other->adapter->name, instance->adapter->name) == 0)
            return true;
    }
    return false;
}

/* ---- closing what is retired ---- */

static void start_sweep(struct mg_host *host, int64_t milliseconds)
{
    struct timeval after = {milliseconds / 1000, milliseconds % 1000 * 1000};
    evtimer_add(host->sweep, &after);
}

void mg_instance_ended(struct mg_instance *instance)
{
    /* Later, since the adapter itself may be below us on the stack. */
    if (instance->retiring && mg_instance_is_idle(instance))
        start_sweep(instance->host, 0);
}

static void let_go(void *context)
{
    struct mg_instance *instance = context;
    mg_remote_let_go(instance->state);
}

/* What a program has begun it may never end: then it is ended when its deliveries have had their
 * time, so that no reload waits for it for ever. */
static void retire(struct mg_instance *instance)
{
    const struct mg_config_destination *destination = instance->end.destination;
    instance->retiring = true;
    mg_instance_end_routes(instance);
    if (instance->is_process && instance->state)
        instance->host->gateway.timer(
            instance, RETIRE_TIME + (destination ? destination->timeout : 0), let_go, instance);
    mg_log(MG_LOG_NOTICE, "instance.retired", "instance", instance->name, "adapter",
           instance->adapter->name, NULL);
    mg_instance_ended(instance);
}

/* Sources that waited for others, or could not be opened when it was their turn. */
static void open_waiting(struct mg_host *host)
{
    for (size_t i = 0; i < host->instance_count; i++) {
        struct mg_instance *instance = host->instances[i];
        struct mg_error error;
        if (instance->state || instance->absent || instance->retiring ||
            has_to_wait(host, instance))
            continue;
        if (mg_instance_open(instance, &error))
            continue;
        mg_log(MG_LOG_ERROR, "instance.not-opened", "instance", instance->name, "code", error.code,
               "place", error.place, "reason", error.text, NULL);
        start_sweep(host, OPEN_PAUSE);
    }
}

static void sweep(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct mg_host *host = context;
    for (size_t i = host->instance_count; i-- > 0;)
        if (host->instances[i]->retiring && mg_instance_is_idle(host->instances[i]))
            remove_instance(host, i);
    open_waiting(host);
}

/* ---- applying a configuration ---- */

static struct mg_instance *find_instance(const struct mg_host *host, const struct mg_end *end)
{
    for (size_t i = 0; i < host->instance_count; i++) {
        struct mg_instance *instance = host->instances[i];
        if (!instance->retiring && !instance->fresh && mg_end_is_named_like(&instance->end, end))
            return instance;
    }
    return NULL;
}

/* A program that runs goes on even if it, asked a second time, does not say what it is. It was told
 * how large a message may be, and cannot be told anew. */
static bool serves_still(const struct mg_instance *instance, const struct mg_config *config,
                         const struct mg_catalogue *catalogue, const struct mg_end *end)
{
    if (instance->is_process && instance->config->limits.message != config->limits.message)
        return false;
    return !instance->absent && (mg_catalogue_is_same(instance->catalogue, catalogue, end) ||
                                 mg_catalogue_absence(catalogue, end));
}

static void mark_kept(struct mg_host *host, const struct mg_config *config,
                      const struct mg_catalogue *catalogue)
{
    for (size_t i = 0; i < host->instance_count; i++)
        host->instances[i]->kept = host->instances[i]->fresh = false;
    for (size_t i = 0; i < mg_end_count(config); i++) {
        const struct mg_end end = mg_end_at(config, i);
        struct mg_instance *instance = find_instance(host, &end);
        if (instance)
            instance->kept = mg_end_is_served_like(&instance->end, &end) &&
                             serves_still(instance, config, catalogue, &end);
    }
}

/* What is absent at the start waits for somebody to mend it; a reload may leave that so, but must
 * not bring it about. */
static bool may_be_absent(const struct mg_host *host, const struct mg_instance *old,
                          const struct mg_instance *instance, struct mg_error *error)
{
    const struct mg_error *absence = mg_catalogue_absence(instance->catalogue, &instance->end);
    if (!host->config || (old && old->absent))
        return true;
    *error = *absence;
    mg_error_at(error, "%s:%d", instance->end.place.file, instance->end.place.line);
    return false;
}

static bool open_fresh(struct mg_host *host, struct mg_config *config,
                       struct mg_catalogue *catalogue, struct mg_error *error)
{
    for (size_t i = 0; i < mg_end_count(config); i++) {
        const struct mg_end end = mg_end_at(config, i);
        const struct mg_instance *old = find_instance(host, &end);
        if (old && old->kept)
            continue;
        struct mg_instance *instance = mg_instance_new(host, config, catalogue, &end);
        add_instance(host, instance);
        if (instance->absent && !may_be_absent(host, old, instance, error))
            return false;
        if (!instance->absent && !has_to_wait(host, instance) && !mg_instance_open(instance, error))
            return false;
    }
    return true;
}

static void take_back_fresh(struct mg_host *host)
{
    for (size_t i = host->instance_count; i-- > 0;)
        if (host->instances[i]->fresh)
            remove_instance(host, i);
}

/* A destination's instance goes on with the values of the new configuration. */
static void exchange_config(struct mg_instance *instance, struct mg_config *config)
{
    for (size_t i = 0; i < mg_end_count(config); i++) {
        const struct mg_end end = mg_end_at(config, i);
        if (!mg_end_is_named_like(&instance->end, &end))
            continue;
        mg_config_hold(config);
        mg_config_release(instance->config);
        instance->config = config;
        instance->end = end;
        return;
    }
}

bool mg_host_apply(struct mg_host *host, struct mg_config *config, struct mg_catalogue *catalogue,
                   struct mg_error *error)
{
    mark_kept(host, config, catalogue);
    if (!open_fresh(host, config, catalogue, error)) {
        take_back_fresh(host);
        return false;
    }
    for (size_t i = 0; i < host->instance_count; i++) {
        struct mg_instance *instance = host->instances[i];
        if (instance->kept)
            exchange_config(instance, config);
        else if (!instance->fresh && !instance->retiring)
            retire(instance);
        instance->fresh = false;
    }
    mg_config_hold(config);
    mg_config_release(host->config);
    host->config = config;
    return true;
}

/* ---- life ---- */

static void offer(struct mg_gateway *gateway)
{
    *gateway = (struct mg_gateway){
        .size = sizeof *gateway,
        .abi = MG_ADAPTER_ABI,
        .version = PACKAGE_VERSION,
    };
    mg_host_offer_parameters(gateway);
    mg_host_offer_services(gateway);
    mg_host_offer_counters(gateway);
    mg_host_offer_http_in(gateway);
    mg_host_offer_http_out(gateway);
    mg_host_offer_submission(gateway);
    mg_host_offer_delivery(gateway);
    mg_host_offer_box(gateway);
    mg_host_offer_state(gateway);
}

struct mg_host *mg_host_new(const struct mg_host_options *options)
{
    struct mg_host *host = mg_allocate_zeroed(1, sizeof *host);
    host->options = *options;
    host->sweep = evtimer_new(options->base, sweep, host);
    host->children = mg_children_new(options->base);
    offer(&host->gateway);
    return host;
}

static size_t working(const struct mg_host *host)
{
    size_t count = 0;
    for (size_t i = 0; i < host->instance_count; i++)
        count += host->instances[i]->working;
    return count;
}

void mg_host_free(struct mg_host *host)
{
    if (!host)
        return;
    host->closing = true;
    while (working(host) > 0)
        mg_handoff_wait(host->options.handoff, -1);
    /* Sources were opened last and close first, so that nothing comes in for a closed destination.
     */
    while (host->instance_count > 0)
        mg_instance_free(host->instances[--host->instance_count]);
    free(host->instances);
    mg_children_free(host->children);
    mg_host_end_counters(host);
    event_free(host->sweep);
    mg_config_release(host->config);
    free(host);
}

/* ---- questions ---- */

struct mg_instance *mg_host_destination(struct mg_host *host, const char *name)
{
    for (size_t i = 0; i < host->instance_count; i++) {
        struct mg_instance *instance = host->instances[i];
        if (!instance->retiring && instance->end.destination && strcmp(instance->name, name) == 0)
            return instance;
    }
    return NULL;
}

bool mg_host_facts(const struct mg_host *host, size_t number, struct mg_host_facts *facts)
{
    if (number >= host->instance_count)
        return false;
    mg_instance_tell(host->instances[number], facts);
    return true;
}

void mg_host_let_go(struct mg_host *host)
{
    for (size_t i = 0; i < host->instance_count; i++)
        if (host->instances[i]->is_process && host->instances[i]->state)
            let_go(host->instances[i]);
}

size_t mg_host_underway(const struct mg_host *host)
{
    size_t count = working(host);
    for (size_t i = 0; i < host->instance_count; i++)
        count += host->instances[i]->exchanges;
    return count;
}
