#include "gateway/gateway.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/dispatch/dispatch.h"
#include "gateway/net/tls.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <malloc.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BACKGROUND_THREADS 4
#define BACKGROUND_LIMIT   1024
/* Intake bounds the messages underway, lanes the deliveries; this is more than both together. */
#define WORKERS_LIMIT 65536
/* How long requests may go on after SIGTERM before they are broken off, and then running deliveries
 * before they are cancelled, in milliseconds. */
#define GRACE        20000
#define EXPIRE_PAUSE 60000

struct listener {
    struct mg_http_server *server;
    struct mg_host_listener *handler;
    SSL_CTX *tls;
};

struct gateway {
    struct mg_config *config;
    struct mg_catalogue *catalogue;
    struct event_base *base;
    struct mg_handoff *handoff;
    struct event *handoff_ready;
    struct mg_pool *workers;
    struct mg_pool *background;
    struct mg_store *store;
    struct mg_intake *intake;
    struct evdns_base *dns;
    SSL_CTX *client_tls;
    struct mg_http_client *client;
    struct mg_host *host;
    struct mg_dispatch *dispatch;
    struct listener *listeners;
    size_t listeners_open; /* not yet drained */
    struct event *stop_signals[2];
    struct event *reload_signal;
    struct event *revocation_timer;
    struct event *expire_timer;
    struct event *idle_look; /* while stopping: whether the last work has ended */
    struct event *hurry;     /* while stopping: the end of patience with clients */
    atomic_bool stopping;    /* read by the background's threads too */
    bool refreshing;
    bool refresh_again;
    bool expiring;
};

/* ---- revocation lists ---- */

struct refresh {
    struct mg_job job; /* first */
    struct gateway *gateway;
    bool changed;
    bool ok;
    struct mg_error error;
};

static void work_refresh(struct mg_job *job)
{
    struct refresh *refresh = (struct refresh *)job;
    refresh->ok =
        mg_anchors_refresh(refresh->gateway->config->anchors, &refresh->changed, &refresh->error);
}

static void exchange_lists(struct gateway *gateway)
{
    X509_STORE *store = mg_anchors_store(gateway->config->anchors);
    for (size_t i = 0; i < gateway->config->listener_count; i++)
        mg_tls_set_store(gateway->listeners[i].tls, store);
    mg_tls_set_store(gateway->client_tls, store);
    mg_http_client_forget(gateway->client);
    X509_STORE_free(store);
    ERR_clear_error();
    mg_log(MG_LOG_NOTICE, "revocation.exchanged", NULL);
}

static void look_at_lists(evutil_socket_t descriptor, short what, void *context);

static void refreshed(struct mg_job *job)
{
    struct refresh *refresh = (struct refresh *)job;
    struct gateway *gateway = refresh->gateway;
    if (!refresh->ok)
        mg_log(MG_LOG_ERROR, "revocation.unreadable", "code", refresh->error.code, "reason",
               refresh->error.text, NULL);
    else if (refresh->changed)
        exchange_lists(gateway);
    bool again = gateway->refresh_again;
    gateway->refreshing = gateway->refresh_again = false;
    free(refresh);
    if (again)
        look_at_lists(-1, 0, gateway);
}

static void look_at_lists(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct gateway *gateway = context;
    /* The list that somebody asks for may have come after the one that is being read. */
    gateway->refresh_again = gateway->refreshing;
    if (gateway->refreshing || gateway->stopping)
        return;
    struct refresh *refresh = mg_allocate_zeroed(1, sizeof *refresh);
    refresh->job.work = work_refresh;
    refresh->job.done = refreshed;
    refresh->gateway = gateway;
    gateway->refreshing = mg_pool_submit(gateway->background, &refresh->job);
    if (!gateway->refreshing)
        free(refresh);
}

/* ---- retention ---- */

struct expiry {
    struct mg_job job; /* first */
    struct gateway *gateway;
    struct mg_error error;
    bool ok;
};

static void work_expiry(struct mg_job *job)
{
    struct expiry *expiry = (struct expiry *)job;
    bool more = true;
    expiry->ok = true;
    while (more && expiry->ok && !expiry->gateway->stopping)
        expiry->ok = mg_store_expire(expiry->gateway->store, mg_clock_now(), &more, &expiry->error);
}

static void expired(struct mg_job *job)
{
    struct expiry *expiry = (struct expiry *)job;
    if (!expiry->ok)
        mg_log(MG_LOG_ERROR, "retention.failed", "code", expiry->error.code, "reason",
               expiry->error.text, NULL);
    expiry->gateway->expiring = false;
    free(expiry);
}

