#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "tests/unit/dispatch_office.h"
#include "tests/unit/unit.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 40

/* How often the adapter was told to deliver and to cancel. */
static unsigned *begun, *cancelled;

/* The host has loaded the adapter. */
static void find_counts(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.so", MG_ADAPTERS_OF_TESTS, name);
    void *adapter = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    CU_ASSERT_PTR_NOT_NULL_FATAL(adapter);
    begun = dlsym(adapter, "tempers_begun");
    cancelled = dlsym(adapter, "tempers_cancelled");
    CU_ASSERT_FATAL(begun && cancelled);
    *begun = *cancelled = 0;
    dlclose(adapter);
}

static void start_where(struct world *world, enum mg_isolation isolation, const char *adapter,
                        const char *temper)
{
    office_start(world, isolation, adapter, temper);
    if (isolation == MG_ISOLATION_NONE)
        find_counts(adapter);
}

static void start_with(struct world *world, const char *adapter, const char *temper)
{
    start_where(world, MG_ISOLATION_NONE, adapter, temper);
}

static void start(struct world *world, const char *temper)
{
    start_with(world, OFFICE_ADAPTER, temper);
}

/* ---- messages ---- */

static void accept_with(struct world *world, size_t parts)
{
    office_accept(world, mg_clock_now(), parts);
}

static void accept_messages(struct world *world, size_t count)
{
    for (size_t i = 0; i < count; i++)
        accept_with(world, 3);
}

/* How often that was recorded of the message. */
static int events_of(struct world *world, size_t number, const char *code)
{
    struct mg_store_event *events;
    size_t count;
    int found = 0;
    CU_ASSERT_FATAL(mg_store_events(world->store, &world->messages[number], &events, &count, NULL));
    for (size_t i = 0; i < count; i++)
        found += strcmp(events[i].code, code) == 0;
    free(events);
    return found;
}

static bool some_have_not_begun(struct world *world)
{
    return *begun < world->count;
}

static bool some_are_not_cancelled(struct world *world)
{
    return *cancelled < world->count;
}

/* Every message has ended so, once, after so many attempts, each of which left its event. */
static void all_ended(struct world *world, enum mg_delivery_state state, int attempts)
{
    for (size_t i = 0; i < world->count; i++) {
        struct mg_store_delivery delivery = world_delivery(world, i);
        CU_ASSERT_EQUAL(delivery.state, state);
        CU_ASSERT_EQUAL(delivery.attempts, attempts);
        CU_ASSERT_EQUAL(events_of(world, i, "delivered") + events_of(world, i, "dead"), 1);
        CU_ASSERT_EQUAL(events_of(world, i, "test.later"), attempts - 1);
    }
}

static void deliver_many(const char *temper, enum mg_delivery_state state, int attempts)
{
    struct world world;
    start(&world, temper);
    accept_messages(&world, MANY / 2);
    mg_dispatch_begin(world.dispatch);
    accept_messages(&world, MANY / 2);
    CU_ASSERT(world_run_while(&world, office_has_open));
    all_ended(&world, state, attempts);
    world_stop(&world);
}

static void an_adapter_reads_every_part_of_a_message_with_its_attachments(void)
{
    struct world world;
    start(&world, "reads");
    mg_dispatch_begin(world.dispatch);
    accept_with(&world, 5);
    CU_ASSERT(world_run_while(&world, office_has_open));
    all_ended(&world, MG_DELIVERY_DELIVERED, 1);
    world_stop(&world);
}

/* What the shared object says of itself, which is loaded. */
static unsigned abi_of(const char *path)
{
    mg_adapter_entry_function entry;
    void *adapter = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    CU_ASSERT_PTR_NOT_NULL_FATAL(adapter);
    *(void **)&entry = dlsym(adapter, "mg_adapter_entry");
    CU_ASSERT_FATAL(entry != NULL);
    unsigned abi = entry(MG_ADAPTER_ABI)->abi;
    dlclose(adapter);
    return abi;
}

