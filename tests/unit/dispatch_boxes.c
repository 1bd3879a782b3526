#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/config/snapshot.h"
#include "gateway/dispatch/box.h"
#include "gateway/dispatch/dispatch.h"
#include "gateway/message/header_record.h"
#include "tests/unit/unit.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY    400
#define AT_ONCE 3
#define WORKERS 2
#define ROOM    4 /* jobs that may wait for the workers */
#define GIVE_UP 100000

/* A host with one box, whose adapter lets the test ask in its name (adapter_boxes.c). */
struct world {
    struct event_base *base;
    struct mg_handoff *handoff;
    struct event *ready, *tick;
    struct mg_pool *workers, *background;
    struct mg_store *store;
    struct mg_config_snapshot *snapshot;
    struct mg_config_partner partner;
    struct mg_config_destination destination;
    struct mg_host *host;
    struct mg_dispatch *dispatch;
    void *adapter;
    const struct mg_gateway *gateway;
    struct mg_instance **instance;
    struct mg_id messages[MANY];
    size_t count;
    int accepted;
};

/* What came of a question. */
struct answer {
    int ended;
    struct mg_delivery *delivery;
    char code[MG_ERROR_CODE_SIZE];
    size_t listed;
    char next[64];
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
    world->workers = mg_pool_new("worker", WORKERS, ROOM, world->handoff, &error);
    world->background = mg_pool_new("background", 1, 10, world->handoff, &error);
    world->store = mg_store_memory_open(&store, world->handoff, &error);
    CU_ASSERT_FATAL(world->base && world->workers && world->background && world->store);
    world->ready = event_new(world->base, mg_handoff_descriptor(world->handoff),
                             EV_READ | EV_PERSIST, drain, world->handoff);
    world->tick = event_new(world->base, -1, EV_PERSIST, tick, NULL);
    event_add(world->ready, NULL);
    event_add(world->tick, &often);
}

static void apply(struct world *world)
{
    struct mg_error error;
    struct mg_config_problems problems = {0};
    struct mg_catalogue *catalogue = mg_catalogue_new(&world->snapshot->config, &problems);
    CU_ASSERT_EQUAL_FATAL(problems.count, 0);
    CU_ASSERT_FATAL(mg_host_apply(world->host, &world->snapshot->config, catalogue, &error));
    mg_catalogue_release(catalogue);
}

static void find_adapter(struct world *world)
{
    world->adapter = dlopen(MG_ADAPTERS_OF_TESTS "/adapter_boxes.so", RTLD_NOW | RTLD_NOLOAD);
    CU_ASSERT_PTR_NOT_NULL_FATAL(world->adapter);
    const struct mg_gateway **gateway = dlsym(world->adapter, "boxes_gateway");
    world->instance = dlsym(world->adapter, "boxes_instance");
    CU_ASSERT_FATAL(gateway && *gateway && world->instance && *world->instance);
    world->gateway = *gateway;
}

static void start(struct world *world)
{
    static const char *const adapter_folders[] = {MG_ADAPTERS_OF_TESTS};
    *world = (struct world){
        .snapshot = mg_config_snapshot_new(),
        .partner = {.name = "reader"},
        .destination = {.name = "box",
                        .adapter = "adapter_boxes",
                        .process = {.isolation = MG_ISOLATION_NONE},
                        .seal = MG_SEAL_DETACHED,
                        .concurrency = AT_ONCE,
                        .timeout = 20000,
                        .retry = {.give_up = GIVE_UP},
                        .listener = "cities"},
    };
    world->destination.partner = &world->partner;
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
    find_adapter(world);
}

static void drained(void *context)
{
    *(bool *)context = true;
}

static void stop_dispatch(struct world *world)
{
    bool over = false;
    mg_dispatch_stop(world->dispatch, 0, drained, &over);
    while (!over)
        event_base_loop(world->base, EVLOOP_ONCE);
    mg_dispatch_free(world->dispatch);
}

