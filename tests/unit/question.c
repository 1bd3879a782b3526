/* What operators may ask in a search, read strictly; and the record of a message's checks. */
#include "gateway/operate/question.h"

#include "gateway/intake/checks.h"
#include "gateway/message/header_record.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

/* ---- questions ---- */

struct pair {
    const char *name;
    const char *value;
};

static const char *value_of(const void *context, const char *name)
{
    for (const struct pair *pair = context; pair->name; pair++)
        if (strcmp(pair->name, name) == 0)
            return pair->value;
    return NULL;
}

static struct mg_question question;
static const char *parameter, *expected;

static bool reads(const struct pair *pairs)
{
    return mg_question_read(&question, value_of, pairs, &parameter, &expected);
}

static void a_question_without_parameters_asks_for_the_newest(void)
{
    CU_ASSERT(reads((struct pair[]){{0}}));
    CU_ASSERT_EQUAL(question.query.state, MG_STORE_ANY_STATE);
    CU_ASSERT_EQUAL(question.query.limit, 50);
    CU_ASSERT(!question.query.id && !question.query.uuid && !question.query.author);
    CU_ASSERT(question.query.from == 0 && question.query.to == 0 && question.query.before == 0);
}

static void every_parameter_is_read_as_it_is_meant(void)
{
    static const struct pair pairs[] = {
        {"id", "018F3B1C-9D2A-7C44-8F00-0123456789AB"},
        {"uuid", "60B8F0E2-52C1-4F0D-9A37-7D1F6F0A2B11"},
        {"author", "ags:05124000"},
        {"reader", "ags:05120000"},
        {"type", "service:0401"},
        {"partner", "wuppertal-portal"},
        {"destination", "remscheid"},
        {"state", "dead"},
        {"from", "2026-11-25"},
        {"to", "2026-11-26T01:00:00.5+01:00"},
        {"limit", "200"},
        {"cursor", "ff"},
        {0},
    };
    char id[MG_ID_TEXT_SIZE];
    CU_ASSERT_FATAL(reads(pairs));
    const struct mg_store_query *query = &question.query;
    CU_ASSERT_STRING_EQUAL(mg_id_text(query->id, id), "018f3b1c-9d2a-7c44-8f00-0123456789ab");
    CU_ASSERT_STRING_EQUAL(query->uuid, "60b8f0e2-52c1-4f0d-9a37-7d1f6f0a2b11");
    CU_ASSERT_STRING_EQUAL(query->author, "ags:05124000");
    CU_ASSERT_STRING_EQUAL(query->reader, "ags:05120000");
    CU_ASSERT_STRING_EQUAL(query->type, "service:0401");
    CU_ASSERT_STRING_EQUAL(query->partner, "wuppertal-portal");
    CU_ASSERT_STRING_EQUAL(query->destination, "remscheid");
    CU_ASSERT_EQUAL(query->state, MG_DELIVERY_DEAD);
    CU_ASSERT_EQUAL(query->from, INT64_C(1795564800000));
    CU_ASSERT_EQUAL(query->to, INT64_C(1795651200500));
    CU_ASSERT_EQUAL(query->limit, 200);
    CU_ASSERT_EQUAL(query->before, 255);
}

static void times_are_those_of_the_calendar(void)
{
    static const struct {
        const char *text;
        int64_t time;
    } times[] = {
        {"1970-01-02", 86400000},
        {"1972-02-29T00:00:00Z", 68169600000},
        {"2000-02-29T12:00:00Z", 951825600000},
        {"2100-03-01T00:00:00Z", 4107542400000},
        {"2026-12-31T23:59:59.999Z", 1798761599999},
        {"2026-12-31T23:59:59.9999Z", 1798761599999},
        {"2027-01-01T00:30:00+01:00", 1798759800000},
        {"2026-12-31T22:30:00-01:00", 1798759800000},
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t time = 0;
        CU_ASSERT(mg_question_time(times[i].text, &time));
        CU_ASSERT_EQUAL(time, times[i].time);
    }
}

