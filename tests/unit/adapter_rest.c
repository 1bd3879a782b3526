#include "adapters/common/accept.h"
#include "adapters/rest/status.h"
#include "tests/unit/adapter_host_double.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void open_source(void)
{
    host_start();
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(true));
}

static void open_destination(void)
{
    host_start();
    host_parameter("url", "https://city.example/inbox");
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
}

static bool contains(const struct host_bytes *bytes, const char *text)
{
    return bytes->bytes && strstr(bytes->bytes, text);
}

/* Posts a body in two pieces. */
static struct mg_exchange *post(const char *body, const char *accept)
{
    const struct mg_field fields[] = {{"content-type", "application/xml; charset=utf-8"},
                                      {"CONTENT-ENCODING", "gzip"},
                                      {"Accept", accept}};
    struct mg_exchange *exchange =
        host_request("POST", "/messages", fields, accept ? 3 : 2, (int64_t)strlen(body));
    if (exchange->events) {
        exchange->events->on_data(exchange, body, 1, exchange->context);
        if (!exchange->status)
            exchange->events->on_data(exchange, body + 1, strlen(body) - 1, exchange->context);
        if (!exchange->status)
            exchange->events->on_end(exchange, exchange->context);
    }
    return exchange;
}

/* ---- the way in ---- */

static void an_accepted_message_is_answered_201_with_location_and_receipt(void)
{
    open_source();
    struct mg_exchange *exchange = post("<a/>", NULL);
    CU_ASSERT_EQUAL(exchange->status, 201);
    CU_ASSERT_STRING_EQUAL(exchange->head.bytes, "Content-Type: application/xml\n"
                                                 "Location: /messages/0193-id\n"
                                                 "Muengsten-Message-Id: 0193-id\n");
    CU_ASSERT_STRING_EQUAL(exchange->body.bytes, "<receipt/>");
    CU_ASSERT_EQUAL(host.submission_count, 1);
    CU_ASSERT_STRING_EQUAL(host.submissions[0]->body.bytes, "<a/>");
    CU_ASSERT_STRING_EQUAL(host.submissions[0]->media_type.bytes, "application/xml; charset=utf-8");
    CU_ASSERT_STRING_EQUAL(host.submissions[0]->encoding.bytes, "gzip");
    CU_ASSERT_EQUAL(host.submissions[0]->length, 4);
    host_exchange_free(exchange);
    host_stop();
}

static void a_repeated_message_is_answered_200_with_the_same_receipt(void)
{
    open_source();
    host.result = MG_REPEATED;
    struct mg_exchange *exchange = post("<a/>", NULL);
    CU_ASSERT_EQUAL(exchange->status, 200);
    CU_ASSERT(contains(&exchange->head, "Muengsten-Repeated: true\n"));
    CU_ASSERT(contains(&exchange->head, "Location: /messages/0193-id\n"));
    CU_ASSERT_STRING_EQUAL(exchange->body.bytes, "<receipt/>");
    host_exchange_free(exchange);
    host_stop();
}

static void a_refusal_is_answered_as_problem_details(void)
{
    open_source();
    host.result = MG_REFUSED;
    struct mg_exchange *exchange = post("<a/>", NULL);
    CU_ASSERT_EQUAL(exchange->status, 422);
    CU_ASSERT_STRING_EQUAL(exchange->head.bytes, "Content-Type: application/problem+json\n");
    CU_ASSERT_STRING_EQUAL(exchange->body.bytes,
                           "{\n  \"type\": \"urn:muengsten:error:schema.invalid\",\n"
                           "  \"status\": 422,\n"
                           "  \"title\": \"The schema does not allow it\",\n"
                           "  \"detail\": \"Correct \\\"line\\\" 7.\",\n"
                           "  \"code\": \"schema.invalid\",\n"
                           "  \"place\": \"line 7, element <uuid>\",\n"
                           "  \"message\": \"00000000-0000-4000-8000-000000000001\"\n}\n");
    host_exchange_free(exchange);
    host_stop();
}

