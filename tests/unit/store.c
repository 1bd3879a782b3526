/* The table of tests that every store has to pass: the durable one and the one in memory behave the
 * same. */
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void what_was_accepted_is_there_byte_for_byte(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    CU_ASSERT(accept_new(fixture, &message));
    CU_ASSERT(message_is_stored(fixture->store, &message));
    struct mg_store_message known;
    bool found;
    CU_ASSERT(mg_store_find(fixture->store, &message.accept.id, &known, &found, NULL));
    CU_ASSERT_FATAL(found);
    CU_ASSERT_STRING_EQUAL(known.partner, "wuppertal-portal");
    CU_ASSERT_STRING_EQUAL(known.way, "submission");
    CU_ASSERT_STRING_EQUAL(known.profile, "service");
    CU_ASSERT_STRING_EQUAL(known.type, "service:0401");
    CU_ASSERT_STRING_EQUAL(known.author, "ags:05124000");
    CU_ASSERT_STRING_EQUAL(known.reader, "ags:05120000");
    CU_ASSERT_EQUAL(known.received, 10000);
    CU_ASSERT(memcmp(known.digest, message.accept.digest, 32) == 0);
    message_free(&message);
}

static void what_was_never_accepted_is_not_there(struct fixture *fixture)
{
    struct mg_id id = mg_id_new();
    struct mg_store_message known;
    struct mg_store_part_facts facts;
    struct mg_store_delivery *deliveries;
    struct mg_store_event *events;
    size_t count;
    bool found;
    char byte;
    struct mg_error error;
    CU_ASSERT(mg_store_find(fixture->store, &id, &known, &found, NULL) && !found);
    CU_ASSERT(mg_store_part(fixture->store, &id, MG_PART_CONTENT, &facts, NULL));
    CU_ASSERT_EQUAL(facts.size, -1);
    CU_ASSERT_EQUAL(mg_store_read(fixture->store, &id, MG_PART_CONTENT, 0, &byte, 1, &error), -1);
    CU_ASSERT_STRING_EQUAL(error.code, "store.no-such-part");
    CU_ASSERT_EQUAL(mg_store_descriptor(fixture->store, &id, MG_PART_CONTENT), -1);
    CU_ASSERT(mg_store_deliveries(fixture->store, &id, &deliveries, &count, NULL) && count == 0);
    CU_ASSERT(mg_store_events(fixture->store, &id, &events, &count, NULL) && count == 0);
    free(deliveries);
    free(events);
}

static void a_call_completes_on_the_loop_and_never_at_once(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    mg_store_accept(fixture->store, &message.accept);
    CU_ASSERT_FALSE(message.done);
    while (!message.done)
        mg_handoff_wait(fixture->handoff, -1);
    CU_ASSERT(message.accept.ok);
    message_free(&message);
}

static void a_repeated_message_is_recognised_and_stored_once(struct fixture *fixture)
{
    struct test_message first, again;
    message_make(&first, 1, "remscheid");
    message_make(&again, 1, "remscheid");
    memcpy(again.uuid, first.uuid, sizeof first.uuid);
    CU_ASSERT(accept_new(fixture, &first));
    accept_now(fixture, &again);
    CU_ASSERT(again.accept.ok);
    CU_ASSERT_EQUAL(again.accept.result, MG_ACCEPT_REPEATED);
    CU_ASSERT(memcmp(&again.accept.known_id, &first.accept.id, sizeof(struct mg_id)) == 0);
    CU_ASSERT_FALSE(message_is_stored(fixture->store, &again));
    struct mg_store_totals totals;
    CU_ASSERT(mg_store_totals(fixture->store, &totals, NULL));
    CU_ASSERT_EQUAL(totals.messages, 1);
    CU_ASSERT_EQUAL(totals.waiting, 1);
    CU_ASSERT(totals.bytes > 0);
    message_free(&first);
    message_free(&again);
}

