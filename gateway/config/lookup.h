/*
 * lookup: finds things of the configuration by name, and partners by their TLS certificate, by
 * binary search: a certificate is looked up for every connection, and a city may have a thousand
 * systems.
 *
 * Tables are filled, then sorted once, then only read, by any thread. They live in the arena.
 */
#ifndef MUENGSTEN_CONFIG_LOOKUP_H
#define MUENGSTEN_CONFIG_LOOKUP_H

#include "gateway/config/arena.h"
#include "gateway/config/config.h"

struct mg_names {
    struct mg_name {
        const char *name;
        const struct mg_config_place *place;
        size_t index; /* in the array of the configuration */
    } * list;
    size_t count;
};

#define MG_NAME_UNKNOWN SIZE_MAX

/* Makes room for so many names. */
void mg_names_start(struct mg_names *names, struct mg_arena *arena, size_t most);
/* Adds a name, unless it is empty. */
void mg_names_add(struct mg_names *names, const char *name, const struct mg_config_place *place,
                  size_t index);
/* Sorts by name; equal ones stay in the order in which they came. */
void mg_names_sort(struct mg_names *names);
/* The index of the name, or MG_NAME_UNKNOWN. */
size_t mg_names_find(const struct mg_names *names, const char *name);

/* Who has which TLS certificate: of the partners, or of the operators. */
struct mg_owners {
    struct mg_owner {
        struct mg_fingerprint fingerprint; /* counts if subject is NULL */
        const char *subject;
        size_t index; /* in the array of the configuration */
    } * list;
    size_t count;
};

/* Lists the TLS certificates and subjects of all partners, or of all operators. */
void mg_owners_collect_partners(struct mg_owners *owners, struct mg_arena *arena,
                                const struct mg_config *config);
void mg_owners_collect_operators(struct mg_owners *owners, struct mg_arena *arena,
                                 const struct mg_config *config);
/* Compares as the table is sorted: fingerprints first, then subjects. */
int mg_owners_compare(const struct mg_owner *left, const struct mg_owner *right);

#endif
