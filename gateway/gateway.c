#include "gateway/gateway.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/net/inherited.h"
#include "gateway/parts.h"

#include <event2/thread.h>
#include <malloc.h>
#include <signal.h>
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
#define GRACE 20000
/* And how long adapters in processes of their own may take to end what they began after that. */
#define ADAPTERS_GRACE 5

/* ---- the stop ---- */

static void look_whether_idle(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct gateway *gateway = context;
    if (mg_intake_underway(gateway->intake) == 0 && mg_host_underway(gateway->host) == 0 &&
        !gateway->refreshing && !gateway->expiring && !gateway->reloading &&
        !mg_audit_is_busy(gateway->audit))
        event_base_loopbreak(gateway->base);
}

/* A program that begins a message and never finishes it would keep the gateway from stopping. */
static void let_go(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct gateway *gateway = context;
    mg_host_let_go(gateway->host);
}

static void deliveries_drained(void *context)
{
    struct gateway *gateway = context;
    static const struct timeval often = {0, 20000}, patience = {ADAPTERS_GRACE, 0};
    gateway->let_go = evtimer_new(gateway->base, let_go, gateway);
    evtimer_add(gateway->let_go, &patience);
    gateway->idle_look = event_new(gateway->base, -1, EV_PERSIST, look_whether_idle, gateway);
    event_add(gateway->idle_look, &often);
}

static void listeners_drained(void *context)
{
    struct gateway *gateway = context;
    mg_dispatch_stop(gateway->dispatch, GRACE, deliveries_drained, gateway);
}

/* A client that sends a long body slowly would keep the gateway from stopping for hours: its
 * request is broken off, and it has no receipt. */
