#include "gateway/config/snapshot.h"

#include "gateway/trust/issuers.h"

#include <stdlib.h>

struct mg_config_snapshot *mg_config_snapshot_new(void)
{
    struct mg_config_snapshot *snapshot = mg_allocate_zeroed(1, sizeof *snapshot);
    atomic_init(&snapshot->holders, 1);
    return snapshot;
}

struct mg_config *mg_config_hold(struct mg_config *config)
{
    struct mg_config_snapshot *snapshot = (struct mg_config_snapshot *)config;
    atomic_fetch_add_explicit(&snapshot->holders, 1, memory_order_relaxed);
    return config;
}

void mg_config_release(struct mg_config *config)
{
    struct mg_config_snapshot *snapshot = (struct mg_config_snapshot *)config;
    /* Whoever frees has to see everything that the other holders did before they let go. */
    if (!config || atomic_fetch_sub_explicit(&snapshot->holders, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < config->profile_count; i++) {
        mg_profile_free(config->profiles[i].profile);
        mg_schema_free(config->profiles[i].schema);
    }
    for (size_t i = 0; i < config->partner_count; i++)
        mg_issuers_free(config->partners[i].issuers);
    for (size_t i = 0; i < config->operator_count; i++)
        mg_issuers_free(config->operators[i].issuers);
    mg_signer_free(config->next_signer);
    mg_signer_free(config->signer);
    mg_anchors_free(config->anchors);
    free(config->certificates);
    mg_arena_free(&snapshot->arena);
    free(snapshot);
}
