/*
 * http_server: HTTP/1.1 over TLS on libevent's bufferevents, streaming both ways.
 *
 * A handler is asked with the head of each request, before any byte of the body is read. There it
 * may answer at once (a refusal: what follows of the body is dropped unread and the connection
 * closed if it is long), or take the request. A request that was taken gets its body in pieces
 * (on_data), then on_end; the handler pauses and resumes reading as it likes, and nothing is read
 * from the socket meanwhile. The answer may come at any time from then on, at once or in pieces. If
 * the connection breaks before the answer was given completely, on_abort is called once instead,
 * and the request is gone.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_NET_HTTP_SERVER_H
#define MUENGSTEN_NET_HTTP_SERVER_H

#include "gateway/base/error.h"
#include "gateway/net/http.h"

#include <event2/event.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

struct mg_http_server;  /* one listener */
struct mg_http_request; /* one request being answered */

struct mg_http_handler {
    /* A head has come. The handler has to call mg_http_request_take or an answering function before
     * it returns. context is the server's. */
    void (*on_head)(struct mg_http_request *request, const struct mg_http_head *head,
                    void *context);
    /* TLS has refused somebody for a certificate, or the lack of one. context is the server's; may
     * be NULL. */
    void (*on_stranger)(const char *peer, void *context);
};

/* How a request that was taken goes on; context is the one given to mg_http_request_take. */
struct mg_http_request_events {
    void (*on_data)(struct mg_http_request *request, const void *bytes, size_t length,
                    void *context);
    void (*on_end)(struct mg_http_request *request, void *context);
    /* The connection broke, timed out, or the body was malformed: answer nothing, forget the
     * request. */
    void (*on_abort)(struct mg_http_request *request, void *context);
    /* An answer in pieces: less than limits.write_buffer waits again. May be NULL. */
    void (*on_writable)(struct mg_http_request *request, void *context);
};

struct mg_http_server_options {
    const char *name;    /* of the listener, for the log */
    const char *address; /* "127.0.0.1:8443", "[::1]:8443", "*:8443"; port 0: any */
    int socket; /* if address is NULL: one that listens already, the server's from now on */
    /* A server that is to end soon, or NULL: its port may be shared with it until then. */
    const struct mg_http_server *beside;
    SSL_CTX *tls; /* the server takes a reference; NULL: plain, for what never leaves the
                     machine */
    struct mg_http_limits limits;
    struct mg_http_handler handler;
    /* Whether a connection is taken at all; NULL: all are. connections: those that are open. */
    bool (*admit)(int socket, size_t connections, void *context);
    void *context;
};

/* Starts to listen, with the inherited socket if there is one (inherited.h). Codes: net.address,
 * net.listen. */
struct mg_http_server *mg_http_server_new(struct event_base *base,
                                          const struct mg_http_server_options *options,
                                          struct mg_error *error);
/* Exchanges identity and limits for connections that come from now on; those that are open keep
 * their TLS session, and obey the new limits. */
void mg_http_server_exchange(struct mg_http_server *server, SSL_CTX *tls,
                             const struct mg_http_limits *limits);
/* The port it listens on, or did until it was stopped; 0 for a Unix socket. */
int mg_http_server_port(const struct mg_http_server *server);

/* Stops accepting; idle connections close, running requests go on and their connections close after
 * them. drained is called once, when none is left (perhaps at once). */
void mg_http_server_stop(struct mg_http_server *server,
                         void (*drained)(struct mg_http_server *server, void *context),
                         void *context);
/* Breaks what is left (on_abort) and frees. */
void mg_http_server_free(struct mg_http_server *server);

/* Number of open connections. */
size_t mg_http_server_connections(const struct mg_http_server *server);

/* ---- a request ---- */

/* Takes the request; limit is the longest body in bytes (-1: the server's). A body that turns out
 * longer is answered 413 by the server itself after on_abort. Sends 100 Continue if the client
 * waits for it. */
void mg_http_request_take(struct mg_http_request *request,
                          const struct mg_http_request_events *events, int64_t limit,
                          void *context);
void mg_http_request_pause(struct mg_http_request *request);
void mg_http_request_resume(struct mg_http_request *request);

/* Answers with a whole body, which is copied. headers: pairs beside Content-Length, Date and
 * Connection. */
void mg_http_request_answer(struct mg_http_request *request, int status,
                            const struct mg_http_header *headers, size_t header_count,
                            const void *body, size_t length);

/* Answers with a problem (RFC 9457): the code is stable and goes into the type, the detail is a
 * sentence. */
void mg_http_request_answer_problem(struct mg_http_request *request, int status, const char *code,
                                    const char *detail);

/* Answers in pieces (chunked). write returns false while more than write_buffer waits: pause until
 * on_writable. */
void mg_http_request_answer_begin(struct mg_http_request *request, int status,
                                  const struct mg_http_header *headers, size_t header_count);
bool mg_http_request_answer_write(struct mg_http_request *request, const void *bytes,
                                  size_t length);
void mg_http_request_answer_end(struct mg_http_request *request);

/* Breaks off an answer in pieces that cannot be brought to its end: the peer gets no last piece,
 * and so knows that it has not all of it. on_abort is not called, and the request is gone. */
void mg_http_request_break(struct mg_http_request *request);

/* The certificate that the client showed and TLS accepted; borrowed. NULL on a plain listener. */
X509 *mg_http_request_certificate(const struct mg_http_request *request);
/* The certificates that the client showed beside it to lead to a root; borrowed, may be NULL. */
STACK_OF(X509) * mg_http_request_chain(const struct mg_http_request *request);
/* SHA-256 of that certificate, computed once for each connection; NULL on a plain listener. */
const uint8_t *mg_http_request_fingerprint(const struct mg_http_request *request);
/* "192.0.2.1:4711", for the log. */
const char *mg_http_request_peer(const struct mg_http_request *request);
/* The connection's socket, for asking the system about it and for nothing else. */
int mg_http_request_socket(const struct mg_http_request *request);
/* A value that the handler keeps with the connection (such as who the certificate belongs to).
 * release is called when the connection ends or another value is set. */
void *mg_http_request_connection_value(const struct mg_http_request *request);
void mg_http_request_set_connection_value(struct mg_http_request *request, void *value,
                                          void (*release)(void *value));
/* Lets the connection end after this request's answer. */
void mg_http_request_close_after(struct mg_http_request *request);

#endif
