#include "gateway/operate/endpoint.h"

#include "gateway/net/http_server.h"
#include "gateway/operate/operate.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Operators, a Prometheus or two, and a bound for whoever goes mad. */
#define CONNECTIONS 64
/* An answer about so many destinations fits a connection's buffer only in pieces; the memory for it
 * is there for as long as the slowest reader takes, so slow ones are let go soon. */
#define WRITE_PAUSE 10000

struct mg_endpoint {
    char *address;
    struct mg_http_server *server;
    const struct mg_endpoint_view *views;
    void *context;
};

/* ---- who may ask ---- */

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 6 && text[digits] == '\0';
}

bool mg_operate_is_own_host(const char *host)
{
    char name[64];
    struct in_addr address;
    const char *after = host[0] == '[' ? strchr(host, ']') : host;
    const char *colon = after ? strchr(after, ':') : NULL;
    size_t length = colon ? (size_t)(colon - host) : strlen(host);
    if (!after || length >= sizeof name || (colon && !is_port(colon + 1)))
        return false;
    memcpy(name, host, length);
    name[length] = '\0';
    if (strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

/* ---- answering ---- */

/* Nothing of it is to be kept, shown inside something else, or guessed at. */
static const struct mg_http_header protection[] = {
    {"Cache-Control", "no-store"},
    {"X-Content-Type-Options", "nosniff"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
};
#define PROTECTION (sizeof protection / sizeof *protection)

static void answer(struct mg_http_request *request, int status, const struct mg_http_header *first,
                   size_t count, const struct mg_buffer *body)
{
    struct mg_http_header headers[PROTECTION + 2];
    memcpy(headers, first, count * sizeof *first);
    memcpy(headers + count, protection, sizeof protection);
    mg_http_request_answer(request, status, headers, count + PROTECTION, body->data, body->length);
}

static void answer_view(const struct mg_endpoint *endpoint, const struct mg_endpoint_view *view,
                        struct mg_http_request *request)
{
    struct mg_buffer body = {0};
    view->write(endpoint->context, &body);
    answer(request, 200, &(struct mg_http_header){"Content-Type", view->media_type}, 1, &body);
    mg_buffer_free(&body);
}

/* A problem as RFC 9457 has it; the texts are ours. */
static void refuse(struct mg_http_request *request, int status, const char *code,
                   const char *detail)
{
    static const struct mg_http_header headers[] = {{"Content-Type", "application/problem+json"},
                                                    {"Allow", "GET, HEAD"}};
    struct mg_buffer body = {0};
    mg_buffer_print(&body,
                    "{\"type\":\"urn:muengsten:error:%s\",\"title\":\"%s\",\"status\":%d,"
                    "\"code\":\"%s\",\"detail\":\"%s\"}\n",
                    code, mg_http_reason(status), status, code, detail);
    answer(request, status, headers, status == 405 ? 2 : 1, &body);
    mg_buffer_free(&body);
}

static const struct mg_endpoint_view *find(const struct mg_endpoint *endpoint, const char *target)
{
    size_t length = strcspn(target, "?");
    for (const struct mg_endpoint_view *view = endpoint->views; view->path; view++)
        if (strlen(view->path) == length && memcmp(view->path, target, length) == 0)
            return view;
    return NULL;
}

static void on_head(struct mg_http_request *request, const struct mg_http_head *head, void *context)
{
    const struct mg_endpoint *endpoint = context;
    const char *host = mg_http_header(head, "Host");
    const struct mg_endpoint_view *view = find(endpoint, head->target);
    if (!host || !mg_operate_is_own_host(host))
        refuse(request, 421, "http.host",
               "This is shown under the machine's own name only: ask localhost.");
    else if (!view)
        refuse(request, 404, "http.path", "There is nothing at this path.");
    else if (strcmp(head->method, "GET") != 0 && strcmp(head->method, "HEAD") != 0)
        refuse(request, 405, "http.method", "What is here can only be looked at.");
    else
        answer_view(endpoint, view, request);
}

/* ---- life ---- */

struct mg_endpoint *mg_endpoint_new(struct event_base *base, const char *address,
                                    const struct mg_endpoint_view *views, void *context,
                                    struct mg_error *error)
{
    struct mg_endpoint *endpoint = mg_allocate_zeroed(1, sizeof *endpoint);
    endpoint->address = mg_copy_text(address);
    endpoint->views = views;
    endpoint->context = context;
    const struct mg_http_server_options options = {
        .name = "status",
        .address = address,
        .limits = {.connections = CONNECTIONS, .write_pause = WRITE_PAUSE},
        .handler = {.on_head = on_head},
        .context = endpoint,
    };
    endpoint->server = mg_http_server_new(base, &options, error);
    if (endpoint->server)
        return endpoint;
    mg_endpoint_free(endpoint);
    return NULL;
}

const char *mg_endpoint_address(const struct mg_endpoint *endpoint)
{
    return endpoint->address;
}

int mg_endpoint_port(const struct mg_endpoint *endpoint)
{
    return mg_http_server_port(endpoint->server);
}

void mg_endpoint_free(struct mg_endpoint *endpoint)
{
    if (!endpoint)
        return;
    mg_http_server_free(endpoint->server);
    free(endpoint->address);
    free(endpoint);
}
