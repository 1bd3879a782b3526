/*
 * dispatch_world: a loop, workers, a store in memory, the real host with one destination, and a
 * dispatch, for the tests of deliveries and of boxes. What a test changes in the destination or in
 * the configuration counts from the next world_apply, or from the next look of dispatch.
 */
#ifndef MUENGSTEN_TESTS_DISPATCH_WORLD_H
#define MUENGSTEN_TESTS_DISPATCH_WORLD_H

#include "gateway/config/snapshot.h"
#include "gateway/dispatch/dispatch.h"

#define WORLD_MESSAGES 400
#define WORLD_WORKERS  2

struct world {
    struct event_base *base;
    struct mg_handoff *handoff;
    struct event *ready, *tick;
    struct mg_pool *workers, *background;
    struct mg_store *store;
    struct mg_config_snapshot *snapshot;
    struct mg_config_destination destination;
    struct mg_host *host;
    struct mg_dispatch *dispatch; /* NULL: none was made, or it is stopped */
    struct mg_id messages[WORLD_MESSAGES];
    size_t count;
    int drained;
    int accepted;
};

/* Starts all but dispatch, with the destination opened. So many jobs may wait for the workers. The
 * adapters are those of the tests. */
void world_start(struct world *world, const struct mg_config_destination *destination,
                 size_t waiting);
/* Has the host apply the configuration as it is now. */
void world_apply(struct world *world);
/* Makes a dispatch, which has still to begin. */
void world_make_dispatch(struct world *world);
/* What dispatch calls when it is drained: counts in drained. */
void world_drained(void *context);
void world_stop_dispatch(struct world *world, int64_t grace);
/* Stops everything, dispatch with it, and frees it. */
void world_stop(struct world *world);

void world_run_for(struct world *world, int milliseconds);
/* Runs the loop until it is not so any more, as long as patience lasts; true: it is not so. */
bool world_run_while(struct world *world, bool (*is_so)(struct world *world));

/* Puts a message for the destination into the store, with that many of its parts: header, content,
 * seal, two attachments. */
void world_accept(struct world *world, int64_t received, size_t parts);
/* The delivery of the message. */
struct mg_store_delivery world_delivery(struct world *world, size_t number);

#endif
