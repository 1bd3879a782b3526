/* Durations and rates: counted in the right bucket, forgotten when they are old. */
#include "gateway/base/histogram.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define MINUTE INT64_C(60000000)

static void a_duration_counts_in_the_first_bucket_that_holds_it(void)
{
    struct mg_histogram histogram = {0};
    mg_histogram_add(&histogram, 500);
    mg_histogram_add(&histogram, 501);
    mg_histogram_add(&histogram, -5);
    mg_histogram_add(&histogram, INT64_C(60000001));
    CU_ASSERT_EQUAL(histogram.counts[0], 2);
    CU_ASSERT_EQUAL(histogram.counts[1], 1);
    CU_ASSERT_EQUAL(histogram.counts[MG_HISTOGRAM_BUCKETS], 1);
    CU_ASSERT_EQUAL(histogram.sum, 500 + 501 + 60000001);
    CU_ASSERT_EQUAL(mg_histogram_count(&histogram), 4);
}

static void words_of_buckets_say_their_ends(void)
{
    for (int i = 0; i < MG_HISTOGRAM_BUCKETS; i++) {
        CU_ASSERT_DOUBLE_EQUAL(strtod(mg_histogram_words[i], NULL) * 1e6,
                               (double)mg_histogram_ends[i], 1e-6);
        CU_ASSERT(i == 0 || mg_histogram_ends[i] > mg_histogram_ends[i - 1]);
    }
}

static void quantiles_lie_in_the_bucket_of_their_rank(void)
{
    struct mg_histogram histogram = {0};
    CU_ASSERT_EQUAL(mg_histogram_quantile(&histogram, 0.5), -1);
    for (int i = 0; i < 98; i++)
        mg_histogram_add(&histogram, 4000);
    for (int i = 0; i < 2; i++)
        mg_histogram_add(&histogram, 200000);
    int64_t half = mg_histogram_quantile(&histogram, 0.5);
    int64_t most = mg_histogram_quantile(&histogram, 0.99);
    CU_ASSERT(half > 2500 && half <= 5000);
    CU_ASSERT(most > 100000 && most <= 500000);
    struct mg_histogram endless = {0};
    mg_histogram_add(&endless, INT64_C(3600000000));
    CU_ASSERT_EQUAL(mg_histogram_quantile(&endless, 0.5), 60000000);
}

static void what_was_added_since_is_the_difference(void)
{
    struct mg_histogram before = {0}, now;
    mg_histogram_add(&before, 700);
    now = before;
    mg_histogram_add(&now, 9000);
    struct mg_histogram since = mg_histogram_since(&now, &before);
    CU_ASSERT_EQUAL(mg_histogram_count(&since), 1);
    CU_ASSERT_EQUAL(since.sum, 9000);
}

static void a_window_forgets_what_is_older_than_two_steps(void)
{
    struct mg_window window = {0};
    struct mg_histogram seen;
    int64_t begin = 1000 * MG_WINDOW_STEP;
    mg_window_add(&window, begin, 100);
    mg_window_add(&window, begin + MG_WINDOW_STEP, 100);
    seen = mg_window_read(&window, begin + MG_WINDOW_STEP);
    CU_ASSERT_EQUAL(mg_histogram_count(&seen), 2);
    seen = mg_window_read(&window, begin + 2 * MG_WINDOW_STEP);
    CU_ASSERT_EQUAL(mg_histogram_count(&seen), 1);
    seen = mg_window_read(&window, begin + 3 * MG_WINDOW_STEP);
    CU_ASSERT_EQUAL(mg_histogram_count(&seen), 0);
    mg_window_add(&window, begin + 9 * MG_WINDOW_STEP, 100);
    seen = mg_window_read(&window, begin + 9 * MG_WINDOW_STEP);
    CU_ASSERT_EQUAL(mg_histogram_count(&seen), 1);
}

static void a_rate_is_that_of_the_last_full_minutes(void)
{
    struct mg_rate rate = {0};
    int64_t begin = 500 * MINUTE;
    CU_ASSERT_DOUBLE_EQUAL(mg_rate_read(&rate, begin), 0, 0);
    for (int i = 0; i < 6; i++)
        mg_rate_add(&rate, begin + i);
    CU_ASSERT_DOUBLE_EQUAL(mg_rate_read(&rate, begin + 10), 6, 0);
    CU_ASSERT_DOUBLE_EQUAL(mg_rate_read(&rate, begin + MINUTE), 6, 0);
    CU_ASSERT_DOUBLE_EQUAL(mg_rate_read(&rate, begin + 3 * MINUTE), 2, 0);
    mg_rate_add(&rate, begin + 3 * MINUTE);
    mg_rate_add(&rate, begin + 3 * MINUTE);
    CU_ASSERT_DOUBLE_EQUAL(mg_rate_read(&rate, begin + 4 * MINUTE), 2, 0);
    CU_ASSERT_DOUBLE_EQUAL(mg_rate_read(&rate, begin + 6 * MINUTE), 0.4, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(mg_rate_read(&rate, begin + 60 * MINUTE), 0, 0);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_duration_counts_in_the_first_bucket_that_holds_it),
        UNIT_TEST(words_of_buckets_say_their_ends),
        UNIT_TEST(quantiles_lie_in_the_bucket_of_their_rank),
        UNIT_TEST(what_was_added_since_is_the_difference),
        UNIT_TEST(a_window_forgets_what_is_older_than_two_steps),
        UNIT_TEST(a_rate_is_that_of_the_last_full_minutes),
    };
    return unit_run("histogram", tests, sizeof tests / sizeof *tests);
}
