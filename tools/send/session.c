#include "tools/send/session.h"

#include "gateway/base/clock.h"
#include "gateway/base/id.h"
#include "tools/send/connection.h"
#include "tools/send/output.h"
#include "tools/send/receipt.h"
#include "tools/send/report.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    struct mg_send_call call; /* first */
    struct session *session;
    struct mg_send_message message;
    size_t document;  /* index */
    struct job *next; /* free jobs */
};

struct session {
    const struct mg_send_tools *tools;
    struct mg_send_connection *connection;
    struct mg_send_report *report;
    struct job *jobs;
    struct job *free;
    size_t running;
    uint64_t made; /* messages begun */
    uint64_t total;
    bool interrupted;
    struct event *start;  /* fills free connections */
    struct event *second; /* progress */
    struct event *signals[2];
};

static void mark_failed(struct mg_send_result *result, const struct mg_error *error)
{
    result->kind = MG_SEND_IS_FAILED;
    result->error = *error;
}

/* True for statuses that may pass when the same is sent again. */
static bool may_pass(int status)
{
    return status >= 500 || status == 408 || status == 423 || status == 425 || status == 429;
}

/* A refusal, in the gateway's own words if they can be read. */
static void read_refusal(const struct mg_send_call *call, struct mg_send_result *result)
{
    result->kind = may_pass(call->status) ? MG_SEND_IS_FAILED : MG_SEND_IS_REFUSED;
    if (mg_send_refusal_read(call->answer.data, call->answer.length, &result->error))
        return;
    snprintf(result->error.code, sizeof result->error.code, "http.%d", call->status);
    snprintf(result->error.text, sizeof result->error.text,
             "The answer was status %d, without a reason that could be read.", call->status);
}

static void read_answer(struct job *job, struct mg_send_result *result,
                        struct mg_send_receipt *receipt)
{
    const struct mg_send_tools *tools = job->session->tools;
    const struct mg_send_call *call = &job->call;
    struct mg_id id;
    if (call->status == 0) {
        mark_failed(result, &call->error);
    } else if (call->status != 200 && call->status != 201) {
        read_refusal(call, result);
    } else if (!mg_id_parse(call->id, &id)) {
        result->kind = MG_SEND_IS_FAILED;
        mg_fail(&result->error, "send.no-gateway",
                "The answer names no message: is this the address of a gateway?");
    } else {
        result->kind = call->repeated ? MG_SEND_IS_REPEATED : MG_SEND_IS_ACCEPTED;
        snprintf(result->id, sizeof result->id, "%s", call->id);
        result->verified =
            mg_send_receipt_check(tools->anchors, tools->expected, call->id, job->message.uuid,
                                  call->answer.data, call->answer.length, receipt, &result->error);
        if (result->verified && tools->options->receipts &&
            !mg_send_store_receipt(tools->options->receipts, call->id, &call->answer,
                                   &result->error))
            fprintf(stderr, "muengsten-send: %s: %s\n", result->error.place, result->error.text);
    }
}

static void show(struct job *job, const struct mg_error *unsent)
{
    struct mg_send_receipt *receipt = mg_allocate_zeroed(1, sizeof *receipt);
    struct mg_send_result result = {
        .file = job->session->tools->options->files[job->document],
        .uuid = job->message.uuid,
        .status = job->call.status,
        .microseconds = unsent ? 0 : job->call.microseconds,
    };
    if (unsent)
        mark_failed(&result, unsent);
    else
        read_answer(job, &result, receipt);
    mg_send_report_add(job->session->report, &result, result.verified ? receipt : NULL);
    free(receipt);
}

static void give_back(struct job *job)
{
    struct session *session = job->session;
    job->next = session->free;
    session->free = job;
}

static void call_done(struct mg_send_call *call)
{
    struct job *job = (struct job *)call;
    struct session *session = job->session;
    session->running--;
    show(job, NULL);
    give_back(job);
    event_active(session->start, EV_TIMEOUT, 0);
}

/* Makes the next message and begins to send it. */
static void begin(struct job *job)
{
    struct session *session = job->session;
    const struct mg_send_options *options = session->tools->options;
    struct mg_error error = {0};
    bool fresh = options->new_uuid || (options->repeat > 1 && !options->same);
    job->document = (size_t)(session->made++ % options->file_count);
    bool begun = mg_send_document_make(session->tools->documents[job->document], options,
                                       session->tools->signer, fresh, &job->message, &error);
    if (begun) {
        job->call.body = &job->message.body;
        job->call.media_type = job->message.media_type;
        job->call.packed = options->gzip;
        job->call.done = call_done;
        begun = mg_send_call_start(session->connection, &job->call, "");
        if (!begun)
            error = job->call.error;
    }
    if (begun) {
        session->running++;
    } else {
        show(job, &error);
        give_back(job);
    }
}

