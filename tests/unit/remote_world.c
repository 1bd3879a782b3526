#include "tests/unit/remote_world.h"

#include "gateway/base/clock.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world world;

/* ---- what the gateway offers ---- */

static const char *parameter_text(struct mg_instance *instance, const char *name)
{
    (void)instance;
    for (size_t i = 0; world.parameters[i].name; i++)
        if (strcmp(world.parameters[i].name, name) == 0)
            return world.parameters[i].value;
    return NULL;
}

static void fail(struct mg_instance *instance, const char *code, const char *text)
{
    (void)instance;
    printf("# failed: %s: %s\n", code, text);
    world.failures++;
}

static void write_log(struct mg_instance *instance, enum mg_level level, const char *event,
                      const char *message, const char *text)
{
    (void)instance, (void)level, (void)message;
    size_t length = strlen(world.log);
    snprintf(world.log + length, sizeof world.log - length, "%s: %s\n", event, text ? text : "");
}

static struct mg_counter *counter(struct mg_instance *instance, const char *name, const char *help)
{
    (void)instance, (void)help;
    snprintf(world.counter, sizeof world.counter, "%s", name);
    return (struct mg_counter *)&world.counted;
}

static void counter_add(struct mg_counter *what, int64_t number)
{
    *(int64_t *)what += number;
}

struct mg_timer {
    struct event *event;
    void (*run)(void *context);
    void *context;
};

static void timer_cancel(struct mg_timer *timer)
{
    event_free(timer->event);
    free(timer);
}

static void timer_ran(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct mg_timer timer = *(struct mg_timer *)context;
    timer_cancel(context);
    timer.run(timer.context);
}

static struct mg_timer *start_timer(struct mg_instance *instance, int64_t milliseconds,
                                    void (*run)(void *context), void *context)
{
    (void)instance;
    struct timeval after = {milliseconds / 1000, milliseconds % 1000 * 1000};
    struct mg_timer *timer = malloc(sizeof *timer);
    *timer = (struct mg_timer){evtimer_new(world.base, timer_ran, timer), run, context};
    evtimer_add(timer->event, &after);
    return timer;
}

/* Work runs at once, and is done a little later. */
static bool work(struct mg_instance *instance, void (*run)(void *context),
                 void (*done)(void *context), void *context)
{
    run(context);
    start_timer(instance, 1, done, context);
    return true;
}

static const struct mg_message_facts *message(struct mg_delivery *delivery)
{
    (void)delivery;
    static const struct mg_message_facts facts = {.size = sizeof facts,
                                                  .id = "0199b0a4-7c1e-7d31-8a53-0d6a3b6f2f10",
                                                  .uuid = "u-1",
                                                  .profile = "service",
                                                  .type_list = "urn:list",
                                                  .type_version = "1",
                                                  .type_code = "0101",
                                                  .type_name = "x\"\xfc\x01y",
                                                  .created = "2026-11-26T00:00:00Z",
                                                  .author = "ags:05124000",
                                                  .reader = "ags:05120000",
                                                  .partner = "portal",
                                                  .accepted = 1790000000000,
                                                  .attachments = 2};
    return &facts;
}

static int64_t deadline(struct mg_delivery *delivery)
{
    return delivery->deadline;
}

static int attempt(struct mg_delivery *delivery)
{
    return delivery->attempt;
}

static const char *content(const struct mg_delivery *delivery, int part)
{
    return part == MG_MESSAGE_DOCUMENT         ? delivery->document
           : part == MG_MESSAGE_SEAL           ? delivery->seal
           : part == MG_MESSAGE_ORIGINAL       ? delivery->original
           : part == MG_MESSAGE_ATTACHMENT     ? "a plan"
           : part == MG_MESSAGE_ATTACHMENT + 1 ? "a map"
                                               : NULL;
}

static void part_facts(struct mg_delivery *delivery, int part, struct mg_part_facts *facts)
{
    static const char *const types[] = {"application/pdf", "image/png"};
    static const char *const names[] = {"plan.pdf", "map.png"};
    const char *bytes = content(delivery, part);
    bool attached = bytes && part >= MG_MESSAGE_ATTACHMENT;
    *facts = (struct mg_part_facts){.size = sizeof *facts,
                                    .length = bytes ? (int64_t)strlen(bytes) : -1,
                                    .media_type = attached ? types[part - MG_MESSAGE_ATTACHMENT]
                                                           : "application/xml",
                                    .name = attached ? names[part - MG_MESSAGE_ATTACHMENT] : "",
                                    .content_id = "id@muengsten"};
}

static ssize_t read_bytes(struct mg_delivery *delivery, int part, int64_t offset, void *bytes,
                          size_t size)
{
    const char *from = content(delivery, part);
    size_t length = from ? strlen(from) : 0;
    if (!from)
        return -1;
    if ((size_t)offset >= length)
        return 0;
    if (size > length - (size_t)offset)
        size = length - (size_t)offset;
    memcpy(bytes, from + offset, size);
    return (ssize_t)size;
}

