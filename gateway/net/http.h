/*
 * http: what server and client have in common: names, limits, headers.
 *
 * HTTP/1.1 as RFC 9110 and 9112 have it, read strictly: one way to frame a body, no folded headers,
 * no bare CR or LF, no white space before a colon, nothing over a limit. All of net runs on the
 * thread of the event loop and on no other.
 */
#ifndef MUENGSTEN_NET_HTTP_H
#define MUENGSTEN_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bounds in bytes, counts and milliseconds. Zero means the default in brackets. */
struct mg_http_limits {
    size_t head;            /* of request or status line with all headers [16 KiB] */
    size_t headers;         /* number of header lines [64] */
    int64_t body;           /* of a body; a handler may set a lower one [1 GiB] */
    size_t connections;     /* of a listener at once [10,000] */
    int64_t handshake_time; /* from accept to the end of the TLS handshake [10 s] */
    int64_t head_time;      /* from the first byte of a head to its end [10 s] */
    int64_t idle_time;      /* between requests on a kept connection [60 s] */
    int64_t body_pause;     /* without a byte while a body is due [20 s] */
    size_t body_rate;       /* bytes a second that a body must keep on average after a grace time of
                               body_pause [500]; so that a byte a second holds nobody up for long */
    int64_t write_pause;    /* without a byte taken while an answer waits [20 s] */
    size_t write_buffer;    /* bytes that may wait to be sent before a writer is asked to pause [64
                               KiB] */
    int64_t connect_time;   /* client: to resolve, connect and shake hands [10 s] */
    int64_t
        response_time; /* client: from the end of the request to the head of the response [30 s] */
    size_t requests;   /* on one connection before it is closed [100,000] */
    bool displaces;    /* where connections are few and all taken, a newcomer gets the place of who
                          has asked for nothing for longest; and all may shake hands at once */
};

struct mg_http_header {
    const char *name; /* as received; compared without case */
    const char *value;
};

/* A request's or response's head; valid during the callback that gets it. */
struct mg_http_head {
    const char *method; /* requests */
    const char *target; /* requests: origin form, such as "/messages/1?x=y" */
    int status;         /* responses */
    const struct mg_http_header *headers;
    size_t header_count;
    int64_t length; /* of the body: from Content-Length; 0: none; -1: chunked, not known */
    bool expects_continue;
};

/* The value of a header, or NULL. Of a header that came more than once, the first. */
const char *mg_http_header(const struct mg_http_head *head, const char *name);

/* The reason phrase of a status, such as "Not Found". */
const char *mg_http_reason(int status);

#endif
