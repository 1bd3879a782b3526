/* POST /messages/{id}/retry, /cancel and /move. */
#include "gateway/operate/acts.h"

#include "gateway/base/clock.h"
#include "gateway/operate/message_view.h"
#include "gateway/operate/question.h"
#include "gateway/store/act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "NAME: why", as an event has it. */
#define TEXT_SIZE (MG_STORE_NAME_SIZE + MG_STORE_WHY_SIZE)

struct act {
    struct mg_inquiry inquiry; /* first */
    const char *name;          /* "retry", … */
    struct mg_store_act store;
    char destination[MG_STORE_NAME_SIZE]; /* empty: not said, and to be found */
    char to[MG_STORE_NAME_SIZE];
    char code[MG_ERROR_CODE_SIZE];
    char text[TEXT_SIZE];
    struct mg_buffer line;
    /* How the message looks. */
    struct mg_store_hit hit;
    bool found;
    char by[MG_STORE_NAME_SIZE]; /* who acted on it last */
};

/* ---- the body ---- */

bool mg_acts_know(struct mg_ask *ask, const char *const *members)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)mg_ask_body(ask), name, value)
    {
        bool known = strcmp(name, "why") == 0;
        for (const char *const *member = members; *member && !known; member++)
            known = strcmp(*member, name) == 0;
        if (known)
            continue;
        mg_ask_problem(ask, 400, "act.invalid",
                       "The body has a member that this act does not know: %.60s.", name);
        return false;
    }
    return true;
}

static bool refuse_member(struct mg_ask *ask, const char *name, const char *expected)
{
    mg_ask_problem(ask, 400, "act.invalid", "The member \"%s\" of the body has to be %s.", name,
                   expected);
    return false;
}

/* A name of a destination; without one the room stays empty. */
static bool read_name(struct mg_ask *ask, const char *name, bool required, char *room)
{
    const json_t *value = json_object_get(mg_ask_body(ask), name);
    const char *text = json_string_value(value);
    if ((!value && !required) || (text && *text && strlen(text) < MG_STORE_NAME_SIZE &&
                                  strlen(text) == json_string_length(value))) {
        snprintf(room, MG_STORE_NAME_SIZE, "%s", text ? text : "");
        return true;
    }
    return refuse_member(ask, name, "the name of a destination");
}

static bool read_seen(struct mg_ask *ask, struct mg_store_act *act)
{
    const json_t *seen = json_object_get(mg_ask_body(ask), "seen");
    const char *word = json_string_value(json_object_get(seen, "state"));
    const json_t *attempts = json_object_get(seen, "attempts");
    int state = MG_DELIVERY_STATES;
    for (int i = 0; word && i < MG_DELIVERY_STATES; i++)
        if (strcmp(mg_delivery_words[i], word) == 0)
            state = i;
    json_int_t count = json_is_integer(attempts) ? json_integer_value(attempts) : -1;
    if (state == MG_DELIVERY_STATES || count < 0 || count > INT32_MAX ||
        json_object_size(seen) != 2)
        return refuse_member(
            ask, "seen", "how the delivery looked, such as {\"state\":\"dead\",\"attempts\":3}");
    act->seen_state = (enum mg_delivery_state)state;
    act->seen_attempts = (int)count;
    return true;
}

/* ---- how it went ---- */

static int status_of(const char *code)
{
    if (strcmp(code, "act.unknown") == 0)
        return 404;
    if (strncmp(code, "act.", strlen("act.")) == 0)
        return 409;
    return 503;
}

static const struct mg_store_delivery *find(const struct act *act)
{
    for (size_t i = 0; i < act->hit.delivery_count; i++)
        if (strcmp(act->hit.deliveries[i].destination, act->destination) == 0)
            return &act->hit.deliveries[i];
    return NULL;
}

static void answer_done(struct act *act)
{
    struct mg_buffer body = {0};
    struct mg_json json = {.buffer = &body};
    const struct mg_store_delivery *delivery = act->inquiry.ok && act->found ? find(act) : NULL;
    mg_json_object(&json, NULL);
    if (delivery) {
        mg_view_hit(&json, "message", &act->hit);
        mg_view_delivery(&json, "delivery", delivery);
    } else {
        /* It is done; only nobody could look how it looks now. */
        mg_json_null(&json, "message");
        mg_json_null(&json, "delivery");
    }
    mg_json_end_object(&json);
    mg_inquiry_answer(&act->inquiry, &body);
}

static void answer_refused(struct act *act)
{
    const struct mg_error *error = &act->store.error;
    struct mg_buffer members = {0};
    struct mg_json json = {.buffer = &members};
    const struct mg_store_delivery *delivery = find(act);
    if (delivery) {
        mg_json_object(&json, "now");
        mg_json_text(&json, "state", mg_delivery_words[delivery->state]);
        mg_json_number(&json, "attempts", delivery->attempts);
        mg_json_text_or_null(&json, "by", act->by);
        mg_json_end_object(&json);
    }
    if (act->inquiry.ok && !act->found)
        mg_ask_problem(act->inquiry.ask, 404, "message.unknown",
                       "No message of this id is known here.");
    else
        mg_ask_problem_with(act->inquiry.ask, status_of(error->code), error->code, error->text,
                            members.data);
    mg_buffer_free(&members);
    mg_inquiry_end(&act->inquiry);
}

static void answer(struct mg_inquiry *inquiry)
{
    struct act *act = (struct act *)inquiry;
    if (act->store.ok)
        answer_done(act);
    else
        answer_refused(act);
}