static void done(struct mg_delivery *delivery, const struct mg_outcome *outcome)
{
    CU_ASSERT(!delivery->done);
    delivery->done = true;
    delivery->kind = outcome->kind;
    snprintf(delivery->code, sizeof delivery->code, "%s", outcome->code ? outcome->code : "");
    if (outcome->reply)
        snprintf(delivery->reply, sizeof delivery->reply, "%s %.*s", outcome->reply_media_type,
                 (int)outcome->reply_length, (const char *)outcome->reply);
}

static void tell_state(struct mg_instance *instance, enum mg_state state, const char *code,
                       const char *text)
{
    (void)instance, (void)text;
    world.state = state;
    world.states++;
    snprintf(world.state_code, sizeof world.state_code, "%s", code ? code : "");
}

static void offer(void)
{
    world.gateway = (struct mg_gateway){
        .size = sizeof world.gateway,
        .abi = MG_ADAPTER_ABI,
        .version = "test",
        .parameter_text = parameter_text,
        .fail = fail,
        .log = write_log,
        .counter = counter,
        .counter_add = counter_add,
        .timer = start_timer,
        .timer_cancel = timer_cancel,
        .work = work,
        .delivery_message = message,
        .delivery_deadline = deadline,
        .delivery_attempt = attempt,
        .delivery_part = part_facts,
        .delivery_read = read_bytes,
        .delivery_done = done,
        .state = tell_state,
    };
}

/* ---- life ---- */

void world_start(void)
{
    world = (struct world){.base = event_base_new()};
    world.children = mg_children_new(world.base);
    world.times = (struct mg_remote_times){.first_pause = 20, .longest_pause = 100};
    signal(SIGPIPE, SIG_IGN);
    offer();
}

void world_stop(void)
{
    if (world.remote)
        mg_remote_close(world.remote);
    mg_children_free(world.children);
    for (size_t i = 0; i < world.delivery_count; i++)
        CU_ASSERT(world.deliveries[i].done);
    /* What a sanitizer finds in a program, it says on standard error. */
    CU_ASSERT_PTR_NULL(strstr(world.log, "Sanitizer"));
    mg_remote_description_free(world.description);
    event_base_free(world.base);
    world.remote = NULL;
}

void world_open(const char *path, const char *name, ...)
{
    struct mg_error error = {.text = ""};
    va_list pairs;
    va_start(pairs, name);
    for (size_t i = 0; i < 7; i++) {
        world.parameters[i].name = va_arg(pairs, const char *);
        if (!world.parameters[i].name)
            break;
        world.parameters[i].value = va_arg(pairs, const char *);
    }
    va_end(pairs);
    struct mg_remote_options options = {
        .base = world.base,
        .children = world.children,
        .process = {.path = path},
        .longest_delivery = 1000,
        .times = world.times,
    };
    const struct mg_instance_facts facts = {
        .size = sizeof facts, .name = "office", .is_destination = true, .prefix = world.prefix};
    world.description = mg_remote_describe(&options.process, name, &error);
    if (!world.description)
        printf("# %s: %s\n", error.code, error.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(world.description);
    options.description = world.description;
    world.remote = mg_remote_open(&options, &world.gateway, NULL, &facts);
    CU_ASSERT_PTR_NOT_NULL_FATAL(world.remote);
}

struct mg_delivery *world_deliver(void)
{
    struct mg_delivery *delivery = &world.deliveries[world.delivery_count++];
    *delivery =
        (struct mg_delivery){.document = "<a/>", .seal = "<s/>", .attempt = 1, .deadline = 60000};
    mg_remote_deliver(world.remote, delivery);
    return delivery;
}

static void tick(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what, (void)context;
}

/* Rounds of the loop, each of some milliseconds at most. */
static void run_round(void)
{
    static const struct timeval little = {0, 5000};
    event_base_once(world.base, -1, EV_TIMEOUT, tick, NULL, &little);
    event_base_loop(world.base, EVLOOP_ONCE);
}

bool world_until(bool (*is_so)(void))
{
    int64_t end = mg_clock_monotonic() + unit_patience(10000) * 1000;
    while (!is_so() && mg_clock_monotonic() < end)
        run_round();
    if (!is_so())
        printf("# in vain; the log says:\n# %s\n", world.log);
    return is_so();
}

void world_run_for(int milliseconds)
{
    int64_t end = mg_clock_monotonic() + milliseconds * INT64_C(1000);
    while (mg_clock_monotonic() < end)
        run_round();
}

bool world_all_done(void)
{
    for (size_t i = 0; i < world.delivery_count; i++)
        if (!world.deliveries[i].done)
            return false;
    return true;
}

bool world_is_ready(void)
{
    return world.states > 0 && world.state == MG_STATE_READY;
}
