#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/config/snapshot.h"
#include "gateway/dispatch/dispatch.h"
#include "gateway/message/header_record.h"
#include "tests/unit/unit.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 40

/* A dispatch with a loop, workers, a store in memory, the real host, and one destination whose
 * adapter has a temper (adapter_tempers.c). */
struct world {
    struct event_base *base;
    struct mg_handoff *handoff;
    struct event *ready;
    struct event *tick;
    struct mg_pool *workers, *background;
    struct mg_store *store;
    struct mg_config_snapshot *snapshot;
    struct mg_config_parameter temper;
    struct mg_config_destination destination;
    struct mg_host *host;
    struct mg_dispatch *dispatch;
    unsigned *begun, *cancelled; /* how often the adapter was told to deliver and to cancel */
    struct mg_id messages[MANY];
    size_t count;
    int drained;
    int accepted;
};

static void drain(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    mg_handoff_drain(context);
}

static void tick(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what, (void)context;
}

static void start_threads(struct world *world)
{
    struct mg_error error;
    const struct mg_store_options store = {.node = "here"};
    static const struct timeval often = {0, 2000};
    world->base = event_base_new();
    world->handoff = mg_handoff_new(&error);
    world->workers = mg_pool_new("worker", 2, 1000, world->handoff, &error);
    world->background = mg_pool_new("background", 2, 1000, world->handoff, &error);
    world->store = mg_store_memory_open(&store, world->handoff, &error);
    CU_ASSERT_FATAL(world->base && world->workers && world->background && world->store);
    world->ready = event_new(world->base, mg_handoff_descriptor(world->handoff),
                             EV_READ | EV_PERSIST, drain, world->handoff);
    world->tick = event_new(world->base, -1, EV_PERSIST, tick, NULL);
    event_add(world->ready, NULL);
    event_add(world->tick, &often);
}

static void make_dispatch(struct world *world)
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

/* The host has loaded the adapter. */
static void find_counts(struct world *world, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.so", MG_ADAPTERS_OF_TESTS, name);
    void *adapter = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    CU_ASSERT_PTR_NOT_NULL_FATAL(adapter);
    world->begun = dlsym(adapter, "tempers_begun");
    world->cancelled = dlsym(adapter, "tempers_cancelled");
    CU_ASSERT_FATAL(world->begun && world->cancelled);
    *world->begun = *world->cancelled = 0;
    dlclose(adapter);
}

/* Applies the world's configuration as it is now. */
static void apply(struct world *world)
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

static void start_where(struct world *world, enum mg_isolation isolation, const char *adapter,
                        const char *temper)
{
    static const char *const adapter_folders[] = {MG_ADAPTERS_OF_TESTS};
    *world = (struct world){
        .snapshot = mg_config_snapshot_new(),
        .temper = {"temper", temper},
        .destination = {.name = "office",
                        .adapter = adapter,
                        .process = {.isolation = isolation},
                        .seal = MG_SEAL_DETACHED,
                        .concurrency = 4,
                        .timeout = 20000,
                        .retry = {.first = 10,
                                  .longest = 20,
                                  .factor = 2,
                                  .give_up = 60000,
                                  .breaker = 1000,
                                  .breaker_time = 100},
                        .parameter_count = 1},
    };
    world->destination.parameters = &world->temper;
    world->snapshot->config.adapter_folders = adapter_folders;
    world->snapshot->config.adapter_folder_count = 1;
    world->snapshot->config.destinations = &world->destination;
    world->snapshot->config.destination_count = 1;
    start_threads(world);
    const struct mg_host_options options = {
        .base = world->base,
        .handoff = world->handoff,
        .store = world->store,
        .workers = world->workers,
        .background = world->background,
    };
    world->host = mg_host_new(&options);
    apply(world);
    if (isolation == MG_ISOLATION_NONE)
        find_counts(world, adapter);
    make_dispatch(world);
}

static void start_with(struct world *world, const char *adapter, const char *temper)
{
    start_where(world, MG_ISOLATION_NONE, adapter, temper);
}

static void start(struct world *world, const char *temper)
{
    start_with(world, "adapter_tempers", temper);
}

static void drained(void *context)
{
    ((struct world *)context)->drained++;
}