static void expire(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct gateway *gateway = context;
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

/* ---- the stop ---- */

static void look_whether_idle(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct gateway *gateway = context;
    if (mg_intake_underway(gateway->intake) == 0 && mg_host_underway(gateway->host) == 0 &&
        !gateway->refreshing && !gateway->expiring)
        event_base_loopbreak(gateway->base);
}

static void deliveries_drained(void *context)
{
    struct gateway *gateway = context;
    static const struct timeval often = {0, 20000};
    gateway->idle_look = event_new(gateway->base, -1, EV_PERSIST, look_whether_idle, gateway);
    event_add(gateway->idle_look, &often);
}

static void listener_drained(struct mg_http_server *server, void *context)
{
    (void)server;
    struct gateway *gateway = context;
    if (--gateway->listeners_open == 0)
        mg_dispatch_stop(gateway->dispatch, GRACE, deliveries_drained, gateway);
}

/* A client that sends a long body slowly would keep the gateway from stopping for hours: its
 * request is broken off, and it has no receipt. */
static void hurry(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct gateway *gateway = context;
    if (gateway->listeners_open == 0)
        return;
    mg_log(MG_LOG_WARNING, "gateway.clients-broken-off", NULL);
    for (size_t i = 0; i < gateway->config->listener_count; i++) {
        mg_http_server_free(gateway->listeners[i].server);
        gateway->listeners[i].server = NULL;
    }
    gateway->listeners_open = 0;
    mg_dispatch_stop(gateway->dispatch, GRACE, deliveries_drained, gateway);
}

/* Whoever asks a second time does not want to wait. */
static void stop_at_once(struct gateway *gateway)
{
    hurry(-1, 0, gateway);
    mg_dispatch_stop(gateway->dispatch, 0, deliveries_drained, gateway);
}

/* First nothing new comes in, then what came in is answered, then what runs out is recorded. */
static void stop(evutil_socket_t number, short what, void *context)
{
    (void)what;
    struct gateway *gateway = context;
    mg_log(MG_LOG_NOTICE, "gateway.stopping", "signal", MG_LOG_NUMBER(number), NULL);
    if (gateway->stopping) {
        stop_at_once(gateway);
        return;
    }
    gateway->stopping = true;
    mg_intake_stop(gateway->intake);
    gateway->listeners_open = gateway->config->listener_count;
    if (gateway->listeners_open == 0)
        mg_dispatch_stop(gateway->dispatch, GRACE, deliveries_drained, gateway);
    for (size_t i = 0; i < gateway->config->listener_count; i++)
        mg_http_server_stop(gateway->listeners[i].server, listener_drained, gateway);
    static const struct timeval patience = {GRACE / 1000, 0};
    gateway->hurry = evtimer_new(gateway->base, hurry, gateway);
    evtimer_add(gateway->hurry, &patience);
}

/* ---- the start, in the order in which things lean on each other ---- */

static void drain_handoff(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    mg_handoff_drain(context);
}

static void wake(const char *destination, void *context)
{
    struct gateway *gateway = context;
    if (gateway->dispatch)
        mg_dispatch_wake(gateway->dispatch, destination);
}

static bool start_loop(struct gateway *gateway, struct mg_error *error)
{
    gateway->base = event_base_new();
    gateway->handoff = mg_handoff_new(error);
    if (!gateway->base || !gateway->handoff)
        return mg_fail(error, "system.loop", "the event loop cannot be started");
    gateway->handoff_ready = event_new(gateway->base, mg_handoff_descriptor(gateway->handoff),
                                       EV_READ | EV_PERSIST, drain_handoff, gateway->handoff);
    event_add(gateway->handoff_ready, NULL);
    return true;
}

static bool start_threads(struct gateway *gateway, struct mg_error *error)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned workers = gateway->config->workers;
    if (workers == 0)
        workers = processors > 0 ? (unsigned)processors : 1;
    gateway->workers = mg_pool_new("worker", workers, WORKERS_LIMIT, gateway->handoff, error);
    gateway->background =
        mg_pool_new("background", BACKGROUND_THREADS, BACKGROUND_LIMIT, gateway->handoff, error);
    return gateway->workers && gateway->background;
}

static bool start_store(struct gateway *gateway, struct mg_error *error)
{
    const struct mg_config *config = gateway->config;
    const struct mg_store_options options = {
        .folder = config->store,
        .node = config->name,
        .reserve = config->reserve,
        .keep_content = config->keep_content,
        .keep_trace = config->keep_trace,
    };
    gateway->store = mg_store_sqlite_open(&options, gateway->handoff, error);
    if (!gateway->store)
        return false;
    const struct mg_intake_options intake = {
        .store = gateway->store,
        .workers = gateway->workers,
        .committed = wake,
        .context = gateway,
    };
    gateway->intake = mg_intake_new(&intake);
    return true;
}

/* As many connections are kept to a destination as it may have deliveries at once. */
static size_t most_deliveries(const struct mg_config *config)
{
    size_t most = 1;
    for (size_t i = 0; i < config->destination_count; i++)
        if (config->destinations[i].concurrency > most)
            most = config->destinations[i].concurrency;
    return most;
}

