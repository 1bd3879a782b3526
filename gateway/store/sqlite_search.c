/*
 * The search. What is asked for decides by which way messages are looked at, each of them newest
 * first:
 *
 *   the id or the UUID                     the few messages that have it
 *   waiting, held or dead                  those deliveries, destination by destination in one
 *                                          index, merged by the number of their message
 *   running                                all that run, sorted: there are only so many
 *   author, reader or type                 an index of it
 *   else                                   all messages
 *
 * Everything else that is asked for is compared with each message on the way.
 */
#include "gateway/store/sqlite.h"

#include <stdlib.h>
#include <string.h>

struct search {
    struct mg_sqlite *sqlite;
    struct mg_sqlite_connection *reader;
    const struct mg_store_query *query;
    struct mg_store_hits *hits;
    int64_t below;   /* messages with a lower number are looked at … */
    int64_t down_to; /* … down to this one */
    bool ended;      /* there is no more to look at in this call */
};

/* ---- one message ---- */

static bool read_deliveries(struct search *search, int64_t seq, struct mg_store_hit *hit)
{
    struct mg_sqlite_connection *reader = search->reader;
    sqlite3_stmt *row = mg_sqlite_bind(reader, R_SEARCH_DELIVERIES);
    sqlite3_bind_int64(row, 1, seq);
    bool found, passed;
    while ((passed = mg_sqlite_row(reader, R_SEARCH_DELIVERIES, &found)) && found) {
        hit->deliveries =
            mg_reallocate(hit->deliveries, (hit->delivery_count + 1) * sizeof *hit->deliveries);
        mg_sqlite_read_delivery(row, &hit->message.id, &hit->deliveries[hit->delivery_count++]);
    }
    if (passed)
        mg_sqlite_reset(reader, R_SEARCH_DELIVERIES);
    return passed;
}

/* Looks at the message in a row whose columns begin with its number and id. */
static bool examine(struct search *search, sqlite3_stmt *row)
{
    struct mg_store_hits *hits = search->hits;
    int64_t seq = sqlite3_column_int64(row, 0);
    struct mg_store_hit hit = {0};
    mg_sqlite_column_id(row, 1, &hit.message.id);
    mg_sqlite_read_message(row, 2, &hit.message);
    hits->examined++;
    if (mg_store_fits(search->query, &hit.message)) {
        if (!read_deliveries(search, seq, &hit)) {
            free(hit.deliveries);
            return false;
        }
        if (mg_store_fits_deliveries(search->query, hit.deliveries, hit.delivery_count))
            *mg_store_hits_add(hits) = hit;
        else
            free(hit.deliveries);
    }
    search->ended =
        hits->count == search->query->limit || hits->examined >= MG_STORE_SEARCH_EXAMINE;
    if (search->ended)
        hits->next = seq;
    return true;
}

/* Retention may have taken it since its number was read. */
static bool examine_number(struct search *search, int64_t seq)
{
    struct mg_sqlite_connection *reader = search->reader;
    sqlite3_stmt *row = mg_sqlite_bind(reader, R_SEARCH_SEQ);
    sqlite3_bind_int64(row, 1, seq);
    bool found;
    if (!mg_sqlite_row(reader, R_SEARCH_SEQ, &found))
        return false;
    bool passed = !found || examine(search, row);
    mg_sqlite_reset(reader, R_SEARCH_SEQ);
    return passed;
}

/* ---- a few numbers that are known at once ---- */

static int descending(const void *left, const void *right)
{
    int64_t one = *(const int64_t *)left, other = *(const int64_t *)right;
    return (one < other) - (one > other);
}

static bool examine_all(struct search *search, int64_t *numbers, size_t count)
{
    bool passed = true;
    if (count > 0)
        qsort(numbers, count, sizeof *numbers, descending);
    for (size_t i = 0; i < count && passed && !search->ended; i++)
        if (numbers[i] < search->below && numbers[i] >= search->down_to &&
            (i == 0 || numbers[i] != numbers[i - 1]))
            passed = examine_number(search, numbers[i]);
    return passed;
}

static bool by_id(struct search *search)
{
    sqlite3_stmt *row = mg_sqlite_bind(search->reader, R_SEARCH_ID);
    mg_sqlite_bind_id(row, 1, search->query->id);
    bool found;
    if (!mg_sqlite_row(search->reader, R_SEARCH_ID, &found))
        return false;
    bool passed = !found || sqlite3_column_int64(row, 0) >= search->below || examine(search, row);
    mg_sqlite_reset(search->reader, R_SEARCH_ID);
    return passed;
}

