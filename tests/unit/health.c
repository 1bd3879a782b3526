/* What is judged of a state: each reason with its code, and none for what is well; and how a day is
 * remembered. */
#include "gateway/operate/health.h"
#include "gateway/config/snapshot.h"
#include "gateway/operate/history.h"
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW    INT64_C(1800000000000)
#define MINUTE INT64_C(60000)
#define DAY    INT64_C(86400000)

static struct mg_config_destination configured[] = {{.name = "office", .retry = {.give_up = DAY}}};
static struct mg_name names[] = {{.name = "office"}};
static struct mg_config_certificate certificate;
static struct mg_config_snapshot snapshot = {
    .config = {.destinations = configured, .destination_count = 1, .certificates = &certificate},
    .destinations = {.list = names, .count = 1},
};
static struct mg_overview_destination destination;
static struct mg_host_facts instance;
static struct mg_list_facts list;

/* A gateway in which all is well; the tests spoil it. */
static struct mg_overview well(void)
{
    snapshot.config.certificate_count = 1;
    certificate = (struct mg_config_certificate){.role = "tls",
                                                 .subject = "CN=us",
                                                 .file = "us.pem",
                                                 .not_before = NOW - DAY,
                                                 .not_after = NOW + 400 * DAY};
    destination = (struct mg_overview_destination){
        .facts = {.name = "office", .failure_code = "", .failure_text = ""}};
    instance = (struct mg_host_facts){
        .name = "in", .adapter = "rest", .is_source = true, .code = "", .text = ""};
    list = (struct mg_list_facts){
        .issuer = "CN=root", .last_update = NOW - DAY, .next_update = NOW + 6 * DAY};
    return (struct mg_overview){
        .config = &snapshot.config,
        .now = NOW,
        .store = {.accepts = true, .records = true},
        .measures = {.free_bytes = INT64_C(1) << 40, .reserve = 1 << 20},
        .destinations = &destination,
        .destination_count = 1,
        .instances = &instance,
        .instance_count = 1,
        .lists = &list,
        .list_count = 1,
    };
}

static bool is_known(const struct mg_overview_reason *reason)
{
    for (size_t i = 0; i < mg_health_kind_count; i++)
        if (strcmp(mg_health_kinds[i].code, reason->code) == 0 &&
            mg_health_kinds[i].critical == reason->critical)
            return true;
    return false;
}

/* The one reason that there is: "severity code subject". */
static const char *judged(struct mg_overview *overview)
{
    static char text[400];
    mg_health_judge(overview);
    if (overview->reason_count == 0)
        return "ok";
    const struct mg_overview_reason *reason = &overview->reasons[0];
    snprintf(text, sizeof text, "%s %s %s", mg_health_state(overview), reason->code,
             reason->subject ? reason->subject : "-");
    CU_ASSERT(reason->text[0] != '\0');
    CU_ASSERT(is_known(reason));
    if (overview->reason_count > 1)
        snprintf(text, sizeof text, "%zu reasons", overview->reason_count);
    free(overview->reasons);
    overview->reasons = NULL;
    overview->reason_count = 0;
    return text;
}

static void a_gateway_in_which_all_is_well_has_no_reasons(void)
{
    struct mg_overview overview = well();
    CU_ASSERT_STRING_EQUAL(judged(&overview), "ok");
    CU_ASSERT_STRING_EQUAL(mg_health_state(&overview), "ok");
}

static void states_of_a_destination_are_reasons(void)
{
    static const char *const reasons[] = {
        [MG_DESTINATION_READY] = "ok",
        [MG_DESTINATION_PAUSED] = "warning destination.paused office",
        [MG_DESTINATION_DOWN] = "critical destination.down office",
        [MG_DESTINATION_BLOCKED] = "critical destination.blocked office",
        [MG_DESTINATION_REMOVED] = "warning destination.removed office",
    };
    for (int state = 0; state < MG_DESTINATION_STATES; state++) {
        struct mg_overview overview = well();
        destination.state = (enum mg_destination_state)state;
        destination.queue.waiting = 1;
        destination.facts.instance.text = "It is gone.";
        CU_ASSERT_STRING_EQUAL(judged(&overview), reasons[state]);
    }
}

static void a_breaker_and_dead_letters_are_reasons(void)
{
    struct mg_overview overview = well();
    destination.facts.breaker = MG_BREAKER_OPEN;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning breaker.open office");
    overview = well();
    destination.queue.dead = 1;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning destination.dead-letters office");
}

