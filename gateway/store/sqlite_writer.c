/* The writer: one thread that takes whatever waits, carries it out in one transaction, and lets one
 * fsync serve all of it. While that fsync runs the next group gathers by itself. Without work the
 * thread sleeps. */
#include "gateway/store/sqlite.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#define SECOND INT64_C(1000000)

/* Whoever is alone is served at once. But where calls come in crowds, and the disk is fast, commits
 * would be many and small, and each costs about as much as five calls: then one begins no sooner
 * than this after the one before. */
#define CROWD             4
#define PACE_MICROSECONDS 2000

/* The log is brought into the database when it has grown to so many bytes: larger steps write a
 * page that changed often only once, smaller ones keep memory and recovery short. */
#define CHECKPOINT_BYTES (8 * 1024 * 1024)

/* Readers are short, but should they keep the log from being used again, they are waited for here.
 */
#define LOG_BYTES (64 * 1024 * 1024)

/* Of the reserve, the part that is left alone: what is claimed by then can still be recorded. */
#define LAST_OF_RESERVE 8

/* ---- readiness ---- */

/* Before each group: a look costs little beside a commit, and a small disk fills up fast. */
void mg_sqlite_look_at_space(struct mg_sqlite *sqlite)
{
    struct statvfs space;
    bool known = sqlite->reserve > 0 && fstatvfs(sqlite->folder, &space) == 0;
    uint64_t left = known ? (uint64_t)space.f_bavail * space.f_frsize : UINT64_MAX;
    bool full = known && left < (uint64_t)sqlite->reserve;
    atomic_store(&sqlite->space, known ? (int64_t)left : -1);
    atomic_store(&sqlite->looked, mg_clock_monotonic());
    atomic_store(&sqlite->asked, false);
    atomic_store(&sqlite->used_up, known && left < (uint64_t)sqlite->reserve / LAST_OF_RESERVE);
    if (atomic_exchange(&sqlite->full, full) != full)
        mg_log(full ? MG_LOG_ERROR : MG_LOG_NOTICE, full ? "store.full" : "store.space", NULL);
}

static void set_failed(struct mg_sqlite *sqlite, bool failed, const struct mg_error *error)
{
    if (atomic_exchange(&sqlite->failed, failed) == failed)
        return;
    if (failed)
        mg_log(MG_LOG_ERROR, "store.failed", "code", error->code, "reason", error->text, NULL);
    else
        mg_log(MG_LOG_NOTICE, "store.recovered", NULL);
}

/* The disk may fill up while nobody writes: the writer, which may block, has another look. */
static void ask_for_a_look(struct mg_sqlite *sqlite)
{
    if (mg_clock_monotonic() - atomic_load(&sqlite->looked) >= SECOND &&
        !atomic_exchange(&sqlite->asked, true)) {
        pthread_mutex_lock(&sqlite->lock);
        sqlite->look = true;
        pthread_cond_signal(&sqlite->called);
        pthread_mutex_unlock(&sqlite->lock);
    }
}

bool mg_sqlite_ready(struct mg_store *store)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    ask_for_a_look(sqlite);
    return !atomic_load(&sqlite->failed) && !atomic_load(&sqlite->full);
}

bool mg_sqlite_can_record(struct mg_store *store)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    ask_for_a_look(sqlite);
    return !atomic_load(&sqlite->failed) && !atomic_load(&sqlite->used_up);
}

/* ---- how it does ---- */

void mg_sqlite_measures(struct mg_store *store, struct mg_store_measures *measures)
{
    struct mg_sqlite *sqlite = (struct mg_sqlite *)store;
    int64_t now = mg_clock_monotonic();
    pthread_mutex_lock(&sqlite->lock);
    measures->commits = sqlite->commits;
    measures->recent = mg_window_read(&sqlite->recent_commits, now);
    measures->backlog = (int64_t)sqlite->waiting;
    pthread_mutex_unlock(&sqlite->lock);
    measures->messages = mg_store_queues_messages(sqlite->queues);
    measures->free_bytes = atomic_load(&sqlite->space);
    measures->reserve = sqlite->reserve;
    measures->failed = atomic_load(&sqlite->failed);
}

