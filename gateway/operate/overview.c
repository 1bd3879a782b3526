#include "gateway/operate/overview.h"

#include "gateway/operate/health.h"

#include <stdlib.h>
#include <string.h>

const char *const mg_destination_state_words[MG_DESTINATION_STATES] = {
    [MG_DESTINATION_READY] = "ready",     [MG_DESTINATION_PAUSED] = "paused",
    [MG_DESTINATION_DOWN] = "down",       [MG_DESTINATION_BLOCKED] = "blocked",
    [MG_DESTINATION_REMOVED] = "removed",
};

/* Room for one more element of an array that doubles. */
static void *grow(void *array, size_t count, size_t size)
{
    bool full = (count & (count - 1)) == 0;
    return full ? mg_reallocate(array, (count ? 2 * count : 1) * size) : array;
}

/* ---- destinations ---- */

static enum mg_destination_state state_of(const struct mg_dispatch_facts *facts)
{
    if (facts->removed)
        return MG_DESTINATION_REMOVED;
    if (facts->paused || facts->pause)
        return MG_DESTINATION_PAUSED;
    if (facts->instance.down)
        return MG_DESTINATION_DOWN;
    return facts->blocked ? MG_DESTINATION_BLOCKED : MG_DESTINATION_READY;
}

static struct mg_overview_destination *add_destination(struct mg_overview *overview,
                                                       const struct mg_dispatch_facts *facts)
{
    overview->destinations =
        grow(overview->destinations, overview->destination_count, sizeof *overview->destinations);
    struct mg_overview_destination *destination =
        &overview->destinations[overview->destination_count++];
    *destination = (struct mg_overview_destination){.state = state_of(facts), .facts = *facts};
    return destination;
}

static void see_lane(const struct mg_dispatch_facts *facts, void *context)
{
    add_destination(context, facts);
}

static int by_name(const void *left, const void *right)
{
    const struct mg_overview_destination *one = left, *other = right;
    return strcmp(one->facts.name, other->facts.name);
}

static void sort_destinations(struct mg_overview *overview)
{
    if (overview->destination_count > 0)
        qsort(overview->destinations, overview->destination_count, sizeof *overview->destinations,
              by_name);
}

static struct mg_overview_destination *find(const struct mg_overview *overview, size_t count,
                                            const char *name)
{
    const struct mg_overview_destination wanted = {.facts = {.name = name}};
    return count == 0 ? NULL
                      : bsearch(&wanted, overview->destinations, count,
                                sizeof *overview->destinations, by_name);
}

/* What waits or is dead, also for destinations that nobody has configured any more. */
static void add_queues(struct mg_overview *overview)
{
    size_t lanes = overview->destination_count;
    for (size_t i = 0; i < overview->queue_count; i++) {
        const struct mg_store_queue *queue = &overview->queues[i];
        struct mg_overview_destination *destination = find(overview, lanes, queue->destination);
        if (!destination)
            destination =
                add_destination(overview, &(struct mg_dispatch_facts){.name = queue->destination,
                                                                      .removed = true,
                                                                      .failure_code = "",
                                                                      .failure_text = ""});
        destination->queue = *queue;
        overview->store.waiting += queue->waiting;
        overview->store.dead += queue->dead;
    }
}

bool mg_overview_works(const struct mg_overview_destination *destination)
{
    return destination->state == MG_DESTINATION_READY &&
           destination->facts.breaker == MG_BREAKER_CLOSED;
}

const struct mg_overview_destination *mg_overview_destination(const struct mg_overview *overview,
                                                              const char *name)
{
    return find(overview, overview->destination_count, name);
}

const char *const mg_route_state_words[MG_ROUTE_STATES] = {
    [MG_ROUTE_READY] = "ready",
    [MG_ROUTE_DEGRADED] = "degraded",
    [MG_ROUTE_DOWN] = "down",
};

