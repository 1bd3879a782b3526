#include "gateway/dispatch/breaker.h"
#include "gateway/dispatch/retry.h"
#include "tests/unit/unit.h"

static const struct mg_config_retry retry = {
    .first = 1000,
    .longest = 60000,
    .factor = 2,
    .give_up = 3600000,
    .breaker = 3,
    .breaker_time = 30000,
};

static int64_t pause_after(int attempts, double chance, int64_t retry_after)
{
    const struct mg_retry_facts facts = {
        .attempts = attempts,
        .accepted = 0,
        .now = 100000,
        .retry_after = retry_after,
        .chance = chance,
    };
    int64_t next;
    CU_ASSERT_FATAL(mg_retry_next(&retry, &facts, &next));
    return next - facts.now;
}

static void pauses_double_up_to_the_longest(void)
{
    CU_ASSERT_EQUAL(pause_after(1, 1, 0), 1000);
    CU_ASSERT_EQUAL(pause_after(2, 1, 0), 2000);
    CU_ASSERT_EQUAL(pause_after(5, 1, 0), 16000);
    CU_ASSERT_EQUAL(pause_after(7, 1, 0), 60000);
    CU_ASSERT_EQUAL(pause_after(1000000, 1, 0), 60000);
}

static void chance_takes_up_to_half_of_a_pause(void)
{
    CU_ASSERT_EQUAL(pause_after(1, 0, 0), 500);
    CU_ASSERT_EQUAL(pause_after(1, 0.5, 0), 750);
}

static void a_pause_is_never_shorter_than_the_destination_asked(void)
{
    CU_ASSERT_EQUAL(pause_after(1, 1, 120000), 120000);
    CU_ASSERT_EQUAL(pause_after(7, 1, 5), 60000);
}

static void a_wish_beyond_the_time_to_give_up_leaves_a_last_attempt(void)
{
    CU_ASSERT_EQUAL(pause_after(1, 1, 7200000), 3600000 - 100000);
    CU_ASSERT_EQUAL(pause_after(1, 1, INT64_MAX), 3600000 - 100000);
    struct mg_retry_facts facts = {
        .attempts = 2, .now = 3600000, .retry_after = INT64_MAX, .chance = 1};
    int64_t next;
    CU_ASSERT_FALSE(mg_retry_next(&retry, &facts, &next));
}

static void a_delivery_is_given_up_after_its_time(void)
{
    struct mg_retry_facts facts = {.attempts = 9, .now = 3600000 - 60000, .chance = 1};
    int64_t next;
    CU_ASSERT_TRUE(mg_retry_next(&retry, &facts, &next));
    facts.now++;
    CU_ASSERT_FALSE(mg_retry_next(&retry, &facts, &next));
}

static void a_breaker_opens_after_so_many_failures_in_a_row(void)
{
    struct mg_breaker breaker = {0};
    CU_ASSERT_FALSE(mg_breaker_fail(&breaker, &retry, 0));
    CU_ASSERT_FALSE(mg_breaker_fail(&breaker, &retry, 0));
    CU_ASSERT_FALSE(mg_breaker_succeed(&breaker));
    CU_ASSERT_FALSE(mg_breaker_fail(&breaker, &retry, 0));
    CU_ASSERT_FALSE(mg_breaker_fail(&breaker, &retry, 0));
    CU_ASSERT_EQUAL(mg_breaker_allows(&breaker, 0, 8), 8);
    CU_ASSERT_TRUE(mg_breaker_fail(&breaker, &retry, 0));
    CU_ASSERT_EQUAL(mg_breaker_allows(&breaker, 0, 8), 0);
}

static void an_open_breaker_lets_one_delivery_try_after_a_while(void)
{
    struct mg_breaker breaker = {0};
    for (int i = 0; i < 3; i++)
        mg_breaker_fail(&breaker, &retry, 0);
    CU_ASSERT_EQUAL(mg_breaker_allows(&breaker, 29999999, 8), 0);
    CU_ASSERT_EQUAL(mg_breaker_allows(&breaker, 30000000, 8), 1);
}

static void the_trial_closes_the_breaker_or_opens_it_again(void)
{
    struct mg_breaker breaker = {0};
    for (int i = 0; i < 3; i++)
        mg_breaker_fail(&breaker, &retry, 0);
    CU_ASSERT_TRUE(mg_breaker_fail(&breaker, &retry, 30000000));
    CU_ASSERT_EQUAL(mg_breaker_allows(&breaker, 59999999, 8), 0);
    CU_ASSERT_EQUAL(mg_breaker_allows(&breaker, 60000000, 8), 1);
    CU_ASSERT_TRUE(mg_breaker_succeed(&breaker));
    CU_ASSERT_EQUAL(mg_breaker_allows(&breaker, 60000000, 8), 8);
}

static void failures_of_what_was_underway_do_not_prolong_an_open_breaker(void)
{
    struct mg_breaker breaker = {0};
    for (int i = 0; i < 3; i++)
        mg_breaker_fail(&breaker, &retry, 0);
    CU_ASSERT_FALSE(mg_breaker_fail(&breaker, &retry, 1000000));
    CU_ASSERT_EQUAL(mg_breaker_allows(&breaker, 30000000, 8), 1);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(pauses_double_up_to_the_longest),
        UNIT_TEST(chance_takes_up_to_half_of_a_pause),
        UNIT_TEST(a_pause_is_never_shorter_than_the_destination_asked),
        UNIT_TEST(a_wish_beyond_the_time_to_give_up_leaves_a_last_attempt),
        UNIT_TEST(a_delivery_is_given_up_after_its_time),
        UNIT_TEST(a_breaker_opens_after_so_many_failures_in_a_row),
        UNIT_TEST(an_open_breaker_lets_one_delivery_try_after_a_while),
        UNIT_TEST(the_trial_closes_the_breaker_or_opens_it_again),
        UNIT_TEST(failures_of_what_was_underway_do_not_prolong_an_open_breaker),
    };
    return unit_run("dispatch", tests, sizeof tests / sizeof *tests);
}
