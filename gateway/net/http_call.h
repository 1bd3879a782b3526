/*
 * http_call: one call of a client, and the connections that calls are made on. Between
 * http_client.c (what callers see), http_link.c (connections, kept and new) and http_call.c (the
 * course of a call); nobody else includes it.
 */
#ifndef MUENGSTEN_NET_HTTP_CALL_H
#define MUENGSTEN_NET_HTTP_CALL_H

#include "gateway/base/buffer.h"
#include "gateway/net/deadline.h"
#include "gateway/net/dial.h"
#include "gateway/net/http_client.h"
#include "gateway/net/http_common.h"
#include "gateway/net/http_parser.h"
#include "gateway/net/url.h"

#include <event2/bufferevent.h>
#include <sys/queue.h>

/* A connection to a peer: a call's, or kept for the next one. */
struct mg_http_link {
    TAILQ_ENTRY(mg_http_link) entry; /* while kept */
    struct mg_http_client *client;
    char *peer; /* "https://host:port" */
    struct bufferevent *events_buffer;
    SSL *ssl;                  /* the bufferevent's; NULL: plain */
    struct mg_http_call *call; /* NULL: kept */
    struct mg_deadline idle;
    size_t requests;
    unsigned age; /* of the client, when it was made */
};

enum mg_call_phase {
    MG_CALL_BEGINS,  /* nothing done yet */
    MG_CALL_DIALS,   /* resolving, connecting, asking the proxy */
    MG_CALL_SHAKES,  /* TLS handshake */
    MG_CALL_ASKS,    /* the request is being sent, or the response's head awaited */
    MG_CALL_RECEIVES /* the response's body */
};

struct mg_http_call {
    TAILQ_ENTRY(mg_http_call) entry;
    struct mg_http_client *client;
    struct mg_http_call_events events;
    void *context;
    struct mg_url url;
    char *peer;
    struct mg_buffer head; /* of the request */
    bool is_head;
    int64_t length;
    int64_t response_limit;
    int64_t whole_due; /* 0: none */

    enum mg_call_phase phase;
    struct event begin;
    struct mg_deadline deadline;
    struct mg_dial *dial;
    struct mg_http_link *link;
    int64_t connect_due;
    bool kept;     /* the link was a kept one */
    bool replaced; /* a kept link was found closed */
    bool running;
    bool again;
    bool ended;
    bool paused;
    bool reading; /* what libevent was last told */

    bool head_sent;
    int64_t offset;   /* of the body */
    bool sent;        /* all of the request was handed to the bufferevent */
    bool stopped;     /* the rest of the body is not wanted, or cannot be sent */
    int64_t asked_at; /* when the last byte of the request was taken; 0: not yet */
    struct mg_outflow outflow;

    size_t scanned;
    short broken;     /* how the connection ended, while bytes of it wait; 0: it did not */
    unsigned interim; /* responses of 1xx so far */
    bool closes;
    struct mg_http_body body;
    struct mg_pace pace;
    int64_t paused_since;
};

TAILQ_HEAD(mg_links, mg_http_link);
TAILQ_HEAD(mg_calls, mg_http_call);

struct mg_http_client {
    struct event_base *base;
    SSL_CTX *tls;
    struct evdns_base *dns;
    struct mg_url proxy;
    bool has_proxy;
    char *proxy_wrong; /* what was given in place of a proxy's URL */
    size_t idle_limit;
    struct mg_http_limits limits;
    struct mg_links links; /* kept, the last used first */
    struct mg_calls calls;
    bool closing;
    unsigned age; /* how often everything kept was forgotten: what is older is not kept again */
    struct mg_http_header *headers; /* room for those of a response */
    struct mg_buffer text;          /* room for a piece of a request */
};

/* ---- http_link.c ---- */

/* A connection over the socket, which it takes over; TLS begins if tls says so. */
struct mg_http_link *mg_link_new(struct mg_http_client *client, evutil_socket_t socket,
                                 const struct mg_url *url, bool tls, const char *peer);
/* A kept connection to the peer, or NULL. */
struct mg_http_link *mg_link_take(struct mg_http_client *client, const char *peer);
/* Keeps the connection for a later call, or closes it if enough are kept. */
void mg_link_keep(struct mg_http_link *link);
void mg_link_close(struct mg_http_link *link);

/* ---- http_call.c ---- */

/* From the loop: what has happened to the call's connection. */
void mg_call_run(struct mg_http_call *call);
/* Tells libevent what the call waits for. */
void mg_call_settle(struct mg_http_call *call);
void mg_call_on_event(struct mg_http_call *call, short what);
/* The begin of a call, and its deadline. */
void mg_call_on_begin(evutil_socket_t none, short what, void *context);
void mg_call_on_deadline(void *context);
/* Ends a call; error NULL: complete. told: on_done is called. */
void mg_call_finish(struct mg_http_call *call, const struct mg_error *error, bool told);

#endif
