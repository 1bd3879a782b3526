#include "gateway/isolation/services.h"

#include <stdlib.h>

/* A year, in milliseconds: libevent adds a timer to the present time without a look at the sum. */
#define LONGEST_TIMER (INT64_C(366) * 24 * 60 * 60 * 1000)

/* ---- timers ---- */

struct mg_timer {
    struct mg_timer *next;
    struct mg_timer **link;
    struct event *event;
    void (*run)(void *context);
    void *context;
};

void mg_services_end_timer(struct mg_timer *timer)
{
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    event_free(timer->event);
    free(timer);
}

static void timer_ran(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct mg_timer *timer = context;
    void (*run)(void *) = timer->run;
    void *argument = timer->context;
    mg_services_end_timer(timer);
    run(argument);
}

struct mg_timer *mg_services_timer(struct mg_services *services, struct event_base *base,
                                   int64_t milliseconds, void (*run)(void *context), void *context)
{
    struct mg_timer *timer = mg_allocate_zeroed(1, sizeof *timer);
    if (milliseconds < 0)
        milliseconds = 0;
    else if (milliseconds > LONGEST_TIMER)
        milliseconds = LONGEST_TIMER;
    struct timeval after = {milliseconds / 1000, milliseconds % 1000 * 1000};
    *timer = (struct mg_timer){.next = services->timers,
                               .link = &services->timers,
                               .event = evtimer_new(base, timer_ran, timer),
                               .run = run,
                               .context = context};
    if (timer->next)
        timer->next->link = &timer->next;
    services->timers = timer;
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

void mg_services_end_watch(struct mg_watch *watch)
{
    *watch->link = watch->next;
    if (watch->next)
        watch->next->link = watch->link;
    event_free(watch->event);
    free(watch);
}

static void watch_ready(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct mg_watch *watch = context;
    watch->ready(watch->context);
}

struct mg_watch *mg_services_watch(struct mg_services *services, struct event_base *base,
                                   int descriptor, void (*ready)(void *context), void *context)
{
    struct mg_watch *watch = mg_allocate_zeroed(1, sizeof *watch);
    *watch = (struct mg_watch){
        .next = services->watches,
        .link = &services->watches,
        .event = event_new(base, descriptor, EV_READ | EV_PERSIST, watch_ready, watch),
        .ready = ready,
        .context = context,
    };
    if (watch->next)
        watch->next->link = &watch->next;
    services->watches = watch;
    event_add(watch->event, NULL);
    return watch;
}

void mg_services_end(struct mg_services *services)
{
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): what is freed takes itself out of the list first */
    while (services->timers)
        mg_services_end_timer(services->timers);
    while (services->watches)
        mg_services_end_watch(services->watches);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}

/* ---- work ---- */

struct work {
    struct mg_job job; /* first */
    struct mg_instance *instance;
    void (*ended)(struct mg_instance *instance);
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
    work->done(work->context);
    work->ended(work->instance);
    free(work);
}

bool mg_services_work(struct mg_pool *pool, struct mg_instance *instance,
                      void (*ended)(struct mg_instance *instance), void (*work)(void *context),
                      void (*done)(void *context), void *context)
{
    struct work *job = mg_allocate_zeroed(1, sizeof *job);
    *job = (struct work){
        .job = {.work = run_work, .done = end_work},
        .instance = instance,
        .ended = ended,
        .work = work,
        .done = done,
        .context = context,
    };
    if (mg_pool_submit(pool, &job->job))
        return true;
    free(job);
    return false;
}
