/* Messages that adapters bring in: from the ABI to intake and back. */
#include "gateway/dispatch/instance.h"
#include "gateway/intake/refusal.h"
#include "gateway/intake/report.h"

#include <assert.h>
#include <stdlib.h>

struct mg_submission {
    struct mg_instance *instance;
    struct mg_trip *trip;
    void (*end)(const struct mg_submission_end *end, void *context);
    void *context;
};

/* Who a message is from: the configuration says so, or the certificate of the connection. The
 * exchange may have begun under an earlier configuration, so its partner is looked up anew. */
static const struct mg_config_partner *partner_of(const struct mg_instance *instance,
                                                  const struct mg_exchange *exchange)
{
    if (instance->end.partner)
        return instance->end.partner;
    const char *name = exchange ? mg_exchange_partner(exchange) : NULL;
    return name ? mg_config_partner(instance->config, name) : NULL;
}

void mg_host_describe(const struct mg_error *error, const char *message, struct mg_refusal *refusal)
{
    const struct mg_refusal_kind *kind = mg_refusal_kind(error->code);
    *refusal = (struct mg_refusal){
        .size = sizeof *refusal,
        .status = kind->status,
        .code = error->code,
        .title = kind->title,
        .text = error->text,
        .place = error->place,
        .message = message,
        .retry_after = kind->retry_after,
    };
}

static void free_submission(struct mg_submission *submission)
{
    submission->instance->submissions--;
    mg_instance_ended(submission->instance);
    free(submission);
}

static void trip_done(const struct mg_trip_result *result, void *context)
{
    struct mg_submission *submission = context;
    struct mg_refusal refusal;
    struct mg_submission_end end = {.size = sizeof end};
    if (result->end == MG_TRIP_REFUSED) {
        mg_host_describe(result->refusal, result->message, &refusal);
        end.result = MG_REFUSED;
        end.refusal = &refusal;
    } else {
        end.result = result->end == MG_TRIP_REPEATED ? MG_REPEATED : MG_ACCEPTED;
        end.id = result->id;
        end.receipt = result->receipt;
        end.receipt_length = result->receipt_length;
    }
    submission->end(&end, submission->context);
    free_submission(submission);
}

/* What is being closed takes nothing new; destinations bring no messages but replies. */
static bool may_submit(const struct mg_instance *instance, struct mg_error *error)
{
    if (instance->retiring)
        return mg_fail(error, "gateway.reconfiguring",
                       "This way in is being reconfigured; try again in a moment.");
    return instance->end.source ||
           mg_fail(error, "permission.destination",
                   "A destination hands in nothing but replies to its deliveries.");
}

static struct mg_submission *begin(struct mg_instance *instance,
                                   const struct mg_submission_spec *spec,
                                   void (*end)(const struct mg_submission_end *end, void *context),
                                   void *context, struct mg_refusal *refusal)
{
    /* The texts of a refusal point into this; it is read before anything else is submitted. */
    static struct mg_error error;
    struct mg_submission *submission = mg_allocate_zeroed(1, sizeof *submission);
    submission->instance = instance;
    submission->end = end;
    submission->context = context;
    const struct mg_entry entry = {
        .config = instance->config,
        .source = instance->end.source,
        .partner = partner_of(instance, spec->exchange),
        .media_type = spec->media_type,
        .content_encoding = spec->content_encoding,
        .length = spec->length,
        .peer = spec->exchange ? mg_exchange_peer(spec->exchange) : NULL,
    };
    if (may_submit(instance, &error))
        submission->trip =
            mg_intake_begin(instance->host->options.intake, &entry, trip_done, submission, &error);
    if (submission->trip) {
        instance->submissions++;
        return submission;
    }
    mg_host_describe(&error, "", refusal);
    free(submission);
    return NULL;
}

static bool append(struct mg_submission *submission, const void *bytes, size_t length)
{
    return mg_intake_append(submission->trip, bytes, length);
}

static void finish(struct mg_submission *submission)
{
    mg_intake_finish(submission->trip);
}

static void abort_submission(struct mg_submission *submission)
{
    mg_intake_abort(submission->trip);
    free_submission(submission);
}

/* ---- reports ---- */

struct mg_asked {
    struct mg_exchange *exchange; /* NULL: it has ended, and nobody waits any more */
    void (*end)(const struct mg_submission_end *end, void *context);
    void *context;
};

void mg_asked_forget(struct mg_asked *asked)
{
    asked->exchange = NULL;
}

static void tell(const struct mg_asked *asked, const struct mg_report_result *result)
{
    struct mg_refusal refusal;
    struct mg_submission_end end = {
        .size = sizeof end,
        .result = result->refusal ? MG_REFUSED : MG_ACCEPTED,
        .receipt = result->document,
        .receipt_length = result->length,
    };
    if (result->refusal) {
        mg_host_describe(result->refusal, "", &refusal);
        end.refusal = &refusal;
    }
    asked->end(&end, asked->context);
}

static void report_done(const struct mg_report_result *result, void *context)
{
    struct mg_asked *asked = context;
    if (asked->exchange) {
        *mg_exchange_asked(asked->exchange) = NULL;
        tell(asked, result);
    }
    free(asked);
}

static void report(struct mg_instance *instance, struct mg_exchange *exchange, const char *id,
                   void (*end)(const struct mg_submission_end *end, void *context), void *context)
{
    struct mg_asked *asked = mg_allocate_zeroed(1, sizeof *asked);
    asked->exchange = exchange;
    asked->end = end;
    asked->context = context;
    assert(!*mg_exchange_asked(exchange));
    *mg_exchange_asked(exchange) = asked;
    const struct mg_report_request request = {
        .config = instance->config,
        .store = instance->host->options.store,
        .workers = instance->host->options.workers,
        .partner = partner_of(instance, exchange),
        .id = id,
    };
    mg_report_make(&request, report_done, asked);
}

void mg_host_offer_submission(struct mg_gateway *gateway)
{
    gateway->submit_begin = begin;
    gateway->submit_append = append;
    gateway->submit_finish = finish;
    gateway->submit_abort = abort_submission;
    gateway->report = report;
}
