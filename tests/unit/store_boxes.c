/* Boxes: what is taken by readers instead of delivered. Both stores behave the same. */
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define BOX "buergeramt-box"

static struct test_message messages[300];

/* Messages of the same length, accepted at 10000, 10001, … */
static void fill_box(struct fixture *fixture, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        message_make(&messages[i], (unsigned)i, BOX);
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

static bool take_message(struct fixture *fixture, size_t number, int64_t now, int64_t lease,
                         struct mg_store_take *take)
{
    *take = (struct mg_store_take){
        .destination = BOX, .message = &messages[number].accept.id, .now = now, .lease = lease};
    return take_now(fixture, take);
}

static size_t listed(struct fixture *fixture, int64_t now)
{
    struct mg_store_list list;
    CU_ASSERT(mg_store_list(fixture->store, BOX, (struct mg_store_place){0}, 1000, now, &list,
                            &fixture->error));
    free(list.entries);
    return list.count;
}

/* ---- taking ---- */

static void the_oldest_is_taken_first_and_by_one_reader_alone(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill_box(fixture, 3);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_FATAL(take_one(fixture, BOX, 20000, 30000, &delivery));
        CU_ASSERT(is_message(&delivery.message, i));
        CU_ASSERT(memcmp(&delivery.id, &messages[i].plans[0].id, 16) == 0);
        CU_ASSERT_STRING_EQUAL(delivery.destination, BOX);
        CU_ASSERT_EQUAL(delivery.attempts, 1);
        CU_ASSERT_EQUAL(delivery.received, 10000 + (int64_t)i);
        CU_ASSERT_EQUAL(state_of(fixture, &delivery.message), MG_DELIVERY_RUNNING);
    }
    struct mg_store_take take = {.destination = BOX, .now = 20000, .lease = 30000};
    CU_ASSERT_FALSE(take_now(fixture, &take));
    CU_ASSERT(take.ok && !take.found);
    free_messages(3);
}

static void an_empty_box_gives_nothing_and_that_is_no_error(struct fixture *fixture)
{
    struct mg_store_take take = {.destination = "elsewhere", .now = 20000, .lease = 30000};
    fill_box(fixture, 1);
    CU_ASSERT_FALSE(take_now(fixture, &take));
    CU_ASSERT(take.ok && !take.found);
    free_messages(1);
}

static void a_reader_may_take_one_that_is_not_the_oldest(struct fixture *fixture)
{
    struct mg_store_take take;
    struct mg_store_delivery delivery;
    fill_box(fixture, 3);
    CU_ASSERT(take_message(fixture, 1, 20000, 30000, &take));
    CU_ASSERT(is_message(&take.delivery.message, 1));
    CU_ASSERT_EQUAL(take.delivery.attempts, 1);
    CU_ASSERT(take_one(fixture, BOX, 20000, 30000, &delivery) && is_message(&delivery.message, 0));
    CU_ASSERT(take_one(fixture, BOX, 20000, 30000, &delivery) && is_message(&delivery.message, 2));
    free_messages(3);
}

static void what_is_taken_is_refused_to_others_until_its_lease_ends(struct fixture *fixture)
{
    struct mg_store_take take;
    fill_box(fixture, 1);
    CU_ASSERT(take_message(fixture, 0, 20000, 30000, &take));
    CU_ASSERT_FALSE(take_message(fixture, 0, 29999, 40000, &take));
    CU_ASSERT_STRING_EQUAL(take.error.code, "box.taken");
    CU_ASSERT(take_message(fixture, 0, 30000, 40000, &take));
    CU_ASSERT_EQUAL(take.delivery.attempts, 2);
    free_messages(1);
}

static void what_is_not_in_the_box_is_unknown(struct fixture *fixture)
{
    struct mg_id nobody = mg_id_new();
    struct mg_store_take take = {
        .destination = BOX, .message = &nobody, .now = 20000, .lease = 30000};
    fill_box(fixture, 2);
    CU_ASSERT_FALSE(take_now(fixture, &take));
    CU_ASSERT_STRING_EQUAL(take.error.code, "box.unknown");
    /* Of another box. */
    take.destination = "other-box";
    take.message = &messages[0].accept.id;
    CU_ASSERT_FALSE(take_now(fixture, &take));
    CU_ASSERT_STRING_EQUAL(take.error.code, "box.unknown");
    /* Collected already. */
    CU_ASSERT_FATAL(take_message(fixture, 0, 20000, 30000, &take));
    struct mg_store_settle settle = settle_of(&take.delivery, MG_DELIVERY_COLLECTED, 21000);
    CU_ASSERT(settle_now(fixture, &settle));
    CU_ASSERT_FALSE(take_message(fixture, 0, 22000, 30000, &take));
    CU_ASSERT_STRING_EQUAL(take.error.code, "box.unknown");
    free_messages(2);
}

