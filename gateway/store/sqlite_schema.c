/*
 * The tables, and how a file of an older version becomes one of this version.
 *
 * A message has a number (seq) that grows with each one. Rows that belong to a message have it in
 * the high bits of their key and a number of their own in the low 20: parts their kind, deliveries
 * and events their order. So everything of a message lies side by side in its table, is found and
 * deleted as a range, needs no index, and new rows always go to a table's end. Tables that change
 * are apart from those that only grow, and what is deleted early (contents) from what stays
 * (records).
 */
#include "gateway/store/sqlite.h"

#include <stdlib.h>

#define NUMBER_LAST "1048575" /* MG_STORE_NUMBER_LAST, for SQL */
_Static_assert(MG_STORE_NUMBER_LAST == 1048575, "NUMBER_LAST says the same in SQL");

/* "muen": says to file(1) and to us whose file it is. */
#define APPLICATION "1836410222"

static const char version_1[] =
    "CREATE TABLE messages ("
    " seq INTEGER PRIMARY KEY,"
    " id BLOB NOT NULL,"
    " partner TEXT NOT NULL,"
    " way TEXT,"
    " uuid TEXT NOT NULL,"
    " digest BLOB NOT NULL,"
    " profile TEXT,"
    " type TEXT,"
    " author TEXT,"
    " reader TEXT,"
    " received INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX messages_by_id ON messages (id);"

    /* Remembered longer than the message itself, hence not part of its row. */
    "CREATE TABLE duplicates ("
    " seq INTEGER PRIMARY KEY,"
    " uuid BLOB NOT NULL,"
    " partner TEXT NOT NULL,"
    " digest BLOB NOT NULL,"
    " message BLOB NOT NULL,"
    " until INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX duplicates_by_uuid ON duplicates (uuid, partner);"

    "CREATE TABLE contents ("
    " key INTEGER PRIMARY KEY,"
    " size INTEGER NOT NULL,"
    " media_type TEXT,"
    " name TEXT,"
    " spool BLOB,"
    " bytes BLOB);"
    "CREATE INDEX contents_in_spool ON contents (spool) WHERE spool IS NOT NULL;"

    "CREATE TABLE records ("
    " key INTEGER PRIMARY KEY,"
    " size INTEGER NOT NULL,"
    " media_type TEXT,"
    " name TEXT,"
    " spool BLOB,"
    " bytes BLOB);"
    "CREATE INDEX records_in_spool ON records (spool) WHERE spool IS NOT NULL;"

    "CREATE TABLE deliveries ("
    " key INTEGER PRIMARY KEY,"
    " id BLOB NOT NULL,"
    " message BLOB NOT NULL,"
    " destination TEXT NOT NULL,"
    " received INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL,"
    " next_attempt INTEGER NOT NULL,"
    " ended INTEGER NOT NULL,"
    " lease INTEGER,"
    " node TEXT,"
    " last_code TEXT,"
    " last_text TEXT);"
    /* Partial: what is over costs a claim nothing, however much of it there is. */
    "CREATE INDEX deliveries_waiting ON deliveries (destination, next_attempt) WHERE state = 0;"
    "CREATE INDEX deliveries_running ON deliveries (destination, lease) WHERE state = 1;"
    "CREATE INDEX deliveries_dead ON deliveries (ended) WHERE state = 5;"

    "CREATE TABLE events ("
    " key INTEGER PRIMARY KEY,"
    " time INTEGER NOT NULL,"
    " destination TEXT,"
    " code TEXT NOT NULL,"
    " text TEXT,"
    " duration INTEGER NOT NULL);"

    /* Messages that are over, by the time they ended: stage 0 still has its content, stage 1 only
       its trace. */
    "CREATE TABLE endings ("
    " stage INTEGER NOT NULL,"
    " ended INTEGER NOT NULL,"
    " seq INTEGER NOT NULL,"
    " PRIMARY KEY (stage, ended, seq)) WITHOUT ROWID;"

    "CREATE TABLE probes (one INTEGER PRIMARY KEY CHECK (one = 1), probed INTEGER NOT NULL);"
    "PRAGMA application_id = " APPLICATION ";"
    "PRAGMA user_version = 1;";

