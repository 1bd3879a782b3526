/* The search finds what is asked for, newest first, page by page, and never looks at more than it
 * may. The durable store and the one in memory find the same. */
#include "gateway/store/act.h"
#include "gateway/store/search.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A colourful lot: every author with every reader, types, destinations and ends, so that every
 * combination of filters finds some and leaves some out. */
#define MESSAGES 120

static const char *const authors[] = {"ags:05124000", "ags:05120000", "ags:05122000"};
static const char *const readers[] = {"ags:05120000", "ags:05122000"};
static const char *const types[] = {"service:0401", "service:0402", "other:0001", "other:0002",
                                    "other:0003"};
static const char *const destinations[] = {"remscheid", "solingen", "wuppertal", "box"};
static const char *const partners[] = {"portal", "registry"};
static struct test_message messages[MESSAGES];

static void make_message(size_t i)
{
    message_make(&messages[i], (unsigned)i, destinations[i % 4]);
    struct mg_store_accept *accept = &messages[i].accept;
    accept->author = authors[i % 3];
    accept->reader = readers[i / 3 % 2];
    accept->type = types[i % 5];
    accept->partner = partners[i / 7 % 2];
    accept->received = 10000 + (int64_t)i * 1000;
    if (i % 11 == 0) {
        messages[i].plans[1] = (struct mg_store_delivery_plan){mg_id_new(), "second"};
        accept->delivery_count = 2;
    }
}

static void end_delivery(struct fixture *fixture, const char *destination,
                         enum mg_delivery_state state)
{
    struct mg_store_delivery delivery;
    CU_ASSERT_FATAL(claim_one(fixture, destination, 900000, 999000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, state, 900000);
    CU_ASSERT_FATAL(outcome_now(fixture, &outcome));
}

/* Of each destination the oldest ones end, a few are underway, and the rest waits. */
static void fill(struct fixture *fixture)
{
    struct mg_store_delivery delivery;
    for (size_t i = 0; i < MESSAGES; i++) {
        make_message(i);
        CU_ASSERT_FATAL(accept_new(fixture, &messages[i]));
    }
    for (size_t i = 0; i < 3; i++) {
        for (int one = 0; one < 5; one++)
            end_delivery(fixture, destinations[i], MG_DELIVERY_DELIVERED);
        for (int one = 0; one < 4; one++)
            end_delivery(fixture, destinations[i], MG_DELIVERY_DEAD);
        for (int one = 0; one < 2; one++)
            CU_ASSERT_FATAL(claim_one(fixture, destinations[i], 900000, 999000, &delivery));
    }
    CU_ASSERT_FATAL(take_one(fixture, "box", 900000, 999000, &delivery));
    struct mg_store_settle settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, 900001);
    CU_ASSERT_FATAL(settle_now(fixture, &settle));
}

static void empty(void)
{
    for (size_t i = 0; i < MESSAGES; i++)
        message_free(&messages[i]);
}

/* ---- what is to be found, worked out the long way ---- */

static bool has_delivery(struct fixture *fixture, const struct test_message *message,
                         const struct mg_store_query *query)
{
    struct mg_store_delivery *deliveries;
    size_t count;
    bool has = !query->destination && query->state == MG_STORE_ANY_STATE;
    CU_ASSERT(mg_store_deliveries(fixture->store, &message->accept.id, &deliveries, &count, NULL));
    for (size_t i = 0; i < count; i++)
        has =
            has ||
            ((!query->destination || strcmp(deliveries[i].destination, query->destination) == 0) &&
             (query->state == MG_STORE_ANY_STATE || (int)deliveries[i].state == query->state));
    free(deliveries);
    return has;
}

static bool is_asked_for(struct fixture *fixture, const struct test_message *message,
                         const struct mg_store_query *query)
{
    const struct mg_store_accept *accept = &message->accept;
    return (!query->author || strcmp(query->author, accept->author) == 0) &&
           (!query->reader || strcmp(query->reader, accept->reader) == 0) &&
           (!query->type || strcmp(query->type, accept->type) == 0) &&
           (!query->partner || strcmp(query->partner, accept->partner) == 0) &&
           (!query->uuid || strcmp(query->uuid, accept->uuid) == 0) &&
           (!query->id || memcmp(query->id, &accept->id, sizeof accept->id) == 0) &&
           (query->from == 0 || accept->received >= query->from) &&
           (query->to == 0 || accept->received < query->to) &&
           has_delivery(fixture, message, query);
}