/* Who acted on the delivery last. */
static bool read_actor(struct act *act)
{
    struct mg_store_event *events;
    size_t count;
    if (!mg_store_events(act->inquiry.desk->store, &act->store.message, &events, &count,
                         &act->inquiry.error))
        return false;
    for (size_t i = 0; i < count; i++)
        if (mg_view_is_act(&events[i]) && strcmp(events[i].destination, act->destination) == 0)
            mg_view_actor(events[i].text, act->by);
    free(events);
    return true;
}

static bool look(struct mg_inquiry *inquiry)
{
    struct act *act = (struct act *)inquiry;
    free(act->hit.deliveries);
    return mg_desk_read_hit(inquiry->desk, &act->store.message, &act->hit, &act->found,
                            &inquiry->error) &&
           (act->store.ok || !act->found || read_actor(act));
}

/* ---- the act ---- */

static void acted(struct mg_store_act *store)
{
    struct act *act = store->context;
    struct mg_desk *desk = act->inquiry.desk;
    if (store->ok && !mg_desk_is_closed(desk)) {
        mg_dispatch_hurry(desk->dispatch, act->destination);
        if (store->to)
            mg_dispatch_hurry(desk->dispatch, act->to);
    }
    if (!mg_inquiry_work(&act->inquiry, look, answer))
        answer(&act->inquiry);
}

static void carry_out(struct act *act)
{
    struct mg_store_act *store = &act->store;
    struct mg_audit_act line = mg_desk_act(act->inquiry.ask, act->name);
    line.message = &store->message;
    line.destination = act->destination;
    line.to = act->to;
    mg_audit_write_act(&act->line, &line);
    snprintf(act->code, sizeof act->code, "operator.%s", act->name);
    snprintf(act->text, sizeof act->text, "%s: %s", line.by, line.why);
    store->destination = act->destination;
    store->to = act->to[0] ? act->to : NULL;
    store->now = mg_clock_now();
    store->code = act->code;
    store->text = act->text;
    store->line = act->line.data;
    store->done = acted;
    store->context = act;
    mg_store_act(act->inquiry.desk->store, store);
}

/* Of a message with one delivery nobody has to say which. */
static void choose(struct mg_inquiry *inquiry)
{
    struct act *act = (struct act *)inquiry;
    if (!inquiry->ok) {
        mg_inquiry_fail(inquiry);
    } else if (!act->found) {
        mg_ask_problem(inquiry->ask, 404, "message.unknown",
                       "No message of this id is known here.");
        mg_inquiry_end(inquiry);
    } else if (act->hit.delivery_count != 1) {
        refuse_member(inquiry->ask, "destination",
                      "said: the message has not exactly one delivery");
        mg_inquiry_end(inquiry);
    } else {
        memcpy(act->destination, act->hit.deliveries[0].destination, sizeof act->destination);
        carry_out(act);
    }
}

static void clean(struct mg_inquiry *inquiry)
{
    struct act *act = (struct act *)inquiry;
    free(act->hit.deliveries);
    mg_buffer_free(&act->line);
}

static bool read_body(struct mg_ask *ask, struct mg_desk *desk, bool moves, struct act *act)
{
    static const char *const members[] = {"destination", "seen", "to", NULL};
    static const char *const without_to[] = {"destination", "seen", NULL};
    if (!mg_desk_read_id(ask, &act->store.message) ||
        !mg_acts_know(ask, moves ? members : without_to) || !read_seen(ask, &act->store) ||
        !read_name(ask, "destination", false, act->destination) ||
        (moves && !read_name(ask, "to", true, act->to)))
        return false;
    if (!moves || mg_desk_destination(desk, act->to))
        return true;
    mg_ask_problem(ask, 404, "destination.unknown",
                   "The configuration has no destination of the name in \"to\".");
    return false;
}

static void begin(struct mg_ask *ask, struct mg_desk *desk, enum mg_store_act_kind kind,
                  const char *name)
{
    struct act read = {.name = name, .store.kind = kind};
    if (!read_body(ask, desk, kind == MG_ACT_MOVE, &read))
        return;
    struct mg_inquiry *inquiry = mg_inquiry_new(desk, ask, sizeof(struct act));
    if (!inquiry)
        return;
    struct act *act = (struct act *)inquiry;
    read.inquiry = *inquiry;
    *act = read;
    inquiry->clean = clean;
    if (act->destination[0])
        carry_out(act);
    else if (!mg_inquiry_work(inquiry, look, choose))
        mg_inquiry_fail(inquiry);
}

static void retry(struct mg_ask *ask, void *context)
{
    begin(ask, context, MG_ACT_RETRY, "retry");
}

static void cancel(struct mg_ask *ask, void *context)
{
    begin(ask, context, MG_ACT_CANCEL, "cancel");
}

static void move(struct mg_ask *ask, void *context)
{
    begin(ask, context, MG_ACT_MOVE, "move");
}

struct mg_resources mg_acts_resources(struct mg_desk *desk)
{
    static const struct mg_resource table[] = {
        {"POST", "/messages/{id}/retry", MG_ROLE_OPERATOR, NULL, retry},
        {"POST", "/messages/{id}/cancel", MG_ROLE_OPERATOR, NULL, cancel},
        {"POST", "/messages/{id}/move", MG_ROLE_OPERATOR, NULL, move},
    };
    return (struct mg_resources){table, sizeof table / sizeof *table, desk};
}
