/* Ordered claims, and the numbers of each destination. Both stores behave the same. */
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define REGISTER "melderegister"

static struct test_message messages[20];

static void fill(struct fixture *fixture, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        message_make(&messages[i], (unsigned)i, REGISTER);
        messages[i].accept.received = 10000 + (int64_t)i;
        CU_ASSERT(accept_new(fixture, &messages[i]));
    }
}

static void free_messages(size_t count)
{
    for (size_t i = 0; i < count; i++)
        message_free(&messages[i]);
}

static bool is_message(const struct mg_id *id, size_t number)
{
    return memcmp(id, &messages[number].accept.id, sizeof *id) == 0;
}

/* An ordered claim for as many as there may be; what it claimed is in *delivery. */
static struct mg_store_claim claim_in_order(struct fixture *fixture, int64_t now, bool pass_dead,
                                            struct mg_store_delivery *delivery)
{
    struct mg_store_claim claim = {.destination = REGISTER,
                                   .limit = 10,
                                   .now = now,
                                   .lease = now + 50000,
                                   .ordered = true,
                                   .pass_dead = pass_dead};
    claim_now(fixture, &claim);
    CU_ASSERT(claim.ok);
    if (claim.count > 0)
        *delivery = claim.deliveries[0];
    free(claim.deliveries);
    claim.deliveries = NULL;
    return claim;
}

static bool record(struct fixture *fixture, const struct mg_store_delivery *delivery,
                   enum mg_delivery_state state, int64_t now, bool blocks)
{
    struct mg_store_outcome outcome = outcome_of(delivery, state, now);
    outcome.next_attempt = now + 1000;
    outcome.blocks = blocks;
    return outcome_now(fixture, &outcome);
}

/* ---- order ---- */

static void an_ordered_destination_gets_one_after_the_other(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill(fixture, 3);
    for (size_t i = 0; i < 3; i++) {
        int64_t now = 20000 + (int64_t)i * 100;
        struct mg_store_claim claim = claim_in_order(fixture, now, false, &delivery);
        CU_ASSERT_EQUAL_FATAL(claim.count, 1);
        CU_ASSERT(is_message(&delivery.message, i));
        CU_ASSERT_EQUAL(delivery.attempts, 1);
        CU_ASSERT_EQUAL(claim.next_due, now + 50000);
        /* While it runs, none. */
        claim = claim_in_order(fixture, now + 1, false, &delivery);
        CU_ASSERT_EQUAL(claim.count, 0);
        CU_ASSERT_EQUAL(claim.next_due, now + 50000);
        CU_ASSERT_FALSE(claim.blocked);
        CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_DELIVERED, now + 50, false));
    }
    struct mg_store_claim claim = claim_in_order(fixture, 30000, false, &delivery);
    CU_ASSERT(claim.count == 0 && claim.next_due == 0 && !claim.blocked);
    free_messages(3);
}

static void the_order_is_that_of_acceptance_whatever_the_clock_said(struct fixture *fixture)
{
    static const int64_t received[] = {300, 100, 200};
    struct mg_store_delivery delivery;
    for (size_t i = 0; i < 3; i++) {
        message_make(&messages[i], (unsigned)i, REGISTER);
        messages[i].accept.received = received[i];
        CU_ASSERT(accept_new(fixture, &messages[i]));
    }
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(claim_in_order(fixture, 20000, false, &delivery).count, 1);
        CU_ASSERT(is_message(&delivery.message, i));
        CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_DELIVERED, 20001, false));
    }
    free_messages(3);
}

static void one_that_failed_is_tried_again_before_the_next(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill(fixture, 2);
    CU_ASSERT_EQUAL_FATAL(claim_in_order(fixture, 20000, false, &delivery).count, 1);
    CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_WAITING, 20500, false));
    struct mg_store_claim claim = claim_in_order(fixture, 21499, false, &delivery);
    CU_ASSERT_EQUAL(claim.count, 0);
    CU_ASSERT_EQUAL(claim.next_due, 21500);
    CU_ASSERT_FALSE(claim.blocked);
    CU_ASSERT_EQUAL(claim_in_order(fixture, 21500, false, &delivery).count, 1);
    CU_ASSERT(is_message(&delivery.message, 0));
    CU_ASSERT_EQUAL(delivery.attempts, 2);
    free_messages(2);
}

