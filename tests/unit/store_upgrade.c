/* Files of older versions: they become files of this version whole or not at all, with everything
 * that was in them. The tables of each old version stand here as that version made them. */
#include "tests/unit/lossy_vfs.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char version_1[] =
    "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
    "BEGIN;"
    "CREATE TABLE messages (seq INTEGER PRIMARY KEY, id BLOB NOT NULL, partner TEXT NOT NULL,"
    " way TEXT, uuid TEXT NOT NULL, digest BLOB NOT NULL, profile TEXT, type TEXT, author TEXT,"
    " reader TEXT, received INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX messages_by_id ON messages (id);"
    "CREATE TABLE duplicates (seq INTEGER PRIMARY KEY, uuid BLOB NOT NULL, partner TEXT NOT NULL,"
    " digest BLOB NOT NULL, message BLOB NOT NULL, until INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX duplicates_by_uuid ON duplicates (uuid, partner);"
    "CREATE TABLE contents (key INTEGER PRIMARY KEY, size INTEGER NOT NULL, media_type TEXT,"
    " name TEXT, spool BLOB, bytes BLOB);"
    "CREATE INDEX contents_in_spool ON contents (spool) WHERE spool IS NOT NULL;"
    "CREATE TABLE records (key INTEGER PRIMARY KEY, size INTEGER NOT NULL, media_type TEXT,"
    " name TEXT, spool BLOB, bytes BLOB);"
    "CREATE INDEX records_in_spool ON records (spool) WHERE spool IS NOT NULL;"
    "CREATE TABLE deliveries (key INTEGER PRIMARY KEY, id BLOB NOT NULL, message BLOB NOT NULL,"
    " destination TEXT NOT NULL, received INTEGER NOT NULL, state INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, next_attempt INTEGER NOT NULL, ended INTEGER NOT NULL,"
    " lease INTEGER, node TEXT, last_code TEXT, last_text TEXT);"
    "CREATE INDEX deliveries_waiting ON deliveries (destination, next_attempt) WHERE state = 0;"
    "CREATE INDEX deliveries_running ON deliveries (destination, lease) WHERE state = 1;"
    "CREATE INDEX deliveries_dead ON deliveries (ended) WHERE state = 5;"
    "CREATE TABLE events (key INTEGER PRIMARY KEY, time INTEGER NOT NULL, destination TEXT,"
    " code TEXT NOT NULL, text TEXT, duration INTEGER NOT NULL);"
    "CREATE TABLE endings (stage INTEGER NOT NULL, ended INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " PRIMARY KEY (stage, ended, seq)) WITHOUT ROWID;"
    "CREATE TABLE probes (one INTEGER PRIMARY KEY CHECK (one = 1), probed INTEGER NOT NULL);"
    "PRAGMA application_id = 1836410222;"
    "PRAGMA user_version = 1;";

/* Message n, with the id …0n, a content of 100 n bytes, and one delivery with the id …1n. The
 * numbers of rows are those that version 1 gave: the message's, and below it 20 bits. */
#define MESSAGE(n)                                                                                 \
    "INSERT INTO messages VALUES (" #n ", x'0000000000000000000000000000000" #n "',"               \
    " 'wuppertal-portal', 'submission', 'urn:uuid:" #n "', x'" ZEROS "', 'service',"               \
    " 'service:0401', 'ags:05124000', 'ags:05120000', 1000" #n ");"                                \
    "INSERT INTO duplicates VALUES (" #n ", 'urn:uuid:" #n "', 'wuppertal-portal', x'" ZEROS "',"  \
    " x'0000000000000000000000000000000" #n "', 9000000000000000);"                                \
    "INSERT INTO contents VALUES ((" #n " << 20) + 1, 100 * " #n ", NULL, NULL, NULL,"             \
    " zeroblob(100 * " #n "));"                                                                    \
    "INSERT INTO contents VALUES ((" #n " << 20) + 2, 7, NULL, NULL, NULL, zeroblob(7));"          \
    "INSERT INTO records VALUES ((" #n " << 20) + 5, 9, NULL, NULL, NULL, zeroblob(9));"           \
    "INSERT INTO events VALUES (" #n " << 20, 1000" #n ", NULL, 'accepted', NULL, 0);"
