/* Log, counters, state, and how much of all that a program may do unasked. */
#include "gateway/base/clock.h"
#include "gateway/isolation/remote_inside.h"

#include <stdlib.h>
#include <string.h>

/* What may be spent in a second, and at once. A line of the log costs ten. */
#define BUDGET 5000.0
/* Milliseconds for which nothing is read when all is spent. */
#define REST 50

struct remote_counter {
    struct remote_counter *next;
    struct mg_counter *counter;
    char *name;
};

/* ---- the budget ---- */

static void rested(void *context)
{
    struct mg_remote *remote = context;
    remote->rest = NULL;
    mg_channel_pause(remote->channel, false);
}

void mg_remote_spend(struct mg_remote *remote, int cost)
{
    int64_t now = mg_clock_monotonic();
    remote->budget += (double)(now - remote->budget_at) * BUDGET / 1000000;
    remote->budget_at = now;
    if (remote->budget > BUDGET)
        remote->budget = BUDGET;
    remote->budget -= cost;
    if (remote->budget >= 0 || remote->rest)
        return;
    mg_channel_pause(remote->channel, true);
    remote->rest = remote->gateway->timer(remote->instance, REST, rested, remote);
}

/* ---- words ---- */

/* What an operator did, and what a restore, stands in logs and traces below codes of these
 * beginnings: no program can make believe that it was one of them. Of outcomes dispatch sees to it.
 */
static bool is_reserved(const char *code)
{
    static const char *const beginnings[] = {"operator.", "restore."};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(code, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

bool mg_remote_is_code(const char *code)
{
    return mg_error_is_code(code) && !is_reserved(code);
}

static bool is_counter_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= 64 && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

/* ---- handlers ---- */

void mg_remote_on_log(struct mg_remote *remote, struct mg_frame *frame)
{
    static const char *const words[] = {[MG_LEVEL_ERROR] = "error",
                                        [MG_LEVEL_WARNING] = "warning",
                                        [MG_LEVEL_NOTICE] = "notice",
                                        [MG_LEVEL_INFO] = "info",
                                        [MG_LEVEL_DEBUG] = "debug"};
    const char *word = mg_frame_need_text(frame, NULL, "level");
    const char *event = mg_frame_need_text(frame, NULL, "event");
    const char *text = mg_frame_text(frame, NULL, "text");
    const char *message = mg_frame_text(frame, NULL, "message");
    size_t level = 0;
    while (level <= MG_LEVEL_DEBUG && strcmp(words[level], word) != 0)
        level++;
    if (level > MG_LEVEL_DEBUG)
        mg_frame_object_to(frame, "A line of the log has a level that there is not.");
    if (!mg_remote_is_code(event))
        mg_frame_object_to(frame, "The event of a line of the log is no stable word.");
    if (message && strlen(message) > 36)
        mg_frame_object_to(frame, "The id of a message in a line of the log is none.");
    if (!frame->wrong)
        remote->gateway->log(remote->instance, (enum mg_level)level, event, message, text);
}

static struct remote_counter *find_counter(struct mg_remote *remote, const char *name)
{
    struct remote_counter *counter = remote->counters;
    while (counter && strcmp(counter->name, name) != 0)
        counter = counter->next;
    return counter;
}

static struct remote_counter *add_counter(struct mg_remote *remote, const char *name,
                                          const char *help)
{
    struct remote_counter *counter = mg_allocate_zeroed(1, sizeof *counter);
    *counter = (struct remote_counter){
        .next = remote->counters,
        .counter = remote->gateway->counter(remote->instance, name, help),
        .name = mg_copy_text(name),
    };
    remote->counter_count++;
    return remote->counters = counter;
}

void mg_remote_on_count(struct mg_remote *remote, struct mg_frame *frame)
{
    const char *name = mg_frame_need_text(frame, NULL, "counter");
    const char *help = mg_frame_text(frame, NULL, "help");
    int64_t number = mg_frame_need_number(frame, NULL, "number");
    struct remote_counter *counter = find_counter(remote, name);
    if (!is_counter_name(name))
        mg_frame_object_to(frame, "The name of a counter is not lower_case_with_underscores.");
    if (!counter && remote->counter_count >= MG_REMOTE_MOST_COUNTERS)
        mg_frame_object_to(frame, "The adapter has more than %d counters.",
                           MG_REMOTE_MOST_COUNTERS);
    if (!counter && (!help || strlen(help) > 200))
        mg_frame_object_to(frame, "A new counter has no help, or too much of it.");
    if (frame->wrong)
        return;
    if (!counter)
        counter = add_counter(remote, name, help);
    remote->gateway->counter_add(counter->counter, number);
}

void mg_remote_on_state(struct mg_remote *remote, struct mg_frame *frame)
{
    const char *word = mg_frame_need_text(frame, NULL, "state");
    const char *code = mg_frame_text(frame, NULL, "code");
    const char *text = mg_frame_text(frame, NULL, "text");
    bool down = strcmp(word, "down") == 0;
    if (!down && strcmp(word, "ready") != 0)
        mg_frame_object_to(frame, "The state of the adapter is none that there is.");
    if (down && (!code || !text || !mg_remote_is_code(code)))
        mg_frame_object_to(frame, "The adapter is down without a reason.");
    if (frame->wrong)
        return;
    remote->said_down = down;
    mg_fail(&remote->down, down ? code : "", "%s", down ? text : "");
    /* Until it is open it is down anyway. */
    if (mg_remote_is_ready(remote) && remote->gateway->state)
        remote->gateway->state(remote->instance, down ? MG_STATE_DOWN : MG_STATE_READY,
                               down ? remote->down.code : NULL, down ? remote->down.text : NULL);
}

void mg_remote_forget_counters(struct mg_remote *remote)
{
    for (struct remote_counter *next; remote->counters; remote->counters = next) {
        next = remote->counters->next;
        free(remote->counters->name);
        free(remote->counters);
    }
}
