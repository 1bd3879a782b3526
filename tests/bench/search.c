/*
 * search: whether operators find a message among a million as fast as among ten thousand.
 *
 * usage: search FOLDER [MANY [FEW [ROUNDS]]]
 * Makes two stores below the folder, one with FEW (10,000) messages and one with MANY (1,000,000):
 * most delivered, one in a thousand dead, the newest waiting, a few held and running. Then asks
 * both by turns, ROUNDS (20) times, what operators ask, and at last every combination of all
 * filters. Prints for each question the median by the clock in both, and the ratio.
 *
 * A question that few messages fit looks at MG_STORE_SEARCH_EXAMINE messages and no more; FEW may
 * be less than that, and then costs less.
 */
#include "gateway/store/search.h"
#include "gateway/base/clock.h"
#include "tests/bench/stock.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AUTHORS      50
#define READERS      49
#define TYPES        40
#define PARTNERS     9
#define DESTINATIONS 20
#define START        INT64_C(1700000000000)
#define COMBINATIONS 128
#define STATES       8 /* with "any" */

struct messages {
    char folder[512];
    struct stock stock;
    size_t count;
    struct mg_id middle; /* of a message in the middle */
    char middle_uuid[MG_ID_TEXT_SIZE];
};

static const char content[100] = "<message/>";

/* ---- filling ---- */

/* The author 0 has one message in a thousand, the others share the rest. */
static void add(struct messages *messages, size_t i)
{
    struct mg_id uuid = mg_id_new();
    struct stock_message message = {
        .id = mg_id_new(),
        .received = START + (int64_t)i * 20,
        .parts = {{.kind = MG_PART_CONTENT, .bytes = content, .length = sizeof content}},
        .part_count = 1,
    };
    mg_id_text(&uuid, message.uuid);
    snprintf(message.author, sizeof message.author, "ags:%zu",
             i % 1000 == 500 ? 0 : 1 + i % (AUTHORS - 1));
    snprintf(message.reader, sizeof message.reader, "ags:%zu", i % READERS);
    snprintf(message.type, sizeof message.type, "service:%zu", i % TYPES);
    snprintf(message.partner, sizeof message.partner, "partner-%zu", i % PARTNERS);
    snprintf(message.destination, sizeof message.destination, "destination-%zu", i % DESTINATIONS);
    if (i == messages->count / 2) {
        messages->middle = message.id;
        memcpy(messages->middle_uuid, message.uuid, sizeof message.uuid);
    }
    stock_add(&messages->stock, &message);
}

static void open_stock(struct messages *messages)
{
    stock_open(&messages->stock, messages->folder, "bench");
}

