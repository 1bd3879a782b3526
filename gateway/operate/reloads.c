#include "gateway/operate/reloads.h"

#include "gateway/base/json.h"
#include "gateway/operate/acts.h"

#include <stdlib.h>
#include <sys/queue.h>

/* Asks that wait at the same time. */
#define WAITING_LIMIT 64

struct waiting {
    LIST_ENTRY(waiting) entry;
    struct mg_ask *ask;
    int64_t number;
};

struct mg_reloads {
    struct mg_reloads_options options;
    LIST_HEAD(waiters, waiting) waiting;
    size_t count;
};

static void write_audit(struct mg_reloads *reloads, struct mg_ask *ask)
{
    const struct mg_caller *caller = mg_ask_caller(ask);
    const struct mg_audit_act act = {
        .act = "reload", .by = caller->name, .way = caller->way, .why = mg_ask_why(ask)};
    mg_audit_act(reloads->options.audit, &act, NULL, NULL);
}

static void tell_stopping(struct mg_ask *ask)
{
    mg_ask_problem(ask, 503, "gateway.stopping",
                   "The gateway stops, or has no room for a reload at this moment.");
}

void mg_reloads_handle(struct mg_ask *ask, void *context)
{
    static const char *const none[] = {NULL};
    struct mg_reloads *reloads = context;
    if (!mg_acts_know(ask, none))
        return;
    if (reloads->count >= WAITING_LIMIT) {
        mg_ask_problem(ask, 503, "operate.busy", "Too many wait for a reload already.");
        return;
    }
    write_audit(reloads, ask);
    int64_t number = reloads->options.begin(reloads->options.context);
    if (number == 0) {
        tell_stopping(ask);
        return;
    }
    struct waiting *waiting = mg_allocate_zeroed(1, sizeof *waiting);
    waiting->ask = ask;
    waiting->number = number;
    LIST_INSERT_HEAD(&reloads->waiting, waiting, entry);
    reloads->count++;
}

static void answer_applied(struct mg_ask *ask, const char *hash)
{
    struct mg_buffer body = {0};
    struct mg_json json = {.buffer = &body};
    mg_json_object(&json, NULL);
    mg_json_text(&json, "configuration", hash);
    mg_json_end_object(&json);
    mg_ask_answer(ask, 200, "application/json", &body);
    mg_buffer_free(&body);
}

static void answer_refused(struct mg_ask *ask, const char *const *problems, size_t count)
{
    struct mg_buffer members = {0};
    struct mg_json json = {.buffer = &members};
    mg_json_list(&json, "problems");
    for (size_t i = 0; i < count; i++)
        mg_json_text(&json, NULL, problems[i]);
    mg_json_end_list(&json);
    mg_ask_problem_with(ask, 422, "reload.refused",
                        "The configuration has mistakes; the former one stays in force.",
                        members.data);
    mg_buffer_free(&members);
}

static void answer(struct mg_ask *ask, const char *hash, const char *const *problems, size_t count)
{
    if (hash)
        answer_applied(ask, hash);
    else if (count > 0)
        answer_refused(ask, problems, count);
    else
        tell_stopping(ask);
}

void mg_reloads_ended(struct mg_reloads *reloads, int64_t number, const char *hash,
                      const char *const *problems, size_t count)
{
    struct waiting *next;
    for (struct waiting *waiting = LIST_FIRST(&reloads->waiting); waiting; waiting = next) {
        next = LIST_NEXT(waiting, entry);
        if (waiting->number > number)
            continue;
        LIST_REMOVE(waiting, entry);
        reloads->count--;
        answer(waiting->ask, hash, problems, count);
        free(waiting);
    }
}

struct mg_reloads *mg_reloads_new(const struct mg_reloads_options *options)
{
    struct mg_reloads *reloads = mg_allocate_zeroed(1, sizeof *reloads);
    reloads->options = *options;
    LIST_INIT(&reloads->waiting);
    return reloads;
}

void mg_reloads_free(struct mg_reloads *reloads)
{
    if (!reloads)
        return;
    mg_reloads_ended(reloads, INT64_MAX, NULL, NULL, 0);
    free(reloads);
}
