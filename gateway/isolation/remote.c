/* The life of a program: started, greeted, opened, watched, ended, and started anew. */
#include "gateway/base/clock.h"
#include "gateway/isolation/door.h"
#include "gateway/isolation/remote_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A program that was ready for so long begins with the shortest pause again, in microseconds. */
#define LONG_LIFE 60000000
/* Between the end of the stream and that of the process, in milliseconds. */
#define LAST_BREATH 1000
/* A pong may take as long as the longest delivery, and this long, or this long at least. */
#define PONG_RESERVE 30000
#define PONG_LEAST   60000

/* Between two lines of the log about visitors of the wrong user, in microseconds. */
#define REFUSED_PAUSE 1000000

static void start(void *context);

bool mg_remote_is_ready(const struct mg_remote *remote)
{
    return remote->life == LIFE_READY;
}

void mg_remote_log(struct mg_remote *remote, enum mg_level level, const char *event,
                   const char *text)
{
    remote->gateway->log(remote->instance, level, event, NULL, text);
}

/* ---- answers ---- */

bool mg_remote_send_answer(struct mg_remote *remote)
{
    if (!mg_channel_send(remote->channel))
        return false;
    remote->answers[remote->oldest_answer] = mg_channel_sent(remote->channel);
    remote->oldest_answer = (remote->oldest_answer + 1) % MG_REMOTE_MOST_ANSWERS;
    return true;
}

static bool reads_answers(const struct mg_remote *remote)
{
    return remote->answers[remote->oldest_answer] + mg_channel_waiting(remote->channel) <=
           mg_channel_sent(remote->channel);
}

/* ---- timers ---- */

static void end_timer(struct mg_remote *remote, struct mg_timer **timer)
{
    if (*timer)
        remote->gateway->timer_cancel(*timer);
    *timer = NULL;
}

static void start_timer(struct mg_remote *remote, struct mg_timer **timer, int64_t milliseconds,
                        void (*run)(void *context))
{
    end_timer(remote, timer);
    *timer = remote->gateway->timer(remote->instance, milliseconds, run, remote);
}

/* ---- the state that operators and dispatch see ---- */

static void tell_state(struct mg_remote *remote, enum mg_state state, const char *code,
                       const char *text)
{
    if (remote->gateway->state)
        remote->gateway->state(remote->instance, state, code, text);
}

static void be_down(struct mg_remote *remote, const char *code, const char *text)
{
    mg_fail(&remote->down, code, "%s", text);
    tell_state(remote, MG_STATE_DOWN, remote->down.code, remote->down.text);
}

static void be_ready(struct mg_remote *remote)
{
    if (remote->said_down) {
        tell_state(remote, MG_STATE_DOWN, remote->down.code, remote->down.text);
        return;
    }
    remote->down = (struct mg_error){.text = ""};
    tell_state(remote, MG_STATE_READY, NULL, NULL);
}

/* ---- the end of a program ---- */

static void end_program(struct mg_remote *remote)
{
    end_timer(remote, &remote->deadline);
    end_timer(remote, &remote->ping);
    end_timer(remote, &remote->pong);
    end_timer(remote, &remote->rest);
    mg_channel_free(remote->channel);
    remote->channel = NULL;
    mg_child_end(remote->child);
    remote->child = NULL;
    remote->pid = 0;
    remote->exited = remote->stream_ended = remote->said_down = false;
}

/* Twice the last pause, give or take a quarter, so that what fell together does not rise together.
 */
static int64_t next_pause(struct mg_remote *remote)
{
    const struct mg_remote_times *times = &remote->options.times;
    bool lived_long = remote->ready_since && mg_clock_monotonic() - remote->ready_since > LONG_LIFE;
    int64_t pause = remote->pause && !lived_long ? remote->pause * 2 : times->first_pause;
    remote->pause = pause < times->longest_pause ? pause : times->longest_pause;
    remote->ready_since = 0;
    return remote->pause * 3 / 4 + (int64_t)(mg_clock_monotonic() % (remote->pause / 2 + 1));
}