static void the_same_uuid_with_another_digest_is_told_apart(struct fixture *fixture)
{
    struct test_message first, other;
    message_make(&first, 1, "remscheid");
    message_make(&other, 1, "remscheid");
    memcpy(other.uuid, first.uuid, sizeof first.uuid);
    other.accept.digest[31] ^= 1;
    CU_ASSERT(accept_new(fixture, &first));
    accept_now(fixture, &other);
    CU_ASSERT(other.accept.ok);
    CU_ASSERT_EQUAL(other.accept.result, MG_ACCEPT_DIFFERENT);
    CU_ASSERT(memcmp(&other.accept.known_id, &first.accept.id, sizeof(struct mg_id)) == 0);
    message_free(&first);
    message_free(&other);
}

static void two_partners_may_use_the_same_uuid(struct fixture *fixture)
{
    struct test_message first, other;
    message_make(&first, 1, "remscheid");
    message_make(&other, 2, "remscheid");
    memcpy(other.uuid, first.uuid, sizeof first.uuid);
    other.accept.partner = "solingen-registry";
    CU_ASSERT(accept_new(fixture, &first));
    CU_ASSERT(accept_new(fixture, &other));
    message_free(&first);
    message_free(&other);
}

static void uuids_that_are_none_are_told_apart_as_texts(struct fixture *fixture)
{
    static const char *const uuids[] = {"018F3B1C-9D2A-7C44-8F00-0123456789AB",
                                        "018f3b1c-9d2a-7c44-8f00-0123456789ab", "urn:a:b", ""};
    for (size_t i = 0; i < 4; i++) {
        struct test_message message;
        message_make(&message, (unsigned)i, "remscheid");
        message.accept.uuid = uuids[i];
        CU_ASSERT(accept_new(fixture, &message));
        accept_now(fixture, &message);
        CU_ASSERT_EQUAL(message.accept.result, MG_ACCEPT_REPEATED);
        message_free(&message);
    }
}

static void duplicates_are_decided_among_calls_that_wait_together(struct fixture *fixture)
{
    enum { COUNT = 40 };
    static struct test_message messages[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        message_make(&messages[i], 1, "remscheid");
        memcpy(messages[i].uuid, messages[0].uuid, sizeof messages[0].uuid);
    }
    for (size_t i = 0; i < COUNT; i++)
        mg_store_accept(fixture->store, &messages[i].accept);
    size_t new = 0;
    for (size_t i = 0; i < COUNT; i++) {
        while (!messages[i].done)
            mg_handoff_wait(fixture->handoff, -1);
        CU_ASSERT(messages[i].accept.ok);
        new += messages[i].accept.result == MG_ACCEPT_NEW;
        message_free(&messages[i]);
    }
    CU_ASSERT_EQUAL(new, 1);
}

static void a_message_is_forgotten_when_its_time_is_past(struct fixture *fixture)
{
    struct test_message first, again;
    message_make(&first, 1, "remscheid");
    message_make(&again, 1, "remscheid");
    memcpy(again.uuid, first.uuid, sizeof first.uuid);
    first.accept.remembered_until = 20000;
    again.accept.received = 20000;
    CU_ASSERT(accept_new(fixture, &first));
    CU_ASSERT(accept_new(fixture, &again));
    message_free(&first);
    message_free(&again);
}

static void the_look_before_the_commit_says_the_same(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    enum mg_accept_result result;
    struct mg_id id;
    const char *partner = message.accept.partner;
    uint8_t other[32] = {9};
    CU_ASSERT(mg_store_look_up(fixture->store, partner, message.uuid, message.accept.digest,
                               &result, &id, NULL));
    CU_ASSERT_EQUAL(result, MG_ACCEPT_NEW);
    CU_ASSERT(accept_new(fixture, &message));
    CU_ASSERT(mg_store_look_up(fixture->store, partner, message.uuid, message.accept.digest,
                               &result, &id, NULL));
    CU_ASSERT_EQUAL(result, MG_ACCEPT_REPEATED);
    CU_ASSERT(memcmp(&id, &message.accept.id, sizeof id) == 0);
    CU_ASSERT(mg_store_look_up(fixture->store, partner, message.uuid, other, &result, &id, NULL));
    CU_ASSERT_EQUAL(result, MG_ACCEPT_DIFFERENT);
    message_free(&message);
}