#define DELIVERY(n, destination, state, attempts, next, ended, lease, node)                        \
    "INSERT INTO deliveries VALUES (" #n " << 20, x'0000000000000000000000000000001" #n "',"       \
    " x'0000000000000000000000000000000" #n "', '" destination "', 1000" #n ", " #state            \
    ", " #attempts ", " #next ", " #ended ", " #lease ", " node ", NULL, NULL);"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static const char *const file_of_version_1[] = {
    version_1,
    MESSAGE(1) DELIVERY(1, "remscheid", 0, 0, 10001, 0, NULL, "NULL"),
    MESSAGE(2) DELIVERY(2, "remscheid", 1, 1, 10002, 0, 90000, "'here'"),
    MESSAGE(3) DELIVERY(3, "remscheid", 5, 4, 10003, 20000, NULL,
                        "NULL") "INSERT INTO endings VALUES (0, 20000, 3);",
    MESSAGE(4) DELIVERY(4, "remscheid", 3, 1, 10004, 20001, NULL,
                        "NULL") "INSERT INTO endings VALUES (0, 20001, 4);",
    MESSAGE(5) DELIVERY(5, "remscheid", 0, 2, 50000, 0, NULL, "NULL"),
    MESSAGE(6) DELIVERY(6, "solingen", 1, 1, 10006, 0, 70000, "'elsewhere'"),
    MESSAGE(7) DELIVERY(7, "buergeramt-box", 0, 0, 10007, 0, NULL, "NULL"),
    MESSAGE(8) DELIVERY(8, "remscheid", 2, 1, 10008, 0, NULL, "NULL"),
    "COMMIT;",
};

/* What version 2 made out of it. */
static const char *const to_version_2[] = {
    "BEGIN;"
    "ALTER TABLE deliveries ADD COLUMN size INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE deliveries ADD COLUMN blocks INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX deliveries_open ON deliveries (destination) WHERE ended = 0;"
    "CREATE INDEX deliveries_blocking ON deliveries (destination) WHERE blocks = 1;"
    "DROP INDEX deliveries_dead;"
    "CREATE INDEX deliveries_dead ON deliveries (destination, ended) WHERE state = 5;"
    "UPDATE deliveries SET size = coalesce((SELECT c.size FROM contents c"
    " WHERE c.key = (deliveries.key >> 20 << 20) + 1), 0) WHERE ended = 0;"
    "PRAGMA user_version = 2;"
    "COMMIT;",
};

static struct fixture fixture;

static bool run_in_file(const char *vfs, const char *const *sql, size_t count)
{
    char path[128];
    sqlite3 *database;
    snprintf(path, sizeof path, "%s/store.db", fixture.folder);
    bool passed = sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                  vfs) == SQLITE_OK;
    for (size_t i = 0; passed && i < count; i++)
        passed = sqlite3_exec(database, sql[i], NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(database);
    return passed;
}

static int64_t number_in_file(const char *vfs, const char *sql)
{
    char path[128];
    sqlite3 *database;
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    snprintf(path, sizeof path, "%s/store.db", fixture.folder);
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, vfs) == SQLITE_OK &&
        sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
}

/* A folder with a file of version 1, not opened yet. */
static void begin_with_version_1(const char *vfs)
{
    fixture_begin(&fixture, mg_store_memory_open);
    fixture_close(&fixture);
    fixture.open = mg_store_sqlite_open;
    fixture.options.sqlite_vfs = vfs;
    CU_ASSERT_FATAL(
        run_in_file(vfs, file_of_version_1, sizeof file_of_version_1 / sizeof *file_of_version_1));
    CU_ASSERT_EQUAL_FATAL(number_in_file(vfs, "PRAGMA user_version"), 1);
}

static void begin_with_version_2(void)
{
    begin_with_version_1(NULL);
    CU_ASSERT_FATAL(run_in_file(NULL, to_version_2, 1));
}

static struct mg_id id_of(unsigned number)
{
    struct mg_id id = {{0}};
    id.bytes[15] = (uint8_t)number;
    return id;
}

static int state_of_message(unsigned number)
{
    struct mg_id id = id_of(number);
    return state_of(&fixture, &id);
}

