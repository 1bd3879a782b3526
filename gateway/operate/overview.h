/*
 * overview: the state of the gateway at one moment, as plain values: what the status and the
 * metrics are written from.
 *
 * Everything in it is known in memory already, so that looking costs the loop next to nothing and
 * never waits for the disk. Texts are borrowed from the rooms that they come from: an overview is
 * made, written and freed in one turn of the loop. Times are milliseconds since 1970, and 0 where
 * there is none. Texts of adapters are hostile: writers take care of them (text.h).
 */
#ifndef MUENGSTEN_OPERATE_OVERVIEW_H
#define MUENGSTEN_OPERATE_OVERVIEW_H

#include "gateway/audit/audit.h"
#include "gateway/dispatch/dispatch.h"
#include "gateway/intake/tally.h"

/* Configurations that were to be applied since the start. */
struct mg_overview_reloads {
    int64_t applied;
    int64_t refused;
    int64_t last_refused;        /* when */
    const char *const *problems; /* why: each a sentence with its place */
    size_t problem_count;
};

struct mg_overview_store {
    int64_t messages;
    int64_t waiting;
    int64_t dead;
    int64_t bytes;    /* on disk, when it was measured last; -1: not yet */
    int64_t measured; /* when that was */
    bool accepts;     /* messages: enough space, no failure */
    bool records;     /* outcomes of deliveries */
};

struct mg_overview_destination {
    enum mg_destination_state {
        MG_DESTINATION_READY,
        MG_DESTINATION_PAUSED,  /* the configuration or an operator says so */
        MG_DESTINATION_DOWN,    /* its adapter says so */
        MG_DESTINATION_BLOCKED, /* ordered, and a dead one stands before the next */
        MG_DESTINATION_REMOVED, /* not configured any more, but something is still there for it */
    } state;
    struct mg_dispatch_facts facts;
    struct mg_store_queue queue;
};
#define MG_DESTINATION_STATES 5
extern const char *const mg_destination_state_words[MG_DESTINATION_STATES];

struct mg_overview_process {
    int64_t processor; /* milliseconds of processor time */
    int64_t resident;  /* bytes of memory; 0: not known */
};

struct mg_overview_listener {
    const char *name;
    const char *address;
    int port;
    int64_t connections;
    bool stopping;
};

/* Something that an operator has to know of; health.h has them all. */
struct mg_overview_reason {
    bool critical;       /* else a warning */
    const char *code;    /* such as "destination.down" */
    const char *subject; /* of what: a name; NULL: the gateway */
    char text[320];
    int64_t since; /* 0: not known */
};

struct mg_overview {
    const struct mg_config *config; /* that is shown */
    const char *version;
    const char *name;
    int64_t now;
    int64_t started;
    bool stopping;
    const char *file; /* of the configuration */
    const char *hash;
    int64_t loaded;
    struct mg_overview_reloads reloads;
    int64_t unannounced; /* since when a certificate seals that was not announced; 0: none does */
    struct mg_overview_store store;
    struct mg_overview_process process;
    struct mg_overview_destination *destinations; /* by name */
    size_t destination_count;
    struct mg_store_queue *queues; /* names of destinations may be in it */
    size_t queue_count;
    struct mg_host_facts *instances; /* by adapter, then by name */
    size_t instance_count;
    struct mg_host_counter *counters; /* in no order */
    size_t counter_count;
    struct mg_overview_listener *listeners; /* by name */
    size_t listener_count;
    struct mg_list_facts *lists;
    size_t list_count;
    bool stale_lists_count; /* as the configuration has it; else what they judged is refused */
    struct mg_store_measures measures;
    const struct mg_tally *tally;
    const struct mg_dispatch_totals *deliveries;
    struct mg_audit_facts audit;
    struct mg_overview_reason *reasons; /* the worst first */
    size_t reason_count;
};

/* What a destination has to do with deliveries now: everything in it works. */
bool mg_overview_works(const struct mg_overview_destination *destination);
/* The destination of that name, or NULL. */
const struct mg_overview_destination *mg_overview_destination(const struct mg_overview *overview,
                                                              const char *name);

enum mg_route_state { MG_ROUTE_READY, MG_ROUTE_DEGRADED, MG_ROUTE_DOWN };
#define MG_ROUTE_STATES 3
extern const char *const mg_route_state_words[MG_ROUTE_STATES];
/* Whether all, some or none of the destinations of a route work. */
enum mg_route_state mg_overview_route_state(const struct mg_overview *overview,
                                            const struct mg_route *route);

/* Adds a listener, while the caller goes through them. */
void mg_overview_add_listener(const struct mg_overview_listener *listener, void *overview);

/* Looks at destinations, instances, counters and certificates, and judges (health.h); the caller
 * has filled in the rest, the listeners among it. */
void mg_overview_collect(struct mg_overview *overview, struct mg_store *store,
                         const struct mg_host *host, const struct mg_dispatch *dispatch);
/* Frees what collect has made. */
void mg_overview_free(struct mg_overview *overview);

#endif