static void hurry(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct gateway *gateway = context;
    if (mg_listeners_break(gateway->listeners))
        mg_log(MG_LOG_WARNING, "gateway.clients-broken-off", NULL);
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
    mg_notify_stopping(gateway->notify);
    mg_operate_stopping(gateway->operate);
    mg_intake_stop(gateway->intake);
    mg_audit_stop(gateway->audit);
    mg_listeners_stop(gateway->listeners, listeners_drained, gateway);
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

void gateway_wake(const char *destination, void *context)
{
    struct gateway *gateway = context;
    if (gateway->dispatch)
        mg_dispatch_wake(gateway->dispatch, destination);
}

static void count_collected(const char *destination, void *context)
{
    struct gateway *gateway = context;
    if (gateway->dispatch)
        mg_dispatch_collected(gateway->dispatch, destination);
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
    gateway->notify = mg_notify_new(gateway->base);
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
    const struct mg_audit_options audit = {
        .store = gateway->store,
        .background = gateway->background,
    };
    gateway->audit = mg_audit_new(&audit);
    mg_audit_apply(gateway->audit, gateway->config);
    if (!mg_audit_last_seal(gateway->store, &gateway->seal, error))
        return false;
    const struct mg_intake_options intake = {
        .store = gateway->store,
        .workers = gateway->workers,
        .audit = gateway->audit,
        .committed = gateway_wake,
        .context = gateway,
    };
    gateway->intake = mg_intake_new(&intake);
    return true;
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

static bool start_clients(struct gateway *gateway, struct mg_error *error)
{
    gateway->dns = start_resolver(gateway->base);
    gateway->clients = mg_clients_new(gateway->base, gateway->dns);
    if (!mg_clients_prepare(gateway->clients, gateway->config, error))
        return false;
    mg_clients_commit(gateway->clients, gateway->config);
    return true;
}

/* What operators have paused stays so. */
static bool start_pauses(struct gateway *gateway, struct mg_error *error)
{
    struct mg_store_pause *pauses;
    size_t count;
    bool read = mg_store_pauses(gateway->store, &pauses, &count, error);
    for (size_t i = 0; i < count; i++)
        mg_dispatch_pause(gateway->dispatch, &pauses[i]);
    free(pauses);
    return read;
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
        .audit = gateway->audit,
        .clients = gateway->clients,
        .ready = gateway_wake,
        .collected = count_collected,
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
    return start_pauses(gateway, error);
}

static bool start_listeners(struct gateway *gateway, struct mg_error *error)
{
    gateway->listeners = mg_listeners_new(gateway->base, gateway->host);
    if (!mg_listeners_prepare(gateway->listeners, gateway->config, error))
        return false;
    mg_listeners_commit(gateway->listeners);
    return true;
}

static void each_listener(void (*see)(const struct mg_overview_listener *listener, void *context),
                          void *context, void *owner)
{
    const struct gateway *gateway = owner;
    mg_listeners_each(gateway->listeners, see, context);
}

static int64_t reload_for_operator(void *owner)
{
    return gateway_reload(owner);
}

static bool start_operate(struct gateway *gateway, struct mg_error *error)
{
    const struct mg_operate_options options = {
        .base = gateway->base,
        .store = gateway->store,
        .audit = gateway->audit,
        .background = gateway->background,
        .host = gateway->host,
        .dispatch = gateway->dispatch,
        .intake = gateway->intake,
        .reload = reload_for_operator,
        .listeners = each_listener,
        .owner = gateway,
    };
    gateway->operate = mg_operate_new(&options);
    if (!mg_operate_prepare(gateway->operate, gateway->config, error))
        return false;
    mg_operate_commit(gateway->operate, gateway->config);
    return true;
}

static void reload(evutil_socket_t number, short what, void *context)
{
    (void)number;
    (void)what;
    gateway_reload(context);
}

static void block_reload(int how)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(how, &signals, NULL);
}

void mg_gateway_postpone_reload(void)
{
    /* Ignored is what comes when the loop no longer takes it, while we stop. */
    signal(SIGHUP, SIG_IGN);
    block_reload(SIG_BLOCK);
}

/* Before anybody is told that the gateway is ready: from then on a signal is a wish, and ends
 * nothing half-way. */
static bool start_signals(struct gateway *gateway, struct mg_error *error)
{
    gateway->stop_signals[0] = evsignal_new(gateway->base, SIGTERM, stop, gateway);
    gateway->stop_signals[1] = evsignal_new(gateway->base, SIGINT, stop, gateway);
    gateway->reload_signal = evsignal_new(gateway->base, SIGHUP, reload, gateway);
    if (evsignal_add(gateway->stop_signals[0], NULL) != 0 ||
        evsignal_add(gateway->stop_signals[1], NULL) != 0 ||
        evsignal_add(gateway->reload_signal, NULL) != 0)
        return mg_fail(error, "system.loop", "the event loop takes no signals");
    block_reload(SIG_UNBLOCK);
    return true;
}

/* A connection that is freed while it has something to tell waits for the loop to let go of it, and
 * keeps its session, the keys in it and all that these hold. */
static void free_loop(struct event_base *base)
{
    if (!base)
        return;
    event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_free(base);
}

static void free_event(struct event *event)
{
    if (event)
        event_free(event);
}

/* In the reverse order of the start; of one that failed half-way, what there is. */
static void free_gateway(struct gateway *gateway)
{
    free_event(gateway->let_go);
    free_event(gateway->hurry);
    free_event(gateway->idle_look);
    free_event(gateway->seal_timer);
    free_event(gateway->audit_timer);
    free_event(gateway->expire_timer);
    free_event(gateway->revocation_timer);
    mg_operate_free(gateway->operate);
    mg_listeners_free(gateway->listeners);
    /* Adapters may wait for their work, so the pools outlive them; what the pools and the store
     * have completed is told before those end who want to know. */
    mg_host_free(gateway->host);
    mg_clients_free(gateway->clients);
    if (gateway->dns)
        evdns_base_free(gateway->dns, 0);
    mg_pool_free(gateway->workers);
    mg_pool_free(gateway->background);
    if (gateway->handoff)
        mg_handoff_drain(gateway->handoff);
    if (gateway->idle_look)
        mg_audit_gateway(gateway->audit, "stopped", gateway->config->hash, NULL);
    mg_store_close(gateway->store);
    if (gateway->handoff)
        mg_handoff_drain(gateway->handoff);
    mg_audit_free(gateway->audit);
    mg_dispatch_free(gateway->dispatch);
    mg_intake_free(gateway->intake);
    free_event(gateway->handoff_ready);
    /* Until now a second signal did not end the process half-way. */
    free_event(gateway->reload_signal);
    free_event(gateway->stop_signals[1]);
    free_event(gateway->stop_signals[0]);
    mg_handoff_free(gateway->handoff);
    mg_notify_free(gateway->notify);
    free_loop(gateway->base);
    mg_catalogue_release(gateway->catalogue);
    mg_config_release(gateway->config);
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
    mg_audit_gateway(gateway->audit, "started", gateway->config->hash, NULL);
    return true;
}

bool mg_gateway_run(struct mg_config *config, struct mg_catalogue *catalogue)
{
    struct gateway gateway = {
        .file = config->file,
        .config = mg_config_hold(config),
        .catalogue = mg_catalogue_hold(catalogue),
    };
    struct mg_error error = {.text = ""};
    raise_limits();
    catch_logs();
    mg_inherited_start();
    bool started = start_loop(&gateway, &error) && start_threads(&gateway, &error) &&
                   start_store(&gateway, &error) && start_clients(&gateway, &error) &&
                   start_adapters(&gateway, &error) && start_listeners(&gateway, &error) &&
                   start_operate(&gateway, &error) && start_signals(&gateway, &error) &&
                   log_start(&gateway, &error);
    if (started) {
        gateway_start_upkeep(&gateway);
        gateway_watch_seal(&gateway);
        mg_dispatch_begin(gateway.dispatch);
        mg_notify_ready(gateway.notify, "Takes messages.");
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
