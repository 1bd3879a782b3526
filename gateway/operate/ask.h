/*
 * ask: one request of an operator, a program or the page, as those see it who answer it; internal
 * to the room.
 *
 * Which paths there are stands in tables of resources. An ask comes to its handler when everything
 * is decided that is the same for all: who asks and whether they may, that no other site made a
 * browser ask, that path and query are text with known parameters, and that the body of an act is
 * JSON with a reason in it.
 *
 * Each ask is answered exactly once: by mg_ask_answer or mg_ask_problem, or in pieces from
 * mg_ask_begin to mg_ask_end or mg_ask_break. The answer may come at once or at any time later,
 * from a job's done; until then the ask stays, even if who asked has gone away (then the answer
 * goes nowhere), even if the endpoint is closed. So a handler never has to forget an ask; who wants
 * to spare itself work watches for the end of the connection.
 *
 * Only on the thread of the loop. What an accessor returns belongs to the ask and may be read by a
 * job of it as well.
 */
#ifndef MUENGSTEN_OPERATE_ASK_H
#define MUENGSTEN_OPERATE_ASK_H

#include "gateway/base/buffer.h"
#include "gateway/base/error.h"
#include "gateway/base/pool.h"
#include "gateway/config/config.h"
#include "gateway/net/http.h"

#include <jansson.h>

struct mg_ask;

struct mg_caller {
    const char *name; /* as the audit trail shall say it; "" for somebody without a role */
    enum mg_role role;
    bool contents;   /* may see what is in messages */
    const char *way; /* "loopback", "tls" or "control" */
    bool owns_store; /* root or the gateway's own user, by the socket: who reads its files anyway */
};

/* ---- what there is to ask for ---- */

struct mg_resource {
    const char *method;  /* "GET", which answers HEAD too; or "POST": an act */
    const char *pattern; /* "/messages/{id}/retry" */
    enum mg_role role;   /* that is needed */
    /* The query parameters that it knows, up to NULL; a NULL instead of the list: none. Others are
     * refused (400 query.invalid). */
    const char *const *parameters;
    void (*handle)(struct mg_ask *ask, void *context);
};

/* A table of them; it outlives the endpoint. Of two that match, the first is asked. */
struct mg_resources {
    const struct mg_resource *list;
    size_t count;
    void *context; /* for its handlers */
};

/* ---- what is asked ---- */

const struct mg_caller *mg_ask_caller(const struct mg_ask *ask);
/* The one of the table that is asked. */
const struct mg_resource *mg_ask_resource(const struct mg_ask *ask);
/* What stands in the place of {name}. Never NULL for a name that the pattern has. */
const char *mg_ask_path(const struct mg_ask *ask, const char *name);
/* A parameter's value, NULL if it is not there. */
const char *mg_ask_query(const struct mg_ask *ask, const char *name);
/* Of an act: the body, a JSON object (borrowed), and its "why": 1 to 500 characters. NULL else. */
const json_t *mg_ask_body(const struct mg_ask *ask);
const char *mg_ask_why(const struct mg_ask *ask);
/* Whether who asks has what bears this entity tag (with its quotes) already: then answer 304. */
bool mg_ask_has(const struct mg_ask *ask, const char *tag);
/* Method and path as they were asked, for the audit trail; cut to size. */
#define MG_ASK_WHAT 200
const char *mg_ask_what(const struct mg_ask *ask, char text[MG_ASK_WHAT]);
/* Where who asks is: "192.0.2.1:4711". */
const char *mg_ask_peer(const struct mg_ask *ask);
/* HEAD: nothing of a body will be sent. */
bool mg_ask_is_head(const struct mg_ask *ask);

/* ---- answering ---- */

/* A whole answer; the body is copied, and may be NULL. */
void mg_ask_answer(struct mg_ask *ask, int status, const char *media_type,
                   const struct mg_buffer *body);
/* Likewise, with more headers, up to eight. */
void mg_ask_answer_with(struct mg_ask *ask, int status, const char *media_type,
                        const struct mg_http_header *headers, size_t count,
                        const struct mg_buffer *body);
/* A problem (RFC 9457). The code is stable, the detail a sentence. */
void mg_ask_problem(struct mg_ask *ask, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Likewise, with more members of the object: JSON such as "\"now\":{…}". */
void mg_ask_problem_with(struct mg_ask *ask, int status, const char *code, const char *detail,
                         const char *members);
/* 400 query.invalid: which parameter, and what it has to look like. */
void mg_ask_bad_parameter(struct mg_ask *ask, const char *name, const char *expected);

/* Gives a job of the ask to the background. False if that is full: the ask is answered then (503
 * operate.busy), and the job still the caller's. */
bool mg_ask_submit(struct mg_ask *ask, struct mg_job *job);

/* An answer in pieces, with status 200. write returns false while more waits than should: then
 * pause until on_writable. */
void mg_ask_begin(struct mg_ask *ask, const char *media_type, const struct mg_http_header *headers,
                  size_t count);
bool mg_ask_write(struct mg_ask *ask, const void *bytes, size_t length);
/* The end of an answer in pieces; of one that turned out wrong, so that nobody takes it for whole.
 * The ask is gone afterwards. */
void mg_ask_end(struct mg_ask *ask);
void mg_ask_break(struct mg_ask *ask);

/* What happens while an ask is not answered. on_writable: room for more pieces. on_abort: nobody
 * listens any more; the ask still has to be answered or ended, at once or later. Either may be
 * NULL.
 */
struct mg_ask_events {
    void (*on_writable)(struct mg_ask *ask, void *context);
    void (*on_abort)(struct mg_ask *ask, void *context);
};
void mg_ask_watch(struct mg_ask *ask, const struct mg_ask_events *events, void *context);
/* Whether nobody listens any more. */
bool mg_ask_is_aborted(const struct mg_ask *ask);

#endif
