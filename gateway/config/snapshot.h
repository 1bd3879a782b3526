/*
 * snapshot: what a struct mg_config is inside: the values that everybody sees, and what belongs to
 * them.
 */
#ifndef MUENGSTEN_CONFIG_SNAPSHOT_H
#define MUENGSTEN_CONFIG_SNAPSHOT_H

#include "gateway/config/arena.h"
#include "gateway/config/config.h"
#include "gateway/config/lookup.h"

#include <stdatomic.h>

struct mg_config_snapshot {
    struct mg_config config; /* first, so that the one can be taken for the other */
    atomic_size_t holders;
    struct mg_arena arena; /* every text and array of config */
    struct mg_names sites;
    struct mg_names listeners;
    struct mg_names profiles;
    struct mg_names partners;
    struct mg_names destinations;
    struct mg_names operators;
    struct mg_owners partner_owners;
    struct mg_owners operator_owners;
};

/* An empty one with a single holder. */
struct mg_config_snapshot *mg_config_snapshot_new(void);

#endif
