/* What operators do reaches the lanes: pauses hold whatever is reloaded, a retry is one at once,
 * and what is revived has its whole time again. */
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/store/act.h"
#include "tests/unit/dispatch_office.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR 3600000

static void start(struct world *world, const char *temper)
{
    office_start(world, MG_ISOLATION_NONE, OFFICE_ADAPTER, temper);
}

static void accept_message(struct world *world, int64_t received)
{
    office_accept(world, received, 3);
}

static bool was_never_tried(struct world *world)
{
    return world_delivery(world, 0).attempts < 1 ||
           world_delivery(world, 0).state == MG_DELIVERY_RUNNING;
}

static bool was_tried_once(struct world *world)
{
    return world_delivery(world, 0).attempts < 2 ||
           world_delivery(world, 0).state == MG_DELIVERY_RUNNING;
}

/* ---- pauses ---- */

static struct mg_store_pause pause_of(const char *destination)
{
    struct mg_store_pause pause = {.since = 12345};
    snprintf(pause.destination, sizeof pause.destination, "%s", destination);
    snprintf(pause.by, sizeof pause.by, "anna");
    snprintf(pause.why, sizeof pause.why, "maintenance");
    return pause;
}

static void see(const struct mg_dispatch_facts *facts, void *context)
{
    bool *told = context;
    *told = facts->pause && strcmp(facts->pause->by, "anna") == 0 &&
            strcmp(facts->pause->why, "maintenance") == 0 && facts->pause->since == 12345;
}

static bool is_told_as_paused(struct world *world)
{
    bool told = false;
    mg_dispatch_each(world->dispatch, see, &told);
    return told;
}

static void what_is_paused_waits_until_it_is_resumed(void)
{
    struct world world;
    const struct mg_store_pause pause = pause_of("office");
    start(&world, "prompt");
    mg_dispatch_begin(world.dispatch);
    mg_dispatch_pause(world.dispatch, &pause);
    accept_message(&world, mg_clock_now());
    mg_dispatch_hurry(world.dispatch, "office");
    mg_dispatch_apply(world.dispatch, &world.snapshot->config);
    world_run_for(&world, 30);
    CU_ASSERT_EQUAL(world_delivery(&world, 0).attempts, 0);
    CU_ASSERT(is_told_as_paused(&world));
    mg_dispatch_resume(world.dispatch, "office");
    CU_ASSERT_FALSE(is_told_as_paused(&world));
    CU_ASSERT(world_run_while(&world, office_has_open));
    mg_dispatch_resume(world.dispatch, "office");
    world_stop(&world);
}

static void a_pause_of_before_the_lane_was_there_holds(void)
{
    struct world world;
    const struct mg_store_pause pause = pause_of("office");
    start(&world, "prompt");
    world.snapshot->config.destination_count = 0;
    mg_dispatch_apply(world.dispatch, &world.snapshot->config);
    mg_dispatch_pause(world.dispatch, &pause);
    world.snapshot->config.destination_count = 1;
    mg_dispatch_apply(world.dispatch, &world.snapshot->config);
    mg_dispatch_begin(world.dispatch);
    accept_message(&world, mg_clock_now());
    world_run_for(&world, 30);
    CU_ASSERT_EQUAL(world_delivery(&world, 0).attempts, 0);
    CU_ASSERT(is_told_as_paused(&world));
    mg_dispatch_resume(world.dispatch, "office");
    CU_ASSERT(world_run_while(&world, office_has_open));
    world_stop(&world);
}

/* ---- retries ---- */

static void acted(struct mg_store_act *act)
{
    *(bool *)act->context = true;
}

static bool retry(struct world *world)
{
    bool done = false;
    const struct mg_store_delivery delivery = world_delivery(world, 0);
    struct mg_store_act act = {
        .kind = MG_ACT_RETRY,
        .message = world->messages[0],
        .destination = "office",
        .seen_state = delivery.state,
        .seen_attempts = delivery.attempts,
        .now = mg_clock_now(),
        .code = "operator.retry",
        .text = "anna: again",
        .done = acted,
        .context = &done,
    };
    mg_store_act(world->store, &act);
    while (!done)
        world_run_for(world, 1);
    mg_dispatch_hurry(world->dispatch, "office");
    return act.ok;
}

static void a_retry_is_one_at_once_though_the_breaker_is_open(void)
{
    struct world world;
    start(&world, "mends");
    world.destination.retry.breaker = 1;
    world.destination.retry.breaker_time = HOUR;
    world.destination.retry.first = world.destination.retry.longest = HOUR;
    world.destination.retry.give_up = 100 * HOUR;
    mg_dispatch_begin(world.dispatch);
    accept_message(&world, mg_clock_now());
    CU_ASSERT(world_run_while(&world, was_never_tried));
    world_run_for(&world, 30);
    CU_ASSERT_EQUAL(world_delivery(&world, 0).attempts, 1);
    CU_ASSERT(retry(&world));
    CU_ASSERT(world_run_while(&world, was_tried_once));
    CU_ASSERT(retry(&world));
    CU_ASSERT(world_run_while(&world, office_has_open));
    CU_ASSERT_EQUAL(world_delivery(&world, 0).state, MG_DELIVERY_DELIVERED);
    world_stop(&world);
}

static void what_is_revived_is_not_given_up_for_its_age(void)
{
    struct world world;
    start(&world, "fails");
    world.destination.retry.first = world.destination.retry.longest = HOUR;
    world.destination.retry.give_up = 10 * HOUR;
    mg_dispatch_begin(world.dispatch);
    accept_message(&world, mg_clock_now() - 100 * HOUR);
    CU_ASSERT(world_run_while(&world, office_has_open));
    CU_ASSERT_EQUAL(world_delivery(&world, 0).state, MG_DELIVERY_DEAD);
    CU_ASSERT(retry(&world));
    CU_ASSERT(world_run_while(&world, was_tried_once));
    struct mg_store_delivery delivery = world_delivery(&world, 0);
    CU_ASSERT_EQUAL(delivery.state, MG_DELIVERY_WAITING);
    /* As after a first attempt, too: not the pause of one that has failed often. */
    CU_ASSERT(delivery.next_attempt <= mg_clock_now() + HOUR);
    world_stop(&world);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(what_is_paused_waits_until_it_is_resumed),
        UNIT_TEST(a_pause_of_before_the_lane_was_there_holds),
        UNIT_TEST(a_retry_is_one_at_once_though_the_breaker_is_open),
        UNIT_TEST(what_is_revived_is_not_given_up_for_its_age),
    };
    mg_log_set_level(MG_LOG_ERROR);
    return unit_run("dispatch acts", tests, sizeof tests / sizeof *tests);
}
