/*
 * http_client: HTTP/1.1 over TLS to one peer after the other, with kept connections, streaming both
 * ways.
 *
 * A client holds the idle connections of one identity (one SSL_CTX). A call resolves the host
 * without blocking, connects (through a proxy by CONNECT, if one is set), checks the host name
 * against the certificate (RFC 9525: dNSName or iPAddress of subjectAltName, never the common
 * name), sends, and receives. A kept connection that the peer closed meanwhile is replaced once, if
 * no byte of the answer had come and the body can begin again.
 *
 * Only on the thread of the loop. Errors of on_done: net.resolve, net.connect, net.tls (with the
 * verification's or the peer's reason), net.host-name, net.timeout, net.closed, net.malformed,
 * net.proxy, net.cancelled.
 */
#ifndef MUENGSTEN_NET_HTTP_CLIENT_H
#define MUENGSTEN_NET_HTTP_CLIENT_H

#include "gateway/base/error.h"
#include "gateway/net/http.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <sys/types.h>

struct mg_http_client;
struct mg_http_call;

struct mg_http_client_options {
    SSL_CTX *tls; /* the client takes a reference; NULL: http:// URLs only */
    struct evdns_base *dns;
    const char *proxy; /* "http://host:port" or NULL */
    size_t idle_limit; /* kept connections for each peer [8] */
    struct mg_http_limits limits;
};

struct mg_http_client *mg_http_client_new(struct event_base *base,
                                          const struct mg_http_client_options *options);
/* Exchanges identity, proxy and number of kept connections for what is connected from now on; calls
 * that run go on with the old ones. Limits and resolver stay. */
void mg_http_client_exchange(struct mg_http_client *client,
                             const struct mg_http_client_options *options);
/* Ends running calls with net.cancelled. NULL is allowed. */
void mg_http_client_free(struct mg_http_client *client);
/* Closes kept connections, for example after new revocation lists, and those underway when their
 * calls have ended. */
void mg_http_client_forget(struct mg_http_client *client);

struct mg_http_call_events {
    /* Wants up to size bytes of the body at offset; returns how many were written to bytes, 0 at
     * the end, -1 to break off. NULL: no body. Called as the socket takes them. */
    ssize_t (*on_body)(struct mg_http_call *call, int64_t offset, void *bytes, size_t size,
                       void *context);
    void (*on_response)(struct mg_http_call *call, const struct mg_http_head *head, void *context);
    void (*on_data)(struct mg_http_call *call, const void *bytes, size_t length, void *context);
    /* Once and last: error is NULL if the response came completely. The call is gone afterwards. */
    void (*on_done)(struct mg_http_call *call, const struct mg_error *error, void *context);
};

struct mg_http_call_options {
    const char *method;
    const char *url; /* https://host[:port]/path; a fragment or user is refused (net.url) */
    const struct mg_http_header
        *headers; /* beside Host, Content-Length or Transfer-Encoding, Connection */
    size_t header_count;
    int64_t length;         /* of the body; 0: none; -1: chunked */
    int64_t response_limit; /* bytes of the response's body; 0: limits.body */
    int64_t timeout;        /* milliseconds for the whole call; 0: none beside the limits */
};

/* Begins a call. NULL with an error if it cannot even begin (net.url, net.header for a malformed or
 * reserved header, net.cancelled if the client ends); otherwise on_done will come, never before
 * this returns. */
struct mg_http_call *mg_http_call(struct mg_http_client *client,
                                  const struct mg_http_call_options *options,
                                  const struct mg_http_call_events *events, void *context,
                                  struct mg_error *error);
/* Ends the call without any further callback. */
void mg_http_call_cancel(struct mg_http_call *call);
void mg_http_call_pause(struct mg_http_call *call);
void mg_http_call_resume(struct mg_http_call *call);

#endif
