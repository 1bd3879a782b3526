/* HTTP from outside: routes, requests, answers. */
#include "tools/adapter-host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct host_route {
    struct host_route *next;
    char *method;
    char *pattern;
    mg_route_function function;
    void *state;
};

struct mg_exchange {
    struct mg_numbered entry; /* first */
    struct mg_instance *instance;
    char *partner;
    const struct mg_exchange_events *events; /* NULL: not taken yet */
    void *context;
    int64_t limit, came; /* bytes of the body */
    void *report;        /* submissions.c: a request that ends with this */
};

int64_t host_exchange_number(const struct mg_exchange *exchange)
{
    return exchange->entry.number;
}

void **host_exchange_report(struct mg_exchange *exchange)
{
    return &exchange->report;
}

/* ---- fields ---- */

size_t host_read_fields(struct mg_frame *frame, struct mg_field *fields)
{
    const json_t *array = mg_frame_array(frame, NULL, "fields");
    size_t count = json_array_size(array);
    if (count > HOST_FIELDS)
        count = HOST_FIELDS;
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(array, i);
        fields[i].name = json_string_value(json_array_get(pair, 0));
        fields[i].value = json_string_value(json_array_get(pair, 1));
        if (!fields[i].name || !fields[i].value) {
            mg_frame_object_to(frame, "A field is no array of a name and a value.");
            return 0;
        }
    }
    return count;
}

void host_put_fields(struct mg_frame_writer *writer, const struct mg_field *fields, size_t count)
{
    mg_frame_put_open(writer, "fields", '[');
    for (size_t i = 0; i < count && i < HOST_FIELDS; i++) {
        mg_frame_put_open(writer, NULL, '[');
        mg_frame_put_text(writer, NULL, fields[i].name);
        mg_frame_put_text(writer, NULL, fields[i].value);
        mg_frame_put_close(writer, ']');
    }
    mg_frame_put_close(writer, ']');
}

/* ---- routes ---- */