static void a_refusal_is_answered_as_xml_to_who_prefers_xml(void)
{
    open_source();
    host.result = MG_REFUSED;
    struct mg_exchange *exchange = post("<a/>", "application/xml");
    CU_ASSERT_STRING_EQUAL(exchange->head.bytes, "Content-Type: application/xml\n");
    CU_ASSERT_STRING_EQUAL(
        exchange->body.bytes,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<refusal xmlns=\"urn:muengsten:refusal:1\" code=\"schema.invalid\" status=\"422\">\n"
        "  <title>The schema does not allow it</title>\n"
        "  <text>Correct &#34;line&#34; 7.</text>\n"
        "  <place>line 7, element &#60;uuid&#62;</place>\n"
        "  <message>00000000-0000-4000-8000-000000000001</message>\n"
        "</refusal>\n");
    host_exchange_free(exchange);
    host_stop();
}

static void what_is_refused_on_the_head_is_answered_before_the_body_is_read(void)
{
    open_source();
    host.refuses_begin = true;
    host.refusal.status = 503;
    host.refusal.retry_after = 7;
    struct mg_exchange *exchange = post("<a/>", NULL);
    CU_ASSERT_PTR_NULL(exchange->events);
    CU_ASSERT_EQUAL(exchange->status, 503);
    CU_ASSERT(contains(&exchange->head, "Retry-After: 7\n"));
    host_exchange_free(exchange);
    host_stop();
}

static void what_is_refused_in_the_middle_of_the_body_is_answered_at_once(void)
{
    open_source();
    host.refuses_at = 1;
    struct mg_exchange *exchange = post("<a/>", NULL);
    CU_ASSERT_EQUAL(exchange->status, 422);
    CU_ASSERT_EQUAL(host.submissions[0]->body.length, 1);
    CU_ASSERT_FALSE(host.submissions[0]->finished);
    host_exchange_free(exchange);
    host_stop();
}

static void a_connection_that_breaks_aborts_the_submission(void)
{
    open_source();
    host.waits = true;
    struct mg_exchange *exchange = post("<a/>", NULL);
    CU_ASSERT(host.submissions[0]->finished);
    exchange->events->on_abort(exchange, exchange->context);
    CU_ASSERT(host.submissions[0]->aborted);
    host_exchange_free(exchange);
    host_stop();
}

static void a_report_is_fetched_by_the_id_in_the_path(void)
{
    open_source();
    struct mg_exchange *exchange = host_request("GET", "/messages/0193-id", NULL, 0, 0);
    CU_ASSERT_STRING_EQUAL(host.report_id.bytes, "0193-id");
    CU_ASSERT_EQUAL(exchange->status, 200);
    CU_ASSERT_EQUAL(exchange->limit, 0);
    CU_ASSERT_STRING_EQUAL(exchange->body.bytes, "<report/>");
    host_exchange_free(exchange);

    host.result = MG_REFUSED;
    host.refusal.status = 404;
    exchange = host_request("GET", "/messages/other/../id", NULL, 0, 0);
    CU_ASSERT_STRING_EQUAL(host.report_id.bytes, "other/../id");
    CU_ASSERT_EQUAL(exchange->status, 404);
    host_exchange_free(exchange);
    host_stop();
}

static void a_path_that_could_not_be_a_location_is_refused_at_open(void)
{
    static const char *const paths[] = {"", "/", "messages", "/messages/", "/a b", "/a?b", "/%41"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        host_start();
        host_parameter("path", paths[i]);
        CU_ASSERT_PTR_NULL(host_open(true));
        CU_ASSERT_STRING_EQUAL(host.failure.bytes, "rest.path");
        host_stop();
    }
}

