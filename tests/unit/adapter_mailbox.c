#include "adapters/common/moment.h"
#include "adapters/mailbox/query.h"
#include "tests/unit/adapter_host_double.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void open_box(void)
{
    host_start();
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
}

static bool contains(const struct host_bytes *bytes, const char *text)
{
    return bytes->bytes && strstr(bytes->bytes, text);
}

/* A request that has come to its end, and is answered as soon as the gateway is. */
static struct mg_exchange *ask(const char *method, const char *target)
{
    struct mg_exchange *exchange = host_request(method, target, NULL, 0, 0);
    if (exchange->events)
        CU_ASSERT_EQUAL(exchange->limit, 0);
    host_exchange_end(exchange);
    host_run();
    CU_ASSERT(exchange->status != 0);
    return exchange;
}

static void check(const char *method, const char *target, int status, const char *code)
{
    struct mg_exchange *exchange = ask(method, target);
    CU_ASSERT_EQUAL(exchange->status, status);
    if (code) {
        char member[64];
        snprintf(member, sizeof member, "\"code\": \"%s\"", code);
        CU_ASSERT(contains(&exchange->body, member));
        CU_ASSERT(contains(&exchange->head, "Content-Type: application/problem+json\n"));
    } else {
        CU_ASSERT_EQUAL(exchange->body.length, 0);
    }
    host_exchange_free(exchange);
}

/* ---- list ---- */

static void a_list_says_what_waits_and_how_much_that_is(void)
{
    open_box();
    host_letter("0193-a", "<a/>");
    host_letter("0193-b", "<bb/>");
    host.letters[0].taken = host.letters[0].takings = 1;
    struct mg_exchange *exchange = ask("GET", "/test");
    CU_ASSERT_EQUAL(exchange->status, 200);
    CU_ASSERT_STRING_EQUAL(exchange->head.bytes,
                           "Content-Type: application/json\nCache-Control: no-store\n");
    CU_ASSERT_STRING_EQUAL(
        exchange->body.bytes,
        "{\n  \"number\": 2, \"taken\": 1, \"bytes\": 9, \"oldest\": "
        "\"1970-01-01T00:00:01.000Z\",\n"
        "  \"messages\": [\n"
        "    {\"id\": \"0193-b\", \"uuid\": \"uuid\", \"type\": \"profile:\\\"code\\\"\", "
        "\"author\": \"a:1\", \"reader\": \"r:1\", \"partner\": \"portal\", "
        "\"accepted\": \"1970-01-01T00:00:01.000Z\", \"size\": 5, \"attempts\": 0}\n"
        "  ],\n  \"next\": null\n}\n");
    CU_ASSERT_STRING_EQUAL(host.list_after, "-");
    CU_ASSERT_EQUAL(host.list_limit, 100);
    host_exchange_free(exchange);
    host_stop();
}

static void an_empty_box_has_an_empty_list(void)
{
    open_box();
    struct mg_exchange *exchange = ask("GET", "/test");
    CU_ASSERT_STRING_EQUAL(exchange->body.bytes,
                           "{\n  \"number\": 0, \"taken\": 0, \"bytes\": 0, \"oldest\": null,\n"
                           "  \"messages\": [],\n  \"next\": null\n}\n");
    host_exchange_free(exchange);
    host_stop();
}

static void a_list_goes_on_where_the_one_before_ended(void)
{
    open_box();
    host_letter("0193-a", "<a/>");
    host_letter("0193-b", "<b/>");
    struct mg_exchange *exchange = ask("GET", "/test?limit=1");
    CU_ASSERT_EQUAL(host.list_limit, 1);
    CU_ASSERT(contains(&exchange->body, "\"next\": \"0193-a\""));
    host_exchange_free(exchange);
    host_exchange_free(ask("GET", "/test?after=0193%2Da&limit=1000"));
    CU_ASSERT_STRING_EQUAL(host.list_after, "0193-a");
    CU_ASSERT_EQUAL(host.list_limit, 1000);
    host_stop();
}

/* ---- fetch ---- */