static void a_call_that_fails_spoils_no_other(struct fixture *fixture)
{
    static struct test_message messages[20];
    for (size_t i = 0; i < 20; i++) {
        message_make(&messages[i], (unsigned)i, "remscheid");
        /* Two messages with one id: a mistake that only the store can notice. */
        if (i == 7)
            messages[i].accept.id = messages[3].accept.id;
    }
    for (size_t i = 0; i < 20; i++)
        mg_store_accept(fixture->store, &messages[i].accept);
    for (size_t i = 0; i < 20; i++) {
        while (!messages[i].done)
            mg_handoff_wait(fixture->handoff, -1);
        CU_ASSERT_EQUAL(messages[i].accept.ok, i != 7);
        CU_ASSERT_EQUAL(message_is_stored(fixture->store, &messages[i]), i != 7);
    }
    CU_ASSERT_STRING_EQUAL(messages[7].accept.error.code, "store.failed");
    /* Nothing of the one that failed has stayed: with an id of its own it is new. */
    messages[7].accept.id = mg_id_new();
    CU_ASSERT(accept_new(fixture, &messages[7]));
    for (size_t i = 0; i < 20; i++)
        message_free(&messages[i]);
}

static void deliveries_are_claimed_oldest_first_and_once(struct fixture *fixture)
{
    static struct test_message messages[5];
    static const int64_t received[] = {300, 100, 500, 200, 400};
    for (size_t i = 0; i < 5; i++) {
        message_make(&messages[i], (unsigned)i, "remscheid");
        messages[i].accept.received = received[i];
        CU_ASSERT(accept_new(fixture, &messages[i]));
    }
    struct mg_store_claim claim = {
        .destination = "remscheid", .limit = 3, .now = 400, .lease = 90000};
    claim_now(fixture, &claim);
    CU_ASSERT(claim.ok);
    CU_ASSERT_EQUAL_FATAL(claim.count, 3);
    CU_ASSERT(memcmp(&claim.deliveries[0].message, &messages[1].accept.id, 16) == 0);
    CU_ASSERT(memcmp(&claim.deliveries[1].message, &messages[3].accept.id, 16) == 0);
    CU_ASSERT(memcmp(&claim.deliveries[2].message, &messages[0].accept.id, 16) == 0);
    CU_ASSERT(memcmp(&claim.deliveries[0].id, &messages[1].plans[0].id, 16) == 0);
    CU_ASSERT_STRING_EQUAL(claim.deliveries[0].destination, "remscheid");
    CU_ASSERT_EQUAL(claim.deliveries[0].attempts, 1);
    CU_ASSERT_EQUAL(claim.deliveries[0].received, 100);
    CU_ASSERT_EQUAL(claim.next_due, 400);
    free(claim.deliveries);
    claim_now(fixture, &claim);
    CU_ASSERT_EQUAL(claim.count, 1);
    CU_ASSERT_EQUAL(claim.next_due, 500);
    free(claim.deliveries);
    for (size_t i = 0; i < 5; i++)
        message_free(&messages[i]);
}

static void each_destination_has_a_queue_of_its_own(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "wuppertal");
    message.plans[1] = (struct mg_store_delivery_plan){mg_id_new(), "remscheid"};
    message.plans[2] = (struct mg_store_delivery_plan){mg_id_new(), "solingen"};
    message.accept.delivery_count = 3;
    CU_ASSERT(accept_new(fixture, &message));
    struct mg_store_delivery delivery;
    CU_ASSERT(claim_one(fixture, "remscheid", 10000, 90000, &delivery));
    CU_ASSERT(memcmp(&delivery.id, &message.plans[1].id, 16) == 0);
    CU_ASSERT_FALSE(claim_one(fixture, "remscheid", 10000, 90000, &delivery));
    CU_ASSERT_FALSE(claim_one(fixture, "elsewhere", 10000, 90000, &delivery));
    CU_ASSERT(claim_one(fixture, "solingen", 10000, 90000, &delivery));
    struct mg_store_delivery *deliveries;
    size_t count;
    CU_ASSERT(mg_store_deliveries(fixture->store, &message.accept.id, &deliveries, &count, NULL));
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT_STRING_EQUAL(deliveries[0].destination, "wuppertal");
    CU_ASSERT_EQUAL(deliveries[0].state, MG_DELIVERY_WAITING);
    CU_ASSERT_STRING_EQUAL(deliveries[2].destination, "solingen");
    CU_ASSERT_EQUAL(deliveries[2].state, MG_DELIVERY_RUNNING);
    free(deliveries);
    message_free(&message);
}

