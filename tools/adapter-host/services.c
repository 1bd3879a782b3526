/* Parameters, failure, log, counters, timers, watches, work and state. */
#include "tools/adapter-host/host.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_LINE 1000

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

/* ---- timers, watches, work ---- */

static struct mg_timer *start_timer(struct mg_instance *instance, int64_t milliseconds,
                                    void (*run)(void *context), void *context)
{
    return mg_services_timer(&instance->services, instance->host->base, milliseconds, run, context);
}

static struct mg_watch *start_watch(struct mg_instance *instance, int descriptor,
                                    void (*ready)(void *context), void *context)
{
    return mg_services_watch(&instance->services, instance->host->base, descriptor, ready, context);
}

static void work_ended(struct mg_instance *instance)
{
    instance->working--;
    host_look_whether_done(instance->host);
}

static bool start_work(struct mg_instance *instance, void (*run)(void *context),
                       void (*done)(void *context), void *context)
{
    if (instance->closing ||
        !mg_services_work(instance->host->pool, instance, work_ended, run, done, context))
        return false;
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
    mg_services_end(&instance->services);
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
    gateway->timer_cancel = mg_services_end_timer;
    gateway->watch = start_watch;
    gateway->watch_end = mg_services_end_watch;
    gateway->work = start_work;
    gateway->state = tell_state;
}
