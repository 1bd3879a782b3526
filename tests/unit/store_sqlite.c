/* What only the durable store does: it groups commits, comes back after a restart, keeps others
 * out, refuses files that are not its own, and stands a full disk. */
#include "gateway/base/clock.h"
#include "gateway/store/sqlite.h"
#include "tests/unit/lossy_vfs.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static struct fixture fixture;
static struct test_message messages[400];

/* On the disk that can be held up and filled. */
static void begin_on_lossy_disk(void)
{
    lossy_vfs_reset(1);
    fixture_begin(&fixture, mg_store_memory_open);
    fixture_close(&fixture);
    fixture.open = mg_store_sqlite_open;
    fixture.options.sqlite_vfs = LOSSY_VFS;
    CU_ASSERT_FATAL(fixture_open(&fixture));
}

static void make_messages(size_t count)
{
    for (size_t i = 0; i < count; i++)
        message_make(&messages[i], (unsigned)i, "remscheid");
}

static void free_messages(size_t count)
{
    for (size_t i = 0; i < count; i++)
        message_free(&messages[i]);
}

static void wait_for(const struct test_message *message)
{
    while (!message->done)
        mg_handoff_wait(fixture.handoff, -1);
}

/* Runs SQL in the file, past the store, which must be closed. */
static bool run_in_file(const char *sql)
{
    char path[128];
    sqlite3 *database;
    snprintf(path, sizeof path, "%s/store.db", fixture.folder);
    bool passed = sqlite3_open(path, &database) == SQLITE_OK &&
                  sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(database);
    return passed;
}

static int64_t number_in_file(const char *sql)
{
    char path[128];
    sqlite3 *database;
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    snprintf(path, sizeof path, "%s/store.db", fixture.folder);
    if (sqlite3_open(path, &database) == SQLITE_OK &&
        sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
}

/* ---- commits ---- */

static void many_calls_share_one_commit(void)
{
    begin_on_lossy_disk();
    make_messages(200);
    long before = lossy_vfs_log_syncs();
    lossy_vfs_hold(true);
    for (size_t i = 0; i < 200; i++)
        mg_store_accept(fixture.store, &messages[i].accept);
    lossy_vfs_hold(false);
    for (size_t i = 0; i < 200; i++) {
        wait_for(&messages[i]);
        CU_ASSERT(messages[i].accept.ok);
    }
    long syncs = lossy_vfs_log_syncs() - before;
    CU_ASSERT(syncs >= 1);
    CU_ASSERT(syncs <= 10);
    free_messages(200);
    fixture_end(&fixture);
}

static void a_commit_takes_no_more_calls_than_it_may(void)
{
    lossy_vfs_reset(1);
    begin_on_lossy_disk();
    fixture_close(&fixture);
    fixture.options.commit_limit = 10;
    CU_ASSERT_FATAL(fixture_open(&fixture));
    const size_t count = unit_amount(200, 50);
    make_messages(count);
    long before = lossy_vfs_log_syncs();
    for (size_t i = 0; i < count; i++)
        mg_store_accept(fixture.store, &messages[i].accept);
    for (size_t i = 0; i < count; i++)
        wait_for(&messages[i]);
    CU_ASSERT(lossy_vfs_log_syncs() - before >= (long)count / 10);
    free_messages(count);
    fixture_end(&fixture);
}

static void nothing_completes_before_it_is_synced(void)
{
    begin_on_lossy_disk();
    make_messages(1);
    lossy_vfs_hold(true);
    mg_store_accept(fixture.store, &messages[0].accept);
    mg_handoff_wait(fixture.handoff, 50);
    CU_ASSERT_FALSE(messages[0].done);
    lossy_vfs_hold(false);
    wait_for(&messages[0]);
    CU_ASSERT(messages[0].accept.ok);
    free_messages(1);
    fixture_end(&fixture);
}

static void the_log_does_not_grow_without_end(void)
{
    static char large[200000];
    fixture_begin(&fixture, mg_store_sqlite_open);
    for (size_t i = 0; i < 200; i++) {
        message_make(&messages[i], (unsigned)i, "remscheid");
        messages[i].parts[0].bytes = large;
        messages[i].parts[0].length = sizeof large;
        CU_ASSERT(accept_new(&fixture, &messages[i]));
    }
    char path[128];
    struct stat log;
    snprintf(path, sizeof path, "%s/store.db-wal", fixture.folder);
    CU_ASSERT_FATAL(stat(path, &log) == 0);
    CU_ASSERT(log.st_size < 20 * 1024 * 1024);
    free_messages(200);
    fixture_end(&fixture);
}

static bool searches_no_table(sqlite3 *database, const char *statement)
{
    char sql[1024];
    sqlite3_stmt *plan;
    bool passed = true;
    snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", statement);
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(database, sql, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(plan, 3);
        bool scans = strncmp(step, "SCAN", 4) == 0 && strcmp(step, "SCAN CONSTANT ROW") != 0;
        passed = passed && !scans && !strstr(step, "TEMP B-TREE");
    }
    sqlite3_finalize(plan);
    return passed;
}

/* Or it would cost more the more there is. Three are allowed: what was running at the last end is
 * found through an index of nothing else, duplicates are forgotten from their oldest end, and there
 * are no more pauses than destinations. */
static void no_statement_searches_a_table(void)
{
    fixture_begin(&fixture, mg_store_sqlite_open);
    char path[128];
    sqlite3 *database;
    snprintf(path, sizeof path, "%s/store.db", fixture.folder);
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &database), SQLITE_OK);
    for (int i = 0; i < W_COUNT; i++)
        CU_ASSERT(searches_no_table(database, mg_sqlite_writes[i]) || i == W_RETURN_OWN ||
                  i == W_FORGET_OLD);
    for (int i = 0; i < R_COUNT; i++)
        CU_ASSERT(searches_no_table(database, mg_sqlite_reads[i]) || i == R_PAUSES);
    for (int i = 0; i < J_COUNT; i++)
        CU_ASSERT(searches_no_table(database, mg_sqlite_journal_reads[i]));
    sqlite3_close(database);
    fixture_end(&fixture);
}

