#include "gateway/operate/health.h"

#include "gateway/base/buffer.h"
#include "gateway/base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* A message should not wait longer than this for a system that is there. */
#define BACKLOG_AGE (15 * MINUTE)
/* For so long a process that was started again is remembered. */
#define RESTART_AGE (15 * MINUTE)
/* Microseconds that a commit may take: every sender waits for it. */
#define SLOW_COMMIT 1000000

const struct mg_health_kind mg_health_kinds[] = {
    {"adapter.restarted", false},
    {"audit.failing", false},
    {"breaker.open", false},
    {"certificate.expired", true},
    {"certificate.expiring", false},
    {"certificate.expiring", true},
    {"certificate.not-yet-valid", false},
    {"destination.backlog", false},
    {"destination.backlog", true},
    {"destination.blocked", true},
    {"destination.dead-letters", false},
    {"destination.down", true},
    {"destination.held", false},
    {"destination.paused", false},
    {"destination.removed", false},
    {"gateway.stopping", false},
    {"reload.refused", false},
    {"revocation.expiring", false},
    {"revocation.stale", true},
    {"seal.unannounced", false},
    {"source.down", true},
    {"store.failed", true},
    {"store.reserve", true},
    {"store.slow", false},
    {"store.space", false},
};
const size_t mg_health_kind_count = sizeof mg_health_kinds / sizeof *mg_health_kinds;

/* A place for one more reason, with its text. */
__attribute__((format(printf, 6, 7))) static void add(struct mg_overview *overview, bool critical,
                                                      const char *code, const char *subject,
                                                      int64_t since, const char *format, ...)
{
    size_t count = overview->reason_count;
    if ((count & (count - 1)) == 0)
        overview->reasons =
            mg_reallocate(overview->reasons, (count ? 2 * count : 1) * sizeof *overview->reasons);
    struct mg_overview_reason *reason = &overview->reasons[overview->reason_count++];
    *reason = (struct mg_overview_reason){
        .critical = critical, .code = code, .subject = subject, .since = since};
    va_list values;
    va_start(values, format);
    vsnprintf(reason->text, sizeof reason->text, format, values);
    va_end(values);
}

/* ---- destinations ---- */

/* "1 message waits", "3 messages wait" */
static const char *messages_wait(int64_t count)
{
    return count == 1 ? "message waits" : "messages wait";
}

static void judge_state(struct mg_overview *overview,
                        const struct mg_overview_destination *destination)
{
    const struct mg_dispatch_facts *facts = &destination->facts;
    switch (destination->state) {
    case MG_DESTINATION_DOWN:
        add(overview, true, "destination.down", facts->name, 0, "Nothing can be delivered: %.200s",
            facts->instance.text);
        break;
    case MG_DESTINATION_BLOCKED:
        add(overview, true, "destination.blocked", facts->name, 0,
            "It is ordered, and a message that is dead stands before the next.");
        break;
    case MG_DESTINATION_PAUSED:
        add(overview, false, "destination.paused", facts->name,
            facts->pause ? facts->pause->since : 0, "%.64s has paused it; %" PRId64 " %s.",
            facts->pause ? facts->pause->by : "The configuration", destination->queue.waiting,
            messages_wait(destination->queue.waiting));
        break;
    case MG_DESTINATION_REMOVED:
        if (destination->queue.waiting > 0)
            add(overview, false, "destination.removed", facts->name, destination->queue.oldest,
                "The configuration no longer has it, and %" PRId64 " %s for it.",
                destination->queue.waiting, messages_wait(destination->queue.waiting));
        break;
    case MG_DESTINATION_READY:
    default:
        break;
    }
}

/* A box is emptied by its readers, who may come once a day: only what nears its end is news. */
int64_t mg_health_bearable_age(const struct mg_config_destination *values, bool collected)
{
    int64_t half = values->retry.give_up / 2;
    return collected || half < BACKLOG_AGE ? half : BACKLOG_AGE;
}

