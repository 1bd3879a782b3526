#include "adapters/common/outage.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FIRST_PAUSE   2000 /* milliseconds before a look */
#define LONGEST_PAUSE 30000

static void tell_state(const struct mg_outage *outage)
{
    const struct mg_tasks *tasks = outage->task.tasks;
    const struct mg_gateway *gateway = tasks->gateway;
    if (gateway->size >= offsetof(struct mg_gateway, state) + sizeof gateway->state &&
        gateway->state)
        gateway->state(tasks->instance, outage->down ? MG_STATE_DOWN : MG_STATE_READY,
                       outage->down ? outage->code : NULL, outage->down ? outage->text : NULL);
}

static void look(void *context)
{
    struct mg_outage *outage = context;
    outage->timer = NULL;
    outage->probing = true;
    outage->found_code[0] = '\0';
    mg_task_start(&outage->task);
}

static void work(struct mg_task *task)
{
    struct mg_outage *outage = (struct mg_outage *)task;
    if (outage->probe(outage))
        outage->found_code[0] = '\0';
}

static void done(struct mg_task *task)
{
    struct mg_outage *outage = (struct mg_outage *)task;
    outage->probing = false;
    if (!outage->down)
        return;
    if (outage->found_code[0])
        mg_outage_begin(outage, outage->found_code, outage->found_text);
    else
        mg_outage_end(outage);
}

/* It belongs to the instance. */
static void drop(struct mg_task *task)
{
    (void)task;
}

void mg_outage_open(struct mg_outage *outage, struct mg_tasks *tasks,
                    bool (*probe)(struct mg_outage *outage))
{
    *outage = (struct mg_outage){.task = {.tasks = tasks, .work = work, .done = done, .drop = drop},
                                 .probe = probe,
                                 .pause = FIRST_PAUSE};
}

void mg_outage_begin(struct mg_outage *outage, const char *code, const char *text)
{
    const struct mg_tasks *tasks = outage->task.tasks;
    if (!outage->down || strcmp(outage->code, code) != 0) {
        outage->down = true;
        snprintf(outage->code, sizeof outage->code, "%s", code);
        snprintf(outage->text, sizeof outage->text, "%s", text);
        tasks->gateway->log(tasks->instance, MG_LEVEL_ERROR, outage->code, NULL, outage->text);
        tell_state(outage);
    }
    if (outage->timer || outage->probing)
        return;
    outage->timer = tasks->gateway->timer(tasks->instance, outage->pause, look, outage);
    outage->pause = outage->pause < LONGEST_PAUSE / 2 ? outage->pause * 2 : LONGEST_PAUSE;
}

void mg_outage_end(struct mg_outage *outage)
{
    const struct mg_tasks *tasks = outage->task.tasks;
    if (!outage->down)
        return;
    outage->down = false;
    outage->pause = FIRST_PAUSE;
    if (outage->timer)
        tasks->gateway->timer_cancel(outage->timer);
    outage->timer = NULL;
    tell_state(outage);
}

bool mg_outage_find(struct mg_outage *outage, const char *code, const char *text)
{
    snprintf(outage->found_code, sizeof outage->found_code, "%s", code);
    snprintf(outage->found_text, sizeof outage->found_text, "%s", text);
    return false;
}

void mg_outage_close(struct mg_outage *outage)
{
    if (outage->timer)
        outage->task.tasks->gateway->timer_cancel(outage->timer);
    outage->timer = NULL;
    mg_task_withdraw(&outage->task);
}