static void
what_was_not_settled_comes_back_after_its_lease_in_its_old_place(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill_box(fixture, 3);
    CU_ASSERT(take_one(fixture, BOX, 20000, 30000, &delivery));
    CU_ASSERT(take_one(fixture, BOX, 20000, 25000, &delivery) && is_message(&delivery.message, 1));
    CU_ASSERT(take_one(fixture, BOX, 30000, 40000, &delivery) && is_message(&delivery.message, 0));
    CU_ASSERT_EQUAL(delivery.attempts, 2);
    CU_ASSERT(take_one(fixture, BOX, 30000, 40000, &delivery) && is_message(&delivery.message, 1));
    CU_ASSERT(take_one(fixture, BOX, 30000, 40000, &delivery) && is_message(&delivery.message, 2));
    CU_ASSERT_EQUAL(delivery.attempts, 1);
    free_messages(3);
}

static void
a_reader_that_never_acknowledges_gets_everything_again_and_nothing_is_lost(struct fixture *fixture)
{
    const size_t count = unit_amount(300, 30);
    fill_box(fixture, count);
    for (int64_t round = 0; round < 3; round++) {
        struct mg_store_delivery delivery;
        const int64_t now = 20000 + round * 10000;
        for (size_t i = 0; i < count; i++) {
            CU_ASSERT_FATAL(take_one(fixture, BOX, now, now + 10000, &delivery));
            CU_ASSERT(is_message(&delivery.message, i));
            CU_ASSERT_EQUAL(delivery.attempts, round + 1);
        }
        CU_ASSERT_FALSE(take_one(fixture, BOX, now, now + 10000, &delivery));
    }
    CU_ASSERT_EQUAL(listed(fixture, 50000), count);
    free_messages(count);
}

static void the_gateways_own_outcome_does_not_fit_a_taking(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill_box(fixture, 1);
    CU_ASSERT_FATAL(take_one(fixture, BOX, 20000, 30000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DEAD, 21000);
    CU_ASSERT_FALSE(outcome_now(fixture, &outcome));
    CU_ASSERT_STRING_EQUAL(outcome.error.code, "store.lost-claim");
    CU_ASSERT_EQUAL(state_of(fixture, &delivery.message), MG_DELIVERY_RUNNING);
    free_messages(1);
}

/* ---- settling ---- */

static void what_is_collected_is_over_and_leaves_a_trace(struct fixture *fixture)
{
    struct mg_store_delivery delivery, *deliveries;
    struct mg_store_event *events;
    size_t count;
    fill_box(fixture, 1);
    const struct mg_id *id = &messages[0].accept.id;
    CU_ASSERT_FATAL(take_one(fixture, BOX, 20000, 30000, &delivery));
    struct mg_store_settle settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, 21000);
    settle.text = "by the reader";
    CU_ASSERT(settle_now(fixture, &settle));
    CU_ASSERT_FALSE(take_one(fixture, BOX, 90000, 99000, &delivery));
    CU_ASSERT(mg_store_deliveries(fixture->store, id, &deliveries, &count, NULL) && count == 1);
    CU_ASSERT_EQUAL(deliveries[0].state, MG_DELIVERY_COLLECTED);
    CU_ASSERT_EQUAL(deliveries[0].ended, 21000);
    CU_ASSERT_EQUAL(deliveries[0].attempts, 1);
    CU_ASSERT_STRING_EQUAL(deliveries[0].last_code, "collected");
    free(deliveries);
    CU_ASSERT(mg_store_events(fixture->store, id, &events, &count, NULL));
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_STRING_EQUAL(events[1].code, "collected");
    CU_ASSERT_STRING_EQUAL(events[1].text, "by the reader");
    CU_ASSERT_STRING_EQUAL(events[1].destination, BOX);
    CU_ASSERT_EQUAL(events[1].time, 21000);
    free(events);
    /* Retention begins. */
    CU_ASSERT(expire_all(fixture, 26000));
    CU_ASSERT_EQUAL(state_of(fixture, id), -1);
    free_messages(1);
}

