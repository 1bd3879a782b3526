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
    enum mg_submission_result result; /* of what is finished, and of reports */
    struct mg_refusal refusal;
    void (*before_work)(void); /* called before a job runs; may be NULL */
    size_t read_at_most;       /* bytes that delivery_read gives at once; 0: as many as asked */
    /* What it saw. */
    struct mg_submission *submissions[HOST_MANY];
    size_t submission_count;
    struct mg_call *calls[HOST_MANY];
    size_t call_count;
    struct host_bytes failure, report_id;
    size_t log_count;
    size_t works; /* jobs that ran */
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
void host_advance(int64_t milliseconds);
/* Runs and moves the clock in small steps for as long, in real time too. */
void host_wait(int64_t milliseconds);
/* Milliseconds until the earliest timer; -1: none. */
int64_t host_next_timer(void);

struct mg_exchange *host_request(const char *method, const char *path,
                                 const struct mg_field *fields, size_t field_count, int64_t length);
void host_exchange_free(struct mg_exchange *exchange);

/* Ends a submission that waits, with host.result. */
void host_submission_end(struct mg_submission *submission);

struct mg_delivery *host_delivery(const char *document, const char *seal);
void host_attach(struct mg_delivery *delivery, const char *name, const char *content);
void host_deliver(struct mg_delivery *delivery);
void host_cancel(struct mg_delivery *delivery);
void host_delivery_free(struct mg_delivery *delivery);

/* Takes the whole body of a call in pieces of that size; the caller frees bytes. */
struct host_bytes host_call_body(struct mg_call *call, size_t piece);
void host_call_answer(struct mg_call *call, int status, const char *retry_after);
void host_call_done(struct mg_call *call, const char *code, const char *text);

#endif
