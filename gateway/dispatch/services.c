/* Timers, watches, work and log for adapters. Each belongs to its instance and ends with
 * it. */
#include "gateway/base/log.h"
#include "gateway/dispatch/instance.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

/* ---- timers ---- */

/* A year, in milliseconds: libevent adds a timer to the present time without a look at the sum. */
#define LONGEST_TIMER (INT64_C(366) * 24 * 60 * 60 * 1000)

struct mg_timer {
    struct mg_timer *next;
    struct mg_timer **link;
    struct event *event;
    void (*run)(void *context);
    void *context;
};

static void free_timer(struct mg_timer *timer)
{
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    event_free(timer->event);
    free(timer);
}

static void timer_ran(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct mg_timer *timer = context;
    void (*run)(void *) = timer->run;
    void *argument = timer->context;
    free_timer(timer);
    run(argument);
}

static struct mg_timer *start_timer(struct mg_instance *instance, int64_t milliseconds,
                                    void (*run)(void *context), void *context)
{
    struct mg_timer *timer = mg_allocate_zeroed(1, sizeof *timer);
    if (milliseconds < 0)
        milliseconds = 0;
    else if (milliseconds > LONGEST_TIMER)
        milliseconds = LONGEST_TIMER;
    struct timeval after = {milliseconds / 1000, milliseconds % 1000 * 1000};
    timer->run = run;
    timer->context = context;
    timer->event = evtimer_new(instance->host->options.base, timer_ran, timer);
    timer->next = instance->timers;
    timer->link = &instance->timers;
    if (timer->next)
        timer->next->link = &timer->next;
    instance->timers = timer;
    evtimer_add(timer->event, &after);
    return timer;
}

/* ---- watches ---- */

struct mg_watch {
    struct mg_watch *next;
    struct mg_watch **link;
    struct event *event;
    void (*ready)(void *context);
    void *context;
};

static void watch_ready(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct mg_watch *watch = context;
    watch->ready(watch->context);
}

static struct mg_watch *start_watch(struct mg_instance *instance, int descriptor,
                                    void (*ready)(void *context), void *context)
{
    struct mg_watch *watch = mg_allocate_zeroed(1, sizeof *watch);
    watch->ready = ready;
    watch->context = context;
    watch->event = event_new(instance->host->options.base, descriptor, EV_READ | EV_PERSIST,
                             watch_ready, watch);
    watch->next = instance->watches;
    watch->link = &instance->watches;
    if (watch->next)
        watch->next->link = &watch->next;
    instance->watches = watch;
    event_add(watch->event, NULL);
    return watch;
}

static void end_watch(struct mg_watch *watch)
{
    *watch->link = watch->next;
    if (watch->next)
        watch->next->link = watch->link;
    event_free(watch->event);
    free(watch);
}

/* ---- work ---- */

struct work {
    struct mg_job job; /* first */
    struct mg_instance *instance;
    void (*work)(void *context);
    void (*done)(void *context);
    void *context;
};

static void run_work(struct mg_job *job)
{
    struct work *work = (struct work *)job;
    work->work(work->context);
}

static void end_work(struct mg_job *job)
{
    struct work *work = (struct work *)job;
    struct mg_instance *instance = work->instance;
    work->done(work->context);
    instance->working--;
    mg_instance_ended(instance);
    free(work);
}

static bool start_work(struct mg_instance *instance, void (*run)(void *context),
                       void (*done)(void *context), void *context)
{
    if (instance->host->closing)
        return false;
    struct work *work = mg_allocate_zeroed(1, sizeof *work);
    *work = (struct work){
        .job = {.work = run_work, .done = end_work},
        .instance = instance,
        .work = run,
        .done = done,
        .context = context,
    };
    if (!mg_pool_submit(instance->host->options.background, &work->job)) {
        free(work);
        return false;
    }
    instance->working++;
    return true;
}

/* ---- log ---- */

static void write_log(struct mg_instance *instance, enum mg_level level, const char *event,
                      const char *message, const char *text)
{
    static const enum mg_log_level levels[] = {MG_LOG_ERROR, MG_LOG_WARNING, MG_LOG_NOTICE,
                                               MG_LOG_INFO, MG_LOG_DEBUG};
    if ((unsigned)level < sizeof levels / sizeof *levels)
        mg_log(levels[level], event, "message", message, "instance", instance->name, "text", text,
               NULL);
}

void mg_instance_end_services(struct mg_instance *instance)
{
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): what is freed takes itself out of the list first */
    while (instance->timers)
        free_timer(instance->timers);
    while (instance->watches)
        end_watch(instance->watches);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}

void mg_host_offer_services(struct mg_gateway *gateway)
{
    gateway->timer = start_timer;
    gateway->timer_cancel = free_timer;
    gateway->watch = start_watch;
    gateway->watch_end = end_watch;
    gateway->work = start_work;
    gateway->log = write_log;
}
