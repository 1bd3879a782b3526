#include "gateway/config/snapshot.h"
#include "gateway/intake/intake.h"
#include "gateway/intake/trip.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

/* An intake without an event loop, on a store in memory; nothing gets as far as a worker here. */
struct room {
    struct mg_handoff *handoff;
    struct mg_pool *workers;
    struct mg_store *store;
    struct mg_config_snapshot *snapshot;
    struct mg_config_partner partner;
    struct mg_config_source source;
    struct mg_intake *intake;
    int ends;
    char code[MG_ERROR_CODE_SIZE]; /* of the last end */
};

static void start(struct room *room)
{
    struct mg_error error;
    const struct mg_store_options store = {.node = "here"};
    *room = (struct room){
        .partner = {.name = "portal", .simultaneous = 8},
        .source = {.name = "submission", .adapter = "rest"},
        .snapshot = mg_config_snapshot_new(),
    };
    room->snapshot->config.limits = (struct mg_config_limits){
        .message = 1000,
        .intake = 8,
        .intake_bytes = 1500,
    };
    room->handoff = mg_handoff_new(&error);
    room->workers = mg_pool_new("worker", 1, 8, room->handoff, &error);
    room->store = mg_store_memory_open(&store, room->handoff, &error);
    CU_ASSERT_FATAL(room->handoff && room->workers && room->store);
    const struct mg_intake_options options = {.store = room->store, .workers = room->workers};
    room->intake = mg_intake_new(&options);
}

static void stop(struct room *room)
{
    CU_ASSERT_EQUAL(mg_intake_underway(room->intake), 0);
    mg_pool_free(room->workers);
    mg_store_close(room->store);
    mg_handoff_drain(room->handoff);
    mg_intake_free(room->intake);
    mg_handoff_free(room->handoff);
    mg_config_release(&room->snapshot->config);
}

static void ended(const struct mg_trip_result *result, void *context)
{
    struct room *room = context;
    room->ends++;
    strcpy(room->code, result->refusal ? result->refusal->code : "");
}

static struct mg_trip *begin(struct room *room, int64_t length)
{
    struct mg_error error;
    const struct mg_entry entry = {
        .config = &room->snapshot->config,
        .source = &room->source,
        .partner = &room->partner,
        .media_type = "application/xml",
        .length = length,
    };
    struct mg_trip *trip = mg_intake_begin(room->intake, &entry, ended, room, &error);
    if (!trip)
        strcpy(room->code, error.code);
    return trip;
}

static bool append(struct mg_trip *trip, size_t length)
{
    static const char bytes[2000];
    return mg_intake_append(trip, bytes, length);
}

static void bodies_underway_take_no_more_memory_than_they_may(void)
{
    struct room room;
    start(&room);
    struct mg_trip *first = begin(&room, -1), *second = begin(&room, -1);
    CU_ASSERT(append(first, 800));
    CU_ASSERT(append(second, 700));
    CU_ASSERT_PTR_NULL(begin(&room, 10));
    CU_ASSERT_STRING_EQUAL(room.code, "gateway.overloaded");
    CU_ASSERT_FALSE(append(second, 1));
    CU_ASSERT_EQUAL(room.ends, 1);
    CU_ASSERT_STRING_EQUAL(room.code, "gateway.overloaded");
    CU_ASSERT(append(first, 200));
    mg_intake_abort(first);
    CU_ASSERT_EQUAL(room.ends, 1);
    stop(&room);
}

static void what_is_only_announced_keeps_nobody_out(void)
{
    struct room room;
    start(&room);
    struct mg_trip *slow[4], *quick;
    for (size_t i = 0; i < 4; i++)
        slow[i] = begin(&room, 1000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(quick = begin(&room, 1000));
    CU_ASSERT(append(quick, 1000));
    mg_intake_abort(quick);
    for (size_t i = 0; i < 4; i++)
        mg_intake_abort(slow[i]);
    stop(&room);
}

static void a_single_message_comes_in_however_low_the_limit_is(void)
{
    struct room room;
    start(&room);
    room.snapshot->config.limits.intake_bytes = 10;
    struct mg_trip *trip = begin(&room, 1000);
    CU_ASSERT(append(trip, 600));
    CU_ASSERT(append(trip, 400));
    CU_ASSERT_FALSE(append(trip, 1));
    CU_ASSERT_STRING_EQUAL(room.code, "body.too-large");
    stop(&room);
}

static void what_ended_is_no_longer_counted(void)
{
    struct room room;
    start(&room);
    for (int i = 0; i < 20; i++) {
        struct mg_trip *refused = begin(&room, -1), *aborted = begin(&room, -1);
        CU_ASSERT_FATAL(refused && aborted);
        CU_ASSERT(append(aborted, 900));
        CU_ASSERT_FALSE(append(refused, 1001));
        mg_intake_abort(aborted);
    }
    CU_ASSERT_EQUAL(room.ends, 20);
    stop(&room);
}

static void a_repetition_whose_receipt_is_gone_is_told_so(void)
{
    struct room room;
    start(&room);
    struct mg_trip *trip = mg_allocate_zeroed(1, sizeof *trip);
    struct mg_id id = mg_id_new();
    trip->store = room.store;
    CU_ASSERT_FALSE(mg_trip_recall(trip, &id));
    CU_ASSERT_STRING_EQUAL(trip->error.code, "duplicate.receipt-gone");
    free(trip);
    stop(&room);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(bodies_underway_take_no_more_memory_than_they_may),
        UNIT_TEST(what_is_only_announced_keeps_nobody_out),
        UNIT_TEST(a_single_message_comes_in_however_low_the_limit_is),
        UNIT_TEST(what_ended_is_no_longer_counted),
        UNIT_TEST(a_repetition_whose_receipt_is_gone_is_told_so),
    };
    return unit_run("intake load", tests, sizeof tests / sizeof *tests);
}
