/*
 * entrances: the places at which the gateway answers operators: the address of <status> and the
 * socket of <control>, and how a new configuration is applied to them; internal to the room.
 *
 * What stays where it is goes on with its connections; what is new is opened before anything else
 * changes, so that a reload can still be refused.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_OPERATE_ENTRANCES_H
#define MUENGSTEN_OPERATE_ENTRANCES_H

#include "gateway/operate/endpoint.h"

struct mg_entrances;

struct mg_entrances *mg_entrances_new(const struct mg_endpoint_options *options);
/* Breaks what is left. NULL is allowed. */
void mg_entrances_free(struct mg_entrances *entrances);

/* Opens what the configuration adds; after success exactly one of the two others is called. */
bool mg_entrances_prepare(struct mg_entrances *entrances, struct mg_config *config,
                          struct mg_error *error);
void mg_entrances_commit(struct mg_entrances *entrances, struct mg_config *config);
void mg_entrances_abandon(struct mg_entrances *entrances);

/* New revocation lists. */
void mg_entrances_set_store(struct mg_entrances *entrances, X509_STORE *store);

/* Whether there is any. */
bool mg_entrances_any(const struct mg_entrances *entrances);

#endif