/* From the first call of the group to the end of the disk's work on it. */
static void measure_commit(struct mg_sqlite *sqlite)
{
    int64_t now = mg_clock_monotonic();
    pthread_mutex_lock(&sqlite->lock);
    mg_histogram_add(&sqlite->commits, now - sqlite->last_begun);
    mg_window_add(&sqlite->recent_commits, now, now - sqlite->last_begun);
    pthread_mutex_unlock(&sqlite->lock);
}

/* ---- the queue ---- */

static void finish_errand(struct mg_sqlite *sqlite, struct mg_sqlite_errand *errand)
{
    pthread_mutex_lock(&sqlite->lock);
    errand->finished = true;
    pthread_cond_broadcast(&sqlite->errand_done);
    pthread_mutex_unlock(&sqlite->lock);
}

static void refuse_call(struct mg_sqlite *sqlite, struct mg_handoff_item *item)
{
    if (!item->run) {
        struct mg_sqlite_errand *errand = (struct mg_sqlite_errand *)item;
        mg_fail(&errand->error, "store.closed", "the store is closing");
        finish_errand(sqlite, errand);
        return;
    }
    if (mg_store_call(item) == MG_STORE_CALL_ACCEPT)
        mg_store_drop_spools((struct mg_store_accept *)item);
    mg_fail(mg_store_call_error(item), "store.closed", "the store is closing");
    mg_handoff_post(sqlite->store.handoff, item);
}

void mg_sqlite_enqueue(struct mg_sqlite *sqlite, struct mg_handoff_item *item)
{
    item->next = NULL;
    pthread_mutex_lock(&sqlite->lock);
    bool closing = sqlite->closing;
    if (!closing) {
        if (sqlite->first)
            sqlite->last->next = item;
        else
            sqlite->first = item;
        sqlite->last = item;
        sqlite->waiting++;
        if (sqlite->asleep)
            pthread_cond_signal(&sqlite->called);
        sqlite->asleep = false;
    }
    pthread_mutex_unlock(&sqlite->lock);
    if (closing)
        refuse_call(sqlite, item);
}

bool mg_sqlite_run_errand(struct mg_sqlite *sqlite, struct mg_sqlite_errand *errand,
                          struct mg_error *error)
{
    mg_sqlite_enqueue(sqlite, &errand->item);
    pthread_mutex_lock(&sqlite->lock);
    while (!errand->finished)
        pthread_cond_wait(&sqlite->errand_done, &sqlite->lock);
    pthread_mutex_unlock(&sqlite->lock);
    if (!errand->ok && error)
        *error = errand->error;
    return errand->ok;
}

/* An errand is carried out alone, in its turn. */
static size_t take_group(struct mg_sqlite *sqlite)
{
    size_t count = 0;
    while (sqlite->first && count < sqlite->commit_limit) {
        bool alone = !sqlite->first->run;
        if (alone && count > 0)
            break;
        sqlite->group[count++] = sqlite->first;
        sqlite->first = sqlite->first->next;
        sqlite->waiting--;
        if (alone)
            break;
    }
    return count;
}

/* Sleeps until there is something to do. While the store is not ready it wakes every second, to see
 * whether it is again. */
static void sleep_until_called(struct mg_sqlite *sqlite)
{
    bool well = !atomic_load(&sqlite->failed) && !atomic_load(&sqlite->full);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    int result = 0;
    while (!sqlite->first && !sqlite->closing && !sqlite->look && result == 0) {
        sqlite->asleep = true;
        if (well)
            pthread_cond_wait(&sqlite->called, &sqlite->lock);
        else
            result = pthread_cond_timedwait(&sqlite->called, &sqlite->lock, &until);
    }
    sqlite->asleep = sqlite->look = false;
}

