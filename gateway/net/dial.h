/*
 * dial: opens a TCP connection to a host without blocking: resolves its name, tries its addresses
 * one after the other, and asks a proxy for a tunnel where one is set (CONNECT, RFC 9110,
 * section 9.3.6).
 */
#ifndef MUENGSTEN_NET_DIAL_H
#define MUENGSTEN_NET_DIAL_H

#include "gateway/base/error.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <stdint.h>

struct mg_dial;

struct mg_dial_options {
    struct event_base *base;
    struct evdns_base *dns; /* NULL: numeric hosts only */
    const char *host;       /* of the peer, or of the proxy */
    int port;
    const char *tunnel; /* "host:port" that the proxy shall connect to, or NULL: no proxy */
    int64_t time;       /* milliseconds for all of it: shared out among the addresses */
};

/* Takes a connection over: a non-blocking socket, or -1 with an error (net.resolve, net.connect,
 * net.proxy). The dial is gone. */
typedef void (*mg_dial_done)(int socket, const struct mg_error *error, void *context);

/* A dial that has not begun; texts are copied. */
struct mg_dial *mg_dial_new(const struct mg_dial_options *options, mg_dial_done done,
                            void *context);
/* Begins. done may be called before this returns. */
void mg_dial_begin(struct mg_dial *dial);
/* Ends it without calling done. */
void mg_dial_cancel(struct mg_dial *dial);

#endif