static void break_off(struct mg_remote *remote)
{
    struct mg_error end = remote->end;
    char text[MG_ERROR_TEXT_SIZE];
    end_program(remote);
    remote->life = LIFE_PAUSED;
    int64_t pause = next_pause(remote);
    snprintf(text, sizeof text, "%.800s Started again in %.1f s.", end.text, (double)pause / 1000);
    if (remote->leaving)
        snprintf(text, sizeof text, "%.800s", end.text);
    remote->gateway->log(remote->instance, MG_LEVEL_WARNING, end.code, NULL, text);
    /* Down first, so that what is given back does not come again at once. */
    be_down(remote, end.code, end.text);
    mg_remote_break_off_deliveries(remote, end.code, end.text);
    mg_remote_break_off_submissions(remote);
    mg_remote_break_off_calls(remote);
    mg_remote_break_off_exchanges(remote);
    mg_remote_break_off_requests(remote);
    mg_remote_forget_routes(remote);
    if (!remote->leaving)
        start_timer(remote, &remote->deadline, pause, start);
}

void mg_remote_break_off(struct mg_remote *remote, const char *code, const char *format, ...)
{
    char text[MG_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    mg_fail(&remote->end, code, "%s", text);
    break_off(remote);
}

static void last_breath_over(void *context)
{
    struct mg_remote *remote = context;
    remote->deadline = NULL;
    break_off(remote);
}

/* Both the stream and the process end, in either order: what was said before counts, and how it
 * ended is worth a moment. */
static void look_whether_dead(struct mg_remote *remote)
{
    bool was_dying = remote->life == LIFE_DYING;
    remote->life = LIFE_DYING;
    if (remote->stream_ended && (remote->exited || !remote->child))
        break_off(remote);
    else if (!was_dying)
        start_timer(remote, &remote->deadline, LAST_BREATH, last_breath_over);
}

static void on_exit_of_child(const char *how, void *context)
{
    struct mg_remote *remote = context;
    remote->exited = true;
    mg_fail(&remote->end, "adapter.died", "The program of the adapter ended (%s).", how);
    look_whether_dead(remote);
}

static void on_line(const char *text, void *context)
{
    mg_remote_log(context, MG_LEVEL_NOTICE, "adapter.stderr", text);
}

static const struct mg_child_events child_events = {.on_line = on_line,
                                                    .on_exit = on_exit_of_child};

static void on_channel_end(const struct mg_error *error, void *context)
{
    struct mg_remote *remote = context;
    if (error && strcmp(error->code, "adapter.died") != 0) {
        mg_remote_break_off(remote, error->code, "%s", error->text);
        return;
    }
    remote->stream_ended = true;
    if (!remote->exited)
        mg_fail(&remote->end, "adapter.died", "%s",
                error ? error->text : "The program of the adapter closed its stream.");
    look_whether_dead(remote);
}

/* ---- conversation ---- */

static void silent(void *context)
{
    struct mg_remote *remote = context;
    remote->deadline = NULL;
    mg_remote_break_off(remote, "adapter.silent", "The adapter did not answer %s in time.",
                        remote->life == LIFE_GREETED ? "hello" : "open");
}

static void hung(void *context)
{
    struct mg_remote *remote = context;
    remote->pong = NULL;
    mg_remote_break_off(remote, "adapter.hung", "The adapter did not answer a ping in time.");
}

static void ping(void *context)
{
    struct mg_remote *remote = context;
    remote->ping = NULL;
    mg_channel_begin(remote->channel, "ping");
    mg_channel_send(remote->channel);
    int64_t patience = remote->options.longest_delivery + PONG_RESERVE;
    start_timer(remote, &remote->pong, patience > PONG_LEAST ? patience : PONG_LEAST, hung);
}

static void on_pong(struct mg_remote *remote, struct mg_frame *frame)
{
    if (!remote->pong) {
        mg_frame_object_to(frame, "A pong came without a ping.");
        return;
    }
    end_timer(remote, &remote->pong);
    start_timer(remote, &remote->ping, remote->options.times.ping, ping);
}

static void put_parameters(struct mg_remote *remote, struct mg_frame_writer *writer)
{
    const struct mg_adapter *description = remote->options.description;
    unsigned use = remote->facts.is_source ? MG_USED_BY_SOURCE : MG_USED_BY_DESTINATION;
    mg_frame_put_open(writer, "parameters", '{');
    for (size_t i = 0; i < description->parameter_count; i++) {
        const struct mg_parameter *parameter = &description->parameters[i];
        if (parameter->use & use)
            mg_frame_put_text(writer, parameter->name,
                              remote->gateway->parameter_text(remote->instance, parameter->name));
    }
    mg_frame_put_close(writer, '}');
}

static void on_hello(struct mg_remote *remote, struct mg_frame *frame)
{
    struct mg_error error;
    struct mg_hello *hello = mg_hello_read(frame, remote->options.description->name, &error);
    if (!hello)
        return;
    mg_hello_free(hello);
    struct mg_frame_writer *writer = mg_channel_begin(remote->channel, "open");
    mg_frame_put_text(writer, "instance", remote->facts.name);
    mg_frame_put_text(writer, "role", remote->facts.is_source ? "source" : "destination");
    mg_frame_put_text(writer, "partner", remote->facts.partner);
    mg_frame_put_text(writer, "prefix", remote->facts.prefix);
    put_parameters(remote, writer);
    if (!mg_channel_send(remote->channel)) {
        mg_frame_object_to(frame, "The parameters are too long for a frame.");
        return;
    }
    remote->life = LIFE_OPENING;
    start_timer(remote, &remote->deadline, remote->options.times.open, silent);
}

static void on_opened(struct mg_remote *remote, struct mg_frame *frame)
{
    (void)frame;
    end_timer(remote, &remote->deadline);
    remote->life = LIFE_READY;
    remote->ready_since = mg_clock_monotonic();
    start_timer(remote, &remote->ping, remote->options.times.ping, ping);
    char pid[64];
    snprintf(pid, sizeof pid, "process %d", (int)remote->pid);
    mg_remote_log(remote, MG_LEVEL_INFO, "adapter.ready", pid);
    be_ready(remote);
    mg_remote_send_held(remote);
}

static void on_failed(struct mg_remote *remote, struct mg_frame *frame)
{
    const char *code = mg_frame_need_text(frame, NULL, "code");
    const char *text = mg_frame_need_text(frame, NULL, "text");
    if (frame->wrong || !mg_remote_is_code(code))
        mg_frame_object_to(frame, "The code of failed is no stable word.");
    else
        mg_remote_break_off(remote, code, "%.800s", text);
}

/* In which phases of life a frame may come, what it costs, and who deals with it. */
#define IN_OPENING 1
#define IN_READY   2
static const struct {
    const char *type;
    int when;
    int cost;
    mg_remote_handler *handle;
} handlers[] = {
    {"done", IN_READY, 0, mg_remote_on_done},
    {"submit", IN_OPENING | IN_READY, 1, mg_remote_on_submit},
    {"append", IN_OPENING | IN_READY, 0, mg_remote_on_append},
    {"abort", IN_OPENING | IN_READY, 1, mg_remote_on_abort},
    {"read", IN_READY, 0, mg_remote_on_read},
    {"answer", IN_READY, 0, mg_remote_on_answer},
    {"call", IN_OPENING | IN_READY, 1, mg_remote_on_call},
    {"call-cancel", IN_OPENING | IN_READY, 1, mg_remote_on_call_cancel},
    {"count", IN_OPENING | IN_READY, 10, mg_remote_on_count},
    {"log", IN_OPENING | IN_READY, 10, mg_remote_on_log},
    {"state", IN_OPENING | IN_READY, 10, mg_remote_on_state},
    {"pong", IN_READY, 0, on_pong},
    {"report", IN_READY, 1, mg_remote_on_report},
    {"box", IN_READY, 1, mg_remote_on_box},
    {"list", IN_READY, 1, mg_remote_on_list},
    {"take", IN_READY, 1, mg_remote_on_take},
    {"release", IN_READY, 0, mg_remote_on_release},
    {"settle", IN_READY, 1, mg_remote_on_settle},
    {"route", IN_OPENING, 1, mg_remote_on_route},
    {"opened", IN_OPENING, 0, on_opened},
    {"failed", IN_OPENING, 0, on_failed},
};

static void dispatch(struct mg_remote *remote, struct mg_frame *frame)
{
    int now = remote->life == LIFE_OPENING ? IN_OPENING : IN_READY;
    /* Of what a dead program has left in its stream only outcomes still count. */
    if (remote->life == LIFE_DYING && strcmp(frame->type, "done") != 0)
        return;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        if (strcmp(frame->type, handlers[i].type) != 0)
            continue;
        if (!(handlers[i].when & now))
            break;
        if (!reads_answers(remote)) {
            mg_frame_object_to(frame, "The adapter asks for more than it reads.");
            return;
        }
        if (handlers[i].cost)
            mg_remote_spend(remote, handlers[i].cost);
        handlers[i].handle(remote, frame);
        return;
    }
    mg_frame_object_to(frame, "A frame of the type %.40s does not fit here.", frame->type);
}

