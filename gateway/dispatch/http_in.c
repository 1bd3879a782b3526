/* Requests from outside: who asks, which adapter's route answers, and how. */
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/dispatch/instance.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS 64 /* as many as the HTTP limits let through */

struct route_entry {
    struct route_entry *next;
    struct mg_instance *instance;
    char *method;
    char *pattern;
    mg_route_function function;
    void *state;
};

struct mg_host_listener {
    struct mg_host *host;
    char *name;
};

/* Who is at the other end of a connection: kept with it, checked again when revocation lists
 * change. */
struct caller {
    struct mg_config *config;
    const struct mg_config_partner *partner;
    uint64_t generation; /* of the lists that the certificate was checked against */
    int64_t expiry;      /* of the certificate; 0: there is none, so plain HTTP */
};

struct mg_exchange {
    struct mg_http_request *request;
    struct mg_instance *instance;
    char *partner; /* the name of who asks; NULL: nobody we know */
    const struct mg_exchange_events *events;
    void *context;
    struct mg_asked *asked; /* the report it waits for, or NULL */
};

/* ---- who asks ---- */

static void release_caller(void *value)
{
    struct caller *caller = value;
    mg_config_release(caller->config);
    free(caller);
}

static struct caller *make_caller(struct mg_config *config, const X509 *certificate)
{
    struct caller *caller = mg_allocate_zeroed(1, sizeof *caller);
    caller->config = mg_config_hold(config);
    caller->partner = certificate ? mg_config_partner_of(config, certificate) : NULL;
    caller->expiry = certificate ? mg_certificate_expiry(certificate) : 0;
    return caller;
}

/* False, with the reason, if the certificate no longer counts: a revocation list or another
 * configuration may have come since the connection was made, before its first request too, or the
 * certificate has expired. */
static bool identify(struct mg_config *config, struct mg_http_request *request,
                     const struct mg_config_partner **partner, struct mg_error *error)
{
    X509 *certificate = mg_http_request_certificate(request);
    struct caller *caller = mg_http_request_connection_value(request);
    uint64_t generation = mg_anchors_generation(config->anchors);
    if (!caller || caller->config != config) {
        caller = make_caller(config, certificate);
        mg_http_request_set_connection_value(request, caller, release_caller);
    }
    if (certificate && (caller->generation != generation || caller->expiry <= mg_clock_now())) {
        if (!mg_anchors_check(config->anchors, certificate, mg_http_request_chain(request),
                              MG_USE_TLS_CLIENT, error))
            return false;
        caller->generation = generation;
    }
    *partner = caller->partner;
    return true;
}

const char *mg_exchange_partner(const struct mg_exchange *exchange)
{
    return exchange->partner;
}

const char *mg_exchange_peer(const struct mg_exchange *exchange)
{
    return mg_http_request_peer(exchange->request);
}

struct mg_asked **mg_exchange_asked(struct mg_exchange *exchange)
{
    return &exchange->asked;
}

/* ---- routes ---- */

static bool pattern_takes(const char *pattern, const char *path, size_t length)
{
    size_t size = strlen(pattern);
    if (pattern[size - 1] == '/')
        return length > size && strncmp(pattern, path, size) == 0;
    return length == size && strncmp(pattern, path, size) == 0;
}

/* The route of the listener; *other says whether the path has routes for other methods. */
static const struct route_entry *find_route(const struct mg_host_listener *listener,
                                            const char *method, const char *path, size_t length,
                                            bool *other)
{
    *other = false;
    for (const struct route_entry *route = listener->host->routes; route; route = route->next) {
        if (strcmp(route->instance->end.listener, listener->name) != 0 ||
            !pattern_takes(route->pattern, path, length))
            continue;
        if (strcmp(route->method, method) == 0)
            return route;
        *other = true;
    }
    return NULL;
}

/* A second route of the same instance, method and pattern would never be asked, or take the first
 * one's requests. Those of other instances are below other prefixes. */
static bool is_taken(const struct mg_instance *instance, const char *method, const char *pattern)
{
    for (const struct route_entry *route = instance->host->routes; route; route = route->next)
        if (route->instance == instance && strcmp(route->method, method) == 0 &&
            strcmp(route->pattern, pattern) == 0)
            return true;
    return false;
}

static bool is_at_or_below(const char *pattern, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(pattern, prefix, length) == 0 &&
           (pattern[length] == '\0' || pattern[length] == '/');
}

static bool add_route(struct mg_instance *instance, const char *method, const char *pattern,
                      mg_route_function function, void *state)
{
    if (!instance->prefix || !is_at_or_below(pattern, instance->prefix) ||
        is_taken(instance, method, pattern))
        return false;
    struct route_entry *route = mg_allocate_zeroed(1, sizeof *route);
    *route = (struct route_entry){
        .next = instance->host->routes,
        .instance = instance,
        .method = mg_copy_text(method),
        .pattern = mg_copy_text(pattern),
        .function = function,
        .state = state,
    };
    instance->host->routes = route;
    return true;
}

void mg_instance_end_routes(struct mg_instance *instance)
{
    for (struct route_entry **link = &instance->host->routes; *link;) {
        struct route_entry *route = *link;
        if (route->instance != instance) {
            link = &route->next;
            continue;
        }
        *link = route->next;
        free(route->pattern);
        free(route->method);
        free(route);
    }
}

struct mg_host_listener *mg_host_listener_new(struct mg_host *host, const char *name)
{
    struct mg_host_listener *listener = mg_allocate_zeroed(1, sizeof *listener);
    listener->host = host;
    listener->name = mg_copy_text(name);
    return listener;
}