static void stop(struct world *world)
{
    if (world->dispatch)
        stop_dispatch(world);
    mg_host_free(world->host);
    CU_ASSERT_PTR_NULL(*world->instance);
    dlclose(world->adapter);
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

/* Runs the loop until so many answers have come in all, as long as patience lasts. */
static bool run_until(struct world *world, const struct answer *answers, size_t count, int wanted)
{
    int64_t end = mg_clock_monotonic() + unit_patience(10000) * 1000;
    int ended = 0;
    do {
        event_base_loop(world->base, EVLOOP_ONCE);
        ended = 0;
        for (size_t i = 0; i < count; i++)
            ended += answers[i].ended;
    } while (ended < wanted && mg_clock_monotonic() < end);
    return ended == wanted;
}

static void run_for(struct world *world, int milliseconds)
{
    int64_t end = mg_clock_monotonic() + milliseconds * INT64_C(1000);
    while (mg_clock_monotonic() < end)
        event_base_loop(world->base, EVLOOP_ONCE);
}

/* ---- messages ---- */

static void accepted(struct mg_store_accept *accept)
{
    ((struct world *)accept->context)->accepted++;
}

static void put(struct world *world, int64_t received, size_t parts)
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
    };
    const struct mg_store_delivery_plan plan = {mg_id_new(), "box"};
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

