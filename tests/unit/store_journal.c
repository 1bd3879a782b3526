/* The journal: its lines are on disk with what they are about, or not at all, and hang together by
 * their hashes. */
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool last_line(struct fixture *fixture, struct mg_store_lines *lines)
{
    const struct mg_store_journal_query query = {.from = INT64_MAX, .backwards = true, .limit = 1};
    return mg_store_journal(fixture->store, &query, lines, NULL) && lines->count == 1;
}

static bool last_line_is(struct fixture *fixture, const char *subject, const char *text)
{
    struct mg_store_lines lines;
    bool same = last_line(fixture, &lines) && strcmp(lines.lines[0].text, text) == 0 &&
                strcmp(lines.lines[0].subject, subject) == 0;
    mg_store_lines_free(&lines);
    return same;
}

static bool last_line_is_about(struct fixture *fixture, const struct mg_id *id, const char *text)
{
    char subject[MG_ID_TEXT_SIZE];
    return last_line_is(fixture, mg_id_text(id, subject), text);
}

static void an_accepted_message_leaves_its_line(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    message.accept.line = "{\"act\":\"accepted\"}";
    CU_ASSERT(accept_new(fixture, &message));
    CU_ASSERT_EQUAL(mg_store_journal_last(fixture->store), 1);
    CU_ASSERT(last_line_is_about(fixture, &message.accept.id, "{\"act\":\"accepted\"}"));
    CU_ASSERT(chain_is_whole(fixture));
    message_free(&message);
}

static void a_repetition_and_a_refusal_leave_none(struct fixture *fixture)
{
    struct test_message message;
    message_make(&message, 1, "remscheid");
    message.accept.line = "once";
    CU_ASSERT(accept_new(fixture, &message));
    message.accept.id = mg_id_new();
    CU_ASSERT_FALSE(accept_new(fixture, &message));
    CU_ASSERT_EQUAL(message.accept.result, MG_ACCEPT_REPEATED);
    message.accept.digest[0]++;
    CU_ASSERT_FALSE(accept_new(fixture, &message));
    CU_ASSERT_EQUAL(message.accept.result, MG_ACCEPT_DIFFERENT);
    CU_ASSERT_EQUAL(mg_store_journal_last(fixture->store), 1);
    message_free(&message);
}

static void an_outcome_leaves_its_line_unless_the_claim_is_lost(struct fixture *fixture)
{
    struct test_message message;
    struct mg_store_delivery delivery;
    message_make(&message, 1, "remscheid");
    CU_ASSERT(accept_new(fixture, &message));
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 20000, 30000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, 21000);
    outcome.line = "delivered";
    CU_ASSERT(outcome_now(fixture, &outcome));
    CU_ASSERT_FALSE(outcome_now(fixture, &outcome));
    CU_ASSERT_EQUAL(mg_store_journal_last(fixture->store), 1);
    CU_ASSERT(last_line_is_about(fixture, &message.accept.id, "delivered"));
    message_free(&message);
}

static void a_settlement_leaves_its_line_once(struct fixture *fixture)
{
    struct test_message message;
    struct mg_store_delivery delivery;
    message_make(&message, 1, "box");
    CU_ASSERT(accept_new(fixture, &message));
    CU_ASSERT_FATAL(take_one(fixture, "box", 20000, 30000, &delivery));
    struct mg_store_settle settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, 21000);
    settle.line = "collected";
    CU_ASSERT(settle_now(fixture, &settle));
    CU_ASSERT(settle_now(fixture, &settle) && settle.repeated);
    CU_ASSERT_EQUAL(mg_store_journal_last(fixture->store), 1);
    CU_ASSERT(last_line_is_about(fixture, &message.accept.id, "collected"));
    message_free(&message);
}

