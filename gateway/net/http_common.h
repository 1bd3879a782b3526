/*
 * http_common: small things that server and client share and nobody outside net needs.
 */
#ifndef MUENGSTEN_NET_HTTP_COMMON_H
#define MUENGSTEN_NET_HTTP_COMMON_H

#include "gateway/net/http.h"

#include <event2/bufferevent.h>
#include <openssl/ssl.h>

/* Puts the defaults where a limit is zero. */
void mg_http_limits_complete(struct mg_http_limits *limits);

/* Lets writing to a closed connection fail instead of ending the process: OpenSSL writes without
 * MSG_NOSIGNAL. */
void mg_net_ignore_broken_pipes(void);

/* How fast a body comes in; moments in milliseconds of mg_net_now. */
struct mg_pace {
    int64_t begun;
    int64_t last;     /* when the last byte came */
    int64_t received; /* bytes */
};

/* When the body is too slow unless more of it comes: body_pause after the last byte, or as soon as
 * the average falls below body_rate, whichever is earlier. */
int64_t mg_pace_due(const struct mg_pace *pace, const struct mg_http_limits *limits);

/* Whether the peer takes what waits to be sent. All zero at the start. */
struct mg_outflow {
    int64_t since;     /* since when no byte was taken; 0: nothing waits */
    uint64_t progress; /* of the output, at that moment */
};

/* Bytes that wait to be sent. */
size_t mg_outflow_waiting(struct bufferevent *events_buffer);

/* Sends bytes: what TLS and the socket take at once goes there directly, since libevent would speak
 * to epoll three times for it; what they do not take waits in the bufferevent. */
void mg_outflow_send(struct bufferevent *events_buffer, SSL *ssl, const void *bytes, size_t length);

/* By when the peer has to take the next byte, pause milliseconds after the last; 0: nothing waits.
 * ssl is the bufferevent's, or NULL. */
int64_t mg_outflow_due(struct mg_outflow *outflow, struct bufferevent *events_buffer, SSL *ssl,
                       int64_t pause);

/* The present moment as IMF-fixdate (RFC 9110, section 5.6.7). */
#define MG_HTTP_DATE_SIZE 64
const char *mg_http_date(char text[MG_HTTP_DATE_SIZE]);

#endif