static void a_message_is_fetched_in_the_form_that_rest_delivers(void)
{
    open_box();
    host_letter("0193-a", "<a/>");
    int64_t before = mg_moment_now();
    struct mg_exchange *exchange = ask("POST", "/test/fetch");
    CU_ASSERT_EQUAL(exchange->status, 200);
    CU_ASSERT(contains(&exchange->head,
                       "Content-Type: multipart/related; boundary=\"muengsten-0193-a\"; "
                       "type=\"application/xml\"; start=\"<0193-id@muengsten>\"\n"));
    CU_ASSERT(contains(&exchange->head, "Muengsten-Message-Id: 0193-a\n"));
    CU_ASSERT(contains(&exchange->head, "Muengsten-Attempt: 1\n"));
    CU_ASSERT(contains(&exchange->head, "Muengsten-Claim: claim-1\n"));
    CU_ASSERT(contains(&exchange->head, "Cache-Control: no-store\n"));
    CU_ASSERT(contains(&exchange->body, "\r\n\r\n<a/>\r\n--muengsten-0193-a\r\n"));
    CU_ASSERT(contains(&exchange->body, "\r\n\r\n<seal/>\r\n--muengsten-0193-a--\r\n"));
    CU_ASSERT_EQUAL(host.lease, 300000);
    char earliest[MG_MOMENT_SIZE], latest[MG_MOMENT_SIZE];
    const char *until = strstr(exchange->head.bytes, "Muengsten-Claim-Until: ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(until);
    until += strlen("Muengsten-Claim-Until: ");
    size_t length = strcspn(until, "\n");
    CU_ASSERT(strncmp(until, mg_moment_text(before + 300000, earliest), length) >= 0);
    CU_ASSERT(strncmp(until, mg_moment_text(mg_moment_now() + 300000, latest), length) <= 0);
    host_exchange_free(exchange);
    host_stop();
}

static void an_empty_box_answers_204(void)
{
    open_box();
    check("POST", "/test/fetch", 204, NULL);
    host_letter("0193-a", "<a/>");
    host_exchange_free(ask("POST", "/test/fetch"));
    check("POST", "/test/fetch", 204, NULL);
    host_stop();
}

static void one_message_is_fetched_by_its_id(void)
{
    open_box();
    host_letter("0193-a", "<a/>");
    host_letter("0193-b", "<b/>");
    struct mg_exchange *exchange = ask("POST", "/test/messages/0193-b/fetch?lease=7");
    CU_ASSERT_EQUAL(exchange->status, 200);
    CU_ASSERT(contains(&exchange->head, "Muengsten-Message-Id: 0193-b\n"));
    CU_ASSERT_EQUAL(host.lease, 7000);
    host_exchange_free(exchange);
    check("POST", "/test/messages/0193-b/fetch", 409, "box.taken");
    check("POST", "/test/messages/0193-c/fetch", 404, "box.unknown");
    host_stop();
}

static void a_message_with_attachments_is_read_on_another_thread(void)
{
    open_box();
    host_letter("0193-a", "<a/>")->attachments = 2;
    host.holds_work = false;
    struct mg_exchange *exchange = ask("POST", "/test/fetch");
    CU_ASSERT_EQUAL(exchange->status, 200);
    CU_ASSERT(contains(&exchange->body, "filename=\"plan.txt\"\r\n\r\na plan\r\n"));
    CU_ASSERT_EQUAL(host.works, 2); /* the box and the body */
    host_exchange_free(exchange);
    host_stop();
}

static void a_message_that_cannot_be_read_goes_back_into_the_box(void)
{
    for (unsigned attachments = 0; attachments < 2; attachments++) {
        open_box();
        host_letter("0193-a", "<a/>")->attachments = attachments;
        host.loses_content = attachments == 0;
        host.full = attachments ? 1 : 0;
        struct mg_exchange *exchange = ask("POST", "/test/fetch");
        CU_ASSERT_EQUAL(exchange->status, 503);
        CU_ASSERT(contains(&exchange->head, "Retry-After: 1\n"));
        CU_ASSERT(contains(&exchange->body, "\"code\": \"mailbox.unreadable\""));
        CU_ASSERT_EQUAL(host.letters[0].taken, 0);
        host_exchange_free(exchange);
        host_stop();
    }
}

static void a_reader_that_has_gone_leaves_the_message_to_the_next(void)
{
    open_box();
    host_letter("0193-a", "<a/>");
    struct mg_exchange *exchange = host_request("POST", "/test/fetch", NULL, 0, 0);
    host_exchange_end(exchange);
    exchange->events->on_abort(exchange, exchange->context);
    host_run();
    CU_ASSERT_EQUAL(host.letters[0].takings, 1);
    CU_ASSERT_EQUAL(host.letters[0].taken, 0);
    CU_ASSERT_EQUAL(exchange->status, 0);
    host_exchange_free(exchange);
    host_stop();
}

static void a_reader_that_goes_while_attachments_are_read_leaves_the_message_too(void)
{
    open_box();
    host_letter("0193-a", "<a/>")->attachments = 1;
    struct mg_exchange *exchange = host_request("POST", "/test/fetch", NULL, 0, 0);
    host_exchange_end(exchange);
    host_step();
    CU_ASSERT_EQUAL_FATAL(host.letters[0].taken, 1);
    exchange->events->on_abort(exchange, exchange->context);
    host_run();
    CU_ASSERT_EQUAL(host.letters[0].taken, 0);
    CU_ASSERT_EQUAL(exchange->status, 0);
    host_exchange_free(exchange);
    host_stop();
}

static void nothing_is_taken_for_a_request_that_does_not_come_to_its_end(void)
{
    open_box();
    host_letter("0193-a", "<a/>");
    struct mg_exchange *exchange = host_request("POST", "/test/fetch", NULL, 0, 5);
    host_run();
    exchange->events->on_abort(exchange, exchange->context);
    CU_ASSERT_EQUAL(host.letters[0].takings, 0);
    host_exchange_free(exchange);
    host_stop();
}

/* ---- acknowledge and return ---- */

static void what_is_acknowledged_is_gone_and_may_be_acknowledged_again(void)
{
    open_box();
    host_letter("0193-a", "<a/>");
    host_exchange_free(ask("POST", "/test/fetch"));
    check("DELETE", "/test/messages/0193-a?claim=claim-1", 204, NULL);
    CU_ASSERT(host.letters[0].collected);
    check("DELETE", "/test/messages/0193-a?claim=claim-1", 204, NULL);
    host_stop();
}

static void what_is_returned_is_fetched_by_the_next(void)
{
    open_box();
    host_letter("0193-a", "<a/>");
    host_exchange_free(ask("POST", "/test/fetch"));
    check("POST", "/test/messages/0193-a/return?claim=claim-1", 204, NULL);
    CU_ASSERT_FALSE(host.letters[0].collected);
    struct mg_exchange *exchange = ask("POST", "/test/fetch");
    CU_ASSERT_EQUAL(exchange->status, 200);
    CU_ASSERT(contains(&exchange->head, "Muengsten-Claim: claim-2\n"));
    host_exchange_free(exchange);
    host_stop();
}

static void who_is_too_late_cannot_acknowledge_what_somebody_else_has(void)
{
    open_box();
    host_letter("0193-a", "<a/>");
    host_exchange_free(ask("POST", "/test/fetch"));
    host.letters[0].taken = 0; /* the lease has ended */
    host_exchange_free(ask("POST", "/test/fetch"));
    check("DELETE", "/test/messages/0193-a?claim=claim-1", 409, "box.lost");
    check("POST", "/test/messages/0193-a/return?claim=claim-1", 409, "box.lost");
    CU_ASSERT_FALSE(host.letters[0].collected);
    CU_ASSERT_EQUAL(host.letters[0].taken, 2);
    check("DELETE", "/test/messages/0193-b?claim=claim-1", 404, "box.unknown");
    host_stop();
}

static void an_acknowledgement_counts_even_if_nobody_waits_for_the_answer(void)
{
    open_box();
    host_letter("0193-a", "<a/>");
    host_exchange_free(ask("POST", "/test/fetch"));
    struct mg_exchange *exchange =
        host_request("DELETE", "/test/messages/0193-a?claim=claim-1", NULL, 0, 0);
    host_exchange_end(exchange);
    exchange->events->on_abort(exchange, exchange->context);
    host_run();
    CU_ASSERT(host.letters[0].collected);
    host_exchange_free(exchange);
    host_stop();
}

/* ---- what goes wrong ---- */

static const struct {
    const char *method, *target;
} good[] = {
    {"GET", "/test"},
    {"POST", "/test/fetch"},
    {"POST", "/test/messages/0193-a/fetch"},
    {"DELETE", "/test/messages/0193-a?claim=claim-1"},
    {"POST", "/test/messages/0193-a/return?claim=claim-1"},
};

static void whoever_asks_too_much_is_told_to_wait(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        open_box();
        host.box_full = true;
        struct mg_exchange *exchange = ask(good[i].method, good[i].target);
        CU_ASSERT_EQUAL(exchange->status, 503);
        CU_ASSERT(contains(&exchange->head, "Retry-After: 1\n"));
        CU_ASSERT(contains(&exchange->body, "\"code\": \"mailbox.busy\""));
        host_exchange_free(exchange);
        host_stop();
    }
}