static void a_store_without_work_uses_no_processor(void)
{
    struct rusage before, after;
    fixture_begin(&fixture, mg_store_sqlite_open);
    make_messages(1);
    CU_ASSERT(accept_new(&fixture, &messages[0]));
    getrusage(RUSAGE_SELF, &before);
    usleep(300000);
    getrusage(RUSAGE_SELF, &after);
    CU_ASSERT(after.ru_nvcsw - before.ru_nvcsw < 10);
    free_messages(1);
    fixture_end(&fixture);
}

/* ---- a new start ---- */

static void everything_is_there_after_a_restart(void)
{
    fixture_begin(&fixture, mg_store_sqlite_open);
    make_messages(3);
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT(accept_new(&fixture, &messages[i]));
    fixture_close(&fixture);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT(message_is_stored(fixture.store, &messages[i]));
    accept_now(&fixture, &messages[0]);
    CU_ASSERT_EQUAL(messages[0].accept.result, MG_ACCEPT_REPEATED);
    free_messages(3);
    fixture_end(&fixture);
}

static void what_this_node_was_delivering_waits_again_after_a_restart(void)
{
    struct mg_store_delivery delivery;
    fixture_begin(&fixture, mg_store_sqlite_open);
    make_messages(1);
    CU_ASSERT(accept_new(&fixture, &messages[0]));
    CU_ASSERT_FATAL(claim_one(&fixture, "remscheid", 10000, 90000, &delivery));
    CU_ASSERT_EQUAL(state_of(&fixture, &messages[0].accept.id), MG_DELIVERY_RUNNING);
    fixture_close(&fixture);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    CU_ASSERT_FATAL(claim_one(&fixture, "remscheid", 10000, 90000, &delivery));
    CU_ASSERT_EQUAL(delivery.attempts, 2);
    free_messages(1);
    fixture_end(&fixture);
}

static void what_another_node_delivers_waits_for_the_end_of_its_lease(void)
{
    struct mg_store_delivery delivery, again;
    fixture_begin(&fixture, mg_store_sqlite_open);
    make_messages(1);
    CU_ASSERT(accept_new(&fixture, &messages[0]));
    CU_ASSERT_FATAL(claim_one(&fixture, "remscheid", 10000, 90000, &delivery));
    fixture_close(&fixture);
    fixture.options.node = "elsewhere";
    CU_ASSERT_FATAL(fixture_open(&fixture));
    CU_ASSERT_FALSE(claim_one(&fixture, "remscheid", 89999, 200000, &again));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, 89999);
    CU_ASSERT_FALSE(outcome_now(&fixture, &outcome));
    CU_ASSERT_STRING_EQUAL(outcome.error.code, "store.lost-claim");
    CU_ASSERT(claim_one(&fixture, "remscheid", 90000, 200000, &again));
    free_messages(1);
    fixture_end(&fixture);
}