static void judge_backlog(struct mg_overview *overview,
                          const struct mg_overview_destination *destination)
{
    const struct mg_config_destination *values =
        mg_config_destination(overview->config, destination->facts.name);
    int64_t oldest = destination->queue.oldest, age = overview->now - oldest;
    if (!values || oldest == 0)
        return;
    if (age < mg_health_bearable_age(values, destination->facts.collected))
        return;
    bool ending = age >= values->retry.give_up / 4 * 3;
    add(overview, ending, "destination.backlog", values->name, oldest,
        "%" PRId64 " %s, the oldest for %" PRId64 " min%s", destination->queue.waiting,
        messages_wait(destination->queue.waiting), age / MINUTE,
        ending ? "; it will soon be given up." : ".");
}

/* Deliveries that nobody will attempt, and nobody but an operator can decide about. */
static void judge_left(struct mg_overview *overview,
                       const struct mg_overview_destination *destination)
{
    const char *name = destination->facts.name;
    int64_t dead = destination->queue.dead, held = destination->queue.held;
    if (dead > 0)
        add(overview, false, "destination.dead-letters", name, 0,
            "%" PRId64 " %s given up; look at %s, and repeat or cancel %s.", dead,
            dead == 1 ? "delivery was" : "deliveries were", dead == 1 ? "it" : "them",
            dead == 1 ? "it" : "them");
    if (held > 0)
        add(overview, false, "destination.held", name, 0,
            "%" PRId64 " %s held since a restore: %s may have happened since the backup; ask the "
            "receiver, and repeat or cancel %s.",
            held, held == 1 ? "delivery is" : "deliveries are", held == 1 ? "it" : "they",
            held == 1 ? "it" : "them");
}

static void judge_destination(struct mg_overview *overview,
                              const struct mg_overview_destination *destination)
{
    const struct mg_dispatch_facts *facts = &destination->facts;
    judge_state(overview, destination);
    if (destination->state != MG_DESTINATION_REMOVED && facts->breaker != MG_BREAKER_CLOSED)
        add(overview, false, "breaker.open", facts->name, facts->last_failure,
            "%u deliveries in a row have failed: %.200s", facts->failures, facts->failure_text);
    judge_left(overview, destination);
    judge_backlog(overview, destination);
}

/* ---- sources and adapters ---- */

static void judge_instance(struct mg_overview *overview, const struct mg_host_facts *facts)
{
    if (facts->retiring)
        return;
    if (facts->is_source && facts->down)
        add(overview, true, "source.down", facts->name, 0, "Nothing can come in: %.200s",
            facts->text);
    if (facts->restarted > 0 && overview->now - facts->restarted < RESTART_AGE)
        add(overview, false, "adapter.restarted", facts->name, facts->restarted,
            "The process of its adapter %.64s has ended and was started again, %" PRId64
            " times since the gateway started.",
            facts->adapter, facts->restarts);
}

/* ---- certificates ---- */

int64_t mg_health_days_left(int64_t moment, int64_t now)
{
    int64_t left = moment - now;
    return left >= 0 ? left / DAY : -((-left + DAY - 1) / DAY);
}

/* A seal that the next one has replaced may end: nothing is signed with it any more. */
static bool is_replaced(const struct mg_overview *overview,
                        const struct mg_config_certificate *certificate)
{
    const struct mg_config *config = overview->config;
    return strcmp(certificate->role, "seal") == 0 && config->next_signer &&
           config->next_seal.from <= overview->now;
}

static void judge_certificate(struct mg_overview *overview,
                              const struct mg_config_certificate *certificate)
{
    if (is_replaced(overview, certificate))
        return;
    const char *of = certificate->owner ? certificate->owner : "the gateway";
    int64_t days = mg_health_days_left(certificate->not_after, overview->now);
    char day[MG_CLOCK_TEXT_SIZE];
    mg_clock_text(certificate->not_after, day);
    day[10] = '\0';
    if (certificate->not_after <= overview->now)
        add(overview, true, "certificate.expired", certificate->subject, certificate->not_after,
            "A certificate of %.64s (%s) has expired on %s: %.100s", of, certificate->role, day,
            certificate->file);
    else if (days < MG_HEALTH_CERTIFICATE_WARNING)
        add(overview, days < MG_HEALTH_CERTIFICATE_CRITICAL, "certificate.expiring",
            certificate->subject, 0,
            "A certificate of %.64s (%s) expires on %s, in %" PRId64 " days: %.100s", of,
            certificate->role, day, days, certificate->file);
    if (certificate->not_before > overview->now && strcmp(certificate->role, "seal.next") != 0)
        add(overview, false, "certificate.not-yet-valid", certificate->subject, 0,
            "A certificate of %.64s (%s) is not valid yet: %.100s", of, certificate->role,
            certificate->file);
}