static void a_note_is_found_by_its_subject(struct fixture *fixture)
{
    static const char uuid[] = "018f3b1c-9d2a-4c44-8f00-0123456789ab";
    struct mg_store_lines lines;
    CU_ASSERT(note_now(fixture, NULL, "started"));
    CU_ASSERT(note_now(fixture, uuid, "refused"));
    CU_ASSERT(note_now(fixture, "urn:uuid:1", "refused too"));
    CU_ASSERT(note_now(fixture, uuid, "refused again"));
    CU_ASSERT_EQUAL(lines_of(fixture, NULL), 4);
    CU_ASSERT_EQUAL(lines_of(fixture, uuid), 2);
    CU_ASSERT_EQUAL(lines_of(fixture, "urn:uuid:1"), 1);
    CU_ASSERT_EQUAL(lines_of(fixture, "urn:uuid:2"), 0);
    const struct mg_store_journal_query query = {
        .subject = uuid, .from = 3, .backwards = true, .limit = 10};
    CU_ASSERT_FATAL(mg_store_journal(fixture->store, &query, &lines, NULL) && lines.count == 1);
    CU_ASSERT_EQUAL(lines.lines[0].number, 2);
    CU_ASSERT_STRING_EQUAL(lines.lines[0].text, "refused");
    CU_ASSERT_STRING_EQUAL(lines.lines[0].subject, uuid);
    mg_store_lines_free(&lines);
    CU_ASSERT(chain_is_whole(fixture));
}

static void the_journal_is_read_in_pieces_from_both_ends(struct fixture *fixture)
{
    struct mg_store_lines lines;
    for (int i = 0; i < 20; i++)
        CU_ASSERT(note_now(fixture, NULL, i % 2 ? "odd" : ""));
    struct mg_store_journal_query query = {.from = -5, .limit = 8};
    CU_ASSERT_FATAL(mg_store_journal(fixture->store, &query, &lines, NULL) && lines.count == 8);
    CU_ASSERT(lines.lines[0].number == 1 && lines.lines[7].number == 8);
    mg_store_lines_free(&lines);
    query = (struct mg_store_journal_query){.from = 100, .backwards = true, .limit = 8};
    CU_ASSERT_FATAL(mg_store_journal(fixture->store, &query, &lines, NULL) && lines.count == 8);
    CU_ASSERT(lines.lines[0].number == 20 && lines.lines[7].number == 13);
    mg_store_lines_free(&lines);
    query = (struct mg_store_journal_query){.from = 21, .limit = 8};
    CU_ASSERT(mg_store_journal(fixture->store, &query, &lines, NULL) && lines.count == 0);
}

/* The form of what is hashed is a promise to whoever verifies it with other tools. */
static void the_hash_is_that_of_the_documented_form(void)
{
    static const uint8_t before[MG_STORE_HASH_SIZE] = {7, 7, 7};
    static const char form[] = "\0\0\0\0\0\0\1\2"
                               "\0\0\1\x92\xa0\xb0\xc0\xd0"
                               "\0\0\0\3abc"
                               "\0\0\0\5hello";
    uint8_t all[MG_STORE_HASH_SIZE + sizeof form - 1], expected[32], hash[32];
    memcpy(all, before, sizeof before);
    memcpy(all + sizeof before, form, sizeof form - 1);
    CU_ASSERT(EVP_Digest(all, sizeof all, expected, NULL, EVP_sha256(), NULL));
    struct mg_store_chain *chain = mg_store_chain_new();
    for (int i = 0; i < 2; i++) {
        mg_store_chain_hash(chain, before, 0x102, 0x192a0b0c0d0, "abc", "hello", 5, hash);
        CU_ASSERT(memcmp(hash, expected, sizeof hash) == 0);
    }
    mg_store_chain_free(chain);
}

static struct fixture fixture;

static void the_chain_goes_on_after_a_restart(void)
{
    fixture_begin(&fixture, mg_store_sqlite_open);
    CU_ASSERT(note_now(&fixture, NULL, "started"));
    CU_ASSERT(note_now(&fixture, NULL, "stopped"));
    fixture_close(&fixture);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    CU_ASSERT_EQUAL(mg_store_journal_last(fixture.store), 2);
    CU_ASSERT(note_now(&fixture, NULL, "started"));
    CU_ASSERT(chain_is_whole(&fixture));
    CU_ASSERT_EQUAL(lines_of(&fixture, NULL), 3);
    fixture_end(&fixture);
}

