/*
 * remote_world: stands in for the host of adapters in the unit tests of the gateway's end of the
 * adapter protocol: a loop, one instance, handles that the tests look into. The programs are real.
 */
#ifndef MUENGSTEN_TESTS_REMOTE_WORLD_H
#define MUENGSTEN_TESTS_REMOTE_WORLD_H

#include "gateway/isolation/remote.h"
#include "tests/unit/unit.h"

#define WORLD_MANY 64

struct mg_delivery {
    const char *document, *seal, *original;
    int attempt;
    int64_t deadline;
    bool done;
    enum mg_outcome_kind kind;
    char code[64];
    char reply[256];
};

struct world {
    struct event_base *base;
    struct mg_children *children;
    struct mg_gateway gateway;
    const struct mg_adapter *description;
    void *remote;
    struct mg_remote_times times; /* for the next open */
    struct mg_field parameters[8];
    const char *prefix;
    enum mg_state state;
    char state_code[64];
    int states; /* how often it was told */
    char log[65536];
    int64_t counted;
    char counter[64];
    struct mg_delivery deliveries[WORLD_MANY];
    size_t delivery_count;
    int failures; /* how often fail was called */
};

extern struct world world;

void world_start(void);
/* Closes the instance, if it is open, and waits for all programs to be reaped. */
void world_stop(void);

/* Describes the program, or shared object, and opens an instance of it. The pairs are parameters,
 * up to NULL. */
void world_open(const char *path, const char *name, ...) __attribute__((sentinel));

struct mg_delivery *world_deliver(void);
/* Runs the loop until it is so: false if patience ends before. */
bool world_until(bool (*is_so)(void));
void world_run_for(int milliseconds);

bool world_all_done(void);
bool world_is_ready(void);

#endif
