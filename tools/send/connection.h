/*
 * connection: the client towards the gateway, with its event loop; and one call at a time, whose
 * answer is collected in memory.
 */
#ifndef MUENGSTEN_TOOLS_SEND_CONNECTION_H
#define MUENGSTEN_TOOLS_SEND_CONNECTION_H

#include "gateway/base/buffer.h"
#include "gateway/net/http_client.h"
#include "tools/send/options.h"

struct mg_anchors;
struct mg_send_connection;

struct mg_send_connection *mg_send_connection_new(const struct mg_send_options *options,
                                                  struct mg_anchors *anchors,
                                                  struct mg_error *error);
void mg_send_connection_free(struct mg_send_connection *connection);
struct event_base *mg_send_connection_base(const struct mg_send_connection *connection);

/* A call; embedded in what it is for, and overwritten by each start. */
struct mg_send_call {
    /* Before: */
    const struct mg_buffer *body; /* of a POST; NULL: a GET. Stays as it is until done. */
    const char *media_type;
    bool packed;
    void (*done)(struct mg_send_call *call);
    /* Afterwards: */
    int status;              /* 0: no answer, and error says why */
    struct mg_buffer answer; /* its body; the owner frees it */
    char id[64];             /* Muengsten-Message-Id; may be empty */
    bool repeated;           /* Muengsten-Repeated */
    int64_t microseconds;    /* from start to done */
    struct mg_error error;
};

/* Starts a call to the address of the options, followed by path (may be empty). done comes later.
 * False: it cannot begin, and error of the call is filled. */
bool mg_send_call_start(struct mg_send_connection *connection, struct mg_send_call *call,
                        const char *path);

#endif