/* All of one commit: the second is refused by the database for an id that exists, and the whole
 * commit is carried out again without it. */
static void a_call_that_fails_leaves_no_line_and_no_gap(void)
{
    struct test_message messages[3];
    fixture_begin(&fixture, mg_store_sqlite_open);
    for (unsigned i = 0; i < 3; i++) {
        message_make(&messages[i], i, "remscheid");
        messages[i].accept.line = "accepted";
    }
    messages[1].accept.id = messages[0].accept.id;
    for (unsigned i = 0; i < 3; i++)
        mg_store_accept(fixture.store, &messages[i].accept);
    while (!messages[2].done)
        mg_handoff_wait(fixture.handoff, -1);
    CU_ASSERT(messages[0].accept.ok && !messages[1].accept.ok && messages[2].accept.ok);
    CU_ASSERT_EQUAL(mg_store_journal_last(fixture.store), 2);
    CU_ASSERT(chain_is_whole(&fixture));
    for (unsigned i = 0; i < 3; i++)
        message_free(&messages[i]);
    fixture_end(&fixture);
}

static void change_file(const char *sql)
{
    char path[128];
    sqlite3 *database;
    snprintf(path, sizeof path, "%s/store.db", fixture.folder);
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &database), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void the_file_is_read_while_a_store_has_it_open(void)
{
    char path[128];
    struct mg_store_lines lines;
    struct mg_error error;
    fixture_begin(&fixture, mg_store_sqlite_open);
    snprintf(path, sizeof path, "%s/store.db", fixture.folder);
    struct mg_store_journal_file *file = mg_store_journal_open(path, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    const struct mg_store_journal_query query = {.from = 1, .limit = 10};
    for (size_t i = 1; i <= 3; i++) {
        CU_ASSERT(note_now(&fixture, "urn:uuid:1", "looked"));
        CU_ASSERT(mg_store_journal_read(file, &query, &lines, &error));
        CU_ASSERT_EQUAL(lines.count, i);
        mg_store_lines_free(&lines);
    }
    mg_store_journal_close(file);
    fixture_end(&fixture);
}

static void a_file_that_is_no_store_or_of_another_version_is_refused(void)
{
    char path[128];
    struct mg_error error;
    fixture_begin(&fixture, mg_store_sqlite_open);
    fixture_close(&fixture);
    snprintf(path, sizeof path, "%s/store.db", fixture.folder);
    change_file("PRAGMA user_version = 2");
    CU_ASSERT_PTR_NULL(mg_store_journal_open(path, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "store.version");
    change_file("PRAGMA application_id = 1");
    CU_ASSERT_PTR_NULL(mg_store_journal_open(path, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "store.unreadable");
    strcat(path, "x");
    CU_ASSERT_PTR_NULL(mg_store_journal_open(path, &error));
    fixture_end(&fixture);
}

#define FOR_EACH_TEST(DO)                                                                          \
    DO(an_accepted_message_leaves_its_line)                                                        \
    DO(a_repetition_and_a_refusal_leave_none)                                                      \
    DO(an_outcome_leaves_its_line_unless_the_claim_is_lost)                                        \
    DO(a_settlement_leaves_its_line_once)                                                          \
    DO(a_note_is_found_by_its_subject)                                                             \
    DO(the_journal_is_read_in_pieces_from_both_ends)

FOR_EACH_TEST(IN_BOTH)

int main(void)
{
    static const struct unit_test tests[] = {
        FOR_EACH_TEST(ENTRIES) UNIT_TEST(the_hash_is_that_of_the_documented_form),
        UNIT_TEST(the_chain_goes_on_after_a_restart),
        UNIT_TEST(a_call_that_fails_leaves_no_line_and_no_gap),
        UNIT_TEST(the_file_is_read_while_a_store_has_it_open),
        UNIT_TEST(a_file_that_is_no_store_or_of_another_version_is_refused),
    };
    return unit_run("store-journal", tests, sizeof tests / sizeof *tests);
}