static void put_messages(struct world *world, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(world, mg_clock_now(), 3);
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

/* ---- questions ---- */

static void note_refusal(struct answer *answer, const struct mg_refusal *refusal)
{
    answer->ended++;
    if (refusal)
        snprintf(answer->code, sizeof answer->code, "%s", refusal->code);
}

static void taken(struct mg_delivery *delivery, const struct mg_refusal *refusal, void *context)
{
    struct answer *answer = context;
    answer->delivery = delivery;
    note_refusal(answer, refusal);
}

static void settled(const struct mg_refusal *refusal, void *context)
{
    note_refusal(context, refusal);
}

static void listed(const struct mg_box_list *list, void *context)
{
    struct answer *answer = context;
    answer->listed = list->count;
    snprintf(answer->next, sizeof answer->next, "%s", list->next ? list->next : "");
    note_refusal(answer, list->refusal);
}

static bool ask_take(struct world *world, struct answer *answer)
{
    *answer = (struct answer){0};
    return world->gateway->box_take(*world->instance, NULL, 60000, taken, answer);
}

static struct mg_delivery *take(struct world *world)
{
    struct answer answer;
    CU_ASSERT_FATAL(ask_take(world, &answer));
    CU_ASSERT_EQUAL(answer.ended, 0); /* later, and never from inside the question */
    CU_ASSERT(run_until(world, &answer, 1, 1));
    return answer.delivery;
}

static bool is_message(struct world *world, struct mg_delivery *delivery, size_t number)
{
    char id[MG_ID_TEXT_SIZE];
    mg_id_text(&world->messages[number], id);
    return delivery && strcmp(world->gateway->delivery_message(delivery)->id, id) == 0;
}

static void settle(struct world *world, struct mg_delivery *delivery, enum mg_settlement settlement,
                   const char *code)
{
    struct answer answer = {0};
    CU_ASSERT_FATAL(world->gateway->box_settle(
        *world->instance, world->gateway->delivery_message(delivery)->id,
        world->gateway->box_claim(delivery), settlement, settled, &answer));
    CU_ASSERT(run_until(world, &answer, 1, 1));
    CU_ASSERT_STRING_EQUAL(answer.code, code);
}

static void a_message_is_taken_read_settled_and_gone(void)
{
    struct world world;
    start(&world);
    put_messages(&world, 2);
    struct mg_delivery *delivery = take(&world);
    CU_ASSERT_FATAL(is_message(&world, delivery, 0));
    char bytes[8];
    CU_ASSERT_EQUAL(
        world.gateway->delivery_read(delivery, MG_MESSAGE_DOCUMENT, 0, bytes, sizeof bytes), 4);
    CU_ASSERT_EQUAL(world.gateway->delivery_attempt(delivery), 1);
    int64_t deadline = world.gateway->delivery_deadline(delivery);
    CU_ASSERT(deadline > 0 && deadline <= 60000);
    struct mg_box_facts facts = {.size = sizeof facts};
    world.gateway->box_facts(*world.instance, &facts);
    CU_ASSERT(facts.waiting == 2 && facts.taken == 1 && facts.bytes == 8 && facts.oldest > 0);
    settle(&world, delivery, MG_COLLECTED, "");
    settle(&world, delivery, MG_COLLECTED, "");
    settle(&world, delivery, MG_RETURNED, "box.lost");
    world.gateway->box_close(delivery);
    CU_ASSERT_EQUAL(delivery_of(&world, 0).state, MG_DELIVERY_COLLECTED);
    CU_ASSERT_EQUAL(delivery_of(&world, 1).state, MG_DELIVERY_WAITING);
    stop(&world);
}

static void an_older_adapter_is_told_no_more_than_it_knows(void)
{
    struct world world;
    start(&world);
    put_messages(&world, 1);
    struct mg_box_facts facts = {.size = offsetof(struct mg_box_facts, bytes), .bytes = -7};
    world.gateway->box_facts(*world.instance, &facts);
    CU_ASSERT_EQUAL(facts.size, offsetof(struct mg_box_facts, bytes));
    CU_ASSERT(facts.waiting == 1 && facts.bytes == -7);
    stop(&world);
}

static void
no_more_messages_are_in_memory_than_the_destination_says_and_the_others_get_their_turn(void)
{
    struct world world;
    struct answer answers[8];
    start(&world);
    put_messages(&world, 8);
    for (size_t i = 0; i < 8; i++)
        CU_ASSERT(ask_take(&world, &answers[i]));
    CU_ASSERT(run_until(&world, answers, 8, AT_ONCE));
    run_for(&world, 30);
    for (size_t i = 0; i < 8; i++) {
        CU_ASSERT(run_until(&world, answers, i + 1, (int)i + 1));
        CU_ASSERT(is_message(&world, answers[i].delivery, i));
        CU_ASSERT_EQUAL(answers[i].ended, 1);
        if (i + AT_ONCE < 8)
            CU_ASSERT_EQUAL(answers[i + AT_ONCE].ended, 0);
        world.gateway->box_close(answers[i].delivery);
    }
    stop(&world);
}

static void whoever_asks_too_much_at_once_is_told(void)
{
    static struct answer answers[MG_BOX_QUESTIONS];
    struct answer more;
    struct world world;
    start(&world);
    for (size_t i = 0; i < MG_BOX_QUESTIONS; i++)
        CU_ASSERT(ask_take(&world, &answers[i]));
    CU_ASSERT_FALSE(ask_take(&world, &more));
    CU_ASSERT_FALSE(
        world.gateway->box_settle(*world.instance, "x", "1", MG_COLLECTED, settled, &more));
    CU_ASSERT_FALSE(world.gateway->box_list(*world.instance, NULL, 10, listed, &more));
    CU_ASSERT(run_until(&world, answers, MG_BOX_QUESTIONS, MG_BOX_QUESTIONS));
    CU_ASSERT_PTR_NULL(take(&world));
    stop(&world);
}

/* ---- what goes wrong ---- */

struct gate {
    struct mg_job job; /* first */
    pthread_mutex_t *lock;
};

static void wait_at_gate(struct mg_job *job)
{
    pthread_mutex_lock(((struct gate *)job)->lock);
    pthread_mutex_unlock(((struct gate *)job)->lock);
}

static void pass_gate(struct mg_job *job)
{
    (void)job;
}

static void what_the_workers_have_no_place_for_goes_back_into_the_box(void)
{
    struct world world;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct gate gates[WORKERS + ROOM];
    struct answer answer;
    start(&world);
    put_messages(&world, 1);
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < WORKERS + ROOM;) {
        gates[i] = (struct gate){{.work = wait_at_gate, .done = pass_gate}, &lock};
        i += mg_pool_submit(world.workers, &gates[i].job);
    }
    CU_ASSERT_FALSE(world.gateway->box_list(*world.instance, NULL, 10, listed, &answer));
    CU_ASSERT(ask_take(&world, &answer));
    CU_ASSERT(run_until(&world, &answer, 1, 1));
    CU_ASSERT_PTR_NULL(answer.delivery);
    CU_ASSERT_STRING_EQUAL(answer.code, "gateway.overloaded");
    CU_ASSERT_EQUAL(delivery_of(&world, 0).state, MG_DELIVERY_WAITING);
    pthread_mutex_unlock(&lock);
    /* The workers may need a moment to get rid of the gates. */
    struct mg_delivery *delivery = NULL;
    int64_t end = mg_clock_monotonic() + unit_patience(10000) * 1000;
    while (!delivery && mg_clock_monotonic() < end)
        delivery = take(&world);
    CU_ASSERT_PTR_NOT_NULL_FATAL(delivery);
    world.gateway->box_close(delivery);
    stop(&world);
}

