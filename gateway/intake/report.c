#include "gateway/intake/report.h"

#include "gateway/base/clock.h"
#include "gateway/message/header_record.h"
#include "gateway/trust/receipt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS     256
#define REASON_SIZE (MG_STORE_NAME_SIZE + 272)

struct report {
    struct mg_job job; /* first */
    void (*done)(const struct mg_report_result *result, void *context);
    void *context;
    struct mg_config *config;
    struct mg_store *store;
    const struct mg_config_partner *partner;
    char id[64];
    struct mg_buffer document;
    bool failed;
    struct mg_error error;
};

/* What is read of the message. */
struct findings {
    struct mg_store_message message;
    struct mg_header header;
    int64_t size;
    struct mg_store_delivery *deliveries;
    size_t delivery_count;
    struct mg_store_event *events;
    size_t event_count;
};

static bool unknown(struct mg_error *error)
{
    return mg_fail(error, "message.unknown",
                   "No message of this id was handed in by this partner; check the id.");
}

static bool read_header(struct report *report, const struct mg_id *id, struct mg_header *header)
{
    char record[4096];
    ssize_t length =
        mg_store_read(report->store, id, MG_PART_HEADER, 0, record, sizeof record, &report->error);
    if (length < 0)
        return false;
    if (!mg_header_read(record, (size_t)length, header))
        return mg_fail(&report->error, "store.failed", "The stored header facts cannot be read.");
    return true;
}

static bool find(struct report *report, struct findings *findings)
{
    struct mg_error *error = &report->error;
    struct mg_id id;
    bool found = false;
    if (!mg_id_parse(report->id, &id))
        return unknown(error);
    if (!mg_store_find(report->store, &id, &findings->message, &found, error))
        return false;
    if (!found || strcmp(findings->message.partner, report->partner->name) != 0)
        return unknown(error);
    struct mg_store_part_facts content;
    if (!mg_store_part(report->store, &id, MG_PART_CONTENT, &content, error))
        return false;
    findings->size = content.size;
    return read_header(report, &id, &findings->header) &&
           mg_store_deliveries(report->store, &id, &findings->deliveries, &findings->delivery_count,
                               error) &&
           mg_store_events(report->store, &id, &findings->events, &findings->event_count, error);
}

/* The status of XTA: open while a delivery is underway, red if one did not arrive. */
static enum mg_receipt_status sum_up(const struct findings *findings, int64_t *ended)
{
    enum mg_receipt_status status = MG_RECEIPT_GREEN;
    *ended = 0;
    for (size_t i = 0; i < findings->delivery_count; i++) {
        const struct mg_store_delivery *delivery = &findings->deliveries[i];
        if (delivery->state < MG_DELIVERY_DELIVERED)
            return MG_RECEIPT_OPEN;
        if (delivery->state == MG_DELIVERY_DEAD || delivery->state == MG_DELIVERY_CANCELLED)
            status = MG_RECEIPT_RED;
        else if (delivery->attempts > 1 && status == MG_RECEIPT_GREEN)
            status = MG_RECEIPT_YELLOW;
        if (delivery->ended > *ended)
            *ended = delivery->ended;
    }
    return status;
}

static enum mg_receipt_level level_of(const struct mg_store_event *event)
{
    if (strcmp(event->code, "accepted") == 0 || strcmp(event->code, "delivered") == 0 ||
        strcmp(event->code, "collected") == 0)
        return MG_RECEIPT_INFO;
    if (strcmp(event->code, "dead") == 0 || strcmp(event->code, "operator.cancel") == 0)
        return MG_RECEIPT_ERROR;
    return MG_RECEIPT_WARNING;
}

/* What operators did is told, and not who it was, nor why: that is none of the sender's business.
 */
static const char *reason_of(const struct mg_store_event *event)
{
    static const struct {
        const char *code;
        const char *reason;
    } acts[] = {
        {"operator.retry", "An operator of the gateway lets the delivery be tried again."},
        {"operator.cancel", "An operator of the gateway has cancelled the delivery."},
        {"operator.move", "An operator of the gateway has moved the delivery to another system."},
    };
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (strcmp(event->code, acts[i].code) == 0)
            return acts[i].reason;
    return strncmp(event->code, "operator.", strlen("operator.")) == 0 ? "" : event->text;
}