static void check_queue(const char *destination, int64_t waiting, int64_t running, int64_t dead,
                        int64_t bytes, int64_t oldest)
{
    struct mg_store_queue queue;
    mg_store_queue(fixture.store, destination, &queue);
    CU_ASSERT_EQUAL(queue.waiting, waiting);
    CU_ASSERT_EQUAL(queue.running, running);
    CU_ASSERT_EQUAL(queue.dead, dead);
    CU_ASSERT_EQUAL(queue.bytes, bytes);
    CU_ASSERT_EQUAL(queue.oldest, oldest);
}

static void check_everything_is_there(void)
{
    static const int states[] = {-1, 0, 0, 5, 3, 0, 1, 0, 2};
    for (unsigned i = 1; i <= 8; i++) {
        struct mg_id id = id_of(i);
        struct mg_store_part_facts facts;
        struct mg_store_event *events;
        size_t count;
        CU_ASSERT_EQUAL(state_of_message(i), states[i]);
        CU_ASSERT(mg_store_part(fixture.store, &id, MG_PART_CONTENT, &facts, NULL));
        CU_ASSERT_EQUAL(facts.size, 100 * i);
        CU_ASSERT(mg_store_part(fixture.store, &id, MG_PART_RECEIPT, &facts, NULL));
        CU_ASSERT_EQUAL(facts.size, 9);
        CU_ASSERT(mg_store_events(fixture.store, &id, &events, &count, NULL) && count == 1);
        free(events);
    }
    check_queue("remscheid", 4, 0, 1, 100 + 200 + 500 + 800, 10001);
    struct mg_store_queue queue;
    mg_store_queue(fixture.store, "remscheid", &queue);
    CU_ASSERT_EQUAL(queue.held, 1);
    check_queue("solingen", 1, 1, 0, 600, 10006);
    check_queue("buergeramt-box", 1, 0, 0, 700, 10007);
    struct mg_store_totals totals;
    CU_ASSERT(mg_store_totals(fixture.store, &totals, NULL));
    CU_ASSERT(totals.messages == 8 && totals.waiting == 6 && totals.dead == 1);
}

static void a_file_of_version_1_keeps_everything_and_is_counted(void)
{
    begin_with_version_1(NULL);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    check_everything_is_there();
    fixture_close(&fixture);
    CU_ASSERT_EQUAL(number_in_file(NULL, "PRAGMA user_version"), 3);
    CU_ASSERT_EQUAL(number_in_file(NULL, "SELECT count(*) FROM pragma_integrity_check"
                                         " WHERE integrity_check = 'ok'"),
                    1);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    check_everything_is_there();
    fixture_end(&fixture);
}

static void a_file_of_version_2_keeps_everything_and_gets_a_journal(void)
{
    begin_with_version_2();
    CU_ASSERT_FATAL(fixture_open(&fixture));
    check_everything_is_there();
    CU_ASSERT_EQUAL(mg_store_journal_last(fixture.store), 0);
    CU_ASSERT(note_now(&fixture, NULL, "started"));
    fixture_close(&fixture);
    CU_ASSERT_EQUAL(number_in_file(NULL, "PRAGMA user_version"), 3);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    check_everything_is_there();
    CU_ASSERT_EQUAL(mg_store_journal_last(fixture.store), 1);
    CU_ASSERT(chain_is_whole(&fixture));
    fixture_end(&fixture);
}

static void deliver(const char *destination, unsigned number, int64_t now, int attempts)
{
    struct mg_store_delivery delivery;
    struct mg_id id = id_of(number);
    CU_ASSERT_FATAL(claim_one(&fixture, destination, now, now + 50000, &delivery));
    CU_ASSERT(memcmp(&delivery.message, &id, sizeof id) == 0);
    CU_ASSERT_EQUAL(delivery.attempts, attempts);
    struct mg_store_outcome outcome = outcome_of(&delivery, MG_DELIVERY_DELIVERED, now + 1);
    CU_ASSERT(outcome_now(&fixture, &outcome));
}