static void accept_is_weighed_by_quality_and_precision(void)
{
    CU_ASSERT_FALSE(mg_accept_prefers_xml(NULL));
    CU_ASSERT_FALSE(mg_accept_prefers_xml(""));
    CU_ASSERT_FALSE(mg_accept_prefers_xml("*/*"));
    CU_ASSERT_FALSE(mg_accept_prefers_xml("application/*"));
    CU_ASSERT_FALSE(mg_accept_prefers_xml("text/html"));
    CU_ASSERT_FALSE(mg_accept_prefers_xml("application/xml, application/problem+json"));
    CU_ASSERT_FALSE(mg_accept_prefers_xml("application/xml;q=0.5, application/json"));
    CU_ASSERT_FALSE(mg_accept_prefers_xml("application/xml;q=0"));
    CU_ASSERT_FALSE(mg_accept_prefers_xml("application/xml;q=0.1, */*;q=0.2"));
    CU_ASSERT(mg_accept_prefers_xml("application/xml"));
    CU_ASSERT(mg_accept_prefers_xml("TEXT/XML"));
    CU_ASSERT(mg_accept_prefers_xml("text/*"));
    CU_ASSERT(mg_accept_prefers_xml("application/xml, */*"));
    CU_ASSERT(mg_accept_prefers_xml("application/json;q=0.25 , application/xml ; q=0.251"));
    CU_ASSERT(mg_accept_prefers_xml("text/html;x=\"a,b;q=\\\"\";q=1, application/xml;q=0.1"));
    CU_ASSERT(mg_accept_prefers_xml("application/problem+json;q=0, */*;q=0.1"));
}

static void broken_accept_fields_are_read_to_their_end(void)
{
    static const char *const fields[] = {",",
                                         ";",
                                         ";q",
                                         "a;q=",
                                         "\"",
                                         "a;\"",
                                         "a;q=\"\\",
                                         ",,;;",
                                         "application/xml;q=x",
                                         "application/xml;q=-1"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        CU_ASSERT_FALSE(mg_accept_prefers_xml(fields[i]));
}

/* ---- the way out ---- */

static void check_status(int status, enum mg_outcome_kind kind, const char *code)
{
    open_destination();
    struct mg_delivery *delivery = host_delivery("<a/>", NULL);
    host_deliver(delivery);
    CU_ASSERT_EQUAL_FATAL(host.call_count, 1);
    free(host_call_body(host.calls[0], 100).bytes);
    host_call_answer(host.calls[0], status, "5");
    host_call_done(host.calls[0], NULL, NULL);
    CU_ASSERT(delivery->done);
    CU_ASSERT_EQUAL(delivery->kind, kind);
    CU_ASSERT_STRING_EQUAL(delivery->code.bytes, code);
    CU_ASSERT_EQUAL(delivery->retry_after, kind == MG_TEMPORARY ? 5000 : 0);
    host_delivery_free(delivery);
    host_stop();
}

static void only_2xx_is_delivered_and_other_statuses_are_temporary_or_permanent(void)
{
    static const int delivered[] = {200, 201, 202, 204, 299};
    static const int redirects[] = {300, 301, 302, 303, 304, 307, 308};
    static const int temporary[] = {408, 409, 423, 425, 429, 500, 502,
                                    503, 504, 507, 599, 600, 199};
    static const int permanent[] = {400, 401, 402, 403, 404, 405, 406, 407, 410, 411,
                                    413, 414, 415, 418, 422, 431, 451, 499, 501, 505};
    for (size_t i = 0; i < sizeof delivered / sizeof *delivered; i++)
        check_status(delivered[i], MG_DELIVERED, "");
    for (size_t i = 0; i < sizeof redirects / sizeof *redirects; i++)
        check_status(redirects[i], MG_PERMANENT, "http.redirect");
    for (size_t i = 0; i < sizeof temporary / sizeof *temporary; i++) {
        char code[16];
        snprintf(code, sizeof code, "http.%d", temporary[i]);
        check_status(temporary[i], MG_TEMPORARY, code);
    }
    for (size_t i = 0; i < sizeof permanent / sizeof *permanent; i++) {
        char code[16];
        snprintf(code, sizeof code, "http.%d", permanent[i]);
        check_status(permanent[i], MG_PERMANENT, code);
    }
}

static void retry_after_is_read_as_seconds_and_as_every_form_of_date(void)
{
    const int64_t now = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 */
    CU_ASSERT_EQUAL(mg_status_retry_after("120", now), 120000);
    CU_ASSERT_EQUAL(mg_status_retry_after("0", now), 0);
    CU_ASSERT_EQUAL(mg_status_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), 10000);
    CU_ASSERT_EQUAL(mg_status_retry_after("Sunday, 06-Nov-94 08:49:47 GMT", now), 10000);
    CU_ASSERT_EQUAL(mg_status_retry_after("Sun Nov  6 08:49:47 1994", now), 10000);
    CU_ASSERT_EQUAL(mg_status_retry_after("Sun, 06 Nov 1994 08:49:27 GMT", now), 0);
    CU_ASSERT_EQUAL(mg_status_retry_after("99999999999999999999999999", now),
                    MG_STATUS_LONGEST_WAIT);
    CU_ASSERT_EQUAL(mg_status_retry_after("Sun, 06 Nov 2994 08:49:27 GMT", now),
                    MG_STATUS_LONGEST_WAIT);
}