/* Lets a crowd gather. Nobody signals the condition in this time, but for the store's end. */
static void keep_pace(struct mg_sqlite *sqlite)
{
    int64_t left = sqlite->last_begun + PACE_MICROSECONDS - mg_clock_monotonic();
    if (sqlite->last_count < CROWD || left <= 0)
        return;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + left * 1000;
    until.tv_sec += nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    while (!sqlite->closing && pthread_cond_timedwait(&sqlite->called, &sqlite->lock, &until) == 0)
        continue;
}

/* False when the store is closed and everything is done. *count may be 0. */
static bool wait_for_group(struct mg_sqlite *sqlite, size_t *count)
{
    pthread_mutex_lock(&sqlite->lock);
    sleep_until_called(sqlite);
    keep_pace(sqlite);
    *count = take_group(sqlite);
    bool more = *count > 0 || !sqlite->closing;
    pthread_mutex_unlock(&sqlite->lock);
    return more;
}

/* ---- the commit ---- */

static void clear_call(struct mg_handoff_item *item)
{
    *mg_store_call_ok(item) = false;
    mg_store_call_error(item)->code[0] = '\0';
    if (mg_store_call(item) == MG_STORE_CALL_CLAIM) {
        struct mg_store_claim *claim = (struct mg_store_claim *)item;
        free(claim->deliveries);
        claim->deliveries = NULL;
        claim->count = 0;
        claim->next_due = claim->next_lease = 0;
        claim->blocked = false;
    }
    if (mg_store_call(item) == MG_STORE_CALL_REVIVE) {
        struct mg_store_revive *revival = (struct mg_store_revive *)item;
        revival->next = revival->after;
        revival->more = false;
        revival->revived = 0;
    }
    if (mg_store_call(item) == MG_STORE_CALL_TAKE)
        ((struct mg_store_take *)item)->found = false;
}

/* Whether a failed statement is the fault of the call alone, so that the others can do without it.
 */
static bool is_own_fault(const struct mg_sqlite *sqlite)
{
    switch (sqlite->writer.failure & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return true;
    default:
        return false;
    }
}

static void roll_back(struct mg_sqlite *sqlite)
{
    int failure = sqlite->writer.failure;
    if (!sqlite3_get_autocommit(sqlite->writer.database))
        (void)mg_sqlite_done(&sqlite->writer, W_ROLLBACK);
    mg_store_queues_undo(sqlite->queues);
    mg_sqlite_undo_lines(sqlite);
    sqlite->writer.failure = failure;
}

/* What is counted counts once it is committed. */
static bool commit(struct mg_sqlite *sqlite)
{
    bool passed = mg_sqlite_find_oldest(sqlite) && mg_sqlite_done(&sqlite->writer, W_COMMIT);
    if (!passed) {
        roll_back(sqlite);
        return false;
    }
    mg_store_queues_keep(sqlite->queues);
    mg_sqlite_keep_lines(sqlite);
    return true;
}

void mg_sqlite_abandon_errand(struct mg_sqlite *sqlite)
{
    roll_back(sqlite);
}

void mg_sqlite_end_errand(struct mg_sqlite *sqlite, struct mg_sqlite_errand *errand, bool passed)
{
    if (!passed)
        roll_back(sqlite);
    errand->ok = passed && commit(sqlite);
    if (!errand->ok)
        mg_sqlite_fail(&sqlite->writer, &errand->error);
}

/* One transaction with all calls that are not spoiled. If it fails, *culprit is the call whose
 * fault it was, or count if it was nobody's. */
static bool commit_group(struct mg_sqlite *sqlite, size_t count, size_t *culprit)
{
    *culprit = count;
    bool passed = mg_sqlite_done(&sqlite->writer, W_BEGIN);
    for (size_t i = 0; passed && i < count; i++) {
        if (sqlite->spoiled[i])
            continue;
        passed = mg_sqlite_carry_out(sqlite, sqlite->group[i]);
        if (!passed && is_own_fault(sqlite))
            *culprit = i;
    }
    if (passed)
        return commit(sqlite);
    roll_back(sqlite);
    return false;
}