enum mg_route_state mg_overview_route_state(const struct mg_overview *overview,
                                            const struct mg_route *route)
{
    size_t working = 0;
    for (size_t i = 0; i < route->destination_count; i++) {
        const char *name = overview->config->destinations[route->destinations[i]].name;
        const struct mg_overview_destination *destination = mg_overview_destination(overview, name);
        working += destination && mg_overview_works(destination);
    }
    if (working == route->destination_count)
        return MG_ROUTE_READY;
    return working > 0 ? MG_ROUTE_DEGRADED : MG_ROUTE_DOWN;
}

/* ---- instances and counters ---- */

static int instance_order(const void *left, const void *right)
{
    const struct mg_host_facts *one = left, *other = right;
    int order = strcmp(one->adapter, other->adapter);
    return order ? order : strcmp(one->name, other->name);
}

static void collect_instances(struct mg_overview *overview, const struct mg_host *host)
{
    struct mg_host_facts facts;
    for (size_t i = 0; mg_host_facts(host, i, &facts); i++) {
        overview->instances =
            grow(overview->instances, overview->instance_count, sizeof *overview->instances);
        overview->instances[overview->instance_count++] = facts;
    }
    if (overview->instance_count > 0)
        qsort(overview->instances, overview->instance_count, sizeof *overview->instances,
              instance_order);
}

static void see_counter(const struct mg_host_counter *counter, void *context)
{
    struct mg_overview *overview = context;
    overview->counters =
        grow(overview->counters, overview->counter_count, sizeof *overview->counters);
    overview->counters[overview->counter_count++] = *counter;
}

/* ---- listeners and revocation lists ---- */

void mg_overview_add_listener(const struct mg_overview_listener *listener, void *context)
{
    struct mg_overview *overview = context;
    overview->listeners =
        grow(overview->listeners, overview->listener_count, sizeof *overview->listeners);
    overview->listeners[overview->listener_count++] = *listener;
}

static int listener_order(const void *left, const void *right)
{
    const struct mg_overview_listener *one = left, *other = right;
    return strcmp(one->name, other->name);
}

static void collect_lists(struct mg_overview *overview)
{
    struct mg_anchors *anchors = overview->config->anchors;
    size_t count = anchors ? mg_anchors_lists(anchors, NULL, 0) : 0;
    if (count == 0)
        return;
    /* Lists may be exchanged between the two looks. */
    overview->lists = mg_allocate_zeroed(count, sizeof *overview->lists);
    size_t now = mg_anchors_lists(anchors, overview->lists, count);
    overview->list_count = now < count ? now : count;
    overview->stale_lists_count = mg_anchors_accepts_stale_lists(anchors);
}

/* ---- all of it ---- */

void mg_overview_collect(struct mg_overview *overview, struct mg_store *store,
                         const struct mg_host *host, const struct mg_dispatch *dispatch)
{
    mg_dispatch_each(dispatch, see_lane, overview);
    sort_destinations(overview);
    mg_store_queues(store, &overview->queues, &overview->queue_count);
    add_queues(overview);
    sort_destinations(overview);
    overview->store.accepts = mg_store_ready(store);
    overview->store.records = mg_store_can_record(store);
    collect_instances(overview, host);
    mg_host_each_counter(host, see_counter, overview);
    if (overview->listener_count > 0)
        qsort(overview->listeners, overview->listener_count, sizeof *overview->listeners,
              listener_order);
    collect_lists(overview);
    mg_store_measures(store, &overview->measures);
    /* Their size on disk is as it was measured last; how many there are is known. */
    if (overview->measures.messages >= 0)
        overview->store.messages = overview->measures.messages;
    overview->deliveries = mg_dispatch_totals(dispatch);
    mg_health_judge(overview);
}

void mg_overview_free(struct mg_overview *overview)
{
    free(overview->reasons);
    free(overview->lists);
    free(overview->listeners);
    free(overview->counters);
    free(overview->instances);
    free(overview->destinations);
    free(overview->queues);
    overview->reasons = NULL;
    overview->lists = NULL;
    overview->listeners = NULL;
    overview->counters = NULL;
    overview->instances = NULL;
    overview->destinations = NULL;
    overview->queues = NULL;
    overview->reason_count = overview->list_count = overview->listener_count = 0;
    overview->counter_count = overview->instance_count = 0;
    overview->destination_count = overview->queue_count = 0;
}
