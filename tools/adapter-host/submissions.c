/* Messages coming in, and reports on them. */
#include "tools/adapter-host/host.h"

#include <stdlib.h>
#include <string.h>

/* Bytes in one frame, and bytes that may wait before an adapter that reads a large file waits. */
#define PIECE    (1024U * 1024)
#define WAITING  (8U * 1024 * 1024)
#define PATIENCE 1000 /* milliseconds */

struct mg_submission {
    struct mg_numbered entry; /* first */
    struct mg_instance *instance;
    void (*end)(const struct mg_submission_end *end, void *context);
    void *context;
};

static const char *text_of(struct mg_frame *frame, const json_t *object, const char *name)
{
    const char *text = mg_frame_text(frame, object, name);
    return text ? text : "";
}

bool host_read_refusal(struct mg_frame *frame, struct mg_refusal *refusal)
{
    const json_t *object = mg_frame_object(frame, NULL, "refusal");
    if (!object)
        return false;
    *refusal = (struct mg_refusal){
        .size = sizeof *refusal,
        .status = (int)mg_frame_number(frame, object, "status", 500),
        .code = text_of(frame, object, "code"),
        .title = text_of(frame, object, "title"),
        .text = text_of(frame, object, "text"),
        .place = text_of(frame, object, "place"),
        .message = text_of(frame, object, "message"),
        .retry_after = mg_frame_number(frame, object, "retryAfter", 0),
    };
    return true;
}

/* What the frames submitted and reported have in common. */
static void read_end(struct mg_frame *frame, struct mg_submission_end *end,
                     struct mg_refusal *refusal)
{
    const char *result = mg_frame_need_text(frame, NULL, "result");
    *end = (struct mg_submission_end){
        .size = sizeof *end,
        .result = strcmp(result, "accepted") == 0   ? MG_ACCEPTED
                  : strcmp(result, "repeated") == 0 ? MG_REPEATED
                                                    : MG_REFUSED,
    };
    if (end->result != MG_REFUSED) {
        end->id = mg_frame_text(frame, NULL, "id");
        end->receipt = frame->content;
        end->receipt_length = frame->length;
    } else if (host_read_refusal(frame, refusal)) {
        end->refusal = refusal;
    } else {
        mg_frame_object_to(frame, "What was refused has no refusal.");
    }
}

/* ---- submissions ---- */

static struct mg_submission *begin(struct mg_instance *instance,
                                   const struct mg_submission_spec *spec,
                                   void (*end)(const struct mg_submission_end *end, void *context),
                                   void *context, struct mg_refusal *refusal)
{
    (void)refusal; /* comes as an end, like every other */
    struct mg_submission *submission = mg_allocate_zeroed(1, sizeof *submission);
    *submission = (struct mg_submission){.instance = instance, .end = end, .context = context};
    int64_t number = mg_numbers_give(&instance->submissions, &submission->entry);
    struct mg_frame_writer *writer = mg_channel_begin(instance->host->channel, "submit");
    mg_frame_put_number(writer, "submission", number);
    mg_frame_put_text(writer, "mediaType", spec->media_type);
    mg_frame_put_text(writer, "contentEncoding", spec->content_encoding);
    if (spec->length >= 0)
        mg_frame_put_number(writer, "length", spec->length);
    if (spec->exchange)
        mg_frame_put_number(writer, "exchange", host_exchange_number(spec->exchange));
    mg_channel_send(instance->host->channel);
    return submission;
}

static void send_piece(struct mg_submission *submission, const char *bytes, size_t length,
                       bool finish)
{
    struct mg_channel *channel = submission->instance->host->channel;
    struct mg_frame_writer *writer = mg_channel_begin(channel, "append");
    mg_frame_put_number(writer, "submission", submission->entry.number);
    if (finish)
        mg_frame_put_truth(writer, "finish", true);
    mg_frame_put_content(writer, bytes, length);
    mg_channel_send(channel);
    if (mg_channel_waiting(channel) > WAITING)
        mg_channel_flush(channel, PATIENCE);
}

static bool append(struct mg_submission *submission, const void *bytes, size_t length)
{
    for (size_t offset = 0; offset < length; offset += PIECE)
        send_piece(submission, (const char *)bytes + offset,
                   length - offset < PIECE ? length - offset : PIECE, false);
    return true;
}

static void finish(struct mg_submission *submission)
{
    send_piece(submission, NULL, 0, true);
}

static void forget(struct mg_submission *submission)
{
    mg_numbers_remove(&submission->instance->submissions, &submission->entry);
    free(submission);
}

static void abort_submission(struct mg_submission *submission)
{
    struct mg_channel *channel = submission->instance->host->channel;
    mg_frame_put_number(mg_channel_begin(channel, "abort"), "submission", submission->entry.number);
    mg_channel_send(channel);
    forget(submission);
}

void host_on_submitted(struct host *host, struct mg_frame *frame)
{
    struct mg_submission *submission = mg_numbers_find(
        &host->instance.submissions, mg_frame_need_number(frame, NULL, "submission"));
    struct mg_submission_end end;
    struct mg_refusal refusal;
    read_end(frame, &end, &refusal);
    /* One that was aborted has crossed this. */
    if (!submission || frame->wrong)
        return;
    void (*tell)(const struct mg_submission_end *, void *) = submission->end;
    void *context = submission->context;
    forget(submission);
    tell(&end, context);
}

void host_end_submissions(struct mg_instance *instance)
{
    struct mg_submission *submission;
    while ((submission = mg_numbers_any(&instance->submissions)))
        forget(submission);
}

/* ---- reports ---- */

struct report {
    struct host_request request;  /* first */
    struct mg_exchange *exchange; /* NULL: it has ended */
    void (*end)(const struct mg_submission_end *end, void *context);
    void *context;
};

static void report(struct mg_instance *instance, struct mg_exchange *exchange, const char *id,
                   void (*end)(const struct mg_submission_end *end, void *context), void *context)
{
    struct report *asked = mg_allocate_zeroed(1, sizeof *asked);
    *asked = (struct report){.exchange = exchange, .end = end, .context = context};
    int64_t number = host_add_request(instance, &asked->request);
    *host_exchange_report(exchange) = asked;
    struct mg_frame_writer *writer = mg_channel_begin(instance->host->channel, "report");
    mg_frame_put_number(writer, "request", number);
    mg_frame_put_number(writer, "exchange", host_exchange_number(exchange));
    mg_frame_put_text(writer, "id", id);
    mg_channel_send(instance->host->channel);
}

void host_on_reported(struct host *host, struct mg_frame *frame)
{
    struct report *asked =
        mg_numbers_find(&host->instance.requests, mg_frame_need_number(frame, NULL, "request"));
    struct mg_submission_end end;
    struct mg_refusal refusal;
    read_end(frame, &end, &refusal);
    /* One whose exchange has ended has crossed this. */
    if (!asked || frame->wrong)
        return;
    mg_numbers_remove(&host->instance.requests, &asked->request.entry);
    *host_exchange_report(asked->exchange) = NULL;
    asked->end(&end, asked->context);
    free(asked);
}

void host_offer_submissions(struct mg_gateway *gateway)
{
    gateway->submit_begin = begin;
    gateway->submit_append = append;
    gateway->submit_finish = finish;
    gateway->submit_abort = abort_submission;
    gateway->report = report;
}