static void a_retry_after_that_cannot_be_read_is_none(void)
{
    static const char *const values[] = {"",
                                         "-5",
                                         "5.5",
                                         "5 s",
                                         "soon",
                                         "Sun, 06 Nov 1994",
                                         "Sun, 06 Mai 2994 08:49:27 GMT",
                                         "Sun, 06 Nov 2994 08:49:27 CET",
                                         "Sun, 06 Nov 2994 08:49:27 GMT+1"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        CU_ASSERT_EQUAL(mg_status_retry_after(values[i], 0), 0);
}

#define MULTIPART                                                                                  \
    "--muengsten-0193-id\r\n"                                                                      \
    "Content-Type: application/xml\r\n"                                                            \
    "Content-ID: <0193-id@muengsten>\r\n"                                                          \
    "Content-Transfer-Encoding: binary\r\n\r\n"                                                    \
    "<document>with some content</document>"                                                       \
    "\r\n--muengsten-0193-id\r\n"                                                                  \
    "Content-Type: application/xml\r\n"                                                            \
    "Content-ID: <seal-0193-id@muengsten>\r\n"                                                     \
    "Content-Transfer-Encoding: binary\r\n\r\n"                                                    \
    "<seal/>"

static void check_body(struct mg_delivery *delivery, const char *expected)
{
    /* Read in every size of pieces, even ones that the boundaries do not fit. */
    for (size_t piece = 1; piece < strlen(expected) + 3; piece++) {
        for (host.read_at_most = 0; host.read_at_most < 4; host.read_at_most += 3) {
            struct host_bytes body = host_call_body(host.calls[0], piece);
            CU_ASSERT_STRING_EQUAL_FATAL(body.bytes, expected);
            free(body.bytes);
        }
    }
    CU_ASSERT_EQUAL(host.calls[0]->spec.length, (int64_t)strlen(expected));
    host_call_answer(host.calls[0], 200, NULL);
    host_call_done(host.calls[0], NULL, NULL);
    CU_ASSERT(delivery->done);
    CU_ASSERT_EQUAL(delivery->kind, MG_DELIVERED);
    host_delivery_free(delivery);
    host_stop();
}

static void a_detached_seal_travels_as_the_second_part_of_multipart_related(void)
{
    open_destination();
    struct mg_delivery *delivery =
        host_delivery("<document>with some content</document>", "<seal/>");
    host_deliver(delivery);
    CU_ASSERT_STRING_EQUAL(host.calls[0]->url.bytes, "https://city.example/inbox");
    CU_ASSERT_STRING_EQUAL(host.calls[0]->head.bytes,
                           "Content-Type: multipart/related; boundary=\"muengsten-0193-id\"; "
                           "type=\"application/xml\"; start=\"<0193-id@muengsten>\"\n"
                           "Idempotency-Key: \"0193-id\"\n"
                           "Muengsten-Message-Id: 0193-id\n"
                           "Muengsten-Attempt: 2\n");
    CU_ASSERT_EQUAL(host.calls[0]->spec.timeout, 60000);
    check_body(delivery, MULTIPART "\r\n--muengsten-0193-id--\r\n");
}

static void an_enveloped_seal_travels_as_the_document_alone(void)
{
    open_destination();
    struct mg_delivery *delivery = host_delivery("<document>sealed</document>", NULL);
    host_deliver(delivery);
    CU_ASSERT(contains(&host.calls[0]->head, "Content-Type: application/xml\n"));
    check_body(delivery, "<document>sealed</document>");
}

static void attachments_follow_with_names_that_cannot_break_the_head(void)
{
    open_destination();
    struct mg_delivery *delivery =
        host_delivery("<document>with some content</document>", "<seal/>");
    host_attach(delivery, "plan.txt", "first");
    host_attach(delivery, "x\"\r\nA: \xc3\xa4", "second");
    host_deliver(delivery);
    check_body(delivery, MULTIPART "\r\n--muengsten-0193-id\r\n"
                                   "Content-Type: text/plain\r\n"
                                   "Content-ID: <attachment@muengsten>\r\n"
                                   "Content-Transfer-Encoding: binary\r\n"
                                   "Content-Disposition: attachment; filename=\"plan.txt\"\r\n\r\n"
                                   "first\r\n--muengsten-0193-id\r\n"
                                   "Content-Type: text/plain\r\n"
                                   "Content-ID: <attachment@muengsten>\r\n"
                                   "Content-Transfer-Encoding: binary\r\n"
                                   "Content-Disposition: attachment; "
                                   "filename*=UTF-8''%78%22%0D%0A%41%3A%20%C3%A4\r\n\r\n"
                                   "second\r\n--muengsten-0193-id--\r\n");
}

static void content_that_cannot_be_read_breaks_the_call_off(void)
{
    char bytes[16];
    open_destination();
    struct mg_delivery *delivery = host_delivery("<document/>", NULL);
    host_deliver(delivery);
    delivery->contents[0] = NULL;
    CU_ASSERT_EQUAL(
        host.calls[0]->spec.on_body(0, bytes, sizeof bytes, host.calls[0]->spec.context), -1);
    host_call_done(host.calls[0], "net.cancelled", "The body broke off.");
    CU_ASSERT_EQUAL(delivery->kind, MG_TEMPORARY);
    CU_ASSERT_STRING_EQUAL(delivery->code.bytes, "net.cancelled");
    host_delivery_free(delivery);
    host_stop();
}

static void a_broken_answer_is_no_delivery_but_a_broken_refusal_is_a_refusal(void)
{
    static const struct {
        int status;
        const char *code, *expected;
        enum mg_outcome_kind kind;
    } cases[] = {
        {200, "net.closed", "net.closed", MG_TEMPORARY},
        {0, "net.tls", "net.tls", MG_TEMPORARY},
        {0, NULL, "http.no-answer", MG_TEMPORARY},
        {413, "net.closed", "http.413", MG_PERMANENT},
        {503, "net.closed", "http.503", MG_TEMPORARY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_destination();
        struct mg_delivery *delivery = host_delivery("<a/>", NULL);
        host_deliver(delivery);
        free(host_call_body(host.calls[0], 100).bytes);
        if (cases[i].status)
            host_call_answer(host.calls[0], cases[i].status, NULL);
        host_call_done(host.calls[0], cases[i].code, "The connection closed.");
        CU_ASSERT_EQUAL(delivery->kind, cases[i].kind);
        CU_ASSERT_STRING_EQUAL(delivery->code.bytes, cases[i].expected);
        CU_ASSERT(delivery->text.length > 0);
        host_delivery_free(delivery);
        host_stop();
    }
}

static void a_2xx_before_the_whole_message_was_sent_is_no_delivery(void)
{
    char bytes[2];
    open_destination();
    struct mg_delivery *delivery = host_delivery("<a/>", NULL);
    host_deliver(delivery);
    CU_ASSERT_EQUAL(
        host.calls[0]->spec.on_body(0, bytes, sizeof bytes, host.calls[0]->spec.context), 2);
    host_call_answer(host.calls[0], 200, NULL);
    host_call_done(host.calls[0], NULL, NULL);
    CU_ASSERT_EQUAL(delivery->kind, MG_TEMPORARY);
    CU_ASSERT_STRING_EQUAL(delivery->code.bytes, "http.early");
    host_delivery_free(delivery);
    host_stop();
}

static void a_cancelled_delivery_ends_its_call_and_completes_as_temporary(void)
{
    open_destination();
    struct mg_delivery *first = host_delivery("<a/>", NULL), *second = host_delivery("<b/>", NULL);
    host_deliver(first);
    host_deliver(second);
    host_cancel(first);
    CU_ASSERT(host.calls[0]->cancelled && first->done);
    CU_ASSERT_EQUAL(first->kind, MG_TEMPORARY);
    CU_ASSERT_STRING_EQUAL(first->code.bytes, "rest.cancelled");
    CU_ASSERT_FALSE(second->done);
    host_cancel(second);
    host_delivery_free(first);
    host_delivery_free(second);
    host_stop();
}

static void a_call_that_cannot_begin_is_temporary(void)
{
    open_destination();
    host.refuses_call = true;
    struct mg_delivery *delivery = host_delivery("<a/>", NULL);
    host_deliver(delivery);
    CU_ASSERT(delivery->done);
    CU_ASSERT_EQUAL(delivery->kind, MG_TEMPORARY);
    CU_ASSERT_STRING_EQUAL(delivery->code.bytes, "http.call");
    host_delivery_free(delivery);
    host_stop();
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(an_accepted_message_is_answered_201_with_location_and_receipt),
        UNIT_TEST(a_repeated_message_is_answered_200_with_the_same_receipt),
        UNIT_TEST(a_refusal_is_answered_as_problem_details),
        UNIT_TEST(a_refusal_is_answered_as_xml_to_who_prefers_xml),
        UNIT_TEST(what_is_refused_on_the_head_is_answered_before_the_body_is_read),
        UNIT_TEST(what_is_refused_in_the_middle_of_the_body_is_answered_at_once),
        UNIT_TEST(a_connection_that_breaks_aborts_the_submission),
        UNIT_TEST(a_report_is_fetched_by_the_id_in_the_path),
        UNIT_TEST(a_path_that_could_not_be_a_location_is_refused_at_open),
        UNIT_TEST(accept_is_weighed_by_quality_and_precision),
        UNIT_TEST(broken_accept_fields_are_read_to_their_end),
        UNIT_TEST(only_2xx_is_delivered_and_other_statuses_are_temporary_or_permanent),
        UNIT_TEST(retry_after_is_read_as_seconds_and_as_every_form_of_date),
        UNIT_TEST(a_retry_after_that_cannot_be_read_is_none),
        UNIT_TEST(a_detached_seal_travels_as_the_second_part_of_multipart_related),
        UNIT_TEST(an_enveloped_seal_travels_as_the_document_alone),
        UNIT_TEST(attachments_follow_with_names_that_cannot_break_the_head),
        UNIT_TEST(content_that_cannot_be_read_breaks_the_call_off),
        UNIT_TEST(a_broken_answer_is_no_delivery_but_a_broken_refusal_is_a_refusal),
        UNIT_TEST(a_2xx_before_the_whole_message_was_sent_is_no_delivery),
        UNIT_TEST(a_cancelled_delivery_ends_its_call_and_completes_as_temporary),
        UNIT_TEST(a_call_that_cannot_begin_is_temporary),
    };
    return unit_run("adapter_rest", tests, sizeof tests / sizeof *tests);
}