/* adapter_older.so is compiled against tests/abi/1, the header as its first version was. */
static void an_adapter_made_for_the_first_version_of_the_interface_works(void)
{
    static const struct {
        const char *temper;
        enum mg_delivery_state state;
        int attempts;
        size_t parts;
    } cases[] = {
        {"prompt", MG_DELIVERY_DELIVERED, 1, 3}, {"delivers", MG_DELIVERY_DELIVERED, 1, 3},
        {"works", MG_DELIVERY_DELIVERED, 1, 3},  {"reads", MG_DELIVERY_DELIVERED, 1, 5},
        {"mends", MG_DELIVERY_DELIVERED, 3, 3},  {"refuses", MG_DELIVERY_DEAD, 1, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        start_with(&world, "adapter_older", cases[i].temper);
        CU_ASSERT_EQUAL(abi_of(MG_ADAPTERS_OF_TESTS "/adapter_older.so"), 1);
        mg_dispatch_begin(world.dispatch);
        accept_with(&world, cases[i].parts);
        CU_ASSERT(world_run_while(&world, office_has_open));
        all_ended(&world, cases[i].state, cases[i].attempts);
        CU_ASSERT_EQUAL(*begun, (unsigned)cases[i].attempts);
        world_stop(&world);
    }
}

static bool is_not_ready(struct world *world)
{
    return !mg_host_is_ready(mg_host_destination(world->host, "office"));
}

static void adapters_in_processes_do_everything_as_inside(void)
{
    static const struct {
        const char *adapter, *temper;
        enum mg_delivery_state state;
        int attempts;
    } cases[] = {
        {OFFICE_ADAPTER, "prompt", MG_DELIVERY_DELIVERED, 1},
        {OFFICE_ADAPTER, "reads", MG_DELIVERY_DELIVERED, 1},
        {OFFICE_ADAPTER, "works", MG_DELIVERY_DELIVERED, 1},
        {OFFICE_ADAPTER, "delivers", MG_DELIVERY_DELIVERED, 1},
        {OFFICE_ADAPTER, "mends", MG_DELIVERY_DELIVERED, 3},
        {OFFICE_ADAPTER, "refuses", MG_DELIVERY_DEAD, 1},
        {"adapter_older", "works", MG_DELIVERY_DELIVERED, 1},
    };
    if (!unit_can_watch_processes())
        return;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        start_where(&world, MG_ISOLATION_PROCESS, cases[i].adapter, cases[i].temper);
        CU_ASSERT_TRUE_FATAL(world_run_while(&world, is_not_ready));
        mg_dispatch_begin(world.dispatch);
        /* With attachments, which stay at the gateway and are read through the process's stream. */
        for (int j = 0; j < MANY / 2; j++)
            accept_with(&world, 5);
        CU_ASSERT(world_run_while(&world, office_has_open));
        all_ended(&world, cases[i].state, cases[i].attempts);
        world_stop(&world);
    }
}

/* The adapter fails with the code that it has in its temper, then delivers with it: the trace of
 * the message shows an attempt of this code, and one delivery. */
static void outcome_is_called(enum mg_isolation isolation, const char *temper, const char *code)
{
    struct world world;
    start_where(&world, isolation, "adapter_tempers", temper);
    CU_ASSERT_TRUE_FATAL(world_run_while(&world, is_not_ready));
    mg_dispatch_begin(world.dispatch);
    accept_with(&world, 3);
    CU_ASSERT(world_run_while(&world, office_has_open));
    CU_ASSERT_EQUAL(world_delivery(&world, 0).state, MG_DELIVERY_DELIVERED);
    CU_ASSERT_EQUAL(world_delivery(&world, 0).attempts, 2);
    struct mg_store_event *events;
    size_t count;
    CU_ASSERT_FATAL(mg_store_events(world.store, &world.messages[0], &events, &count, NULL));
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT_STRING_EQUAL(events[0].code, "accepted");
    CU_ASSERT_STRING_EQUAL(events[1].code, code);
    CU_ASSERT_STRING_EQUAL(events[1].text, "The test wants it so.");
    CU_ASSERT_STRING_EQUAL(events[2].code, "delivered");
    free(events);
    world_stop(&world);
}