/* libevent gives no resolver at all where /etc/resolv.conf names no server: the one on this machine
 * that resolv.conf(5) promises then, and the names of /etc/hosts, are there all the same. */
static struct evdns_base *start_resolver(struct event_base *base)
{
    struct evdns_base *dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (!dns)
        mg_die("no memory for a resolver");
    if (evdns_base_resolv_conf_parse(dns, DNS_OPTIONS_ALL, "/etc/resolv.conf") != 0)
        mg_log(MG_LOG_WARNING, "net.resolver", "reason",
               "/etc/resolv.conf names no server; the one on this machine is asked", NULL);
    return dns;
}

static bool start_client(struct gateway *gateway, struct mg_error *error)
{
    const struct mg_config *config = gateway->config;
    X509_STORE *store = mg_anchors_store(config->anchors);
    gateway->client_tls = mg_tls_client(config->tls_certificate, config->tls_key, store, error);
    X509_STORE_free(store);
    if (!gateway->client_tls)
        return false;
    gateway->dns = start_resolver(gateway->base);
    const struct mg_http_client_options options = {
        .tls = gateway->client_tls,
        .dns = gateway->dns,
        .proxy = config->proxy,
        .idle_limit = most_deliveries(config),
    };
    gateway->client = mg_http_client_new(gateway->base, &options);
    return true;
}

static bool start_adapters(struct gateway *gateway, struct mg_error *error)
{
    const struct mg_host_options host = {
        .base = gateway->base,
        .handoff = gateway->handoff,
        .store = gateway->store,
        .workers = gateway->workers,
        .background = gateway->background,
        .intake = gateway->intake,
        .client = gateway->client,
        .ready = wake,
        .context = gateway,
    };
    gateway->host = mg_host_new(&host);
    if (!mg_host_apply(gateway->host, gateway->config, gateway->catalogue, error))
        return false;
    const struct mg_dispatch_options dispatch = {
        .base = gateway->base,
        .store = gateway->store,
        .workers = gateway->workers,
        .host = gateway->host,
    };
    gateway->dispatch = mg_dispatch_new(&dispatch);
    mg_dispatch_apply(gateway->dispatch, gateway->config);
    return true;
}

static bool start_listener(struct gateway *gateway, const struct mg_config_listener *values,
                           struct listener *listener, struct mg_error *error)
{
    const struct mg_config *config = gateway->config;
    X509_STORE *store = mg_anchors_store(config->anchors);
    listener->tls = mg_tls_server(config->tls_certificate, config->tls_key, store, error);
    X509_STORE_free(store);
    if (!listener->tls)
        return false;
    listener->handler = mg_host_listener_new(gateway->host, values->name);
    const struct mg_http_server_options options = {
        .name = values->name,
        .address = values->address,
        .tls = listener->tls,
        .limits = values->limits,
        .handler = {.on_head = mg_host_on_head},
        .context = listener->handler,
    };
    listener->server = mg_http_server_new(gateway->base, &options, error);
    if (!listener->server)
        return false;
    mg_log(MG_LOG_NOTICE, "listener.open", "listener", values->name, "address", values->address,
           "port", MG_LOG_NUMBER(mg_http_server_port(listener->server)), NULL);
    return true;
}

static bool start_listeners(struct gateway *gateway, struct mg_error *error)
{
    const struct mg_config *config = gateway->config;
    gateway->listeners = mg_allocate_zeroed(config->listener_count, sizeof *gateway->listeners);
    for (size_t i = 0; i < config->listener_count; i++)
        if (!start_listener(gateway, &config->listeners[i], &gateway->listeners[i], error))
            return false;
    return true;
}

static struct event *start_timer(struct gateway *gateway, int64_t milliseconds,
                                 event_callback_fn run)
{
    struct event *timer = event_new(gateway->base, -1, EV_PERSIST, run, gateway);
    struct timeval every = {milliseconds / 1000, milliseconds % 1000 * 1000};
    event_add(timer, &every);
    return timer;
}

static void start_signals(struct gateway *gateway)
{
    gateway->stop_signals[0] = evsignal_new(gateway->base, SIGTERM, stop, gateway);
    gateway->stop_signals[1] = evsignal_new(gateway->base, SIGINT, stop, gateway);
    gateway->reload_signal = evsignal_new(gateway->base, SIGHUP, look_at_lists, gateway);
    evsignal_add(gateway->stop_signals[0], NULL);
    evsignal_add(gateway->stop_signals[1], NULL);
    evsignal_add(gateway->reload_signal, NULL);
    gateway->revocation_timer =
        start_timer(gateway, gateway->config->revocation_check, look_at_lists);
    gateway->expire_timer = start_timer(gateway, EXPIRE_PAUSE, expire);
}

