/* How operators write numbers, and how problems are written for them. */
#include "gateway/config/arena.h"
#include "gateway/config/defaults.h"
#include "gateway/config/problems.h"
#include "gateway/config/values.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static int64_t read(enum mg_value_kind kind, const char *text)
{
    int64_t value = -1;
    return mg_value_read(kind, text, &value) ? value : -1;
}

static void durations_are_read_in_milliseconds(void)
{
    CU_ASSERT_EQUAL(read(MG_VALUE_DURATION, "250ms"), 250);
    CU_ASSERT_EQUAL(read(MG_VALUE_DURATION, "5s"), 5000);
    CU_ASSERT_EQUAL(read(MG_VALUE_DURATION, "15min"), 900000);
    CU_ASSERT_EQUAL(read(MG_VALUE_DURATION, "48h"), 172800000);
    CU_ASSERT_EQUAL(read(MG_VALUE_DURATION, "7d"), 604800000);
    CU_ASSERT_EQUAL(read(MG_VALUE_DURATION, "999999999d"), 999999999 * INT64_C(86400000));
}

static void what_is_no_duration_is_not_read_as_one(void)
{
    static const char *const texts[] = {"",     "5",   "s",   "5 s",         "-5s",  "5S",  "5m",
                                        "5sec", "1h5", " 5s", "1000000000s", "5s\n", "0x5s"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CU_ASSERT_EQUAL(read(MG_VALUE_DURATION, texts[i]), -1);
}

static void sizes_are_read_in_bytes_by_powers_of_1024(void)
{
    CU_ASSERT_EQUAL(read(MG_VALUE_SIZE, "4096"), 4096);
    CU_ASSERT_EQUAL(read(MG_VALUE_SIZE, "512K"), 524288);
    CU_ASSERT_EQUAL(read(MG_VALUE_SIZE, "16M"), 16777216);
    CU_ASSERT_EQUAL(read(MG_VALUE_SIZE, "1G"), 1073741824);
}

static void a_size_that_does_not_fit_is_refused(void)
{
    CU_ASSERT_EQUAL(read(MG_VALUE_SIZE, "999999999999999G"), -1);
    CU_ASSERT_EQUAL(read(MG_VALUE_SIZE, "1000000000000000"), -1);
    CU_ASSERT_EQUAL(read(MG_VALUE_SIZE, "99999999999999999999"), -1);
    CU_ASSERT_EQUAL(read(MG_VALUE_SIZE, "1k"), -1);
    CU_ASSERT_EQUAL(read(MG_VALUE_SIZE, "1MB"), -1);
}

static void a_factor_is_read_in_thousandths(void)
{
    CU_ASSERT_EQUAL(read(MG_VALUE_FACTOR, "2"), 2000);
    CU_ASSERT_EQUAL(read(MG_VALUE_FACTOR, "1.5"), 1500);
    CU_ASSERT_EQUAL(read(MG_VALUE_FACTOR, "1.025"), 1025);
    CU_ASSERT_EQUAL(read(MG_VALUE_FACTOR, "1,5"), -1);
    CU_ASSERT_EQUAL(read(MG_VALUE_FACTOR, "1."), -1);
    CU_ASSERT_EQUAL(read(MG_VALUE_FACTOR, ".5"), -1);
    CU_ASSERT_EQUAL(read(MG_VALUE_FACTOR, "1e3"), -1);
}

static int64_t end_of(const char *day)
{
    int64_t value = -1;
    return mg_value_end_of_day(day, &value) ? value : -1;
}

static void until_a_day_includes_the_day(void)
{
    CU_ASSERT_EQUAL(end_of("1970-01-01"), 86400000);
    CU_ASSERT_EQUAL(end_of("2000-02-29"), INT64_C(951868800000));
    CU_ASSERT_EQUAL(end_of("2026-12-31"), INT64_C(1798761600000));
    CU_ASSERT_EQUAL(end_of("9999-12-31"), INT64_C(253402300800000));
}

static void a_day_that_does_not_exist_is_refused(void)
{
    static const char *const days[] = {"2027-02-29", "2100-02-29", "2026-13-01",  "2026-00-01",
                                       "2026-01-00", "2026-04-31", "1969-12-31",  "2026-1-1",
                                       "2026/01/01", "01.01.2026", "2026-01-01Z", ""};
    for (size_t i = 0; i < sizeof days / sizeof *days; i++)
        CU_ASSERT_EQUAL(end_of(days[i]), -1);
}

static int64_t moment(const char *text)
{
    int64_t value = -1;
    return mg_value_moment(text, &value) ? value : -1;
}

static void a_moment_is_read_in_milliseconds_since_1970(void)
{
    CU_ASSERT_EQUAL(moment("1970-01-01T00:00:00Z"), 0);
    CU_ASSERT_EQUAL(moment("2027-01-01T00:00:00Z"), INT64_C(1798761600000));
    CU_ASSERT_EQUAL(moment("2024-02-29T23:59:59Z"), INT64_C(1709251199000));
}

static void what_is_no_moment_in_utc_is_refused(void)
{
    static const char *const texts[] = {"2027-01-01",
                                        "2027-01-01T00:00:00",
                                        "2027-01-01T00:00:00+01:00",
                                        "2027-01-01 00:00:00Z",
                                        "2027-01-01T24:00:00Z",
                                        "2027-01-01T00:60:00Z",
                                        "2027-01-01T00:00:60Z",
                                        "2027-02-29T00:00:00Z",
                                        "2027-01-01T0:00:000Z",
                                        "2027-01-01T00-00:00Z",
                                        ""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CU_ASSERT_EQUAL(moment(texts[i]), -1);
}

static void check_bounds(const struct mg_number *numbers)
{
    for (; numbers->attribute; numbers++) {
        int64_t smallest = read(numbers->kind, numbers->smallest);
        int64_t largest = read(numbers->kind, numbers->largest);
        CU_ASSERT(smallest >= 0 && smallest < largest);
        if (numbers->standard) {
            int64_t standard = read(numbers->kind, numbers->standard);
            CU_ASSERT(standard >= smallest && standard <= largest);
        }
        if (numbers->type == MG_NUMBER_UNSIGNED)
            CU_ASSERT(largest <= UINT32_MAX);
    }
}

static void every_default_lies_between_its_bounds(void)
{
    check_bounds(mg_numbers_gateway);
    check_bounds(mg_numbers_store);
    check_bounds(mg_numbers_trust);
    check_bounds(mg_numbers_retention);
    check_bounds(mg_numbers_audit);
    check_bounds(mg_numbers_limits);
    check_bounds(mg_numbers_listener);
    check_bounds(mg_numbers_partner);
    check_bounds(mg_numbers_destination);
    check_bounds(mg_numbers_retry);
}

static void an_arena_gives_zeroed_memory_of_any_size(void)
{
    struct mg_arena arena = {0};
    CU_ASSERT_PTR_NULL(mg_arena_allocate(&arena, 0, 8));
    char *large = mg_arena_allocate(&arena, 100000, 1);
    CU_ASSERT_EQUAL(large[0] + large[99999], 0);
    for (int i = 0; i < 10000; i++) {
        int64_t *number = mg_arena_allocate(&arena, 1, sizeof *number);
        CU_ASSERT_FATAL(*number == 0);
        *number = i;
    }
    CU_ASSERT_STRING_EQUAL(mg_arena_cut(&arena, "abcdef", 3), "abc");
    mg_arena_free(&arena);
    CU_ASSERT_PTR_NULL(arena.blocks);
}

static void a_problem_is_one_line_with_file_and_line(void)
{
    struct mg_config_problems problems = {0};
    mg_config_problem(&problems, &(struct mg_config_place){"a.xml", 7}, false, "bad %s",
                      "x\ny\033");
    mg_config_problem(&problems, &(struct mg_config_place){"a.xml", 9}, true, "odd");
    CU_ASSERT_STRING_EQUAL(problems.list[0].text, "a.xml:7: bad x y ");
    CU_ASSERT_EQUAL(problems.count, 2);
    CU_ASSERT_EQUAL(problems.errors, 1);
    CU_ASSERT(problems.list[1].warning);
    mg_config_problems_free(&problems);
    CU_ASSERT_EQUAL(problems.count + problems.errors, 0);
}

static void problems_are_sorted_by_file_and_line(void)
{
    static const char *const files[] = {"b.xml", "a.xml"};
    struct mg_config_problems problems = {0};
    mg_config_problem(&problems, &(struct mg_config_place){"a.xml", 2}, false, "4");
    mg_config_problem(&problems, &(struct mg_config_place){"b.xml", 10}, false, "2");
    mg_config_problem(&problems, &(struct mg_config_place){"b.xml", 9}, false, "1");
    mg_config_problem(&problems, &(struct mg_config_place){"b.xml", 10}, false, "3");
    mg_config_problems_sort(&problems, 0, files, 2);
    static const char *const sorted[] = {"b.xml:9: 1", "b.xml:10: 2", "b.xml:10: 3", "a.xml:2: 4"};
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_STRING_EQUAL(problems.list[i].text, sorted[i]);
    mg_config_problems_free(&problems);
}

static void endless_problems_are_counted_but_not_kept(void)
{
    struct mg_config_problems problems = {0};
    for (int i = 0; i < 2 * MG_CONFIG_PROBLEMS; i++)
        mg_config_problem(&problems, &(struct mg_config_place){"a.xml", i}, false, "x");
    CU_ASSERT_EQUAL(problems.count, MG_CONFIG_PROBLEMS);
    CU_ASSERT_EQUAL(problems.errors, 2 * MG_CONFIG_PROBLEMS);
    mg_config_problems_free(&problems);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(durations_are_read_in_milliseconds),
        UNIT_TEST(what_is_no_duration_is_not_read_as_one),
        UNIT_TEST(sizes_are_read_in_bytes_by_powers_of_1024),
        UNIT_TEST(a_size_that_does_not_fit_is_refused),
        UNIT_TEST(a_factor_is_read_in_thousandths),
        UNIT_TEST(until_a_day_includes_the_day),
        UNIT_TEST(a_day_that_does_not_exist_is_refused),
        UNIT_TEST(a_moment_is_read_in_milliseconds_since_1970),
        UNIT_TEST(what_is_no_moment_in_utc_is_refused),
        UNIT_TEST(every_default_lies_between_its_bounds),
        UNIT_TEST(an_arena_gives_zeroed_memory_of_any_size),
        UNIT_TEST(a_problem_is_one_line_with_file_and_line),
        UNIT_TEST(problems_are_sorted_by_file_and_line),
        UNIT_TEST(endless_problems_are_counted_but_not_kept),
    };
    return unit_run("config_values", tests, sizeof tests / sizeof *tests);
}