static void a_message_that_cannot_be_read_holds_nobody_up(void)
{
    struct world world;
    struct answer answer;
    start(&world);
    put(&world, mg_clock_now(), 1);
    put_messages(&world, 1);
    CU_ASSERT(ask_take(&world, &answer));
    CU_ASSERT(run_until(&world, &answer, 1, 1));
    CU_ASSERT_PTR_NULL(answer.delivery);
    CU_ASSERT_STRING_EQUAL(answer.code, "store.no-such-part");
    struct mg_delivery *delivery = take(&world);
    CU_ASSERT_FATAL(is_message(&world, delivery, 1));
    world.gateway->box_close(delivery);
    stop(&world);
}

static void ids_claims_and_places_that_are_none_are_answered_and_not_obeyed(void)
{
    static const char *const claims[] = {
        "", "0", "2", "-1", "1 ", " 1", "1x", "99999999999999999999", "4294967297"};
    static const char *const places[] = {"", "1", "-", "1-", "-1", "1-2-", "x-1", "1-x"};
    struct world world;
    struct answer answer = {0};
    char id[MG_ID_TEXT_SIZE];
    start(&world);
    put_messages(&world, 1);
    struct mg_delivery *delivery = take(&world);
    CU_ASSERT_PTR_NOT_NULL_FATAL(delivery);
    mg_id_text(&world.messages[0], id);
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        answer = (struct answer){0};
        CU_ASSERT(world.gateway->box_settle(*world.instance, id, claims[i], MG_COLLECTED, settled,
                                            &answer));
        CU_ASSERT(run_until(&world, &answer, 1, 1));
        CU_ASSERT_STRING_EQUAL(answer.code, "box.lost");
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        answer = (struct answer){0};
        CU_ASSERT(world.gateway->box_list(*world.instance, places[i], 10, listed, &answer));
        CU_ASSERT(run_until(&world, &answer, 1, 1));
        CU_ASSERT_STRING_EQUAL(answer.code, "box.place");
    }
    id[35] = 'g';
    answer = (struct answer){0};
    CU_ASSERT(world.gateway->box_settle(*world.instance, id, "1", MG_COLLECTED, settled, &answer));
    CU_ASSERT(run_until(&world, &answer, 1, 1));
    CU_ASSERT_STRING_EQUAL(answer.code, "box.unknown");
    settle(&world, delivery, MG_COLLECTED, "");
    world.gateway->box_close(delivery);
    stop(&world);
}

static void a_list_goes_on_where_the_one_before_ended(void)
{
    struct world world;
    struct answer answer = {0};
    start(&world);
    put_messages(&world, 5);
    CU_ASSERT(world.gateway->box_list(*world.instance, NULL, 3, listed, &answer));
    CU_ASSERT(run_until(&world, &answer, 1, 1));
    CU_ASSERT_EQUAL(answer.listed, 3);
    struct answer rest = {0};
    CU_ASSERT(world.gateway->box_list(*world.instance, answer.next, 3, listed, &rest));
    CU_ASSERT(run_until(&world, &rest, 1, 1));
    CU_ASSERT_EQUAL(rest.listed, 2);
    CU_ASSERT_STRING_EQUAL(rest.next, "");
    stop(&world);
}