/* 47 bytes. */
#define LONGEST "says test.123456789.123456789.123456789.123456789123"

static const char *const no_adapters_codes[] = {
    "says",
    "says ",
    "says two words",
    "says \xc3\x28\x1b[31m",
    "says test.\ndelivered",
    LONGEST "4",
    "says accepted",
    "says cancelled",
    "says collected",
    "says dead",
    "says delivered",
    "says mailbox.not-collected",
    "says returned",
    "says destination.closed",
    "says gateway.stopping",
    "says operator.retry",
    "says reply.postponed",
    "says restore.held",
    "says store.no-such-part",
};

static void no_code_of_an_adapter_is_taken_for_one_of_the_gateways(void)
{
    for (size_t i = 0; i < sizeof no_adapters_codes / sizeof *no_adapters_codes; i++)
        outcome_is_called(MG_ISOLATION_NONE, no_adapters_codes[i], "adapter.code");
}

static void nor_is_one_of_an_adapter_in_its_own_process(void)
{
    static const char *const tempers[] = {"says", "says two words", "says delivered",
                                          "says operator.retry"};
    if (!unit_can_watch_processes())
        return;
    for (size_t i = 0; i < sizeof tempers / sizeof *tempers; i++)
        outcome_is_called(MG_ISOLATION_PROCESS, tempers[i], "adapter.code");
}

static void any_other_code_of_an_adapter_stands_as_it_is(void)
{
    static const char *const tempers[] = {"says busy", "says http.503", "says deliveredness",
                                          "says operators.retry", LONGEST};
    for (size_t i = 0; i < sizeof tempers / sizeof *tempers; i++)
        outcome_is_called(MG_ISOLATION_NONE, tempers[i], tempers[i] + 5);
}

static void what_completes_inside_deliver_has_one_outcome(void)
{
    deliver_many("prompt", MG_DELIVERY_DELIVERED, 1);
}

static void what_completes_later_has_one_outcome(void)
{
    deliver_many("delivers", MG_DELIVERY_DELIVERED, 1);
}

static void what_completes_after_work_on_another_thread_has_one_outcome(void)
{
    deliver_many("works", MG_DELIVERY_DELIVERED, 1);
}

static void what_fails_twice_is_delivered_at_the_third_attempt(void)
{
    deliver_many("mends", MG_DELIVERY_DELIVERED, 3);
}

static void what_is_refused_for_good_is_dead_after_one_attempt(void)
{
    deliver_many("refuses", MG_DELIVERY_DEAD, 1);
}

static void what_always_fails_is_dead_when_its_time_is_over(void)
{
    struct world world;
    start(&world, "fails");
    world.destination.retry.give_up = 100;
    mg_dispatch_begin(world.dispatch);
    accept_messages(&world, 8);
    CU_ASSERT(world_run_while(&world, office_has_open));
    for (size_t i = 0; i < world.count; i++) {
        CU_ASSERT_EQUAL(events_of(&world, i, "dead"), 1);
        CU_ASSERT_EQUAL(events_of(&world, i, "test.later"), world_delivery(&world, i).attempts - 1);
    }
    world_stop(&world);
}

static void nothing_is_claimed_before_the_begin(void)
{
    struct world world;
    start(&world, "prompt");
    accept_messages(&world, 3);
    world_run_for(&world, 30);
    for (size_t i = 0; i < world.count; i++)
        CU_ASSERT_EQUAL(world_delivery(&world, i).attempts, 0);
    world_stop(&world);
}

static void a_breaker_that_opens_lets_everything_through_in_the_end(void)
{
    struct world world;
    start(&world, "mends");
    world.destination.retry.breaker = 2;
    world.destination.retry.breaker_time = 20;
    mg_dispatch_begin(world.dispatch);
    accept_messages(&world, 8);
    CU_ASSERT(world_run_while(&world, office_has_open));
    all_ended(&world, MG_DELIVERY_DELIVERED, 3);
    world_stop(&world);
}

