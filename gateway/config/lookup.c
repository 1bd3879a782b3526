#include "gateway/config/lookup.h"

#include "gateway/config/snapshot.h"
#include "gateway/trust/issuers.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* No subject in the configuration is as long as this (the schema and values see to it), so that one
 * that was cut to size equals none of them. */
#define SUBJECT_SIZE 4096

void mg_names_start(struct mg_names *names, struct mg_arena *arena, size_t most)
{
    names->list = mg_arena_allocate(arena, most, sizeof *names->list);
    names->count = 0;
}

void mg_names_add(struct mg_names *names, const char *name, const struct mg_config_place *place,
                  size_t index)
{
    if (*name)
        names->list[names->count++] =
            (struct mg_name){.name = name, .place = place, .index = index};
}

static int compare_names(const void *left, const void *right)
{
    const struct mg_name *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    if (order != 0)
        return order;
    return a->index < b->index ? -1 : a->index > b->index;
}

void mg_names_sort(struct mg_names *names)
{
    if (names->count > 1)
        qsort(names->list, names->count, sizeof *names->list, compare_names);
}

/* Of several equal names (which are an error) the first, so that nothing else seems wrong. */
size_t mg_names_find(const struct mg_names *names, const char *name)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(names->list[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < names->count && strcmp(names->list[low].name, name) == 0)
        return names->list[low].index;
    return MG_NAME_UNKNOWN;
}

int mg_owners_compare(const struct mg_owner *left, const struct mg_owner *right)
{
    if (!left->subject != !right->subject)
        return left->subject ? 1 : -1;
    if (left->subject)
        return strcmp(left->subject, right->subject);
    return memcmp(left->fingerprint.bytes, right->fingerprint.bytes,
                  sizeof left->fingerprint.bytes);
}

static int compare_owners(const void *left, const void *right)
{
    const struct mg_owner *a = left, *b = right;
    int order = mg_owners_compare(a, b);
    if (order != 0)
        return order;
    return a->index < b->index ? -1 : a->index > b->index;
}

static void start_owners(struct mg_owners *owners, struct mg_arena *arena, size_t most)
{
    owners->list = mg_arena_allocate(arena, most, sizeof *owners->list);
    owners->count = 0;
}

static void add_owner(struct mg_owners *owners, const struct mg_fingerprint *fingerprints,
                      size_t count, const char *subject, size_t index)
{
    for (size_t i = 0; i < count; i++)
        owners->list[owners->count++] =
            (struct mg_owner){.fingerprint = fingerprints[i], .index = index};
    if (subject)
        owners->list[owners->count++] = (struct mg_owner){.subject = subject, .index = index};
}

static void sort_owners(struct mg_owners *owners)
{
    if (owners->count > 1)
        qsort(owners->list, owners->count, sizeof *owners->list, compare_owners);
}

void mg_owners_collect_partners(struct mg_owners *owners, struct mg_arena *arena,
                                const struct mg_config *config)
{
    size_t most = 0;
    for (size_t i = 0; i < config->partner_count; i++)
        most += config->partners[i].tls_fingerprint_count + 1;
    start_owners(owners, arena, most);
    for (size_t i = 0; i < config->partner_count; i++) {
        const struct mg_config_partner *partner = &config->partners[i];
        add_owner(owners, partner->tls_fingerprints, partner->tls_fingerprint_count,
                  partner->tls_subject, i);
    }
    sort_owners(owners);
}

void mg_owners_collect_operators(struct mg_owners *owners, struct mg_arena *arena,
                                 const struct mg_config *config)
{
    size_t most = 0;
    for (size_t i = 0; i < config->operator_count; i++)
        most += config->operators[i].fingerprint_count + 1;
    start_owners(owners, arena, most);
    for (size_t i = 0; i < config->operator_count; i++) {
        const struct mg_config_operator *one = &config->operators[i];
        add_owner(owners, one->fingerprints, one->fingerprint_count, one->subject, i);
    }
    sort_owners(owners);
}

/* The index of the owner, or MG_NAME_UNKNOWN. */
static size_t find_owner(const struct mg_owners *owners, const struct mg_owner *wanted)
{
    size_t low = 0, high = owners->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = mg_owners_compare(&owners->list[middle], wanted);
        if (order == 0)
            return owners->list[middle].index;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return MG_NAME_UNKNOWN;
}

/* Whose certificate it is. *by_subject: only if one of the owner's issuers has signed it. */
static size_t owner_of(const struct mg_owners *owners, const X509 *certificate,
                       const struct mg_fingerprint *fingerprint, bool *by_subject)
{
    struct mg_owner wanted = {.fingerprint = *fingerprint};
    size_t index = find_owner(owners, &wanted);
    *by_subject = index == MG_NAME_UNKNOWN;
    if (!*by_subject)
        return index;
    char subject[SUBJECT_SIZE];
    mg_certificate_subject(certificate, subject, sizeof subject);
    wanted.subject = subject;
    return find_owner(owners, &wanted);
}

static bool is_issued_by(struct mg_issuers *issuers, const X509 *certificate,
                         const struct mg_fingerprint *fingerprint)
{
    return issuers && mg_issuers_issued(issuers, certificate, fingerprint);
}

