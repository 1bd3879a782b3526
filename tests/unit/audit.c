/* The audit trail: what stands in it, that nobody can fill it, and that whoever changes it is found
 * out. */
#include "gateway/audit/audit.h"

#include "gateway/audit/days.h"
#include "gateway/audit/seals.h"
#include "gateway/audit/verify.h"
#include "gateway/base/clock.h"
#include "tests/unit/signature_pki.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOMORROW (mg_clock_now() + MG_AUDIT_DAY)
#define FOREVER  (INT64_C(36500) * MG_AUDIT_DAY)

static struct fixture fixture;
static struct mg_audit *audit;
static struct pki_party seal;
static struct mg_signer *signer;

static void begin(void)
{
    fixture_begin(&fixture, mg_store_sqlite_open);
    const struct mg_audit_options options = {.store = fixture.store};
    audit = mg_audit_new(&options);
}

static void end(void)
{
    mg_audit_stop(audit);
    fixture_close(&fixture);
    mg_audit_free(audit);
    fixture_end(&fixture);
}

/* A note completes after everything that was written before it. */
static void settle(void)
{
    CU_ASSERT_FATAL(note_now(&fixture, NULL, "{\"act\":\"mark\"}"));
}

static char *text_of(int64_t number)
{
    static char text[4096];
    const struct mg_store_journal_query query = {.from = number, .limit = 1};
    struct mg_store_lines lines;
    text[0] = '\0';
    CU_ASSERT_FATAL(mg_store_journal(fixture.store, &query, &lines, NULL));
    if (lines.count == 1 && lines.lines[0].number == number)
        snprintf(text, sizeof text, "%s", lines.lines[0].text);
    mg_store_lines_free(&lines);
    return text;
}

static size_t count_of(const char *part)
{
    size_t count = 0;
    int64_t last = mg_store_journal_last(fixture.store);
    for (int64_t i = 1; i <= last; i++)
        count += strstr(text_of(i), part) != NULL;
    return count;
}

/* ---- what stands in it ---- */

static void the_line_of_an_acceptance_names_ids_and_no_more(void)
{
    struct mg_store_accept accept = {.id = {{1, 2, 3}},
                                     .partner = "wuppertal-portal",
                                     .way = "submission",
                                     .uuid = "ba058172-ae7e-46a0-96bc-ed09afc15678",
                                     .digest = {0xab, 0xcd},
                                     .type = "service:0401",
                                     .author = "ags:05124000",
                                     .reader = "ags:05120000"};
    struct mg_buffer line = {0};
    mg_audit_write_accepted(&line, &accept);
    CU_ASSERT_STRING_EQUAL(
        line.data, "{\"act\":\"accepted\",\"message\":\"01020300-0000-0000-0000-000000000000\","
                   "\"uuid\":\"ba058172-ae7e-46a0-96bc-ed09afc15678\","
                   "\"partner\":\"wuppertal-portal\",\"source\":\"submission\","
                   "\"type\":\"service:0401\",\"author\":\"ags:05124000\","
                   "\"reader\":\"ags:05120000\",\"digest\":\"abcd000000000000000000000000000000000"
                   "000000000000000000000000000\"}");
    mg_buffer_free(&line);
}

static void the_line_of_an_end_says_how_it_ended(void)
{
    static const struct mg_id id = {{1}};
    struct mg_buffer line = {0};
    mg_audit_write_ended(&line, MG_DELIVERY_DEAD, &id, "remscheid", 7, "destination.unreachable");
    CU_ASSERT_STRING_EQUAL(line.data,
                           "{\"act\":\"dead\",\"message\":\"01000000-0000-0000-0000-000000000000\","
                           "\"destination\":\"remscheid\",\"attempts\":7,"
                           "\"code\":\"destination.unreachable\"}");
    mg_buffer_free(&line);
}

static void what_operators_write_cannot_leave_its_place(void)
{
    struct mg_buffer line = {0};
    const struct mg_audit_act act = {.act = "retry", .by = "anna", .why = "\"},{\"act\":\"x\""};
    mg_audit_write_act(&line, &act);
    CU_ASSERT_STRING_EQUAL(line.data, "{\"act\":\"retry\",\"by\":\"anna\","
                                      "\"why\":\"\\\"},{\\\"act\\\":\\\"x\\\"\"}");
    mg_buffer_free(&line);
}