static size_t list_records(const struct findings *findings, struct mg_receipt_record *records,
                           char (*reasons)[REASON_SIZE])
{
    /* Of very many events the latest say how far the message has come. */
    size_t first = findings->event_count > RECORDS ? findings->event_count - RECORDS : 0;
    size_t count = findings->event_count - first;
    for (size_t i = 0; i < count; i++) {
        const struct mg_store_event *event = &findings->events[first + i];
        snprintf(reasons[i], REASON_SIZE, "%s%s%s", event->destination,
                 event->destination[0] ? ": " : "", reason_of(event));
        records[i] = (struct mg_receipt_record){
            .level = level_of(event),
            .time = event->time,
            .code = event->code,
            .reason = reasons[i],
        };
    }
    return count;
}

static const struct mg_config_profile *profile_of(const struct mg_config *config, const char *name)
{
    for (size_t i = 0; i < config->profile_count; i++)
        if (strcmp(config->profiles[i].name, name) == 0)
            return &config->profiles[i];
    return NULL;
}

static bool make(struct report *report, const struct findings *findings)
{
    const struct mg_config_profile *profile = profile_of(report->config, findings->message.profile);
    struct mg_receipt_record *records = mg_allocate_zeroed(RECORDS, sizeof *records);
    char(*reasons)[REASON_SIZE] = mg_allocate_zeroed(RECORDS, sizeof *reasons);
    struct mg_receipt_facts facts = {
        .id = findings->message.id,
        .header = &findings->header,
        .gateway = report->config->name,
        .service = profile ? profile->service : "urn:muengsten:service:unknown",
        .business_scenario = profile ? profile->business_scenario : "unknown",
        .payload_schema = profile ? profile->payload_schema : "urn:muengsten:schema:unknown",
        .received = findings->message.received,
        .now = mg_clock_now(),
        .digest = findings->message.digest,
        .size = findings->size > 0 ? (size_t)findings->size : 0,
        .records = records,
        .record_count = list_records(findings, records, reasons),
    };
    facts.status = sum_up(findings, &facts.delivered);
    bool made = mg_receipt_make(mg_config_signer(report->config, facts.now), &facts,
                                &report->document, &report->error);
    free(reasons);
    free(records);
    return made;
}

static void work(struct mg_job *job)
{
    struct report *report = (struct report *)job;
    struct findings *findings = mg_allocate_zeroed(1, sizeof *findings);
    report->failed = !(find(report, findings) && make(report, findings));
    free(findings->events);
    free(findings->deliveries);
    free(findings);
}

static void done(struct mg_job *job)
{
    struct report *report = (struct report *)job;
    struct mg_report_result result = {
        .document = report->failed ? NULL : report->document.data,
        .length = report->failed ? 0 : report->document.length,
        .refusal = report->failed ? &report->error : NULL,
    };
    report->done(&result, report->context);
    mg_buffer_free(&report->document);
    mg_config_release(report->config);
    free(report);
}

static void refuse(void (*tell)(const struct mg_report_result *result, void *context),
                   void *context, const struct mg_error *error)
{
    tell(&(struct mg_report_result){.refusal = error}, context);
}

void mg_report_make(const struct mg_report_request *request,
                    void (*tell)(const struct mg_report_result *result, void *context),
                    void *context)
{
    struct mg_error error;
    if (!request->partner) {
        mg_fail(&error, "partner.unknown",
                "The client certificate belongs to no partner of this gateway; ask the operator to "
                "enter it.");
        refuse(tell, context, &error);
        return;
    }
    struct report *report = mg_allocate_zeroed(1, sizeof *report);
    report->job.work = work;
    report->job.done = done;
    report->done = tell;
    report->context = context;
    report->config = mg_config_hold(request->config);
    report->store = request->store;
    report->partner = request->partner;
    snprintf(report->id, sizeof report->id, "%s", request->id);
    if (!mg_pool_submit(request->workers, &report->job)) {
        mg_fail(&error, "gateway.overloaded",
                "The gateway's workers have as much to do as they may; ask again later.");
        refuse(tell, context, &error);
        mg_config_release(report->config);
        free(report);
    }
}
