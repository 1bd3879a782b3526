/* Timers, watches, work and log for adapters. Each belongs to its instance and ends with
 * it. */
#include "gateway/base/log.h"
#include "gateway/dispatch/instance.h"

static struct mg_timer *start_timer(struct mg_instance *instance, int64_t milliseconds,
                                    void (*run)(void *context), void *context)
{
    return mg_services_timer(&instance->services, instance->host->options.base, milliseconds, run,
                             context);
}

static struct mg_watch *start_watch(struct mg_instance *instance, int descriptor,
                                    void (*ready)(void *context), void *context)
{
    return mg_services_watch(&instance->services, instance->host->options.base, descriptor, ready,
                             context);
}

static void work_ended(struct mg_instance *instance)
{
    instance->working--;
    mg_instance_ended(instance);
}

static bool start_work(struct mg_instance *instance, void (*run)(void *context),
                       void (*done)(void *context), void *context)
{
    if (instance->host->closing || !mg_services_work(instance->host->options.background, instance,
                                                     work_ended, run, done, context))
        return false;
    instance->working++;
    return true;
}

static void write_log(struct mg_instance *instance, enum mg_level level, const char *event,
                      const char *message, const char *text)
{
    static const enum mg_log_level levels[] = {MG_LOG_ERROR, MG_LOG_WARNING, MG_LOG_NOTICE,
                                               MG_LOG_INFO, MG_LOG_DEBUG};
    if ((unsigned)level < sizeof levels / sizeof *levels)
        mg_log(levels[level], event, "message", message, "instance", instance->name, "text", text,
               NULL);
}

void mg_host_offer_services(struct mg_gateway *gateway)
{
    gateway->timer = start_timer;
    gateway->timer_cancel = mg_services_end_timer;
    gateway->watch = start_watch;
    gateway->watch_end = mg_services_end_watch;
    gateway->work = start_work;
    gateway->log = write_log;
}