static void fail_call(struct mg_sqlite *sqlite, struct mg_handoff_item *item)
{
    clear_call(item);
    mg_sqlite_fail(&sqlite->writer, mg_store_call_error(item));
}

/*
 * A savepoint around each call would let a failing one be undone alone, and cost every other one.
 * Since calls fail inside a transaction only by mistakes of the caller (the same id twice), the
 * whole group is carried out again without the one that failed.
 */
static bool carry_out_group(struct mg_sqlite *sqlite, size_t count)
{
    memset(sqlite->spoiled, 0, count * sizeof *sqlite->spoiled);
    size_t culprit;
    bool committed;
    while (!(committed = commit_group(sqlite, count, &culprit)) && culprit < count) {
        sqlite->spoiled[culprit] = true;
        fail_call(sqlite, sqlite->group[culprit]);
        for (size_t i = 0; i < count; i++)
            if (!sqlite->spoiled[i])
                clear_call(sqlite->group[i]);
    }
    for (size_t i = 0; !committed && i < count; i++)
        if (!sqlite->spoiled[i])
            fail_call(sqlite, sqlite->group[i]);
    return committed;
}

/* ---- spools, after the commit ---- */

static void drop_doubtful(struct mg_sqlite *sqlite)
{
    while (sqlite->doubtful) {
        struct mg_store_spool *spool = sqlite->doubtful;
        sqlite->doubtful = spool->next;
        mg_store_spool_free(spool);
    }
}

/*
 * A commit that failed while it was synced may still be found complete after a power loss, until
 * the next commit has written over it in the log. So long its spool files have to stay, or a row
 * could name a file that is gone.
 */
static void settle_spools(struct mg_sqlite *sqlite, struct mg_store_accept *accept, bool committed)
{
    bool stored = accept->ok && accept->result == MG_ACCEPT_NEW;
    for (size_t i = 0; i < accept->part_count; i++) {
        struct mg_store_spool *spool = accept->parts[i].spool;
        if (!spool)
            continue;
        if (stored) {
            mg_store_spool_keep(spool);
        } else if (committed) {
            mg_store_spool_free(spool);
        } else {
            spool->next = sqlite->doubtful;
            sqlite->doubtful = spool;
        }
    }
}

static void complete_group(struct mg_sqlite *sqlite, size_t count, bool committed)
{
    if (committed)
        drop_doubtful(sqlite);
    for (size_t i = 0; i < count; i++) {
        if (mg_store_call(sqlite->group[i]) == MG_STORE_CALL_ACCEPT)
            settle_spools(sqlite, (struct mg_store_accept *)sqlite->group[i], committed);
        sqlite->group[i]->next = i + 1 < count ? sqlite->group[i + 1] : NULL;
    }
    mg_handoff_post_chain(sqlite->store.handoff, sqlite->group[0], sqlite->group[count - 1]);
}

/* ---- the log ---- */

static int count_log(void *context, sqlite3 *database, const char *name, int pages)
{
    (void)database, (void)name;
    ((struct mg_sqlite *)context)->wal_pages = pages;
    return SQLITE_OK;
}