static void a_message_whose_content_is_gone_is_dead_and_nobody_is_asked(void)
{
    struct world world;
    start(&world, "hangs");
    mg_dispatch_begin(world.dispatch);
    accept_with(&world, 1);
    CU_ASSERT(world_run_while(&world, office_has_open));
    all_ended(&world, MG_DELIVERY_DEAD, 1);
    world_stop(&world);
}

/* ---- cancelling ---- */

static void what_does_not_end_in_time_is_cancelled_once_and_tried_again(void)
{
    static const char *const tempers[] = {"hangs", "hurries"};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        start(&world, tempers[i]);
        world.destination.timeout = 30;
        world.destination.retry.give_up = 500;
        mg_dispatch_begin(world.dispatch);
        accept_messages(&world, 6);
        CU_ASSERT(world_run_while(&world, office_has_open));
        for (size_t j = 0; j < world.count; j++) {
            CU_ASSERT_EQUAL(events_of(&world, j, "dead"), 1);
            CU_ASSERT_EQUAL(events_of(&world, j, "test.later"),
                            world_delivery(&world, j).attempts - 1);
        }
        world_stop(&world);
    }
}

static void a_stop_that_meets_a_cancelled_delivery_does_not_cancel_it_again(void)
{
    struct world world;
    start(&world, "hangs");
    world.destination.timeout = 30;
    mg_dispatch_begin(world.dispatch);
    accept_messages(&world, 4);
    CU_ASSERT(world_run_while(&world, some_are_not_cancelled));
    world_stop(&world);
}

static void what_the_stop_cancels_waits_for_the_next_start_though_its_time_is_over(void)
{
    struct world world;
    start(&world, "hurries");
    world.destination.retry.give_up = 1;
    mg_dispatch_begin(world.dispatch);
    accept_messages(&world, 4);
    CU_ASSERT(world_run_while(&world, some_have_not_begun));
    world_run_for(&world, 10);
    world_stop_dispatch(&world, 20);
    for (size_t i = 0; i < world.count; i++) {
        CU_ASSERT_EQUAL(world_delivery(&world, i).state, MG_DELIVERY_WAITING);
        CU_ASSERT_EQUAL(world_delivery(&world, i).attempts, 1);
    }
    world_stop(&world);
}

static void a_second_stop_only_sets_the_grace_anew(void)
{
    struct world world;
    start(&world, "hurries");
    mg_dispatch_begin(world.dispatch);
    accept_messages(&world, 4);
    CU_ASSERT(world_run_while(&world, some_have_not_begun));
    mg_dispatch_stop(world.dispatch, 60000, world_drained, &world);
    world_run_for(&world, 30);
    CU_ASSERT_EQUAL(world.drained, 0);
    world_stop_dispatch(&world, 0);
    world_stop(&world);
}

/* ---- stopping ---- */

static void what_was_claimed_and_not_begun_is_given_back_by_the_stop(void)
{
    struct world world;
    start(&world, "hangs");
    accept_messages(&world, 4);
    mg_dispatch_begin(world.dispatch);
    world_stop_dispatch(&world, 60000);
    for (size_t i = 0; i < world.count; i++) {
        CU_ASSERT_EQUAL(world_delivery(&world, i).state, MG_DELIVERY_WAITING);
        CU_ASSERT_EQUAL(world_delivery(&world, i).attempts, 0);
    }
    world_stop(&world);
}

static void stops_at_any_moment_lose_and_repeat_nothing(void)
{
    struct world world;
    start(&world, "works");
    accept_messages(&world, MANY);
    for (int i = 0; i < 12; i++) {
        mg_dispatch_begin(world.dispatch);
        for (int j = 0; j < i; j++)
            event_base_loop(world.base, EVLOOP_ONCE);
        world_stop_dispatch(&world, 60000);
        for (size_t j = 0; j < world.count; j++)
            CU_ASSERT_NOT_EQUAL(world_delivery(&world, j).state, MG_DELIVERY_RUNNING);
        world_make_dispatch(&world);
    }
    mg_dispatch_begin(world.dispatch);
    CU_ASSERT(world_run_while(&world, office_has_open));
    all_ended(&world, MG_DELIVERY_DELIVERED, 1);
    world_stop(&world);
}

