#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/dispatch/box.h"
#include "tests/unit/dispatch_world.h"
#include "tests/unit/unit.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 3
#define ROOM    4 /* jobs that may wait for the workers */
#define GIVE_UP 100000

/* One box, whose adapter lets the test ask in its name (adapter_boxes.c). */
static void *adapter;
static const struct mg_gateway *gateway;
static struct mg_instance **instance;

/* What came of a question. */
struct answer {
    int ended;
    struct mg_delivery *delivery;
    char code[MG_ERROR_CODE_SIZE];
    size_t listed;
    char next[64];
};

static void find_adapter(void)
{
    adapter = dlopen(MG_ADAPTERS_OF_TESTS "/adapter_boxes.so", RTLD_NOW | RTLD_NOLOAD);
    CU_ASSERT_PTR_NOT_NULL_FATAL(adapter);
    const struct mg_gateway **found = dlsym(adapter, "boxes_gateway");
    instance = dlsym(adapter, "boxes_instance");
    CU_ASSERT_FATAL(found && *found && instance && *instance);
    gateway = *found;
}

static void start(struct world *world)
{
    static const struct mg_config_partner reader = {.name = "reader"};
    const struct mg_config_destination destination = {
        .name = "box",
        .adapter = "adapter_boxes",
        .process = {.isolation = MG_ISOLATION_NONE},
        .seal = MG_SEAL_DETACHED,
        .concurrency = AT_ONCE,
        .timeout = 20000,
        .retry = {.give_up = GIVE_UP},
        .listener = "cities",
        .partner = &reader,
    };
    world_start(world, &destination, ROOM);
    find_adapter();
}

static void stop(struct world *world)
{
    world_stop(world);
    CU_ASSERT_PTR_NULL(*instance);
    dlclose(adapter);
}

/* Runs the loop until so many answers have come in all, as long as patience lasts. */
static bool run_until(struct world *world, const struct answer *answers, size_t count, int wanted)
{
    int64_t end = mg_clock_monotonic() + unit_patience(10000) * 1000;
    int ended = 0;
    do {
        event_base_loop(world->base, EVLOOP_ONCE);
        ended = 0;
        for (size_t i = 0; i < count; i++)
            ended += answers[i].ended;
    } while (ended < wanted && mg_clock_monotonic() < end);
    return ended == wanted;
}

/* ---- messages ---- */

static void put_messages(struct world *world, size_t count)
{
    for (size_t i = 0; i < count; i++)
        world_accept(world, mg_clock_now(), 3);
}

/* ---- questions ---- */

static void note_refusal(struct answer *answer, const struct mg_refusal *refusal)
{
    answer->ended++;
    if (refusal)
        snprintf(answer->code, sizeof answer->code, "%s", refusal->code);
}

static void taken(struct mg_delivery *delivery, const struct mg_refusal *refusal, void *context)
{
    struct answer *answer = context;
    answer->delivery = delivery;
    note_refusal(answer, refusal);
}

static void settled(const struct mg_refusal *refusal, void *context)
{
    note_refusal(context, refusal);
}

static void listed(const struct mg_box_list *list, void *context)
{
    struct answer *answer = context;
    answer->listed = list->count;
    snprintf(answer->next, sizeof answer->next, "%s", list->next ? list->next : "");
    note_refusal(answer, list->refusal);
}

static bool ask_take(struct answer *answer)
{
    *answer = (struct answer){0};
    return gateway->box_take(*instance, NULL, 60000, taken, answer);
}

static struct mg_delivery *take(struct world *world)
{
    struct answer answer;
    CU_ASSERT_FATAL(ask_take(&answer));
    CU_ASSERT_EQUAL(answer.ended, 0); /* later, and never from inside the question */
    CU_ASSERT(run_until(world, &answer, 1, 1));
    return answer.delivery;
}

static bool is_message(struct world *world, struct mg_delivery *delivery, size_t number)
{
    char id[MG_ID_TEXT_SIZE];
    mg_id_text(&world->messages[number], id);
    return delivery && strcmp(gateway->delivery_message(delivery)->id, id) == 0;
}

