/* Retention: what is over goes after its days and never before, in the durable store and in the one
 * in memory. */
#include "gateway/base/clock.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

static bool has_part(struct fixture *fixture, const struct mg_id *id, int kind)
{
    struct mg_store_part_facts facts;
    CU_ASSERT(mg_store_part(fixture->store, id, kind, &facts, NULL));
    return facts.size >= 0;
}

/* The content is kept for 1000 ms and the trace for 5000 after the last delivery ended. */
static void retention_deletes_first_the_content_and_later_the_trace(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    const struct mg_id *id = &message.accept.id;
    CU_ASSERT(accept_new(fixture, &message));
    struct mg_store_delivery delivery;
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 10000, 90000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, 20000);
    CU_ASSERT(outcome_now(fixture, &outcome));
    CU_ASSERT(expire_all(fixture, 20999));
    CU_ASSERT(message_is_stored(fixture->store, &message));
    CU_ASSERT(expire_all(fixture, 21000));
    CU_ASSERT_FALSE(has_part(fixture, id, MG_PART_CONTENT));
    CU_ASSERT_FALSE(has_part(fixture, id, MG_PART_ORIGINAL));
    CU_ASSERT(has_part(fixture, id, MG_PART_RECEIPT));
    CU_ASSERT(has_part(fixture, id, MG_PART_HEADER));
    CU_ASSERT(expire_all(fixture, 24999));
    CU_ASSERT(message_is_known(fixture->store, id));
    CU_ASSERT(expire_all(fixture, 25000));
    CU_ASSERT_FALSE(message_is_known(fixture->store, id));
    CU_ASSERT_FALSE(has_part(fixture, id, MG_PART_RECEIPT));
    CU_ASSERT_EQUAL(state_of(fixture, id), -1);
    /* The duplicate is remembered longer than the message. */
    accept_now(fixture, &message);
    CU_ASSERT_EQUAL(message.accept.result, MG_ACCEPT_REPEATED);
    message_free(&message);
}

static void another_retention_counts_at_once(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    const struct mg_id *id = &message.accept.id;
    CU_ASSERT(accept_new(fixture, &message));
    struct mg_store_delivery delivery;
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 10000, 90000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, 20000);
    CU_ASSERT(outcome_now(fixture, &outcome));
    mg_store_set_retention(fixture->store, 2000, 3000);
    CU_ASSERT(expire_all(fixture, 21999));
    CU_ASSERT(message_is_stored(fixture->store, &message));
    CU_ASSERT(expire_all(fixture, 22000));
    CU_ASSERT_FALSE(has_part(fixture, id, MG_PART_CONTENT));
    CU_ASSERT(message_is_known(fixture->store, id));
    CU_ASSERT(expire_all(fixture, 23000));
    CU_ASSERT_FALSE(message_is_known(fixture->store, id));
    message_free(&message);
}

static void what_is_not_over_is_never_deleted(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    message.plans[1] = (struct mg_store_delivery_plan){mg_id_new(), "solingen"};
    message.accept.delivery_count = 2;
    CU_ASSERT(accept_new(fixture, &message));
    struct mg_store_delivery delivery;
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 10000, 90000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, 20000);
    CU_ASSERT(outcome_now(fixture, &outcome));
    CU_ASSERT(expire_all(fixture, INT64_C(1) << 50));
    CU_ASSERT(message_is_stored(fixture->store, &message));
    CU_ASSERT_FATAL(claim_one(fixture, "solingen", 10000, 90000, &delivery));
    outcome = outcome_of(&delivery, MG_DELIVERY_DEAD, 30000);
    CU_ASSERT(outcome_now(fixture, &outcome));
    CU_ASSERT(expire_all(fixture, 30999));
    CU_ASSERT(message_is_stored(fixture->store, &message));
    CU_ASSERT(expire_all(fixture, 35000));
    CU_ASSERT_FALSE(message_is_known(fixture->store, &message.accept.id));
    message_free(&message);
}

static void duplicates_are_deleted_when_they_are_past(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    int64_t now = mg_clock_now();
    message.accept.remembered_until = now + 100000;
    CU_ASSERT(accept_new(fixture, &message));
    enum mg_accept_result result;
    struct mg_id id;
    CU_ASSERT(expire_all(fixture, now + 99999));
    CU_ASSERT(mg_store_look_up(fixture->store, message.accept.partner, message.uuid,
                               message.accept.digest, &result, &id, NULL));
    CU_ASSERT_EQUAL(result, MG_ACCEPT_REPEATED);
    CU_ASSERT(expire_all(fixture, now + 100000));
    CU_ASSERT(mg_store_look_up(fixture->store, message.accept.partner, message.uuid,
                               message.accept.digest, &result, &id, NULL));
    CU_ASSERT_EQUAL(result, MG_ACCEPT_NEW);
    message_free(&message);
}

/* By a clock that is thousands of years ahead; says whether more was left for another run. */
static bool expire_far_ahead(struct fixture *fixture)
{
    struct mg_store_expiry expiry = {.now = INT64_C(1) << 50, .more = true};
    while (expiry.more)
        CU_ASSERT_FATAL(mg_store_expire(fixture->store, &expiry, &fixture->error));
    return expiry.behind;
}

