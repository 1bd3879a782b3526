#include "tools/send/connection.h"

#include "gateway/base/clock.h"
#include "gateway/net/tls.h"
#include "gateway/trust/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A receipt has some kilobytes; a report grows with the deliveries. */
#define LARGEST_ANSWER ((size_t)4 << 20)

struct mg_send_connection {
    const struct mg_send_options *options;
    struct event_base *base;
    struct evdns_base *dns;
    SSL_CTX *tls;
    struct mg_http_client *client;
};

static bool open_tls(struct mg_send_connection *connection, struct mg_anchors *anchors,
                     struct mg_error *error)
{
    const struct mg_send_options *options = connection->options;
    if (strncmp(options->to, "https://", 8) != 0)
        return true;
    X509_STORE *store = mg_anchors_store(anchors);
    connection->tls = mg_tls_client(options->tls_certificate, options->tls_key, store, error);
    X509_STORE_free(store);
    return connection->tls != NULL;
}

struct mg_send_connection *mg_send_connection_new(const struct mg_send_options *options,
                                                  struct mg_anchors *anchors,
                                                  struct mg_error *error)
{
    struct mg_send_connection *connection = mg_allocate_zeroed(1, sizeof *connection);
    connection->options = options;
    if (!open_tls(connection, anchors, error)) {
        mg_send_connection_free(connection);
        return NULL;
    }
    connection->base = event_base_new();
    if (!connection->base)
        mg_die("no event loop");
    connection->dns = evdns_base_new(connection->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (!connection->dns)
        mg_die("no resolver");
    /* Without a name server there are still addresses and /etc/hosts, so this may fail. */
    evdns_base_resolv_conf_parse(connection->dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");
    const struct mg_http_client_options client = {
        .tls = connection->tls,
        .dns = connection->dns,
        .proxy = options->proxy,
        .idle_limit = options->jobs,
        .limits = {.response_time = options->timeout},
    };
    connection->client = mg_http_client_new(connection->base, &client);
    return connection;
}

void mg_send_connection_free(struct mg_send_connection *connection)
{
    if (!connection)
        return;
    mg_http_client_free(connection->client);
    if (connection->dns)
        evdns_base_free(connection->dns, 0);
    if (connection->base)
        event_base_free(connection->base);
    SSL_CTX_free(connection->tls);
    free(connection);
}

struct event_base *mg_send_connection_base(const struct mg_send_connection *connection)
{
    return connection->base;
}

/* ---- a call ---- */

static ssize_t on_body(struct mg_http_call *http, int64_t offset, void *bytes, size_t size,
                       void *context)
{
    (void)http;
    const struct mg_send_call *call = context;
    size_t rest = call->body->length - (size_t)offset;
    if (rest > size)
        rest = size;
    if (rest > 0)
        memcpy(bytes, call->body->data + offset, rest);
    return (ssize_t)rest;
}

static void on_response(struct mg_http_call *http, const struct mg_http_head *head, void *context)
{
    (void)http;
    struct mg_send_call *call = context;
    const char *id = mg_http_header(head, "Muengsten-Message-Id");
    const char *repeated = mg_http_header(head, "Muengsten-Repeated");
    call->status = head->status;
    call->repeated = repeated && strcmp(repeated, "true") == 0;
    snprintf(call->id, sizeof call->id, "%s", id ? id : "");
}

static void on_data(struct mg_http_call *http, const void *bytes, size_t length, void *context)
{
    (void)http;
    struct mg_send_call *call = context;
    /* The client itself ends calls whose answer passes the limit. */
    mg_buffer_add(&call->answer, bytes, length);
}

static void on_done(struct mg_http_call *http, const struct mg_error *error, void *context)
{
    (void)http;
    struct mg_send_call *call = context;
    call->microseconds = mg_clock_monotonic() - call->microseconds;
    if (error) {
        call->error = *error;
        /* A refusal counts even if its text broke off; a receipt does not. */
        if (call->status < 400)
            call->status = 0;
    }
    call->done(call);
}

bool mg_send_call_start(struct mg_send_connection *connection, struct mg_send_call *call,
                        const char *path)
{
    static const struct mg_http_call_events events = {
        .on_body = on_body, .on_response = on_response, .on_data = on_data, .on_done = on_done};
    /* Refusals are asked for as XML: for that, the way in is hardened already. */
    const struct mg_http_header headers[] = {
        {"Accept", "application/xml"},
        {"User-Agent", "muengsten-send"},
        {"Content-Type", call->media_type},
        {"Content-Encoding", "gzip"},
    };
    char url[2048];
    snprintf(url, sizeof url, "%s%s", connection->options->to, path);
    const struct mg_http_call_options options = {
        .method = call->body ? "POST" : "GET",
        .url = url,
        .headers = headers,
        .header_count = call->body ? 3 + (call->packed ? 1 : 0) : 2,
        .length = call->body ? (int64_t)call->body->length : 0,
        .response_limit = (int64_t)LARGEST_ANSWER,
        .timeout = connection->options->timeout,
    };
    call->status = 0;
    call->id[0] = '\0';
    call->repeated = false;
    call->error = (struct mg_error){0};
    mg_buffer_clear(&call->answer);
    call->microseconds = mg_clock_monotonic();
    return mg_http_call(connection->client, &options, &events, call, &call->error) != NULL;
}