/* Pages through everything that is found and compares it with what is to be found. */
static size_t check(struct fixture *fixture, struct mg_store_query query)
{
    size_t found = 0, next = MESSAGES;
    query.before = 0;
    for (int pages = 0; pages < 200; pages++) {
        struct mg_store_hits hits;
        CU_ASSERT_FATAL(mg_store_search(fixture->store, &query, &hits, NULL));
        CU_ASSERT(hits.count <= query.limit);
        CU_ASSERT(hits.examined >= hits.count && hits.examined <= MG_STORE_SEARCH_EXAMINE);
        for (size_t i = 0; i < hits.count; i++) {
            do
                next--;
            while (next < MESSAGES && !is_asked_for(fixture, &messages[next], &query));
            CU_ASSERT_FATAL(next < MESSAGES);
            CU_ASSERT_STRING_EQUAL(hits.hits[i].message.uuid, messages[next].uuid);
            CU_ASSERT_STRING_EQUAL(hits.hits[i].message.author, messages[next].accept.author);
            CU_ASSERT_EQUAL(hits.hits[i].delivery_count, messages[next].accept.delivery_count);
        }
        found += hits.count;
        query.before = hits.next;
        mg_store_hits_free(&hits);
        if (query.before == 0)
            break;
    }
    CU_ASSERT_EQUAL(query.before, 0);
    while (next > 0)
        CU_ASSERT_FALSE(is_asked_for(fixture, &messages[--next], &query));
    return found;
}

/* ---- the sentences ---- */

#define ASKS(bit) ((combination >> (bit)) & 1)

static void every_combination_of_filters_finds_what_it_says(struct fixture *fixture)
{
    fill(fixture);
    size_t found = 0, empty_ones = 0;
    for (unsigned combination = 0; combination < 1u << 7; combination++) {
        for (int state = MG_STORE_ANY_STATE; state <= MG_DELIVERY_CANCELLED; state++) {
            const struct mg_store_query query = {
                .author = ASKS(0) ? authors[1] : NULL,
                .reader = ASKS(1) ? readers[1] : NULL,
                .type = ASKS(2) ? types[3] : NULL,
                .partner = ASKS(3) ? partners[1] : NULL,
                .destination = ASKS(4) ? destinations[1] : NULL,
                .from = ASKS(5) ? 40000 : 0,
                .to = ASKS(6) ? 100000 : 0,
                .state = state,
                .limit = 7,
            };
            size_t count = check(fixture, query);
            found += count;
            empty_ones += count == 0;
        }
    }
    CU_ASSERT(found > 2000 && empty_ones > 100);
    printf("# %zu found\n", found);
    empty();
}

static void a_message_is_found_by_its_id_and_by_its_uuid(struct fixture *fixture)
{
    fill(fixture);
    struct mg_store_query query = {.state = MG_STORE_ANY_STATE, .limit = 50};
    query.id = &messages[17].accept.id;
    CU_ASSERT_EQUAL(check(fixture, query), 1);
    query.author = "ags:00000000";
    CU_ASSERT_EQUAL(check(fixture, query), 0);
    query = (struct mg_store_query){
        .state = MG_STORE_ANY_STATE, .limit = 50, .uuid = messages[33].uuid};
    CU_ASSERT_EQUAL(check(fixture, query), 1);
    query.uuid = "no-uuid' OR 1=1 --";
    CU_ASSERT_EQUAL(check(fixture, query), 0);
    empty();
}

static void two_partners_messages_of_one_uuid_are_both_found(struct fixture *fixture)
{
    struct test_message one, other;
    message_make(&one, 1, "remscheid");
    message_make(&other, 2, "remscheid");
    memcpy(other.uuid, one.uuid, sizeof one.uuid);
    other.accept.partner = "another";
    CU_ASSERT(accept_new(fixture, &one));
    CU_ASSERT(accept_new(fixture, &other));
    struct mg_store_query query = {.state = MG_STORE_ANY_STATE, .limit = 1, .uuid = one.uuid};
    struct mg_store_hits hits;
    CU_ASSERT_FATAL(mg_store_search(fixture->store, &query, &hits, NULL));
    CU_ASSERT_FATAL(hits.count == 1 && hits.next != 0);
    CU_ASSERT_STRING_EQUAL(hits.hits[0].message.partner, "another");
    query.before = hits.next;
    mg_store_hits_free(&hits);
    CU_ASSERT_FATAL(mg_store_search(fixture->store, &query, &hits, NULL));
    CU_ASSERT_EQUAL(hits.count, 1);
    mg_store_hits_free(&hits);
    message_free(&one);
    message_free(&other);
}