static void what_is_no_time_is_not_read(void)
{
    static const char *const wrong[] = {
        "",
        "yesterday",
        "2026",
        "2026-1-01",
        "2026-01-00",
        "2026-02-29",
        "2100-02-29",
        "2026-04-31",
        "2026-13-01",
        "0000-01-01",
        "1969-12-31",
        "2026-01-01 00:00:00Z",
        "2026-01-01T",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00+15:00",
        "2026-01-01T00:00:00Zx",
        "2026-01-01Z",
        "\xd9\xa2\xd9\xa0\xd9\xa2\xd9\xa6-01-01",
        "1970-01-01",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t time;
        CU_ASSERT_FALSE(mg_question_time(wrong[i], &time));
    }
}

static void nonsense_is_refused_by_the_name_of_its_parameter(void)
{
    static const struct pair wrong[] = {
        {"id", ""},
        {"id", "x"},
        {"uuid", "60b8f0e2"},
        {"author", ""},
        {"author", "ags"},
        {"author", ":1"},
        {"author", "ags:"},
        {"reader", "a b:c"},
        {"reader", "a:\x7f"},
        {"type", "0401"},
        {"partner", ""},
        {"partner", "a b"},
        {"state", ""},
        {"state", "Dead"},
        {"state", "6"},
        {"from", "now"},
        {"to", "now"},
        {"limit", ""},
        {"limit", "0"},
        {"limit", "201"},
        {"limit", "+5"},
        {"limit", "5 "},
        {"limit", "99999999999999999999"},
        {"cursor", ""},
        {"cursor", "0"},
        {"cursor", "FF"},
        {"cursor", "-1"},
        {"cursor", "ffffffffffffffff"},
        {"destination", "\n"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CU_ASSERT_FALSE(reads((struct pair[]){wrong[i], {0}}));
        CU_ASSERT_STRING_EQUAL(parameter, wrong[i].name);
        CU_ASSERT(expected && *expected);
    }
}

static void a_name_that_is_too_long_is_refused(void)
{
    char longest[MG_STORE_NAME_SIZE], longer[MG_STORE_NAME_SIZE + 1];
    memset(longest, 'x', sizeof longest - 1);
    memset(longer, 'x', sizeof longer - 1);
    longest[sizeof longest - 1] = longer[sizeof longer - 1] = '\0';
    CU_ASSERT(reads((struct pair[]){{"partner", longest}, {0}}));
    CU_ASSERT_FALSE(reads((struct pair[]){{"partner", longer}, {0}}));
}

static void the_end_has_to_be_later_than_the_beginning(void)
{
    CU_ASSERT_FALSE(reads((struct pair[]){{"from", "2026-01-02"}, {"to", "2026-01-02"}, {0}}));
    CU_ASSERT_STRING_EQUAL(parameter, "to");
    CU_ASSERT_STRING_EQUAL(expected, "later than from");
    CU_ASSERT(reads((struct pair[]){{"from", "2026-01-02"}, {"to", "2026-01-03"}, {0}}));
}

static void a_cursor_is_read_as_it_was_written(void)
{
    static const int64_t places[] = {1, 255, 1000000, INT64_C(1) << 43};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char text[MG_CURSOR_SIZE];
        CU_ASSERT(reads((struct pair[]){{"cursor", mg_question_cursor(places[i], text)}, {0}}));
        CU_ASSERT_EQUAL(question.query.before, places[i]);
    }
}

/* ---- the record of checks ---- */

static void note_some(struct mg_checks *checks)
{
    mg_checks_note(checks, MG_CHECK_FORM, true, 12, NULL);
    mg_checks_note(checks, MG_CHECK_SIGNATURE, false, -5, "none");
    mg_checks_note(checks, MG_CHECK_ROUTE, true, INT64_MAX, "remscheid");
}

static void checks_come_back_from_behind_the_header(void)
{
    struct mg_header header = {.uuid = "1", .type_code = "0401", .reader = {.name = "Remscheid"}};
    struct mg_header found;
    struct mg_checks checks = {.count = 0}, read;
    struct mg_buffer record = {0};
    const char *rest;
    note_some(&checks);
    CU_ASSERT(mg_header_write(&header, &record) && mg_checks_write(&checks, &record));
    CU_ASSERT(mg_header_read(record.data, record.length, &found));
    CU_ASSERT_FATAL(mg_header_read_with(record.data, record.length, &found, &rest));
    CU_ASSERT_STRING_EQUAL(found.reader.name, "Remscheid");
    mg_checks_read(rest, (size_t)(record.data + record.length - rest), &read);
    CU_ASSERT_EQUAL_FATAL(read.count, 3);
    CU_ASSERT(read.list[0].kind == MG_CHECK_FORM && read.list[0].microseconds == 12);
    CU_ASSERT(!read.list[1].required && read.list[1].microseconds == 0);
    CU_ASSERT_STRING_EQUAL(read.list[1].detail, "none");
    CU_ASSERT(read.list[2].microseconds == UINT32_MAX && read.list[2].required);
    CU_ASSERT_STRING_EQUAL(read.list[2].detail, "remscheid");
    mg_buffer_free(&record);
}