static void what_is_returned_may_be_taken_again_at_once(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill_box(fixture, 2);
    CU_ASSERT_FATAL(take_one(fixture, BOX, 20000, 30000, &delivery));
    struct mg_store_settle settle = settle_of(&delivery, MG_DELIVERY_WAITING, 21000);
    CU_ASSERT(settle_now(fixture, &settle));
    CU_ASSERT_EQUAL(listed(fixture, 21000), 2);
    CU_ASSERT_FATAL(take_one(fixture, BOX, 21000, 30000, &delivery));
    CU_ASSERT(is_message(&delivery.message, 0));
    CU_ASSERT_EQUAL(delivery.attempts, 2);
    free_messages(2);
}

static void collected_again_by_the_same_taking_changes_nothing(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    struct mg_store_event *events;
    size_t count;
    fill_box(fixture, 1);
    CU_ASSERT_FATAL(take_one(fixture, BOX, 20000, 30000, &delivery));
    struct mg_store_settle settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, 21000);
    CU_ASSERT(settle_now(fixture, &settle));
    /* Long after the lease, too: the answer may have been lost. */
    settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, 99000);
    CU_ASSERT(settle_now(fixture, &settle));
    CU_ASSERT(mg_store_events(fixture->store, &delivery.message, &events, &count, NULL));
    CU_ASSERT_EQUAL(count, 2);
    free(events);
    settle = settle_of(&delivery, MG_DELIVERY_WAITING, 22000);
    CU_ASSERT_FALSE(settle_now(fixture, &settle));
    CU_ASSERT_STRING_EQUAL(settle.error.code, "box.lost");
    CU_ASSERT_EQUAL(state_of(fixture, &delivery.message), MG_DELIVERY_COLLECTED);
    free_messages(1);
}

static void a_taking_that_is_lost_settles_nothing(struct fixture *fixture)
{
    struct mg_store_delivery first, second;
    fill_box(fixture, 1);
    CU_ASSERT_FATAL(take_one(fixture, BOX, 20000, 30000, &first));
    /* Its lease has ended, and nobody else has come. */
    struct mg_store_settle late = settle_of(&first, MG_DELIVERY_COLLECTED, 30000);
    CU_ASSERT_FALSE(settle_now(fixture, &late));
    CU_ASSERT_STRING_EQUAL(late.error.code, "box.lost");
    /* Somebody else has it. */
    CU_ASSERT_FATAL(take_one(fixture, BOX, 30000, 40000, &second));
    CU_ASSERT_FALSE(settle_now(fixture, &late));
    CU_ASSERT_STRING_EQUAL(late.error.code, "box.lost");
    struct mg_store_settle settle = settle_of(&second, MG_DELIVERY_COLLECTED, 31000);
    CU_ASSERT(settle_now(fixture, &settle));
    /* Somebody else has collected it. */
    CU_ASSERT_FALSE(settle_now(fixture, &late));
    CU_ASSERT_STRING_EQUAL(late.error.code, "box.lost");
    free_messages(1);
}

static void what_was_never_taken_cannot_be_settled(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill_box(fixture, 1);
    struct mg_store_settle settle = {.destination = BOX,
                                     .message = messages[0].accept.id,
                                     .attempt = 1,
                                     .state = MG_DELIVERY_COLLECTED,
                                     .now = 20000,
                                     .code = "collected"};
    CU_ASSERT_FALSE(settle_now(fixture, &settle));
    CU_ASSERT_STRING_EQUAL(settle.error.code, "box.lost");
    settle.destination = "other-box";
    CU_ASSERT_FALSE(settle_now(fixture, &settle));
    CU_ASSERT_STRING_EQUAL(settle.error.code, "box.unknown");
    settle.destination = BOX;
    settle.message = mg_id_new();
    CU_ASSERT_FALSE(settle_now(fixture, &settle));
    CU_ASSERT_STRING_EQUAL(settle.error.code, "box.unknown");
    /* Claimed by the gateway, which gives it up. */
    CU_ASSERT_FATAL(claim_one(fixture, BOX, 20000, 90000, &delivery));
    settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, 21000);
    CU_ASSERT_FALSE(settle_now(fixture, &settle));
    CU_ASSERT_STRING_EQUAL(settle.error.code, "box.lost");
    free_messages(1);
}

