#include "gateway/route/route.h"
#include "tests/unit/unit.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void a_pattern_without_star_matches_itself_only(void)
{
    CU_ASSERT(mg_pattern_matches("ags:05124000", "ags:05124000"));
    CU_ASSERT_FALSE(mg_pattern_matches("ags:05124000", "ags:051240001"));
    CU_ASSERT_FALSE(mg_pattern_matches("ags:05124000", "ags:0512400"));
    CU_ASSERT_FALSE(mg_pattern_matches("ags:05124000", "AGS:05124000"));
    CU_ASSERT_FALSE(mg_pattern_matches("", "a"));
    CU_ASSERT(mg_pattern_matches("", ""));
}

static void a_star_at_the_end_stands_for_any_rest(void)
{
    CU_ASSERT(mg_pattern_matches("ags:*", "ags:05124000"));
    CU_ASSERT(mg_pattern_matches("ags:*", "ags:"));
    CU_ASSERT_FALSE(mg_pattern_matches("ags:*", "ags"));
    CU_ASSERT_FALSE(mg_pattern_matches("ags:*", "xags:1"));
    CU_ASSERT(mg_pattern_matches("*", ""));
    CU_ASSERT(mg_pattern_matches("*", "anything"));
}

static void a_star_elsewhere_stands_for_itself(void)
{
    CU_ASSERT_FALSE(mg_pattern_matches("a*c", "abc"));
    CU_ASSERT(mg_pattern_matches("a*c", "a*c"));
    CU_ASSERT(mg_pattern_matches("**", "*a"));
    CU_ASSERT_FALSE(mg_pattern_matches("**", "a"));
}

static const struct mg_permission permissions[] = {
    {"ags:05124000", "service:*", "ags:05120000"},
    {"ags:05124000", "register:0201", "ags:*"},
    {"psw:*", "*", "*"},
};

static enum mg_permission_result check(const char *author, const char *type, const char *reader)
{
    return mg_permission_check(permissions, COUNT(permissions), author, type, reader);
}

static void what_one_permission_grants_is_permitted(void)
{
    CU_ASSERT_EQUAL(check("ags:05124000", "service:0101", "ags:05120000"), MG_PERMITTED);
    CU_ASSERT_EQUAL(check("ags:05124000", "register:0201", "ags:05122000"), MG_PERMITTED);
    CU_ASSERT_EQUAL(check("psw:1", "anything:1", "anyone:1"), MG_PERMITTED);
}

static void a_refusal_says_the_first_thing_that_no_permission_grants(void)
{
    CU_ASSERT_EQUAL(check("ags:05120000", "service:0101", "ags:05120000"), MG_AUTHOR_NOT_PERMITTED);
    CU_ASSERT_EQUAL(check("ags:05124000", "register:0202", "ags:05120000"), MG_TYPE_NOT_PERMITTED);
    CU_ASSERT_EQUAL(check("ags:05124000", "service:0101", "ags:05122000"), MG_READER_NOT_PERMITTED);
}

static void permissions_do_not_add_up_across_entries(void)
{
    static const struct mg_permission apart[] = {{"a:1", "x:1", "r:1"}, {"a:2", "x:2", "r:2"}};
    CU_ASSERT_EQUAL(mg_permission_check(apart, 2, "a:1", "x:2", "r:2"), MG_TYPE_NOT_PERMITTED);
    CU_ASSERT_EQUAL(mg_permission_check(apart, 2, "a:1", "x:1", "r:2"), MG_READER_NOT_PERMITTED);
}

static void without_permissions_nothing_is_permitted(void)
{
    CU_ASSERT_EQUAL(mg_permission_check(NULL, 0, "a:1", "x:1", "r:1"), MG_AUTHOR_NOT_PERMITTED);
}

static void an_exact_reader_comes_before_any_pattern(void)
{
    static const struct mg_route routes[] = {
        {.type = "service:0101", .reader = "ags:0512*"},
        {.type = "*", .reader = "ags:05124000"},
    };
    CU_ASSERT_PTR_EQUAL(mg_route_find(routes, 2, "service:0101", "ags:05124000"), &routes[1]);
    CU_ASSERT_PTR_EQUAL(mg_route_find(routes, 2, "service:0101", "ags:05120000"), &routes[0]);
}

static void a_longer_pattern_comes_before_a_shorter_one(void)
{
    static const struct mg_route routes[] = {
        {.type = "*", .reader = "*"},
        {.type = "*", .reader = "ags:051240*"},
        {.type = "*", .reader = "ags:05*"},
    };
    CU_ASSERT_PTR_EQUAL(mg_route_find(routes, 3, "x:1", "ags:05124000"), &routes[1]);
    CU_ASSERT_PTR_EQUAL(mg_route_find(routes, 3, "x:1", "ags:05911000"), &routes[2]);
    CU_ASSERT_PTR_EQUAL(mg_route_find(routes, 3, "x:1", "psw:1"), &routes[0]);
}

static void among_equal_readers_the_type_decides_then_the_order(void)
{
    static const struct mg_route routes[] = {
        {.type = "service:*", .reader = "ags:1"},
        {.type = "service:0102", .reader = "ags:1"},
        {.type = "service:*", .reader = "ags:1"},
        {.type = "service:01*", .reader = "ags:1"},
    };
    CU_ASSERT_PTR_EQUAL(mg_route_find(routes, 4, "service:0102", "ags:1"), &routes[1]);
    CU_ASSERT_PTR_EQUAL(mg_route_find(routes, 4, "service:0101", "ags:1"), &routes[3]);
    CU_ASSERT_PTR_EQUAL(mg_route_find(routes, 4, "service:0201", "ags:1"), &routes[0]);
}

static void what_no_route_matches_has_none(void)
{
    static const struct mg_route routes[] = {{.type = "service:*", .reader = "ags:*"}};
    CU_ASSERT_PTR_NULL(mg_route_find(routes, 1, "register:0201", "ags:1"));
    CU_ASSERT_PTR_NULL(mg_route_find(routes, 1, "service:0101", "psw:1"));
    CU_ASSERT_PTR_NULL(mg_route_find(NULL, 0, "service:0101", "ags:1"));
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_pattern_without_star_matches_itself_only),
        UNIT_TEST(a_star_at_the_end_stands_for_any_rest),
        UNIT_TEST(a_star_elsewhere_stands_for_itself),
        UNIT_TEST(what_one_permission_grants_is_permitted),
        UNIT_TEST(a_refusal_says_the_first_thing_that_no_permission_grants),
        UNIT_TEST(permissions_do_not_add_up_across_entries),
        UNIT_TEST(without_permissions_nothing_is_permitted),
        UNIT_TEST(an_exact_reader_comes_before_any_pattern),
        UNIT_TEST(a_longer_pattern_comes_before_a_shorter_one),
        UNIT_TEST(among_equal_readers_the_type_decides_then_the_order),
        UNIT_TEST(what_no_route_matches_has_none),
    };
    return unit_run("route", tests, sizeof tests / sizeof *tests);
}
