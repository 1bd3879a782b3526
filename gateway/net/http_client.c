#include "gateway/net/http_client.h"

#include "gateway/net/http_call.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Kept connections for each peer. */
#define IDLE_LIMIT 8

static void take_identity(struct mg_http_client *client,
                          const struct mg_http_client_options *options)
{
    if (options->tls)
        SSL_CTX_up_ref(options->tls);
    SSL_CTX_free(client->tls);
    client->tls = options->tls;
    client->idle_limit = options->idle_limit ? options->idle_limit : IDLE_LIMIT;
    client->has_proxy = options->proxy != NULL;
    free(client->proxy_wrong);
    client->proxy_wrong = NULL;
    if (!options->proxy)
        return;
    if (!mg_url_read(options->proxy, &client->proxy, NULL) || client->proxy.secure)
        client->proxy_wrong = mg_copy_text(options->proxy);
    client->proxy.target = NULL; /* the text is not ours */
}

struct mg_http_client *mg_http_client_new(struct event_base *base,
                                          const struct mg_http_client_options *options)
{
    struct mg_http_client *client = mg_allocate_zeroed(1, sizeof *client);
    mg_net_ignore_broken_pipes();
    client->base = base;
    client->dns = options->dns;
    client->limits = options->limits;
    mg_http_limits_complete(&client->limits);
    client->headers = mg_allocate_zeroed(client->limits.headers, sizeof *client->headers);
    take_identity(client, options);
    TAILQ_INIT(&client->links);
    TAILQ_INIT(&client->calls);
    return client;
}

void mg_http_client_forget(struct mg_http_client *client)
{
    struct mg_http_link *link;
    client->age++;
    while ((link = TAILQ_FIRST(&client->links)))
        mg_link_close(link);
}

void mg_http_client_exchange(struct mg_http_client *client,
                             const struct mg_http_client_options *options)
{
    take_identity(client, options);
    mg_http_client_forget(client);
}

void mg_http_client_free(struct mg_http_client *client)
{
    struct mg_http_call *call;
    struct mg_error error;
    if (!client)
        return;
    client->closing = true;
    mg_fail(&error, "net.cancelled", "The client ends.");
    while ((call = TAILQ_FIRST(&client->calls)))
        mg_call_finish(call, &error, true);
    mg_http_client_forget(client);
    SSL_CTX_free(client->tls);
    mg_buffer_free(&client->text);
    free(client->proxy_wrong);
    free(client->headers);
    free(client);
}

/* ---- the beginning of a call ---- */

/* What the client itself says. */
static bool is_reserved(const char *name)
{
    static const char *const reserved[] = {"Host", "Content-Length", "Transfer-Encoding",
                                           "Connection", "Expect"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcasecmp(name, reserved[i]) == 0)
            return true;
    return false;
}

static bool write_head(struct mg_buffer *head, const struct mg_http_call_options *options,
                       int64_t length, const struct mg_url *url, struct mg_error *error)
{
    if (!mg_http_is_token(options->method) || strcmp(options->method, "CONNECT") == 0)
        return mg_fail(error, "net.header", "The method of the call is no method of HTTP.");
    mg_buffer_print(head, "%s %s%s HTTP/1.1\r\nHost: %s\r\n", options->method,
                    url->target[0] == '/' ? "" : "/", url->target, url->authority);
    for (size_t i = 0; i < options->header_count; i++) {
        const struct mg_http_header *header = &options->headers[i];
        if (!mg_http_is_token(header->name) || !mg_http_is_value(header->value) ||
            is_reserved(header->name))
            return mg_fail(
                error, "net.header",
                "Header %zu of the call is malformed, or one that the client sets itself.", i + 1);
        mg_buffer_print(head, "%s: %s\r\n", header->name, header->value);
    }
    bool has_body = strcmp(options->method, "POST") == 0 || strcmp(options->method, "PUT") == 0 ||
                    strcmp(options->method, "PATCH") == 0;
    if (length < 0)
        mg_buffer_add_text(head, "Transfer-Encoding: chunked\r\n");
    else if (length > 0 || has_body)
        mg_buffer_print(head, "Content-Length: %lld\r\n", (long long)length);
    mg_buffer_add_text(head, "\r\n");
    return true;
}

static bool check(const struct mg_http_client *client, const struct mg_url *url,
                  struct mg_error *error)
{
    if (client->closing)
        return mg_fail(error, "net.cancelled", "The client ends.");
    if (client->proxy_wrong)
        return mg_fail(error, "net.url", "The proxy has to be given as http://HOST:PORT.");
    if (url->secure && !client->tls)
        return mg_fail(error, "net.url", "This client has no identity for https:// URLs.");
    if (!url->secure && client->tls && !url->loopback)
        return mg_fail(error, "net.url", "http:// URLs are only allowed for hosts on loopback.");
    return true;
}

struct mg_http_call *mg_http_call(struct mg_http_client *client,
                                  const struct mg_http_call_options *options,
                                  const struct mg_http_call_events *events, void *context,
                                  struct mg_error *error)
{
    struct mg_buffer head = {0};
    struct mg_url url;
    int64_t length = events->on_body ? options->length : 0;
    if (!mg_url_read(options->url, &url, error) || !check(client, &url, error) ||
        !write_head(&head, options, length, &url, error)) {
        mg_buffer_free(&head);
        return NULL;
    }
    struct mg_http_call *call = mg_allocate_zeroed(1, sizeof *call);
    char peer[MG_HOST_SIZE + 32];
    snprintf(peer, sizeof peer, "%s://%s:%d", url.secure ? "https" : "http", url.host, url.port);
    url.target = NULL; /* the text is not ours */
    call->client = client;
    call->events = *events;
    call->context = context;
    call->url = url;
    call->peer = mg_copy_text(peer);
    call->head = head;
    call->is_head = strcmp(options->method, "HEAD") == 0;
    call->length = length;
    call->response_limit = options->response_limit ? options->response_limit : client->limits.body;
    if (options->timeout > 0)
        call->whole_due = mg_net_now() + options->timeout;
    mg_deadline_begin(&call->deadline, client->base, mg_call_on_deadline, call);
    event_assign(&call->begin, client->base, -1, 0, mg_call_on_begin, call);
    TAILQ_INSERT_TAIL(&client->calls, call, entry);
    event_active(&call->begin, EV_TIMEOUT, 0);
    return call;
}

/* ---- a call that runs ---- */

void mg_http_call_cancel(struct mg_http_call *call)
{
    mg_call_finish(call, NULL, false);
}

void mg_http_call_pause(struct mg_http_call *call)
{
    if (call->paused)
        return;
    call->paused = true;
    call->paused_since = mg_net_now();
    if (!call->running && call->link)
        mg_call_settle(call);
}

void mg_http_call_resume(struct mg_http_call *call)
{
    if (!call->paused)
        return;
    int64_t now = mg_net_now();
    call->paused = false;
    call->pace.begun += now - call->paused_since;
    call->pace.last = now;
    if (call->running)
        call->again = true;
    else if (call->link)
        bufferevent_trigger(call->link->events_buffer, EV_READ,
                            BEV_TRIG_DEFER_CALLBACKS | BEV_TRIG_IGNORE_WATERMARKS);
}
