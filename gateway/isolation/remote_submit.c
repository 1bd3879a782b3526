/* Messages coming in: submit, append, abort. */
#include "gateway/isolation/remote_inside.h"

#include <stdlib.h>

struct remote_submission {
    struct mg_numbered entry; /* first */
    struct mg_remote *remote;
    struct mg_submission *submission;
    bool inside; /* a function of the gateway's is below us on the stack */
    bool over;   /* ended meanwhile: to be freed there */
};

void mg_remote_put_refusal(struct mg_frame_writer *writer, const struct mg_refusal *refusal)
{
    if (!refusal)
        return;
    mg_frame_put_open(writer, "refusal", '{');
    mg_frame_put_number(writer, "status", refusal->status);
    mg_frame_put_text(writer, "code", refusal->code);
    mg_frame_put_text(writer, "title", refusal->title);
    mg_frame_put_text(writer, "text", refusal->text);
    mg_frame_put_text(writer, "place", refusal->place);
    mg_frame_put_text(writer, "message", refusal->message);
    mg_frame_put_number(writer, "retryAfter", refusal->retry_after);
    mg_frame_put_close(writer, '}');
}

static void send_refused(struct mg_remote *remote, int64_t number, const struct mg_refusal *refusal)
{
    struct mg_frame_writer *writer = mg_channel_begin(remote->channel, "submitted");
    mg_frame_put_number(writer, "submission", number);
    mg_frame_put_text(writer, "result", "refused");
    mg_remote_put_refusal(writer, refusal);
    mg_remote_send_answer(remote);
}

static void forget(struct remote_submission *in)
{
    mg_numbers_remove(&in->remote->submissions, &in->entry);
    if (in->inside)
        in->over = true;
    else
        free(in);
}

static void submission_ended(const struct mg_submission_end *end, void *context)
{
    static const char *const results[] = {
        [MG_ACCEPTED] = "accepted", [MG_REPEATED] = "repeated", [MG_REFUSED] = "refused"};
    struct remote_submission *in = context;
    struct mg_frame_writer *writer = mg_channel_begin(in->remote->channel, "submitted");
    mg_frame_put_number(writer, "submission", in->entry.number);
    mg_frame_put_text(writer, "result", results[end->result]);
    mg_frame_put_text(writer, "id", end->id);
    mg_remote_put_refusal(writer, end->refusal);
    if (end->receipt)
        mg_frame_put_content(writer, end->receipt, end->receipt_length);
    mg_remote_send_answer(in->remote);
    forget(in);
}

/* Hands on what came with a frame; the submission may end inside. */
static void go_on(struct remote_submission *in, const struct mg_frame *frame, bool finish)
{
    const struct mg_gateway *gateway = in->remote->gateway;
    in->inside = true;
    bool wanted =
        frame->length == 0 || gateway->submit_append(in->submission, frame->content, frame->length);
    /* One that is refused ends by itself. */
    if (wanted && finish && !in->over)
        gateway->submit_finish(in->submission);
    in->inside = false;
    if (in->over)
        free(in);
}

static void begin(struct mg_remote *remote, int64_t number, const struct mg_submission_spec *spec,
                  const struct mg_frame *frame, bool finish)
{
    struct mg_refusal refusal = {.size = sizeof refusal};
    struct remote_submission *in = mg_allocate_zeroed(1, sizeof *in);
    *in = (struct remote_submission){.entry.number = number, .remote = remote};
    mg_numbers_add(&remote->submissions, &in->entry);
    in->inside = true;
    in->submission =
        remote->gateway->submit_begin(remote->instance, spec, submission_ended, in, &refusal);
    in->inside = false;
    if (in->over) {
        free(in);
    } else if (!in->submission) {
        forget(in);
        send_refused(remote, number, &refusal);
    } else {
        go_on(in, frame, finish);
    }
}

void mg_remote_on_submit(struct mg_remote *remote, struct mg_frame *frame)
{
    static const struct mg_refusal full = {
        .size = sizeof full,
        .status = 503,
        .code = "adapter.busy",
        .title = "Too much at once",
        .text = "The adapter hands in more messages at once than it may.",
        .place = "",
        .message = "",
        .retry_after = 1,
    };
    int64_t number = mg_frame_need_number(frame, NULL, "submission");
    int64_t exchange = mg_frame_number(frame, NULL, "exchange", 0);
    const char *media_type = mg_frame_text(frame, NULL, "mediaType");
    struct mg_submission_spec spec = {
        .size = sizeof spec,
        .media_type = media_type ? media_type : "",
        .content_encoding = mg_frame_text(frame, NULL, "contentEncoding"),
        .length = mg_frame_number(frame, NULL, "length", -1),
    };
    bool finish = mg_frame_truth(frame, NULL, "finish");
    if (mg_numbers_find(&remote->submissions, number))
        mg_frame_object_to(frame, "A submission has the number of another that is underway.");
    if (frame->wrong)
        return;
    if (exchange && !(spec.exchange = mg_remote_exchange(remote, exchange)))
        return; /* the connection is gone, and with it the one who wants to know */
    if (remote->submissions.count >= MG_REMOTE_MOST_SUBMISSIONS)
        send_refused(remote, number, &full);
    else
        begin(remote, number, &spec, frame, finish);
}

void mg_remote_on_append(struct mg_remote *remote, struct mg_frame *frame)
{
    /* One that is over was refused while this was on its way. */
    struct remote_submission *in =
        mg_numbers_find(&remote->submissions, mg_frame_need_number(frame, NULL, "submission"));
    bool finish = mg_frame_truth(frame, NULL, "finish");
    if (in && !frame->wrong)
        go_on(in, frame, finish);
}

static void abort_submission(struct remote_submission *in)
{
    in->remote->gateway->submit_abort(in->submission);
    forget(in);
}

void mg_remote_on_abort(struct mg_remote *remote, struct mg_frame *frame)
{
    struct remote_submission *in =
        mg_numbers_find(&remote->submissions, mg_frame_need_number(frame, NULL, "submission"));
    if (in && !frame->wrong)
        abort_submission(in);
}

void mg_remote_break_off_submissions(struct mg_remote *remote)
{
    struct remote_submission *in;
    while ((in = mg_numbers_any(&remote->submissions)))
        abort_submission(in);
}