static void a_failed_attempt_waits_for_its_next_time_and_is_counted(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    CU_ASSERT(accept_new(fixture, &message));
    struct mg_store_delivery delivery;
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 10000, 90000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_WAITING, 11000);
    outcome.next_attempt = 15000;
    CU_ASSERT(outcome_now(fixture, &outcome));
    struct mg_store_claim claim = {
        .destination = "remscheid", .limit = 9, .now = 14999, .lease = 90000};
    claim_now(fixture, &claim);
    CU_ASSERT(claim.ok && claim.count == 0);
    CU_ASSERT_EQUAL(claim.next_due, 15000);
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 15000, 90000, &delivery));
    CU_ASSERT_EQUAL(delivery.attempts, 2);
    CU_ASSERT_STRING_EQUAL(delivery.last_code, "destination.unreachable");
    CU_ASSERT_STRING_EQUAL(delivery.last_text, "nobody answers");
    message_free(&message);
}

static void an_attempt_that_never_left_the_house_does_not_count(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    CU_ASSERT(accept_new(fixture, &message));
    struct mg_store_delivery delivery;
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 10000, 90000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_WAITING, 11000);
    outcome.attempt_counts = false;
    outcome.next_attempt = 11000;
    CU_ASSERT(outcome_now(fixture, &outcome));
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 11000, 90000, &delivery));
    CU_ASSERT_EQUAL(delivery.attempts, 1);
    message_free(&message);
}

static void the_trace_tells_what_happened_in_order(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    CU_ASSERT(accept_new(fixture, &message));
    struct mg_store_delivery delivery;
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 10000, 90000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_WAITING, 11000);
    outcome.next_attempt = 12000;
    CU_ASSERT(outcome_now(fixture, &outcome));
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 12000, 90000, &delivery));
    outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, 13000);
    outcome.text = NULL;
    CU_ASSERT(outcome_now(fixture, &outcome));
    struct mg_store_event *events;
    size_t count;
    CU_ASSERT(mg_store_events(fixture->store, &message.accept.id, &events, &count, NULL));
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT_STRING_EQUAL(events[0].code, "accepted");
    CU_ASSERT_STRING_EQUAL(events[0].destination, "");
    CU_ASSERT_EQUAL(events[0].time, 10000);
    CU_ASSERT_STRING_EQUAL(events[1].code, "destination.unreachable");
    CU_ASSERT_STRING_EQUAL(events[1].destination, "remscheid");
    CU_ASSERT_STRING_EQUAL(events[1].text, "nobody answers");
    CU_ASSERT_EQUAL(events[1].duration, 77);
    CU_ASSERT_STRING_EQUAL(events[2].code, "delivered");
    CU_ASSERT_EQUAL(events[2].time, 13000);
    free(events);
    struct mg_store_delivery *deliveries;
    CU_ASSERT(mg_store_deliveries(fixture->store, &message.accept.id, &deliveries, &count, NULL));
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_EQUAL(deliveries[0].state, MG_DELIVERY_DELIVERED);
    CU_ASSERT_EQUAL(deliveries[0].ended, 13000);
    CU_ASSERT_EQUAL(deliveries[0].attempts, 2);
    free(deliveries);
    message_free(&message);
}

static void a_claim_whose_lease_has_ended_returns_to_the_queue(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    CU_ASSERT(accept_new(fixture, &message));
    struct mg_store_delivery first, second;
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 10000, 20000, &first));
    CU_ASSERT_FALSE(claim_one(fixture, "remscheid", 19999, 30000, &second));
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 20000, 30000, &second));
    CU_ASSERT(memcmp(&first.id, &second.id, sizeof first.id) == 0);
    CU_ASSERT_EQUAL(second.attempts, 2);
    message_free(&message);
}