static bool is_method(const char *method)
{
    static const char *const methods[] = {"GET",   "HEAD",   "POST",   "PUT",
                                          "PATCH", "DELETE", "OPTIONS"};
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

static bool add_route(struct mg_instance *instance, const char *method, const char *pattern,
                      mg_route_function function, void *state)
{
    if (!instance->opening || !is_method(method) || !is_below(pattern, instance->facts.prefix))
        return false;
    for (const struct host_route *route = instance->routes; route; route = route->next)
        if (strcmp(route->method, method) == 0 && strcmp(route->pattern, pattern) == 0)
            return false;
    struct host_route *route = mg_allocate_zeroed(1, sizeof *route);
    *route = (struct host_route){.next = instance->routes,
                                 .method = mg_copy_text(method),
                                 .pattern = mg_copy_text(pattern),
                                 .function = function,
                                 .state = state};
    instance->routes = route;
    struct mg_frame_writer *writer = mg_channel_begin(instance->host->channel, "route");
    mg_frame_put_text(writer, "method", method);
    mg_frame_put_text(writer, "pattern", pattern);
    return mg_channel_send(instance->host->channel);
}

static bool takes(const char *pattern, const char *path)
{
    size_t size = strlen(pattern);
    if (pattern[size - 1] == '/')
        return strlen(path) > size && strncmp(pattern, path, size) == 0;
    return strcmp(pattern, path) == 0;
}

static const struct host_route *find_route(const struct mg_instance *instance, const char *method,
                                           const char *path)
{
    const struct host_route *route = instance->routes;
    while (route && (strcmp(route->method, method) != 0 || !takes(route->pattern, path)))
        route = route->next;
    return route;
}

/* ---- exchanges ---- */

static void forget(struct mg_exchange *exchange)
{
    struct mg_instance *instance = exchange->instance;
    struct host_request *report = exchange->report;
    if (report) {
        mg_numbers_remove(&instance->requests, &report->entry);
        free(report);
    }
    mg_numbers_remove(&instance->exchanges, &exchange->entry);
    free(exchange->partner);
    free(exchange);
}

static void answer(struct mg_exchange *exchange, int status, const struct mg_field *fields,
                   size_t field_count, const void *body, size_t length)
{
    struct mg_channel *channel = exchange->instance->host->channel;
    struct mg_frame_writer *writer = mg_channel_begin(channel, "answer");
    mg_frame_put_number(writer, "exchange", exchange->entry.number);
    mg_frame_put_number(writer, "status", status);
    host_put_fields(writer, fields, field_count);
    mg_frame_put_content(writer, body, length);
    if (!mg_channel_send(channel)) {
        writer = mg_channel_begin(channel, "answer");
        mg_frame_put_number(writer, "exchange", exchange->entry.number);
        mg_frame_put_number(writer, "status", 500);
        mg_channel_send(channel);
    }
    forget(exchange);
}

static void take(struct mg_exchange *exchange, const struct mg_exchange_events *events,
                 int64_t limit, void *context)
{
    exchange->events = events;
    exchange->limit = limit;
    exchange->context = context;
}

static const char *partner(struct mg_exchange *exchange)
{
    return exchange->partner;
}

static struct mg_exchange *find(struct host *host, struct mg_frame *frame)
{
    /* One that was answered has crossed what came after. */
    struct mg_exchange *exchange =
        mg_numbers_find(&host->instance.exchanges, mg_frame_need_number(frame, NULL, "exchange"));
    return frame->wrong ? NULL : exchange;
}

static struct mg_exchange *new_exchange(struct mg_instance *instance, struct mg_frame *frame)
{
    int64_t number = mg_frame_need_number(frame, NULL, "exchange");
    const char *who = mg_frame_text(frame, NULL, "partner");
    if (mg_numbers_find(&instance->exchanges, number))
        mg_frame_object_to(frame, "A request has the number of another that is underway.");
    if (frame->wrong)
        return NULL;
    struct mg_exchange *exchange = mg_allocate_zeroed(1, sizeof *exchange);
    *exchange = (struct mg_exchange){
        .entry.number = number, .instance = instance, .partner = who ? mg_copy_text(who) : NULL};
    mg_numbers_add(&instance->exchanges, &exchange->entry);
    return exchange;
}

void host_on_request(struct host *host, struct mg_frame *frame)
{
    struct mg_instance *instance = &host->instance;
    struct mg_field fields[HOST_FIELDS];
    struct mg_request request = {
        .size = sizeof request,
        .method = mg_frame_need_text(frame, NULL, "method"),
        .path = mg_frame_need_text(frame, NULL, "path"),
        .query = mg_frame_text(frame, NULL, "query"),
        .fields = fields,
        .field_count = host_read_fields(frame, fields),
        .length = mg_frame_number(frame, NULL, "length", -1),
    };
    struct mg_exchange *exchange = new_exchange(instance, frame);
    if (!exchange)
        return;
    if (!request.query)
        request.query = "";
    const struct host_route *route = find_route(instance, request.method, request.path);
    if (!route || instance->closing)
        answer(exchange, route ? 503 : 404, NULL, 0, NULL, 0);
    else
        route->function(exchange, &request, route->state);
}

/* A body that is longer than the adapter takes is answered in its stead. */
static void refuse_body(struct mg_exchange *exchange)
{
    static const struct mg_field fields[] = {{"Content-Type", "application/problem+json"}};
    static const char problem[] =
        "{\"type\":\"about:blank\",\"status\":413,\"code\":\"http.too-large\","
        "\"title\":\"The body is too large\"}";
    exchange->events->on_abort(exchange, exchange->context);
    answer(exchange, 413, fields, 1, problem, sizeof problem - 1);
}

void host_on_request_data(struct host *host, struct mg_frame *frame)
{
    struct mg_exchange *exchange = find(host, frame);
    if (!exchange || !exchange->events)
        return;
    exchange->came += (int64_t)frame->length;
    if (exchange->limit >= 0 && exchange->came > exchange->limit)
        refuse_body(exchange);
    else
        exchange->events->on_data(exchange, frame->content, frame->length, exchange->context);
}

void host_on_request_end(struct host *host, struct mg_frame *frame)
{
    struct mg_exchange *exchange = find(host, frame);
    if (exchange && exchange->events)
        exchange->events->on_end(exchange, exchange->context);
}

void host_on_request_abort(struct host *host, struct mg_frame *frame)
{
    struct mg_exchange *exchange = find(host, frame);
    if (!exchange)
        return;
    if (exchange->events)
        exchange->events->on_abort(exchange, exchange->context);
    forget(exchange);
}

void host_end_exchanges(struct mg_instance *instance)
{
    struct mg_exchange *exchange;
    while ((exchange = mg_numbers_any(&instance->exchanges)))
        forget(exchange);
    for (struct host_route *next; instance->routes; instance->routes = next) {
        next = instance->routes->next;
        free(instance->routes->pattern);
        free(instance->routes->method);
        free(instance->routes);
    }
}

void host_offer_exchanges(struct mg_gateway *gateway)
{
    gateway->http_route = add_route;
    gateway->exchange_take = take;
    gateway->exchange_answer = answer;
    gateway->exchange_partner = partner;
}
