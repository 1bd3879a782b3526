/* Asks, as their handlers see them: what is asked, and every way to answer. */
#include "gateway/operate/ask_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS 8 /* of a handler's own */

/* ---- what is asked ---- */

const struct mg_caller *mg_ask_caller(const struct mg_ask *ask)
{
    return &ask->caller;
}

const struct mg_resource *mg_ask_resource(const struct mg_ask *ask)
{
    return ask->resource;
}

const char *mg_ask_path(const struct mg_ask *ask, const char *name)
{
    return mg_target_segment(&ask->target, ask->resource->pattern, name);
}

const char *mg_ask_query(const struct mg_ask *ask, const char *name)
{
    return mg_target_parameter(&ask->target, name);
}

const json_t *mg_ask_body(const struct mg_ask *ask)
{
    return ask->body;
}

const char *mg_ask_why(const struct mg_ask *ask)
{
    return ask->why;
}

bool mg_ask_has(const struct mg_ask *ask, const char *tag)
{
    return strcmp(ask->known_tag, tag) == 0;
}

const char *mg_ask_what(const struct mg_ask *ask, char text[MG_ASK_WHAT])
{
    size_t length = (size_t)snprintf(text, MG_ASK_WHAT, "%s ", ask->resource->method);
    for (size_t i = 0; i < ask->target.segment_count && length < MG_ASK_WHAT; i++)
        length +=
            (size_t)snprintf(text + length, MG_ASK_WHAT - length, "/%s", ask->target.segments[i]);
    return text;
}

const char *mg_ask_peer(const struct mg_ask *ask)
{
    return ask->request ? mg_http_request_peer(ask->request) : "";
}

bool mg_ask_is_head(const struct mg_ask *ask)
{
    return ask->is_head;
}

bool mg_ask_is_aborted(const struct mg_ask *ask)
{
    return !ask->request;
}

void mg_ask_watch(struct mg_ask *ask, const struct mg_ask_events *events, void *context)
{
    ask->events = *events;
    ask->events_context = context;
}

void mg_ask_free(struct mg_ask *ask)
{
    if (ask->endpoint)
        LIST_REMOVE(ask, entry);
    mg_config_release(ask->config);
    json_decref(ask->body);
    mg_buffer_free(&ask->bytes);
    free(ask);
}

/* ---- answering ---- */

/* A page may use what comes from here and nothing else; everything that is no page may not even be
 * one. Nothing of it is to be kept, shown inside something else, or guessed at. */
static const char page_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for "
    "'script'";
static const char other_policy[] = "default-src 'none'; frame-ancestors 'none'";

static const struct mg_http_header protection[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
};
#define PROTECTION (sizeof protection / sizeof *protection)

struct headers {
    struct mg_http_header list[HEADERS + PROTECTION + 3];
    size_t count;
};

static void add_header(struct headers *headers, const char *name, const char *value)
{
    headers->list[headers->count++] = (struct mg_http_header){name, value};
}

static void fill_headers(struct headers *headers, const char *media_type,
                         const struct mg_http_header *more, size_t count)
{
    bool page = media_type && strncmp(media_type, "text/html", strlen("text/html")) == 0;
    bool kept = false;
    headers->count = 0;
    if (media_type)
        add_header(headers, "Content-Type", media_type);
    for (size_t i = 0; i < count && i < HEADERS; i++) {
        add_header(headers, more[i].name, more[i].value);
        kept = kept || strcmp(more[i].name, "Cache-Control") == 0;
    }
    for (size_t i = 0; i < PROTECTION; i++)
        headers->list[headers->count++] = protection[i];
    add_header(headers, "Content-Security-Policy", page ? page_policy : other_policy);
    if (!kept)
        add_header(headers, "Cache-Control", "no-store");
}

void mg_ask_answer_with(struct mg_ask *ask, int status, const char *media_type,
                        const struct mg_http_header *more, size_t count,
                        const struct mg_buffer *body)
{
    struct headers headers;
    if (ask->request) {
        fill_headers(&headers, media_type, more, count);
        mg_http_request_answer(ask->request, status, headers.list, headers.count,
                               body && body->data ? body->data : "", body ? body->length : 0);
    }
    mg_ask_free(ask);
}