static void what_nobody_collects_can_be_given_up_by_its_age(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill_box(fixture, 5);
    CU_ASSERT_FATAL(take_one(fixture, BOX, 20000, 90000, &delivery));
    CU_ASSERT_FATAL(take_one(fixture, BOX, 20000, 21000, &delivery));
    struct mg_store_claim claim = {
        .destination = BOX, .limit = 10, .now = 22000, .due_by = 10002, .lease = 90000};
    claim_now(fixture, &claim);
    CU_ASSERT(claim.ok);
    /* The first is taken, the second's lease has ended, the fourth is not old enough. */
    CU_ASSERT_EQUAL_FATAL(claim.count, 2);
    CU_ASSERT(is_message(&claim.deliveries[0].message, 1));
    CU_ASSERT(is_message(&claim.deliveries[1].message, 2));
    CU_ASSERT_EQUAL(claim.next_due, 10003);
    for (size_t i = 0; i < 2; i++) {
        struct mg_store_outcome outcome = outcome_of(&claim.deliveries[i], MG_DELIVERY_DEAD, 22000);
        CU_ASSERT(outcome_now(fixture, &outcome));
    }
    free(claim.deliveries);
    CU_ASSERT_EQUAL(listed(fixture, 22000), 2);
    free_messages(5);
}

/* ---- listing ---- */

static void a_list_says_what_waits_oldest_first(struct fixture *fixture)
{
    struct mg_store_list list;
    fill_box(fixture, 3);
    CU_ASSERT(mg_store_list(fixture->store, BOX, (struct mg_store_place){0}, 1000, 20000, &list,
                            &fixture->error));
    CU_ASSERT_EQUAL_FATAL(list.count, 3);
    CU_ASSERT_FALSE(list.more);
    for (size_t i = 0; i < 3; i++) {
        const struct mg_store_entry *entry = &list.entries[i];
        CU_ASSERT(is_message(&entry->message, i));
        CU_ASSERT_STRING_EQUAL(entry->uuid, messages[i].uuid);
        CU_ASSERT_STRING_EQUAL(entry->type, "service:0401");
        CU_ASSERT_STRING_EQUAL(entry->author, "ags:05124000");
        CU_ASSERT_STRING_EQUAL(entry->reader, "ags:05120000");
        CU_ASSERT_STRING_EQUAL(entry->partner, "wuppertal-portal");
        CU_ASSERT_EQUAL(entry->received, 10000 + (int64_t)i);
        CU_ASSERT_EQUAL(entry->size, 3000);
        CU_ASSERT_EQUAL(entry->attempts, 0);
    }
    free(list.entries);
    free_messages(3);
}

static void a_list_goes_on_where_the_one_before_ended(struct fixture *fixture)
{
    struct mg_store_place place = {0};
    size_t seen = 0;
    bool more = true;
    /* Several within one millisecond, so that the time alone does not tell where it ended. */
    for (size_t i = 0; i < 25; i++) {
        message_make(&messages[i], (unsigned)i, BOX);
        messages[i].accept.received = 10000 + (int64_t)i / 10;
        CU_ASSERT(accept_new(fixture, &messages[i]));
    }
    while (more) {
        struct mg_store_list list;
        CU_ASSERT_FATAL(
            mg_store_list(fixture->store, BOX, place, 6, 20000, &list, &fixture->error));
        for (size_t i = 0; i < list.count; i++)
            CU_ASSERT(is_message(&list.entries[i].message, seen + i));
        seen += list.count;
        place = list.next;
        more = list.more;
        free(list.entries);
    }
    CU_ASSERT_EQUAL(seen, 25);
    /* What is accepted later comes after it. */
    message_make(&messages[25], 25, BOX);
    messages[25].accept.received = 10009;
    CU_ASSERT(accept_new(fixture, &messages[25]));
    struct mg_store_list list;
    CU_ASSERT(mg_store_list(fixture->store, BOX, place, 6, 20000, &list, &fixture->error));
    CU_ASSERT(list.count == 1 && is_message(&list.entries[0].message, 25));
    free(list.entries);
    free_messages(26);
}

static void a_list_leaves_out_what_is_taken_until_its_lease_ends(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    struct mg_store_list list;
    fill_box(fixture, 4);
    CU_ASSERT_FATAL(take_one(fixture, BOX, 20000, 30000, &delivery));
    CU_ASSERT_FATAL(take_one(fixture, BOX, 20000, 40000, &delivery));
    struct mg_store_settle settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, 21000);
    CU_ASSERT(settle_now(fixture, &settle));
    CU_ASSERT_EQUAL(listed(fixture, 29999), 2);
    CU_ASSERT(mg_store_list(fixture->store, BOX, (struct mg_store_place){0}, 1000, 30000, &list,
                            &fixture->error));
    CU_ASSERT_EQUAL_FATAL(list.count, 3);
    CU_ASSERT(is_message(&list.entries[0].message, 0));
    CU_ASSERT_EQUAL(list.entries[0].attempts, 1);
    CU_ASSERT(is_message(&list.entries[1].message, 2));
    free(list.entries);
    /* By then the taking is lost, whoever asked. */
    settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, 29000);
    settle.message = messages[0].accept.id;
    CU_ASSERT_FALSE(settle_now(fixture, &settle));
    CU_ASSERT_STRING_EQUAL(settle.error.code, "box.lost");
    free_messages(4);
}