/* Adds the numbers that a bound statement gives. */
static bool gather(struct search *search, int statement, int shift, int64_t *numbers, size_t *count)
{
    sqlite3_stmt *row = mg_sqlite_bind(search->reader, statement);
    bool found, passed;
    while ((passed = mg_sqlite_row(search->reader, statement, &found)) && found &&
           *count < MG_STORE_SEARCH_EXAMINE)
        numbers[(*count)++] = sqlite3_column_int64(row, 0) >> shift;
    if (passed)
        mg_sqlite_reset(search->reader, statement);
    return passed;
}

static bool by_uuid(struct search *search)
{
    int64_t *numbers = mg_allocate(MG_STORE_SEARCH_EXAMINE * sizeof *numbers);
    size_t count = 0;
    struct mg_id room;
    mg_sqlite_bind_uuid(mg_sqlite_bind(search->reader, R_SEARCH_UUID), 1, search->query->uuid,
                        &room);
    bool passed =
        gather(search, R_SEARCH_UUID, 0, numbers, &count) && examine_all(search, numbers, count);
    free(numbers);
    return passed;
}

/* ---- deliveries that are not over, or dead ---- */

/* The destinations that have some, each with the next of its deliveries. */
struct branches {
    struct mg_store_queue *queues;
    int64_t *keys; /* -1: no more */
    size_t count;
};

static int64_t number_of(const struct mg_store_queue *queue, int state)
{
    switch (state) {
    case MG_DELIVERY_RUNNING:
        return queue->running;
    case MG_DELIVERY_DEAD:
        return queue->dead;
    default:
        return queue->waiting;
    }
}

static void find_branches(const struct search *search, struct branches *branches)
{
    const struct mg_store_query *query = search->query;
    mg_store_queues_read_all(search->sqlite->queues, &branches->queues, &branches->count);
    size_t kept = 0;
    for (size_t i = 0; i < branches->count; i++) {
        const struct mg_store_queue *queue = &branches->queues[i];
        if (number_of(queue, query->state) > 0 &&
            (!query->destination || strcmp(query->destination, queue->destination) == 0))
            branches->queues[kept++] = *queue;
    }
    branches->count = kept;
    branches->keys = mg_allocate((kept + 1) * sizeof *branches->keys);
}

static bool next_of_branch(struct search *search, int statement, struct branches *branches,
                           size_t i, int64_t below)
{
    sqlite3_stmt *row = mg_sqlite_bind(search->reader, statement);
    mg_sqlite_bind_text(row, 1, branches->queues[i].destination);
    sqlite3_bind_int64(row, 2, below);
    bool found;
    if (!mg_sqlite_row(search->reader, statement, &found))
        return false;
    branches->keys[i] = found ? sqlite3_column_int64(row, 0) : -1;
    mg_sqlite_reset(search->reader, statement);
    return true;
}

static int64_t first_key(int64_t seq)
{
    return seq < INT64_MAX >> MG_STORE_NUMBER_BITS ? seq << MG_STORE_NUMBER_BITS : INT64_MAX;
}

/* Each turn takes the newest message of all branches, and steps over it in all of them. */
static bool walk_branches(struct search *search, int statement, struct branches *branches)
{
    for (size_t i = 0; i < branches->count; i++)
        if (!next_of_branch(search, statement, branches, i, first_key(search->below)))
            return false;
    while (!search->ended) {
        int64_t newest = -1;
        for (size_t i = 0; i < branches->count; i++)
            if (branches->keys[i] > newest)
                newest = branches->keys[i];
        if (newest < 0)
            return true;
        int64_t seq = newest >> MG_STORE_NUMBER_BITS;
        if (seq < search->down_to)
            return true;
        if (!examine_number(search, seq))
            return false;
        for (size_t i = 0; i < branches->count; i++)
            if (branches->keys[i] >= first_key(seq) &&
                !next_of_branch(search, statement, branches, i, first_key(seq)))
                return false;
    }
    return true;
}

static bool walk_running(struct search *search, const struct branches *branches)
{
    int64_t *numbers = mg_allocate(MG_STORE_SEARCH_EXAMINE * sizeof *numbers);
    size_t count = 0;
    bool passed = true;
    for (size_t i = 0; i < branches->count && passed; i++) {
        sqlite3_stmt *row = mg_sqlite_bind(search->reader, R_SEARCH_RUNNING);
        mg_sqlite_bind_text(row, 1, branches->queues[i].destination);
        sqlite3_bind_int64(row, 2, MG_STORE_SEARCH_EXAMINE);
        passed = gather(search, R_SEARCH_RUNNING, MG_STORE_NUMBER_BITS, numbers, &count);
    }
    passed = passed && examine_all(search, numbers, count);
    free(numbers);
    return passed;
}