static void on_frame(struct mg_frame *frame, void *context)
{
    struct mg_remote *remote = context;
    if (remote->life == LIFE_GREETED)
        on_hello(remote, frame);
    else
        dispatch(remote, frame);
}

static void on_drained(void *context)
{
    mg_remote_send_held(context);
}

static const struct mg_channel_events channel_events = {
    .on_frame = on_frame, .on_end = on_channel_end, .on_drained = on_drained};

/* ---- the start of a program ---- */

static void greet(struct mg_remote *remote, int stream)
{
    remote->channel = mg_channel_new(remote->options.base, stream, stream, remote->options.content,
                                     &channel_events, remote);
    remote->life = LIFE_GREETED;
    memset(remote->answers, 0, sizeof remote->answers);
    mg_hello_fill(mg_channel_begin(remote->channel, "hello"), remote->options.content);
    mg_channel_send(remote->channel);
    start_timer(remote, &remote->deadline, remote->options.times.hello, silent);
}

static void on_visitor(int stream, pid_t pid, void *context)
{
    struct mg_remote *remote = context;
    remote->pid = pid;
    greet(remote, stream);
}

static void on_refused(uid_t user, pid_t pid, void *context)
{
    struct mg_remote *remote = context;
    char text[160];
    /* Anybody on this machine may knock, as often as he likes. */
    int64_t now = mg_clock_monotonic();
    if (remote->refused_at && now - remote->refused_at < REFUSED_PAUSE)
        return;
    remote->refused_at = now;
    snprintf(text, sizeof text,
             "Process %d of the user %u was sent away from the socket: it is the wrong user.",
             (int)pid, (unsigned)user);
    mg_remote_log(remote, MG_LEVEL_WARNING, "adapter.user", text);
}

