/* Loads adapters and opens their instances. */
#include "gateway/dispatch/host.h"

#include "config.h"
#include "gateway/base/log.h"
#include "gateway/dispatch/instance.h"
#include "gateway/dispatch/parameters.h"

#include <assert.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A shared object that was loaded once for all its instances. */
struct loaded {
    struct loaded *next;
    void *object;
    const struct mg_adapter *adapter;
};

/* ---- loading ---- */

static bool check_adapter(const struct mg_adapter *adapter, const char *name,
                          struct mg_error *error)
{
    if (!adapter || adapter->abi < 1 || adapter->abi > MG_ADAPTER_ABI)
        return mg_fail(error, "adapter.version",
                       "the adapter %s does not work with version %d of the adapter interface",
                       name, MG_ADAPTER_ABI);
    if (adapter->size < sizeof *adapter || !adapter->open || !adapter->close || !adapter->name ||
        strcmp(adapter->name, name) != 0)
        return mg_fail(
            error, "adapter.malformed",
            "the shared object of the adapter %s does not describe an adapter of that name", name);
    return true;
}

static struct loaded *load(struct loaded **list, const struct mg_config *config, const char *name,
                           struct mg_error *error)
{
    for (struct loaded *loaded = *list; loaded; loaded = loaded->next)
        if (strcmp(loaded->adapter->name, name) == 0)
            return loaded;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.so", config->adapters, name);
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        mg_fail(error, "adapter.not-found", "the adapter %s cannot be loaded: %s", name, dlerror());
        return NULL;
    }
    mg_adapter_entry_function entry;
    /* POSIX promises that a function's address fits (dlsym, application usage); ISO C does not. */
    *(void **)&entry = dlsym(object, "mg_adapter_entry");
    const struct mg_adapter *adapter = entry ? entry(MG_ADAPTER_ABI) : NULL;
    if (!check_adapter(adapter, name, error)) {
        dlclose(object);
        return NULL;
    }
    struct loaded *loaded = mg_allocate_zeroed(1, sizeof *loaded);
    *loaded = (struct loaded){.next = *list, .object = object, .adapter = adapter};
    return *list = loaded;
}

static void unload_all(struct loaded *list)
{
    for (struct loaded *next; list; list = next) {
        next = list->next;
        dlclose(list->object);
        free(list);
    }
}

/* ---- checking ---- */

static void check_source(struct loaded **list, const struct mg_config *config,
                         const struct mg_config_source *source, struct mg_config_problems *problems)
{
    struct mg_error error;
    const struct loaded *loaded = load(list, config, source->adapter, &error);
    if (!loaded) {
        mg_config_problem(problems, &source->place, false, "%s", error.text);
        return;
    }
    const struct mg_adapter *adapter = loaded->adapter;
    if (!(adapter->abilities & MG_CAN_BRING))
        mg_config_problem(problems, &source->place, false,
                          "the adapter %s can be no source of messages", adapter->name);
    bool serves = adapter->abilities & MG_NEEDS_LISTENER;
    if (serves && !source->listener)
        mg_config_problem(problems, &source->place, false,
                          "the adapter %s needs the attribute listener", adapter->name);
    if (!serves && source->listener)
        mg_config_problem(problems, &source->place, false,
                          "the adapter %s has no use for a listener", adapter->name);
    if (!serves && !source->partner)
        mg_config_problem(problems, &source->place, false,
                          "nothing says whose messages come in by the source %s; add the attribute "
                          "partner",
                          source->name);
    mg_parameters_check(adapter, true, &source->place, source->parameters, source->parameter_count,
                        problems);
}

static void check_destination(struct loaded **list, const struct mg_config *config,
                              const struct mg_config_destination *destination,
                              struct mg_config_problems *problems)
{
    struct mg_error error;
    const struct loaded *loaded = load(list, config, destination->adapter, &error);
    if (!loaded) {
        mg_config_problem(problems, &destination->place, false, "%s", error.text);
        return;
    }
    if (!(loaded->adapter->abilities & MG_CAN_TAKE) || !loaded->adapter->deliver)
        mg_config_problem(problems, &destination->place, false,
                          "the adapter %s can be no destination", loaded->adapter->name);
    mg_parameters_check(loaded->adapter, false, &destination->place, destination->parameters,
                        destination->parameter_count, problems);
}

