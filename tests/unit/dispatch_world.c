#include "tests/unit/dispatch_world.h"

#include "gateway/base/clock.h"
#include "gateway/message/header_record.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

static void drain(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    mg_handoff_drain(context);
}

static void tick(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what, (void)context;
}

/* ---- life ---- */

static void start_threads(struct world *world, size_t waiting)
{
    struct mg_error error;
    const struct mg_store_options store = {.node = "here"};
    static const struct timeval often = {0, 2000};
    world->base = event_base_new();
    world->handoff = mg_handoff_new(&error);
    world->workers = mg_pool_new("worker", WORLD_WORKERS, waiting, world->handoff, &error);
    world->background = mg_pool_new("background", 2, 1000, world->handoff, &error);
    world->store = mg_store_memory_open(&store, world->handoff, &error);
    CU_ASSERT_FATAL(world->base && world->workers && world->background && world->store);
    world->ready = event_new(world->base, mg_handoff_descriptor(world->handoff),
                             EV_READ | EV_PERSIST, drain, world->handoff);
    world->tick = event_new(world->base, -1, EV_PERSIST, tick, NULL);
    event_add(world->ready, NULL);
    event_add(world->tick, &often);
}

void world_apply(struct world *world)
{
    struct mg_error error = {.text = ""};
    struct mg_config_problems problems = {0};
    struct mg_catalogue *catalogue = mg_catalogue_new(&world->snapshot->config, &problems);
    CU_ASSERT_EQUAL_FATAL(problems.count, 0);
    bool applied = mg_host_apply(world->host, &world->snapshot->config, catalogue, &error);
    if (!applied)
        printf("# %s\n", error.text);
    CU_ASSERT_TRUE_FATAL(applied);
    mg_catalogue_release(catalogue);
}

void world_start(struct world *world, const struct mg_config_destination *destination,
                 size_t waiting)
{
    static const char *const adapter_folders[] = {MG_ADAPTERS_OF_TESTS};
    *world = (struct world){.snapshot = mg_config_snapshot_new(), .destination = *destination};
    world->snapshot->config.adapter_folders = adapter_folders;
    world->snapshot->config.adapter_folder_count = 1;
    world->snapshot->config.destinations = &world->destination;
    world->snapshot->config.destination_count = 1;
    start_threads(world, waiting);
    const struct mg_host_options options = {
        .base = world->base,
        .handoff = world->handoff,
        .store = world->store,
        .workers = world->workers,
        .background = world->background,
    };
    world->host = mg_host_new(&options);
    world_apply(world);
}

void world_make_dispatch(struct world *world)
{
    const struct mg_dispatch_options options = {
        .base = world->base,
        .store = world->store,
        .workers = world->workers,
        .host = world->host,
    };
    world->dispatch = mg_dispatch_new(&options);
    mg_dispatch_apply(world->dispatch, &world->snapshot->config);
}

void world_drained(void *context)
{
    ((struct world *)context)->drained++;
}

static bool is_running(struct world *world)
{
    return world->drained == 0;
}

void world_stop_dispatch(struct world *world, int64_t grace)
{
    world->drained = 0;
    mg_dispatch_stop(world->dispatch, grace, world_drained, world);
    CU_ASSERT(world_run_while(world, is_running));
    world_run_for(world, 20);
    CU_ASSERT_EQUAL(world->drained, 1);
    mg_dispatch_free(world->dispatch);
    world->dispatch = NULL;
}

void world_stop(struct world *world)
{
    if (world->dispatch)
        world_stop_dispatch(world, 0);
    mg_host_free(world->host);
    mg_pool_free(world->workers);
    mg_pool_free(world->background);
    mg_store_close(world->store);
    mg_handoff_drain(world->handoff);
    event_free(world->tick);
    event_free(world->ready);
    mg_handoff_free(world->handoff);
    event_base_free(world->base);
    mg_config_release(&world->snapshot->config);
}

/* ---- time ---- */

void world_run_for(struct world *world, int milliseconds)
{
    int64_t end = mg_clock_monotonic() + milliseconds * INT64_C(1000);
    while (mg_clock_monotonic() < end)
        event_base_loop(world->base, EVLOOP_ONCE);
}

bool world_run_while(struct world *world, bool (*is_so)(struct world *world))
{
    int64_t end = mg_clock_monotonic() + unit_patience(10000) * 1000;
    while (is_so(world) && mg_clock_monotonic() < end)
        event_base_loop(world->base, EVLOOP_ONCE);
    return !is_so(world);
}

/* ---- messages ---- */

static void accepted(struct mg_store_accept *accept)
{
    ((struct world *)accept->context)->accepted++;
}

static const struct mg_store_part attachments[] = {
    {.kind = MG_PART_ATTACHMENT,
     .bytes = "a plan",
     .length = 6,
     .media_type = "application/pdf",
     .name = "plan.pdf"},
    {.kind = MG_PART_ATTACHMENT + 1,
     .bytes = "a map",
     .length = 5,
     .media_type = "image/png",
     .name = "map.png"},
};

void world_accept(struct world *world, int64_t received, size_t parts)
{
    struct mg_header header = {.uuid = "u"};
    struct mg_buffer record = {0};
    char uuid[MG_ID_TEXT_SIZE];
    struct mg_id id = mg_id_new();
    CU_ASSERT_FATAL(world->count < WORLD_MESSAGES && mg_header_write(&header, &record));
    const struct mg_store_part all[] = {
        {.kind = MG_PART_HEADER, .bytes = record.data, .length = record.length},
        {.kind = MG_PART_CONTENT, .bytes = "<a/>", .length = 4},
        {.kind = MG_PART_SEAL_DETACHED, .bytes = "<s/>", .length = 4},
        attachments[0],
        attachments[1],
    };
    const struct mg_store_delivery_plan plan = {mg_id_new(), world->destination.name};
    struct mg_store_accept accept = {
        .id = id,
        .partner = "portal",
        .way = "submission",
        .uuid = mg_id_text(&id, uuid),
        .profile = "service",
        .type = "service:0101",
        .author = "ags:1",
        .reader = "ags:2",
        .received = received,
        .remembered_until = INT64_MAX,
        .parts = all,
        .part_count = parts,
        .deliveries = &plan,
        .delivery_count = 1,
        .done = accepted,
        .context = world,
    };
    int before = world->accepted;
    mg_store_accept(world->store, &accept);
    while (world->accepted == before)
        mg_handoff_wait(world->handoff, -1);
    CU_ASSERT(accept.ok);
    mg_buffer_free(&record);
    world->messages[world->count++] = id;
}

struct mg_store_delivery world_delivery(struct world *world, size_t number)
{
    struct mg_store_delivery *deliveries, delivery = {0};
    size_t count;
    CU_ASSERT_FATAL(
        mg_store_deliveries(world->store, &world->messages[number], &deliveries, &count, NULL));
    CU_ASSERT_EQUAL_FATAL(count, 1);
    delivery = deliveries[0];
    free(deliveries);
    return delivery;
}