/* ---- the end of an instance ---- */

static void a_box_that_is_removed_answers_what_was_asked_and_closes_after_the_last_message(void)
{
    struct world world;
    struct answer answers[AT_ONCE + 2];
    start(&world);
    put_messages(&world, AT_ONCE + 2);
    for (size_t i = 0; i < AT_ONCE + 2; i++)
        CU_ASSERT(ask_take(&world, &answers[i]));
    world.snapshot->config.destination_count = 0;
    apply(&world);
    CU_ASSERT(run_until(&world, answers, AT_ONCE + 2, AT_ONCE));
    CU_ASSERT_PTR_NOT_NULL(*world.instance);
    for (size_t i = 0; i < AT_ONCE + 2; i++) {
        CU_ASSERT(run_until(&world, answers, i + 1, (int)i + 1));
        CU_ASSERT_PTR_NOT_NULL_FATAL(answers[i].delivery);
        CU_ASSERT_PTR_NOT_NULL(*world.instance);
        world.gateway->box_close(answers[i].delivery);
    }
    run_for(&world, 30);
    CU_ASSERT_PTR_NULL(*world.instance);
    stop(&world);
}

static void a_host_that_ends_waits_for_the_questions_that_are_underway(void)
{
    struct world world;
    struct answer answers[3] = {{0}};
    start(&world);
    put_messages(&world, 1);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT(world.gateway->box_list(*world.instance, NULL, 10, listed, &answers[i]));
    stop(&world);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT(answers[i].ended == 1 && answers[i].listed == 1);
}

/* ---- what nobody collects ---- */

static void begin_dispatch(struct world *world)
{
    const struct mg_dispatch_options options = {
        .base = world->base,
        .store = world->store,
        .workers = world->workers,
        .host = world->host,
    };
    world->dispatch = mg_dispatch_new(&options);
    mg_dispatch_apply(world->dispatch, &world->snapshot->config);
    mg_dispatch_begin(world->dispatch);
}

static bool waits(struct world *world, int64_t number)
{
    struct mg_store_queue queue;
    int64_t end = mg_clock_monotonic() + unit_patience(10000) * 1000;
    do {
        event_base_loop(world->base, EVLOOP_ONCE);
        mg_store_queue(world->store, "box", &queue);
    } while (queue.waiting != number && mg_clock_monotonic() < end);
    run_for(world, 30);
    mg_store_queue(world->store, "box", &queue);
    return queue.waiting == number;
}

static void what_is_too_old_is_given_up_however_much_it_is_and_nothing_younger(void)
{
    struct world world;
    start(&world);
    for (size_t i = 0; i < 150; i++)
        put(&world, mg_clock_now() - GIVE_UP - 1000, 3);
    put_messages(&world, 10);
    begin_dispatch(&world);
    CU_ASSERT(waits(&world, 10));
    for (size_t i = 0; i < 160; i++) {
        struct mg_store_delivery delivery = delivery_of(&world, i);
        CU_ASSERT_EQUAL(delivery.state, i < 150 ? MG_DELIVERY_DEAD : MG_DELIVERY_WAITING);
        CU_ASSERT_STRING_EQUAL(delivery.last_code, i < 150 ? "mailbox.not-collected" : "");
        CU_ASSERT_EQUAL(delivery.attempts, 0);
    }
    stop(&world);
}