static void instances_close_only_when_their_work_is_done(void)
{
    struct world world;
    start(&world, "busy");
    world_run_for(&world, 120);
    world_stop(&world);
}

static bool none_waits_for_a_retry(struct world *world)
{
    return events_of(world, 0, "test.later") == 0;
}

static void a_destination_may_be_removed_while_its_claim_is_underway(void)
{
    struct world world;
    start(&world, "fails");
    world.destination.retry.first = world.destination.retry.longest = 60000;
    accept_messages(&world, 1);
    mg_dispatch_begin(world.dispatch);
    CU_ASSERT(world_run_while(&world, none_waits_for_a_retry));
    world_run_for(&world, 20);
    /* The lane asks the store what there is under the new configuration; before the answer is
     * heard, another configuration has removed the destination, and its instance is closed. */
    mg_dispatch_apply(world.dispatch, &world.snapshot->config);
    event_del(world.ready);
    world.snapshot->config.destination_count = 0;
    world_apply(&world);
    mg_dispatch_apply(world.dispatch, &world.snapshot->config);
    world_run_for(&world, 20);
    event_add(world.ready, NULL);
    world_run_for(&world, 20);
    CU_ASSERT_EQUAL(world_delivery(&world, 0).state, MG_DELIVERY_WAITING);
    world_stop(&world);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(what_completes_inside_deliver_has_one_outcome),
        UNIT_TEST(what_completes_later_has_one_outcome),
        UNIT_TEST(what_completes_after_work_on_another_thread_has_one_outcome),
        UNIT_TEST(what_fails_twice_is_delivered_at_the_third_attempt),
        UNIT_TEST(what_is_refused_for_good_is_dead_after_one_attempt),
        UNIT_TEST(what_always_fails_is_dead_when_its_time_is_over),
        UNIT_TEST(nothing_is_claimed_before_the_begin),
        UNIT_TEST(an_adapter_reads_every_part_of_a_message_with_its_attachments),
        UNIT_TEST(an_adapter_made_for_the_first_version_of_the_interface_works),
        UNIT_TEST(adapters_in_processes_do_everything_as_inside),
        UNIT_TEST(no_code_of_an_adapter_is_taken_for_one_of_the_gateways),
        UNIT_TEST(nor_is_one_of_an_adapter_in_its_own_process),
        UNIT_TEST(any_other_code_of_an_adapter_stands_as_it_is),
        UNIT_TEST(a_breaker_that_opens_lets_everything_through_in_the_end),
        UNIT_TEST(a_message_whose_content_is_gone_is_dead_and_nobody_is_asked),
        UNIT_TEST(what_does_not_end_in_time_is_cancelled_once_and_tried_again),
        UNIT_TEST(a_stop_that_meets_a_cancelled_delivery_does_not_cancel_it_again),
        UNIT_TEST(what_the_stop_cancels_waits_for_the_next_start_though_its_time_is_over),
        UNIT_TEST(a_second_stop_only_sets_the_grace_anew),
        UNIT_TEST(what_was_claimed_and_not_begun_is_given_back_by_the_stop),
        UNIT_TEST(stops_at_any_moment_lose_and_repeat_nothing),
        UNIT_TEST(instances_close_only_when_their_work_is_done),
        UNIT_TEST(a_destination_may_be_removed_while_its_claim_is_underway),
    };
    setenv("MUENGSTEN_ADAPTER_HOST", MG_HOST_OF_TESTS, 0);
    mg_log_set_level(MG_LOG_ERROR);
    return unit_run("dispatch lanes", tests, sizeof tests / sizeof *tests);
}