static void a_failure_of_the_gateway_is_passed_on(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        open_box();
        host.box_fails = true;
        host.refusal.status = 503;
        host.refusal.code = "store.failed";
        check(good[i].method, good[i].target, 503, "store.failed");
        host_stop();
    }
}

static void a_reader_that_has_gone_is_forgotten_whatever_it_asked(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        for (int fails = 0; fails < 2; fails++) {
            open_box();
            host.box_fails = fails;
            struct mg_exchange *exchange = host_request(good[i].method, good[i].target, NULL, 0, 0);
            host_exchange_end(exchange);
            exchange->events->on_abort(exchange, exchange->context);
            host_run();
            CU_ASSERT_EQUAL(exchange->status, 0);
            host_exchange_free(exchange);
            host_stop();
        }
    }
}

static void refusals_come_as_xml_to_who_prefers_xml(void)
{
    const struct mg_field accept = {"accept", "application/xml"};
    open_box();
    struct mg_exchange *exchange = host_request("POST", "/test/fetch?lease=0", &accept, 1, 0);
    CU_ASSERT_EQUAL(exchange->status, 400);
    CU_ASSERT(contains(&exchange->body, "code=\"mailbox.query\""));
    host_exchange_free(exchange);
    host_stop();
}

static void a_query_with_anything_wrong_in_it_is_refused_before_the_box_is_asked(void)
{
    static const struct {
        const char *method, *target;
    } wrong[] = {
        {"GET", "/test?limit=0"},
        {"GET", "/test?limit=1001"},
        {"GET", "/test?limit=-1"},
        {"GET", "/test?limit="},
        {"GET", "/test?limit=1e3"},
        {"GET", "/test?limit=99999999999999999999999"},
        {"GET", "/test?limit"},
        {"GET", "/test?limit=1&limit=1"},
        {"GET", "/test?after=%"},
        {"GET", "/test?after=%4"},
        {"GET", "/test?after=%zz"},
        {"GET", "/test?after=%00"},
        {"GET", "/test?after=%0d%0aX:1"},
        {"GET", "/test?after=%c3%a4"},
        {"GET", "/test?lease=1"},
        {"GET", "/test?=&"},
        {"GET", "/test?&&"},
        {"POST", "/test/fetch?lease=0"},
        {"POST", "/test/fetch?lease=86401"},
        {"POST", "/test/fetch?claim=a"},
        {"POST", "/test/messages/0193-a/fetch?lease=x"},
        {"DELETE", "/test/messages/0193-a"},
        {"DELETE", "/test/messages/0193-a?claim="},
        {"DELETE", "/test/messages/0193-a?claim=a&claim=b"},
        {"POST", "/test/messages/0193-a/return"},
        {"POST", "/test/messages/0193-a/return?claim=%20"},
    };
    open_box();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check(wrong[i].method, wrong[i].target, 400, "mailbox.query");
    CU_ASSERT_EQUAL(host.works, 0);
    host_stop();
}