static void start(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct session *session = context;
    while (session->free && session->made < session->total && !session->interrupted) {
        struct job *job = session->free;
        session->free = job->next;
        begin(job);
    }
    if (session->running == 0)
        event_base_loopexit(mg_send_connection_base(session->connection), NULL);
}

static void each_second(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    mg_send_report_progress(((struct session *)context)->report);
}

static void interrupted(evutil_socket_t number, short what, void *context)
{
    (void)number, (void)what;
    struct session *session = context;
    session->interrupted = true;
    event_active(session->start, EV_TIMEOUT, 0);
}

static void set_up(struct session *session)
{
    static const struct timeval second = {1, 0};
    const struct mg_send_options *options = session->tools->options;
    struct event_base *base = mg_send_connection_base(session->connection);
    session->total = (uint64_t)options->repeat * options->file_count;
    session->report = mg_send_report_new(options, session->total);
    session->jobs = mg_allocate_zeroed(options->jobs, sizeof *session->jobs);
    for (size_t i = 0; i < options->jobs; i++) {
        session->jobs[i].session = session;
        give_back(&session->jobs[i]);
    }
    session->start = evtimer_new(base, start, session);
    session->second = event_new(base, -1, EV_PERSIST, each_second, session);
    session->signals[0] = evsignal_new(base, SIGINT, interrupted, session);
    session->signals[1] = evsignal_new(base, SIGTERM, interrupted, session);
    event_add(session->second, &second);
    event_add(session->signals[0], NULL);
    event_add(session->signals[1], NULL);
    event_active(session->start, EV_TIMEOUT, 0);
}

static void tear_down(struct session *session)
{
    event_free(session->signals[1]);
    event_free(session->signals[0]);
    event_free(session->second);
    event_free(session->start);
    for (size_t i = 0; i < session->tools->options->jobs; i++) {
        mg_send_message_free(&session->jobs[i].message);
        mg_buffer_free(&session->jobs[i].call.answer);
    }
    free(session->jobs);
    mg_send_report_free(session->report);
}

static int tell(const struct mg_error *error)
{
    fprintf(stderr, "muengsten-send: %s%s%s\n", error->place, error->place[0] ? ": " : "",
            error->text);
    return MG_SEND_USAGE;
}

int mg_send_session_send(const struct mg_send_tools *tools)
{
    struct session session = {.tools = tools};
    struct mg_error error = {0};
    session.connection = mg_send_connection_new(tools->options, tools->anchors, &error);
    if (!session.connection)
        return tell(&error);
    set_up(&session);
    event_base_dispatch(mg_send_connection_base(session.connection));
    assert(session.running == 0);
    int status = mg_send_report_end(session.report);
    tear_down(&session);
    mg_send_connection_free(session.connection);
    return status;
}

/* ---- the report on one message ---- */

struct inquiry {
    struct mg_send_call call; /* first */
    struct event_base *base;
};

static void inquiry_done(struct mg_send_call *call)
{
    event_base_loopexit(((struct inquiry *)call)->base, NULL);
}

/* Shows what the gateway answered, and says with what status to end. */
static int show_inquiry(const struct mg_send_tools *tools, const struct mg_send_call *call)
{
    const struct mg_send_options *options = tools->options;
    struct mg_send_result refusal = {.kind = MG_SEND_IS_FAILED, .error = call->error};
    if (call->status == 200) {
        struct mg_send_receipt *receipt = mg_allocate_zeroed(1, sizeof *receipt);
        struct mg_error error = {0};
        bool good = mg_send_receipt_check(tools->anchors, tools->expected, options->status, "",
                                          call->answer.data, call->answer.length, receipt, &error);
        mg_send_report_status(options, receipt, good ? NULL : &error);
        if (good && options->receipts &&
            !mg_send_store_receipt(options->receipts, options->status, &call->answer, &error))
            tell(&error);
        free(receipt);
        return good ? MG_SEND_ACCEPTED : MG_SEND_UNVERIFIED;
    }
    if (call->status != 0)
        read_refusal(call, &refusal);
    mg_send_report_no_status(options, call->status, &refusal.error);
    return refusal.kind == MG_SEND_IS_REFUSED ? MG_SEND_REFUSED : MG_SEND_FAILED;
}

int mg_send_session_status(const struct mg_send_tools *tools)
{
    struct inquiry inquiry = {.call = {.done = inquiry_done}};
    struct mg_error error = {0};
    char path[80];
    struct mg_send_connection *connection =
        mg_send_connection_new(tools->options, tools->anchors, &error);
    if (!connection)
        return tell(&error);
    inquiry.base = mg_send_connection_base(connection);
    snprintf(path, sizeof path, "/%s", tools->options->status);
    if (mg_send_call_start(connection, &inquiry.call, path))
        event_base_dispatch(inquiry.base);
    int status = show_inquiry(tools, &inquiry.call);
    mg_buffer_free(&inquiry.call.answer);
    mg_send_connection_free(connection);
    return status;
}
