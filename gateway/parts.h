/*
 * parts: what the daemon is made of; internal to its files.
 *
 * gateway.c starts and stops, listeners.c serves, upkeep.c does what has to be done now and then,
 * reload.c applies a new configuration, seal_change.c tells when another key seals.
 */
#ifndef MUENGSTEN_GATEWAY_PARTS_H
#define MUENGSTEN_GATEWAY_PARTS_H

#include "gateway/audit/seals.h"
#include "gateway/dispatch/clients.h"
#include "gateway/dispatch/dispatch.h"
#include "gateway/listeners.h"
#include "gateway/notify.h"
#include "gateway/operate/operate.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <stdatomic.h>

struct gateway {
    const char *file;               /* of the configuration, as it was named at the start */
    struct mg_config *config;       /* held; exchanged by a reload */
    struct mg_catalogue *catalogue; /* held; likewise */
    struct event_base *base;
    struct mg_handoff *handoff;
    struct event *handoff_ready;
    struct mg_pool *workers;
    struct mg_pool *background;
    struct mg_store *store;
    struct mg_audit *audit;
    struct mg_intake *intake;
    struct evdns_base *dns;
    struct mg_clients *clients;
    struct mg_host *host;
    struct mg_dispatch *dispatch;
    struct mg_listeners *listeners;
    struct mg_operate *operate;
    struct mg_notify *notify;
    struct event *stop_signals[2];
    struct event *reload_signal;
    struct event *revocation_timer;
    struct event *expire_timer;
    struct event *audit_timer;
    struct event *seal_timer;  /* when the announced seal certificate comes into force */
    struct event *idle_look;   /* while stopping: whether the last work has ended */
    struct event *hurry;       /* while stopping: the end of patience with clients */
    struct event *let_go;      /* while stopping: and with adapters in processes of their own */
    atomic_bool stopping;      /* read by the background's threads too */
    struct mg_audit_seal seal; /* what was told last of it, before this start too */
    bool refreshing;
    bool refresh_again;
    bool expiring;
    bool reloading;
    bool reload_again;
    int64_t reload_number; /* of the one that was begun last */
};

/* upkeep.c: looks at the revocation lists, at what has outlived its retention, and after the audit
 * trail, from now on. */
void gateway_start_upkeep(struct gateway *gateway);
/* Looks at the revocation lists once more now. */
void gateway_look_at_lists(struct gateway *gateway);
/* Looks at what has outlived its retention in a moment, and not only when its turn comes. */
void gateway_expire_soon(struct gateway *gateway);

/* seal_change.c: tells of the seal certificate that is announced, of the moment when it seals, and
 * of one that seals without having been announced; call it when a configuration has come into
 * force. */
void gateway_watch_seal(struct gateway *gateway);
/* Whether a configuration may follow the one in force as far as its seal is concerned. Code
 * identity.not-announced. */
bool gateway_may_seal(const struct gateway *gateway, const struct mg_config *config,
                      struct mg_error *error);

/* reload.c: reads the configuration anew and applies it, or says why not. The number of the reload
 * that reads what is there at this moment; 0 if none will. */
int64_t gateway_reload(struct gateway *gateway);

/* gateway.c: tells dispatch that something waits for a destination. */
void gateway_wake(const char *destination, void *context);

#endif
