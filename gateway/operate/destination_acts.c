/* POST /destinations/{name}/pause, /resume and /retry-dead. */
#include "gateway/operate/acts.h"

#include "gateway/base/clock.h"
#include "gateway/base/json.h"
#include "gateway/store/act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE (MG_STORE_NAME_SIZE + MG_STORE_WHY_SIZE)

struct act {
    struct mg_inquiry inquiry; /* first */
    char destination[MG_STORE_NAME_SIZE];
    char by[MG_STORE_NAME_SIZE];
    char text[TEXT_SIZE];
    struct mg_buffer line;
    struct mg_store_pausing pausing;
    struct mg_store_revive revival;
    size_t revived;
};

static void clean(struct mg_inquiry *inquiry)
{
    mg_buffer_free(&((struct act *)inquiry)->line);
}

/* NULL: the ask is answered. Inside of a destination that is gone something may still be dead, but
 * nothing would bring it anywhere. */
static struct act *begin(struct mg_ask *ask, struct mg_desk *desk, const char *name)
{
    static const char *const none[] = {NULL};
    const char *destination = mg_desk_destination(desk, mg_ask_path(ask, "name"));
    if (!mg_acts_know(ask, none))
        return NULL;
    if (!destination) {
        mg_ask_problem(ask, 404, "destination.unknown",
                       "The configuration has no destination of this name.");
        return NULL;
    }
    struct act *act = (struct act *)mg_inquiry_new(desk, ask, sizeof *act);
    if (!act)
        return NULL;
    struct mg_audit_act line = mg_desk_act(ask, name);
    act->inquiry.clean = clean;
    snprintf(act->destination, sizeof act->destination, "%s", destination);
    snprintf(act->by, sizeof act->by, "%s", line.by);
    snprintf(act->text, sizeof act->text, "%s: %s", line.by, line.why);
    line.destination = act->destination;
    mg_audit_write_act(&act->line, &line);
    return act;
}

static void fail(struct act *act, const struct mg_error *error)
{
    bool conflict = strcmp(error->code, "act.conflict") == 0;
    mg_ask_problem(act->inquiry.ask, conflict ? 409 : 503, error->code, "%s", error->text);
    mg_inquiry_end(&act->inquiry);
}

/* ---- pause and resume ---- */

static void answer_paused(struct act *act)
{
    const struct mg_store_pausing *pausing = &act->pausing;
    struct mg_buffer body = {0};
    struct mg_json json = {.buffer = &body};
    mg_json_object(&json, NULL);
    mg_json_text(&json, "destination", act->destination);
    if (pausing->resume) {
        mg_json_null(&json, "paused_by");
    } else {
        mg_json_object(&json, "paused_by");
        mg_json_text(&json, "by", pausing->by);
        mg_json_text(&json, "why", pausing->why);
        mg_json_time(&json, "since", pausing->now);
        mg_json_end_object(&json);
    }
    mg_json_end_object(&json);
    mg_inquiry_answer(&act->inquiry, &body);
}

static void paused(struct mg_store_pausing *pausing)
{
    struct act *act = pausing->context;
    struct mg_dispatch *dispatch = act->inquiry.desk->dispatch;
    if (!pausing->ok) {
        fail(act, &pausing->error);
        return;
    }
    /* Of a gateway that ends, the store knows it, and so does the next one. */
    if (mg_desk_is_closed(act->inquiry.desk)) {
        answer_paused(act);
        return;
    }
    if (pausing->resume) {
        mg_dispatch_resume(dispatch, act->destination);
    } else {
        struct mg_store_pause pause = {.since = pausing->now};
        snprintf(pause.destination, sizeof pause.destination, "%s", act->destination);
        snprintf(pause.by, sizeof pause.by, "%s", pausing->by);
        snprintf(pause.why, sizeof pause.why, "%s", pausing->why);
        mg_dispatch_pause(dispatch, &pause);
    }
    answer_paused(act);
}

static void pause_or_resume(struct mg_ask *ask, struct mg_desk *desk, bool resume)
{
    struct act *act = begin(ask, desk, resume ? "resume" : "pause");
    if (!act)
        return;
    act->pausing = (struct mg_store_pausing){
        .destination = act->destination,
        .resume = resume,
        .now = mg_clock_now(),
        .by = act->by,
        .why = mg_ask_why(ask),
        .line = act->line.data,
        .done = paused,
        .context = act,
    };
    mg_store_pausing(desk->store, &act->pausing);
}

static void pause_destination(struct mg_ask *ask, void *context)
{
    pause_or_resume(ask, context, false);
}

static void resume_destination(struct mg_ask *ask, void *context)
{
    pause_or_resume(ask, context, true);
}

/* ---- all that are dead ---- */

static void answer_revived(struct act *act)
{
    struct mg_buffer body = {0};
    struct mg_json json = {.buffer = &body};
    mg_json_object(&json, NULL);
    mg_json_text(&json, "destination", act->destination);
    mg_json_number(&json, "revived", (int64_t)act->revived);
    mg_json_end_object(&json);
    mg_inquiry_answer(&act->inquiry, &body);
}

/* One batch after the other, so that nobody else waits long for the store. */
static void revived(struct mg_store_revive *revival)
{
    struct act *act = revival->context;
    act->revived += revival->revived;
    bool is_closed = mg_desk_is_closed(act->inquiry.desk);
    if (revival->ok && revival->revived > 0 && !is_closed)
        mg_dispatch_hurry(act->inquiry.desk->dispatch, act->destination);
    if (!revival->ok) {
        fail(act, &revival->error);
    } else if (!revival->more || is_closed) {
        answer_revived(act);
    } else {
        revival->after = revival->next;
        revival->line = NULL;
        mg_store_revive(act->inquiry.desk->store, revival);
    }
}

static void retry_dead(struct mg_ask *ask, void *context)
{
    struct mg_desk *desk = context;
    struct act *act = begin(ask, desk, "retry-dead");
    if (!act)
        return;
    int64_t now = mg_clock_now();
    act->revival = (struct mg_store_revive){
        .destination = act->destination,
        .died_by = now,
        .now = now,
        .code = "operator.retry",
        .text = act->text,
        .line = act->line.data,
        .done = revived,
        .context = act,
    };
    mg_store_revive(desk->store, &act->revival);
}

struct mg_resources mg_destination_acts_resources(struct mg_desk *desk)
{
    static const struct mg_resource table[] = {
        {"POST", "/destinations/{name}/pause", MG_ROLE_OPERATOR, NULL, pause_destination},
        {"POST", "/destinations/{name}/resume", MG_ROLE_OPERATOR, NULL, resume_destination},
        {"POST", "/destinations/{name}/retry-dead", MG_ROLE_OPERATOR, NULL, retry_dead},
    };
    return (struct mg_resources){table, sizeof table / sizeof *table, desk};
}
