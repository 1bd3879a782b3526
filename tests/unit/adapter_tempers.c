/*
 * An adapter for the tests of dispatch and its host, loaded as any other. The parameter temper says
 * how a destination behaves:
 *
 *     prompt     completes inside deliver
 *     reads      likewise, after a look at every part of the message
 *     delivers   completes a little later
 *     works      completes after work on another thread
 *     mends      fails twice, then delivers
 *     fails      fails each time
 *     refuses    is permanently unwilling
 *     hangs      completes when it is cancelled, a little later
 *     hurries    completes inside cancel
 *     says CODE  fails with that code, and from the second attempt on delivers with it
 *     says       the same without a code
 *     busy       has work underway from the moment it is opened
 *
 * What must never happen is asserted here: a second cancel, a deadline that is over, a close with
 * something left. How often deliver and cancel were called is counted for the test to wait for.
 */
#include "muengsten/adapter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Compiled a second time, under another name and against the first version of the interface. */
#ifndef ADAPTER_NAME
#define ADAPTER_NAME "adapter_tempers"
#endif

unsigned tempers_begun, tempers_cancelled;

struct state {
    const struct mg_gateway *gateway;
    struct mg_instance *instance;
    const char *temper;
    struct task *tasks;
    bool working;
};

/* A delivery that is not completed yet. */
struct task {
    struct task *next;
    struct state *state;
    struct mg_delivery *delivery;
    bool cancelled;
};

static void complete_with(struct state *state, struct mg_delivery *delivery,
                          enum mg_outcome_kind kind, const char *code)
{
    const struct mg_outcome outcome = {
        .size = sizeof outcome, .kind = kind, .code = code, .text = "The test wants it so."};
    state->gateway->delivery_done(delivery, &outcome);
}

static void complete(struct state *state, struct mg_delivery *delivery, enum mg_outcome_kind kind)
{
    static const char *const codes[] = {
        [MG_DELIVERED] = NULL, [MG_TEMPORARY] = "test.later", [MG_PERMANENT] = "test.never"};
    complete_with(state, delivery, kind, codes[kind]);
}

static void say(struct state *state, struct mg_delivery *delivery)
{
    const char *code = state->temper[4] ? state->temper + 5 : NULL;
    bool first = state->gateway->delivery_attempt(delivery) == 1;
    complete_with(state, delivery, first ? MG_TEMPORARY : MG_DELIVERED, code);
}

static void end(struct task *task, enum mg_outcome_kind kind)
{
    struct state *state = task->state;
    struct mg_delivery *delivery = task->delivery;
    struct task **link = &state->tasks;
    while (*link != task)
        link = &(*link)->next;
    *link = task->next;
    free(task);
    complete(state, delivery, kind);
}

static void deliver_now(void *context)
{
    end(context, MG_DELIVERED);
}

static void give_up_now(void *context)
{
    end(context, MG_TEMPORARY);
}

/* Reads the document as an adapter on another thread may. */
static void read_document(void *context)
{
    struct task *task = context;
    char bytes[16];
    ssize_t length = task->state->gateway->delivery_read(task->delivery, MG_MESSAGE_DOCUMENT, 0,
                                                         bytes, sizeof bytes);
    assert(length == 4 && memcmp(bytes, "<a/>", 4) == 0);
    /* What is not in memory may be waited for here. */
    if (task->state->gateway->delivery_message(task->delivery)->attachments > 0) {
        length = task->state->gateway->delivery_read(task->delivery, MG_MESSAGE_ATTACHMENT, 0,
                                                     bytes, sizeof bytes);
        assert(length == 6 && memcmp(bytes, "a plan", 6) == 0);
    }
    (void)length;
}

/* A part as the test has stored it. */
static void check_part(struct state *state, struct mg_delivery *delivery, int part,
                       const char *content, const char *media_type, const char *name)
{
    struct mg_part_facts facts = {.size = sizeof facts};
    char bytes[64];
    const struct mg_gateway *gateway = state->gateway;
    gateway->delivery_part(delivery, part, &facts);
    assert(facts.size == sizeof facts && facts.length == (int64_t)strlen(content));
    assert(strcmp(facts.media_type, media_type) == 0 && strcmp(facts.name, name) == 0);
    ssize_t length = gateway->delivery_read(delivery, part, 0, bytes, sizeof bytes);
    assert(length == facts.length && memcmp(bytes, content, (size_t)length) == 0);
    length = gateway->delivery_read(delivery, part, facts.length - 1, bytes, sizeof bytes);
    assert(length == 1 && bytes[0] == content[strlen(content) - 1]);
    assert(gateway->delivery_read(delivery, part, facts.length, bytes, sizeof bytes) == 0);
    assert(gateway->delivery_read(delivery, part, -1, bytes, sizeof bytes) == -1);
    (void)length;
}