static void one_whose_lease_has_ended_is_tried_again_before_the_next(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill(fixture, 2);
    CU_ASSERT_EQUAL_FATAL(claim_in_order(fixture, 20000, false, &delivery).count, 1);
    CU_ASSERT_EQUAL(claim_in_order(fixture, 69999, false, &delivery).count, 0);
    CU_ASSERT_EQUAL(claim_in_order(fixture, 70000, false, &delivery).count, 1);
    CU_ASSERT(is_message(&delivery.message, 0));
    free_messages(2);
}

static void a_dead_one_is_not_overtaken_where_it_blocks(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill(fixture, 3);
    CU_ASSERT_EQUAL_FATAL(claim_in_order(fixture, 20000, false, &delivery).count, 1);
    CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_DEAD, 20500, true));
    struct mg_store_claim claim = claim_in_order(fixture, 90000, false, &delivery);
    CU_ASSERT(claim.count == 0 && claim.next_due == 0 && claim.blocked);
    CU_ASSERT(is_message(&claim.blocking, 0));
    /* However often one asks, and whatever comes after it. */
    claim = claim_in_order(fixture, 95000, false, &delivery);
    CU_ASSERT(claim.count == 0 && claim.blocked);
    free_messages(3);
}

static void a_dead_one_is_passed_where_the_claim_says_so_once_and_for_all(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill(fixture, 3);
    CU_ASSERT_EQUAL_FATAL(claim_in_order(fixture, 20000, false, &delivery).count, 1);
    CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_DEAD, 20500, true));
    struct mg_store_claim claim = claim_in_order(fixture, 21000, true, &delivery);
    CU_ASSERT_EQUAL(claim.count, 1);
    CU_ASSERT(is_message(&delivery.message, 1));
    CU_ASSERT_FALSE(claim.blocked);
    CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_DELIVERED, 21500, false));
    /* It was overtaken: to wait for it now would be of no use. */
    claim = claim_in_order(fixture, 22000, false, &delivery);
    CU_ASSERT(claim.count == 1 && is_message(&delivery.message, 2));
    free_messages(3);
}

static void a_dead_one_that_does_not_block_is_passed(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill(fixture, 2);
    CU_ASSERT_EQUAL_FATAL(claim_in_order(fixture, 20000, false, &delivery).count, 1);
    CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_DEAD, 20500, false));
    struct mg_store_claim claim = claim_in_order(fixture, 21000, false, &delivery);
    CU_ASSERT(claim.count == 1 && is_message(&delivery.message, 1) && !claim.blocked);
    free_messages(2);
}

static void a_dead_one_that_blocks_does_not_expire_until_it_is_passed(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    const struct mg_id *first = &messages[0].accept.id;
    fill(fixture, 2);
    CU_ASSERT_EQUAL_FATAL(claim_in_order(fixture, 20000, false, &delivery).count, 1);
    CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_DEAD, 20500, true));
    CU_ASSERT(expire_all(fixture, INT64_C(1) << 50));
    CU_ASSERT(message_is_stored(fixture->store, &messages[0]));
    CU_ASSERT(claim_in_order(fixture, 90000, false, &delivery).blocked);
    CU_ASSERT_EQUAL(claim_in_order(fixture, 90000, true, &delivery).count, 1);
    CU_ASSERT(expire_all(fixture, 94999));
    CU_ASSERT_EQUAL(state_of(fixture, first), MG_DELIVERY_DEAD);
    CU_ASSERT(expire_all(fixture, 95000));
    CU_ASSERT_EQUAL(state_of(fixture, first), -1);
    free_messages(2);
}

static void a_dead_one_of_another_destination_stands_in_nobodys_way(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    struct test_message other;
    message_make(&other, 9, "solingen");
    CU_ASSERT(accept_new(fixture, &other));
    fill(fixture, 1);
    CU_ASSERT_FATAL(claim_one(fixture, "solingen", 20000, 90000, &delivery));
    CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_DEAD, 20500, true));
    CU_ASSERT_EQUAL(claim_in_order(fixture, 21000, false, &delivery).count, 1);
    message_free(&other);
    free_messages(1);
}

static void a_held_one_is_not_overtaken(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill(fixture, 2);
    CU_ASSERT_EQUAL_FATAL(claim_in_order(fixture, 20000, false, &delivery).count, 1);
    CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_HELD, 20500, false));
    struct mg_store_claim claim = claim_in_order(fixture, 90000, true, &delivery);
    CU_ASSERT(claim.count == 0 && claim.blocked && claim.next_due == 0);
    CU_ASSERT(is_message(&claim.blocking, 0));
    free_messages(2);
}