/* What would take a claim and an outcome for each, in one statement each. */
static void end_most(const struct messages *messages)
{
    static const char sql[] =
        "UPDATE deliveries SET state = 3, ended = received + 1000, attempts = 1"
        " WHERE key < (SELECT max(key) * 49 / 50 FROM deliveries);"
        "UPDATE deliveries SET state = 5, ended = received + 1000, last_code = 'dead'"
        " WHERE (key >> 20) % 1000 = 7;"
        "UPDATE deliveries SET state = 2 WHERE ended = 0 AND (key >> 20) % 1000 = 11;"
        "UPDATE deliveries SET state = 1, node = 'other', lease = 9000000000000"
        " WHERE ended = 0 AND (key >> 20) % 1000 = 12;";
    char path[600];
    sqlite3 *database;
    snprintf(path, sizeof path, "%s/store.db", messages->folder);
    if (sqlite3_open(path, &database) != SQLITE_OK ||
        sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        stock_give_up("the deliveries cannot be ended: %s", sqlite3_errmsg(database));
    sqlite3_close(database);
}

static void fill(struct messages *messages, const char *folder, const char *name, size_t count)
{
    snprintf(messages->folder, sizeof messages->folder, "%s/%s", folder, name);
    messages->count = count;
    open_stock(messages);
    for (size_t i = 0; i < count; i++)
        add(messages, i);
    stock_wait(&messages->stock);
    stock_close(&messages->stock);
    end_most(messages);
    open_stock(messages);
}

/* ---- asking ---- */

static int compare(const void *left, const void *right)
{
    double one = *(const double *)left, other = *(const double *)right;
    return (one > other) - (one < other);
}

/* Microseconds. */
static double ask(struct messages *messages, struct mg_store_query query, size_t *found)
{
    struct mg_store_hits hits;
    struct mg_error error;
    int64_t begun = mg_clock_monotonic();
    if (query.id)
        query.id = &messages->middle;
    if (query.uuid)
        query.uuid = messages->middle_uuid;
    /* The newest tenth of a thousand, so that both have it. */
    if (query.from == 1)
        query.from = START + (int64_t)(messages->count - 100) * 20;
    if (query.to == 1)
        query.to = START + (int64_t)(messages->count - 50) * 20;
    if (!mg_store_search(messages->stock.store, &query, &hits, &error))
        stock_give_up("a search failed: %s", error.text);
    *found = hits.count;
    mg_store_hits_free(&hits);
    return (double)(mg_clock_monotonic() - begun);
}

static void compare_question(struct messages both[2], const char *words,
                             const struct mg_store_query *query, size_t rounds)
{
    double *times[2], medians[2];
    size_t found[2];
    for (int which = 0; which < 2; which++)
        times[which] = mg_allocate_zeroed(rounds, sizeof(double));
    for (size_t round = 0; round < rounds; round++)
        for (int which = 0; which < 2; which++)
            times[which][round] = ask(&both[which], *query, &found[which]);
    for (int which = 0; which < 2; which++) {
        qsort(times[which], rounds, sizeof(double), compare);
        medians[which] = times[which][rounds / 2];
        free(times[which]);
    }
    printf("%-44s %9.0f us (%2zu) %9.0f us (%2zu) %8.2f\n", words, medians[0], found[0], medians[1],
           found[1], medians[1] / medians[0]);
}

static const struct {
    const char *words;
    struct mg_store_query query;
} questions[] = {
    {"the newest", {.state = -1, .limit = 50}},
    {"id", {.state = -1, .limit = 50, .id = &(struct mg_id){{1}}}},
    {"uuid", {.state = -1, .limit = 50, .uuid = ""}},
    {"author", {.state = -1, .limit = 50, .author = "ags:7"}},
    {"author with few messages", {.state = -1, .limit = 50, .author = "ags:0"}},
    {"reader", {.state = -1, .limit = 50, .reader = "ags:8"}},
    {"type", {.state = -1, .limit = 50, .type = "service:9"}},
    {"partner", {.state = -1, .limit = 50, .partner = "partner-3"}},
    {"destination", {.state = -1, .limit = 50, .destination = "destination-4"}},
    {"time", {.state = -1, .limit = 50, .from = 1, .to = 1}},
    {"waiting", {.state = MG_DELIVERY_WAITING, .limit = 50}},
    {"waiting for a destination",
     {.state = MG_DELIVERY_WAITING, .limit = 50, .destination = "destination-4"}},
    {"running", {.state = MG_DELIVERY_RUNNING, .limit = 50}},
    {"held", {.state = MG_DELIVERY_HELD, .limit = 50}},
    {"dead", {.state = MG_DELIVERY_DEAD, .limit = 50}},
    {"dead at a destination",
     {.state = MG_DELIVERY_DEAD, .limit = 50, .destination = "destination-7"}},
    {"delivered", {.state = MG_DELIVERY_DELIVERED, .limit = 50}},
    {"cancelled (there are none)", {.state = MG_DELIVERY_CANCELLED, .limit = 50}},
    {"author and reader", {.state = -1, .limit = 50, .author = "ags:7", .reader = "ags:8"}},
    {"author, type, delivered",
     {.state = MG_DELIVERY_DELIVERED, .limit = 50, .author = "ags:7", .type = "service:9"}},
};

/* The slowest of all combinations, which looks at as much as it may. */
static double slowest(struct messages *messages)
{
    double worst = 0;
    size_t found;
    for (unsigned bits = 0; bits < COMBINATIONS; bits++) {
        for (int state = -1; state < STATES - 1; state++) {
            const struct mg_store_query query = {
                .author = bits & 1 ? "ags:7" : NULL,
                .reader = bits & 2 ? "ags:8" : NULL,
                .type = bits & 4 ? "service:9" : NULL,
                .partner = bits & 8 ? "partner-3" : NULL,
                .destination = bits & 16 ? "destination-4" : NULL,
                .from = bits & 32 ? 1 : 0,
                .to = bits & 64 ? 1 : 0,
                .state = state,
                .limit = 50,
            };
            double first = ask(messages, query, &found), again = ask(messages, query, &found);
            double time = first < again ? first : again;
            worst = time > worst ? time : worst;
        }
    }
    return worst;
}

int main(int count, char **arguments)
{
    static struct messages both[2];
    if (count < 2 || count > 5)
        stock_give_up("usage: search FOLDER [MANY [FEW [ROUNDS]]]");
    size_t many = count > 2 ? strtoul(arguments[2], NULL, 10) : 1000000;
    size_t few = count > 3 ? strtoul(arguments[3], NULL, 10) : 10000;
    size_t rounds = count > 4 ? strtoul(arguments[4], NULL, 10) : 20;
    if (many < 100 || few < 100 || rounds == 0)
        stock_give_up("at least 100 messages, and one round");
    fill(&both[0], arguments[1], "few", few);
    fill(&both[1], arguments[1], "many", many);
    printf("%-44s %9zu         %9zu            ratio\n", "messages (found)", few, many);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        compare_question(both, questions[i].words, &questions[i].query, rounds);
    double worst[2] = {slowest(&both[0]), slowest(&both[1])};
    printf("%-44s %9.0f us      %9.0f us      %8.2f\n", "the slowest of 1,024 combinations",
           worst[0], worst[1], worst[1] / worst[0]);
    stock_close(&both[0].stock);
    stock_close(&both[1].stock);
    return 0;
}