/* If more run than one call may look at, they are looked for among those that are not over. */
static bool all_running_fit(const struct branches *branches)
{
    int64_t running = 0;
    for (size_t i = 0; i < branches->count; i++)
        running += branches->queues[i].running;
    return running < MG_STORE_SEARCH_EXAMINE;
}

static bool by_state(struct search *search)
{
    struct branches branches = {0};
    find_branches(search, &branches);
    int state = search->query->state;
    int statement = state == MG_DELIVERY_DEAD   ? R_SEARCH_DEAD
                    : state == MG_DELIVERY_HELD ? R_SEARCH_HELD
                                                : R_SEARCH_OPEN;
    bool passed = state == MG_DELIVERY_RUNNING && all_running_fit(&branches)
                      ? walk_running(search, &branches)
                      : walk_branches(search, statement, &branches);
    free(branches.keys);
    free(branches.queues);
    return passed;
}

/* ---- messages ---- */

static bool by_messages(struct search *search)
{
    const struct mg_store_query *query = search->query;
    int statement = query->author   ? R_SEARCH_AUTHOR
                    : query->reader ? R_SEARCH_READER
                    : query->type   ? R_SEARCH_TYPE
                                    : R_SEARCH_ALL;
    const char *value = query->author ? query->author : query->reader ? query->reader : query->type;
    sqlite3_stmt *row = mg_sqlite_bind(search->reader, statement);
    sqlite3_bind_int64(row, 1, search->below);
    sqlite3_bind_int64(row, 2, search->down_to);
    if (value)
        mg_sqlite_bind_text(row, 3, value);
    bool found, passed;
    while ((passed = mg_sqlite_row(search->reader, statement, &found)) && found && !search->ended &&
           (passed = examine(search, row)))
        continue;
    mg_sqlite_reset(search->reader, statement);
    return passed;
}

/* ---- times ---- */

/* The first number from which on messages were accepted at that time or later: about, since they
 * are in order only but for some disorder. A few dozen looks at a key each. */
static bool number_at(struct search *search, int64_t time, int64_t *number)
{
    struct mg_sqlite_connection *reader = search->reader;
    int64_t low = 1, high = search->below;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        sqlite3_stmt *row = mg_sqlite_bind(reader, R_SEARCH_TIME);
        sqlite3_bind_int64(row, 1, middle);
        bool found;
        if (!mg_sqlite_row(reader, R_SEARCH_TIME, &found))
            return false;
        bool earlier = !found || sqlite3_column_int64(row, 1) < time;
        mg_sqlite_reset(reader, R_SEARCH_TIME);
        if (earlier)
            low = middle + 1;
        else
            high = middle;
    }
    *number = low;
    return true;
}

static bool set_bounds(struct search *search)
{
    const struct mg_store_query *query = search->query;
    sqlite3_stmt *row = mg_sqlite_bind(search->reader, R_SEARCH_TIME);
    sqlite3_bind_int64(row, 1, query->before > 0 ? query->before - 1 : INT64_MAX);
    bool found;
    if (!mg_sqlite_row(search->reader, R_SEARCH_TIME, &found))
        return false;
    search->below = found ? sqlite3_column_int64(row, 0) + 1 : 0;
    mg_sqlite_reset(search->reader, R_SEARCH_TIME);
    return (query->to == 0 ||
            number_at(search, query->to + MG_STORE_SEARCH_DISORDER, &search->below)) &&
           (query->from == 0 ||
            number_at(search, query->from - MG_STORE_SEARCH_DISORDER, &search->down_to));
}

/* ---- all of it ---- */

static bool walk(struct search *search)
{
    const struct mg_store_query *query = search->query;
    if (query->id)
        return by_id(search);
    if (query->uuid)
        return by_uuid(search);
    if (query->state == MG_DELIVERY_WAITING || query->state == MG_DELIVERY_RUNNING ||
        query->state == MG_DELIVERY_HELD || query->state == MG_DELIVERY_DEAD)
        return by_state(search);
    return by_messages(search);
}

/* One transaction: all of it is of one moment. */
bool mg_sqlite_search(struct mg_store *store, const struct mg_store_query *query,
                      struct mg_store_hits *hits, struct mg_error *error)
{
    struct search search = {.sqlite = (struct mg_sqlite *)store, .query = query, .hits = hits};
    search.reader = mg_sqlite_take_reader(search.sqlite, error);
    if (!search.reader)
        return false;
    bool passed = mg_sqlite_run(search.reader, "BEGIN", error);
    if (passed) {
        passed = (set_bounds(&search) && walk(&search)) || mg_sqlite_fail(search.reader, error);
        mg_sqlite_run(search.reader, "ROLLBACK", NULL);
    }
    mg_sqlite_return_reader(search.sqlite, search.reader);
    return passed;
}