static void more_leases_than_one_step_returns_end_at_once(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    fill_box(fixture, 300);
    for (size_t i = 0; i < 300; i++)
        CU_ASSERT_FATAL(take_one(fixture, BOX, 20000, 30000, &delivery));
    /* One whose lease has ended can be taken though the step did not come to it. */
    struct mg_store_take take;
    CU_ASSERT(take_message(fixture, 299, 30000, 40000, &take));
    CU_ASSERT_EQUAL(take.delivery.attempts, 2);
    CU_ASSERT_EQUAL(listed(fixture, 30000), 299);
    struct mg_store_queue queue;
    mg_store_queue(fixture->store, BOX, &queue);
    CU_ASSERT_EQUAL(queue.running, 1);
    CU_ASSERT_EQUAL(queue.waiting, 300);
    free_messages(300);
}

static void boxes_do_not_see_each_other(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    struct mg_store_list list;
    message_make(&messages[0], 1, BOX);
    messages[0].plans[1] = (struct mg_store_delivery_plan){mg_id_new(), "other-box"};
    messages[0].accept.delivery_count = 2;
    CU_ASSERT(accept_new(fixture, &messages[0]));
    CU_ASSERT_FATAL(take_one(fixture, BOX, 20000, 30000, &delivery));
    CU_ASSERT_EQUAL(listed(fixture, 20000), 0);
    CU_ASSERT(mg_store_list(fixture->store, "other-box", (struct mg_store_place){0}, 10, 20000,
                            &list, &fixture->error));
    CU_ASSERT_EQUAL(list.count, 1);
    free(list.entries);
    struct mg_store_settle settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, 21000);
    CU_ASSERT(settle_now(fixture, &settle));
    CU_ASSERT_FATAL(take_one(fixture, "other-box", 21000, 30000, &delivery));
    settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, 22000);
    CU_ASSERT(settle_now(fixture, &settle));
    free_messages(1);
}

static void taken(struct mg_store_take *take)
{
    *(bool *)take->context = true;
}

static void several_readers_never_get_the_same_message_at_once(struct fixture *fixture)
{
    enum { READERS = 40 };
    static struct mg_store_take takes[READERS];
    fill_box(fixture, 30);
    bool done[READERS] = {false};
    for (size_t i = 0; i < READERS; i++) {
        takes[i] = (struct mg_store_take){
            .destination = BOX, .now = 20000, .lease = 30000, .done = taken, .context = &done[i]};
        mg_store_take(fixture->store, &takes[i]);
    }
    size_t found = 0;
    for (size_t i = 0; i < READERS; i++) {
        while (!done[i])
            mg_handoff_wait(fixture->handoff, -1);
        CU_ASSERT(takes[i].ok);
        found += takes[i].found;
        for (size_t j = 0; j < i && takes[i].found; j++)
            CU_ASSERT(!takes[j].found ||
                      memcmp(&takes[i].delivery.message, &takes[j].delivery.message, 16) != 0);
    }
    CU_ASSERT_EQUAL(found, 30);
    free_messages(30);
}

/* ---- what only one of them has ---- */

static void a_taking_outlives_a_restart(void)
{
    struct fixture fixture;
    struct mg_store_delivery delivery, other;
    struct mg_store_queue queue;
    fixture_begin(&fixture, mg_store_sqlite_open);
    fill_box(&fixture, 2);
    CU_ASSERT_FATAL(take_one(&fixture, BOX, 20000, 30000, &delivery));
    CU_ASSERT_FATAL(claim_one(&fixture, BOX, 20000, 30000, &other));
    fixture_close(&fixture);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    mg_store_queue(fixture.store, BOX, &queue);
    CU_ASSERT_EQUAL(queue.running, 1);
    /* What the gateway itself had is back, what the reader has is not. */
    CU_ASSERT_EQUAL(listed(&fixture, 29999), 1);
    struct mg_store_settle settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, 29999);
    CU_ASSERT(settle_now(&fixture, &settle));
    fixture_close(&fixture);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    CU_ASSERT(settle_now(&fixture, &settle));
    CU_ASSERT_EQUAL(state_of(&fixture, &delivery.message), MG_DELIVERY_COLLECTED);
    free_messages(2);
    fixture_end(&fixture);
}