void mg_ask_answer(struct mg_ask *ask, int status, const char *media_type,
                   const struct mg_buffer *body)
{
    mg_ask_answer_with(ask, status, media_type, NULL, 0, body);
}

/* ---- problems ---- */

static void answer_problem(struct mg_ask *ask, int status, const char *code, const char *detail,
                           const char *members, const struct mg_http_header *header)
{
    struct mg_buffer body = {0};
    mg_buffer_print(&body,
                    "{\"type\":\"urn:muengsten:error:%s\",\"title\":\"%s\",\"status\":%d,"
                    "\"code\":\"%s\",\"detail\":\"",
                    code, mg_http_reason(status), status, code);
    mg_buffer_add_json(&body, detail);
    mg_buffer_add_text(&body, "\"");
    if (members) {
        mg_buffer_add_text(&body, ",");
        mg_buffer_add_text(&body, members);
    }
    mg_buffer_add_text(&body, "}\n");
    mg_ask_answer_with(ask, status, "application/problem+json", header, header ? 1 : 0, &body);
    mg_buffer_free(&body);
}

void mg_ask_problem_with(struct mg_ask *ask, int status, const char *code, const char *detail,
                         const char *members)
{
    static const struct mg_http_header soon = {"Retry-After", "1"};
    answer_problem(ask, status, code, detail, members, status == 503 ? &soon : NULL);
}

void mg_ask_problem(struct mg_ask *ask, int status, const char *code, const char *format, ...)
{
    char detail[MG_ERROR_TEXT_SIZE];
    va_list values;
    va_start(values, format);
    vsnprintf(detail, sizeof detail, format, values);
    va_end(values);
    mg_ask_problem_with(ask, status, code, detail, NULL);
}

void mg_ask_bad_parameter(struct mg_ask *ask, const char *name, const char *expected)
{
    struct mg_buffer members = {0};
    mg_buffer_add_text(&members, "\"parameter\":\"");
    mg_buffer_add_json(&members, name);
    mg_buffer_add_text(&members, "\"");
    struct mg_buffer detail = {0};
    mg_buffer_print(&detail, "The parameter %.60s has to be %s.", name, expected);
    mg_ask_problem_with(ask, 400, "query.invalid", detail.data, members.data);
    mg_buffer_free(&detail);
    mg_buffer_free(&members);
}

void mg_ask_wrong_method(struct mg_ask *ask, const char *allowed)
{
    answer_problem(ask, 405, "http.method", "What is here cannot be used in this way.", NULL,
                   &(struct mg_http_header){"Allow", allowed});
}

/* ---- work in the background, answers in pieces ---- */

bool mg_ask_submit(struct mg_ask *ask, struct mg_job *job)
{
    if (ask->endpoint && mg_pool_submit(ask->endpoint->options.background, job))
        return true;
    mg_ask_problem(ask, 503, "operate.busy",
                   "Too much is being looked up already; ask again in a moment.");
    return false;
}

void mg_ask_begin(struct mg_ask *ask, const char *media_type, const struct mg_http_header *more,
                  size_t count)
{
    struct headers headers;
    if (!ask->request)
        return;
    fill_headers(&headers, media_type, more, count);
    mg_http_request_answer_begin(ask->request, 200, headers.list, headers.count);
}

bool mg_ask_write(struct mg_ask *ask, const void *bytes, size_t length)
{
    return !ask->request || mg_http_request_answer_write(ask->request, bytes, length);
}

void mg_ask_end(struct mg_ask *ask)
{
    if (ask->request)
        mg_http_request_answer_end(ask->request);
    mg_ask_free(ask);
}

void mg_ask_break(struct mg_ask *ask)
{
    if (ask->request)
        mg_http_request_break(ask->request);
    mg_ask_free(ask);
}