static void texts_that_are_not_plain_become_json_all_the_same(void)
{
    static const struct {
        const char *text;
        const char *json;
    } cases[] = {
        {"a \\ b", "a \\\\ b"},   {"M\xC3\xBCngsten", "M\xC3\xBCngsten"},
        {"\xFF", "\xEF\xBF\xBD"}, {"a\tb", "a\\u0009b"},
        {"\"", "\\\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mg_buffer line = {0}, wanted = {0};
        const struct mg_audit_act act = {.act = "denied", .what = cases[i].text};
        mg_audit_write_act(&line, &act);
        mg_buffer_print(&wanted, "{\"act\":\"denied\",\"what\":\"%s\"}", cases[i].json);
        CU_ASSERT_STRING_EQUAL(line.data, wanted.data);
        mg_buffer_free(&wanted);
        mg_buffer_free(&line);
    }
}

static void note_result(bool ok, const struct mg_error *error, void *context)
{
    (void)error;
    *(int *)context = ok;
}

static void an_act_is_on_disk_when_its_operator_is_told(void)
{
    begin();
    int result = -1;
    struct mg_id id = mg_id_new();
    char subject[MG_ID_TEXT_SIZE];
    const struct mg_audit_act act = {.act = "content", .by = "anna", .message = &id};
    mg_audit_act(audit, &act, note_result, &result);
    while (result < 0)
        mg_handoff_wait(fixture.handoff, -1);
    CU_ASSERT_EQUAL(result, 1);
    CU_ASSERT_EQUAL(lines_of(&fixture, mg_id_text(&id, subject)), 1);
    end();
}

/* ---- nobody can fill it ---- */

static void the_refusals_of_a_partner_are_bounded_and_counted(void)
{
    begin();
    for (int i = 0; i < MG_AUDIT_REFUSALS + 40; i++)
        mg_audit_refused(audit, "wuppertal-portal", "submission", "urn:uuid:1", "xml.malformed",
                         NULL);
    mg_audit_refused(audit, "remscheid-planning", "submission", NULL, "schema.invalid", NULL);
    mg_audit_stop(audit);
    settle();
    CU_ASSERT_EQUAL(count_of("\"act\":\"refused\",\"partner\":\"wuppertal-portal\""),
                    MG_AUDIT_REFUSALS);
    CU_ASSERT_EQUAL(count_of("{\"act\":\"refused-more\",\"partner\":\"wuppertal-portal\","
                             "\"count\":40}"),
                    1);
    CU_ASSERT_EQUAL(count_of("\"partner\":\"remscheid-planning\""), 1);
    CU_ASSERT_EQUAL(lines_of(&fixture, "urn:uuid:1"), MG_AUDIT_REFUSALS);
    end();
}

static void callers_that_nobody_knows_are_one_line_with_a_network(void)
{
    begin();
    mg_audit_refused(audit, NULL, "submission", NULL, "partner.unknown", "192.0.2.77:4711");
    for (int i = 0; i < 999; i++)
        mg_audit_unknown_caller(audit, "[2001:db8:1:2::3]:4711");
    mg_audit_stop(audit);
    settle();
    CU_ASSERT_EQUAL(mg_store_journal_last(fixture.store), 2);
    CU_ASSERT_STRING_EQUAL(text_of(1), "{\"act\":\"unknown-callers\",\"count\":1000,"
                                       "\"network\":\"192.0.2.0/24\"}");
    struct mg_audit_facts facts;
    mg_audit_facts(audit, &facts);
    CU_ASSERT(facts.unknown_callers == 1000 && facts.entries == 2);
    mg_audit_unknown_caller(audit, "[2001:db8:1:2::3]:4711");
    mg_audit_stop(audit);
    settle();
    CU_ASSERT(strstr(text_of(3), "\"network\":\"2001:db8:1::/48\"") != NULL);
    end();
}

static void what_an_operator_is_denied_is_bounded_too(void)
{
    begin();
    const struct mg_audit_act act = {.act = "denied", .by = "anna", .code = "access.role"};
    for (int i = 0; i < MG_AUDIT_REFUSALS + 5; i++)
        mg_audit_act(audit, &act, NULL, NULL);
    mg_audit_stop(audit);
    settle();
    CU_ASSERT_EQUAL(count_of("\"act\":\"denied\""), MG_AUDIT_REFUSALS);
    CU_ASSERT_EQUAL(count_of("{\"act\":\"denied-more\",\"by\":\"anna\",\"count\":5}"), 1);
    end();
}

static bool looked(const char *by, const struct mg_id *message, const char *what)
{
    const struct mg_audit_act act = {
        .act = "looked", .by = by, .way = "loopback", .what = what, .message = message};
    return mg_audit_looked(audit, &act);
}

static void a_look_is_written_once_a_minute_for_each_caller_and_message(void)
{
    const struct mg_id one = mg_id_new(), other = mg_id_new();
    begin();
    for (int i = 0; i < 50; i++)
        CU_ASSERT(looked("anna", &one, NULL) && looked("anna", &one, "remains") &&
                  looked("anna", &other, NULL) && looked("vera", &one, NULL));
    settle();
    /* A minute may have ended in between. */
    size_t count = count_of("\"act\":\"looked\"");
    CU_ASSERT(count >= 4 && count <= 8);
    CU_ASSERT(count_of("\"by\":\"vera\"") >= 1);
    CU_ASSERT(count_of("\"what\":\"remains\"") >= 1);
    end();
}

static void nobody_can_fill_the_trail_by_looking_and_no_look_is_left_out(void)
{
    enum { MANY = 3 * MG_AUDIT_LOOKS };
    size_t seen = 0;
    begin();
    for (int i = 0; i < MANY; i++) {
        const struct mg_id message = mg_id_new();
        seen += looked("anna", &message, NULL);
    }
    const struct mg_id message = mg_id_new();
    CU_ASSERT(looked("vera", &message, NULL));
    settle();
    CU_ASSERT(seen >= MG_AUDIT_LOOKS && seen <= 2 * MG_AUDIT_LOOKS);
    CU_ASSERT_EQUAL(count_of("\"by\":\"anna\""), seen);
    CU_ASSERT_EQUAL(count_of("\"by\":\"vera\""), 1);
    end();
}

/* ---- whoever changes it is found out ---- */

static void change(const char *sql)
{
    char path[128];
    sqlite3 *database;
    snprintf(path, sizeof path, "%s/store.db", fixture.folder);
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &database), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static struct mg_audit_report verify(X509_STORE *trusted)
{
    struct mg_audit_report report;
    struct mg_error error;
    char path[128];
    snprintf(path, sizeof path, "%s/store.db", fixture.folder);
    struct mg_store_journal_file *file = mg_store_journal_open(path, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    const struct mg_audit_source source = mg_audit_source_of_file(file);
    CU_ASSERT_FATAL(mg_audit_verify(&source, trusted, &report, &error));
    mg_store_journal_close(file);
    return report;
}

static void check_wrong(int64_t number, const char *code)
{
    struct mg_audit_report report = verify(NULL);
    CU_ASSERT_FALSE(report.whole);
    CU_ASSERT_EQUAL(report.wrong, number);
    CU_ASSERT_STRING_EQUAL(report.error.code, code);
}

static void write_entries(int count)
{
    for (int i = 0; i < count; i++)
        CU_ASSERT(note_now(&fixture, i % 2 ? "urn:uuid:1" : NULL, "{\"act\":\"looked\"}"));
}

/* Gives the entries of a range the time of a day before today, and all later ones their new hashes:
 * as if they had been written then. */
static void backdate(int64_t from, int64_t to, int64_t days)
{
    struct mg_store_chain *chain = mg_store_chain_new();
    struct mg_store_journal_query query = {.from = 1, .limit = MG_STORE_LINES_LIMIT};
    struct mg_store_lines lines;
    struct mg_buffer sql = {0};
    uint8_t hash[MG_STORE_HASH_SIZE] = {0};
    CU_ASSERT_FATAL(mg_store_journal(fixture.store, &query, &lines, NULL));
    fixture_close(&fixture);
    for (size_t i = 0; i < lines.count; i++) {
        const struct mg_store_line *line = &lines.lines[i];
        int64_t time = line->number >= from && line->number <= to
                           ? mg_clock_now() - days * MG_AUDIT_DAY
                           : line->time;
        mg_store_chain_hash(chain, hash, line->number, time, line->subject, line->text,
                            line->length, hash);
        mg_buffer_print(&sql, "UPDATE journal SET time = %lld, hash = x'", (long long)time);
        for (size_t k = 0; k < sizeof hash; k++)
            mg_buffer_print(&sql, "%02x", hash[k]);
        mg_buffer_print(&sql, "' WHERE number = %lld;", (long long)line->number);
    }
    change(sql.data);
    mg_buffer_free(&sql);
    mg_store_lines_free(&lines);
    mg_store_chain_free(chain);
    CU_ASSERT_FATAL(fixture_open(&fixture));
}

/* Closes what is over at that time, and says how many days that were. */
static size_t close_days(int64_t now, int64_t keep, int64_t *expired)
{
    struct mg_audit_days days;
    struct mg_error error;
    CU_ASSERT_FATAL(mg_audit_days_find(fixture.store, signer, now, keep, &days, &error));
    for (size_t i = 0; i < days.count; i++)
        CU_ASSERT(note_now(&fixture, MG_AUDIT_CLOSED, days.lines[i]));
    if (days.expiry)
        CU_ASSERT(note_now(&fixture, MG_AUDIT_EXPIRED, days.expiry));
    size_t count = days.count;
    if (expired)
        *expired = days.expired;
    mg_audit_days_free(&days);
    return count;
}

static void trim(int64_t through)
{
    bool more = true;
    while (more)
        CU_ASSERT_FATAL(
            mg_store_trim_journal(fixture.store, through, MG_AUDIT_CLOSED, &more, NULL));
}

static void an_untouched_trail_is_whole_and_says_what_is_not_signed_yet(void)
{
    begin();
    struct mg_audit_report report = verify(NULL);
    CU_ASSERT(report.whole && report.last == 0 && report.entries == 0);
    write_entries(5);
    report = verify(NULL);
    CU_ASSERT(report.whole && report.last == 5 && report.days == 0);
    CU_ASSERT_EQUAL(report.unsigned_entries, 5);
    CU_ASSERT_EQUAL(close_days(mg_clock_now(), FOREVER, NULL), 0);
    CU_ASSERT_EQUAL(close_days(TOMORROW, FOREVER, NULL), 1);
    report = verify(NULL);
    CU_ASSERT(report.whole && report.last == 6 && report.days == 1);
    CU_ASSERT_EQUAL(report.unsigned_entries, 1);
    CU_ASSERT_EQUAL(report.signer_count, 1);
    CU_ASSERT_STRING_EQUAL(report.first_day, report.last_day);
    end();
}

static void each_day_is_closed_once_with_the_entries_written_in_it(void)
{
    begin();
    write_entries(9);
    backdate(1, 3, 3);
    backdate(4, 7, 1);
    CU_ASSERT_EQUAL(close_days(mg_clock_now(), FOREVER, NULL), 2);
    CU_ASSERT(strstr(text_of(10), "\"first\":1,\"last\":3,") != NULL);
    CU_ASSERT(strstr(text_of(11), "\"first\":4,\"last\":7,") != NULL);
    CU_ASSERT_EQUAL(close_days(mg_clock_now(), FOREVER, NULL), 0);
    struct mg_audit_report report = verify(NULL);
    CU_ASSERT(report.whole && report.days == 2 && report.unsigned_entries == 4);
    end();
}

/* Midnight may come while somebody looks: what counts is the time that was looked at. */
static void whoever_has_looked_looks_again_at_the_midnight_after_that_time(void)
{
    int64_t midnight = (mg_clock_now() / MG_AUDIT_DAY + 1) * MG_AUDIT_DAY;
    struct mg_audit_days days;
    struct mg_error error;
    char day[MG_AUDIT_DAY_SIZE];
    begin();
    write_entries(1);
    CU_ASSERT(mg_audit_days_find(fixture.store, signer, midnight - 1, FOREVER, &days, &error));
    CU_ASSERT(days.count == 0 && days.next == midnight);
    mg_audit_days_free(&days);
    CU_ASSERT(mg_audit_days_find(fixture.store, signer, midnight, FOREVER, &days, &error));
    CU_ASSERT(days.count == 1 && days.next == midnight + MG_AUDIT_DAY);
    mg_audit_day(midnight - 1, day);
    CU_ASSERT_STRING_EQUAL(days.before, "");
    CU_ASSERT_STRING_EQUAL(days.closed, day);
    mg_audit_days_free(&days);
    end();
}

static void count_note(struct mg_store_note *note)
{
    *(int *)note->context += note->ok;
}

/* Whoever closes a day right after midnight must not be faster than the disk. */
static void what_is_on_its_way_to_the_disk_belongs_to_the_day_that_is_closed(void)
{
    enum { NOTES = 1500 };
    int written = 0;
    struct mg_store_note *notes = calloc(NOTES, sizeof *notes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(notes);
    begin();
    for (int i = 0; i < NOTES; i++) {
        notes[i] = (struct mg_store_note){
            .line = "{\"act\":\"looked\"}", .done = count_note, .context = &written};
        mg_store_note(fixture.store, &notes[i]);
    }
    CU_ASSERT_EQUAL(close_days(TOMORROW, FOREVER, NULL), 1);
    CU_ASSERT_EQUAL(written, NOTES);
    CU_ASSERT(strstr(text_of(NOTES + 1), "\"first\":1,\"last\":1500,") != NULL);
    end();
    free(notes);
}

static void what_a_clock_that_ran_ahead_has_written_keeps_no_day_from_being_closed(void)
{
    begin();
    write_entries(9);
    backdate(1, 3, -400);
    backdate(6, 6, -400);
    CU_ASSERT_EQUAL(close_days(TOMORROW, FOREVER, NULL), 1);
    CU_ASSERT(strstr(text_of(10), "\"first\":1,\"last\":9,") != NULL);
    struct mg_audit_report report = verify(NULL);
    CU_ASSERT(report.whole && report.days == 1 && report.unsigned_entries == 1);
    end();
    begin();
    write_entries(6);
    backdate(1, 2, -2);
    /* Now, while the day of the others is not over. */
    CU_ASSERT_EQUAL(close_days(mg_clock_now(), FOREVER, NULL), 1);
    CU_ASSERT(strstr(text_of(7), "\"first\":1,\"last\":2,") != NULL);
    CU_ASSERT(verify(NULL).whole);
    end();
}

static void every_kind_of_tampering_is_found_and_its_first_number_told(void)
{
    static const struct {
        const char *sql;
        int64_t number;
        const char *code;
    } cases[] = {
        {"UPDATE journal SET line = '{}' WHERE number = 4", 4, "audit.changed"},
        {"UPDATE journal SET time = time + 1 WHERE number = 4", 4, "audit.changed"},
        {"UPDATE journal SET subject = NULL WHERE number = 4", 4, "audit.changed"},
        {"UPDATE journal SET hash = zeroblob(32) WHERE number = 4", 4, "audit.changed"},
        {"DELETE FROM journal WHERE number = 4", 4, "audit.missing"},
        {"DELETE FROM journal WHERE number = 1", 1, "audit.missing"},
        {"DELETE FROM journal WHERE number <= 10", 1, "audit.missing"},
        {"DELETE FROM journal WHERE number <= 11", 1, "audit.missing"},
        {"UPDATE journal SET number = -number WHERE number > 4;"
         "INSERT INTO journal SELECT 5, time, subject, line, hash FROM journal WHERE number = 4;"
         "UPDATE journal SET number = 1 - number WHERE number < 0",
         5, "audit.changed"},
        {"UPDATE journal SET number = -4 WHERE number = 4;"
         "UPDATE journal SET number = 4 WHERE number = 5;"
         "UPDATE journal SET number = 5 WHERE number = -4",
         4, "audit.changed"},
        {"UPDATE journal SET line = replace(line, '\"last\":10', '\"last\":9')"
         " WHERE subject = 'closed'",
         11, "audit.changed"},
        {"DELETE FROM journal WHERE number > 4 AND number < 11", 5, "audit.missing"},
        {"DELETE FROM journal WHERE number < 11", 1, "audit.missing"},
        {"INSERT INTO journal VALUES (0, 0, NULL, '{}', zeroblob(32))", 1, "audit.missing"},
    };
    begin();
    write_entries(10);
    close_days(TOMORROW, FOREVER, NULL);
    write_entries(3);
    CU_ASSERT(verify(NULL).whole);
    fixture_close(&fixture);
    change("CREATE TABLE original AS SELECT * FROM journal");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        change(cases[i].sql);
        check_wrong(cases[i].number, cases[i].code);
        change("DELETE FROM journal; INSERT INTO journal SELECT * FROM original");
        CU_ASSERT(verify(NULL).whole);
    }
    CU_ASSERT_FATAL(fixture_open(&fixture));
    end();
}

/* Whoever changes an entry and computes all later hashes anew lacks the key of the seal. */
static void a_chain_that_was_made_anew_does_not_fit_what_was_signed(void)
{
    begin();
    write_entries(10);
    close_days(TOMORROW, FOREVER, NULL);
    backdate(4, 4, 1);
    check_wrong(1, "audit.changed");
    end();
}

static void a_closing_that_is_left_out_or_signed_anew_is_found(void)
{
    begin();
    write_entries(4);
    backdate(1, 2, 2);
    CU_ASSERT_EQUAL(close_days(TOMORROW, FOREVER, NULL), 2);
    X509_STORE *trusted = X509_STORE_new();
    X509_STORE_add_cert(trusted, seal.certificate);
    struct mg_audit_report report = verify(NULL);
    CU_ASSERT(report.whole && report.days == 2);
    CU_ASSERT(verify(trusted).whole);
    /* Then the certificate was not valid yet. */
    backdate(5, 5, 3);
    report = verify(trusted);
    CU_ASSERT(!report.whole && report.wrong == 5);
    CU_ASSERT_STRING_EQUAL(report.error.code, "audit.signer");
    fixture_close(&fixture);
    change("UPDATE journal SET line = (SELECT line FROM journal WHERE number = 6), hash ="
           " (SELECT hash FROM journal WHERE number = 6) WHERE number = 5;");
    CU_ASSERT_FALSE(verify(NULL).whole);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    X509_STORE_free(trusted);
    end();
}

static void who_signs_has_to_be_trusted(void)
{
    struct pki_party stranger = pki_self_signed("stranger", "P-256");
    X509_STORE *good = X509_STORE_new(), *bad = X509_STORE_new();
    X509_STORE_add_cert(good, seal.certificate);
    X509_STORE_add_cert(bad, stranger.certificate);
    begin();
    write_entries(4);
    close_days(TOMORROW, FOREVER, NULL);
    CU_ASSERT(verify(good).whole);
    struct mg_audit_report report = verify(bad);
    CU_ASSERT(!report.whole && report.wrong == 5);
    CU_ASSERT_STRING_EQUAL(report.error.code, "audit.signer");
    end();
    X509_STORE_free(bad);
    X509_STORE_free(good);
    pki_free(&stranger);
}

static void what_retention_deletes_leaves_a_trail_that_is_whole(void)
{
    int64_t expired;
    begin();
    write_entries(12);
    backdate(1, 4, 9);
    backdate(5, 8, 5);
    CU_ASSERT_EQUAL(close_days(mg_clock_now(), 7 * MG_AUDIT_DAY, &expired), 2);
    CU_ASSERT_EQUAL(expired, 0);
    CU_ASSERT_EQUAL(close_days(mg_clock_now(), 7 * MG_AUDIT_DAY, &expired), 0);
    CU_ASSERT_EQUAL(expired, 4);
    CU_ASSERT(verify(NULL).whole);
    change("DELETE FROM journal WHERE number <= 2");
    CU_ASSERT(verify(NULL).whole); /* in the middle of deleting */
    trim(expired);
    struct mg_audit_report report = verify(NULL);
    CU_ASSERT(report.whole && report.deleted == 4 && report.entries == 11 && report.days == 2);
    CU_ASSERT_EQUAL(close_days(TOMORROW, 7 * MG_AUDIT_DAY, &expired), 1);
    CU_ASSERT_EQUAL(expired, 0);
    trim(8);
    check_wrong(5, "audit.missing");
    end();
}

static void a_clock_that_is_far_ahead_deletes_one_day_of_the_trail_at_a_time(void)
{
    static const int64_t through[] = {4, 6, 10};
    const int64_t now = mg_clock_now(), ahead = now + 3650 * MG_AUDIT_DAY;
    struct mg_audit_days days;
    struct mg_error error;
    begin();
    write_entries(12);
    backdate(1, 4, 9);
    backdate(5, 6, 8);
    backdate(7, 10, 3);
    CU_ASSERT_EQUAL(close_days(now, FOREVER, NULL), 3);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT(mg_audit_days_find(fixture.store, signer, ahead, MG_AUDIT_DAY, &days, &error));
        CU_ASSERT_EQUAL(days.expired, through[i]);
        CU_ASSERT_EQUAL(days.next, ahead + MG_AUDIT_DAYS_PAUSE);
        CU_ASSERT_FATAL(days.expiry != NULL);
        CU_ASSERT(note_now(&fixture, MG_AUDIT_EXPIRED, days.expiry));
        mg_audit_days_free(&days);
        trim(through[i]);
        CU_ASSERT(verify(NULL).whole);
    }
    end();
}

/* Without the key of the seal nobody can say that it was retention: neither in words of their own,
 * nor in those that are signed for another number. */
static void who_deletes_days_and_says_that_it_was_retention_is_found(void)
{
    X509_STORE *trusted = X509_STORE_new();
    X509_STORE_add_cert(trusted, seal.certificate);
    struct mg_buffer forged = {0};
    begin();
    write_entries(12);
    backdate(1, 4, 9);
    backdate(5, 8, 5);
    CU_ASSERT_EQUAL(close_days(mg_clock_now(), 7 * MG_AUDIT_DAY, NULL), 2);
    CU_ASSERT_EQUAL(close_days(mg_clock_now(), 7 * MG_AUDIT_DAY, NULL), 0);
    CU_ASSERT(verify(trusted).whole);
    trim(8);
    check_wrong(5, "audit.missing");
    mg_buffer_add_text(&forged, text_of(15));
    char *through = strstr(forged.data, "\"through\":4,");
    CU_ASSERT_PTR_NOT_NULL_FATAL(through);
    CU_ASSERT(note_now(&fixture, MG_AUDIT_EXPIRED, "{\"act\":\"expired\",\"through\":8}"));
    check_wrong(16, "audit.closing");
    change("DELETE FROM journal WHERE number = 16");
    fixture_close(&fixture);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    through[strlen("\"through\":")] = '8';
    CU_ASSERT(note_now(&fixture, MG_AUDIT_EXPIRED, forged.data));
    check_wrong(16, "audit.signature");
    mg_buffer_free(&forged);
    end();
    X509_STORE_free(trusted);
}

static void retention_that_a_stranger_signed_is_none(void)
{
    struct pki_party stranger = pki_self_signed("stranger", "P-256");
    struct mg_signer *other = pki_signer(&stranger);
    X509_STORE *trusted = X509_STORE_new();
    X509_STORE_add_cert(trusted, seal.certificate);
    begin();
    write_entries(8);
    backdate(1, 4, 9);
    CU_ASSERT_EQUAL(close_days(mg_clock_now(), 7 * MG_AUDIT_DAY, NULL), 1);
    struct mg_signer *own = signer;
    signer = other;
    CU_ASSERT_EQUAL(close_days(mg_clock_now(), 7 * MG_AUDIT_DAY, NULL), 0);
    signer = own;
    trim(4);
    struct mg_audit_report report = verify(trusted);
    CU_ASSERT(!report.whole && report.wrong == 10);
    CU_ASSERT_STRING_EQUAL(report.error.code, "audit.signer");
    end();
    X509_STORE_free(trusted);
    mg_signer_free(other);
    pki_free(&stranger);
}

/* ---- which certificate seals ---- */

static bool remembers(const struct mg_audit_seal *wanted)
{
    struct mg_audit_seal last;
    settle();
    CU_ASSERT_FATAL(mg_audit_last_seal(fixture.store, &last, NULL));
    return memcmp(&last, wanted, sizeof last) == 0;
}

static void the_last_that_was_written_of_the_seal_is_found_again(void)
{
    static const struct mg_audit_seal nothing;
    const struct mg_audit_seal all = {.certificate = {{0xab, 0, 1}},
                                      .known = {{0xcd, 2}},
                                      .since = INT64_C(1764000000123),
                                      .next = {{0xef, 3}},
                                      .from = INT64_C(1796000000456)};
    const struct mg_audit_seal plain = {.certificate = {{0xab}}, .known = {{0xab}}};
    begin();
    CU_ASSERT(remembers(&nothing));
    mg_audit_seal(audit, "seal-noted", &plain, "0123", "certificate ab, the first");
    CU_ASSERT(remembers(&plain));
    mg_audit_seal(audit, "seal-changed", &all, "0123", "certificate ab, unannounced");
    CU_ASSERT(remembers(&all));
    mg_audit_seal(audit, "seal-confirmed", &plain, "0123", "certificate ab, meant");
    write_entries(20);
    CU_ASSERT(remembers(&plain));
    CU_ASSERT(note_now(&fixture, MG_AUDIT_SEAL, "{\"certificate\":\"xyz\",\"from\":1}"));
    CU_ASSERT(remembers(&nothing));
    CU_ASSERT(note_now(&fixture, MG_AUDIT_SEAL, "no JSON"));
    CU_ASSERT(remembers(&nothing));
    end();
}

static void where_retention_has_deleted_that_the_last_closing_says_who_sealed(void)
{
    struct mg_fingerprint own = mg_certificate_fingerprint(seal.certificate);
    const struct mg_audit_seal closing = {.certificate = own, .known = own};
    const struct mg_audit_seal other = {.certificate = {{0xab}}, .known = {{0xab}}};
    begin();
    mg_audit_seal(audit, "seal-noted", &other, "0123", "certificate ab, the first");
    CU_ASSERT(remembers(&other));
    CU_ASSERT_EQUAL(close_days(TOMORROW, FOREVER, NULL), 1);
    CU_ASSERT(remembers(&other));
    trim(1);
    CU_ASSERT(remembers(&closing));
    end();
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(the_line_of_an_acceptance_names_ids_and_no_more),
        UNIT_TEST(the_line_of_an_end_says_how_it_ended),
        UNIT_TEST(what_operators_write_cannot_leave_its_place),
        UNIT_TEST(texts_that_are_not_plain_become_json_all_the_same),
        UNIT_TEST(an_act_is_on_disk_when_its_operator_is_told),
        UNIT_TEST(the_refusals_of_a_partner_are_bounded_and_counted),
        UNIT_TEST(callers_that_nobody_knows_are_one_line_with_a_network),
        UNIT_TEST(what_an_operator_is_denied_is_bounded_too),
        UNIT_TEST(a_look_is_written_once_a_minute_for_each_caller_and_message),
        UNIT_TEST(nobody_can_fill_the_trail_by_looking_and_no_look_is_left_out),
        UNIT_TEST(an_untouched_trail_is_whole_and_says_what_is_not_signed_yet),
        UNIT_TEST(each_day_is_closed_once_with_the_entries_written_in_it),
        UNIT_TEST(whoever_has_looked_looks_again_at_the_midnight_after_that_time),
        UNIT_TEST(what_is_on_its_way_to_the_disk_belongs_to_the_day_that_is_closed),
        UNIT_TEST(what_a_clock_that_ran_ahead_has_written_keeps_no_day_from_being_closed),
        UNIT_TEST(every_kind_of_tampering_is_found_and_its_first_number_told),
        UNIT_TEST(a_chain_that_was_made_anew_does_not_fit_what_was_signed),
        UNIT_TEST(a_closing_that_is_left_out_or_signed_anew_is_found),
        UNIT_TEST(who_signs_has_to_be_trusted),
        UNIT_TEST(what_retention_deletes_leaves_a_trail_that_is_whole),
        UNIT_TEST(a_clock_that_is_far_ahead_deletes_one_day_of_the_trail_at_a_time),
        UNIT_TEST(who_deletes_days_and_says_that_it_was_retention_is_found),
        UNIT_TEST(retention_that_a_stranger_signed_is_none),
        UNIT_TEST(the_last_that_was_written_of_the_seal_is_found_again),
        UNIT_TEST(where_retention_has_deleted_that_the_last_closing_says_who_sealed),
    };
    pki_start();
    seal = pki_issue("seal", "P-256");
    signer = pki_signer(&seal);
    int result = unit_run("audit", tests, sizeof tests / sizeof *tests);
    mg_signer_free(signer);
    pki_free(&seal);
    pki_stop();
    return result;
}