static void free_event(struct event *event)
{
    if (event)
        event_free(event);
}

static void free_listeners(struct gateway *gateway)
{
    for (size_t i = 0; gateway->listeners && i < gateway->config->listener_count; i++) {
        struct listener *listener = &gateway->listeners[i];
        if (listener->server)
            mg_http_server_free(listener->server);
        mg_host_listener_free(listener->handler);
        SSL_CTX_free(listener->tls);
    }
    free(gateway->listeners);
}

/* In the reverse order of the start; of one that failed half-way, what there is. */
static void free_gateway(struct gateway *gateway)
{
    free_event(gateway->hurry);
    free_event(gateway->idle_look);
    free_event(gateway->expire_timer);
    free_event(gateway->revocation_timer);
    free_listeners(gateway);
    /* Adapters may wait for their work, so the pools outlive them; what the pools and the store
     * have completed is told before those end who want to know. */
    mg_host_free(gateway->host);
    mg_http_client_free(gateway->client);
    SSL_CTX_free(gateway->client_tls);
    if (gateway->dns)
        evdns_base_free(gateway->dns, 0);
    mg_pool_free(gateway->workers);
    mg_pool_free(gateway->background);
    if (gateway->handoff)
        mg_handoff_drain(gateway->handoff);
    mg_store_close(gateway->store);
    if (gateway->handoff)
        mg_handoff_drain(gateway->handoff);
    mg_dispatch_free(gateway->dispatch);
    mg_intake_free(gateway->intake);
    free_event(gateway->handoff_ready);
    /* Until now a second signal did not end the process half-way. */
    free_event(gateway->reload_signal);
    free_event(gateway->stop_signals[1]);
    free_event(gateway->stop_signals[0]);
    mg_handoff_free(gateway->handoff);
    if (gateway->base)
        event_base_free(gateway->base);
}

/* A connection needs a descriptor: as many as the system lets us have. */
static void raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    /* glibc gives every thread a heap of its own, which keeps what it once needed. */
    mallopt(M_ARENA_MAX, 2);
    signal(SIGPIPE, SIG_IGN);
    /* Who reloads while we start, or stop, does not want to end us. */
    signal(SIGHUP, SIG_IGN);
}

/* What libevent would print to stderr by itself. */
static void log_of_libevent(int severity, const char *text)
{
    static const enum mg_log_level levels[] = {
        [EVENT_LOG_DEBUG] = MG_LOG_DEBUG,
        [EVENT_LOG_MSG] = MG_LOG_NOTICE,
        [EVENT_LOG_WARN] = MG_LOG_WARNING,
        [EVENT_LOG_ERR] = MG_LOG_ERROR,
    };
    bool known = severity >= 0 && (size_t)severity < sizeof levels / sizeof *levels;
    mg_log(known ? levels[severity] : MG_LOG_ERROR, "net.libevent", "text", text, NULL);
}

static void log_of_resolver(int is_warning, const char *text)
{
    mg_log(is_warning ? MG_LOG_WARNING : MG_LOG_DEBUG, "net.resolver", "reason", text, NULL);
}

static void catch_logs(void)
{
    event_set_log_callback(log_of_libevent);
    evdns_set_log_fn(log_of_resolver);
}

static bool log_start(const struct gateway *gateway, struct mg_error *error)
{
    struct mg_store_totals totals;
    if (!mg_store_totals(gateway->store, &totals, error))
        return false;
    mg_log(MG_LOG_NOTICE, "gateway.ready", "name", gateway->config->name, "configuration",
           gateway->config->hash, "messages", MG_LOG_NUMBER(totals.messages), "waiting",
           MG_LOG_NUMBER(totals.waiting), "dead", MG_LOG_NUMBER(totals.dead), NULL);
    return true;
}

bool mg_gateway_run(struct mg_config *config, struct mg_catalogue *catalogue)
{
    struct gateway gateway = {.config = config, .catalogue = catalogue};
    struct mg_error error = {.text = ""};
    raise_limits();
    catch_logs();
    bool started = start_loop(&gateway, &error) && start_threads(&gateway, &error) &&
                   start_store(&gateway, &error) && start_client(&gateway, &error) &&
                   start_adapters(&gateway, &error) && start_listeners(&gateway, &error) &&
                   log_start(&gateway, &error);
    if (started) {
        start_signals(&gateway);
        mg_dispatch_begin(gateway.dispatch);
        event_base_dispatch(gateway.base);
    } else {
        mg_log(MG_LOG_ERROR, "gateway.not-started", "code", error.code, "place", error.place,
               "reason", error.text, NULL);
    }
    free_gateway(&gateway);
    if (started)
        mg_log(MG_LOG_NOTICE, "gateway.stopped", NULL);
    return started;
}
