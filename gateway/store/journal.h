/*
 * journal: what the store keeps for the audit trail. A line is a text; the store knows nothing of
 * what it says. It is written in the same commit as what it is about, so that neither is on disk
 * without the other.
 *
 * Lines are numbered from 1 without a gap, and each carries a hash over the hash of the line before
 * it and over its own number, time, subject and text. So a line that is changed, removed, inserted
 * or moved is found by whoever computes the hashes anew.
 *
 * A line may have a subject by which it is found again: the id of a message, or any text of less
 * than MG_STORE_SUBJECT_SIZE bytes.
 *
 * Threads: a journal's file and its chain belong to one thread at a time; a result to whoever has
 * it.
 */
#ifndef MUENGSTEN_STORE_JOURNAL_H
#define MUENGSTEN_STORE_JOURNAL_H

#include "gateway/store/store.h"

#define MG_STORE_HASH_SIZE    32
#define MG_STORE_SUBJECT_SIZE 64

struct mg_store_line {
    int64_t number;
    int64_t time;                        /* when it was written, milliseconds since 1970 */
    char subject[MG_STORE_SUBJECT_SIZE]; /* empty: none */
    char *text;
    size_t length; /* of the text */
    uint8_t hash[MG_STORE_HASH_SIZE];
};

struct mg_store_lines {
    struct mg_store_line *lines;
    size_t count;
};

/* Frees what was read, and zeroes it. */
void mg_store_lines_free(struct mg_store_lines *lines);

#define MG_STORE_LINES_LIMIT 1000

/* At most limit (1 to MG_STORE_LINES_LIMIT) lines, those with this subject alone if there is one:
 * from a number on upwards, or with backwards from there down. from may lie outside of what is
 * there. */
struct mg_store_journal_query {
    const char *subject; /* NULL: all */
    int64_t from;
    bool backwards;
    size_t limit;
};

/* Blocks; any thread but the loop's. The caller frees the lines. */
bool mg_store_journal(struct mg_store *store, const struct mg_store_journal_query *query,
                      struct mg_store_lines *lines, struct mg_error *error);

/* The number of the last line that is on disk; 0: there is none. At once, any thread. */
int64_t mg_store_journal_last(struct mg_store *store);

/* Waits until every call that was made before is on disk, or will never be: then no line that was
 * written before this moment comes after those that are there. Blocks; any thread but the loop's.
 * Code store.closed. */
bool mg_store_flush_journal(struct mg_store *store, struct mg_error *error);

/* Deletes lines from the beginning up to a number, but for those with this subject, at most a
 * batch; *more says whether there may be more. The chain begins anew behind them, so whoever
 * deletes keeps what proves where. Blocks; any thread but the loop's. */
bool mg_store_trim_journal(struct mg_store *store, int64_t through, const char *kept, bool *more,
                           struct mg_error *error);

/* ---- the journal of a store that another process has open, or of a copy of its file ---- */

struct mg_store_journal_file;

/* path: of the database. Reads only. Codes: store.unreadable, store.version, store.failed. */
struct mg_store_journal_file *mg_store_journal_open(const char *path, struct mg_error *error);
bool mg_store_journal_read(struct mg_store_journal_file *file,
                           const struct mg_store_journal_query *query, struct mg_store_lines *lines,
                           struct mg_error *error);
/* NULL is allowed. */
void mg_store_journal_close(struct mg_store_journal_file *file);

/* ---- the chain ---- */

struct mg_store_chain;

struct mg_store_chain *mg_store_chain_new(void);
/* NULL is allowed. */
void mg_store_chain_free(struct mg_store_chain *chain);

/* The hash of a line: SHA-256 over the hash of the line before it (of the first one: zeros), the
 * number and the time with eight bytes each, and the subject and the text, each after its length in
 * four bytes; numbers with their highest byte first. */
void mg_store_chain_hash(struct mg_store_chain *chain, const uint8_t before[MG_STORE_HASH_SIZE],
                         int64_t number, int64_t time, const char *subject, const char *text,
                         size_t length, uint8_t hash[MG_STORE_HASH_SIZE]);

#endif
