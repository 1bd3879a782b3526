/* Opens instances, applies configurations to them, and closes what is no longer wanted. */
#include "gateway/dispatch/host.h"

#include "config.h"
#include "gateway/base/log.h"
#include "gateway/dispatch/instance.h"
#include "gateway/dispatch/parameters.h"
#include "gateway/isolation/remote.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Milliseconds before a source that could not be opened is tried again. */
#define OPEN_PAUSE 30000
/* Milliseconds that the process of a retired instance has beyond its longest delivery. */
#define RETIRE_TIME 10000
/* A document's canonical form may be longer than the body that brought it; with it goes its seal.
 */
#define CONTENT_GROWTH  2
#define CONTENT_RESERVE (1024U * 1024)

/* ---- one instance ---- */

static void set_down(struct mg_instance *instance, const char *code, const char *text)
{
    instance->down = true;
    snprintf(instance->down_code, sizeof instance->down_code, "%.47s", code);
    snprintf(instance->down_text, sizeof instance->down_text, "%.255s", text);
}

static void set_ready(struct mg_instance *instance)
{
    instance->down = false;
    instance->down_code[0] = instance->down_text[0] = '\0';
}

static struct mg_instance *make_instance(struct mg_host *host, struct mg_config *config,
                                         struct mg_catalogue *catalogue, const struct mg_end *end)
{
    struct mg_instance *instance = mg_allocate_zeroed(1, sizeof *instance);
    instance->host = host;
    instance->catalogue = mg_catalogue_hold(catalogue);
    instance->adapter = mg_catalogue_find(catalogue, end);
    assert(instance->adapter); /* a configuration with problems is not applied */
    instance->config = mg_config_hold(config);
    instance->end = *end;
    instance->name = mg_copy_text(end->name);
    instance->partner = end->partner ? mg_copy_text(end->partner->name) : NULL;
    instance->prefix = end->listener ? mg_parameters_prefix(instance->adapter, end) : NULL;
    instance->fresh = true;
    mg_instance_resolve_parameters(instance);
    set_down(instance, "adapter.closed", "It is not open yet.");
    const struct mg_error *absence = mg_catalogue_absence(catalogue, end);
    instance->absent = absence != NULL;
    if (absence)
        set_down(instance, absence->code, absence->text);
    return instance;
}

static void free_instance(struct mg_instance *instance)
{
    if (instance->state)
        instance->adapter->close(instance->state);
    mg_instance_end_calls(instance);
    mg_instance_end_routes(instance);
    mg_services_end(&instance->services);
    mg_instance_end_box(instance);
    for (size_t i = 0; i < instance->adapter->parameter_count; i++)
        free(instance->values[i]);
    free(instance->values);
    free(instance->prefix);
    free(instance->partner);
    free(instance->name);
    mg_config_release(instance->config);
    mg_catalogue_release(instance->catalogue);
    free(instance);
}

/* An adapter in a process of its own opens at once, and is down until the process is ready. */
static void *open_process(struct mg_instance *instance, const char *path,
                          const struct mg_instance_facts *facts)
{
    const struct mg_config_destination *destination = instance->end.destination;
    const struct mg_remote_options options = {
        .base = instance->host->options.base,
        .children = instance->host->children,
        .process = mg_catalogue_spec(path, instance->end.process),
        .description = instance->adapter,
        .longest_delivery = destination ? destination->timeout : 0,
        .content = instance->config->limits.message * CONTENT_GROWTH + CONTENT_RESERVE,
    };
    return mg_remote_open(&options, &instance->host->gateway, instance, facts);
}

static bool open_instance(struct mg_instance *instance, struct mg_error *error)
{
    const struct mg_instance_facts facts = {
        .size = sizeof facts,
        .name = instance->name,
        .is_source = instance->end.source != NULL,
        .is_destination = instance->end.destination != NULL,
        .prefix = instance->prefix,
        .partner = instance->partner,
    };
    mg_fail(&instance->error, "adapter.open", "the adapter gave no reason");
    set_ready(instance);
    const char *process = mg_catalogue_process(instance->catalogue, &instance->end);
    instance->is_process = process != NULL;
    instance->state = process ? open_process(instance, process, &facts)
                              : instance->adapter->open(&instance->host->gateway, instance, &facts);
    if (instance->state)
        return true;
    mg_instance_end_calls(instance);
    mg_instance_end_routes(instance);
    mg_services_end(&instance->services);
    set_down(instance, instance->error.code, instance->error.text);
    mg_fail(error, instance->error.code, "%s cannot be opened: %s", facts.name,
            instance->error.text);
    mg_error_at(error, "%s:%d", instance->end.place.file, instance->end.place.line);
    return false;
}