void mg_host_listener_rename(struct mg_host_listener *listener, const char *name)
{
    free(listener->name);
    listener->name = mg_copy_text(name);
}

void mg_host_listener_free(struct mg_host_listener *listener)
{
    if (!listener)
        return;
    free(listener->name);
    free(listener);
}

static void call_route(const struct route_entry *route, struct mg_http_request *request,
                       const struct mg_http_head *head, const struct mg_config_partner *partner)
{
    struct mg_exchange *exchange = mg_allocate_zeroed(1, sizeof *exchange);
    exchange->request = request;
    exchange->instance = route->instance;
    exchange->partner = partner ? mg_copy_text(partner->name) : NULL;
    exchange->instance->exchanges++;

    struct mg_field fields[FIELDS];
    size_t count = head->header_count < FIELDS ? head->header_count : FIELDS;
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct mg_field){head->headers[i].name, head->headers[i].value};
    char *path = mg_copy_text(head->target);
    char *query = strchr(path, '?');
    if (query)
        *query++ = '\0';
    const struct mg_request asked = {
        .size = sizeof asked,
        .method = head->method,
        .path = path,
        .query = query ? query : "",
        .fields = fields,
        .field_count = count,
        .length = head->length,
    };
    route->function(exchange, &asked, route->state);
    free(path);
}

/* What waits for a destination is for the partner that it is bound to, and for nobody else. */
static bool may_ask(const struct mg_instance *instance, const struct mg_config_partner *partner)
{
    return instance->end.source ||
           (partner && instance->partner && strcmp(partner->name, instance->partner) == 0);
}

void mg_host_on_stranger(const char *peer, void *context)
{
    const struct mg_host_listener *listener = context;
    if (listener->host->options.audit)
        mg_audit_unknown_caller(listener->host->options.audit, peer);
}

static void tell_refusal(const struct mg_host_listener *listener,
                         const struct mg_http_request *request,
                         const struct mg_config_partner *partner, const char *code)
{
    if (listener->host->options.audit)
        mg_audit_refused(listener->host->options.audit, partner ? partner->name : NULL,
                         listener->name, NULL, code, mg_http_request_peer(request));
}

void mg_host_on_head(struct mg_http_request *request, const struct mg_http_head *head,
                     void *context)
{
    const struct mg_host_listener *listener = context;
    const struct mg_config_partner *partner;
    struct mg_error error;
    if (!identify(listener->host->config, request, &partner, &error)) {
        mg_log(MG_LOG_NOTICE, "connection.refused", "code", error.code, "listener", listener->name,
               "peer", mg_http_request_peer(request), NULL);
        tell_refusal(listener, request, NULL, error.code);
        mg_http_request_close_after(request);
        mg_http_request_answer_problem(request, 403, error.code, error.text);
        return;
    }
    bool other;
    const struct route_entry *route =
        find_route(listener, head->method, head->target, strcspn(head->target, "?"), &other);
    if (route && !may_ask(route->instance, partner)) {
        tell_refusal(listener, request, partner, "partner.not-permitted");
        mg_http_request_answer_problem(request, 403, "partner.not-permitted",
                                       "This path is for another partner.");
    } else if (route)
        call_route(route, request, head, partner);
    else if (other)
        mg_http_request_answer_problem(request, 405, "http.method",
                                       "This path does not know this method.");
    else
        mg_http_request_answer_problem(request, 404, "http.path", "There is nothing at this path.");
}

/* ---- exchanges ---- */

static void end_exchange(struct mg_exchange *exchange)
{
    if (exchange->asked)
        mg_asked_forget(exchange->asked);
    exchange->instance->exchanges--;
    mg_instance_ended(exchange->instance);
    free(exchange->partner);
    free(exchange);
}

static void on_data(struct mg_http_request *request, const void *bytes, size_t length,
                    void *context)
{
    (void)request;
    struct mg_exchange *exchange = context;
    exchange->events->on_data(exchange, bytes, length, exchange->context);
}

static void on_end(struct mg_http_request *request, void *context)
{
    (void)request;
    struct mg_exchange *exchange = context;
    exchange->events->on_end(exchange, exchange->context);
}

static void on_abort(struct mg_http_request *request, void *context)
{
    (void)request;
    struct mg_exchange *exchange = context;
    exchange->events->on_abort(exchange, exchange->context);
    end_exchange(exchange);
}

static void take(struct mg_exchange *exchange, const struct mg_exchange_events *events,
                 int64_t limit, void *context)
{
    static const struct mg_http_request_events request_events = {
        .on_data = on_data, .on_end = on_end, .on_abort = on_abort};
    exchange->events = events;
    exchange->context = context;
    mg_http_request_take(exchange->request, &request_events, limit, exchange);
}

static void answer(struct mg_exchange *exchange, int status, const struct mg_field *fields,
                   size_t field_count, const void *body, size_t length)
{
    struct mg_http_header headers[FIELDS];
    size_t count = field_count < FIELDS ? field_count : FIELDS;
    for (size_t i = 0; i < count; i++)
        headers[i] = (struct mg_http_header){fields[i].name, fields[i].value};
    mg_http_request_answer(exchange->request, status, headers, count, body, length);
    end_exchange(exchange);
}

static const char *exchange_partner(struct mg_exchange *exchange)
{
    return exchange->partner;
}

void mg_host_offer_http_in(struct mg_gateway *gateway)
{
    gateway->http_route = add_route;
    gateway->exchange_take = take;
    gateway->exchange_answer = answer;
    gateway->exchange_partner = exchange_partner;
}