/* Nobody knows which of those that run will arrive first. */
static void a_destination_that_becomes_ordered_waits_for_all_that_run(struct fixture *fixture)
{
    struct mg_store_delivery first, second, delivery;
    fill(fixture, 3);
    CU_ASSERT_FATAL(claim_one(fixture, REGISTER, 20000, 60000, &first));
    CU_ASSERT_FATAL(claim_one(fixture, REGISTER, 20000, 50000, &second));
    CU_ASSERT(record(fixture, &first, MG_DELIVERY_WAITING, 20500, false));
    struct mg_store_claim claim = claim_in_order(fixture, 30000, false, &delivery);
    CU_ASSERT_EQUAL(claim.count, 0);
    CU_ASSERT_EQUAL(claim.next_due, 50000);
    CU_ASSERT(record(fixture, &second, MG_DELIVERY_DELIVERED, 30500, false));
    claim = claim_in_order(fixture, 31000, false, &delivery);
    CU_ASSERT(claim.count == 1 && is_message(&delivery.message, 0));
    free_messages(3);
}

/* ---- numbers ---- */

static struct mg_store_queue numbers(struct fixture *fixture)
{
    struct mg_store_queue queue;
    mg_store_queue(fixture->store, REGISTER, &queue);
    CU_ASSERT_STRING_EQUAL(queue.destination, REGISTER);
    return queue;
}

static void check_numbers(struct fixture *fixture, int64_t waiting, int64_t running, int64_t dead,
                          int64_t oldest)
{
    struct mg_store_queue queue = numbers(fixture);
    CU_ASSERT_EQUAL(queue.waiting, waiting);
    CU_ASSERT_EQUAL(queue.running, running);
    CU_ASSERT_EQUAL(queue.dead, dead);
    CU_ASSERT_EQUAL(queue.bytes, 3000 * waiting);
    CU_ASSERT_EQUAL(queue.oldest, oldest);
}

static void what_waits_runs_and_is_dead_is_counted(struct fixture *fixture)
{
    struct mg_store_delivery first, second, third;
    check_numbers(fixture, 0, 0, 0, 0);
    fill(fixture, 4);
    check_numbers(fixture, 4, 0, 0, 10000);
    CU_ASSERT_FATAL(claim_one(fixture, REGISTER, 20000, 60000, &first));
    CU_ASSERT_FATAL(claim_one(fixture, REGISTER, 20000, 50000, &second));
    check_numbers(fixture, 4, 2, 0, 10000);
    CU_ASSERT(record(fixture, &second, MG_DELIVERY_DELIVERED, 20500, false));
    check_numbers(fixture, 3, 1, 0, 10000);
    CU_ASSERT(record(fixture, &first, MG_DELIVERY_WAITING, 20500, false));
    check_numbers(fixture, 3, 0, 0, 10000);
    CU_ASSERT_FATAL(claim_one(fixture, REGISTER, 21500, 60000, &third));
    CU_ASSERT(is_message(&third.message, 2));
    CU_ASSERT(record(fixture, &third, MG_DELIVERY_HELD, 21600, false));
    check_numbers(fixture, 3, 0, 0, 10000);
    CU_ASSERT_EQUAL(numbers(fixture).held, 1);
    CU_ASSERT_FATAL(claim_one(fixture, REGISTER, 21500, 60000, &third));
    CU_ASSERT(is_message(&third.message, 3));
    CU_ASSERT_FATAL(claim_one(fixture, REGISTER, 21500, 60000, &first));
    CU_ASSERT(is_message(&first.message, 0));
    CU_ASSERT(record(fixture, &first, MG_DELIVERY_DEAD, 22000, false));
    /* The second is delivered: the third is the oldest now. */
    check_numbers(fixture, 2, 1, 1, 10002);
    free_messages(4);
}

static void an_ended_lease_is_no_longer_counted_as_running(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill(fixture, 2);
    CU_ASSERT_FATAL(claim_one(fixture, REGISTER, 20000, 30000, &delivery));
    CU_ASSERT_FATAL(claim_one(fixture, REGISTER, 20000, 30000, &delivery));
    check_numbers(fixture, 2, 2, 0, 10000);
    CU_ASSERT_FATAL(claim_one(fixture, REGISTER, 30000, 40000, &delivery));
    check_numbers(fixture, 2, 1, 0, 10000);
    free_messages(2);
}

