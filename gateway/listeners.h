/*
 * listeners: the addresses at which the gateway serves, and how a new configuration is applied to
 * them: what stays goes on with a new identity and new limits, and no connection notices; what is
 * new is opened before anything else changes, so that a reload can still be refused; what is gone
 * takes nothing new and ends with its last request.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_GATEWAY_LISTENERS_H
#define MUENGSTEN_GATEWAY_LISTENERS_H

#include "gateway/config/config.h"
#include "gateway/dispatch/host.h"
#include "gateway/operate/overview.h"

#include <event2/event.h>

struct mg_listeners;

struct mg_listeners *mg_listeners_new(struct event_base *base, struct mg_host *host);
/* Breaks what is left. NULL is allowed. */
void mg_listeners_free(struct mg_listeners *listeners);

/* Opens what a configuration adds, and reads the identity. False, with the reason, if something
 * cannot be opened. After success exactly one of the two others is called. */
bool mg_listeners_prepare(struct mg_listeners *listeners, const struct mg_config *config,
                          struct mg_error *error);
void mg_listeners_commit(struct mg_listeners *listeners);
void mg_listeners_abandon(struct mg_listeners *listeners);

/* Calls see for each of them, in no order; texts are valid until the loop goes on. */
void mg_listeners_each(const struct mg_listeners *listeners,
                       void (*see)(const struct mg_overview_listener *listener, void *context),
                       void *context);

/* New revocation lists. */
void mg_listeners_set_store(struct mg_listeners *listeners, X509_STORE *store);

/* Takes nothing new; drained is called once, when the last request is answered. */
void mg_listeners_stop(struct mg_listeners *listeners, void (*drained)(void *context),
                       void *context);
/* After the stop: breaks off what is left; drained is then called at once. False if nothing was
 * left. */
bool mg_listeners_break(struct mg_listeners *listeners);

#endif