bool mg_sqlite_checkpoint(struct mg_sqlite *sqlite, bool empty)
{
    int result = sqlite3_wal_checkpoint_v2(
        sqlite->writer.database, NULL,
        empty ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    /* A reader may be in the way for a moment: the next checkpoint does the rest. */
    sqlite->checkpoint_failed = result != SQLITE_OK && (result & 0xff) != SQLITE_BUSY;
    if (!sqlite->checkpoint_failed)
        return result == SQLITE_OK;
    struct mg_error error;
    sqlite->writer.failure = result;
    mg_sqlite_fail(&sqlite->writer, &error);
    set_failed(sqlite, true, &error);
    return false;
}

static void checkpoint_if_large(struct mg_sqlite *sqlite)
{
    int64_t bytes = (int64_t)sqlite->wal_pages * MG_SQLITE_PAGE_SIZE;
    if (bytes >= CHECKPOINT_BYTES)
        mg_sqlite_checkpoint(sqlite, bytes >= LOG_BYTES);
}

/* ---- the thread ---- */

/* Whether the store is well is only known from a commit. */
static bool probe(struct mg_sqlite *sqlite)
{
    sqlite3_bind_int64(mg_sqlite_bind(&sqlite->writer, W_PROBE), 1, mg_clock_now());
    bool passed = mg_sqlite_done(&sqlite->writer, W_BEGIN) &&
                  mg_sqlite_done(&sqlite->writer, W_PROBE) &&
                  mg_sqlite_done(&sqlite->writer, W_COMMIT);
    if (passed)
        drop_doubtful(sqlite);
    else
        roll_back(sqlite);
    if (passed && sqlite->checkpoint_failed)
        mg_sqlite_checkpoint(sqlite, false);
    return passed;
}

static void note_result(struct mg_sqlite *sqlite, bool committed)
{
    struct mg_error error = {0};
    if (!committed)
        mg_sqlite_fail(&sqlite->writer, &error);
    if (!committed || !sqlite->checkpoint_failed)
        set_failed(sqlite, !committed, &error);
}

static void work_on_group(struct mg_sqlite *sqlite, size_t count)
{
    sqlite->last_count = count;
    sqlite->last_begun = mg_clock_monotonic();
    bool committed = carry_out_group(sqlite, count);
    measure_commit(sqlite);
    note_result(sqlite, committed);
    complete_group(sqlite, count, committed);
    if (committed)
        checkpoint_if_large(sqlite);
}

static void work_on_errand(struct mg_sqlite *sqlite, struct mg_sqlite_errand *errand)
{
    errand->carry_out(sqlite, errand);
    finish_errand(sqlite, errand);
}

static void *run_writer(void *argument)
{
    struct mg_sqlite *sqlite = argument;
    for (size_t count; wait_for_group(sqlite, &count);) {
        mg_sqlite_look_at_space(sqlite);
        if (count == 0 && atomic_load(&sqlite->failed))
            note_result(sqlite, probe(sqlite));
        else if (count > 0 && !sqlite->group[0]->run)
            work_on_errand(sqlite, (struct mg_sqlite_errand *)sqlite->group[0]);
        else if (count > 0)
            work_on_group(sqlite, count);
    }
    return NULL;
}

bool mg_sqlite_start_writer(struct mg_sqlite *sqlite, struct mg_error *error)
{
    /* Both kinds of memory are bounded by the limit of one commit. */
    sqlite->group = mg_allocate_zeroed(sqlite->commit_limit, sizeof(void *));
    sqlite->spoiled = mg_allocate_zeroed(sqlite->commit_limit, sizeof *sqlite->spoiled);
    sqlite3_wal_hook(sqlite->writer.database, count_log, sqlite);
    /* Signals belong to the thread of the loop. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    sqlite->started = pthread_create(&sqlite->thread, NULL, run_writer, sqlite) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!sqlite->started)
        return mg_fail(error, "store.failed", "the system starts no thread for the store");
    pthread_setname_np(sqlite->thread, "store");
    return true;
}

void mg_sqlite_stop_writer(struct mg_sqlite *sqlite)
{
    if (sqlite->started) {
        pthread_mutex_lock(&sqlite->lock);
        sqlite->closing = true;
        pthread_cond_signal(&sqlite->called);
        pthread_mutex_unlock(&sqlite->lock);
        pthread_join(sqlite->thread, NULL);
    }
    /* Those that are doubtful to the end are swept at the next start, if no row names them. */
    while (sqlite->doubtful) {
        struct mg_store_spool *spool = sqlite->doubtful;
        sqlite->doubtful = spool->next;
        mg_store_spool_keep(spool);
    }
    free(sqlite->group);
    free(sqlite->spoiled);
}
