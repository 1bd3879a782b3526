#include "gateway/intake/quota.h"
#include "gateway/intake/refusal.h"
#include "gateway/message/header_record.h"
#include "tests/unit/unit.h"

#include <string.h>

static void every_code_has_the_status_that_says_the_same(void)
{
    CU_ASSERT_EQUAL(mg_refusal_kind("partner.unknown")->status, 403);
    CU_ASSERT_EQUAL(mg_refusal_kind("media-type.unsupported")->status, 415);
    CU_ASSERT_EQUAL(mg_refusal_kind("body.too-large")->status, 413);
    CU_ASSERT_EQUAL(mg_refusal_kind("gzip.too-large")->status, 413);
    CU_ASSERT_EQUAL(mg_refusal_kind("gzip.malformed")->status, 400);
    CU_ASSERT_EQUAL(mg_refusal_kind("xml.too-large")->status, 413);
    CU_ASSERT_EQUAL(mg_refusal_kind("xml.doctype")->status, 400);
    CU_ASSERT_EQUAL(mg_refusal_kind("signature.value")->status, 422);
    CU_ASSERT_EQUAL(mg_refusal_kind("schema.invalid")->status, 422);
    CU_ASSERT_EQUAL(mg_refusal_kind("duplicate.different-content")->status, 409);
    CU_ASSERT_EQUAL(mg_refusal_kind("message.unknown")->status, 404);
}

static void only_what_may_succeed_unchanged_says_when_to_try_again(void)
{
    CU_ASSERT(mg_refusal_kind("quota.exceeded")->retry_after > 0);
    CU_ASSERT(mg_refusal_kind("gateway.overloaded")->retry_after > 0);
    CU_ASSERT(mg_refusal_kind("store.full")->retry_after > 0);
    CU_ASSERT_EQUAL(mg_refusal_kind("schema.invalid")->retry_after, 0);
}

static void an_unknown_code_is_a_failure_of_the_gateway(void)
{
    CU_ASSERT_EQUAL(mg_refusal_kind("surprise")->status, 500);
    CU_ASSERT_EQUAL(mg_refusal_kind("partner.unknown.more")->status, 500);
}

static void a_partner_has_no_more_messages_underway_than_it_may(void)
{
    struct mg_quota *quota = mg_quota_new();
    const struct mg_config_partner partner = {.name = "a", .simultaneous = 2};
    const struct mg_config_partner other = {.name = "b", .simultaneous = 1};
    struct mg_error error;
    CU_ASSERT(mg_quota_enter(quota, &partner, &error));
    CU_ASSERT(mg_quota_enter(quota, &partner, &error));
    CU_ASSERT_FALSE(mg_quota_enter(quota, &partner, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "quota.exceeded");
    CU_ASSERT(mg_quota_enter(quota, &other, &error));
    mg_quota_leave(quota, &partner);
    CU_ASSERT(mg_quota_enter(quota, &partner, &error));
    mg_quota_free(quota);
}

static void a_partner_sends_no_more_messages_a_minute_than_it_may(void)
{
    struct mg_quota *quota = mg_quota_new();
    const struct mg_config_partner partner = {.name = "a", .simultaneous = 1, .quota = 60};
    struct mg_error error;
    int accepted = 0;
    for (int i = 0; i < 100; i++) {
        if (mg_quota_enter(quota, &partner, &error)) {
            mg_quota_leave(quota, &partner);
            accepted++;
        }
    }
    /* The bucket holds ten; the loop is too short for more than one to come back. */
    CU_ASSERT(accepted >= 10 && accepted <= 11);
    CU_ASSERT_STRING_EQUAL(error.code, "quota.exceeded");
    mg_quota_free(quota);
}

static void a_header_survives_being_written_and_read(void)
{
    struct mg_header header = {.uuid = "u", .type_code = "0401", .created = "now"}, read;
    struct mg_buffer record = {0};
    strcpy(header.author.id, "ags:05124000");
    strcpy(header.reader.name, "Stadt");
    CU_ASSERT_FATAL(mg_header_write(&header, &record));
    CU_ASSERT_FATAL(mg_header_read(record.data, record.length, &read));
    CU_ASSERT(memcmp(&header, &read, sizeof header) == 0);
    mg_buffer_free(&record);
}

static void a_damaged_header_record_is_recognised(void)
{
    struct mg_header header = {.uuid = "u"}, read;
    struct mg_buffer record = {0};
    CU_ASSERT_FATAL(mg_header_write(&header, &record));
    for (size_t length = 0; length < record.length; length++)
        CU_ASSERT_FALSE(mg_header_read(record.data, length, &read));
    record.data[0] = 99;
    CU_ASSERT_FALSE(mg_header_read(record.data, record.length, &read));
    mg_buffer_free(&record);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(every_code_has_the_status_that_says_the_same),
        UNIT_TEST(only_what_may_succeed_unchanged_says_when_to_try_again),
        UNIT_TEST(an_unknown_code_is_a_failure_of_the_gateway),
        UNIT_TEST(a_partner_has_no_more_messages_underway_than_it_may),
        UNIT_TEST(a_partner_sends_no_more_messages_a_minute_than_it_may),
        UNIT_TEST(a_header_survives_being_written_and_read),
        UNIT_TEST(a_damaged_header_record_is_recognised),
    };
    return unit_run("intake", tests, sizeof tests / sizeof *tests);
}