static void a_header_without_checks_has_none(void)
{
    struct mg_header header = {.uuid = "1"}, found;
    struct mg_checks read;
    struct mg_buffer record = {0};
    const char *rest;
    CU_ASSERT(mg_header_write(&header, &record));
    CU_ASSERT_FATAL(mg_header_read_with(record.data, record.length, &found, &rest));
    CU_ASSERT(rest == record.data + record.length);
    mg_checks_read(rest, 0, &read);
    CU_ASSERT_EQUAL(read.count, 0);
    mg_buffer_free(&record);
}

static void a_record_that_is_cut_or_strange_gives_what_can_be_read(void)
{
    struct mg_checks checks = {.count = 0}, read;
    struct mg_buffer record = {0};
    note_some(&checks);
    CU_ASSERT_FATAL(mg_checks_write(&checks, &record));
    for (size_t length = 0; length < record.length; length++) {
        char *copy = mg_allocate(length + 1);
        memcpy(copy, record.data, length);
        mg_checks_read(copy, length, &read);
        CU_ASSERT(read.count < 3);
        free(copy);
    }
    record.data[1] = 99;
    mg_checks_read(record.data, record.length, &read);
    CU_ASSERT_EQUAL(read.count, 0);
    record.data[0] = 2;
    mg_checks_read(record.data, record.length, &read);
    CU_ASSERT_EQUAL(read.count, 0);
    mg_buffer_free(&record);
}

static void a_detail_that_is_too_long_is_cut(void)
{
    char detail[200];
    struct mg_checks checks = {.count = 0}, read;
    struct mg_buffer record = {0};
    memset(detail, 'x', sizeof detail - 1);
    detail[sizeof detail - 1] = '\0';
    for (int i = 0; i < 2 * MG_CHECK_KINDS; i++)
        mg_checks_note(&checks, MG_CHECK_SEAL, true, 1, detail);
    CU_ASSERT_EQUAL(checks.count, MG_CHECK_KINDS);
    CU_ASSERT_FATAL(mg_checks_write(&checks, &record));
    mg_checks_read(record.data, record.length, &read);
    CU_ASSERT_EQUAL(read.count, MG_CHECK_KINDS);
    CU_ASSERT_EQUAL(strlen(read.list[0].detail), MG_CHECK_DETAIL - 1);
    mg_buffer_free(&record);
}

static void every_check_has_its_word(void)
{
    for (int kind = MG_CHECK_FORM; kind < MG_CHECK_KINDS; kind++)
        CU_ASSERT(strlen(mg_check_word((enum mg_check_kind)kind)) > 0);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_question_without_parameters_asks_for_the_newest),
        UNIT_TEST(every_parameter_is_read_as_it_is_meant),
        UNIT_TEST(times_are_those_of_the_calendar),
        UNIT_TEST(what_is_no_time_is_not_read),
        UNIT_TEST(nonsense_is_refused_by_the_name_of_its_parameter),
        UNIT_TEST(a_name_that_is_too_long_is_refused),
        UNIT_TEST(the_end_has_to_be_later_than_the_beginning),
        UNIT_TEST(a_cursor_is_read_as_it_was_written),
        UNIT_TEST(checks_come_back_from_behind_the_header),
        UNIT_TEST(a_header_without_checks_has_none),
        UNIT_TEST(a_record_that_is_cut_or_strange_gives_what_can_be_read),
        UNIT_TEST(a_detail_that_is_too_long_is_cut),
        UNIT_TEST(every_check_has_its_word),
    };
    return unit_run("question", tests, sizeof tests / sizeof *tests);
}