static void a_number_is_never_given_twice(void)
{
    fixture_begin(&fixture, mg_store_sqlite_open);
    make_messages(2);
    messages[0].accept.delivery_count = 0;
    CU_ASSERT(accept_new(&fixture, &messages[0]));
    CU_ASSERT(expire_all(&fixture, 90000));
    fixture_close(&fixture);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    /* The message is gone, its duplicate is not. */
    CU_ASSERT(accept_new(&fixture, &messages[1]));
    accept_now(&fixture, &messages[0]);
    CU_ASSERT_EQUAL(messages[0].accept.result, MG_ACCEPT_REPEATED);
    free_messages(2);
    fixture_end(&fixture);
}

/* ---- files ---- */

static void a_folder_has_one_process_at_a_time(void)
{
    struct mg_error error;
    fixture_begin(&fixture, mg_store_sqlite_open);
    CU_ASSERT_PTR_NULL(mg_store_sqlite_open(&fixture.options, fixture.handoff, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "store.in-use");
    fixture_close(&fixture);
    CU_ASSERT(fixture_open(&fixture));
    fixture_end(&fixture);
}

static void a_missing_folder_is_created_for_the_gateway_alone(void)
{
    char path[128];
    struct stat facts;
    fixture_begin(&fixture, mg_store_sqlite_open);
    fixture_close(&fixture);
    snprintf(path, sizeof path, "%s/deeper", fixture.folder);
    fixture.options.folder = path;
    CU_ASSERT_FATAL(fixture_open(&fixture));
    CU_ASSERT(stat(path, &facts) == 0 && (facts.st_mode & 0777) == 0700);
    snprintf(path, sizeof path, "%s/deeper/store.db", fixture.folder);
    CU_ASSERT(stat(path, &facts) == 0 && (facts.st_mode & 0777) == 0600);
    snprintf(path, sizeof path, "%s/no/such/folder", fixture.folder);
    CU_ASSERT_PTR_NULL(mg_store_sqlite_open(&fixture.options, fixture.handoff, &fixture.error));
    CU_ASSERT_STRING_EQUAL(fixture.error.code, "store.failed");
    fixture_end(&fixture);
}

static void a_newer_file_is_refused_and_left_alone(void)
{
    fixture_begin(&fixture, mg_store_sqlite_open);
    fixture_close(&fixture);
    CU_ASSERT(run_in_file("PRAGMA user_version = 999"));
    CU_ASSERT_FALSE(fixture_open(&fixture));
    CU_ASSERT_STRING_EQUAL(fixture.error.code, "store.version");
    CU_ASSERT_EQUAL(number_in_file("PRAGMA user_version"), 999);
    fixture_end(&fixture);
}

static void a_file_of_another_program_is_refused_and_left_alone(void)
{
    fixture_begin(&fixture, mg_store_memory_open);
    fixture_close(&fixture);
    fixture.open = mg_store_sqlite_open;
    CU_ASSERT(run_in_file("CREATE TABLE theirs (a)"));
    CU_ASSERT_FALSE(fixture_open(&fixture));
    CU_ASSERT_STRING_EQUAL(fixture.error.code, "store.unreadable");
    CU_ASSERT_EQUAL(number_in_file("SELECT count(*) FROM sqlite_schema"), 1);
    fixture_end(&fixture);
}

/* Our own file in an impossible state: the last table of the schema is already there. */
static void an_upgrade_that_fails_leaves_the_file_as_it_was(void)
{
    fixture_begin(&fixture, mg_store_memory_open);
    fixture_close(&fixture);
    fixture.open = mg_store_sqlite_open;
    CU_ASSERT(run_in_file("PRAGMA application_id = 1836410222; CREATE TABLE probes (a)"));
    CU_ASSERT_FALSE(fixture_open(&fixture));
    CU_ASSERT_STRING_EQUAL(fixture.error.code, "store.failed");
    CU_ASSERT_EQUAL(number_in_file("SELECT count(*) FROM sqlite_schema"), 1);
    CU_ASSERT_EQUAL(number_in_file("PRAGMA user_version"), 0);
    CU_ASSERT(run_in_file("DROP TABLE probes"));
    CU_ASSERT(fixture_open(&fixture));
    fixture_end(&fixture);
}

static void a_damaged_file_is_refused(void)
{
    char path[128], junk[4096];
    fixture_begin(&fixture, mg_store_sqlite_open);
    fixture_close(&fixture);
    memset(junk, 'x', sizeof junk);
    snprintf(path, sizeof path, "%s/store.db", fixture.folder);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    CU_ASSERT_FATAL(file >= 0);
    CU_ASSERT_EQUAL(write(file, junk, sizeof junk), (ssize_t)sizeof junk);
    close(file);
    CU_ASSERT_FALSE(fixture_open(&fixture));
    CU_ASSERT_STRING_EQUAL(fixture.error.code, "store.unreadable");
    fixture_end(&fixture);
}

static void the_file_is_made_for_safety_and_deletion(void)
{
    fixture_begin(&fixture, mg_store_sqlite_open);
    fixture_close(&fixture);
    CU_ASSERT_EQUAL(number_in_file("PRAGMA auto_vacuum"), 2);
    CU_ASSERT_EQUAL(number_in_file("PRAGMA page_size"), MG_SQLITE_PAGE_SIZE);
    CU_ASSERT_EQUAL(number_in_file("PRAGMA user_version"), 3);
    CU_ASSERT_EQUAL(number_in_file("SELECT count(*) FROM pragma_journal_mode"
                                   " WHERE journal_mode = 'wal'"),
                    1);
    fixture_end(&fixture);
}

/* ---- deletion ---- */

static bool file_contains(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", fixture.folder, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    static char bytes[16 * 1024 * 1024];
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return memmem(bytes, length, text, strlen(text));
}

static void what_is_deleted_is_gone_from_the_disk(void)
{
    static char content[50000];
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = "PERSONAL"[i % 8];
    fixture_begin(&fixture, mg_store_sqlite_open);
    make_messages(3);
    for (size_t i = 0; i < 3; i++) {
        messages[i].parts[0].bytes = content;
        messages[i].parts[0].length = sizeof content - 20000 * i;
        messages[i].accept.delivery_count = 0;
        CU_ASSERT(accept_new(&fixture, &messages[i]));
    }
    CU_ASSERT(file_contains("store.db", "PERSONAL") || file_contains("store.db-wal", "PERSONAL"));
    CU_ASSERT(expire_all(&fixture, 12000));
    CU_ASSERT_FALSE(file_contains("store.db", "PERSONAL"));
    CU_ASSERT_FALSE(file_contains("store.db-wal", "PERSONAL"));
    CU_ASSERT(file_contains("store.db", "wuppertal-portal"));
    free_messages(3);
    fixture_end(&fixture);
}

static void space_is_given_back_after_deletion(void)
{
    static char large[200000];
    fixture_begin(&fixture, mg_store_sqlite_open);
    for (size_t i = 0; i < 100; i++) {
        message_make(&messages[i], (unsigned)i, "remscheid");
        messages[i].parts[0].bytes = large;
        messages[i].parts[0].length = sizeof large;
        messages[i].accept.delivery_count = 0;
        CU_ASSERT(accept_new(&fixture, &messages[i]));
    }
    CU_ASSERT(expire_all(&fixture, 90000));
    struct mg_store_totals totals;
    CU_ASSERT(mg_store_totals(fixture.store, &totals, NULL));
    CU_ASSERT(totals.bytes < 8 * 1024 * 1024);
    free_messages(100);
    fixture_end(&fixture);
}

/* ---- the spool ---- */

/* What the totals say is in files of the spool: all that is neither in the database nor its log. */
static int64_t spooled_bytes(void)
{
    struct mg_store_totals totals;
    struct stat facts;
    char path[128];
    CU_ASSERT(mg_store_totals(fixture.store, &totals, NULL));
    snprintf(path, sizeof path, "%s/store.db", fixture.folder);
    CU_ASSERT_FATAL(stat(path, &facts) == 0);
    totals.bytes -= facts.st_size;
    snprintf(path, sizeof path, "%s/store.db-wal", fixture.folder);
    CU_ASSERT_FATAL(stat(path, &facts) == 0);
    return totals.bytes - facts.st_size;
}

static size_t spool_files(void)
{
    char path[128];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/spool", fixture.folder);
    DIR *folder = opendir(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* A content of 60,000 bytes, which is more than is kept in the row here. */
static void spool_content(struct test_message *message)
{
    struct mg_store_spool *spool = mg_store_spool_begin(fixture.store, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(spool);
    for (size_t i = 0; i < 5; i++)
        CU_ASSERT(mg_store_spool_append(spool, message->bytes, 12000, NULL));
    CU_ASSERT(mg_store_spool_finish(spool, NULL));
    message->parts[0] = (struct mg_store_part){.kind = MG_PART_CONTENT, .spool = spool};
}

static void large_parts_are_files_that_can_be_read_through_a_descriptor(void)
{
    char bytes[12000];
    fixture_begin(&fixture, mg_store_sqlite_open);
    make_messages(1);
    spool_content(&messages[0]);
    CU_ASSERT(accept_new(&fixture, &messages[0]));
    CU_ASSERT_EQUAL(spool_files(), 1);
    fixture_close(&fixture);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    const struct mg_id *id = &messages[0].accept.id;
    int file = mg_store_descriptor(fixture.store, id, MG_PART_CONTENT);
    CU_ASSERT_FATAL(file >= 0);
    CU_ASSERT_EQUAL(lseek(file, 0, SEEK_END), 60000);
    CU_ASSERT_EQUAL(pread(file, bytes, sizeof bytes, 24000), (ssize_t)sizeof bytes);
    CU_ASSERT(memcmp(bytes, messages[0].bytes, sizeof bytes) == 0);
    close(file);
    CU_ASSERT_EQUAL(mg_store_descriptor(fixture.store, id, MG_PART_ORIGINAL), -1);
    free_messages(1);
    fixture_end(&fixture);
}

static void spool_files_without_a_row_are_swept_at_the_start(void)
{
    fixture_begin(&fixture, mg_store_sqlite_open);
    make_messages(2);
    spool_content(&messages[0]);
    CU_ASSERT(accept_new(&fixture, &messages[0]));
    spool_content(&messages[1]);
    CU_ASSERT_EQUAL(spool_files(), 2);
    CU_ASSERT_EQUAL(spooled_bytes(), 60000);
    fixture_close(&fixture);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    CU_ASSERT_EQUAL(spool_files(), 1);
    CU_ASSERT_EQUAL(spooled_bytes(), 60000);
    char byte;
    CU_ASSERT_EQUAL(mg_store_read(fixture.store, &messages[0].accept.id, MG_PART_CONTENT, 59999,
                                  &byte, 1, NULL),
                    1);
    mg_store_spool_free(messages[1].parts[0].spool);
    free_messages(2);
    fixture_end(&fixture);
}

static void spool_files_go_with_what_they_belong_to(void)
{
    fixture_begin(&fixture, mg_store_sqlite_open);
    make_messages(2);
    memcpy(messages[1].uuid, messages[0].uuid, sizeof messages[0].uuid);
    messages[0].accept.delivery_count = 0;
    spool_content(&messages[0]);
    CU_ASSERT(accept_new(&fixture, &messages[0]));
    /* What is repeated is not stored. */
    spool_content(&messages[1]);
    accept_now(&fixture, &messages[1]);
    CU_ASSERT(messages[1].accept.result != MG_ACCEPT_NEW);
    CU_ASSERT_EQUAL(spool_files(), 1);
    CU_ASSERT_EQUAL(spooled_bytes(), 60000);
    /* What nobody stores is dropped. */
    spool_content(&messages[1]);
    CU_ASSERT_EQUAL(spool_files(), 2);
    mg_store_spool_free(messages[1].parts[0].spool);
    CU_ASSERT_EQUAL(spool_files(), 1);
    CU_ASSERT(expire_all(&fixture, 12000));
    CU_ASSERT_EQUAL(spool_files(), 0);
    CU_ASSERT_EQUAL(spooled_bytes(), 0);
    free_messages(2);
    fixture_end(&fixture);
}

/* ---- a full disk ---- */

/* Makes the free space this share of the reserve, as the writer sees it before its next group. */
static void leave_of_reserve(int64_t divisor)
{
    struct statvfs space;
    CU_ASSERT_EQUAL_FATAL(statvfs(fixture.options.folder, &space), 0);
    struct mg_sqlite *sqlite = (struct mg_sqlite *)fixture.store;
    sqlite->reserve = (int64_t)(space.f_bavail * space.f_frsize) * divisor;
}

static void below_the_reserve_nothing_is_accepted_but_outcomes_are_recorded(void)
{
    struct mg_store_delivery delivery, another;
    fixture_begin(&fixture, mg_store_sqlite_open);
    make_messages(3);
    CU_ASSERT(accept_new(&fixture, &messages[0]));
    CU_ASSERT(accept_new(&fixture, &messages[1]));
    fixture_close(&fixture);
    /* No disk has so much free space. */
    fixture.options.reserve = INT64_MAX;
    CU_ASSERT_FATAL(fixture_open(&fixture));
    CU_ASSERT_FALSE(mg_store_ready(fixture.store));
    spool_content(&messages[2]);
    CU_ASSERT_FALSE(accept_new(&fixture, &messages[2]));
    CU_ASSERT_STRING_EQUAL(messages[2].accept.error.code, "store.full");
    CU_ASSERT_EQUAL(spool_files(), 0);
    CU_ASSERT_FALSE(claim_one(&fixture, "remscheid", 10000, 90000, &delivery));
    /* One that was claimed before: as the fixture reopens, that takes the other way round. */
    fixture_close(&fixture);
    fixture.options.reserve = 0;
    CU_ASSERT_FATAL(fixture_open(&fixture));
    CU_ASSERT_FATAL(claim_one(&fixture, "remscheid", 10000, 90000, &delivery));
    leave_of_reserve(16);
    CU_ASSERT_FALSE(claim_one(&fixture, "remscheid", 10000, 90000, &another));
    CU_ASSERT_FALSE(mg_store_can_record(fixture.store));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, 11000);
    CU_ASSERT(outcome_now(&fixture, &outcome));
    CU_ASSERT_EQUAL(state_of(&fixture, &delivery.message), MG_DELIVERY_DELIVERED);
    free_messages(3);
    fixture_end(&fixture);
}

static void from_the_reserve_what_was_accepted_is_still_delivered(void)
{
    struct mg_store_delivery delivery;
    fixture_begin(&fixture, mg_store_sqlite_open);
    make_messages(2);
    CU_ASSERT(accept_new(&fixture, &messages[0]));
    leave_of_reserve(2);
    CU_ASSERT_FALSE(accept_new(&fixture, &messages[1]));
    CU_ASSERT(mg_store_can_record(fixture.store));
    CU_ASSERT_FATAL(claim_one(&fixture, "remscheid", 10000, 90000, &delivery));
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, 11000);
    CU_ASSERT(outcome_now(&fixture, &outcome));
    free_messages(2);
    fixture_end(&fixture);
}

static void with_the_reserve_used_up_nothing_is_taken_but_settlements_are_recorded(void)
{
    struct mg_store_delivery delivery;
    fixture_begin(&fixture, mg_store_sqlite_open);
    make_messages(2);
    CU_ASSERT(accept_new(&fixture, &messages[0]));
    CU_ASSERT(accept_new(&fixture, &messages[1]));
    CU_ASSERT_FATAL(take_one(&fixture, "remscheid", 10000, 90000, &delivery));
    leave_of_reserve(16);
    struct mg_store_take take = {.destination = "remscheid", .now = 10000, .lease = 90000};
    CU_ASSERT_FALSE(take_now(&fixture, &take));
    CU_ASSERT_STRING_EQUAL(take.error.code, "store.full");
    struct mg_store_settle settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, 11000);
    CU_ASSERT(settle_now(&fixture, &settle));
    CU_ASSERT_EQUAL(state_of(&fixture, &delivery.message), MG_DELIVERY_COLLECTED);
    free_messages(2);
    fixture_end(&fixture);
}

static bool wait_until_ready(bool ready)
{
    int64_t end = mg_clock_monotonic() + unit_patience(5000) * 1000;
    while (mg_store_ready(fixture.store) != ready && mg_clock_monotonic() < end)
        usleep(10000);
    return mg_store_ready(fixture.store) == ready;
}

static void a_full_disk_refuses_calls_whole_until_there_is_space_again(void)
{
    struct mg_store_delivery delivery;
    begin_on_lossy_disk();
    make_messages(30);
    CU_ASSERT(accept_new(&fixture, &messages[0]));
    CU_ASSERT_FATAL(claim_one(&fixture, "remscheid", 10000, 90000, &delivery));
    CU_ASSERT(mg_store_ready(fixture.store));
    lossy_vfs_fill(true);
    spool_content(&messages[1]);
    for (size_t i = 1; i < 30; i++)
        mg_store_accept(fixture.store, &messages[i].accept);
    for (size_t i = 1; i < 30; i++) {
        wait_for(&messages[i]);
        CU_ASSERT_FALSE(messages[i].accept.ok);
        CU_ASSERT_STRING_EQUAL(messages[i].accept.error.code, "store.full");
    }
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, 11000);
    CU_ASSERT_FALSE(outcome_now(&fixture, &outcome));
    CU_ASSERT_STRING_EQUAL(outcome.error.code, "store.full");
    CU_ASSERT_FALSE(mg_store_ready(fixture.store));
    struct mg_store_totals totals;
    CU_ASSERT(mg_store_totals(fixture.store, &totals, NULL));
    CU_ASSERT_EQUAL(totals.messages, 1);
    struct mg_store_queue queue;
    mg_store_queue(fixture.store, "remscheid", &queue);
    CU_ASSERT(queue.waiting == 1 && queue.running == 1 && queue.bytes == 3000);
    CU_ASSERT_EQUAL(state_of(&fixture, &delivery.message), MG_DELIVERY_RUNNING);
    lossy_vfs_fill(false);
    /* By itself, without a call. */
    CU_ASSERT(wait_until_ready(true));
    CU_ASSERT_EQUAL(spool_files(), 0);
    CU_ASSERT(outcome_now(&fixture, &outcome));
    for (size_t i = 2; i < 30; i++)
        CU_ASSERT(accept_new(&fixture, &messages[i]));
    free_messages(30);
    fixture_end(&fixture);
}