static void what_is_held_since_a_restore_is_a_reason_until_somebody_has_decided(void)
{
    struct mg_overview overview = well();
    destination.queue.waiting = 742;
    destination.queue.held = 741;
    mg_health_judge(&overview);
    CU_ASSERT_EQUAL_FATAL(overview.reason_count, 1);
    CU_ASSERT_STRING_EQUAL(overview.reasons[0].code, "destination.held");
    CU_ASSERT_PTR_NOT_NULL(strstr(overview.reasons[0].text, "741 deliveries are held"));
    free(overview.reasons);
    overview = well();
    destination.queue.waiting = 742;
    destination.queue.held = 1;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning destination.held office");
    destination.queue.held = 0;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "ok");
}

static void what_waits_is_a_reason_when_it_is_old_and_critical_before_it_is_given_up(void)
{
    struct mg_overview overview = well();
    destination.queue.waiting = 1;
    destination.queue.oldest = NOW - 14 * MINUTE;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "ok");
    destination.queue.oldest = NOW - 16 * MINUTE;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning destination.backlog office");
    destination.facts.collected = true;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "ok");
    destination.queue.oldest = NOW - DAY / 2;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning destination.backlog office");
    destination.queue.oldest = NOW - DAY / 4 * 3;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "critical destination.backlog office");
}

static void sources_that_are_down_and_processes_that_end_are_reasons(void)
{
    struct mg_overview overview = well();
    instance.down = true;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "critical source.down in");
    instance.down = false;
    instance.restarts = 1;
    instance.restarted = NOW - 14 * MINUTE;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning adapter.restarted in");
    instance.restarted = NOW - 16 * MINUTE;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "ok");
}

static void certificates_are_reasons_before_they_end(void)
{
    static const struct {
        int64_t left;
        const char *reason;
    } ends[] = {
        {31 * DAY, "ok"},
        {30 * DAY - 1, "warning certificate.expiring CN=us"},
        {7 * DAY, "warning certificate.expiring CN=us"},
        {7 * DAY - 1, "critical certificate.expiring CN=us"},
        {0, "critical certificate.expired CN=us"},
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct mg_overview overview = well();
        certificate.not_after = NOW + ends[i].left;
        CU_ASSERT_STRING_EQUAL(judged(&overview), ends[i].reason);
    }
    struct mg_overview overview = well();
    certificate.not_before = NOW + 1;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning certificate.not-yet-valid CN=us");
    certificate.role = "seal.next";
    CU_ASSERT_STRING_EQUAL(judged(&overview), "ok");
}

static void revocation_lists_are_reasons_in_the_last_part_of_their_life(void)
{
    struct mg_overview overview = well();
    list.next_update = NOW + DAY / 4;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning revocation.expiring CN=root");
    list.next_update = NOW + DAY / 2;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "ok");
    list.next_update = NOW;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "critical revocation.stale CN=root");
    list.next_update = 0;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "ok");
}

static void the_store_is_a_reason_before_it_is_full(void)
{
    struct mg_overview overview = well();
    overview.measures.free_bytes = 2 * overview.measures.reserve - 2;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning store.space -");
    overview.store.accepts = false;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "critical store.reserve -");
    overview.measures.failed = true;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "critical store.failed -");
    overview = well();
    for (int i = 0; i < 10; i++)
        mg_histogram_add(&overview.measures.recent, 2000000);
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning store.slow -");
}

static void a_refused_reload_an_unannounced_seal_and_a_stop_are_reasons(void)
{
    struct mg_overview overview = well();
    overview.reloads.last_refused = NOW - 1;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning reload.refused -");
    overview = well();
    overview.unannounced = NOW - 1;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning seal.unannounced -");
    overview = well();
    overview.audit.failing = "the disk is full";
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning audit.failing -");
    overview = well();
    overview.stopping = true;
    CU_ASSERT_STRING_EQUAL(judged(&overview), "warning gateway.stopping -");
}

static void the_worst_reason_stands_first(void)
{
    struct mg_overview overview = well();
    overview.stopping = true;
    destination.queue.dead = 1;
    destination.state = MG_DESTINATION_BLOCKED;
    mg_health_judge(&overview);
    CU_ASSERT_EQUAL_FATAL(overview.reason_count, 3);
    CU_ASSERT_STRING_EQUAL(overview.reasons[0].code, "destination.blocked");
    CU_ASSERT_STRING_EQUAL(overview.reasons[1].code, "destination.dead-letters");
    CU_ASSERT_STRING_EQUAL(overview.reasons[2].code, "gateway.stopping");
    free(overview.reasons);
}

static void days_left_are_whole_ones_and_negative_afterwards(void)
{
    CU_ASSERT_EQUAL(mg_health_days_left(NOW + DAY, NOW), 1);
    CU_ASSERT_EQUAL(mg_health_days_left(NOW + DAY - 1, NOW), 0);
    CU_ASSERT_EQUAL(mg_health_days_left(NOW - 1, NOW), -1);
    CU_ASSERT_EQUAL(mg_health_days_left(NOW - DAY - 1, NOW), -2);
}