static const char version_2[] =
    /* Of the content, so that what waits can be counted without looking at contents. */
    "ALTER TABLE deliveries ADD COLUMN size INTEGER NOT NULL DEFAULT 0;"
    /* Dead, and those after it wait until somebody decides about it. */
    "ALTER TABLE deliveries ADD COLUMN blocks INTEGER NOT NULL DEFAULT 0;"
    /* In the order of acceptance, since an index ends with the key. */
    "CREATE INDEX deliveries_open ON deliveries (destination) WHERE ended = 0;"
    "CREATE INDEX deliveries_blocking ON deliveries (destination) WHERE blocks = 1;"
    "DROP INDEX deliveries_dead;"
    "CREATE INDEX deliveries_dead ON deliveries (destination, ended) WHERE state = 5;"
    /* The content is part 1 (MG_PART_CONTENT) of a message. */
    "UPDATE deliveries SET size = coalesce((SELECT c.size FROM contents c"
    " WHERE c.key = (deliveries.key >> 20 << 20) + 1), 0) WHERE ended = 0;"
    "PRAGMA user_version = 2;";
_Static_assert(MG_PART_CONTENT == 1, "the upgrade to version 2 says the same in SQL");

static const char version_3[] =
    /* Numbered without a gap, each with a hash that covers the one before. */
    "CREATE TABLE journal ("
    " number INTEGER PRIMARY KEY,"
    " time INTEGER NOT NULL,"
    " subject BLOB,"
    " line TEXT NOT NULL,"
    " hash BLOB NOT NULL);"
    "CREATE INDEX journal_by_subject ON journal (subject) WHERE subject IS NOT NULL;"

    /* By an operator: these outlive the process. */
    "CREATE TABLE pauses ("
    " destination TEXT PRIMARY KEY,"
    " since INTEGER NOT NULL,"
    " by TEXT NOT NULL,"
    " why TEXT NOT NULL) WITHOUT ROWID;"
    /* What an operator has revived is given up as if it had come then; 0: when the message came. */
    "ALTER TABLE deliveries ADD COLUMN since INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE deliveries ADD COLUMN tried INTEGER NOT NULL DEFAULT 0;"

    /* For those who search, newest first, since an index ends with the key. */
    "CREATE INDEX messages_by_author ON messages (author);"
    "CREATE INDEX messages_by_reader ON messages (reader);"
    "CREATE INDEX messages_by_type ON messages (type);"
    "DROP INDEX deliveries_dead;"
    "CREATE INDEX deliveries_dead ON deliveries (destination) WHERE state = 5;"
    "CREATE INDEX deliveries_held ON deliveries (destination) WHERE state = 2;"
    "PRAGMA user_version = 3;";

/* Step n makes version n + 1 out of version n, and says so in user_version. */
static const char *const steps[] = {version_1, version_2, version_3};
static const int64_t newest = sizeof steps / sizeof *steps;

/* A file that is not ours is left as it is. */
static bool belongs_to_us(struct mg_sqlite_connection *connection, struct mg_error *error)
{
    int64_t application, tables;
    if (!mg_sqlite_number(connection, "PRAGMA application_id", &application, error) ||
        !mg_sqlite_number(connection, "SELECT count(*) FROM sqlite_schema", &tables, error))
        return false;
    if (application == strtoll(APPLICATION, NULL, 10) || (application == 0 && tables == 0))
        return true;
    return mg_fail(error, "store.unreadable",
                   "the database in the store's folder belongs to another program; "
                   "give the store a folder of its own");
}

static bool fail_for_newer(int64_t version, struct mg_error *error)
{
    return mg_fail(error, "store.version",
                   "the store was written by a newer version of the gateway (its schema is %lld, "
                   "this gateway knows up to %lld); install that version again",
                   (long long)version, (long long)newest);
}

