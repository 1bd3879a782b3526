#include "gateway/operate/desk.h"

#include <stdlib.h>
#include <string.h>

/* ---- the desk ---- */

struct mg_desk *mg_desk_new(const struct mg_operate_options *options)
{
    struct mg_desk *desk = mg_allocate_zeroed(1, sizeof *desk);
    desk->store = options->store;
    desk->audit = options->audit;
    desk->dispatch = options->dispatch;
    desk->background = options->background;
    desk->held = 1;
    return desk;
}

void mg_desk_apply(struct mg_desk *desk, struct mg_config *config)
{
    mg_config_hold(config);
    mg_config_release(desk->config);
    desk->config = config;
}

static void release(struct mg_desk *desk)
{
    if (--desk->held > 0)
        return;
    mg_config_release(desk->config);
    free(desk);
}

bool mg_desk_is_closed(const struct mg_desk *desk)
{
    return !desk->background;
}

const char *mg_desk_destination(const struct mg_desk *desk, const char *name)
{
    const struct mg_config *config = desk->config;
    for (size_t i = 0; config && i < config->destination_count; i++)
        if (strcmp(config->destinations[i].name, name) == 0)
            return config->destinations[i].name;
    return NULL;
}

/* ---- inquiries ---- */

struct mg_inquiry *mg_inquiry_new(struct mg_desk *desk, struct mg_ask *ask, size_t size)
{
    if (desk->underway >= MG_DESK_INQUIRIES) {
        mg_ask_problem(ask, 503, "operate.busy",
                       "Too much is being looked up already; ask again in a moment.");
        return NULL;
    }
    struct mg_inquiry *inquiry = mg_allocate_zeroed(1, size);
    inquiry->desk = desk;
    inquiry->ask = ask;
    desk->underway++;
    desk->held++;
    return inquiry;
}

static bool too_busy(struct mg_inquiry *inquiry)
{
    return mg_fail(&inquiry->error, "operate.busy",
                   "Too much is being looked up already; ask again in a moment.");
}

static void work(struct mg_job *job)
{
    struct mg_inquiry *inquiry = (struct mg_inquiry *)job;
    inquiry->ok = inquiry->work(inquiry);
}

static bool submit(struct mg_inquiry *inquiry)
{
    struct mg_desk *desk = inquiry->desk;
    bool submitted = desk->background && mg_pool_submit(desk->background, &inquiry->job);
    desk->working += submitted;
    return submitted;
}

/* Those that wait have their turn; those that get none, because the background is full or gone, go
 * on as if their work had failed. */
static void give_turns(struct mg_desk *desk)
{
    while (desk->first && (desk->working < MG_DESK_AT_ONCE || mg_desk_is_closed(desk))) {
        struct mg_inquiry *inquiry = desk->first;
        desk->first = inquiry->next;
        if (submit(inquiry))
            continue;
        inquiry->ok = too_busy(inquiry);
        inquiry->done(inquiry);
    }
}

static void done(struct mg_job *job)
{
    struct mg_inquiry *inquiry = (struct mg_inquiry *)job;
    struct mg_desk *desk = inquiry->desk;
    desk->working--;
    desk->held++; /* the inquiry may be the last who has it */
    inquiry->done(inquiry);
    give_turns(desk);
    release(desk);
}

bool mg_inquiry_work(struct mg_inquiry *inquiry, bool (*to_do)(struct mg_inquiry *inquiry),
                     void (*then)(struct mg_inquiry *inquiry))
{
    struct mg_desk *desk = inquiry->desk;
    inquiry->work = to_do;
    inquiry->done = then;
    inquiry->job.work = work;
    inquiry->job.done = done;
    inquiry->next = NULL;
    if (desk->working < MG_DESK_AT_ONCE || mg_desk_is_closed(desk)) {
        /* From then on it is the background's. */
        return submit(inquiry) || (inquiry->ok = too_busy(inquiry));
    }
    if (desk->first)
        desk->last->next = inquiry;
    else
        desk->first = inquiry;
    desk->last = inquiry;
    return true;
}

void mg_inquiry_rest(struct mg_inquiry *inquiry, bool rests)
{
    if (inquiry->rests == rests)
        return;
    inquiry->rests = rests;
    inquiry->desk->underway += rests ? -1u : 1u;
}

void mg_inquiry_end(struct mg_inquiry *inquiry)
{
    struct mg_desk *desk = inquiry->desk;
    mg_inquiry_rest(inquiry, false);
    if (inquiry->clean)
        inquiry->clean(inquiry);
    free(inquiry);
    desk->underway--;
    release(desk);
}

void mg_desk_close(struct mg_desk *desk)
{
    desk->background = NULL;
    give_turns(desk);
    release(desk);
}

void mg_inquiry_fail(struct mg_inquiry *inquiry)
{
    const struct mg_error *error = &inquiry->error;
    bool later = strcmp(error->code, "operate.busy") == 0 ||
                 strncmp(error->code, "store.", strlen("store.")) == 0;
    mg_ask_problem(inquiry->ask, later ? 503 : 500, error->code, "%s", error->text);
    mg_inquiry_end(inquiry);
}

void mg_inquiry_answer(struct mg_inquiry *inquiry, struct mg_buffer *body)
{
    mg_buffer_add_text(body, "\n");
    mg_ask_answer(inquiry->ask, 200, "application/json", body);
    mg_buffer_free(body);
    mg_inquiry_end(inquiry);
}

/* ---- what many need ---- */

bool mg_desk_read_id(struct mg_ask *ask, struct mg_id *id)
{
    if (mg_id_parse(mg_ask_path(ask, "id"), id))
        return true;
    mg_ask_problem(ask, 404, "message.unknown",
                   "That is no id of a message; an id is a UUID that the gateway has given.");
    return false;
}

bool mg_desk_read_hit(struct mg_desk *desk, const struct mg_id *id, struct mg_store_hit *hit,
                      bool *found, struct mg_error *error)
{
    *hit = (struct mg_store_hit){0};
    return mg_store_find(desk->store, id, &hit->message, found, error) &&
           mg_store_deliveries(desk->store, id, &hit->deliveries, &hit->delivery_count, error);
}

bool mg_desk_looked(struct mg_inquiry *inquiry, const struct mg_id *message, const char *what)
{
    struct mg_audit_act act = mg_desk_act(inquiry->ask, "looked");
    act.message = message;
    act.what = what;
    if (mg_audit_looked(inquiry->desk->audit, &act))
        return true;
    mg_ask_problem(inquiry->ask, 429, "access.too-many-looks",
                   "Each look at a message is written to the audit trail, and so nobody may look "
                   "at more than %d in one minute; ask again in the next.",
                   MG_AUDIT_LOOKS);
    mg_inquiry_end(inquiry);
    return false;
}

struct mg_audit_act mg_desk_act(const struct mg_ask *ask, const char *name)
{
    const struct mg_caller *caller = mg_ask_caller(ask);
    return (struct mg_audit_act){
        .act = name, .by = caller->name, .way = caller->way, .why = mg_ask_why(ask)};
}
