#include "gateway/base/buffer.h"
#include "gateway/base/clock.h"
#include "gateway/base/id.h"
#include "gateway/base/pool.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void every_id_is_greater_than_the_one_before(void)
{
    struct mg_id before = mg_id_new();
    for (size_t i = unit_amount(100000, 10000); i > 0; i--) {
        struct mg_id id = mg_id_new();
        CU_ASSERT_FATAL(memcmp(before.bytes, id.bytes, sizeof id.bytes) < 0);
        before = id;
    }
}

static void an_id_carries_version_7_and_the_variant_of_RFC_9562(void)
{
    struct mg_id id = mg_id_new();
    CU_ASSERT_EQUAL(id.bytes[6] >> 4, 7);
    CU_ASSERT_EQUAL(id.bytes[8] >> 6, 2);
}

static void an_id_survives_being_written_and_read(void)
{
    char text[MG_ID_TEXT_SIZE];
    struct mg_id id = mg_id_new(), read;
    CU_ASSERT_FATAL(mg_id_parse(mg_id_text(&id, text), &read));
    CU_ASSERT(memcmp(&id, &read, sizeof id) == 0);
}

static void what_is_no_uuid_is_not_read_as_one(void)
{
    struct mg_id id;
    CU_ASSERT_FALSE(mg_id_parse("", &id));
    CU_ASSERT_FALSE(mg_id_parse("018f3b1c-9d2a-7c44-8f00-0123456789a", &id));
    CU_ASSERT_FALSE(mg_id_parse("018f3b1c-9d2a-7c44-8f00-0123456789ag", &id));
    CU_ASSERT_FALSE(mg_id_parse("018f3b1c+9d2a-7c44-8f00-0123456789ab", &id));
    CU_ASSERT_FALSE(mg_id_parse("018f3b1c-9d2a-7c44-8f00-0123456789ab ", &id));
}

static void a_moment_is_written_as_xs_dateTime_in_utc(void)
{
    char text[MG_CLOCK_TEXT_SIZE];
    CU_ASSERT_STRING_EQUAL(mg_clock_text(0, text), "1970-01-01T00:00:00.000Z");
    CU_ASSERT_STRING_EQUAL(mg_clock_text(1795416196123, text), "2026-11-23T06:43:16.123Z");
}

static void a_buffer_never_grows_past_its_limit(void)
{
    struct mg_buffer buffer = {.limit = 5};
    CU_ASSERT(mg_buffer_add_text(&buffer, "abc"));
    CU_ASSERT_FALSE(mg_buffer_add_text(&buffer, "def"));
    CU_ASSERT_STRING_EQUAL(buffer.data, "abc");
    CU_ASSERT(mg_buffer_add_text(&buffer, "de"));
    CU_ASSERT_EQUAL(buffer.length, 5);
    CU_ASSERT_FALSE(mg_buffer_print(&buffer, "%d", 1));
    mg_buffer_free(&buffer);
}

static void hostile_text_is_escaped_for_xml_and_json(void)
{
    struct mg_buffer buffer = {0};
    CU_ASSERT(mg_buffer_add_xml(&buffer, "<a b=\"c\">'&\n"));
    CU_ASSERT_STRING_EQUAL(buffer.data, "&lt;a b=&quot;c&quot;&gt;&#39;&amp; ");
    mg_buffer_clear(&buffer);
    CU_ASSERT(mg_buffer_add_json(&buffer, "a\"b\\c\nd"));
    CU_ASSERT_STRING_EQUAL(buffer.data, "a\\\"b\\\\c\\u000ad");
    mg_buffer_free(&buffer);
}

struct addition {
    struct mg_job job;
    int operand;
    int *sum;
    bool worked;
};

static void work(struct mg_job *job)
{
    ((struct addition *)job)->worked = true;
}

static void done(struct mg_job *job)
{
    struct addition *addition = (struct addition *)job;
    CU_ASSERT(addition->worked);
    *addition->sum += addition->operand;
    free(addition);
}

static void what_workers_did_comes_back_on_the_thread_that_drains(void)
{
    struct mg_handoff *handoff = mg_handoff_new(NULL);
    struct mg_pool *pool = mg_pool_new("test", 4, 1000, handoff, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
    int sum = 0;
    for (int i = 1; i <= 1000; i++) {
        struct addition *addition = calloc(1, sizeof *addition);
        *addition =
            (struct addition){.job = {.work = work, .done = done}, .operand = i, .sum = &sum};
        CU_ASSERT_FATAL(mg_pool_submit(pool, &addition->job));
    }
    mg_pool_free(pool);
    mg_handoff_drain(handoff);
    CU_ASSERT_EQUAL(sum, 500500);
    mg_handoff_free(handoff);
}

static void a_full_pool_refuses_instead_of_growing(void)
{
    struct mg_handoff *handoff = mg_handoff_new(NULL);
    struct mg_pool *pool = mg_pool_new("test", 0, 1, handoff, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
    struct mg_job first = {.work = work, .done = done}, second = first;
    CU_ASSERT(mg_pool_submit(pool, &first));
    CU_ASSERT_FALSE(mg_pool_submit(pool, &second));
    mg_pool_free(pool);
    mg_handoff_free(handoff);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(every_id_is_greater_than_the_one_before),
        UNIT_TEST(an_id_carries_version_7_and_the_variant_of_RFC_9562),
        UNIT_TEST(an_id_survives_being_written_and_read),
        UNIT_TEST(what_is_no_uuid_is_not_read_as_one),
        UNIT_TEST(a_moment_is_written_as_xs_dateTime_in_utc),
        UNIT_TEST(a_buffer_never_grows_past_its_limit),
        UNIT_TEST(hostile_text_is_escaped_for_xml_and_json),
        UNIT_TEST(what_workers_did_comes_back_on_the_thread_that_drains),
        UNIT_TEST(a_full_pool_refuses_instead_of_growing),
    };
    return unit_run("base", tests, sizeof tests / sizeof *tests);
}