static void a_store_that_is_not_ready_recovers_with_the_next_commit(void)
{
    begin_on_lossy_disk();
    make_messages(2);
    lossy_vfs_fill(true);
    CU_ASSERT_FALSE(accept_new(&fixture, &messages[0]));
    CU_ASSERT_FALSE(mg_store_ready(fixture.store));
    lossy_vfs_fill(false);
    CU_ASSERT(accept_new(&fixture, &messages[1]));
    CU_ASSERT(mg_store_ready(fixture.store));
    CU_ASSERT(accept_new(&fixture, &messages[0]));
    free_messages(2);
    fixture_end(&fixture);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(many_calls_share_one_commit),
        UNIT_TEST(a_commit_takes_no_more_calls_than_it_may),
        UNIT_TEST(nothing_completes_before_it_is_synced),
        UNIT_TEST(the_log_does_not_grow_without_end),
        UNIT_TEST(no_statement_searches_a_table),
        UNIT_TEST(a_store_without_work_uses_no_processor),
        UNIT_TEST(everything_is_there_after_a_restart),
        UNIT_TEST(what_this_node_was_delivering_waits_again_after_a_restart),
        UNIT_TEST(what_another_node_delivers_waits_for_the_end_of_its_lease),
        UNIT_TEST(a_number_is_never_given_twice),
        UNIT_TEST(a_folder_has_one_process_at_a_time),
        UNIT_TEST(a_missing_folder_is_created_for_the_gateway_alone),
        UNIT_TEST(a_newer_file_is_refused_and_left_alone),
        UNIT_TEST(a_file_of_another_program_is_refused_and_left_alone),
        UNIT_TEST(an_upgrade_that_fails_leaves_the_file_as_it_was),
        UNIT_TEST(a_damaged_file_is_refused),
        UNIT_TEST(the_file_is_made_for_safety_and_deletion),
        UNIT_TEST(what_is_deleted_is_gone_from_the_disk),
        UNIT_TEST(space_is_given_back_after_deletion),
        UNIT_TEST(large_parts_are_files_that_can_be_read_through_a_descriptor),
        UNIT_TEST(spool_files_without_a_row_are_swept_at_the_start),
        UNIT_TEST(spool_files_go_with_what_they_belong_to),
        UNIT_TEST(below_the_reserve_nothing_is_accepted_but_outcomes_are_recorded),
        UNIT_TEST(from_the_reserve_what_was_accepted_is_still_delivered),
        UNIT_TEST(with_the_reserve_used_up_nothing_is_taken_but_settlements_are_recorded),
        UNIT_TEST(a_full_disk_refuses_calls_whole_until_there_is_space_again),
        UNIT_TEST(a_store_that_is_not_ready_recovers_with_the_next_commit),
    };
    return unit_run("store-sqlite", tests, sizeof tests / sizeof *tests);
}
