#include "gateway/isolation/remote_inside.h"
#include "tests/unit/remote_world.h"

#include <stdlib.h>
#include <string.h>

#define TEMPERS MG_ADAPTERS_OF_TESTS "/adapter_tempers.so"

static void a_shared_object_in_its_process_takes_a_delivery(void)
{
    if (!unit_can_watch_processes())
        return;
    static const char *const tempers[] = {"prompt", "delivers", "works", "reads"};
    for (size_t i = 0; i < 4; i++) {
        world_start();
        world_open(TEMPERS, "adapter_tempers", "temper", tempers[i], NULL);
        struct mg_delivery *delivery = world_deliver();
        CU_ASSERT(world_until(world_all_done));
        CU_ASSERT_EQUAL(delivery->kind, MG_DELIVERED);
        CU_ASSERT(world_is_ready());
        world_stop();
    }
}

static void outcomes_are_as_the_adapter_says(void)
{
    if (!unit_can_watch_processes())
        return;
    world_start();
    world_open(TEMPERS, "adapter_tempers", "temper", "refuses", NULL);
    struct mg_delivery *delivery = world_deliver();
    CU_ASSERT(world_until(world_all_done));
    CU_ASSERT_EQUAL(delivery->kind, MG_PERMANENT);
    CU_ASSERT_STRING_EQUAL(delivery->code, "test.never");
    world_stop();
}

static bool is_cancelled_in_vain(void)
{
    return world.deliveries[0].done;
}

static void what_is_cancelled_ends_as_the_adapter_wants(void)
{
    if (!unit_can_watch_processes())
        return;
    world_start();
    world_open(TEMPERS, "adapter_tempers", "temper", "hangs", NULL);
    struct mg_delivery *delivery = world_deliver();
    CU_ASSERT(world_until(world_is_ready));
    world_run_for(50);
    CU_ASSERT(!delivery->done);
    mg_remote_cancel(world.remote, delivery);
    CU_ASSERT(world_until(is_cancelled_in_vain));
    CU_ASSERT_EQUAL(delivery->kind, MG_TEMPORARY);
    CU_ASSERT_STRING_EQUAL(delivery->code, "test.later");
    world_stop();
}

static void a_code_of_an_adapter_that_is_none_does_not_end_its_process(void)
{
    if (!unit_can_watch_processes())
        return;
    static const char *const tempers[] = {"says", "says ", "says two words", "says a\x1b[31m"};
    for (size_t i = 0; i < sizeof tempers / sizeof *tempers; i++) {
        world_start();
        world_open(TEMPERS, "adapter_tempers", "temper", tempers[i], NULL);
        struct mg_delivery *delivery = world_deliver();
        CU_ASSERT(world_until(world_all_done));
        CU_ASSERT_EQUAL(delivery->kind, MG_TEMPORARY);
        CU_ASSERT_STRING_EQUAL(delivery->code, "adapter.code");
        CU_ASSERT(world_is_ready());
        world_stop();
    }
}

static void a_code_is_a_word_that_no_operator_has_for_an_act(void)
{
    CU_ASSERT(mg_remote_is_code("http.503"));
    CU_ASSERT(mg_remote_is_code("operators-office.closed"));
    CU_ASSERT_FALSE(mg_remote_is_code(""));
    CU_ASSERT_FALSE(mg_remote_is_code("two words"));
    CU_ASSERT_FALSE(mg_remote_is_code("operator.retry"));
    CU_ASSERT_FALSE(mg_remote_is_code("restore.held"));
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_shared_object_in_its_process_takes_a_delivery),
        UNIT_TEST(outcomes_are_as_the_adapter_says),
        UNIT_TEST(what_is_cancelled_ends_as_the_adapter_wants),
        UNIT_TEST(a_code_of_an_adapter_that_is_none_does_not_end_its_process),
        UNIT_TEST(a_code_is_a_word_that_no_operator_has_for_an_act),
    };
    setenv("MUENGSTEN_ADAPTER_HOST", MG_HOST_OF_TESTS, 0);
    return unit_run("remote", tests, sizeof tests / sizeof *tests);
}