bool mg_sqlite_is_ours(struct mg_sqlite_connection *connection, struct mg_error *error)
{
    int64_t version;
    if (!belongs_to_us(connection, error) ||
        !mg_sqlite_number(connection, "PRAGMA user_version", &version, error))
        return false;
    if (version > newest)
        return fail_for_newer(version, error);
    return version == newest ||
           mg_fail(error, "store.version",
                   "the file was written by an older version of the gateway (its schema is %lld, "
                   "this one reads %lld); a start of the gateway brings it up to date",
                   (long long)version, (long long)newest);
}

static bool take_steps(struct mg_sqlite_connection *connection, struct mg_error *error)
{
    int64_t version;
    if (!belongs_to_us(connection, error) ||
        !mg_sqlite_number(connection, "PRAGMA user_version", &version, error))
        return false;
    if (version < 0 || version > newest)
        return fail_for_newer(version, error);
    for (; version < newest; version++)
        if (!mg_sqlite_run(connection, steps[version], error))
            return false;
    return true;
}

bool mg_sqlite_upgrade(struct mg_sqlite_connection *connection, struct mg_error *error)
{
    /* All steps or none: a gateway that is stopped in between finds the file as it was. */
    if (!mg_sqlite_run(connection, "BEGIN IMMEDIATE", error))
        return false;
    if (take_steps(connection, error) && mg_sqlite_run(connection, "COMMIT", error))
        return true;
    mg_sqlite_run(connection, "ROLLBACK", NULL);
    return false;
}

#define DUE "key, id, message, attempts, received, next_attempt, last_code, last_text, since, tried"
#define FOUND                                                                                      \
    "d.key, d.state, d.node, d.attempts, d.next_attempt, d.lease, d.size, d.destination,"          \
    " d.received"
#define FROM_MESSAGE                                                                               \
    " FROM messages m CROSS JOIN deliveries d ON d.key BETWEEN m.seq << 20"                        \
    " AND (m.seq << 20) + " NUMBER_LAST " WHERE m.id = ?1"