static void a_value_may_be_as_long_as_the_room_for_it_and_no_longer(void)
{
    char query[MG_QUERY_VALUE_SIZE + 16] = "claim=";
    struct mg_query_value value = {.name = "claim"};
    memset(query + 6, 'a', MG_QUERY_VALUE_SIZE - 1);
    CU_ASSERT(mg_query_read(query, &value, 1));
    CU_ASSERT_EQUAL(strlen(value.text), MG_QUERY_VALUE_SIZE - 1);
    query[6 + MG_QUERY_VALUE_SIZE - 1] = 'a';
    value.given = false;
    CU_ASSERT_FALSE(mg_query_read(query, &value, 1));
}

static void there_is_nothing_at_other_paths_below_the_box(void)
{
    static const struct {
        const char *method, *target;
    } wrong[] = {
        {"POST", "/test/messages/0193-a"},
        {"POST", "/test/messages/0193-a/"},
        {"POST", "/test/messages/0193-a/fetch/"},
        {"POST", "/test/messages/0193-a/../fetch"},
        {"POST", "/test/messages//fetch"},
        {"POST", "/test/messages/0193-a/take"},
        {"DELETE", "/test/messages/0193-a/fetch?claim=a"},
        {"DELETE", "/test/messages//?claim=a"},
        {"DELETE", "/test/messages/"
                   "0123456789012345678901234567890123456789012345678901234567890123?claim=a"},
    };
    open_box();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check(wrong[i].method, wrong[i].target, 404, "http.path");
    CU_ASSERT_EQUAL(host.works, 0);
    host_stop();
}

