/* What has to be done now and then: revocation lists are read again, what has outlived its
 * retention is deleted, and the audit trail is looked after. */
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/parts.h"

#include <openssl/err.h>
#include <stdlib.h>

#define EXPIRE_PAUSE 60000
/* After the start, and after a configuration that may have other times, soon. */
#define EXPIRE_SOON 1000
/* While there is more than a day's worth to delete. If the clock is wrong, it costs a day's worth
 * an hour until somebody notices; after a long stop that still catches up. */
#define EXPIRE_BEHIND 3600000
#define AUDIT_PAUSE   1000

static void start_timer(struct event *timer, int64_t milliseconds)
{
    struct timeval after = {milliseconds / 1000, milliseconds % 1000 * 1000};
    evtimer_add(timer, &after);
}

/* ---- revocation lists ---- */

struct refresh {
    struct mg_job job; /* first */
    struct gateway *gateway;
    struct mg_config *config; /* held: whose lists they are */
    bool changed;
    bool ok;
    struct mg_error error;
};

static void work_refresh(struct mg_job *job)
{
    struct refresh *refresh = (struct refresh *)job;
    refresh->ok = mg_anchors_refresh(refresh->config->anchors, &refresh->changed, &refresh->error);
}

static void exchange_lists(struct gateway *gateway)
{
    X509_STORE *store = mg_anchors_store(gateway->config->anchors);
    mg_listeners_set_store(gateway->listeners, store);
    mg_clients_set_store(gateway->clients, store);
    mg_operate_set_store(gateway->operate, store);
    X509_STORE_free(store);
    ERR_clear_error();
    mg_log(MG_LOG_NOTICE, "revocation.exchanged", NULL);
}

static void refreshed(struct mg_job *job)
{
    struct refresh *refresh = (struct refresh *)job;
    struct gateway *gateway = refresh->gateway;
    if (!refresh->ok)
        mg_log(MG_LOG_ERROR, "revocation.unreadable", "code", refresh->error.code, "reason",
               refresh->error.text, NULL);
    else if (refresh->changed && refresh->config == gateway->config)
        exchange_lists(gateway);
    bool again = gateway->refresh_again;
    gateway->refreshing = gateway->refresh_again = false;
    mg_config_release(refresh->config);
    free(refresh);
    if (again)
        gateway_look_at_lists(gateway);
}

void gateway_look_at_lists(struct gateway *gateway)
{
    /* The list that somebody asks for may have come after the one that is being read. */
    gateway->refresh_again = gateway->refreshing;
    if (gateway->refreshing || gateway->stopping)
        return;
    struct refresh *refresh = mg_allocate_zeroed(1, sizeof *refresh);
    refresh->job.work = work_refresh;
    refresh->job.done = refreshed;
    refresh->gateway = gateway;
    refresh->config = mg_config_hold(gateway->config);
    gateway->refreshing = mg_pool_submit(gateway->background, &refresh->job);
    if (gateway->refreshing)
        return;
    mg_config_release(refresh->config);
    free(refresh);
}

/* Sets the timer anew each time, since a reload may have changed how often. */
static void revocation_due(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct gateway *gateway = context;
    gateway_look_at_lists(gateway);
    start_timer(gateway->revocation_timer, gateway->config->revocation_check);
}

/* ---- retention ---- */

struct expiry {
    struct mg_job job; /* first */
    struct gateway *gateway;
    struct mg_store_expiry run;
    struct mg_error error;
    bool ok;
};

static void work_expiry(struct mg_job *job)
{
    struct expiry *expiry = (struct expiry *)job;
    expiry->run = (struct mg_store_expiry){.now = mg_clock_now(), .more = true};
    expiry->ok = true;
    while (expiry->run.more && expiry->ok && !expiry->gateway->stopping)
        expiry->ok = mg_store_expire(expiry->gateway->store, &expiry->run, &expiry->error);
}

static void expired(struct mg_job *job)
{
    struct expiry *expiry = (struct expiry *)job;
    if (!expiry->ok)
        mg_log(MG_LOG_ERROR, "retention.failed", "code", expiry->error.code, "reason",
               expiry->error.text, NULL);
    /* The timer runs by a clock that nobody sets. */
    if (expiry->run.behind && !expiry->gateway->stopping)
        start_timer(expiry->gateway->expire_timer, EXPIRE_BEHIND);
    expiry->gateway->expiring = false;
    free(expiry);
}

static void expire(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct gateway *gateway = context;
    start_timer(gateway->expire_timer, EXPIRE_PAUSE);
    if (gateway->expiring || gateway->stopping)
        return;
    struct expiry *expiry = mg_allocate_zeroed(1, sizeof *expiry);
    expiry->job.work = work_expiry;
    expiry->job.done = expired;
    expiry->gateway = gateway;
    gateway->expiring = mg_pool_submit(gateway->background, &expiry->job);
    if (!gateway->expiring)
        free(expiry);
}

/* ---- the audit trail ---- */

static void look_after_audit(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct gateway *gateway = context;
    start_timer(gateway->audit_timer, AUDIT_PAUSE);
    mg_audit_tick(gateway->audit);
}

void gateway_expire_soon(struct gateway *gateway)
{
    start_timer(gateway->expire_timer, EXPIRE_SOON);
}

void gateway_start_upkeep(struct gateway *gateway)
{
    gateway->revocation_timer = evtimer_new(gateway->base, revocation_due, gateway);
    start_timer(gateway->revocation_timer, gateway->config->revocation_check);
    gateway->audit_timer = evtimer_new(gateway->base, look_after_audit, gateway);
    start_timer(gateway->audit_timer, AUDIT_PAUSE);
    gateway->expire_timer = evtimer_new(gateway->base, expire, gateway);
    gateway_expire_soon(gateway);
}
