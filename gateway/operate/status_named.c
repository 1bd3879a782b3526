#include "gateway/operate/status_named.h"

#include "gateway/operate/health.h"

/* ---- places, partners ---- */

static void write_place(struct mg_json *json, const struct mg_config_site *site)
{
    mg_json_object(json, NULL);
    mg_json_text(json, "name", site->name);
    mg_json_text(json, "title", site->title[0] ? site->title : site->name);
    mg_json_literal(json, "latitude", site->latitude);
    mg_json_literal(json, "longitude", site->longitude);
    mg_json_end_object(json);
}

static void write_partner(struct mg_json *json, const struct mg_overview *overview,
                          const struct mg_config_partner *partner)
{
    struct mg_tally_partner seen;
    mg_tally_of_partner(overview->tally, partner->name, &seen);
    mg_json_object(json, NULL);
    mg_json_text(json, "name", partner->name);
    mg_json_text(json, "title", partner->title[0] ? partner->title : partner->name);
    mg_json_text_or_null(json, "place", partner->site ? partner->site->name : NULL);
    mg_json_time(json, "last_seen", seen.last_seen);
    mg_json_number(json, "accepted", seen.accepted);
    mg_json_number(json, "refused", seen.refused);
    mg_json_end_object(json);
}

/* ---- routes, listeners ---- */

static void write_route(struct mg_json *json, const struct mg_overview *overview,
                        const struct mg_route *route)
{
    const struct mg_config *config = overview->config;
    const struct mg_config_site *site = mg_config_site_of(config, route->reader);
    mg_json_object(json, NULL);
    mg_json_text(json, "reader", route->reader);
    mg_json_text(json, "type", route->type);
    mg_json_list(json, "destinations");
    for (size_t i = 0; i < route->destination_count; i++)
        mg_json_text(json, NULL, config->destinations[route->destinations[i]].name);
    mg_json_end_list(json);
    mg_json_text(json, "state", mg_route_state_words[mg_overview_route_state(overview, route)]);
    mg_json_number(json, "messages", mg_tally_of_route(overview->tally, route));
    mg_json_text_or_null(json, "place", site ? site->name : NULL);
    mg_json_end_object(json);
}

static void write_listener(struct mg_json *json, const struct mg_overview_listener *listener)
{
    mg_json_object(json, NULL);
    mg_json_text(json, "name", listener->name);
    mg_json_text(json, "address", listener->address);
    mg_json_number(json, "port", listener->port);
    mg_json_number(json, "connections", listener->connections);
    mg_json_text(json, "state", listener->stopping ? "stopping" : "ready");
    mg_json_end_object(json);
}

/* ---- certificates ---- */

static void write_certificate(struct mg_json *json, const struct mg_config_certificate *certificate,
                              int64_t now)
{
    mg_json_object(json, NULL);
    mg_json_text(json, "role", certificate->role);
    mg_json_text(json, "subject", certificate->subject);
    mg_json_text(json, "serial", certificate->serial);
    mg_json_text(json, "fingerprint", certificate->fingerprint);
    mg_json_text_or_null(json, "owner", certificate->owner);
    mg_json_time(json, "not_before", certificate->not_before);
    mg_json_time(json, "not_after", certificate->not_after);
    mg_json_number(json, "days_left", mg_health_days_left(certificate->not_after, now));
    mg_json_text(json, "file", certificate->file);
    mg_json_end_object(json);
}

static void write_list(struct mg_json *json, const struct mg_list_facts *list, int64_t now)
{
    mg_json_object(json, NULL);
    mg_json_text(json, "issuer", list->issuer);
    mg_json_time(json, "next_update", list->next_update);
    if (list->next_update > 0)
        mg_json_number(json, "days_left", mg_health_days_left(list->next_update, now));
    else
        mg_json_null(json, "days_left");
    mg_json_end_object(json);
}

/* ---- all of it ---- */

static void write_trust(struct mg_json *json, const struct mg_overview *overview)
{
    const struct mg_config *config = overview->config;
    mg_json_list(json, "certificates");
    for (size_t i = 0; i < config->certificate_count; i++)
        write_certificate(json, &config->certificates[i], overview->now);
    mg_json_end_list(json);
    mg_json_list(json, "revocation");
    for (size_t i = 0; i < overview->list_count; i++)
        write_list(json, &overview->lists[i], overview->now);
    mg_json_end_list(json);
}

void mg_status_write_named(struct mg_json *json, const struct mg_overview *overview)
{
    const struct mg_config *config = overview->config;
    mg_json_list(json, "routes");
    for (size_t i = 0; i < config->route_count; i++)
        write_route(json, overview, &config->routes[i]);
    mg_json_end_list(json);
    mg_json_list(json, "listeners");
    for (size_t i = 0; i < overview->listener_count; i++)
        write_listener(json, &overview->listeners[i]);
    mg_json_end_list(json);
    mg_json_list(json, "partners");
    for (size_t i = 0; i < config->partner_count; i++)
        write_partner(json, overview, &config->partners[i]);
    mg_json_end_list(json);
    mg_json_list(json, "places");
    for (size_t i = 0; i < config->site_count; i++)
        write_place(json, &config->sites[i]);
    mg_json_end_list(json);
    write_trust(json, overview);
}
