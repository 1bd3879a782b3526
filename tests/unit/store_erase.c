/* Data protection: what is still stored of a message, and that it goes for good before its time. */
#include "gateway/store/erase.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_over(struct fixture *fixture, struct test_message *message, unsigned seed)
{
    struct mg_store_delivery delivery;
    message_make(message, seed, "remscheid");
    message->accept.line = "accepted";
    CU_ASSERT_FATAL(accept_new(fixture, message));
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 20000, 30000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, 21000);
    outcome.line = "delivered";
    CU_ASSERT_FATAL(outcome_now(fixture, &outcome));
}

static struct mg_store_remains remains_of(struct fixture *fixture,
                                          const struct test_message *message)
{
    struct mg_store_remains remains;
    CU_ASSERT_FATAL(mg_store_remains(fixture->store, &message->accept.id, message->accept.partner,
                                     message->uuid, &remains, NULL));
    return remains;
}

static void everything_that_is_stored_of_a_message_is_told(struct fixture *fixture)
{
    struct test_message message;
    make_over(fixture, &message, 1);
    struct mg_store_remains remains = remains_of(fixture, &message);
    CU_ASSERT(remains.message && remains.deliveries == 1 && remains.events == 2);
    CU_ASSERT_EQUAL(remains.lines, 2);
    CU_ASSERT_EQUAL(remains.known_until, INT64_MAX);
    CU_ASSERT_EQUAL(remains.part_count, message.accept.part_count);
    int64_t size = 0;
    for (size_t i = 0; i < remains.part_count; i++)
        size += remains.parts[i].size;
    CU_ASSERT_EQUAL(size, 3000 + 9000 + 1200 + 300);
    mg_store_remains_free(&remains);
    message_free(&message);
}

static void an_erased_message_leaves_its_lines_and_that_it_was_known(struct fixture *fixture)
{
    struct test_message message, other;
    struct mg_error error;
    make_over(fixture, &message, 1);
    make_over(fixture, &other, 2);
    struct mg_store_erase erase = {.message = message.accept.id, .line = "erased"};
    CU_ASSERT(mg_store_erase(fixture->store, &erase, &error));
    struct mg_store_remains remains = remains_of(fixture, &message);
    CU_ASSERT(!remains.message && remains.part_count == 0 && remains.deliveries == 0);
    CU_ASSERT(remains.events == 0 && remains.lines == 3 && remains.known_until == INT64_MAX);
    CU_ASSERT(chain_is_whole(fixture));
    CU_ASSERT(message_is_stored(fixture->store, &other));
    struct mg_store_totals totals;
    CU_ASSERT(mg_store_totals(fixture->store, &totals, NULL) && totals.messages == 1);
    /* It is not accepted anew. */
    CU_ASSERT_FALSE(accept_new(fixture, &message));
    CU_ASSERT_EQUAL(message.accept.result, MG_ACCEPT_REPEATED);
    message_free(&message);
    message_free(&other);
}

