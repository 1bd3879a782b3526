/* Parameters, failure, log, counters, timers, watches, work and state. */
#include "tools/adapter-host/host.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A year, in milliseconds: libevent adds a timer to the present time without a look at the sum. */
#define LONGEST_TIMER (INT64_C(366) * 24 * 60 * 60 * 1000)
#define LONGEST_LINE  1000

/* ---- parameters ---- */

static const char *parameter_text(struct mg_instance *instance, const char *name)
{
    return json_string_value(
        json_object_get(json_object_get(instance->values, "parameters"), name));
}

static int64_t parameter_number(struct mg_instance *instance, const char *name)
{
    const char *text = parameter_text(instance, name);
    return text ? strtoll(text, NULL, 10) : 0;
}

static bool parameter_boolean(struct mg_instance *instance, const char *name)
{
    const char *text = parameter_text(instance, name);
    return text && strcmp(text, "true") == 0;
}

static void fail(struct mg_instance *instance, const char *code, const char *text)
{
    mg_fail(&instance->error, code, "%s", text);
}

/* ---- log ---- */

struct line {
    struct mg_handoff_item item; /* first */
    struct host *host;
    enum mg_level level;
    char event[MG_ERROR_CODE_SIZE];
    char message[40];
    char text[LONGEST_LINE + 1];
};

static void send_line(struct mg_handoff_item *item)
{
    static const char *const levels[] = {"error", "warning", "notice", "info", "debug"};
    struct line *line = (struct line *)item;
    struct mg_frame_writer *writer = mg_channel_begin(line->host->channel, "log");
    mg_frame_put_text(writer, "level", levels[line->level]);
    mg_frame_put_text(writer, "event", line->event);
    if (line->message[0])
        mg_frame_put_text(writer, "message", line->message);
    mg_frame_put_text(writer, "text", line->text);
    mg_channel_send(line->host->channel);
    free(line);
}

/* Any thread: what is logged goes the way of everything that comes to the loop. */
static void write_log(struct mg_instance *instance, enum mg_level level, const char *event,
                      const char *message, const char *text)
{
    if ((unsigned)level > MG_LEVEL_DEBUG)
        return;
    struct line *line = mg_allocate_zeroed(1, sizeof *line);
    line->item.run = send_line;
    line->host = instance->host;
    line->level = level;
    snprintf(line->event, sizeof line->event, "%s", event);
    snprintf(line->message, sizeof line->message, "%s", message ? message : "");
    snprintf(line->text, sizeof line->text, "%s", text ? text : "");
    mg_handoff_post(instance->host->handoff, &line->item);
}

/* ---- counters ---- */

struct mg_counter {
    struct mg_counter *next;
    struct mg_instance *instance;
    char *name;
    char *help; /* NULL: the gateway knows it */
    int64_t waiting;
};

static struct mg_counter *make_counter(struct mg_instance *instance, const char *name,
                                       const char *help)
{
    struct mg_counter *counter = mg_allocate_zeroed(1, sizeof *counter);
    *counter = (struct mg_counter){.next = instance->counters,
                                   .instance = instance,
                                   .name = mg_copy_text(name),
                                   .help = mg_copy_text(help ? help : "")};
    return instance->counters = counter;
}

void host_send_counters(struct mg_instance *instance)
{
    struct mg_channel *channel = instance->host->channel;
    for (struct mg_counter *counter = instance->counters; counter; counter = counter->next) {
        if (counter->waiting <= 0)
            continue;
        struct mg_frame_writer *writer = mg_channel_begin(channel, "count");
        mg_frame_put_text(writer, "counter", counter->name);
        mg_frame_put_text(writer, "help", counter->help);
        mg_frame_put_number(writer, "number", counter->waiting);
        mg_channel_send(channel);
        counter->waiting = 0;
        free(counter->help);
        counter->help = NULL;
    }
}

static void counters_due(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct host *host = context;
    event_free(host->tell_counters);
    host->tell_counters = NULL;
    host_send_counters(&host->instance);
}

/* Told once a second, whatever is counted. */
static void add_to_counter(struct mg_counter *counter, int64_t number)
{
    static const struct timeval second = {1, 0};
    struct host *host = counter->instance->host;
    counter->waiting += number;
    if (host->tell_counters)
        return;
    host->tell_counters = evtimer_new(host->base, counters_due, host);
    evtimer_add(host->tell_counters, &second);
}

/* ---- timers ---- */

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
    (void)descriptor, (void)what;
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
    *timer = (struct mg_timer){.next = instance->timers,
                               .link = &instance->timers,
                               .event = evtimer_new(instance->host->base, timer_ran, timer),
                               .run = run,
                               .context = context};
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
    (void)descriptor, (void)what;
    struct mg_watch *watch = context;
    watch->ready(watch->context);
}

static struct mg_watch *start_watch(struct mg_instance *instance, int descriptor,
                                    void (*ready)(void *context), void *context)
{
    struct mg_watch *watch = mg_allocate_zeroed(1, sizeof *watch);
    *watch = (struct mg_watch){.next = instance->watches,
                               .link = &instance->watches,
                               .event = event_new(instance->host->base, descriptor,
                                                  EV_READ | EV_PERSIST, watch_ready, watch),
                               .ready = ready,
                               .context = context};
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
    free(work);
    instance->working--;
    host_look_whether_done(instance->host);
}

static bool start_work(struct mg_instance *instance, void (*run)(void *context),
                       void (*done)(void *context), void *context)
{
    if (instance->closing)
        return false;
    struct work *work = mg_allocate_zeroed(1, sizeof *work);
    *work = (struct work){.job = {.work = run_work, .done = end_work},
                          .instance = instance,
                          .work = run,
                          .done = done,
                          .context = context};
    if (!mg_pool_submit(instance->host->pool, &work->job)) {
        free(work);
        return false;
    }
    instance->working++;
    return true;
}

/* ---- state ---- */

static void tell_state(struct mg_instance *instance, enum mg_state state, const char *code,
                       const char *text)
{
    struct mg_frame_writer *writer = mg_channel_begin(instance->host->channel, "state");
    bool down = state == MG_STATE_DOWN;
    mg_frame_put_text(writer, "state", down ? "down" : "ready");
    if (down) {
        mg_frame_put_text(writer, "code", code ? code : "adapter.down");
        mg_frame_put_text(writer, "text", text ? text : "The adapter gave no reason.");
    }
    mg_channel_send(instance->host->channel);
}

/* ---- life ---- */

void host_end_services(struct mg_instance *instance)
{
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): what is freed takes itself out of the list first */
    while (instance->timers)
        free_timer(instance->timers);
    while (instance->watches)
        end_watch(instance->watches);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    for (struct mg_counter *next; instance->counters; instance->counters = next) {
        next = instance->counters->next;
        free(instance->counters->help);
        free(instance->counters->name);
        free(instance->counters);
    }
    if (instance->host->tell_counters)
        event_free(instance->host->tell_counters);
    instance->host->tell_counters = NULL;
}

void host_offer_services(struct mg_gateway *gateway)
{
    gateway->parameter_text = parameter_text;
    gateway->parameter_number = parameter_number;
    gateway->parameter_boolean = parameter_boolean;
    gateway->fail = fail;
    gateway->log = write_log;
    gateway->counter = make_counter;
    gateway->counter_add = add_to_counter;
    gateway->timer = start_timer;
    gateway->timer_cancel = free_timer;
    gateway->watch = start_watch;
    gateway->watch_end = end_watch;
    gateway->work = start_work;
    gateway->state = tell_state;
}
