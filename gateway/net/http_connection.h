/*
 * http_connection: one connection of a server, and the one request on it that is being answered.
 * Between http_server.c (listening, counting), http_connection.c (what comes in), http_ending.c
 * (how a connection ends) and http_answer.c (what goes out); nobody else includes it.
 *
 * A connection is one struct mg_http_request. Whatever happens to it ends in mg_connection_run,
 * which takes as many steps as possible, then says to libevent what it waits for. While it runs
 * (handlers are called from there) nothing frees the connection: mg_connection_end only marks it.
 */
#ifndef MUENGSTEN_NET_HTTP_CONNECTION_H
#define MUENGSTEN_NET_HTTP_CONNECTION_H

#include "gateway/base/buffer.h"
#include "gateway/net/deadline.h"
#include "gateway/net/http_common.h"
#include "gateway/net/http_parser.h"
#include "gateway/net/http_server.h"
#include "gateway/net/tls_peers.h"

#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

/* Of the connections that a listener may have, one in so many may shake hands at the same time: an
 * idle one costs about 15 KB with OpenSSL 3.0 and 24 KB with 3.5, one in its handshake more than
 * twice that. Handshakes beyond wait for their turn with their bytes still in the kernel. */
#define MG_HTTP_SHAKING_PART 20

/* What is left of a body that nobody wants is read over up to this; beyond, the connection closes.
 */
#define MG_HTTP_DISCARD_LIMIT (64 * 1024)

enum mg_connection_phase {
    MG_SILENT,    /* connected, no byte yet: neither SSL object nor buffers */
    MG_SHAKING,   /* TLS handshake */
    MG_HEAD,      /* between requests, or in a head */
    MG_REQUEST,   /* a request is underway: its body, its answer, or both */
    MG_CLOSING,   /* the last answer is being sent */
    MG_LINGERING, /* what the peer still sends is dropped, so that it can read the last answer */
};

TAILQ_HEAD(mg_connections, mg_http_request);

struct mg_http_request {
    TAILQ_ENTRY(mg_http_request) entry;
    struct mg_connections *list; /* the one of the server's that it is in */
    struct mg_http_server *server;
    struct bufferevent *events_buffer; /* NULL while silent */
    SSL *ssl;                          /* the bufferevent's; NULL on a plain listener */
    evutil_socket_t socket;
    struct event *raw; /* the socket itself: while silent or lingering; else NULL */
    struct mg_deadline deadline;
    enum mg_connection_phase phase;
    char peer[64];
    struct mg_tls_peer *certificate; /* NULL before the handshake is done */
    void *value;
    void (*release)(void *value);
    size_t requests;

    bool running;
    bool again;   /* something changed while running */
    bool ended;   /* to be freed as soon as it does not run */
    bool reading; /* what libevent was last told */

    int64_t since; /* when the phase began; in a head, when its first byte came */
    bool head_begun;
    size_t scanned; /* of the head */
    struct mg_outflow outflow;

    /* The request. */
    struct mg_http_request_events events;
    void *context;
    struct mg_http_body body;
    struct mg_pace pace;
    int64_t body_limit;
    int64_t paused_since;
    size_t discarded;
    bool taken;
    bool paused;
    bool expects_continue;
    bool body_done;
    bool answering; /* a head was sent */
    bool answered;  /* all of the answer was given */
    bool in_chunks;
    bool bodiless; /* neither HEAD nor 204 nor 304 have a body */
    bool is_head;
    bool old_version; /* HTTP/1.0 */
    bool closes;      /* the connection ends after this request */
};

struct mg_http_server {
    struct event_base *base;
    char *name;
    SSL_CTX *tls;
    struct mg_http_limits limits;
    struct mg_http_handler handler;
    bool (*admit)(int socket, size_t connections, void *context);
    void *context;
    struct evconnlistener *listener; /* NULL once it has stopped */
    int port;
    bool accepting;
    bool starved; /* no descriptor was left for a connection */
    bool starvation_logged;
    struct mg_deadline retry;
    /* A connection waits for its handshake to begin, or is in the other list. */
    struct mg_connections waiting;
    struct mg_connections others;
    size_t count;
    size_t shaking_count;
    bool stopping;
    struct event drained_event;
    void (*drained)(struct mg_http_server *server, void *context);
    void *drained_context;
    /* Shared by all connections, since only one of them is worked on at a time. */
    struct mg_http_header *headers;
    struct mg_buffer text;
    time_t date_second;
    char date[MG_HTTP_DATE_SIZE];
    /* Refusals written to the log in this second, and those left out since. */
    int64_t log_second;
    unsigned logged;
    unsigned unlogged;
};

/* ---- http_server.c ---- */

/* Puts a connection into another list. */
void mg_server_move(struct mg_http_request *connection, struct mg_connections *list);
/* Whether one more handshake may begin now. */
bool mg_server_may_shake(const struct mg_http_server *server);
/* Some handshake has ended: the next one may begin. */
void mg_server_shake_next(struct mg_http_server *server);
/* A connection was freed. */
void mg_server_connection_gone(struct mg_http_server *server);
/* Logs that something was refused, unless too much of it is logged already. name is "code" or
 * "reason". */
void mg_server_log_refusal(struct mg_http_server *server, const char *event, const char *peer,
                           const char *name, const char *value);

/* ---- http_connection.c ---- */

/* Takes over an accepted socket. */
void mg_connection_new(struct mg_http_server *server, evutil_socket_t socket,
                       const struct sockaddr *address);
/* Begins with TLS, as the peer has begun to speak, or waits until fewer others are at it. */
void mg_connection_greet(struct mg_http_request *connection);
/* Waits for the socket itself, beside any bufferevent; and no longer. */
void mg_connection_watch(struct mg_http_request *connection, short what,
                         event_callback_fn on_ready);
void mg_connection_unwatch(struct mg_http_request *connection);
/* Goes on as far as possible. */
void mg_connection_run(struct mg_http_request *connection);
/* Goes on soon, from the loop: for changes from outside. */
void mg_connection_run_soon(struct mg_http_request *connection);

/* ---- http_ending.c ---- */

/* Frees now, or when the connection does not run any more. Calls no handler. */
void mg_connection_end(struct mg_http_request *connection);
/* Ends a connection that broke: on_abort first, if a request was taken and not answered. */
void mg_connection_break(struct mg_http_request *connection);
/* Says goodbye in TLS, and frees. */
void mg_connection_close(struct mg_http_request *connection);
/* Sends nothing more, and drops what comes for a while. orderly: TLS is in a state to say goodbye.
 */
void mg_connection_linger(struct mg_http_request *connection, bool orderly);
/* Answers what HTTP or a limit forbids, and closes. */
void mg_connection_refuse(struct mg_http_request *connection,
                          const struct mg_http_refusal *refusal);

#endif