static void settle(struct world *world, struct mg_delivery *delivery, enum mg_settlement settlement,
                   const char *code)
{
    struct answer answer = {0};
    CU_ASSERT_FATAL(gateway->box_settle(*instance, gateway->delivery_message(delivery)->id,
                                        gateway->box_claim(delivery), settlement, settled,
                                        &answer));
    CU_ASSERT(run_until(world, &answer, 1, 1));
    CU_ASSERT_STRING_EQUAL(answer.code, code);
}

static void a_message_is_taken_read_settled_and_gone(void)
{
    struct world world;
    start(&world);
    put_messages(&world, 2);
    struct mg_delivery *delivery = take(&world);
    CU_ASSERT_FATAL(is_message(&world, delivery, 0));
    char bytes[8];
    CU_ASSERT_EQUAL(gateway->delivery_read(delivery, MG_MESSAGE_DOCUMENT, 0, bytes, sizeof bytes),
                    4);
    CU_ASSERT_EQUAL(gateway->delivery_attempt(delivery), 1);
    int64_t deadline = gateway->delivery_deadline(delivery);
    CU_ASSERT(deadline > 0 && deadline <= 60000);
    struct mg_box_facts facts = {.size = sizeof facts};
    gateway->box_facts(*instance, &facts);
    CU_ASSERT(facts.waiting == 2 && facts.taken == 1 && facts.bytes == 8 && facts.oldest > 0);
    settle(&world, delivery, MG_COLLECTED, "");
    settle(&world, delivery, MG_COLLECTED, "");
    settle(&world, delivery, MG_RETURNED, "box.lost");
    gateway->box_close(delivery);
    CU_ASSERT_EQUAL(world_delivery(&world, 0).state, MG_DELIVERY_COLLECTED);
    CU_ASSERT_EQUAL(world_delivery(&world, 1).state, MG_DELIVERY_WAITING);
    stop(&world);
}

static void an_older_adapter_is_told_no_more_than_it_knows(void)
{
    struct world world;
    start(&world);
    put_messages(&world, 1);
    struct mg_box_facts facts = {.size = offsetof(struct mg_box_facts, bytes), .bytes = -7};
    gateway->box_facts(*instance, &facts);
    CU_ASSERT_EQUAL(facts.size, offsetof(struct mg_box_facts, bytes));
    CU_ASSERT(facts.waiting == 1 && facts.bytes == -7);
    stop(&world);
}

static void
no_more_messages_are_in_memory_than_the_destination_says_and_the_others_get_their_turn(void)
{
    struct world world;
    struct answer answers[8];
    start(&world);
    put_messages(&world, 8);
    for (size_t i = 0; i < 8; i++)
        CU_ASSERT(ask_take(&answers[i]));
    CU_ASSERT(run_until(&world, answers, 8, AT_ONCE));
    world_run_for(&world, 30);
    for (size_t i = 0; i < 8; i++) {
        CU_ASSERT(run_until(&world, answers, i + 1, (int)i + 1));
        CU_ASSERT(is_message(&world, answers[i].delivery, i));
        CU_ASSERT_EQUAL(answers[i].ended, 1);
        if (i + AT_ONCE < 8)
            CU_ASSERT_EQUAL(answers[i + AT_ONCE].ended, 0);
        gateway->box_close(answers[i].delivery);
    }
    stop(&world);
}

static void whoever_asks_too_much_at_once_is_told(void)
{
    static struct answer answers[MG_BOX_QUESTIONS];
    struct answer more;
    struct world world;
    start(&world);
    for (size_t i = 0; i < MG_BOX_QUESTIONS; i++)
        CU_ASSERT(ask_take(&answers[i]));
    CU_ASSERT_FALSE(ask_take(&more));
    CU_ASSERT_FALSE(gateway->box_settle(*instance, "x", "1", MG_COLLECTED, settled, &more));
    CU_ASSERT_FALSE(gateway->box_list(*instance, NULL, 10, listed, &more));
    CU_ASSERT(run_until(&world, answers, MG_BOX_QUESTIONS, MG_BOX_QUESTIONS));
    CU_ASSERT_PTR_NULL(take(&world));
    stop(&world);
}