static void the_end_of_a_lease_is_a_time_to_ask_again(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    CU_ASSERT(accept_new(fixture, &message));
    struct mg_store_claim claim = {
        .destination = "remscheid", .limit = 9, .now = 10000, .lease = 20000};
    claim_now(fixture, &claim);
    CU_ASSERT_EQUAL_FATAL(claim.count, 1);
    CU_ASSERT_EQUAL(claim.next_due, 20000);
    struct mg_store_outcome outcome =
        outcome_of(&claim.deliveries[0], MG_DELIVERY_DELIVERED, 11000);
    CU_ASSERT(outcome_now(fixture, &outcome));
    free(claim.deliveries);
    claim_now(fixture, &claim);
    CU_ASSERT_EQUAL(claim.next_due, 0);
    message_free(&message);
}

static void an_outcome_without_a_claim_changes_nothing(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    CU_ASSERT(accept_new(fixture, &message));
    struct mg_store_delivery delivery;
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 10000, 20000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, 11000);
    CU_ASSERT(outcome_now(fixture, &outcome));
    struct mg_store_outcome late = outcome_of(&delivery, MG_DELIVERY_DEAD, 12000);
    CU_ASSERT_FALSE(outcome_now(fixture, &late));
    CU_ASSERT_STRING_EQUAL(late.error.code, "store.lost-claim");
    delivery.id = mg_id_new();
    late = outcome_of(&delivery, MG_DELIVERY_DEAD, 12000);
    CU_ASSERT_FALSE(outcome_now(fixture, &late));
    CU_ASSERT_STRING_EQUAL(late.error.code, "store.lost-claim");
    CU_ASSERT_EQUAL(state_of(fixture, &message.accept.id), MG_DELIVERY_DELIVERED);
    struct mg_store_event *events;
    size_t count;
    CU_ASSERT(mg_store_events(fixture->store, &message.accept.id, &events, &count, NULL));
    CU_ASSERT_EQUAL(count, 2);
    free(events);
    message_free(&message);
}

static void an_outcome_may_come_without_anybody_waiting(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    CU_ASSERT(accept_new(fixture, &message));
    struct mg_store_delivery delivery;
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 10000, 20000, &delivery));
    struct mg_store_outcome silent = outcome_of(&delivery, MG_DELIVERY_HELD, 11000);
    mg_store_outcome(fixture->store, &silent);
    CU_ASSERT_FALSE(claim_one(fixture, "remscheid", 30000, 40000, &delivery));
    CU_ASSERT(silent.ok);
    CU_ASSERT_EQUAL(state_of(fixture, &message.accept.id), MG_DELIVERY_HELD);
    message_free(&message);
}

static void the_totals_count_what_waits_and_what_is_dead(struct fixture *fixture)
{
    static struct test_message messages[4];
    for (size_t i = 0; i < 4; i++) {
        message_make(&messages[i], (unsigned)i, "remscheid");
        CU_ASSERT(accept_new(fixture, &messages[i]));
        message_free(&messages[i]);
    }
    struct mg_store_delivery delivery;
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 10000, 20000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DEAD, 11000);
    CU_ASSERT(outcome_now(fixture, &outcome));
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 10000, 20000, &delivery));
    struct mg_store_totals totals;
    CU_ASSERT(mg_store_totals(fixture->store, &totals, NULL));
    CU_ASSERT_EQUAL(totals.messages, 4);
    CU_ASSERT_EQUAL(totals.waiting, 3);
    CU_ASSERT_EQUAL(totals.dead, 1);
}

/* ---- spooled parts ---- */