static bool is_remembered(struct fixture *fixture, const struct test_message *message)
{
    enum mg_accept_result result;
    struct mg_id id;
    CU_ASSERT(mg_store_look_up(fixture->store, message->accept.partner, message->uuid,
                               message->accept.digest, &result, &id, NULL));
    return result == MG_ACCEPT_REPEATED;
}

#define HOUR INT64_C(3600000)

/* Over at once, since it is for nobody. */
static void accept_over(struct fixture *fixture, struct test_message *message, unsigned seed,
                        int64_t ended)
{
    message_make(message, seed, "remscheid");
    message->accept.delivery_count = 0;
    message->accept.received = ended;
    message->accept.remembered_until = mg_clock_now() + HOUR + ended;
    CU_ASSERT_FATAL(accept_new(fixture, message));
}

static void a_clock_that_is_far_ahead_costs_a_day_a_run_and_not_everything(struct fixture *fixture)
{
    static const int64_t ended[] = {HOUR, 24 * HOUR, 26 * HOUR, 500 * HOUR};
    struct test_message messages[4];
    for (unsigned i = 0; i < 4; i++)
        accept_over(fixture, &messages[i], i, ended[i]);
    CU_ASSERT(expire_far_ahead(fixture));
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(message_is_known(fixture->store, &messages[i].accept.id), i >= 2);
        CU_ASSERT_EQUAL(is_remembered(fixture, &messages[i]), i >= 2);
    }
    CU_ASSERT(message_is_stored(fixture->store, &messages[2]));
    CU_ASSERT(expire_far_ahead(fixture));
    CU_ASSERT_FALSE(message_is_known(fixture->store, &messages[2].accept.id));
    CU_ASSERT(message_is_stored(fixture->store, &messages[3]));
    CU_ASSERT(is_remembered(fixture, &messages[3]));
    CU_ASSERT(expire_far_ahead(fixture));
    CU_ASSERT_FALSE(message_is_known(fixture->store, &messages[3].accept.id));
    CU_ASSERT_FALSE(is_remembered(fixture, &messages[3]));
    CU_ASSERT_FALSE(expire_far_ahead(fixture));
    for (size_t i = 0; i < 4; i++)
        message_free(&messages[i]);
}

/* The oldest trace is older than the oldest content. */
static void each_kind_has_a_day_of_its_own(struct fixture *fixture)
{
    struct test_message old, newer;
    accept_over(fixture, &old, 1, HOUR);
    accept_over(fixture, &newer, 2, 100 * HOUR);
    CU_ASSERT(expire_all(fixture, HOUR + 2000));
    CU_ASSERT_FALSE(has_part(fixture, &old.accept.id, MG_PART_CONTENT));
    CU_ASSERT(expire_far_ahead(fixture));
    CU_ASSERT_FALSE(message_is_known(fixture->store, &old.accept.id));
    CU_ASSERT_FALSE(has_part(fixture, &newer.accept.id, MG_PART_CONTENT));
    CU_ASSERT(message_is_known(fixture->store, &newer.accept.id));
    message_free(&newer);
    message_free(&old);
}

static void a_message_for_nobody_is_over_at_once(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    message.accept.delivery_count = 0;
    CU_ASSERT(accept_new(fixture, &message));
    CU_ASSERT(expire_all(fixture, 15000));
    CU_ASSERT_FALSE(message_is_known(fixture->store, &message.accept.id));
    message_free(&message);
}

static void expiry_works_in_batches(struct fixture *fixture)
{
    enum { COUNT = 300 };
    static struct test_message messages[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        message_make(&messages[i], (unsigned)i, "remscheid");
        messages[i].accept.delivery_count = 0;
        mg_store_accept(fixture->store, &messages[i].accept);
    }
    for (size_t i = 0; i < COUNT; i++) {
        while (!messages[i].done)
            mg_handoff_wait(fixture->handoff, -1);
        message_free(&messages[i]);
    }
    struct mg_store_expiry expiry = {.now = 50000};
    CU_ASSERT(mg_store_expire(fixture->store, &expiry, NULL));
    CU_ASSERT(expiry.more);
    CU_ASSERT(expire_all(fixture, 50000));
    struct mg_store_totals totals;
    CU_ASSERT(mg_store_totals(fixture->store, &totals, NULL));
    CU_ASSERT_EQUAL(totals.messages, 0);
}

#define FOR_EACH_TEST(DO)                                                                          \
    DO(retention_deletes_first_the_content_and_later_the_trace)                                    \
    DO(another_retention_counts_at_once)                                                           \
    DO(what_is_not_over_is_never_deleted)                                                          \
    DO(duplicates_are_deleted_when_they_are_past)                                                  \
    DO(a_clock_that_is_far_ahead_costs_a_day_a_run_and_not_everything)                             \
    DO(each_kind_has_a_day_of_its_own)                                                             \
    DO(a_message_for_nobody_is_over_at_once)                                                       \
    DO(expiry_works_in_batches)

FOR_EACH_TEST(IN_BOTH)

int main(void)
{
    static const struct unit_test tests[] = {FOR_EACH_TEST(ENTRIES)};
    return unit_run("store-retention", tests, sizeof tests / sizeof *tests);
}
