/*
 * end: what a source and a destination of the configuration have in common: a name, an adapter, and
 * what the host of adapters needs to know to open an instance of it.
 *
 * A view on the configuration, valid as long as the configuration is held. Pure.
 */
#ifndef MUENGSTEN_DISPATCH_END_H
#define MUENGSTEN_DISPATCH_END_H

#include "gateway/config/config.h"

struct mg_end {
    const struct mg_config_source *source; /* one of these two is set */
    const struct mg_config_destination *destination;
    struct mg_config_place place;
    const char *name;
    const char *adapter;
    const struct mg_config_process *process;
    const char *listener;                    /* NULL: none */
    const struct mg_config_partner *partner; /* NULL: none is bound */
    const struct mg_config_parameter *parameters;
    size_t parameter_count;
};

/* All ends: the destinations, then the sources, each in the order of the configuration. */
size_t mg_end_count(const struct mg_config *config);
struct mg_end mg_end_at(const struct mg_config *config, size_t index);

/* "source" or "destination". */
const char *mg_end_kind(const struct mg_end *end);

/* True if both are of one kind and have one name. */
bool mg_end_is_named_like(const struct mg_end *left, const struct mg_end *right);

/* True if an instance opened for the one serves the other as well: the same adapter in the same
 * place with the same parameters, listener, partner and identity. What only the gateway looks at
 * (seal, retry, order, pause) may differ. */
bool mg_end_is_served_like(const struct mg_end *left, const struct mg_end *right);

#endif