static struct mg_store_spool *spool_bytes(struct fixture *fixture, const char *bytes, size_t length)
{
    struct mg_store_spool *spool = mg_store_spool_begin(fixture->store, &fixture->error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(spool);
    for (size_t at = 0; at < length; at += 777)
        CU_ASSERT(mg_store_spool_append(spool, bytes + at, length - at < 777 ? length - at : 777,
                                        &fixture->error));
    CU_ASSERT(mg_store_spool_finish(spool, &fixture->error));
    return spool;
}

static void check_part(struct fixture *fixture, const struct mg_id *id, int kind, const char *bytes,
                       size_t length)
{
    static char read[300000];
    struct mg_store_part_facts facts;
    CU_ASSERT(mg_store_part(fixture->store, id, kind, &facts, NULL));
    CU_ASSERT_EQUAL_FATAL(facts.size, (int64_t)length);
    CU_ASSERT_EQUAL(mg_store_read(fixture->store, id, kind, 0, read, sizeof read, NULL),
                    (ssize_t)length);
    CU_ASSERT(memcmp(read, bytes, length) == 0);
    size_t middle = length / 2;
    CU_ASSERT_EQUAL(mg_store_read(fixture->store, id, kind, (int64_t)middle, read, 5, NULL),
                    length == 0 ? 0 : 5);
    CU_ASSERT(memcmp(read, bytes + middle, length == 0 ? 0 : 5) == 0);
    CU_ASSERT_EQUAL(mg_store_read(fixture->store, id, kind, (int64_t)length, read, 5, NULL), 0);
    CU_ASSERT_EQUAL(mg_store_read(fixture->store, id, kind, (int64_t)length + 9, read, 5, NULL), 0);
}

static void parts_of_every_size_come_back_as_they_were(struct fixture *fixture)
{
    static const size_t lengths[] = {0, 100, 9999, 10001, 70000, 300000};
    static char bytes[300000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 2654435761u >> 24);
    struct test_message message;
    message_make(&message, 1, "remscheid");
    for (size_t i = 0; i < 6; i++)
        message.parts[i] = (struct mg_store_part){.kind = MG_PART_ATTACHMENT + (int)i,
                                                  .media_type = "application/pdf",
                                                  .name = "Anlage.pdf",
                                                  .spool = spool_bytes(fixture, bytes, lengths[i])};
    message.accept.part_count = 6;
    CU_ASSERT(accept_new(fixture, &message));
    for (size_t i = 0; i < 6; i++)
        check_part(fixture, &message.accept.id, MG_PART_ATTACHMENT + (int)i, bytes, lengths[i]);
    struct mg_store_part_facts facts;
    CU_ASSERT(mg_store_part(fixture->store, &message.accept.id, MG_PART_ATTACHMENT, &facts, NULL));
    CU_ASSERT_STRING_EQUAL(facts.media_type, "application/pdf");
    CU_ASSERT_STRING_EQUAL(facts.name, "Anlage.pdf");
    message_free(&message);
}

static void large_parts_may_also_come_in_memory(struct fixture *fixture)
{
    static char bytes[300000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 2654435761u >> 24);
    struct test_message message;
    message_make(&message, 1, "remscheid");
    message.parts[0].bytes = bytes;
    message.parts[0].length = sizeof bytes;
    CU_ASSERT(accept_new(fixture, &message));
    check_part(fixture, &message.accept.id, MG_PART_CONTENT, bytes, sizeof bytes);
    message_free(&message);
}

/* ---- many callers ---- */

struct caller {
    pthread_t thread;
    struct fixture *fixture;
    struct test_message messages[50];
};

static void *call_often(void *argument)
{
    struct caller *caller = argument;
    for (size_t i = 0; i < 50; i++) {
        struct mg_store_message known;
        bool found;
        mg_store_accept(caller->fixture->store, &caller->messages[i].accept);
        mg_store_find(caller->fixture->store, &caller->messages[i / 2].accept.id, &known, &found,
                      NULL);
    }
    return NULL;
}

static void calls_may_come_from_any_thread(struct fixture *fixture)
{
    static struct caller callers[6];
    for (size_t i = 0; i < 6; i++) {
        callers[i].fixture = fixture;
        for (size_t j = 0; j < 50; j++)
            message_make(&callers[i].messages[j], (unsigned)(50 * i + j), "remscheid");
        CU_ASSERT_EQUAL_FATAL(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
    }
    for (size_t i = 0; i < 6; i++) {
        pthread_join(callers[i].thread, NULL);
        for (size_t j = 0; j < 50; j++) {
            while (!callers[i].messages[j].done)
                mg_handoff_wait(fixture->handoff, -1);
            CU_ASSERT(message_is_stored(fixture->store, &callers[i].messages[j]));
            message_free(&callers[i].messages[j]);
        }
    }
    CU_ASSERT(mg_store_ready(fixture->store));
}

static void closing_completes_what_was_asked_for(struct fixture *fixture)
{
    static struct test_message messages[30];
    for (size_t i = 0; i < 30; i++) {
        message_make(&messages[i], (unsigned)i, "remscheid");
        mg_store_accept(fixture->store, &messages[i].accept);
    }
    fixture_close(fixture);
    for (size_t i = 0; i < 30; i++) {
        CU_ASSERT(messages[i].done && messages[i].accept.ok);
        message_free(&messages[i]);
    }
}

/* ---- the store that keeps nothing ---- */

static void the_null_store_accepts_everything_and_keeps_nothing(void)
{
    struct fixture fixture;
    fixture_begin(&fixture, mg_store_null_open);
    struct test_message message;
    message_make(&message, 1, "remscheid");
    message.parts[0].spool = spool_bytes(&fixture, message.bytes, 3000);
    message.parts[0].bytes = NULL;
    mg_store_accept(fixture.store, &message.accept);
    CU_ASSERT_FALSE(message.done);
    mg_handoff_drain(fixture.handoff);
    CU_ASSERT(message.done && message.accept.ok && message.accept.result == MG_ACCEPT_NEW);
    message.parts[0].spool = NULL;
    CU_ASSERT(accept_new(&fixture, &message));
    what_was_never_accepted_is_not_there(&fixture);
    CU_ASSERT_FALSE(message_is_known(fixture.store, &message.accept.id));
    struct mg_store_delivery delivery = {.message = message.accept.id};
    CU_ASSERT_FALSE(claim_one(&fixture, "remscheid", 90000, 99000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, 90000);
    CU_ASSERT_FALSE(outcome_now(&fixture, &outcome));
    CU_ASSERT_STRING_EQUAL(outcome.error.code, "store.lost-claim");
    CU_ASSERT(expire_all(&fixture, 90000));
    CU_ASSERT(mg_store_ready(fixture.store));
    message_free(&message);
    fixture_end(&fixture);
}

/* ---- the table ---- */

#define FOR_EACH_TEST(DO)                                                                          \
    DO(what_was_accepted_is_there_byte_for_byte)                                                   \
    DO(what_was_never_accepted_is_not_there)                                                       \
    DO(a_call_completes_on_the_loop_and_never_at_once)                                             \
    DO(a_repeated_message_is_recognised_and_stored_once)                                           \
    DO(the_same_uuid_with_another_digest_is_told_apart)                                            \
    DO(two_partners_may_use_the_same_uuid)                                                         \
    DO(uuids_that_are_none_are_told_apart_as_texts)                                                \
    DO(duplicates_are_decided_among_calls_that_wait_together)                                      \
    DO(a_message_is_forgotten_when_its_time_is_past)                                               \
    DO(the_look_before_the_commit_says_the_same)                                                   \
    DO(a_call_that_fails_spoils_no_other)                                                          \
    DO(deliveries_are_claimed_oldest_first_and_once)                                               \
    DO(each_destination_has_a_queue_of_its_own)                                                    \
    DO(a_failed_attempt_waits_for_its_next_time_and_is_counted)                                    \
    DO(an_attempt_that_never_left_the_house_does_not_count)                                        \
    DO(the_trace_tells_what_happened_in_order)                                                     \
    DO(a_claim_whose_lease_has_ended_returns_to_the_queue)                                         \
    DO(the_end_of_a_lease_is_a_time_to_ask_again)                                                  \
    DO(an_outcome_without_a_claim_changes_nothing)                                                 \
    DO(an_outcome_may_come_without_anybody_waiting)                                                \
    DO(the_totals_count_what_waits_and_what_is_dead)                                               \
    DO(parts_of_every_size_come_back_as_they_were)                                                 \
    DO(large_parts_may_also_come_in_memory)                                                        \
    DO(calls_may_come_from_any_thread)                                                             \
    DO(closing_completes_what_was_asked_for)

FOR_EACH_TEST(IN_BOTH)

int main(void)
{
    static const struct unit_test tests[] = {
        FOR_EACH_TEST(ENTRIES) UNIT_TEST(the_null_store_accepts_everything_and_keeps_nothing)};
    return unit_run("store", tests, sizeof tests / sizeof *tests);
}