static void
what_becomes_too_old_is_given_up_when_it_does_and_what_is_taken_when_its_lease_ends(void)
{
    struct world world;
    struct answer answer = {0};
    start(&world);
    put(&world, mg_clock_now() - GIVE_UP + 300, 3);
    put(&world, mg_clock_now() - GIVE_UP + 301, 3);
    put_messages(&world, 1);
    CU_ASSERT(world.gateway->box_take(*world.instance, NULL, 900, taken, &answer));
    CU_ASSERT(run_until(&world, &answer, 1, 1));
    world.gateway->box_close(answer.delivery);
    int64_t begun = mg_clock_now();
    begin_dispatch(&world);
    CU_ASSERT(waits(&world, 2));
    CU_ASSERT_EQUAL(delivery_of(&world, 1).state, MG_DELIVERY_DEAD);
    CU_ASSERT(waits(&world, 1));
    CU_ASSERT_EQUAL(delivery_of(&world, 0).state, MG_DELIVERY_DEAD);
    CU_ASSERT_EQUAL(delivery_of(&world, 0).attempts, 1);
    CU_ASSERT(delivery_of(&world, 0).ended >= begun);
    CU_ASSERT_EQUAL(delivery_of(&world, 2).state, MG_DELIVERY_WAITING);
    stop(&world);
}

static void a_message_that_comes_later_is_given_up_in_its_time(void)
{
    struct world world;
    start(&world);
    world.destination.retry.give_up = 200;
    begin_dispatch(&world);
    run_for(&world, 20);
    put_messages(&world, 1);
    mg_dispatch_wake(world.dispatch, "box");
    run_for(&world, 20);
    CU_ASSERT(waits(&world, 0));
    struct mg_store_delivery delivery = delivery_of(&world, 0);
    CU_ASSERT_EQUAL(delivery.state, MG_DELIVERY_DEAD);
    CU_ASSERT(delivery.ended - delivery.received >= 200);
    stop(&world);
}

static void what_is_due_while_the_adapter_is_down_is_given_up_when_it_is_ready(void)
{
    struct world world;
    start(&world);
    put(&world, mg_clock_now() - GIVE_UP + 100, 3);
    begin_dispatch(&world);
    run_for(&world, 20);
    world.gateway->state(*world.instance, MG_STATE_DOWN, "test.down", "It is down.");
    run_for(&world, 200);
    CU_ASSERT_EQUAL(delivery_of(&world, 0).state, MG_DELIVERY_WAITING);
    world.gateway->state(*world.instance, MG_STATE_READY, NULL, NULL);
    mg_dispatch_wake(world.dispatch, "box");
    CU_ASSERT(waits(&world, 0));
    CU_ASSERT_EQUAL(delivery_of(&world, 0).state, MG_DELIVERY_DEAD);
    stop(&world);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_message_is_taken_read_settled_and_gone),
        UNIT_TEST(an_older_adapter_is_told_no_more_than_it_knows),
        UNIT_TEST(
            no_more_messages_are_in_memory_than_the_destination_says_and_the_others_get_their_turn),
        UNIT_TEST(whoever_asks_too_much_at_once_is_told),
        UNIT_TEST(what_the_workers_have_no_place_for_goes_back_into_the_box),
        UNIT_TEST(a_message_that_cannot_be_read_holds_nobody_up),
        UNIT_TEST(ids_claims_and_places_that_are_none_are_answered_and_not_obeyed),
        UNIT_TEST(a_list_goes_on_where_the_one_before_ended),
        UNIT_TEST(a_box_that_is_removed_answers_what_was_asked_and_closes_after_the_last_message),
        UNIT_TEST(a_host_that_ends_waits_for_the_questions_that_are_underway),
        UNIT_TEST(what_is_too_old_is_given_up_however_much_it_is_and_nothing_younger),
        UNIT_TEST(
            what_becomes_too_old_is_given_up_when_it_does_and_what_is_taken_when_its_lease_ends),
        UNIT_TEST(a_message_that_comes_later_is_given_up_in_its_time),
        UNIT_TEST(what_is_due_while_the_adapter_is_down_is_given_up_when_it_is_ready),
    };
    mg_log_set_level(MG_LOG_ERROR);
    return unit_run("dispatch_boxes", tests, sizeof tests / sizeof *tests);
}