void mg_host_check(const struct mg_config *config, struct mg_config_problems *problems)
{
    struct loaded *list = NULL;
    for (size_t i = 0; i < config->source_count; i++)
        check_source(&list, config, &config->sources[i], problems);
    for (size_t i = 0; i < config->destination_count; i++)
        check_destination(&list, config, &config->destinations[i], problems);
    unload_all(list);
}

/* ---- instances ---- */

const char *mg_instance_name(const struct mg_instance *instance)
{
    return instance->source ? instance->source->name : instance->destination->name;
}

static void free_instance(struct mg_instance *instance)
{
    if (instance->state)
        instance->adapter->close(instance->state);
    mg_instance_end_calls(instance);
    mg_instance_end_routes(instance);
    mg_instance_end_services(instance);
    for (size_t i = 0; i < instance->adapter->parameter_count; i++)
        free(instance->paths[i]);
    free(instance->paths);
    free(instance);
}

static bool open_instance(struct mg_host *host, const struct mg_instance *values,
                          const char *adapter, struct mg_error *error)
{
    const struct loaded *loaded = load(&host->loaded, host->options.config, adapter, error);
    if (!loaded)
        return false;
    struct mg_instance *instance = mg_allocate_zeroed(1, sizeof *instance);
    *instance = *values;
    instance->host = host;
    instance->adapter = loaded->adapter;
    mg_instance_resolve_paths(instance);
    host->instances[host->instance_count++] = instance;
    const struct mg_instance_facts facts = {
        .size = sizeof facts,
        .name = mg_instance_name(instance),
        .is_source = instance->source != NULL,
        .is_destination = instance->destination != NULL,
    };
    mg_fail(&instance->error, "adapter.open", "the adapter gave no reason");
    instance->state = instance->adapter->open(&host->gateway, instance, &facts);
    if (instance->state)
        return true;
    mg_fail(error, instance->error.code, "%s cannot be opened: %s", facts.name,
            instance->error.text);
    mg_error_at(error, "%s:%d", instance->place.file, instance->place.line);
    return false;
}

static bool open_instances(struct mg_host *host, struct mg_error *error)
{
    const struct mg_config *config = host->options.config;
    for (size_t i = 0; i < config->destination_count; i++) {
        const struct mg_config_destination *destination = &config->destinations[i];
        const struct mg_instance values = {
            .destination = destination,
            .place = destination->place,
            .parameters = destination->parameters,
            .parameter_count = destination->parameter_count,
        };
        if (!open_instance(host, &values, destination->adapter, error))
            return false;
    }
    for (size_t i = 0; i < config->source_count; i++) {
        const struct mg_config_source *source = &config->sources[i];
        const struct mg_instance values = {
            .source = source,
            .place = source->place,
            .parameters = source->parameters,
            .parameter_count = source->parameter_count,
        };
        if (!open_instance(host, &values, source->adapter, error))
            return false;
    }
    return true;
}

static void offer(struct mg_gateway *gateway)
{
    *gateway = (struct mg_gateway){
        .size = sizeof *gateway,
        .abi = MG_ADAPTER_ABI,
        .version = PACKAGE_VERSION,
    };
    mg_host_offer_parameters(gateway);
    mg_host_offer_services(gateway);
    mg_host_offer_http_in(gateway);
    mg_host_offer_http_out(gateway);
    mg_host_offer_submission(gateway);
    mg_host_offer_delivery(gateway);
}

struct mg_host *mg_host_new(const struct mg_host_options *options, struct mg_error *error)
{
    struct mg_host *host = mg_allocate_zeroed(1, sizeof *host);
    host->options = *options;
    const struct mg_config *config = mg_config_hold(options->config);
    host->client = options->client;
    host->instances = mg_allocate_zeroed(config->source_count + config->destination_count,
                                         sizeof *host->instances);
    offer(&host->gateway);
    if (!open_instances(host, error)) {
        mg_host_free(host);
        return NULL;
    }
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
    unload_all(host->loaded);
    mg_config_release(host->options.config);
    free(host);
}

struct mg_instance *mg_host_destination(struct mg_host *host, const char *name)
{
    for (size_t i = 0; i < host->instance_count; i++) {
        struct mg_instance *instance = host->instances[i];
        if (instance->destination && strcmp(instance->destination->name, name) == 0)
            return instance;
    }
    return NULL;
}

size_t mg_host_underway(const struct mg_host *host)
{
    return host->exchanges + working(host);
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