static const struct mg_door_events door_events = {.on_visitor = on_visitor,
                                                  .on_refused = on_refused};

static void start(void *context)
{
    struct mg_remote *remote = context;
    struct mg_error error;
    int stream;
    remote->deadline = NULL;
    remote->restarts++;
    remote->restarted = mg_clock_now();
    if (remote->door) {
        remote->life = LIFE_AWAITED;
        if (!mg_door_open(remote->door, &error))
            mg_remote_break_off(remote, error.code, "%s", error.text);
        return;
    }
    remote->child = mg_child_start(remote->options.children, &remote->options.process,
                                   &child_events, remote, &stream, &error);
    if (!remote->child) {
        mg_remote_break_off(remote, error.code, "%s", error.text);
        return;
    }
    remote->pid = mg_child_pid(remote->child);
    greet(remote, stream);
}

/* ---- the instance ---- */

static void set_standards(struct mg_remote_options *options)
{
    static const struct mg_remote_times standards = {10000, 30000, 10000, 10000,
                                                     30000, 1000,  60000};
    struct mg_remote_times *times = &options->times;
    int64_t *values[] = {&times->hello, &times->open,        &times->cancel,       &times->close,
                         &times->ping,  &times->first_pause, &times->longest_pause};
    const int64_t usual[] = {standards.hello,        standards.open, standards.cancel,
                             standards.close,        standards.ping, standards.first_pause,
                             standards.longest_pause};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (*values[i] == 0)
            *values[i] = usual[i];
    if (options->content == 0)
        options->content = MG_STANDARD_CONTENT;
}

static char *copy(const char *text)
{
    return text ? mg_copy_text(text) : NULL;
}