static void a_lease_longer_than_the_longest_is_refused_at_open(void)
{
    host_start();
    host_parameter("lease", "600");
    host_parameter("longest-lease", "599");
    CU_ASSERT_PTR_NULL(host_open(false));
    CU_ASSERT_STRING_EQUAL(host.failure.bytes, "mailbox.lease");
    host_stop();
}

static void a_box_without_a_listener_or_with_a_path_that_is_taken_is_refused_at_open(void)
{
    for (int i = 0; i < 2; i++) {
        host_start();
        host.has_no_listener = i == 0;
        host.refuses_route = i == 1;
        CU_ASSERT_PTR_NULL(host_open(false));
        CU_ASSERT_STRING_EQUAL(host.failure.bytes, "mailbox.path");
        host_stop();
    }
}

static void a_gateway_without_boxes_is_told_that_the_adapter_cannot_work_with_it(void)
{
    CU_ASSERT_PTR_NULL(mg_adapter_entry(1));
    CU_ASSERT_PTR_NOT_NULL(mg_adapter_entry(2));
    CU_ASSERT_PTR_NOT_NULL(mg_adapter_entry(3));
}

static void moments_are_written_as_rfc_3339_has_them(void)
{
    char text[MG_MOMENT_SIZE];
    CU_ASSERT_STRING_EQUAL(mg_moment_text(0, text), "1970-01-01T00:00:00.000Z");
    CU_ASSERT_STRING_EQUAL(mg_moment_text(1709210096007, text), "2024-02-29T12:34:56.007Z");
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_list_says_what_waits_and_how_much_that_is),
        UNIT_TEST(an_empty_box_has_an_empty_list),
        UNIT_TEST(a_list_goes_on_where_the_one_before_ended),
        UNIT_TEST(a_message_is_fetched_in_the_form_that_rest_delivers),
        UNIT_TEST(an_empty_box_answers_204),
        UNIT_TEST(one_message_is_fetched_by_its_id),
        UNIT_TEST(a_message_with_attachments_is_read_on_another_thread),
        UNIT_TEST(a_message_that_cannot_be_read_goes_back_into_the_box),
        UNIT_TEST(a_reader_that_has_gone_leaves_the_message_to_the_next),
        UNIT_TEST(a_reader_that_goes_while_attachments_are_read_leaves_the_message_too),
        UNIT_TEST(nothing_is_taken_for_a_request_that_does_not_come_to_its_end),
        UNIT_TEST(what_is_acknowledged_is_gone_and_may_be_acknowledged_again),
        UNIT_TEST(what_is_returned_is_fetched_by_the_next),
        UNIT_TEST(who_is_too_late_cannot_acknowledge_what_somebody_else_has),
        UNIT_TEST(an_acknowledgement_counts_even_if_nobody_waits_for_the_answer),
        UNIT_TEST(whoever_asks_too_much_is_told_to_wait),
        UNIT_TEST(a_failure_of_the_gateway_is_passed_on),
        UNIT_TEST(a_reader_that_has_gone_is_forgotten_whatever_it_asked),
        UNIT_TEST(refusals_come_as_xml_to_who_prefers_xml),
        UNIT_TEST(a_query_with_anything_wrong_in_it_is_refused_before_the_box_is_asked),
        UNIT_TEST(a_value_may_be_as_long_as_the_room_for_it_and_no_longer),
        UNIT_TEST(there_is_nothing_at_other_paths_below_the_box),
        UNIT_TEST(a_lease_longer_than_the_longest_is_refused_at_open),
        UNIT_TEST(a_box_without_a_listener_or_with_a_path_that_is_taken_is_refused_at_open),
        UNIT_TEST(a_gateway_without_boxes_is_told_that_the_adapter_cannot_work_with_it),
        UNIT_TEST(moments_are_written_as_rfc_3339_has_them),
    };
    return unit_run("adapter_mailbox", tests, sizeof tests / sizeof *tests);
}