const struct mg_config_partner *mg_config_partner_of(const struct mg_config *config,
                                                     const X509 *certificate)
{
    struct mg_fingerprint fingerprint = mg_certificate_fingerprint(certificate);
    bool by_subject;
    size_t index = owner_of(&((const struct mg_config_snapshot *)config)->partner_owners,
                            certificate, &fingerprint, &by_subject);
    if (index == MG_NAME_UNKNOWN)
        return NULL;
    const struct mg_config_partner *partner = &config->partners[index];
    return !by_subject || is_issued_by(partner->issuers, certificate, &fingerprint) ? partner
                                                                                    : NULL;
}

const struct mg_config_operator *mg_config_operator_of(const struct mg_config *config,
                                                       const X509 *certificate)
{
    struct mg_fingerprint fingerprint = mg_certificate_fingerprint(certificate);
    bool by_subject;
    size_t index = owner_of(&((const struct mg_config_snapshot *)config)->operator_owners,
                            certificate, &fingerprint, &by_subject);
    if (index == MG_NAME_UNKNOWN)
        return NULL;
    const struct mg_config_operator *one = &config->operators[index];
    return !by_subject || is_issued_by(one->issuers, certificate, &fingerprint) ? one : NULL;
}

const struct mg_config_partner *mg_config_partner(const struct mg_config *config, const char *name)
{
    size_t index = mg_names_find(&((const struct mg_config_snapshot *)config)->partners, name);
    return index == MG_NAME_UNKNOWN ? NULL : &config->partners[index];
}

const struct mg_config_destination *mg_config_destination(const struct mg_config *config,
                                                          const char *name)
{
    size_t index = mg_names_find(&((const struct mg_config_snapshot *)config)->destinations, name);
    return index == MG_NAME_UNKNOWN ? NULL : &config->destinations[index];
}

const struct mg_config_listener *mg_config_listener(const struct mg_config *config,
                                                    const char *name)
{
    size_t index = mg_names_find(&((const struct mg_config_snapshot *)config)->listeners, name);
    return index == MG_NAME_UNKNOWN ? NULL : &config->listeners[index];
}

const struct mg_config_site *mg_config_site_of(const struct mg_config *config, const char *reader)
{
    for (size_t i = 0; i < config->site_count; i++) {
        const struct mg_config_site *site = &config->sites[i];
        for (size_t j = 0; j < site->authority_count; j++)
            if (mg_pattern_matches(site->authorities[j], reader))
                return site;
    }
    return NULL;
}

const struct mg_config_profile *mg_config_profile_of(const struct mg_config *config,
                                                     const xmlNode *root)
{
    for (size_t i = 0; i < config->profile_count; i++) {
        if (mg_profile_matches(config->profiles[i].profile, root))
            return &config->profiles[i];
    }
    return NULL;
}

enum mg_signature_demand mg_config_demand(const struct mg_config_profile *profile,
                                          const char *adapter)
{
    for (size_t i = 0; i < profile->way_count; i++) {
        if (strcmp(profile->ways[i].adapter, adapter) == 0)
            return profile->ways[i].signature;
    }
    return profile->signature;
}

bool mg_config_is_signer(const X509 *certificate, const void *partner)
{
    const struct mg_config_partner *owner = partner;
    struct mg_fingerprint fingerprint = mg_certificate_fingerprint(certificate);
    for (size_t i = 0; i < owner->signing_fingerprint_count; i++) {
        if (memcmp(owner->signing_fingerprints[i].bytes, fingerprint.bytes,
                   sizeof fingerprint.bytes) == 0)
            return true;
    }
    if (!owner->signing_subject)
        return false;
    char subject[SUBJECT_SIZE];
    mg_certificate_subject(certificate, subject, sizeof subject);
    return strcmp(subject, owner->signing_subject) == 0 &&
           is_issued_by(owner->issuers, certificate, &fingerprint);
}

const struct mg_signer *mg_config_signer(const struct mg_config *config, int64_t time)
{
    bool is_next = config->next_signer && time >= config->next_seal.from;
    return is_next ? config->next_signer : config->signer;
}

const struct mg_seal_announcement *mg_config_announcement(const struct mg_config *config,
                                                          int64_t time)
{
    bool is_to_come = config->next_signer && time < config->next_seal.from;
    return is_to_come ? &config->next_seal : NULL;
}

bool mg_config_may_seal(const struct mg_config *config, const struct mg_config *before,
                        int64_t time, struct mg_error *error)
{
    const X509 *new = mg_signer_certificate(mg_config_signer(config, time));
    const X509 *old = mg_signer_certificate(mg_config_signer(before, time));
    if (config->unannounced || X509_cmp(new, old) == 0)
        return true;
    char subject[SUBJECT_SIZE];
    mg_certificate_subject(new, subject, sizeof subject);
    return mg_fail(
        error, "identity.not-announced",
        "Partners do not know yet that the certificate %.200s seals: leave the former one "
        "in force and announce this one with <next-seal certificate=\"…\" key=\"…\" "
        "from=\"…\"/>, or say unannounced=\"true\" at <identity> if the former key must "
        "not be used any more.",
        subject);
}