/* ---- what goes wrong ---- */

struct gate {
    struct mg_job job; /* first */
    pthread_mutex_t *lock;
};

static void wait_at_gate(struct mg_job *job)
{
    pthread_mutex_lock(((struct gate *)job)->lock);
    pthread_mutex_unlock(((struct gate *)job)->lock);
}

static void pass_gate(struct mg_job *job)
{
    (void)job;
}

static void what_the_workers_have_no_place_for_goes_back_into_the_box(void)
{
    struct world world;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct gate gates[WORLD_WORKERS + ROOM];
    struct answer answer;
    start(&world);
    put_messages(&world, 1);
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < WORLD_WORKERS + ROOM;) {
        gates[i] = (struct gate){{.work = wait_at_gate, .done = pass_gate}, &lock};
        i += mg_pool_submit(world.workers, &gates[i].job);
    }
    CU_ASSERT_FALSE(gateway->box_list(*instance, NULL, 10, listed, &answer));
    CU_ASSERT(ask_take(&answer));
    CU_ASSERT(run_until(&world, &answer, 1, 1));
    CU_ASSERT_PTR_NULL(answer.delivery);
    CU_ASSERT_STRING_EQUAL(answer.code, "gateway.overloaded");
    CU_ASSERT_EQUAL(world_delivery(&world, 0).state, MG_DELIVERY_WAITING);
    pthread_mutex_unlock(&lock);
    /* The workers may need a moment to get rid of the gates. */
    struct mg_delivery *delivery = NULL;
    int64_t end = mg_clock_monotonic() + unit_patience(10000) * 1000;
    while (!delivery && mg_clock_monotonic() < end)
        delivery = take(&world);
    CU_ASSERT_PTR_NOT_NULL_FATAL(delivery);
    gateway->box_close(delivery);
    stop(&world);
}

static void a_message_that_cannot_be_read_holds_nobody_up(void)
{
    struct world world;
    struct answer answer;
    start(&world);
    world_accept(&world, mg_clock_now(), 1);
    put_messages(&world, 1);
    CU_ASSERT(ask_take(&answer));
    CU_ASSERT(run_until(&world, &answer, 1, 1));
    CU_ASSERT_PTR_NULL(answer.delivery);
    CU_ASSERT_STRING_EQUAL(answer.code, "store.no-such-part");
    struct mg_delivery *delivery = take(&world);
    CU_ASSERT_FATAL(is_message(&world, delivery, 1));
    gateway->box_close(delivery);
    stop(&world);
}

static void ids_claims_and_places_that_are_none_are_answered_and_not_obeyed(void)
{
    static const char *const claims[] = {
        "", "0", "2", "-1", "1 ", " 1", "1x", "99999999999999999999", "4294967297"};
    static const char *const places[] = {"", "1", "-", "1-", "-1", "1-2-", "x-1", "1-x"};
    struct world world;
    struct answer answer = {0};
    char id[MG_ID_TEXT_SIZE];
    start(&world);
    put_messages(&world, 1);
    struct mg_delivery *delivery = take(&world);
    CU_ASSERT_PTR_NOT_NULL_FATAL(delivery);
    mg_id_text(&world.messages[0], id);
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        answer = (struct answer){0};
        CU_ASSERT(gateway->box_settle(*instance, id, claims[i], MG_COLLECTED, settled, &answer));
        CU_ASSERT(run_until(&world, &answer, 1, 1));
        CU_ASSERT_STRING_EQUAL(answer.code, "box.lost");
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        answer = (struct answer){0};
        CU_ASSERT(gateway->box_list(*instance, places[i], 10, listed, &answer));
        CU_ASSERT(run_until(&world, &answer, 1, 1));
        CU_ASSERT_STRING_EQUAL(answer.code, "box.place");
    }
    id[35] = 'g';
    answer = (struct answer){0};
    CU_ASSERT(gateway->box_settle(*instance, id, "1", MG_COLLECTED, settled, &answer));
    CU_ASSERT(run_until(&world, &answer, 1, 1));
    CU_ASSERT_STRING_EQUAL(answer.code, "box.unknown");
    settle(&world, delivery, MG_COLLECTED, "");
    gateway->box_close(delivery);
    stop(&world);
}

