/*
 * HTTP from outside: route, request, answer; and report, which belongs to a request.
 *
 * Routes may be registered while an instance opens, and only then, but the program says later which
 * ones it has, and says so again each time it starts. So everything at and below the prefix is ours
 * from the beginning, and what the program declares is looked up here.
 */
#include "gateway/isolation/remote_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

struct remote_route {
    struct remote_route *next;
    char *method;
    char *pattern;
};

struct remote_exchange {
    struct mg_numbered entry; /* first */
    struct mg_remote *remote;
    struct mg_exchange *exchange;
    struct remote_report *report; /* asked for and not answered */
};

struct remote_report {
    struct remote_exchange *visit; /* NULL: the exchange has ended */
    int64_t request;
};

static void answer_problem(struct mg_remote *remote, struct mg_exchange *exchange, int status,
                           const char *code, const char *title, const char *text)
{
    static const struct mg_field fields[] = {{"Content-Type", "application/problem+json"},
                                             {"Retry-After", "5"}};
    struct mg_buffer body = {0};
    mg_buffer_print(&body, "{\"type\":\"about:blank\",\"status\":%d,\"code\":\"%s\",\"title\":\"",
                    status, code);
    mg_buffer_add_json(&body, title);
    mg_buffer_add_text(&body, "\",\"detail\":\"");
    mg_buffer_add_json(&body, text);
    mg_buffer_add_text(&body, "\"}");
    remote->gateway->exchange_answer(exchange, status, fields, status == 503 ? 2 : 1, body.data,
                                     body.length);
    mg_buffer_free(&body);
}

static void answer_busy(struct mg_remote *remote, struct mg_exchange *exchange)
{
    answer_problem(remote, exchange, 503, "adapter.busy", "The adapter is busy",
                   "Requests come faster than the adapter reads; try again later.");
}

/* ---- exchanges ---- */

static void forget(struct remote_exchange *visit)
{
    mg_numbers_remove(&visit->remote->exchanges, &visit->entry);
    /* The gateway forgets a report with its exchange, and does not call us any more. */
    free(visit->report);
    free(visit);
}

struct mg_exchange *mg_remote_exchange(const struct mg_remote *remote, int64_t number)
{
    const struct remote_exchange *visit = mg_numbers_find(&remote->exchanges, number);
    return visit ? visit->exchange : NULL;
}

static void send_about(struct remote_exchange *visit, const char *type, const void *bytes,
                       size_t length)
{
    struct mg_frame_writer *writer = mg_channel_begin(visit->remote->channel, type);
    mg_frame_put_number(writer, "exchange", visit->entry.number);
    mg_frame_put_content(writer, bytes, length);
    mg_channel_send(visit->remote->channel);
}

static void on_data(struct mg_exchange *exchange, const void *bytes, size_t length, void *context)
{
    struct remote_exchange *visit = context;
    struct mg_remote *remote = visit->remote;
    if (mg_channel_waiting(remote->channel) <= MG_REMOTE_OUTPUT) {
        send_about(visit, "request-data", bytes, length);
        return;
    }
    send_about(visit, "request-abort", NULL, 0);
    forget(visit);
    answer_busy(remote, exchange);
}

static void on_end(struct mg_exchange *exchange, void *context)
{
    (void)exchange;
    send_about(context, "request-end", NULL, 0);
}

static void on_abort(struct mg_exchange *exchange, void *context)
{
    (void)exchange;
    send_about(context, "request-abort", NULL, 0);
    forget(context);
}

static bool send_request(struct remote_exchange *visit, const struct mg_request *request)
{
    struct mg_remote *remote = visit->remote;
    struct mg_frame_writer *writer = mg_channel_begin(remote->channel, "request");
    mg_frame_put_number(writer, "exchange", visit->entry.number);
    mg_frame_put_text(writer, "method", request->method);
    mg_frame_put_text(writer, "path", request->path);
    mg_frame_put_text(writer, "query", request->query);
    mg_remote_put_fields(writer, request->fields, request->field_count);
    if (request->length >= 0)
        mg_frame_put_number(writer, "length", request->length);
    if (remote->gateway->exchange_partner)
        mg_frame_put_text(writer, "partner", remote->gateway->exchange_partner(visit->exchange));
    return mg_channel_send(remote->channel);
}

static void hand_over(struct mg_remote *remote, struct mg_exchange *exchange,
                      const struct mg_request *request)
{
    static const struct mg_exchange_events events = {
        .size = sizeof events, .on_data = on_data, .on_end = on_end, .on_abort = on_abort};
    struct remote_exchange *visit = mg_allocate_zeroed(1, sizeof *visit);
    *visit = (struct remote_exchange){.remote = remote, .exchange = exchange};
    mg_numbers_give(&remote->exchanges, &visit->entry);
    if (send_request(visit, request)) {
        remote->gateway->exchange_take(exchange, &events, -1, visit);
        return;
    }
    forget(visit);
    answer_problem(remote, exchange, 431, "http.head", "The head is too large",
                   "The head of the request is larger than what is handed to the adapter.");
}

/* ---- routes ---- */

static bool takes(const char *pattern, const char *path)
{
    size_t size = strlen(pattern);
    if (pattern[size - 1] == '/')
        return strlen(path) > size && strncmp(pattern, path, size) == 0;
    return strcmp(pattern, path) == 0;
}