static bool is_idle(const struct mg_instance *instance)
{
    return instance->working + instance->deliveries + instance->submissions + instance->exchanges ==
           0;
}

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
    free_instance(instance);
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
    if (instance->retiring && is_idle(instance))
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
        if (open_instance(instance, &error))
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
        if (host->instances[i]->retiring && is_idle(host->instances[i]))
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

/* A program that runs goes on even if it, asked a second time, does not say what it is. */
static bool serves_still(const struct mg_instance *instance, const struct mg_catalogue *catalogue,
                         const struct mg_end *end)
{
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
                             serves_still(instance, catalogue, &end);
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
        struct mg_instance *instance = make_instance(host, config, catalogue, &end);
        add_instance(host, instance);
        if (instance->absent && !may_be_absent(host, old, instance, error))
            return false;
        if (!instance->absent && !has_to_wait(host, instance) && !open_instance(instance, error))
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
}

static void say_state(struct mg_instance *instance, enum mg_state state, const char *code,
                      const char *text)
{
    bool was_down = instance->down;
    if (state == MG_STATE_DOWN) {
        bool news = !was_down || strcmp(instance->down_code, code ? code : "") != 0;
        set_down(instance, code ? code : "adapter.down", text ? text : "The adapter says so.");
        if (news)
            mg_log(MG_LOG_WARNING, "instance.down", "instance", instance->name, "code",
                   instance->down_code, "reason", instance->down_text, NULL);
        return;
    }
    set_ready(instance);
    if (!was_down)
        return;
    mg_log(MG_LOG_NOTICE, "instance.ready", "instance", instance->name, NULL);
    if (instance->end.destination && instance->host->options.ready)
        instance->host->options.ready(instance->name, instance->host->options.context);
}

struct mg_host *mg_host_new(const struct mg_host_options *options)
{
    struct mg_host *host = mg_allocate_zeroed(1, sizeof *host);
    host->options = *options;
    host->sweep = evtimer_new(options->base, sweep, host);
    host->children = mg_children_new(options->base);
    offer(&host->gateway);
    host->gateway.state = say_state;
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
        free_instance(host->instances[--host->instance_count]);
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

void mg_instance_tell(const struct mg_instance *instance, struct mg_host_facts *facts)
{
    *facts = (struct mg_host_facts){
        .name = instance->name,
        .adapter = instance->adapter->name,
        .version = instance->adapter->version,
        .abi = instance->adapter->abi,
        .is_source = instance->end.source != NULL,
        .retiring = instance->retiring,
        .down = instance->down,
        .code = instance->down_code,
        .text = instance->down_text,
        .is_process = instance->is_process,
    };
    if (instance->is_process && instance->state) {
        struct mg_remote_state state;
        mg_remote_state(instance->state, &state);
        facts->starting = state.phase == MG_REMOTE_STARTING;
        facts->restarts = state.restarts;
        facts->pid = state.pid;
    }
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

bool mg_host_is_ready(const struct mg_instance *instance)
{
    return instance->state && !instance->down;
}

/* ---- deliveries ---- */

void mg_host_begin_delivery(struct mg_instance *instance)
{
    instance->deliveries++;
}

void mg_host_end_delivery(struct mg_instance *instance)
{
    instance->deliveries--;
    mg_instance_ended(instance);
}

void mg_host_deliver(struct mg_instance *instance, struct mg_delivery *delivery)
{
    instance->adapter->deliver(instance->state, delivery);
}

void mg_host_cancel(struct mg_instance *instance, struct mg_delivery *delivery)
{
    if (instance->adapter->cancel)
        instance->adapter->cancel(instance->state, delivery);
}