static void a_lease_ends_across_a_restart_too(void)
{
    struct fixture fixture;
    struct mg_store_delivery delivery;
    fixture_begin(&fixture, mg_store_sqlite_open);
    fill_box(&fixture, 1);
    CU_ASSERT_FATAL(take_one(&fixture, BOX, 20000, 30000, &delivery));
    fixture_close(&fixture);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    CU_ASSERT_FALSE(take_one(&fixture, BOX, 29999, 40000, &delivery));
    CU_ASSERT_FATAL(take_one(&fixture, BOX, 30000, 40000, &delivery));
    CU_ASSERT_EQUAL(delivery.attempts, 2);
    free_messages(1);
    fixture_end(&fixture);
}

static void the_null_store_has_empty_boxes(void)
{
    struct fixture fixture;
    fixture_begin(&fixture, mg_store_null_open);
    fill_box(&fixture, 1);
    struct mg_store_take take = {.destination = BOX, .now = 20000, .lease = 30000};
    CU_ASSERT_FALSE(take_now(&fixture, &take));
    CU_ASSERT(take.ok && !take.found);
    CU_ASSERT_FALSE(take_message(&fixture, 0, 20000, 30000, &take));
    CU_ASSERT_STRING_EQUAL(take.error.code, "box.unknown");
    struct mg_store_settle settle = {
        .destination = BOX, .state = MG_DELIVERY_COLLECTED, .code = "collected"};
    CU_ASSERT_FALSE(settle_now(&fixture, &settle));
    CU_ASSERT_STRING_EQUAL(settle.error.code, "box.unknown");
    CU_ASSERT_EQUAL(listed(&fixture, 20000), 0);
    struct mg_store_queue queue, *queues;
    size_t count;
    mg_store_queue(fixture.store, BOX, &queue);
    CU_ASSERT(queue.waiting == 0 && queue.oldest == 0);
    CU_ASSERT_STRING_EQUAL(queue.destination, BOX);
    mg_store_queues(fixture.store, &queues, &count);
    CU_ASSERT(!queues && count == 0);
    free_messages(1);
    fixture_end(&fixture);
}

#define FOR_EACH_TEST(DO)                                                                          \
    DO(the_oldest_is_taken_first_and_by_one_reader_alone)                                          \
    DO(an_empty_box_gives_nothing_and_that_is_no_error)                                            \
    DO(a_reader_may_take_one_that_is_not_the_oldest)                                               \
    DO(what_is_taken_is_refused_to_others_until_its_lease_ends)                                    \
    DO(what_is_not_in_the_box_is_unknown)                                                          \
    DO(what_was_not_settled_comes_back_after_its_lease_in_its_old_place)                           \
    DO(a_reader_that_never_acknowledges_gets_everything_again_and_nothing_is_lost)                 \
    DO(the_gateways_own_outcome_does_not_fit_a_taking)                                             \
    DO(what_is_collected_is_over_and_leaves_a_trace)                                               \
    DO(what_is_returned_may_be_taken_again_at_once)                                                \
    DO(collected_again_by_the_same_taking_changes_nothing)                                         \
    DO(a_taking_that_is_lost_settles_nothing)                                                      \
    DO(what_was_never_taken_cannot_be_settled)                                                     \
    DO(what_nobody_collects_can_be_given_up_by_its_age)                                            \
    DO(a_list_says_what_waits_oldest_first)                                                        \
    DO(a_list_goes_on_where_the_one_before_ended)                                                  \
    DO(a_list_leaves_out_what_is_taken_until_its_lease_ends)                                       \
    DO(more_leases_than_one_step_returns_end_at_once)                                              \
    DO(boxes_do_not_see_each_other)                                                                \
    DO(several_readers_never_get_the_same_message_at_once)

FOR_EACH_TEST(IN_BOTH)

int main(void)
{
    static const struct unit_test tests[] = {
        FOR_EACH_TEST(ENTRIES) UNIT_TEST(a_taking_outlives_a_restart),
        UNIT_TEST(a_lease_ends_across_a_restart_too), UNIT_TEST(the_null_store_has_empty_boxes)};
    return unit_run("store-boxes", tests, sizeof tests / sizeof *tests);
}