static void on_request(struct mg_exchange *exchange, const struct mg_request *request, void *state)
{
    struct mg_remote *remote = state;
    if (!mg_remote_is_ready(remote)) {
        answer_problem(remote, exchange, 503, "adapter.down", "The adapter is down",
                       "The program that answers here is not ready; try again later.");
        return;
    }
    if (mg_channel_waiting(remote->channel) > MG_REMOTE_OUTPUT) {
        answer_busy(remote, exchange);
        return;
    }
    bool other = false;
    for (const struct remote_route *route = remote->routes; route; route = route->next) {
        if (!takes(route->pattern, request->path))
            continue;
        if (strcmp(route->method, request->method) == 0) {
            hand_over(remote, exchange, request);
            return;
        }
        other = true;
    }
    if (other)
        answer_problem(remote, exchange, 405, "http.method", "No such method",
                       "This path does not know this method.");
    else
        answer_problem(remote, exchange, 404, "http.path", "No such path",
                       "There is nothing at this path.");
}

bool mg_remote_open_routes(struct mg_remote *remote)
{
    const char *prefix = remote->facts.prefix;
    if (!prefix)
        return true;
    size_t length = strlen(prefix);
    bool is_root = length > 0 && prefix[length - 1] == '/';
    char *below = mg_allocate(length + 2);
    snprintf(below, length + 2, "%s/", prefix);
    bool opened = true;
    for (size_t i = 0; opened && i < sizeof methods / sizeof *methods; i++)
        opened =
            remote->gateway->http_route(remote->instance, methods[i], prefix, on_request, remote) &&
            (is_root ||
             remote->gateway->http_route(remote->instance, methods[i], below, on_request, remote));
    free(below);
    return opened;
}

static bool is_method(const char *method)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}

static bool is_below(const char *pattern, const char *prefix)
{
    size_t length = prefix ? strlen(prefix) : 0;
    return length > 0 && strncmp(pattern, prefix, length) == 0 &&
           (!pattern[length] || pattern[length] == '/' || prefix[length - 1] == '/');
}

void mg_remote_on_route(struct mg_remote *remote, struct mg_frame *frame)
{
    const char *method = mg_frame_need_text(frame, NULL, "method");
    const char *pattern = mg_frame_need_text(frame, NULL, "pattern");
    if (!is_method(method))
        mg_frame_object_to(frame, "A route has a method that there is not.");
    if (!is_below(pattern, remote->facts.prefix))
        mg_frame_object_to(frame, "A route is not at or below the prefix of its instance.");
    if (remote->route_count >= MG_REMOTE_MOST_ROUTES)
        mg_frame_object_to(frame, "The adapter has more than %d routes.", MG_REMOTE_MOST_ROUTES);
    if (frame->wrong)
        return;
    struct remote_route *route = mg_allocate_zeroed(1, sizeof *route);
    *route = (struct remote_route){
        .next = remote->routes, .method = mg_copy_text(method), .pattern = mg_copy_text(pattern)};
    remote->routes = route;
    remote->route_count++;
}

void mg_remote_forget_routes(struct mg_remote *remote)
{
    for (struct remote_route *next; remote->routes; remote->routes = next) {
        next = remote->routes->next;
        free(remote->routes->pattern);
        free(remote->routes->method);
        free(remote->routes);
    }
    remote->route_count = 0;
}

/* ---- answers ---- */

void mg_remote_on_answer(struct mg_remote *remote, struct mg_frame *frame)
{
    struct mg_field fields[MG_REMOTE_MOST_FIELDS];
    struct remote_exchange *visit =
        mg_numbers_find(&remote->exchanges, mg_frame_need_number(frame, NULL, "exchange"));
    int64_t status = mg_frame_need_number(frame, NULL, "status");
    size_t count = mg_remote_fields(frame, fields);
    if (status < 200 || status > 599)
        mg_frame_object_to(frame, "The status of an answer is none.");
    if (!visit || frame->wrong)
        return;
    struct mg_exchange *exchange = visit->exchange;
    forget(visit);
    remote->gateway->exchange_answer(exchange, (int)status, fields, count, frame->content,
                                     frame->length);
}

void mg_remote_break_off_exchanges(struct mg_remote *remote)
{
    struct remote_exchange *visit;
    while ((visit = mg_numbers_any(&remote->exchanges))) {
        struct mg_exchange *exchange = visit->exchange;
        forget(visit);
        answer_problem(remote, exchange, 503, "adapter.down", "The adapter is down",
                       "The program that was to answer has ended; try again later.");
    }
}

/* ---- reports ---- */

static void report_ended(const struct mg_submission_end *end, void *context)
{
    struct remote_report *report = context;
    struct mg_remote *remote = report->visit->remote;
    report->visit->report = NULL;
    struct mg_frame_writer *writer = mg_channel_begin(remote->channel, "reported");
    mg_frame_put_number(writer, "request", report->request);
    mg_frame_put_text(writer, "result", end->result == MG_REFUSED ? "refused" : "accepted");
    mg_remote_put_refusal(writer, end->refusal);
    if (end->receipt)
        mg_frame_put_content(writer, end->receipt, end->receipt_length);
    mg_remote_send_answer(remote);
    free(report);
}

void mg_remote_on_report(struct mg_remote *remote, struct mg_frame *frame)
{
    int64_t request = mg_frame_need_number(frame, NULL, "request");
    struct remote_exchange *visit =
        mg_numbers_find(&remote->exchanges, mg_frame_need_number(frame, NULL, "exchange"));
    const char *id = mg_frame_need_text(frame, NULL, "id");
    if (visit && visit->report)
        mg_frame_object_to(frame, "A report is asked for while another is, by one exchange.");
    if (!visit || frame->wrong)
        return;
    struct remote_report *report = mg_allocate_zeroed(1, sizeof *report);
    *report = (struct remote_report){.visit = visit, .request = request};
    visit->report = report;
    remote->gateway->report(remote->instance, visit->exchange, id, report_ended, report);
}