static void what_is_unknown_is_not_erased(struct fixture *fixture)
{
    struct mg_error error;
    struct mg_store_erase erase = {.message = mg_id_new(), .line = "erased"};
    CU_ASSERT_FALSE(mg_store_erase(fixture->store, &erase, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "message.unknown");
    CU_ASSERT_EQUAL(mg_store_journal_last(fixture->store), 0);
}

static void what_is_not_over_is_erased_only_where_that_is_said(struct fixture *fixture)
{
    struct test_message message;
    struct mg_error error;
    struct mg_store_queue queue;
    message_make(&message, 1, "remscheid");
    CU_ASSERT(accept_new(fixture, &message));
    struct mg_store_erase erase = {.message = message.accept.id, .line = "erased"};
    CU_ASSERT_FALSE(mg_store_erase(fixture->store, &erase, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "act.open");
    CU_ASSERT(message_is_stored(fixture->store, &message));
    mg_store_queue(fixture->store, "remscheid", &queue);
    CU_ASSERT(queue.waiting == 1 && queue.bytes == 3000);
    erase.cancel = true;
    CU_ASSERT(mg_store_erase(fixture->store, &erase, &error));
    mg_store_queue(fixture->store, "remscheid", &queue);
    CU_ASSERT(queue.waiting == 0 && queue.bytes == 0 && queue.oldest == 0);
    struct mg_store_delivery delivery;
    CU_ASSERT_FALSE(claim_one(fixture, "remscheid", 20000, 30000, &delivery));
    CU_ASSERT_EQUAL(mg_store_journal_last(fixture->store), 1);
    message_free(&message);
}

static void what_is_held_and_erased_is_no_longer_counted(struct fixture *fixture)
{
    struct test_message message;
    struct mg_error error;
    struct mg_store_delivery delivery;
    struct mg_store_queue queue;
    message_make(&message, 1, "remscheid");
    CU_ASSERT(accept_new(fixture, &message));
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 20000, 30000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_HELD, 21000);
    CU_ASSERT(outcome_now(fixture, &outcome));
    mg_store_queue(fixture->store, "remscheid", &queue);
    CU_ASSERT(queue.waiting == 1 && queue.running == 0 && queue.held == 1);
    struct mg_store_erase erase = {.message = message.accept.id, .cancel = true};
    CU_ASSERT(mg_store_erase(fixture->store, &erase, &error));
    mg_store_queue(fixture->store, "remscheid", &queue);
    CU_ASSERT(queue.waiting == 0 && queue.held == 0);
    message_free(&message);
}

static void what_is_underway_is_not_erased(struct fixture *fixture)
{
    struct test_message message;
    struct mg_error error;
    struct mg_store_delivery delivery;
    message_make(&message, 1, "remscheid");
    message.plans[1] = (struct mg_store_delivery_plan){mg_id_new(), "solingen"};
    message.accept.delivery_count = 2;
    CU_ASSERT(accept_new(fixture, &message));
    CU_ASSERT_FATAL(claim_one(fixture, "solingen", 20000, 30000, &delivery));
    struct mg_store_erase erase = {.message = message.accept.id, .cancel = true};
    CU_ASSERT_FALSE(mg_store_erase(fixture->store, &erase, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "act.running");
    struct mg_store_queue queue;
    mg_store_queue(fixture->store, "remscheid", &queue);
    CU_ASSERT_EQUAL(queue.waiting, 1);
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, 21000);
    CU_ASSERT(outcome_now(fixture, &outcome));
    CU_ASSERT(mg_store_erase(fixture->store, &erase, &error));
    message_free(&message);
}

static void
a_dead_one_that_is_erased_is_no_longer_counted_nor_expired_again(struct fixture *fixture)
{
    struct test_message message, other;
    struct mg_error error;
    struct mg_store_delivery delivery;
    make_over(fixture, &other, 2);
    message_make(&message, 1, "remscheid");
    CU_ASSERT(accept_new(fixture, &message));
    CU_ASSERT_FATAL(claim_one(fixture, "remscheid", 20000, 30000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DEAD, 21000);
    CU_ASSERT(outcome_now(fixture, &outcome));
    struct mg_store_erase erase = {.message = message.accept.id};
    CU_ASSERT(mg_store_erase(fixture->store, &erase, &error));
    struct mg_store_queue queue;
    struct mg_store_totals totals;
    mg_store_queue(fixture->store, "remscheid", &queue);
    CU_ASSERT_EQUAL(queue.dead, 0);
    CU_ASSERT(mg_store_totals(fixture->store, &totals, NULL) && totals.messages == 1);
    CU_ASSERT(expire_all(fixture, 1000000));
    CU_ASSERT(mg_store_totals(fixture->store, &totals, NULL) && totals.messages == 0);
    message_free(&message);
    message_free(&other);
}

/* ---- on disk ---- */

static struct fixture fixture;

static bool file_holds(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    char *all = mg_allocate(size + 1);
    rewind(file);
    CU_ASSERT_EQUAL(fread(all, 1, size, file), size);
    fclose(file);
    bool holds = memmem(all, size, bytes, length);
    free(all);
    return holds;
}

/* In the database, its log, or a spool file. */
static bool folder_holds(const char *bytes, size_t length)
{
    static const char *const folders[] = {"", "/spool"};
    bool holds = false;
    for (size_t i = 0; i < 2; i++) {
        char folder[96], path[400];
        snprintf(folder, sizeof folder, "%s%s", fixture.folder, folders[i]);
        DIR *entries = opendir(folder);
        CU_ASSERT_PTR_NOT_NULL_FATAL(entries);
        for (struct dirent *entry; (entry = readdir(entries));) {
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            if (entry->d_type == DT_REG)
                holds = holds || file_holds(path, bytes, length);
        }
        closedir(entries);
    }
    return holds;
}

static void nothing_of_an_erased_message_is_left_in_any_file(void)
{
    struct test_message message, around[8];
    struct mg_error error;
    fixture_begin(&fixture, mg_store_sqlite_open);
    for (unsigned i = 0; i < 8; i++)
        make_over(&fixture, &around[i], 100 + i);
    message_make(&message, 1, "remscheid");
    message.accept.author = "ags:an-author-like-no-other";
    struct mg_store_spool *spool = mg_store_spool_begin(fixture.store, &error);
    CU_ASSERT(mg_store_spool_append(spool, message.bytes, 12000, &error));
    CU_ASSERT(mg_store_spool_finish(spool, &error));
    message.parts[4] = (struct mg_store_part){.kind = MG_PART_ATTACHMENT, .spool = spool};
    message.accept.part_count = 5;
    CU_ASSERT(accept_new(&fixture, &message));
    CU_ASSERT(folder_holds(message.bytes, 64));
    CU_ASSERT(folder_holds(message.bytes + 10500, 64));
    CU_ASSERT(folder_holds("an-author-like-no-other", 23));
    struct mg_store_erase erase = {.message = message.accept.id, .cancel = true, .line = "erased"};
    CU_ASSERT(mg_store_erase(fixture.store, &erase, &error));
    CU_ASSERT(erase.gone_from_log);
    for (size_t i = 0; i + 64 <= 12000; i += 64)
        CU_ASSERT_FALSE(folder_holds(message.bytes + i, 64));
    CU_ASSERT_FALSE(folder_holds("an-author-like-no-other", 23));
    CU_ASSERT(message_is_stored(fixture.store, &around[7]));
    for (unsigned i = 0; i < 8; i++)
        message_free(&around[i]);
    message_free(&message);
    fixture_end(&fixture);
}

#define FOR_EACH_TEST(DO)                                                                          \
    DO(everything_that_is_stored_of_a_message_is_told)                                             \
    DO(an_erased_message_leaves_its_lines_and_that_it_was_known)                                   \
    DO(what_is_unknown_is_not_erased)                                                              \
    DO(what_is_not_over_is_erased_only_where_that_is_said)                                         \
    DO(what_is_held_and_erased_is_no_longer_counted)                                               \
    DO(what_is_underway_is_not_erased)                                                             \
    DO(a_dead_one_that_is_erased_is_no_longer_counted_nor_expired_again)

FOR_EACH_TEST(IN_BOTH)

int main(void)
{
    static const struct unit_test tests[] = {
        FOR_EACH_TEST(ENTRIES) UNIT_TEST(nothing_of_an_erased_message_is_left_in_any_file)};
    return unit_run("store-erase", tests, sizeof tests / sizeof *tests);
}