static void what_waited_in_version_1_is_delivered_collected_and_forgotten(void)
{
    struct test_message message;
    struct mg_store_delivery delivery;
    begin_with_version_1(NULL);
    CU_ASSERT_FATAL(fixture_open(&fixture));
    deliver("remscheid", 1, 15000, 1);
    deliver("remscheid", 2, 15000, 2);
    CU_ASSERT_FALSE(claim_one(&fixture, "remscheid", 49999, 90000, &delivery));
    deliver("remscheid", 5, 50000, 3);
    CU_ASSERT_FALSE(claim_one(&fixture, "solingen", 69999, 90000, &delivery));
    deliver("solingen", 6, 70000, 2);
    CU_ASSERT_FATAL(take_one(&fixture, "buergeramt-box", 15000, 20000, &delivery));
    struct mg_store_settle settle = settle_of(&delivery, MG_DELIVERY_COLLECTED, 16000);
    CU_ASSERT(settle_now(&fixture, &settle));
    check_queue("remscheid", 1, 0, 1, 800, 10008);
    message_make(&message, 1, "remscheid");
    CU_ASSERT(accept_new(&fixture, &message));
    check_queue("remscheid", 2, 0, 1, 3800, 10008);
    CU_ASSERT(expire_all(&fixture, 200000));
    check_queue("remscheid", 2, 0, 0, 3800, 10008);
    for (unsigned i = 1; i <= 7; i++)
        CU_ASSERT_EQUAL(state_of_message(i), -1);
    CU_ASSERT_EQUAL(state_of_message(8), MG_DELIVERY_HELD);
    message_free(&message);
    fixture_end(&fixture);
}

/* An index of that name is already there: the step fails in its middle. */
static void an_upgrade_that_fails_leaves_version_1_as_it_was(void)
{
    begin_with_version_1(NULL);
    static const char *const make = "CREATE INDEX deliveries_blocking ON deliveries (node)";
    static const char *const drop = "DROP INDEX deliveries_blocking";
    CU_ASSERT(run_in_file(NULL, &make, 1));
    CU_ASSERT_FALSE(fixture_open(&fixture));
    CU_ASSERT_STRING_EQUAL(fixture.error.code, "store.failed");
    CU_ASSERT_EQUAL(number_in_file(NULL, "PRAGMA user_version"), 1);
    CU_ASSERT_EQUAL(number_in_file(NULL, "SELECT count(*) FROM pragma_table_info('deliveries')"),
                    13);
    CU_ASSERT(run_in_file(NULL, &drop, 1));
    CU_ASSERT_FATAL(fixture_open(&fixture));
    check_everything_is_there();
    fixture_end(&fixture);
}

/* How many changes of the disk it takes to open a file of version 1. */
static long changes_of_an_upgrade(void)
{
    lossy_vfs_reset(1);
    begin_with_version_1(LOSSY_VFS);
    long before = lossy_vfs_changes();
    CU_ASSERT_FATAL(fixture_open(&fixture));
    long changes = lossy_vfs_changes() - before;
    fixture_end(&fixture);
    return changes;
}

static void an_upgrade_interrupted_by_a_power_loss_happened_whole_or_not_at_all(void)
{
    const long changes = changes_of_an_upgrade();
    const long step = (long)unit_amount(1, 7);
    unsigned old = 0, new = 0;
    for (long i = 1; i <= changes; i += step) {
        lossy_vfs_reset((unsigned)i);
        begin_with_version_1(LOSSY_VFS);
        lossy_vfs_fail_after(i);
        fixture_open(&fixture);
        fixture_close(&fixture);
        lossy_vfs_restore();
        int64_t version = number_in_file(LOSSY_VFS, "PRAGMA user_version");
        int64_t columns =
            number_in_file(LOSSY_VFS, "SELECT count(*) FROM pragma_table_info('deliveries')");
        CU_ASSERT((version == 1 && columns == 13) || (version == 3 && columns == 17));
        old += version == 1;
        new += version == 3;
        CU_ASSERT_FATAL(fixture_open(&fixture));
        check_everything_is_there();
        fixture_end(&fixture);
    }
    /* Otherwise the failures missed the upgrade. */
    CU_ASSERT(old > 0 && new > 0);
    printf("# of %ld failures, %u left the old file and %u the new one\n", changes / step, old,
           new);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_file_of_version_1_keeps_everything_and_is_counted),
        UNIT_TEST(a_file_of_version_2_keeps_everything_and_gets_a_journal),
        UNIT_TEST(what_waited_in_version_1_is_delivered_collected_and_forgotten),
        UNIT_TEST(an_upgrade_that_fails_leaves_version_1_as_it_was),
        UNIT_TEST(an_upgrade_interrupted_by_a_power_loss_happened_whole_or_not_at_all),
    };
    return unit_run("store-upgrade", tests, sizeof tests / sizeof *tests);
}
