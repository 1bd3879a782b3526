#include "gateway/operate/metrics_measures.h"

#include "gateway/operate/health.h"
#include "gateway/operate/metrics_text.h"

#include <string.h>

/* ---- messages that come in ---- */

static void write_messages(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const char accepted[] = "muengsten_messages_accepted_total";
    static const char repeated[] = "muengsten_messages_repeated_total";
    static const char refused[] = "muengsten_messages_refused_total";
    const struct mg_tally_totals *totals = mg_tally_totals(overview->tally);
    struct mg_tally_code code;
    mg_metrics_begin(buffer, accepted, "counter", "Messages that were accepted since the start.");
    mg_metrics_number(buffer, accepted, MG_NO_LABELS, totals->accepted);
    mg_metrics_begin(buffer, repeated, "counter",
                     "Messages that were accepted before and got their receipt once more.");
    mg_metrics_number(buffer, repeated, MG_NO_LABELS, totals->repeated);
    mg_metrics_begin(buffer, refused, "counter",
                     "Messages that were refused since the start, by the code of the reason.");
    for (size_t i = 0; mg_tally_code(overview->tally, i, &code); i++)
        mg_metrics_number(buffer, refused, MG_LABELS("code", code.code), code.refused);
}

static void write_ways(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const char name[] = "muengsten_intake_duration_seconds";
    struct mg_tally_way way;
    mg_metrics_begin(buffer, name, "histogram",
                     "Time from the last byte of a message to its commit, of those accepted.");
    for (size_t i = 0; mg_tally_way(overview->tally, i, &way); i++)
        mg_metrics_histogram(buffer, name, MG_LABELS("type", way.type, "source", way.source),
                             &way.duration);
}

static void write_routes(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const char messages[] = "muengsten_route_messages_total";
    static const char durations[] = "muengsten_route_intake_duration_seconds";
    static const char state[] = "muengsten_route_state";
    const struct mg_config *config = overview->config;
    struct mg_tally_route route;
    char name[MG_TALLY_ROUTE_SIZE];
    mg_metrics_begin(buffer, messages, "counter",
                     "Messages that were accepted for a route since the start.");
    for (size_t i = 0; mg_tally_route(overview->tally, i, &route); i++)
        mg_metrics_number(buffer, messages, MG_LABELS("route", route.name), route.messages);
    mg_metrics_begin(buffer, durations, "histogram",
                     "Time from the last byte of a message to its commit, of those accepted for a "
                     "route.");
    for (size_t i = 0; mg_tally_route(overview->tally, i, &route); i++)
        mg_metrics_histogram(buffer, durations, MG_LABELS("route", route.name), &route.duration);
    mg_metrics_begin(buffer, state, "gauge",
                     "How many of the route's destinations work: 0 all, 1 some, 2 none.");
    for (size_t i = 0; i < config->route_count; i++)
        mg_metrics_number(buffer, state,
                          MG_LABELS("route", mg_tally_route_name(&config->routes[i], name)),
                          (int64_t)mg_overview_route_state(overview, &config->routes[i]));
}

/* Those that are configured: whoever sends nonsense under no name is no partner. */
static void write_partners(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const char messages[] = "muengsten_partner_messages_total";
    static const char last[] = "muengsten_partner_last_seen_timestamp_seconds";
    const struct mg_config *config = overview->config;
    struct mg_tally_partner seen;
    mg_metrics_begin(buffer, messages, "counter",
                     "Messages that a partner handed in since the start, by what became of them.");
    for (size_t i = 0; i < config->partner_count; i++) {
        const char *name = config->partners[i].name;
        mg_tally_of_partner(overview->tally, name, &seen);
        mg_metrics_number(buffer, messages, MG_LABELS("partner", name, "result", "accepted"),
                          seen.accepted);
        mg_metrics_number(buffer, messages, MG_LABELS("partner", name, "result", "refused"),
                          seen.refused);
    }
    mg_metrics_begin(buffer, last, "gauge",
                     "When a partner last handed in a message, in seconds since 1970; 0 if not "
                     "since the start.");
    for (size_t i = 0; i < config->partner_count; i++) {
        mg_tally_of_partner(overview->tally, config->partners[i].name, &seen);
        mg_metrics_seconds(buffer, last, MG_LABELS("partner", seen.name), seen.last_seen);
    }
}

/* ---- messages that go out ---- */

static void write_durations(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const char name[] = "muengsten_delivery_duration_seconds";
    static const char give_up[] = "muengsten_destination_give_up_seconds";
    mg_metrics_begin(buffer, name, "histogram",
                     "Time of the attempt that delivered a message to the destination.");
    for (size_t i = 0; i < overview->destination_count; i++) {
        const struct mg_dispatch_facts *facts = &overview->destinations[i].facts;
        if (facts->duration)
            mg_metrics_histogram(buffer, name, MG_LABELS("destination", facts->name),
                                 facts->duration);
    }
    mg_metrics_begin(buffer, give_up, "gauge",
                     "Time after which a message that still waits is given up, in seconds.");
    for (size_t i = 0; i < overview->config->destination_count; i++) {
        const struct mg_config_destination *values = &overview->config->destinations[i];
        mg_metrics_seconds(buffer, give_up, MG_LABELS("destination", values->name),
                           values->retry.give_up);
    }
}