/* Runs the loop until it is not so any more, as long as patience lasts. */
static bool run_while(struct world *world, bool (*is_so)(struct world *world))
{
    int64_t end = mg_clock_monotonic() + unit_patience(10000) * 1000;
    while (is_so(world) && mg_clock_monotonic() < end)
        event_base_loop(world->base, EVLOOP_ONCE);
    return !is_so(world);
}

static void run_for(struct world *world, int milliseconds)
{
    int64_t end = mg_clock_monotonic() + milliseconds * INT64_C(1000);
    while (mg_clock_monotonic() < end)
        event_base_loop(world->base, EVLOOP_ONCE);
}

static bool is_running(struct world *world)
{
    return world->drained == 0;
}

static void stop_dispatch(struct world *world, int64_t grace)
{
    world->drained = 0;
    mg_dispatch_stop(world->dispatch, grace, drained, world);
    CU_ASSERT(run_while(world, is_running));
    run_for(world, 20);
    CU_ASSERT_EQUAL(world->drained, 1);
    mg_dispatch_free(world->dispatch);
    world->dispatch = NULL;
}

static void stop(struct world *world)
{
    if (world->dispatch)
        stop_dispatch(world, 0);
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

static void accept_with(struct world *world, size_t parts)
{
    struct mg_header header = {.uuid = "u"};
    struct mg_buffer record = {0};
    char uuid[MG_ID_TEXT_SIZE];
    struct mg_id id = mg_id_new();
    CU_ASSERT_FATAL(world->count < MANY && mg_header_write(&header, &record));
    const struct mg_store_part all[] = {
        {.kind = MG_PART_HEADER, .bytes = record.data, .length = record.length},
        {.kind = MG_PART_CONTENT, .bytes = "<a/>", .length = 4},
        {.kind = MG_PART_SEAL_DETACHED, .bytes = "<s/>", .length = 4},
        attachments[0],
        attachments[1],
    };
    const struct mg_store_delivery_plan plan = {mg_id_new(), "office"};
    struct mg_store_accept accept = {
        .id = id,
        .partner = "portal",
        .way = "submission",
        .uuid = mg_id_text(&id, uuid),
        .profile = "service",
        .type = "service:0101",
        .author = "ags:1",
        .reader = "ags:2",
        .received = mg_clock_now(),
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
    mg_dispatch_wake(world->dispatch, "office");
}

static void accept_messages(struct world *world, size_t count)
{
    for (size_t i = 0; i < count; i++)
        accept_with(world, 3);
}

static struct mg_store_delivery delivery_of(struct world *world, size_t number)
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

/* How often that was recorded of the message. */
static int events_of(struct world *world, size_t number, const char *code)
{
    struct mg_store_event *events;
    size_t count;
    int found = 0;
    CU_ASSERT_FATAL(mg_store_events(world->store, &world->messages[number], &events, &count, NULL));
    for (size_t i = 0; i < count; i++)
        found += strcmp(events[i].code, code) == 0;
    free(events);
    return found;
}

static bool some_are_open(struct world *world)
{
    for (size_t i = 0; i < world->count; i++)
        if (delivery_of(world, i).state < MG_DELIVERY_DELIVERED)
            return true;
    return false;
}

static bool some_have_not_begun(struct world *world)
{
    return *world->begun < world->count;
}

static bool some_are_not_cancelled(struct world *world)
{
    return *world->cancelled < world->count;
}

/* Every message has ended so, once, after so many attempts, each of which left its event. */
static void all_ended(struct world *world, enum mg_delivery_state state, int attempts)
{
    for (size_t i = 0; i < world->count; i++) {
        struct mg_store_delivery delivery = delivery_of(world, i);
        CU_ASSERT_EQUAL(delivery.state, state);
        CU_ASSERT_EQUAL(delivery.attempts, attempts);
        CU_ASSERT_EQUAL(events_of(world, i, "delivered") + events_of(world, i, "dead"), 1);
        CU_ASSERT_EQUAL(events_of(world, i, "test.later"), attempts - 1);
    }
}

static void deliver_many(const char *temper, enum mg_delivery_state state, int attempts)
{
    struct world world;
    start(&world, temper);
    accept_messages(&world, MANY / 2);
    mg_dispatch_begin(world.dispatch);
    accept_messages(&world, MANY / 2);
    CU_ASSERT(run_while(&world, some_are_open));
    all_ended(&world, state, attempts);
    stop(&world);
}

static void an_adapter_reads_every_part_of_a_message_with_its_attachments(void)
{
    struct world world;
    start(&world, "reads");
    mg_dispatch_begin(world.dispatch);
    accept_with(&world, 5);
    CU_ASSERT(run_while(&world, some_are_open));
    all_ended(&world, MG_DELIVERY_DELIVERED, 1);
    stop(&world);
}

/* What the shared object says of itself, which is loaded. */
static unsigned abi_of(const char *path)
{
    mg_adapter_entry_function entry;
    void *adapter = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    CU_ASSERT_PTR_NOT_NULL_FATAL(adapter);
    *(void **)&entry = dlsym(adapter, "mg_adapter_entry");
    CU_ASSERT_FATAL(entry != NULL);
    unsigned abi = entry(MG_ADAPTER_ABI)->abi;
    dlclose(adapter);
    return abi;
}

/* adapter_older.so is compiled against tests/abi/1, the header as its first version was. */
static void an_adapter_made_for_the_first_version_of_the_interface_works(void)
{
    static const struct {
        const char *temper;
        enum mg_delivery_state state;
        int attempts;
        size_t parts;
    } cases[] = {
        {"prompt", MG_DELIVERY_DELIVERED, 1, 3}, {"delivers", MG_DELIVERY_DELIVERED, 1, 3},
        {"works", MG_DELIVERY_DELIVERED, 1, 3},  {"reads", MG_DELIVERY_DELIVERED, 1, 5},
        {"mends", MG_DELIVERY_DELIVERED, 3, 3},  {"refuses", MG_DELIVERY_DEAD, 1, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        start_with(&world, "adapter_older", cases[i].temper);
        CU_ASSERT_EQUAL(abi_of(MG_ADAPTERS_OF_TESTS "/adapter_older.so"), 1);
        mg_dispatch_begin(world.dispatch);
        accept_with(&world, cases[i].parts);
        CU_ASSERT(run_while(&world, some_are_open));
        all_ended(&world, cases[i].state, cases[i].attempts);
        CU_ASSERT_EQUAL(*world.begun, (unsigned)cases[i].attempts);
        stop(&world);
    }
}

static bool is_not_ready(struct world *world)
{
    return !mg_host_is_ready(mg_host_destination(world->host, "office"));
}

static void adapters_in_processes_do_everything_as_inside(void)
{
    static const struct {
        const char *adapter, *temper;
        enum mg_delivery_state state;
        int attempts;
    } cases[] = {
        {"adapter_tempers", "prompt", MG_DELIVERY_DELIVERED, 1},
        {"adapter_tempers", "reads", MG_DELIVERY_DELIVERED, 1},
        {"adapter_tempers", "works", MG_DELIVERY_DELIVERED, 1},
        {"adapter_tempers", "delivers", MG_DELIVERY_DELIVERED, 1},
        {"adapter_tempers", "mends", MG_DELIVERY_DELIVERED, 3},
        {"adapter_tempers", "refuses", MG_DELIVERY_DEAD, 1},
        {"adapter_older", "works", MG_DELIVERY_DELIVERED, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        start_where(&world, MG_ISOLATION_PROCESS, cases[i].adapter, cases[i].temper);
        CU_ASSERT_TRUE_FATAL(run_while(&world, is_not_ready));
        mg_dispatch_begin(world.dispatch);
        /* With attachments, which stay at the gateway and are read through the process's stream. */
        for (int j = 0; j < MANY / 2; j++)
            accept_with(&world, 5);
        CU_ASSERT(run_while(&world, some_are_open));
        all_ended(&world, cases[i].state, cases[i].attempts);
        stop(&world);
    }
}

static void what_completes_inside_deliver_has_one_outcome(void)
{
    deliver_many("prompt", MG_DELIVERY_DELIVERED, 1);
}

static void what_completes_later_has_one_outcome(void)
{
    deliver_many("delivers", MG_DELIVERY_DELIVERED, 1);
}

static void what_completes_after_work_on_another_thread_has_one_outcome(void)
{
    deliver_many("works", MG_DELIVERY_DELIVERED, 1);
}

static void what_fails_twice_is_delivered_at_the_third_attempt(void)
{
    deliver_many("mends", MG_DELIVERY_DELIVERED, 3);
}

static void what_is_refused_for_good_is_dead_after_one_attempt(void)
{
    deliver_many("refuses", MG_DELIVERY_DEAD, 1);
}

static void what_always_fails_is_dead_when_its_time_is_over(void)
{
    struct world world;
    start(&world, "fails");
    world.destination.retry.give_up = 100;
    mg_dispatch_begin(world.dispatch);
    accept_messages(&world, 8);
    CU_ASSERT(run_while(&world, some_are_open));
    for (size_t i = 0; i < world.count; i++) {
        CU_ASSERT_EQUAL(events_of(&world, i, "dead"), 1);
        CU_ASSERT_EQUAL(events_of(&world, i, "test.later"), delivery_of(&world, i).attempts - 1);
    }
    stop(&world);
}

static void nothing_is_claimed_before_the_begin(void)
{
    struct world world;
    start(&world, "prompt");
    accept_messages(&world, 3);
    run_for(&world, 30);
    for (size_t i = 0; i < world.count; i++)
        CU_ASSERT_EQUAL(delivery_of(&world, i).attempts, 0);
    stop(&world);
}

static void a_breaker_that_opens_lets_everything_through_in_the_end(void)
{
    struct world world;
    start(&world, "mends");
    world.destination.retry.breaker = 2;
    world.destination.retry.breaker_time = 20;
    mg_dispatch_begin(world.dispatch);
    accept_messages(&world, 8);
    CU_ASSERT(run_while(&world, some_are_open));
    all_ended(&world, MG_DELIVERY_DELIVERED, 3);
    stop(&world);
}

static void a_message_whose_content_is_gone_is_dead_and_nobody_is_asked(void)
{
    struct world world;
    start(&world, "hangs");
    mg_dispatch_begin(world.dispatch);
    accept_with(&world, 1);
    CU_ASSERT(run_while(&world, some_are_open));
    all_ended(&world, MG_DELIVERY_DEAD, 1);
    stop(&world);
}

/* ---- cancelling ---- */

static void what_does_not_end_in_time_is_cancelled_once_and_tried_again(void)
{
    static const char *const tempers[] = {"hangs", "hurries"};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        start(&world, tempers[i]);
        world.destination.timeout = 30;
        world.destination.retry.give_up = 500;
        mg_dispatch_begin(world.dispatch);
        accept_messages(&world, 6);
        CU_ASSERT(run_while(&world, some_are_open));
        for (size_t j = 0; j < world.count; j++) {
            CU_ASSERT_EQUAL(events_of(&world, j, "dead"), 1);
            CU_ASSERT_EQUAL(events_of(&world, j, "test.later"),
                            delivery_of(&world, j).attempts - 1);
        }
        stop(&world);
    }
}

static void a_stop_that_meets_a_cancelled_delivery_does_not_cancel_it_again(void)
{
    struct world world;
    start(&world, "hangs");
    world.destination.timeout = 30;
    mg_dispatch_begin(world.dispatch);
    accept_messages(&world, 4);
    CU_ASSERT(run_while(&world, some_are_not_cancelled));
    stop(&world);
}

static void what_the_stop_cancels_waits_for_the_next_start_though_its_time_is_over(void)
{
    struct world world;
    start(&world, "hurries");
    world.destination.retry.give_up = 1;
    mg_dispatch_begin(world.dispatch);
    accept_messages(&world, 4);
    CU_ASSERT(run_while(&world, some_have_not_begun));
    run_for(&world, 10);
    stop_dispatch(&world, 20);
    for (size_t i = 0; i < world.count; i++) {
        CU_ASSERT_EQUAL(delivery_of(&world, i).state, MG_DELIVERY_WAITING);
        CU_ASSERT_EQUAL(delivery_of(&world, i).attempts, 1);
    }
    stop(&world);
}

static void a_second_stop_only_sets_the_grace_anew(void)
{
    struct world world;
    start(&world, "hurries");
    mg_dispatch_begin(world.dispatch);
    accept_messages(&world, 4);
    CU_ASSERT(run_while(&world, some_have_not_begun));
    mg_dispatch_stop(world.dispatch, 60000, drained, &world);
    run_for(&world, 30);
    CU_ASSERT_EQUAL(world.drained, 0);
    stop_dispatch(&world, 0);
    stop(&world);
}

/* ---- stopping ---- */

static void what_was_claimed_and_not_begun_is_given_back_by_the_stop(void)
{
    struct world world;
    start(&world, "hangs");
    accept_messages(&world, 4);
    mg_dispatch_begin(world.dispatch);
    stop_dispatch(&world, 60000);
    for (size_t i = 0; i < world.count; i++) {
        CU_ASSERT_EQUAL(delivery_of(&world, i).state, MG_DELIVERY_WAITING);
        CU_ASSERT_EQUAL(delivery_of(&world, i).attempts, 0);
    }
    stop(&world);
}

static void stops_at_any_moment_lose_and_repeat_nothing(void)
{
    struct world world;
    start(&world, "works");
    accept_messages(&world, MANY);
    for (int i = 0; i < 12; i++) {
        mg_dispatch_begin(world.dispatch);
        for (int j = 0; j < i; j++)
            event_base_loop(world.base, EVLOOP_ONCE);
        stop_dispatch(&world, 60000);
        for (size_t j = 0; j < world.count; j++)
            CU_ASSERT_NOT_EQUAL(delivery_of(&world, j).state, MG_DELIVERY_RUNNING);
        make_dispatch(&world);
    }
    mg_dispatch_begin(world.dispatch);
    CU_ASSERT(run_while(&world, some_are_open));
    all_ended(&world, MG_DELIVERY_DELIVERED, 1);
    stop(&world);
}

static void instances_close_only_when_their_work_is_done(void)
{
    struct world world;
    start(&world, "busy");
    run_for(&world, 120);
    stop(&world);
}

static bool none_waits_for_a_retry(struct world *world)
{
    return events_of(world, 0, "test.later") == 0;
}

static void a_destination_may_be_removed_while_its_claim_is_underway(void)
{
    struct world world;
    start(&world, "fails");
    world.destination.retry.first = world.destination.retry.longest = 60000;
    accept_messages(&world, 1);
    mg_dispatch_begin(world.dispatch);
    CU_ASSERT(run_while(&world, none_waits_for_a_retry));
    run_for(&world, 20);
    /* The lane asks the store what there is under the new configuration; before the answer is
     * heard, another configuration has removed the destination, and its instance is closed. */
    mg_dispatch_apply(world.dispatch, &world.snapshot->config);
    event_del(world.ready);
    world.snapshot->config.destination_count = 0;
    apply(&world);
    mg_dispatch_apply(world.dispatch, &world.snapshot->config);
    run_for(&world, 20);
    event_add(world.ready, NULL);
    run_for(&world, 20);
    CU_ASSERT_EQUAL(delivery_of(&world, 0).state, MG_DELIVERY_WAITING);
    stop(&world);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(what_completes_inside_deliver_has_one_outcome),
        UNIT_TEST(what_completes_later_has_one_outcome),
        UNIT_TEST(what_completes_after_work_on_another_thread_has_one_outcome),
        UNIT_TEST(what_fails_twice_is_delivered_at_the_third_attempt),
        UNIT_TEST(what_is_refused_for_good_is_dead_after_one_attempt),
        UNIT_TEST(what_always_fails_is_dead_when_its_time_is_over),
        UNIT_TEST(nothing_is_claimed_before_the_begin),
        UNIT_TEST(an_adapter_reads_every_part_of_a_message_with_its_attachments),
        UNIT_TEST(an_adapter_made_for_the_first_version_of_the_interface_works),
        UNIT_TEST(adapters_in_processes_do_everything_as_inside),
        UNIT_TEST(a_breaker_that_opens_lets_everything_through_in_the_end),
        UNIT_TEST(a_message_whose_content_is_gone_is_dead_and_nobody_is_asked),
        UNIT_TEST(what_does_not_end_in_time_is_cancelled_once_and_tried_again),
        UNIT_TEST(a_stop_that_meets_a_cancelled_delivery_does_not_cancel_it_again),
        UNIT_TEST(what_the_stop_cancels_waits_for_the_next_start_though_its_time_is_over),
        UNIT_TEST(a_second_stop_only_sets_the_grace_anew),
        UNIT_TEST(what_was_claimed_and_not_begun_is_given_back_by_the_stop),
        UNIT_TEST(stops_at_any_moment_lose_and_repeat_nothing),
        UNIT_TEST(instances_close_only_when_their_work_is_done),
        UNIT_TEST(a_destination_may_be_removed_while_its_claim_is_underway),
    };
    setenv("MUENGSTEN_ADAPTER_HOST", MG_HOST_OF_TESTS, 0);
    mg_log_set_level(MG_LOG_ERROR);
    return unit_run("dispatch lanes", tests, sizeof tests / sizeof *tests);
}