static void read_everything(struct state *state, struct mg_delivery *delivery)
{
    struct mg_part_facts none = {.size = sizeof none};
    const struct mg_message_facts *message = state->gateway->delivery_message(delivery);
    assert(message->attachments == 2);
    check_part(state, delivery, MG_MESSAGE_DOCUMENT, "<a/>", "application/xml", "");
    check_part(state, delivery, MG_MESSAGE_SEAL, "<s/>", "application/xml", "");
    check_part(state, delivery, MG_MESSAGE_ATTACHMENT, "a plan", "application/pdf", "plan.pdf");
    check_part(state, delivery, MG_MESSAGE_ATTACHMENT + 1, "a map", "image/png", "map.png");
    state->gateway->delivery_part(delivery, MG_MESSAGE_ATTACHMENT + 2, &none);
    assert(none.length == -1);
    state->gateway->delivery_part(delivery, MG_MESSAGE_ORIGINAL, &none);
    assert(none.length == -1);
    complete(state, delivery, MG_DELIVERED);
}

static struct task *add_task(struct state *state, struct mg_delivery *delivery)
{
    struct task *task = calloc(1, sizeof *task);
    assert(task);
    *task = (struct task){.next = state->tasks, .state = state, .delivery = delivery};
    return state->tasks = task;
}

static void deliver(void *context, struct mg_delivery *delivery)
{
    struct state *state = context;
    const struct mg_gateway *gateway = state->gateway;
    const char *temper = state->temper;
    tempers_begun++;
    assert(gateway->delivery_deadline(delivery) > 0 && gateway->delivery_attempt(delivery) > 0);
    if (strcmp(temper, "prompt") == 0)
        complete(state, delivery, MG_DELIVERED);
    else if (strcmp(temper, "reads") == 0)
        read_everything(state, delivery);
    else if (strcmp(temper, "refuses") == 0)
        complete(state, delivery, MG_PERMANENT);
    else if (strcmp(temper, "fails") == 0)
        complete(state, delivery, MG_TEMPORARY);
    else if (strcmp(temper, "mends") == 0)
        complete(state, delivery,
                 gateway->delivery_attempt(delivery) < 3 ? MG_TEMPORARY : MG_DELIVERED);
    else if (strncmp(temper, "says", 4) == 0)
        say(state, delivery);
    else if (strcmp(temper, "works") == 0 &&
             gateway->work(state->instance, read_document, deliver_now, add_task(state, delivery)))
        return;
    else if (strcmp(temper, "delivers") == 0)
        gateway->timer(state->instance, 1, deliver_now, add_task(state, delivery));
    else
        add_task(state, delivery);
}

static void cancel(void *context, struct mg_delivery *delivery)
{
    struct state *state = context;
    struct task *task = state->tasks;
    while (task && task->delivery != delivery)
        task = task->next;
    assert(task && !task->cancelled);
    tempers_cancelled++;
    task->cancelled = true;
    if (strcmp(state->temper, "hangs") == 0)
        state->gateway->timer(state->instance, 100, give_up_now, task);
    else if (strcmp(state->temper, "hurries") == 0)
        end(task, MG_TEMPORARY);
}

static void be_busy(void *context)
{
    (void)context;
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
}

/* Asks for more, which is refused when the instances close. */
static void be_busy_again(void *context)
{
    struct state *state = context;
    state->working = state->gateway->work(state->instance, be_busy, be_busy_again, state);
}

static void *open_instance(const struct mg_gateway *gateway, struct mg_instance *instance,
                           const struct mg_instance_facts *facts)
{
    struct state *state = calloc(1, sizeof *state);
    assert(state && facts->is_destination);
    *state = (struct state){
        .gateway = gateway,
        .instance = instance,
        .temper = gateway->parameter_text(instance, "temper"),
    };
    if (strcmp(state->temper, "busy") == 0)
        be_busy_again(state);
    return state;
}

static void close_instance(void *context)
{
    struct state *state = context;
    assert(!state->tasks && !state->working);
    free(state);
}

static const struct mg_parameter parameters[] = {
    {.name = "temper",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_DESTINATION,
     .required = true,
     .description = "How the destination behaves."},
};

static const struct mg_adapter adapter = {
    .size = sizeof adapter,
    .abi = MG_ADAPTER_ABI,
    .name = ADAPTER_NAME,
    .version = "1",
    .abilities = MG_CAN_TAKE,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .open = open_instance,
    .close = close_instance,
    .deliver = deliver,
    .cancel = cancel,
};

const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi)
{
    return gateway_abi >= MG_ADAPTER_ABI ? &adapter : NULL;
}