static void what_comes_while_somebody_pages_does_not_shift_the_pages(struct fixture *fixture)
{
    struct test_message late;
    struct mg_store_hits hits;
    fill(fixture);
    struct mg_store_query query = {.state = MG_STORE_ANY_STATE, .limit = 10};
    CU_ASSERT_FATAL(mg_store_search(fixture->store, &query, &hits, NULL));
    query.before = hits.next;
    mg_store_hits_free(&hits);
    message_make(&late, 999, "remscheid");
    CU_ASSERT(accept_new(fixture, &late));
    CU_ASSERT_FATAL(mg_store_search(fixture->store, &query, &hits, NULL));
    CU_ASSERT_FATAL(hits.count == 10);
    CU_ASSERT_STRING_EQUAL(hits.hits[0].message.uuid, messages[MESSAGES - 11].uuid);
    mg_store_hits_free(&hits);
    message_free(&late);
    empty();
}

static void a_message_is_found_once_though_two_of_its_deliveries_fit(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    message.plans[1] = (struct mg_store_delivery_plan){mg_id_new(), "solingen"};
    message.accept.delivery_count = 2;
    CU_ASSERT(accept_new(fixture, &message));
    struct mg_store_query query = {.state = MG_DELIVERY_WAITING, .limit = 10};
    struct mg_store_hits hits;
    CU_ASSERT_FATAL(mg_store_search(fixture->store, &query, &hits, NULL));
    CU_ASSERT_EQUAL(hits.count, 1);
    CU_ASSERT_EQUAL(hits.next, 0);
    mg_store_hits_free(&hits);
    message_free(&message);
}

static void a_search_looks_at_no_more_than_it_may(struct fixture *fixture)
{
    const size_t count = MG_STORE_SEARCH_EXAMINE + 50;
    for (size_t i = 0; i < count; i++) {
        struct test_message message;
        message_make(&message, (unsigned)i, "remscheid");
        message.accept.reader = i == 3 ? "ags:05122000" : "ags:05120000";
        CU_ASSERT_FATAL(accept_new(fixture, &message));
        message_free(&message);
    }
    struct mg_store_query query = {
        .author = "ags:05124000", .reader = "ags:05122000", .limit = 10, .state = -1};
    struct mg_store_hits hits;
    CU_ASSERT_FATAL(mg_store_search(fixture->store, &query, &hits, NULL));
    CU_ASSERT_EQUAL(hits.count, 0);
    CU_ASSERT_EQUAL(hits.examined, MG_STORE_SEARCH_EXAMINE);
    CU_ASSERT_FATAL(hits.next != 0);
    query.before = hits.next;
    mg_store_hits_free(&hits);
    CU_ASSERT_FATAL(mg_store_search(fixture->store, &query, &hits, NULL));
    CU_ASSERT_EQUAL(hits.count, 1);
    CU_ASSERT_EQUAL(hits.next, 0);
    mg_store_hits_free(&hits);
}

static void an_empty_store_finds_nothing(struct fixture *fixture)
{
    for (int state = MG_STORE_ANY_STATE; state <= MG_DELIVERY_CANCELLED; state++) {
        struct mg_store_query query = {.state = state, .limit = 1, .from = 1, .to = 99};
        struct mg_store_hits hits;
        CU_ASSERT_FATAL(mg_store_search(fixture->store, &query, &hits, NULL));
        CU_ASSERT(hits.count == 0 && hits.next == 0);
        mg_store_hits_free(&hits);
    }
}

#define FOR_EACH_TEST(DO)                                                                          \
    DO(every_combination_of_filters_finds_what_it_says)                                            \
    DO(a_message_is_found_by_its_id_and_by_its_uuid)                                               \
    DO(two_partners_messages_of_one_uuid_are_both_found)                                           \
    DO(what_comes_while_somebody_pages_does_not_shift_the_pages)                                   \
    DO(a_message_is_found_once_though_two_of_its_deliveries_fit)                                   \
    DO(a_search_looks_at_no_more_than_it_may)                                                      \
    DO(an_empty_store_finds_nothing)

FOR_EACH_TEST(IN_BOTH)

int main(void)
{
    static const struct unit_test tests[] = {FOR_EACH_TEST(ENTRIES)};
    return unit_run("store-search", tests, sizeof tests / sizeof *tests);
}
