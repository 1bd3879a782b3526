/* One instance: opens and closes it, and knows whether it is ready. */
#include "gateway/dispatch/instance.h"

#include "gateway/base/log.h"
#include "gateway/dispatch/parameters.h"
#include "gateway/isolation/remote.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A document's canonical form may be longer than the body that brought it; with it goes its seal.
 */
#define CONTENT_GROWTH  2
#define CONTENT_RESERVE (1024U * 1024)

/* ---- its state ---- */

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

void mg_host_offer_state(struct mg_gateway *gateway)
{
    gateway->state = say_state;
}

bool mg_host_is_ready(const struct mg_instance *instance)
{
    return instance->state && !instance->down;
}

bool mg_instance_is_idle(const struct mg_instance *instance)
{
    return instance->working + instance->deliveries + instance->submissions + instance->exchanges ==
           0;
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
        facts->restarted = state.restarted;
        facts->pid = state.pid;
    }
}

/* ---- life ---- */

struct mg_instance *mg_instance_new(struct mg_host *host, struct mg_config *config,
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

void mg_instance_free(struct mg_instance *instance)
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

bool mg_instance_open(struct mg_instance *instance, struct mg_error *error)
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