int64_t mg_health_list_warning(const struct mg_list_facts *list)
{
    int64_t quarter = (list->next_update - list->last_update) / 4;
    return list->next_update - (quarter < DAY ? quarter : DAY);
}

static void judge_list(struct mg_overview *overview, const struct mg_list_facts *list)
{
    if (list->next_update == 0)
        return;
    if (list->next_update <= overview->now)
        add(overview, true, "revocation.stale", list->issuer, list->next_update,
            "The revocation list of this issuer is past its nextUpdate; its certificates are %s.",
            overview->stale_lists_count ? "judged by the old list" : "refused");
    else if (mg_health_list_warning(list) <= overview->now)
        add(overview, false, "revocation.expiring", list->issuer, 0,
            "The revocation list of this issuer ends in %" PRId64
            " min, and no newer one has come.",
            (list->next_update - overview->now) / MINUTE);
}

/* ---- the gateway ---- */

static void judge_store(struct mg_overview *overview)
{
    const struct mg_store_measures *measures = &overview->measures;
    if (measures->failed)
        add(overview, true, "store.failed", NULL, 0,
            "The store cannot write; no messages are accepted. The log says why.");
    else if (!overview->store.accepts)
        add(overview, true, "store.reserve", NULL, 0,
            "Less than the reserve is free on the store's disk; no messages are accepted.");
    else if (measures->free_bytes >= 0 && measures->free_bytes / 2 < measures->reserve)
        add(overview, false, "store.space", NULL, 0,
            "%" PRId64 " MiB are free on the store's disk; at %" PRId64
            " MiB no messages are accepted.",
            measures->free_bytes >> 20, measures->reserve >> 20);
    if (mg_histogram_quantile(&measures->recent, 0.99) > SLOW_COMMIT)
        add(overview, false, "store.slow", NULL, 0,
            "One commit of a hundred takes longer than a second: the store's disk is too slow.");
}

static void judge_gateway(struct mg_overview *overview)
{
    const struct mg_overview_reloads *reloads = &overview->reloads;
    if (overview->audit.failing)
        add(overview, false, "audit.failing", NULL, 0, "The audit trail is not in order: %.250s",
            overview->audit.failing);
    if (reloads->last_refused > 0)
        add(overview, false, "reload.refused", NULL, reloads->last_refused,
            "The new configuration is not in force: %.250s",
            reloads->problem_count > 0 ? reloads->problems[0] : "it has mistakes");
    if (overview->unannounced > 0)
        add(overview, false, "seal.unannounced", NULL, overview->unannounced,
            "The gateway seals with a certificate that was not announced, so that partners cannot "
            "know it. If that is meant, say unannounced=\"true\" at <identity> and reload.");
    if (overview->stopping)
        add(overview, false, "gateway.stopping", NULL, 0,
            "The gateway takes nothing new and ends what it has begun.");
}

static int worst_first(const void *left, const void *right)
{
    const struct mg_overview_reason *one = left, *other = right;
    if (one->critical != other->critical)
        return one->critical ? -1 : 1;
    int order = strcmp(one->code, other->code);
    if (order != 0)
        return order;
    return strcmp(one->subject ? one->subject : "", other->subject ? other->subject : "");
}

void mg_health_judge(struct mg_overview *overview)
{
    judge_store(overview);
    judge_gateway(overview);
    for (size_t i = 0; i < overview->destination_count; i++)
        judge_destination(overview, &overview->destinations[i]);
    for (size_t i = 0; i < overview->instance_count; i++)
        judge_instance(overview, &overview->instances[i]);
    for (size_t i = 0; i < overview->config->certificate_count; i++)
        judge_certificate(overview, &overview->config->certificates[i]);
    for (size_t i = 0; i < overview->list_count; i++)
        judge_list(overview, &overview->lists[i]);
    if (overview->reason_count > 0)
        qsort(overview->reasons, overview->reason_count, sizeof *overview->reasons, worst_first);
}

const char *mg_health_state(const struct mg_overview *overview)
{
    if (overview->reason_count == 0)
        return "ok";
    return overview->reasons[0].critical ? "critical" : "warning";
}