/* ---- the day ---- */

static json_t *history_of(const struct mg_history *history)
{
    struct mg_buffer text = {0};
    mg_history_write(history, &text);
    json_t *written = json_loadb(text.data, text.length, 0, NULL);
    mg_buffer_free(&text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(written);
    return written;
}

static int number(const json_t *point, const char *name)
{
    return (int)json_integer_value(json_object_get(point, name));
}

static void a_point_tells_what_has_happened_since_the_one_before(void)
{
    static const struct mg_route route = {.type = "*", .reader = "*"};
    struct mg_tally *tally = mg_tally_new();
    struct mg_dispatch_totals went = {.counts = {.delivered = 5, .collected = 2}};
    struct mg_history *history = mg_history_new(NOW);
    struct mg_overview overview = {
        .now = NOW + MINUTE, .tally = tally, .deliveries = &went, .store = {.waiting = 9}};
    mg_history_add(history, &overview);
    mg_tally_accept(
        tally, &(struct mg_tally_accepted){
                   .partner = "p", .source = "s", .type = "t", .route = &route, .duration = 4000});
    mg_tally_refuse(tally, "p", "schema.invalid");
    went.counts.delivered = 6;
    overview.now += MINUTE;
    mg_history_add(history, &overview);
    json_t *written = history_of(history);
    const json_t *points = json_object_get(written, "points");
    CU_ASSERT_EQUAL_FATAL(json_array_size(points), 2);
    const json_t *first = json_array_get(points, 0), *second = json_array_get(points, 1);
    CU_ASSERT(number(first, "delivered") == 7 && number(first, "waiting") == 9);
    CU_ASSERT(json_is_null(json_object_get(first, "intake_p50")));
    CU_ASSERT(number(second, "accepted") == 1 && number(second, "refused") == 1);
    CU_ASSERT_EQUAL(number(second, "delivered"), 1);
    CU_ASSERT(json_is_real(json_object_get(second, "intake_p99")));
    CU_ASSERT(json_is_null(json_object_get(second, "delivery_p50")));
    json_decref(written);
    mg_history_free(history);
    mg_tally_free(tally);
}

static void the_history_keeps_a_day_and_begins_with_its_first_point(void)
{
    struct mg_tally *tally = mg_tally_new();
    struct mg_dispatch_totals went = {0};
    struct mg_history *history = mg_history_new(NOW);
    struct mg_overview overview = {.now = NOW, .tally = tally, .deliveries = &went};
    json_t *written = history_of(history);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(written, "points")), 0);
    json_decref(written);
    for (int i = 0; i < MG_HISTORY_POINTS + 3; i++) {
        overview.now += MINUTE;
        overview.store.waiting = i;
        mg_history_add(history, &overview);
    }
    written = history_of(history);
    const json_t *points = json_object_get(written, "points");
    CU_ASSERT_EQUAL_FATAL(json_array_size(points), MG_HISTORY_POINTS);
    CU_ASSERT_EQUAL(number(json_array_get(points, 0), "waiting"), 3);
    CU_ASSERT_EQUAL(number(json_array_get(points, MG_HISTORY_POINTS - 1), "waiting"),
                    MG_HISTORY_POINTS + 2);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(written, "start")),
                           "2027-01-15T08:03:00.000Z");
    CU_ASSERT_EQUAL(mg_history_count(history), MG_HISTORY_POINTS + 3);
    json_decref(written);
    mg_history_free(history);
    mg_tally_free(tally);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_gateway_in_which_all_is_well_has_no_reasons),
        UNIT_TEST(states_of_a_destination_are_reasons),
        UNIT_TEST(a_breaker_and_dead_letters_are_reasons),
        UNIT_TEST(what_is_held_since_a_restore_is_a_reason_until_somebody_has_decided),
        UNIT_TEST(what_waits_is_a_reason_when_it_is_old_and_critical_before_it_is_given_up),
        UNIT_TEST(sources_that_are_down_and_processes_that_end_are_reasons),
        UNIT_TEST(certificates_are_reasons_before_they_end),
        UNIT_TEST(revocation_lists_are_reasons_in_the_last_part_of_their_life),
        UNIT_TEST(the_store_is_a_reason_before_it_is_full),
        UNIT_TEST(a_refused_reload_an_unannounced_seal_and_a_stop_are_reasons),
        UNIT_TEST(the_worst_reason_stands_first),
        UNIT_TEST(days_left_are_whole_ones_and_negative_afterwards),
        UNIT_TEST(a_point_tells_what_has_happened_since_the_one_before),
        UNIT_TEST(the_history_keeps_a_day_and_begins_with_its_first_point),
    };
    return unit_run("health", tests, sizeof tests / sizeof *tests);
}
