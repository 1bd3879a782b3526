/*
 * adapter_host_double: stands in for the gateway in the unit tests of adapters. One instance, one
 * thread: work runs when host_run is called, timers follow a clock that only host_advance moves.
 * Handles are plain structures that the tests look into.
 */
#ifndef MUENGSTEN_TESTS_ADAPTER_HOST_DOUBLE_H
#define MUENGSTEN_TESTS_ADAPTER_HOST_DOUBLE_H

#include "muengsten/adapter.h"

#define HOST_MANY 128

struct host_bytes {
    char *bytes; /* always ends with a NUL */
    size_t length;
};

struct mg_exchange {
    const struct mg_exchange_events *events; /* NULL: not taken */
    void *context;
    int64_t limit;
    int status;             /* 0: not answered */
    struct host_bytes head; /* "Name: value\n" for each field of the answer */
    struct host_bytes body;
};

struct mg_submission {
    struct host_bytes media_type, encoding, body;
    int64_t length;
    bool finished, aborted, ended;
    void (*end)(const struct mg_submission_end *end, void *context);
    void *context;
};

struct mg_delivery {
    struct mg_message_facts message;
    struct mg_part_facts parts[24];
    const char *contents[24];
    int attempt;
    bool done;
    enum mg_outcome_kind kind;
    int64_t retry_after;
    struct host_bytes code, text;
    char claim[16]; /* of one taken from the box */
    bool closed;
};

/* A message that waits to be collected. */
struct host_letter {
    const char *id, *document;
    unsigned attachments;
    unsigned taken;   /* number of the taking that holds it; 0: nobody has it */
    unsigned takings; /* how often it was taken */
    bool collected;
};

struct mg_call {
    struct mg_call_spec spec; /* only numbers, functions and the context are valid later on */
    struct host_bytes head, url;
    bool cancelled, over;
};

/* What the double does and saw. */
struct host {
    struct mg_gateway gateway;
    /* How it behaves. */
    struct mg_field parameters[16];
    size_t parameter_count;
    int full;                         /* so many calls of work find the queue full */
    bool holds_work;                  /* work waits until this is false */
    bool refuses_begin;               /* submit_begin refuses with refusal */
    size_t refuses_at;                /* submit_append refuses when so many bytes came; 0: never */
    bool waits;                       /* finish does not end by itself */
    bool refuses_call;                /* call gives NULL */
    bool refuses_route;               /* http_route gives false */
    bool has_no_listener;             /* the facts have no prefix */
    enum mg_submission_result result; /* of what is finished, and of reports */
    struct mg_refusal refusal;
    void (*before_work)(void);     /* called before a job runs; may be NULL */
    size_t read_at_most;           /* bytes that delivery_read gives at once; 0: as many as asked */
    bool loses_content;            /* delivery_read fails */
    struct host_letter letters[8]; /* the box, oldest first */
    size_t letter_count;
    bool box_full;  /* box_… find too much underway */
    bool box_fails; /* box_… are refused with refusal */
    /* What it saw. */
    struct mg_submission *submissions[HOST_MANY];
    size_t submission_count;
    struct mg_call *calls[HOST_MANY];
    size_t call_count;
    struct host_bytes failure, report_id;
    size_t log_count;
    bool down; /* as the adapter said last */
    struct host_bytes down_code;
    size_t state_count;  /* how often it said so */
    size_t works;        /* jobs that ran */
    int64_t lease;       /* the last that was asked for, milliseconds */
    size_t handles;      /* messages taken from the box and not closed */
    char list_after[32]; /* of the last list; "-": from the beginning */
    unsigned list_limit;
};

extern struct host host;

void host_start(void);
/* Frees everything; fails the test if the adapter left timers, watches or work behind. */
void host_stop(void);

void host_parameter(const char *name, const char *value);
/* Opens the one instance of the linked adapter; NULL if it fails. Standards are filled in. */
void *host_open(bool source);
void host_close(void);

/* Runs what is due until nothing is. */
void host_run(void);
/* Runs the first of it. */
void host_step(void);
void host_advance(int64_t milliseconds);
/* Runs and moves the clock in small steps for as long, in real time too. */
void host_wait(int64_t milliseconds);
/* Milliseconds until the earliest timer; -1: none. */
int64_t host_next_timer(void);

/* A path may have a query behind a question mark. */
struct mg_exchange *host_request(const char *method, const char *path,
                                 const struct mg_field *fields, size_t field_count, int64_t length);
/* The request has come to its end. */
void host_exchange_end(struct mg_exchange *exchange);
void host_exchange_free(struct mg_exchange *exchange);

/* Ends a submission that waits, with host.result. */
void host_submission_end(struct mg_submission *submission);

/* Runs it when host_run comes to it; for the parts of the double. */
void host_later(void (*run)(void *context), void *context);
/* adapter_host_box.c */
void host_offer_box(struct mg_gateway *gateway);
/* Puts a message into the box. */
struct host_letter *host_letter(const char *id, const char *document);

struct mg_delivery *host_delivery(const char *document, const char *seal);
void host_attach(struct mg_delivery *delivery, const char *name, const char *content);
void host_deliver(struct mg_delivery *delivery);
void host_cancel(struct mg_delivery *delivery);
void host_delivery_free(struct mg_delivery *delivery);

/* Takes the whole body of a call in pieces of that size; the caller frees bytes. */
struct host_bytes host_call_body(struct mg_call *call, size_t piece);
void host_call_answer(struct mg_call *call, int status, const char *retry_after);
void host_call_done(struct mg_call *call, const char *code, const char *text);

/* A port on loopback: somebody listens there and never says a word, or nobody does. The descriptor
 * is the caller's. */
int host_silent_port(bool listening, char port[8]);

#endif