/* Every statement finds its rows by a key or an index, whatever else is in the file. */
const char *const mg_sqlite_writes[W_COUNT] = {
    [W_BEGIN] = "BEGIN IMMEDIATE",
    [W_COMMIT] = "COMMIT",
    [W_ROLLBACK] = "ROLLBACK",
    [W_PROBE] = "INSERT OR REPLACE INTO probes VALUES (1, ?1)",
    [W_RETURN_OWN] = "UPDATE deliveries INDEXED BY deliveries_running"
                     " SET state = 0, node = NULL, lease = NULL WHERE state = 1 AND node = ?1",

    [W_REMEMBER] = "INSERT OR IGNORE INTO duplicates (seq, uuid, partner, digest, message, until)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [W_KNOWN] =
        "SELECT until, digest, message, seq FROM duplicates WHERE uuid = ?1 AND partner = ?2",
    [W_FORGET] = "DELETE FROM duplicates WHERE seq = ?1",
    [W_MESSAGE] = "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [W_CONTENT] = "INSERT INTO contents VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [W_RECORD] = "INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [W_DELIVERY] = "INSERT INTO deliveries (key, id, message, destination, received, state,"
                   " attempts, next_attempt, ended, size)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?5, 0, ?6)",
    [W_FIRST_EVENT] = "INSERT INTO events VALUES (?1, ?2, NULL, 'accepted', NULL, 0)",
    [W_END_AT_ONCE] = "INSERT INTO endings VALUES (0, ?1, ?2)",

    [W_RETURN_LEASES] = "UPDATE deliveries SET state = 0, node = NULL, lease = NULL WHERE key IN"
                        " (SELECT key FROM deliveries WHERE state = 1 AND destination = ?1"
                        " AND lease <= ?2 ORDER BY lease LIMIT ?3)",
    [W_DUE] =
        "SELECT " DUE " FROM deliveries WHERE state = 0 AND destination = ?1 AND next_attempt <= ?2"
        " ORDER BY next_attempt, key LIMIT ?3",
    [W_CLAIM] = "UPDATE deliveries SET state = 1, attempts = attempts + 1, node = ?2, lease = ?3"
                " WHERE key = ?1",
    [W_NEXT_DUE] =
        "SELECT (SELECT min(next_attempt) FROM deliveries WHERE state = 0 AND destination = ?1),"
        " (SELECT min(lease) FROM deliveries WHERE state = 1 AND destination = ?1)",

    [W_RUNNING] = "SELECT min(lease) FROM deliveries WHERE state = 1 AND destination = ?1",
    [W_FIRST] = "SELECT " DUE ", state FROM deliveries INDEXED BY deliveries_open"
                " WHERE ended = 0 AND destination = ?1 ORDER BY key LIMIT 1",
    [W_BLOCKING] = "SELECT key, message FROM deliveries INDEXED BY deliveries_blocking"
                   " WHERE blocks = 1 AND destination = ?1 ORDER BY key LIMIT 1",
    [W_PASS] = "UPDATE deliveries SET blocks = 0 WHERE key = ?1",

    [W_CLAIMED] = "SELECT " FOUND FROM_MESSAGE " AND d.id = ?2",
    [W_BOXED] = "SELECT " FOUND FROM_MESSAGE " AND d.destination = ?2",
    [W_NEXT_BOXED] = "SELECT key FROM deliveries INDEXED BY deliveries_waiting WHERE state = 0"
                     " AND destination = ?1 ORDER BY next_attempt, key LIMIT 1",
    [W_TAKE] = "UPDATE deliveries SET state = 1, attempts = attempts + 1, node = NULL, lease = ?2"
               " WHERE key = ?1 RETURNING " DUE,
    [W_OUTCOME] = "UPDATE deliveries SET state = ?2, attempts = attempts - ?3,"
                  " next_attempt = coalesce(?4, next_attempt), ended = ?5, last_code = ?6,"
                  " last_text = ?7, node = NULL, lease = NULL WHERE key = ?1",
    [W_BLOCK] = "UPDATE deliveries SET blocks = 1 WHERE key = ?1",
    /* A trace that is full keeps its newest event. */
    [W_EVENT] = "INSERT OR REPLACE INTO events SELECT"
                " min(coalesce(max(key) + 1, ?1 << 20), (?1 << 20) + " NUMBER_LAST "),"
                " ?2, ?3, ?4, ?5, ?6 FROM events"
                " WHERE key BETWEEN ?1 << 20 AND (?1 << 20) + " NUMBER_LAST,
    [W_END] = "INSERT OR IGNORE INTO endings SELECT 0, ?2, ?1 WHERE NOT EXISTS (SELECT 1"
              " FROM deliveries WHERE key BETWEEN ?1 << 20 AND (?1 << 20) + " NUMBER_LAST
              " AND (ended = 0 OR blocks = 1))",

    [W_HAS_CONTENT] = "SELECT 1 FROM contents WHERE key = (?1 << 20) + 1",
    [W_REVIVE] = "UPDATE deliveries SET state = 0, next_attempt = ?2, since = ?2, tried = attempts,"
                 " ended = 0, blocks = 0, node = NULL, lease = NULL WHERE key = ?1",
    [W_HURRY] = "UPDATE deliveries SET next_attempt = min(next_attempt, ?2) WHERE key = ?1",
    [W_CANCEL] = "UPDATE deliveries SET state = 6, ended = ?2, blocks = 0, last_code = ?3,"
                 " last_text = ?4 WHERE key = ?1",
    [W_LAST_DELIVERY] = "SELECT max(key) FROM deliveries"
                        " WHERE key BETWEEN ?1 << 20 AND (?1 << 20) + " NUMBER_LAST,
    [W_MOVED] = "INSERT INTO deliveries (key, id, message, destination, received, state, attempts,"
                " next_attempt, ended, size, since) VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6, 0, ?7,"
                " ?6)",
    [W_DEAD] = "SELECT key, size, received, ended FROM deliveries INDEXED BY deliveries_dead"
               " WHERE state = 5 AND destination = ?1 AND key > ?2 ORDER BY key LIMIT ?3",
    [W_PAUSE] = "INSERT OR IGNORE INTO pauses VALUES (?1, ?2, ?3, ?4)",
    [W_RESUME] = "DELETE FROM pauses WHERE destination = ?1",

    [W_FORGET_OLD] = "DELETE FROM duplicates WHERE seq IN (SELECT seq FROM duplicates"
                     " ORDER BY seq LIMIT ?2) AND until <= ?1",
    /* The first of each index: with its content, with its trace alone, remembered. */
    [W_OLDEST] = "SELECT (SELECT min(ended) FROM endings WHERE stage = 0),"
                 " (SELECT min(ended) FROM endings WHERE stage = 1),"
                 " (SELECT until FROM duplicates WHERE seq = (SELECT min(seq) FROM duplicates))",
    /* Stale: an operator has revived the message since, or it ended anew after that, or it was
     * erased before its time. */
    [W_EXPIRED] = "SELECT seq, ended, EXISTS (SELECT 1 FROM deliveries WHERE key BETWEEN seq << 20"
                  " AND (seq << 20) + " NUMBER_LAST " AND (deliveries.ended = 0 OR blocks = 1"
                  " OR deliveries.ended > endings.ended)) OR NOT EXISTS (SELECT 1 FROM messages"
                  " WHERE messages.seq = endings.seq) FROM endings WHERE stage = ?1"
                  " AND ended <= ?2 ORDER BY ended, seq LIMIT ?3",
    [W_CONTENT_SPOOLS] = "SELECT spool, size FROM contents WHERE key BETWEEN ?1 << 20"
                         " AND (?1 << 20) + " NUMBER_LAST " AND +spool IS NOT NULL",
    [W_RECORD_SPOOLS] = "SELECT spool, size FROM records WHERE key BETWEEN ?1 << 20"
                        " AND (?1 << 20) + " NUMBER_LAST " AND +spool IS NOT NULL",
    [W_DELETE_CONTENT] =
        "DELETE FROM contents WHERE key BETWEEN ?1 << 20 AND (?1 << 20) + " NUMBER_LAST,
    [W_DELETE_RECORDS] =
        "DELETE FROM records WHERE key BETWEEN ?1 << 20 AND (?1 << 20) + " NUMBER_LAST,
    [W_DELETE_DELIVERIES] =
        "DELETE FROM deliveries WHERE key BETWEEN ?1 << 20 AND (?1 << 20) + " NUMBER_LAST
        " RETURNING state, destination",
    [W_DELETE_EVENTS] =
        "DELETE FROM events WHERE key BETWEEN ?1 << 20 AND (?1 << 20) + " NUMBER_LAST,
    [W_DELETE_MESSAGE] = "DELETE FROM messages WHERE seq = ?1",
    [W_DELETE_ENDING] = "DELETE FROM endings WHERE stage = ?1 AND ended = ?2 AND seq = ?3",
    [W_KEEP_ENDING] = "INSERT OR IGNORE INTO endings VALUES (1, ?1, ?2)",

    [W_SEQ] = "SELECT seq FROM messages WHERE id = ?1",
    [W_DELIVERIES] = "SELECT key, state, destination, size FROM deliveries"
                     " WHERE key BETWEEN ?1 << 20 AND (?1 << 20) + " NUMBER_LAST,
    [W_LINE] = "INSERT INTO journal VALUES (?1, ?2, ?3, ?4, ?5)",
    [W_TRIM] = "DELETE FROM journal WHERE number IN (SELECT number FROM journal"
               " WHERE number <= ?1 AND subject IS NOT ?2 ORDER BY number LIMIT ?3)",
    [W_LAST_LINE] = "SELECT number, hash FROM journal"
                    " WHERE number = (SELECT max(number) FROM journal)",
};