static void a_list_goes_on_where_the_one_before_ended(void)
{
    struct world world;
    struct answer answer = {0};
    start(&world);
    put_messages(&world, 5);
    CU_ASSERT(gateway->box_list(*instance, NULL, 3, listed, &answer));
    CU_ASSERT(run_until(&world, &answer, 1, 1));
    CU_ASSERT_EQUAL(answer.listed, 3);
    struct answer rest = {0};
    CU_ASSERT(gateway->box_list(*instance, answer.next, 3, listed, &rest));
    CU_ASSERT(run_until(&world, &rest, 1, 1));
    CU_ASSERT_EQUAL(rest.listed, 2);
    CU_ASSERT_STRING_EQUAL(rest.next, "");
    stop(&world);
}

/* ---- the end of an instance ---- */

static void a_box_that_is_removed_answers_what_was_asked_and_closes_after_the_last_message(void)
{
    struct world world;
    struct answer answers[AT_ONCE + 2];
    start(&world);
    put_messages(&world, AT_ONCE + 2);
    for (size_t i = 0; i < AT_ONCE + 2; i++)
        CU_ASSERT(ask_take(&answers[i]));
    world.snapshot->config.destination_count = 0;
    world_apply(&world);
    CU_ASSERT(run_until(&world, answers, AT_ONCE + 2, AT_ONCE));
    CU_ASSERT_PTR_NOT_NULL(*instance);
    for (size_t i = 0; i < AT_ONCE + 2; i++) {
        CU_ASSERT(run_until(&world, answers, i + 1, (int)i + 1));
        CU_ASSERT_PTR_NOT_NULL_FATAL(answers[i].delivery);
        CU_ASSERT_PTR_NOT_NULL(*instance);
        gateway->box_close(answers[i].delivery);
    }
    world_run_for(&world, 30);
    CU_ASSERT_PTR_NULL(*instance);
    stop(&world);
}

static void a_host_that_ends_waits_for_the_questions_that_are_underway(void)
{
    struct world world;
    struct answer answers[3] = {{0}};
    start(&world);
    put_messages(&world, 1);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT(gateway->box_list(*instance, NULL, 10, listed, &answers[i]));
    stop(&world);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT(answers[i].ended == 1 && answers[i].listed == 1);
}

/* ---- what nobody collects ---- */

static void begin_dispatch(struct world *world)
{
    world_make_dispatch(world);
    mg_dispatch_begin(world->dispatch);
}

static bool waits(struct world *world, int64_t number)
{
    struct mg_store_queue queue;
    int64_t end = mg_clock_monotonic() + unit_patience(10000) * 1000;
    do {
        event_base_loop(world->base, EVLOOP_ONCE);
        mg_store_queue(world->store, "box", &queue);
    } while (queue.waiting != number && mg_clock_monotonic() < end);
    world_run_for(world, 30);
    mg_store_queue(world->store, "box", &queue);
    return queue.waiting == number;
}

static void what_is_too_old_is_given_up_however_much_it_is_and_nothing_younger(void)
{
    struct world world;
    start(&world);
    for (size_t i = 0; i < 150; i++)
        world_accept(&world, mg_clock_now() - GIVE_UP - 1000, 3);
    put_messages(&world, 10);
    begin_dispatch(&world);
    CU_ASSERT(waits(&world, 10));
    for (size_t i = 0; i < 160; i++) {
        struct mg_store_delivery delivery = world_delivery(&world, i);
        CU_ASSERT_EQUAL(delivery.state, i < 150 ? MG_DELIVERY_DEAD : MG_DELIVERY_WAITING);
        CU_ASSERT_STRING_EQUAL(delivery.last_code, i < 150 ? "mailbox.not-collected" : "");
        CU_ASSERT_EQUAL(delivery.attempts, 0);
    }
    stop(&world);
}