static void free_remote(struct mg_remote *remote)
{
    mg_door_free(remote->door);
    mg_remote_forget_counters(remote);
    mg_remote_forget_routes(remote);
    free(remote->path);
    free(remote->user);
    free(remote->socket);
    free(remote);
}

static bool make_ways_in(struct mg_remote *remote)
{
    struct mg_error error = {.text = ""};
    bool made = true;
    if (remote->socket) {
        remote->door = mg_door_new(remote->options.base, remote->socket, remote->user, &door_events,
                                   remote, &error);
        made = remote->door != NULL;
    }
    if (made && !mg_remote_open_routes(remote))
        made = mg_fail(&error, "adapter.routes", "The prefix is served by another instance.");
    if (!made)
        remote->gateway->fail(remote->instance, error.code, error.text);
    return made;
}

void *mg_remote_open(const struct mg_remote_options *options, const struct mg_gateway *gateway,
                     struct mg_instance *instance, const struct mg_instance_facts *facts)
{
    struct mg_remote *remote = mg_allocate_zeroed(1, sizeof *remote);
    remote->options = *options;
    set_standards(&remote->options);
    remote->gateway = gateway;
    remote->instance = instance;
    remote->facts = *facts;
    remote->held_end = &remote->held;
    remote->path = copy(options->process.path);
    remote->user = copy(options->process.user);
    remote->socket = copy(options->process.socket);
    remote->options.process.path = remote->path;
    remote->options.process.user = remote->user;
    remote->options.process.socket = remote->socket;
    if (!make_ways_in(remote)) {
        free_remote(remote);
        return NULL;
    }
    remote->restarts = -1; /* the first start is none */
    be_down(remote, "adapter.starting", "The program of the adapter is being started.");
    start_timer(remote, &remote->deadline, 0, start);
    return remote;
}

void mg_remote_let_go(void *context)
{
    struct mg_remote *remote = context;
    remote->leaving = true;
    if (remote->life == LIFE_AWAITED)
        mg_door_close(remote->door);
    if (remote->life == LIFE_PAUSED || remote->life == LIFE_AWAITED)
        end_timer(remote, &remote->deadline);
    else
        mg_remote_break_off(remote, "adapter.closed",
                            "The instance is being closed, and its program has not ended what it "
                            "began.");
}

/* Says goodbye, if it listens; true if it may take its time to go. */
static bool say_goodbye(struct mg_remote *remote)
{
    if (remote->life != LIFE_READY && remote->life != LIFE_OPENING)
        return false;
    mg_channel_begin(remote->channel, "close");
    mg_channel_send(remote->channel);
    mg_channel_flush(remote->channel, 0);
    return mg_channel_waiting(remote->channel) == 0;
}

void mg_remote_close(void *context)
{
    struct mg_remote *remote = context;
    /* While its last words are said it is ready for nothing any more. */
    bool polite = say_goodbye(remote);
    remote->life = LIFE_PAUSED;
    mg_remote_break_off_deliveries(remote, "adapter.closed", "The instance was closed.");
    mg_remote_break_off_submissions(remote);
    mg_remote_break_off_calls(remote);
    mg_remote_break_off_exchanges(remote);
    mg_remote_break_off_requests(remote);
    if (polite) {
        int stream = mg_channel_detach(remote->channel);
        remote->channel = NULL;
        mg_child_farewell(remote->options.children, remote->child, stream,
                          remote->options.times.close);
        remote->child = NULL;
    }
    end_program(remote);
    free_remote(remote);
}

void mg_remote_state(const void *context, struct mg_remote_state *state)
{
    const struct mg_remote *remote = context;
    *state = (struct mg_remote_state){
        .phase = remote->life == LIFE_READY                                     ? MG_REMOTE_READY
                 : remote->life == LIFE_GREETED || remote->life == LIFE_OPENING ? MG_REMOTE_STARTING
                                                                                : MG_REMOTE_DOWN,
        .code = remote->down.code,
        .text = remote->down.text,
        .restarts = remote->restarts > 0 ? remote->restarts : 0,
        .restarted = remote->restarts > 0 ? remote->restarted : 0,
        .pid = remote->pid,
    };
}
