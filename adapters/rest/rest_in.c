/*
 * The way in. POST PATH hands the body to the gateway as it comes; GET PATH/ID asks for the report.
 * What the gateway refuses on the head of a request (partner, media type, announced length) is
 * answered before a byte of the body is read.
 *
 *   201  accepted: Location and Muengsten-Message-Id, the signed receipt
 *   200  repeated: the same with Muengsten-Repeated: true; or the report
 *   …    refused: the refusal's own status, with Retry-After where waiting helps
 */
#include "adapters/common/answer.h"
#include "adapters/common/text.h"
#include "adapters/rest/rest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A request underway, from its head to its answer. */
struct arrival {
    struct mg_rest *rest;
    struct mg_exchange *exchange;
    struct mg_submission *submission; /* NULL: none, or its handle has ended */
    bool wants_xml;
    bool refused;   /* the gateway has refused and will say so: no more bytes */
    bool appending; /* submit_append is below us on the stack */
    bool over;      /* answered while appending: to be freed there */
};

static void forget(struct arrival *arrival)
{
    if (arrival->appending)
        arrival->over = true;
    else
        free(arrival);
}

static void answer_receipt(const struct arrival *arrival, const struct mg_submission_end *end)
{
    const struct mg_rest *rest = arrival->rest;
    struct mg_text location = {0};
    mg_text_print(&location, "%s/%s", rest->path, end->id);
    const struct mg_field fields[] = {
        {"Content-Type", "application/xml"},
        {"Location", location.bytes},
        {"Muengsten-Message-Id", end->id},
        {"Muengsten-Repeated", "true"},
    };
    bool repeated = end->result == MG_REPEATED;
    rest->gateway->exchange_answer(arrival->exchange, repeated ? 200 : 201, fields,
                                   repeated ? 4 : 3, end->receipt, end->receipt_length);
    mg_text_free(&location);
}

static void submission_end(const struct mg_submission_end *end, void *context)
{
    struct arrival *arrival = context;
    arrival->submission = NULL;
    if (end->result == MG_REFUSED)
        mg_answer_refusal(arrival->rest->gateway, arrival->exchange, arrival->wants_xml,
                          end->refusal);
    else
        answer_receipt(arrival, end);
    forget(arrival);
}

static void post_data(struct mg_exchange *exchange, const void *bytes, size_t length, void *context)
{
    (void)exchange;
    struct arrival *arrival = context;
    if (arrival->refused)
        return;
    arrival->appending = true;
    bool wanted = arrival->rest->gateway->submit_append(arrival->submission, bytes, length);
    arrival->appending = false;
    arrival->refused = !wanted;
    if (arrival->over)
        free(arrival);
}

static void post_end(struct mg_exchange *exchange, void *context)
{
    (void)exchange;
    struct arrival *arrival = context;
    if (!arrival->refused)
        arrival->rest->gateway->submit_finish(arrival->submission);
}

static void post_abort(struct mg_exchange *exchange, void *context)
{
    (void)exchange;
    struct arrival *arrival = context;
    if (arrival->submission)
        arrival->rest->gateway->submit_abort(arrival->submission);
    forget(arrival);
}

static void post(struct mg_exchange *exchange, const struct mg_request *request, void *state)
{
    static const struct mg_exchange_events events = {
        .size = sizeof events, .on_data = post_data, .on_end = post_end, .on_abort = post_abort};
    struct mg_rest *rest = state;
    bool wants_xml = mg_answer_wants_xml(request);
    const char *media_type = mg_field_value(request->fields, request->field_count, "Content-Type");
    struct arrival *arrival = mg_text_allocate(1, sizeof *arrival);
    *arrival = (struct arrival){.rest = rest, .exchange = exchange, .wants_xml = wants_xml};
    struct mg_submission_spec spec = {
        .size = sizeof spec,
        .exchange = exchange,
        .media_type = media_type ? media_type : "",
        .content_encoding =
            mg_field_value(request->fields, request->field_count, "Content-Encoding"),
        .length = request->length,
    };
    struct mg_refusal refusal = {.size = sizeof refusal};
    arrival->submission =
        rest->gateway->submit_begin(rest->instance, &spec, submission_end, arrival, &refusal);
    if (!arrival->submission) {
        mg_answer_refusal(rest->gateway, exchange, wants_xml, &refusal);
        free(arrival);
        return;
    }
    rest->gateway->exchange_take(exchange, &events, -1, arrival);
}

/* ---- reports ---- */

static void report_end(const struct mg_submission_end *end, void *context)
{
    struct arrival *arrival = context;
    static const struct mg_field fields[] = {{"Content-Type", "application/xml"}};
    if (end->result == MG_REFUSED)
        mg_answer_refusal(arrival->rest->gateway, arrival->exchange, arrival->wants_xml,
                          end->refusal);
    else
        arrival->rest->gateway->exchange_answer(arrival->exchange, 200, fields, 1, end->receipt,
                                                end->receipt_length);
    free(arrival);
}

static void get_data(struct mg_exchange *exchange, const void *bytes, size_t length, void *context)
{
    (void)exchange, (void)bytes, (void)length, (void)context;
}

static void get_end(struct mg_exchange *exchange, void *context)
{
    (void)exchange, (void)context;
}

static void get_abort(struct mg_exchange *exchange, void *context)
{
    (void)exchange;
    free(context);
}

static void get(struct mg_exchange *exchange, const struct mg_request *request, void *state)
{
    static const struct mg_exchange_events events = {
        .size = sizeof events, .on_data = get_data, .on_end = get_end, .on_abort = get_abort};
    struct mg_rest *rest = state;
    assert(strncmp(request->path, rest->path, strlen(rest->path)) == 0);
    struct arrival *arrival = mg_text_allocate(1, sizeof *arrival);
    *arrival = (struct arrival){
        .rest = rest,
        .exchange = exchange,
        .wants_xml = mg_answer_wants_xml(request),
    };
    rest->gateway->exchange_take(exchange, &events, 0, arrival);
    rest->gateway->report(rest->instance, exchange, request->path + strlen(rest->path) + 1,
                          report_end, arrival);
}

bool mg_rest_open_source(struct mg_rest *rest)
{
    const struct mg_gateway *gateway = rest->gateway;
    rest->path = gateway->parameter_text(rest->instance, "path");
    size_t length = strlen(rest->path);
    if (length < 2 || rest->path[0] != '/' || rest->path[length - 1] == '/' ||
        strpbrk(rest->path, " ?#%\"\\<>\t\r\n")) {
        gateway->fail(rest->instance, "rest.path",
                      "path has to begin with a slash, to end with none, and to be free of "
                      "spaces, queries and escapes, such as /messages.");
        return false;
    }
    struct mg_text below = {0};
    mg_text_print(&below, "%s/", rest->path);
    bool opened = gateway->http_route(rest->instance, "POST", rest->path, post, rest) &&
                  gateway->http_route(rest->instance, "GET", below.bytes, get, rest);
    if (!opened)
        gateway->fail(rest->instance, "rest.path",
                      "The path is already served by another source of the same listener.");
    mg_text_free(&below);
    return opened;
}