static void what_is_taken_and_settled_is_counted(struct fixture *fixture)
{
    struct mg_store_delivery first, second;
    fill(fixture, 3);
    CU_ASSERT_FATAL(take_one(fixture, REGISTER, 20000, 30000, &first));
    CU_ASSERT_FATAL(take_one(fixture, REGISTER, 20000, 30000, &second));
    check_numbers(fixture, 3, 2, 0, 10000);
    struct mg_store_settle settle = settle_of(&first, MG_DELIVERY_COLLECTED, 21000);
    CU_ASSERT(settle_now(fixture, &settle));
    check_numbers(fixture, 2, 1, 0, 10001);
    CU_ASSERT(settle_now(fixture, &settle));
    check_numbers(fixture, 2, 1, 0, 10001);
    settle = settle_of(&second, MG_DELIVERY_WAITING, 21000);
    CU_ASSERT(settle_now(fixture, &settle));
    check_numbers(fixture, 2, 0, 0, 10001);
    free_messages(3);
}

static void the_dead_are_counted_until_they_expire(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill(fixture, 1);
    CU_ASSERT_FATAL(claim_one(fixture, REGISTER, 20000, 30000, &delivery));
    CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_DEAD, 20500, false));
    check_numbers(fixture, 0, 0, 1, 0);
    CU_ASSERT(expire_all(fixture, 25499));
    check_numbers(fixture, 0, 0, 1, 0);
    CU_ASSERT(expire_all(fixture, 25500));
    check_numbers(fixture, 0, 0, 0, 0);
    struct mg_store_totals totals;
    CU_ASSERT(mg_store_totals(fixture->store, &totals, NULL));
    CU_ASSERT(totals.messages == 0 && totals.waiting == 0 && totals.dead == 0);
    free_messages(1);
}

static const struct mg_store_queue *among(const struct mg_store_queue *queues, size_t count,
                                          const char *destination)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(queues[i].destination, destination) == 0)
            return &queues[i];
    return NULL;
}

static void all_destinations_that_have_something_are_named(struct fixture *fixture)
{
    static const char *const names[] = {"wuppertal", "remscheid", "solingen"};
    struct mg_store_queue *queues;
    struct mg_store_delivery delivery;
    size_t count;
    mg_store_queues(fixture->store, &queues, &count);
    CU_ASSERT(!queues && count == 0);
    for (size_t i = 0; i < 3; i++) {
        message_make(&messages[i], (unsigned)i, names[i]);
        CU_ASSERT(accept_new(fixture, &messages[i]));
    }
    CU_ASSERT_FATAL(claim_one(fixture, "wuppertal", 20000, 30000, &delivery));
    CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_DELIVERED, 20500, false));
    CU_ASSERT_FATAL(claim_one(fixture, "solingen", 20000, 30000, &delivery));
    CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_DEAD, 20500, false));
    mg_store_queues(fixture->store, &queues, &count);
    CU_ASSERT_EQUAL(count, 2);
    const struct mg_store_queue *remscheid = among(queues, count, "remscheid");
    const struct mg_store_queue *solingen = among(queues, count, "solingen");
    CU_ASSERT(remscheid && remscheid->waiting == 1 && remscheid->bytes == 3000);
    CU_ASSERT(solingen && solingen->waiting == 0 && solingen->dead == 1);
    free(queues);
    free_messages(3);
}

static void a_message_that_was_refused_is_not_counted(struct fixture *fixture)
{
    fill(fixture, 1);
    accept_now(fixture, &messages[0]);
    CU_ASSERT_EQUAL(messages[0].accept.result, MG_ACCEPT_REPEATED);
    /* A mistake that only the commit notices: it undoes what was counted, and not the others. */
    message_make(&messages[1], 1, REGISTER);
    message_make(&messages[2], 2, REGISTER);
    messages[1].accept.id = messages[0].accept.id;
    mg_store_accept(fixture->store, &messages[1].accept);
    CU_ASSERT(accept_new(fixture, &messages[2]));
    CU_ASSERT_FALSE(messages[1].accept.ok);
    check_numbers(fixture, 2, 0, 0, 10000);
    free_messages(3);
}

/* ---- any thread ---- */

struct reader {
    pthread_t thread;
    struct fixture *fixture;
    atomic_bool *stop;
    bool contradicted;
};

static void *read_often(void *argument)
{
    struct reader *reader = argument;
    while (!atomic_load(reader->stop)) {
        struct mg_store_queue queue, *queues;
        size_t count;
        mg_store_queue(reader->fixture->store, REGISTER, &queue);
        if (queue.bytes != 3000 * queue.waiting || queue.running > queue.waiting)
            reader->contradicted = true;
        mg_store_queues(reader->fixture->store, &queues, &count);
        free(queues);
    }
    return NULL;
}

