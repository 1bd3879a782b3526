/* What only the whole configuration shows: what is missing, what is ambiguous, what leads nowhere.
 */
#include "gateway/config/problems.h"
#include "gateway/config/reader.h"

#include <string.h>

/* Adds a problem, unless something was said about that place already: the one is mostly a
 * consequence of the other, as of a certificate that cannot be read. */
static void add(struct mg_reader *reader, const struct mg_config_place *place, bool warning,
                const char *what, const char *name, const char *reason)
{
    if (!mg_config_problems_at(reader->problems, reader->problems->count, place))
        mg_config_problem(reader->problems, place, warning, "%s \"%.100s\" %s", what, name, reason);
}

static bool is_bound(const struct mg_config *config, const struct mg_config_partner *partner)
{
    for (size_t i = 0; i < config->source_count; i++) {
        if (config->sources[i].partner == partner)
            return true;
    }
    for (size_t i = 0; i < config->destination_count; i++) {
        if (config->destinations[i].partner == partner)
            return true;
    }
    return false;
}

static bool may_send(const struct mg_config_partner *partner,
                     const struct mg_config_profile *profile)
{
    for (size_t i = 0; i < partner->permission_count; i++) {
        if (mg_type_names_profile(partner->permissions[i].type, profile->name))
            return true;
    }
    return false;
}

static bool wants_signature(enum mg_signature_demand demand)
{
    return demand != MG_SIGNATURE_OPTIONAL && demand != MG_SIGNATURE_FORBIDDEN;
}

static bool wants_signature_always(const struct mg_config_profile *profile)
{
    bool wanted = wants_signature(profile->signature);
    for (size_t i = 0; i < profile->way_count; i++)
        wanted = wanted && wants_signature(profile->ways[i].signature);
    return wanted;
}

static void check_signatures(struct mg_reader *reader, const struct mg_config_partner *partner)
{
    const struct mg_config *config = reader->config;
    if (partner->signing_fingerprint_count > 0 || partner->signing_subject)
        return;
    for (size_t i = 0; i < config->profile_count; i++) {
        if (may_send(partner, &config->profiles[i]) &&
            wants_signature_always(&config->profiles[i])) {
            add(reader, &partner->place, true, "partner", partner->name,
                "has no signing-certificate and no signing-subject, but may send what has to be "
                "signed");
            return;
        }
    }
}

static void check_partners(struct mg_reader *reader)
{
    const struct mg_config *config = reader->config;
    for (size_t i = 0; i < config->partner_count; i++) {
        const struct mg_config_partner *partner = &config->partners[i];
        if (partner->tls_fingerprint_count == 0 && !partner->tls_subject &&
            !is_bound(config, partner))
            add(reader, &partner->place, false, "partner", partner->name,
                "cannot be recognised: give it a tls-certificate or a tls-subject, or bind a "
                "<source> to it");
        check_signatures(reader, partner);
    }
}

/* A certificate that two partners have would make the one the other, by accident of order. */
static void check_partner_owners(struct mg_reader *reader)
{
    const struct mg_owners *owners = &reader->snapshot->partner_owners;
    for (size_t i = 1; i < owners->count; i++) {
        const struct mg_owner *before = &owners->list[i - 1], *owner = &owners->list[i];
        if (mg_owners_compare(before, owner) != 0 || before->index == owner->index)
            continue;
        const struct mg_config_partner *first = &reader->config->partners[before->index];
        const struct mg_config_partner *second = &reader->config->partners[owner->index];
        mg_config_problem(reader->problems, &second->place, false,
                          "partner \"%.100s\" has the same %s as partner \"%.100s\" at %s:%d; a "
                          "connection can belong to one of them only",
                          second->name, owner->subject ? "tls-subject" : "tls-certificate",
                          first->name, first->place.file, first->place.line);
    }
}

static void check_operator_owners(struct mg_reader *reader)
{
    const struct mg_owners *owners = &reader->snapshot->operator_owners;
    for (size_t i = 1; i < owners->count; i++) {
        const struct mg_owner *before = &owners->list[i - 1], *owner = &owners->list[i];
        if (mg_owners_compare(before, owner) != 0 || before->index == owner->index)
            continue;
        const struct mg_config_operator *first = &reader->config->operators[before->index];
        const struct mg_config_operator *second = &reader->config->operators[owner->index];
        mg_config_problem(reader->problems, &second->place, false,
                          "operator \"%.100s\" has the same %s as operator \"%.100s\" at %s:%d; "
                          "the audit trail has to tell them apart",
                          second->name, owner->subject ? "subject" : "certificate", first->name,
                          first->place.file, first->place.line);
    }
}

static void check_destinations(struct mg_reader *reader)
{
    const struct mg_config *config = reader->config;
    bool *reached = mg_arena_allocate(reader->arena, config->destination_count, sizeof *reached);
    for (size_t i = 0; i < config->route_count; i++) {
        for (size_t j = 0; j < config->routes[i].destination_count; j++)
            reached[config->routes[i].destinations[j]] = true;
    }
    for (size_t i = 0; i < config->destination_count; i++) {
        const struct mg_config_destination *destination = &config->destinations[i];
        if (!reached[i])
            add(reader, &destination->place, true, "destination", destination->name,
                "never gets anything: no <route> leads to it");
    }
}

static void check_profiles(struct mg_reader *reader)
{
    const struct mg_config *config = reader->config;
    for (size_t i = 0; i < config->profile_count; i++) {
        const struct mg_config_profile *profile = &config->profiles[i];
        bool wanted = false;
        for (size_t j = 0; j < config->partner_count && !wanted; j++)
            wanted = may_send(&config->partners[j], profile);
        if (!wanted)
            add(reader, &profile->place, true, "profile", profile->name,
                "is of no use: no <permission> lets anybody send it");
    }
}

static bool is_named(const char *name, const struct mg_config_listener *listener)
{
    return name && strcmp(name, listener->name) == 0;
}

static void check_listeners(struct mg_reader *reader)
{
    const struct mg_config *config = reader->config;
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct mg_config_listener *listener = &config->listeners[i];
        bool used = false;
        for (size_t j = 0; j < config->source_count && !used; j++)
            used = is_named(config->sources[j].listener, listener);
        for (size_t j = 0; j < config->destination_count && !used; j++)
            used = is_named(config->destinations[j].listener, listener);
        if (!used)
            add(reader, &listener->place, true, "listener", listener->name,
                "serves nothing: no <source> and no <destination> names it");
    }
}

static void check_status(struct mg_reader *reader)
{
    const struct mg_config *config = reader->config;
    const char *address = config->status.address;
    for (size_t i = 0; i < config->listener_count && address; i++) {
        const struct mg_config_listener *listener = &config->listeners[i];
        const char *port = strrchr(address, ':');
        if (strcmp(listener->address, address) == 0 && port && strcmp(port, ":0") != 0)
            mg_config_problem(reader->problems, &config->status.place, false,
                              "the address %.100s is already that of the listener at %s:%d",
                              address, listener->place.file, listener->place.line);
    }
}

void mg_reader_check(struct mg_reader *reader)
{
    if (reader->incomplete)
        return;
    check_partner_owners(reader);
    check_operator_owners(reader);
    check_partners(reader);
    check_destinations(reader);
    check_profiles(reader);
    check_listeners(reader);
    check_status(reader);
}
