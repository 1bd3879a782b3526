/* What is counted of intake: under its name, up to a bound. */
#include "gateway/intake/tally.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static const struct mg_route route = {.type = "xbau:*", .reader = "ags:05120000"};

static void accept_type(struct mg_tally *tally, const char *partner, const char *type)
{
    mg_tally_accept(
        tally,
        &(struct mg_tally_accepted){
            .partner = partner, .source = "in", .type = type, .route = &route, .duration = 3000});
}

static void a_message_counts_for_its_partner_route_and_way(void)
{
    struct mg_tally *tally = mg_tally_new();
    struct mg_tally_partner partner;
    struct mg_tally_way way;
    struct mg_tally_route taken;
    accept_type(tally, "portal", "xbau:0200");
    accept_type(tally, "portal", "xbau:0 201");
    mg_tally_repeat(tally, "portal");
    mg_tally_of_partner(tally, "portal", &partner);
    CU_ASSERT(partner.accepted == 3 && partner.refused == 0 && partner.last_seen > 0);
    mg_tally_of_partner(tally, "nobody", &partner);
    CU_ASSERT(partner.accepted == 0 && partner.last_seen == 0);
    CU_ASSERT_EQUAL(mg_tally_of_route(tally, &route), 2);
    CU_ASSERT_FATAL(mg_tally_route(tally, 0, &taken));
    CU_ASSERT_STRING_EQUAL(taken.name, "xbau:* > ags:05120000");
    CU_ASSERT(mg_histogram_count(&taken.duration) == 2 && taken.duration.sum == 6000);
    CU_ASSERT_FATAL(mg_tally_way(tally, 1, &way));
    CU_ASSERT_STRING_EQUAL(way.type, "xbau:0 201");
    CU_ASSERT_STRING_EQUAL(way.source, "in");
    CU_ASSERT(mg_histogram_count(&way.duration) == 1 && way.duration.sum == 3000);
    CU_ASSERT_FALSE(mg_tally_way(tally, 2, &way));
    CU_ASSERT(mg_tally_totals(tally)->accepted == 2 && mg_tally_totals(tally)->repeated == 1);
    mg_tally_free(tally);
}

static void refusals_count_by_code_and_strangers_apart(void)
{
    struct mg_tally *tally = mg_tally_new();
    struct mg_tally_code code;
    mg_tally_refuse(tally, "portal", "schema.invalid");
    mg_tally_refuse(tally, NULL, "partner.unknown");
    mg_tally_refuse(tally, NULL, "partner.unknown");
    CU_ASSERT(mg_tally_totals(tally)->refused == 3 && mg_tally_totals(tally)->strangers == 2);
    CU_ASSERT_FATAL(mg_tally_code(tally, 1, &code));
    CU_ASSERT(strcmp(code.code, "partner.unknown") == 0 && code.refused == 2);
    CU_ASSERT_FALSE(mg_tally_code(tally, 2, &code));
    mg_tally_free(tally);
}

static void beyond_the_bound_everything_counts_as_other(void)
{
    struct mg_tally *tally = mg_tally_new();
    struct mg_tally_way way;
    char type[64];
    for (int i = 0; i < 1000; i++) {
        snprintf(type, sizeof type, "xbau:%d", i);
        accept_type(tally, "portal", type);
    }
    CU_ASSERT_FALSE(mg_tally_way(tally, MG_TALLY_WAYS, &way));
    CU_ASSERT_FATAL(mg_tally_way(tally, MG_TALLY_WAYS - 1, &way));
    CU_ASSERT_STRING_EQUAL(way.type, MG_TALLY_OTHER);
    CU_ASSERT_STRING_EQUAL(way.source, MG_TALLY_OTHER);
    CU_ASSERT_EQUAL(mg_histogram_count(&way.duration), 1000 - (MG_TALLY_WAYS - 1));
    accept_type(tally, "portal", "xbau:3");
    CU_ASSERT_FATAL(mg_tally_way(tally, 3, &way));
    CU_ASSERT_EQUAL(mg_histogram_count(&way.duration), 2);
    mg_tally_free(tally);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_message_counts_for_its_partner_route_and_way),
        UNIT_TEST(refusals_count_by_code_and_strangers_apart),
        UNIT_TEST(beyond_the_bound_everything_counts_as_other),
    };
    return unit_run("tally", tests, sizeof tests / sizeof *tests);
}