static void the_numbers_never_contradict_each_other_for_any_thread(struct fixture *fixture)
{
    atomic_bool stop = false;
    struct reader readers[3];
    for (size_t i = 0; i < 3; i++) {
        readers[i] = (struct reader){.fixture = fixture, .stop = &stop};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&readers[i].thread, NULL, read_often, &readers[i]), 0);
    }
    for (int round = 0; round < (int)unit_amount(20, 3); round++) {
        struct mg_store_delivery delivery;
        fill(fixture, 10);
        while (claim_one(fixture, REGISTER, 20000, 30000, &delivery))
            CU_ASSERT(record(fixture, &delivery, MG_DELIVERY_DELIVERED, 20500, false));
        free_messages(10);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(readers[i].thread, NULL);
        CU_ASSERT_FALSE(readers[i].contradicted);
    }
    check_numbers(fixture, 0, 0, 0, 0);
}

/* ---- a new start ---- */

static void the_numbers_are_the_same_after_a_restart(void)
{
    struct fixture fixture;
    struct mg_store_delivery delivery;
    fixture_begin(&fixture, mg_store_sqlite_open);
    fill(&fixture, 6);
    CU_ASSERT_FATAL(claim_one(&fixture, REGISTER, 20000, 60000, &delivery));
    CU_ASSERT(record(&fixture, &delivery, MG_DELIVERY_DELIVERED, 20500, false));
    CU_ASSERT_FATAL(claim_one(&fixture, REGISTER, 20000, 60000, &delivery));
    CU_ASSERT(record(&fixture, &delivery, MG_DELIVERY_DEAD, 20500, true));
    CU_ASSERT_FATAL(take_one(&fixture, REGISTER, 20000, 60000, &delivery));
    CU_ASSERT_FATAL(claim_one(&fixture, REGISTER, 20000, 60000, &delivery));
    check_numbers(&fixture, 4, 2, 1, 10002);
    fixture_close(&fixture);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    /* What this node was delivering waits again. */
    check_numbers(&fixture, 4, 1, 1, 10002);
    struct mg_store_totals totals;
    CU_ASSERT(mg_store_totals(fixture.store, &totals, NULL));
    CU_ASSERT(totals.messages == 6 && totals.waiting == 4 && totals.dead == 1);
    /* The dead one still stands in the way. */
    CU_ASSERT(claim_in_order(&fixture, 90000, false, &delivery).blocked);
    free_messages(6);
    fixture_end(&fixture);
}

#define FOR_EACH_TEST(DO)                                                                          \
    DO(an_ordered_destination_gets_one_after_the_other)                                            \
    DO(the_order_is_that_of_acceptance_whatever_the_clock_said)                                    \
    DO(one_that_failed_is_tried_again_before_the_next)                                             \
    DO(one_whose_lease_has_ended_is_tried_again_before_the_next)                                   \
    DO(a_dead_one_is_not_overtaken_where_it_blocks)                                                \
    DO(a_dead_one_is_passed_where_the_claim_says_so_once_and_for_all)                              \
    DO(a_dead_one_that_does_not_block_is_passed)                                                   \
    DO(a_dead_one_that_blocks_does_not_expire_until_it_is_passed)                                  \
    DO(a_dead_one_of_another_destination_stands_in_nobodys_way)                                    \
    DO(a_held_one_is_not_overtaken)                                                                \
    DO(a_destination_that_becomes_ordered_waits_for_all_that_run)                                  \
    DO(what_waits_runs_and_is_dead_is_counted)                                                     \
    DO(an_ended_lease_is_no_longer_counted_as_running)                                             \
    DO(what_is_taken_and_settled_is_counted)                                                       \
    DO(the_dead_are_counted_until_they_expire)                                                     \
    DO(all_destinations_that_have_something_are_named)                                             \
    DO(a_message_that_was_refused_is_not_counted)                                                  \
    DO(the_numbers_never_contradict_each_other_for_any_thread)

FOR_EACH_TEST(IN_BOTH)

int main(void)
{
    static const struct unit_test tests[] = {
        FOR_EACH_TEST(ENTRIES) UNIT_TEST(the_numbers_are_the_same_after_a_restart)};
    return unit_run("store-queues", tests, sizeof tests / sizeof *tests);
}
