/*
 * A new configuration takes effect while messages travel.
 *
 * It is read, and its adapters are looked at, on a background thread. Then, in one turn of the
 * loop, everything that can fail is tried first (listeners, identities, adapters); only when all of
 * it has succeeded does anything change. A configuration with a mistake changes nothing and says
 * why.
 */
#include "gateway/base/buffer.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/parts.h"

#include <stdlib.h>
#include <string.h>

struct reload {
    struct mg_job job; /* first */
    struct gateway *gateway;
    const char *path;
    struct mg_config *config;       /* NULL: it has mistakes */
    struct mg_catalogue *catalogue; /* NULL likewise */
    struct mg_config_problems problems;
};

/* ---- reading, in the background ---- */

static void read_configuration(struct mg_job *job)
{
    struct reload *reload = (struct reload *)job;
    reload->config = mg_config_load(reload->path, &reload->problems);
    if (reload->config)
        reload->catalogue = mg_catalogue_new(reload->config, &reload->problems);
}

/* ---- applying, on the loop ---- */

/* What cannot be exchanged while the gateway runs stays as it is until the next start. */
static void tell_what_stays(const struct mg_config *old, const struct mg_config *new)
{
    const struct {
        const char *what;
        bool changed;
    } values[] = {
        {"the gateway's name", strcmp(old->name, new->name) != 0},
        {"the folder of the store", strcmp(old->store, new->store) != 0},
        {"the store's reserve", old->reserve != new->reserve},
        {"the number of workers", old->workers != new->workers},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i].changed)
            mg_log(MG_LOG_WARNING, "gateway.needs-restart", "what", values[i].what, NULL);
}

static bool apply(struct gateway *gateway, struct mg_config *config, struct mg_catalogue *catalogue,
                  struct mg_error *error)
{
    if (!gateway_may_seal(gateway, config, error) ||
        !mg_listeners_prepare(gateway->listeners, config, error))
        return false;
    if (!mg_operate_prepare(gateway->operate, config, error)) {
        mg_listeners_abandon(gateway->listeners);
        return false;
    }
    if (!mg_clients_prepare(gateway->clients, config, error)) {
        mg_operate_abandon(gateway->operate);
        mg_listeners_abandon(gateway->listeners);
        return false;
    }
    if (!mg_host_apply(gateway->host, config, catalogue, error)) {
        mg_clients_abandon(gateway->clients);
        mg_operate_abandon(gateway->operate);
        mg_listeners_abandon(gateway->listeners);
        return false;
    }
    mg_clients_commit(gateway->clients, config);
    mg_listeners_commit(gateway->listeners);
    mg_dispatch_apply(gateway->dispatch, config);
    mg_operate_commit(gateway->operate, config);
    mg_store_set_retention(gateway->store, config->keep_content, config->keep_trace);
    gateway_expire_soon(gateway);
    mg_audit_apply(gateway->audit, config);
    return true;
}

/* Who asks the service manager sees it too. */
static void tell_manager(struct gateway *gateway, const char *reason)
{
    struct mg_buffer text = {0};
    mg_buffer_print(&text, "Takes messages by its former configuration; the new one is refused: %s",
                    reason);
    mg_notify_ready(gateway->notify, text.data);
    mg_buffer_free(&text);
}

/* What was wrong stays to be seen until a configuration is applied. */
static void refuse(struct gateway *gateway, const struct mg_error *error)
{
    mg_log(MG_LOG_ERROR, "gateway.reload-refused", "code", error->code, "place", error->place,
           "reason", error->text, NULL);
    struct mg_buffer text = {0};
    mg_buffer_print(&text, "%s%s%s (%s)", error->place, error->place[0] ? ": " : "", error->text,
                    error->code);
    mg_operate_refused(gateway->operate, (const char *const[]){text.data}, 1);
    mg_audit_gateway(gateway->audit, "reload-refused", NULL, text.data);
    tell_manager(gateway, text.data);
    mg_buffer_free(&text);
}

static void refuse_mistakes(struct gateway *gateway, const struct mg_config_problems *problems)
{
    mg_log(MG_LOG_ERROR, "gateway.reload-refused", "code", "config.problems", "reason",
           "the configuration has mistakes; the old one stays in force", NULL);
    const char **texts = mg_allocate_zeroed(problems->count + 1, sizeof *texts);
    size_t count = 0;
    for (size_t i = 0; i < problems->count; i++)
        if (!problems->list[i].warning)
            texts[count++] = problems->list[i].text;
    mg_operate_refused(gateway->operate, texts, count);
    tell_manager(gateway, count > 0 ? texts[0] : "it has mistakes");
    mg_audit_gateway(gateway->audit, "reload-refused", NULL, count > 0 ? texts[0] : NULL);
    free(texts);
}

static bool exchange(struct gateway *gateway, struct reload *reload)
{
    struct mg_error error;
    if (!apply(gateway, reload->config, reload->catalogue, &error)) {
        refuse(gateway, &error);
        return false;
    }
    tell_what_stays(gateway->config, reload->config);
    mg_config_release(gateway->config);
    mg_catalogue_release(gateway->catalogue);
    gateway->config = mg_config_hold(reload->config);
    gateway->catalogue = mg_catalogue_hold(reload->catalogue);
    mg_log(MG_LOG_NOTICE, "gateway.reloaded", "configuration", gateway->config->hash, NULL);
    mg_audit_gateway(gateway->audit, "reloaded", gateway->config->hash, NULL);
    mg_notify_ready(gateway->notify, "Takes messages.");
    gateway_watch_seal(gateway);
    return true;
}

static void tell_problems(const struct mg_config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        mg_log(problems->list[i].warning ? MG_LOG_WARNING : MG_LOG_ERROR, "gateway.configuration",
               "problem", problems->list[i].text, NULL);
}

static void has_read(struct mg_job *job)
{
    struct reload *reload = (struct reload *)job;
    struct gateway *gateway = reload->gateway;
    bool again = gateway->reload_again, applied = false;
    gateway->reloading = gateway->reload_again = false;
    tell_problems(&reload->problems);
    if (gateway->stopping)
        mg_log(MG_LOG_NOTICE, "gateway.reload-refused", "reason", "the gateway is stopping", NULL);
    else if (reload->problems.errors == 0)
        applied = exchange(gateway, reload);
    else
        refuse_mistakes(gateway, &reload->problems);
    mg_operate_reload_ended(gateway->operate, gateway->reload_number, applied,
                            !applied && !gateway->stopping);
    /* Whatever became of the rest, a new revocation list counts. */
    if (!again)
        gateway_look_at_lists(gateway);
    mg_config_problems_free(&reload->problems);
    mg_catalogue_release(reload->catalogue);
    mg_config_release(reload->config);
    free(reload);
    if (again && gateway_reload(gateway) == 0)
        mg_operate_reload_ended(gateway->operate, gateway->reload_number + 1, false, false);
}

int64_t gateway_reload(struct gateway *gateway)
{
    /* What somebody wants to be read now may have been written after the last reading began. */
    gateway->reload_again = gateway->reloading;
    if (gateway->stopping)
        return 0;
    if (gateway->reloading)
        return gateway->reload_number + 1;
    struct reload *reload = mg_allocate_zeroed(1, sizeof *reload);
    reload->job.work = read_configuration;
    reload->job.done = has_read;
    reload->gateway = gateway;
    reload->path = gateway->file;
    reload->problems.starting = true;
    gateway->reloading = mg_pool_submit(gateway->background, &reload->job);
    if (!gateway->reloading) {
        free(reload);
        return 0;
    }
    mg_notify_reloading(gateway->notify);
    return ++gateway->reload_number;
}
