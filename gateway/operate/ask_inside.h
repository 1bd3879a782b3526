/*
 * ask_inside: what an ask is, between endpoint.c (which makes it of a request) and ask.c (which
 * answers it); nobody else includes it.
 */
#ifndef MUENGSTEN_OPERATE_ASK_INSIDE_H
#define MUENGSTEN_OPERATE_ASK_INSIDE_H

#include "gateway/net/http_server.h"
#include "gateway/net/local.h"
#include "gateway/operate/endpoint.h"
#include "gateway/operate/target.h"

#include <sys/queue.h>

#define MG_ASK_BODY    (64 * 1024) /* bytes of an act */
#define MG_ASK_WHY     500         /* characters */
#define MG_CALLER_NAME 64
#define MG_ASK_TAG     64 /* bytes of an entity tag with its quotes */

LIST_HEAD(mg_asks, mg_ask);

struct mg_ask {
    LIST_ENTRY(mg_ask) entry;
    struct mg_endpoint *endpoint;    /* NULL: closed */
    struct mg_http_request *request; /* NULL: gone */
    const struct mg_resource *resource;
    void *context;            /* of the resource's handler */
    struct mg_config *config; /* held: who asks is somebody of this one */
    struct mg_caller caller;
    char caller_name[MG_CALLER_NAME];
    struct mg_ask_events events;
    void *events_context;
    uid_t user; /* by the socket */
    bool is_head;
    bool handled; /* its handler has it */
    char known_tag[MG_ASK_TAG];
    struct mg_buffer bytes; /* of the body, as they come */
    json_t *body;
    const char *why; /* in the body */
    struct mg_target target;
};

struct mg_endpoint {
    struct mg_endpoint_options options;
    enum mg_way way;
    struct mg_config *config; /* held */
    char *address;            /* or path */
    struct mg_local local;    /* of a socket that it made itself: else 0 */
    SSL_CTX *tls;             /* of the way by TLS; else NULL */
    SSL_CTX *next_tls;        /* of a configuration that is being applied */
    struct mg_http_server *server;
    struct mg_asks asks;
    /* Lines about denials that went to the log in this second. */
    int64_t log_second;
    unsigned logged;
};

/* Frees an ask that was answered, or whose request is gone. */
void mg_ask_free(struct mg_ask *ask);
/* 405: allowed are the methods that there are. */
void mg_ask_wrong_method(struct mg_ask *ask, const char *allowed);

/* ---- caller.c: who asks ---- */

/* Whether the user at the other end of a socket has a role at all. */
bool mg_caller_has_role(const struct mg_config *config, int socket);
/* Says who asks, and which role that is. False, with the reason, if the certificate that TLS has
 * accepted no longer counts. */
bool mg_caller_identify(struct mg_ask *ask, struct mg_error *error);
/* Finds out what the user is called, which may have to be looked up in the background; then the ask
 * goes on. */
void mg_caller_name(struct mg_ask *ask, void (*then)(struct mg_ask *ask));

#endif