static void
what_becomes_too_old_is_given_up_when_it_does_and_what_is_taken_when_its_lease_ends(void)
{
    struct world world;
    struct answer answer = {0};
    start(&world);
    world_accept(&world, mg_clock_now() - GIVE_UP + 300, 3);
    world_accept(&world, mg_clock_now() - GIVE_UP + 301, 3);
    put_messages(&world, 1);
    CU_ASSERT(gateway->box_take(*instance, NULL, 900, taken, &answer));
    CU_ASSERT(run_until(&world, &answer, 1, 1));
    gateway->box_close(answer.delivery);
    int64_t begun = mg_clock_now();
    begin_dispatch(&world);
    CU_ASSERT(waits(&world, 2));
    CU_ASSERT_EQUAL(world_delivery(&world, 1).state, MG_DELIVERY_DEAD);
    CU_ASSERT(waits(&world, 1));
    CU_ASSERT_EQUAL(world_delivery(&world, 0).state, MG_DELIVERY_DEAD);
    CU_ASSERT_EQUAL(world_delivery(&world, 0).attempts, 1);
    CU_ASSERT(world_delivery(&world, 0).ended >= begun);
    CU_ASSERT_EQUAL(world_delivery(&world, 2).state, MG_DELIVERY_WAITING);
    stop(&world);
}

static void a_message_that_comes_later_is_given_up_in_its_time(void)
{
    struct world world;
    start(&world);
    world.destination.retry.give_up = 200;
    begin_dispatch(&world);
    world_run_for(&world, 20);
    put_messages(&world, 1);
    mg_dispatch_wake(world.dispatch, "box");
    world_run_for(&world, 20);
    CU_ASSERT(waits(&world, 0));
    struct mg_store_delivery delivery = world_delivery(&world, 0);
    CU_ASSERT_EQUAL(delivery.state, MG_DELIVERY_DEAD);
    CU_ASSERT(delivery.ended - delivery.received >= 200);
    stop(&world);
}

static void what_is_due_while_the_adapter_is_down_is_given_up_when_it_is_ready(void)
{
    struct world world;
    start(&world);
    world_accept(&world, mg_clock_now() - GIVE_UP + 100, 3);
    begin_dispatch(&world);
    world_run_for(&world, 20);
    gateway->state(*instance, MG_STATE_DOWN, "test.down", "It is down.");
    world_run_for(&world, 200);
    CU_ASSERT_EQUAL(world_delivery(&world, 0).state, MG_DELIVERY_WAITING);
    gateway->state(*instance, MG_STATE_READY, NULL, NULL);
    mg_dispatch_wake(world.dispatch, "box");
    CU_ASSERT(waits(&world, 0));
    CU_ASSERT_EQUAL(world_delivery(&world, 0).state, MG_DELIVERY_DEAD);
    stop(&world);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_message_is_taken_read_settled_and_gone),
        UNIT_TEST(an_older_adapter_is_told_no_more_than_it_knows),
        UNIT_TEST(
            no_more_messages_are_in_memory_than_the_destination_says_and_the_others_get_their_turn),
        UNIT_TEST(whoever_asks_too_much_at_once_is_told),
        UNIT_TEST(what_the_workers_have_no_place_for_goes_back_into_the_box),
        UNIT_TEST(a_message_that_cannot_be_read_holds_nobody_up),
        UNIT_TEST(ids_claims_and_places_that_are_none_are_answered_and_not_obeyed),
        UNIT_TEST(a_list_goes_on_where_the_one_before_ended),
        UNIT_TEST(a_box_that_is_removed_answers_what_was_asked_and_closes_after_the_last_message),
        UNIT_TEST(a_host_that_ends_waits_for_the_questions_that_are_underway),
        UNIT_TEST(what_is_too_old_is_given_up_however_much_it_is_and_nothing_younger),
        UNIT_TEST(
            what_becomes_too_old_is_given_up_when_it_does_and_what_is_taken_when_its_lease_ends),
        UNIT_TEST(a_message_that_comes_later_is_given_up_in_its_time),
        UNIT_TEST(what_is_due_while_the_adapter_is_down_is_given_up_when_it_is_ready),
    };
    mg_log_set_level(MG_LOG_ERROR);
    return unit_run("dispatch_boxes", tests, sizeof tests / sizeof *tests);
}