static void write_limits(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const char limit[] = "muengsten_destination_oldest_age_limit_seconds";
    mg_metrics_begin(
        buffer, limit, "gauge",
        "Age of the oldest message that waits from which it is a backlog, in seconds.");
    for (size_t i = 0; i < overview->destination_count; i++) {
        const struct mg_dispatch_facts *facts = &overview->destinations[i].facts;
        const struct mg_config_destination *values =
            mg_config_destination(overview->config, facts->name);
        if (values)
            mg_metrics_seconds(buffer, limit, MG_LABELS("destination", facts->name),
                               mg_health_bearable_age(values, facts->collected));
    }
}

/* ---- the gateway ---- */

static void write_space(const struct mg_store_measures *measures, struct mg_buffer *buffer)
{
    static const char commits[] = "muengsten_store_commit_duration_seconds";
    mg_metrics_begin(buffer, commits, "histogram",
                     "Time of a commit of the store, which may hold many messages.");
    mg_metrics_histogram(buffer, commits, MG_NO_LABELS, &measures->commits);
    mg_metrics_begin(buffer, "muengsten_store_backlog", "gauge",
                     "Calls that wait for the store's writer.");
    mg_metrics_number(buffer, "muengsten_store_backlog", MG_NO_LABELS, measures->backlog);
    if (measures->free_bytes >= 0) {
        mg_metrics_begin(buffer, "muengsten_store_free_bytes", "gauge",
                         "Free space on the store's disk, in bytes.");
        mg_metrics_number(buffer, "muengsten_store_free_bytes", MG_NO_LABELS, measures->free_bytes);
    }
    mg_metrics_begin(buffer, "muengsten_store_reserve_bytes", "gauge",
                     "Free space below which no messages are accepted, in bytes.");
    mg_metrics_number(buffer, "muengsten_store_reserve_bytes", MG_NO_LABELS, measures->reserve);
    mg_metrics_begin(buffer, "muengsten_store_failed", "gauge",
                     "1 if the last commit of the store did not succeed.");
    mg_metrics_number(buffer, "muengsten_store_failed", MG_NO_LABELS, measures->failed);
}

/* Of each kind, also of those of which there is none at the moment. */
static void write_health(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const char name[] = "muengsten_health_reasons";
    mg_metrics_begin(buffer, name, "gauge",
                     "What an operator has to know of, by code, as GET /status tells it.");
    for (size_t i = 0; i < mg_health_kind_count; i++) {
        const struct mg_health_kind *kind = &mg_health_kinds[i];
        int64_t count = 0;
        for (size_t j = 0; j < overview->reason_count; j++)
            count += overview->reasons[j].critical == kind->critical &&
                     strcmp(overview->reasons[j].code, kind->code) == 0;
        mg_metrics_number(
            buffer, name,
            MG_LABELS("code", kind->code, "severity", kind->critical ? "critical" : "warning"),
            count);
    }
}

static void write_callers(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const char connections[] = "muengsten_listener_connections";
    mg_metrics_begin(buffer, connections, "gauge", "Connections that are open at the listener.");
    for (size_t i = 0; i < overview->listener_count; i++)
        if (!overview->listeners[i].stopping)
            mg_metrics_number(buffer, connections,
                              MG_LABELS("listener", overview->listeners[i].name),
                              overview->listeners[i].connections);
    mg_metrics_begin(buffer, "muengsten_unknown_callers_total", "counter",
                     "Requests that were refused since nobody knows who asked.");
    mg_metrics_number(buffer, "muengsten_unknown_callers_total", MG_NO_LABELS,
                      overview->audit.unknown_callers);
    mg_metrics_begin(buffer, "muengsten_audit_last_entry", "gauge",
                     "The number of the last entry of the audit trail.");
    mg_metrics_number(buffer, "muengsten_audit_last_entry", MG_NO_LABELS, overview->audit.entries);
}

/* ---- trust ---- */

static void write_certificates(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    static const char name[] = "muengsten_certificate_expiry_timestamp_seconds";
    static const char lists[] = "muengsten_revocation_list_next_update_timestamp_seconds";
    const struct mg_config *config = overview->config;
    mg_metrics_begin(buffer, name, "gauge",
                     "When a certificate of the configuration expires, in seconds since 1970.");
    for (size_t i = 0; i < config->certificate_count; i++) {
        const struct mg_config_certificate *one = &config->certificates[i];
        mg_metrics_number(buffer, name,
                          MG_LABELS("role", one->role, "owner", one->owner ? one->owner : "",
                                    "subject", one->subject, "fingerprint", one->fingerprint),
                          one->not_after / 1000);
    }
    mg_metrics_begin(buffer, lists, "gauge",
                     "When a revocation list is no longer current, in seconds since 1970.");
    for (size_t i = 0; i < overview->list_count; i++)
        if (overview->lists[i].next_update > 0)
            mg_metrics_number(buffer, lists, MG_LABELS("issuer", overview->lists[i].issuer),
                              overview->lists[i].next_update / 1000);
}

void mg_metrics_write_measures(const struct mg_overview *overview, struct mg_buffer *buffer)
{
    write_messages(overview, buffer);
    write_ways(overview, buffer);
    write_routes(overview, buffer);
    write_partners(overview, buffer);
    write_durations(overview, buffer);
    write_limits(overview, buffer);
    write_space(&overview->measures, buffer);
    write_health(overview, buffer);
    write_callers(overview, buffer);
    write_certificates(overview, buffer);
}
