#include "gateway/intake/tally.h"

#include "gateway/base/buffer.h"
#include "gateway/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS  1024
#define KEY_SIZE 512

/* What is counted under one name; which of the numbers count depends on the table. */
struct entry {
    struct entry *next_in_bucket;
    int64_t accepted;
    int64_t refused;
    int64_t last_seen;
    struct mg_histogram *duration; /* of a way or a route */
    char *type;                    /* of a way */
    const char *source;            /* of a way: the end of the key */
    char key[];
};

/* Entries stay where they are once they are made. */
struct table {
    struct entry *buckets[BUCKETS];
    struct entry **list; /* in the order in which they were made */
    size_t count;
    size_t limit;
};

struct mg_tally {
    struct mg_tally_totals totals;
    struct table partners;
    struct table routes;
    struct table ways;
    struct table codes;
};

struct mg_tally *mg_tally_new(void)
{
    struct mg_tally *tally = mg_allocate_zeroed(1, sizeof *tally);
    tally->partners.limit = MG_TALLY_PARTNERS;
    tally->routes.limit = MG_TALLY_ROUTES;
    tally->ways.limit = MG_TALLY_WAYS;
    tally->codes.limit = MG_TALLY_CODES;
    return tally;
}

static void free_table(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->list[i]->type);
        free(table->list[i]->duration);
        free(table->list[i]);
    }
    free(table->list);
}

void mg_tally_free(struct mg_tally *tally)
{
    if (!tally)
        return;
    free_table(&tally->partners);
    free_table(&tally->routes);
    free_table(&tally->ways);
    free_table(&tally->codes);
    free(tally);
}

/* ---- names ---- */

static struct entry **place_of(const struct table *table, const char *key)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *at = key; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    struct entry **place = (struct entry **)&table->buckets[hash % BUCKETS];
    while (*place && strcmp((*place)->key, key) != 0)
        place = &(*place)->next_in_bucket;
    return place;
}

static struct entry *add(struct table *table, struct entry **place, const char *key)
{
    size_t size = strlen(key) + 1;
    struct entry *entry = mg_allocate_zeroed(1, sizeof *entry + size);
    memcpy(entry->key, key, size);
    /* Doubles whenever it is full, that is at each power of two. */
    if ((table->count & (table->count - 1)) == 0)
        table->list = mg_reallocate(table->list,
                                    (table->count ? 2 * table->count : 1) * sizeof(struct entry *));
    table->list[table->count++] = entry;
    return *place = entry;
}

/* The entry of the key; beyond the limit that of the others. */
static struct entry *entry_of(struct table *table, const char *key, const char *other)
{
    struct entry **place = place_of(table, key);
    bool full = table->count + 1 >= table->limit;
    if (!*place && full) {
        key = other;
        place = place_of(table, other);
    }
    return *place ? *place : add(table, place, key);
}

const char *mg_tally_route_name(const struct mg_route *route, char name[MG_TALLY_ROUTE_SIZE])
{
    snprintf(name, MG_TALLY_ROUTE_SIZE, "%s > %s", route->type, route->reader);
    return name;
}

/* A type and a source in one text: names of sources have no spaces. */
static struct entry *way_of(struct mg_tally *tally, const char *type, const char *source)
{
    char key[KEY_SIZE];
    snprintf(key, sizeof key, "%.300s %.200s", type, source);
    struct entry *entry = entry_of(&tally->ways, key, MG_TALLY_OTHER " " MG_TALLY_OTHER);
    if (!entry->duration) {
        entry->duration = mg_allocate_zeroed(1, sizeof *entry->duration);
        entry->type = mg_copy_text(entry->key);
        char *space = strrchr(entry->type, ' ');
        entry->source = entry->key + (space + 1 - entry->type);
        *space = '\0';
    }
    return entry;
}

/* ---- counting ---- */

static struct entry *see_partner(struct mg_tally *tally, const char *partner)
{
    struct entry *entry = entry_of(&tally->partners, partner, MG_TALLY_OTHER);
    entry->last_seen = mg_clock_now();
    return entry;
}

static void count_route(struct entry *entry, int64_t duration)
{
    if (!entry->duration)
        entry->duration = mg_allocate_zeroed(1, sizeof *entry->duration);
    entry->accepted++;
    mg_histogram_add(entry->duration, duration);
}

void mg_tally_accept(struct mg_tally *tally, const struct mg_tally_accepted *accepted)
{
    char route[MG_TALLY_ROUTE_SIZE];
    mg_tally_route_name(accepted->route, route);
    tally->totals.accepted++;
    mg_histogram_add(&tally->totals.duration, accepted->duration);
    see_partner(tally, accepted->partner)->accepted++;
    count_route(entry_of(&tally->routes, route, MG_TALLY_OTHER), accepted->duration);
    mg_histogram_add(way_of(tally, accepted->type, accepted->source)->duration, accepted->duration);
}

void mg_tally_repeat(struct mg_tally *tally, const char *partner)
{
    tally->totals.repeated++;
    see_partner(tally, partner)->accepted++;
}

void mg_tally_refuse(struct mg_tally *tally, const char *partner, const char *code)
{
    tally->totals.refused++;
    entry_of(&tally->codes, code, MG_TALLY_OTHER)->refused++;
    if (partner)
        see_partner(tally, partner)->refused++;
    else
        tally->totals.strangers++;
}

/* ---- what operators see ---- */

const struct mg_tally_totals *mg_tally_totals(const struct mg_tally *tally)
{
    return &tally->totals;
}

static const struct entry *entry_at(const struct table *table, size_t number)
{
    return number < table->count ? table->list[number] : NULL;
}

bool mg_tally_partner(const struct mg_tally *tally, size_t number, struct mg_tally_partner *seen)
{
    const struct entry *entry = entry_at(&tally->partners, number);
    if (entry)
        *seen = (struct mg_tally_partner){.name = entry->key,
                                          .accepted = entry->accepted,
                                          .refused = entry->refused,
                                          .last_seen = entry->last_seen};
    return entry != NULL;
}

bool mg_tally_route(const struct mg_tally *tally, size_t number, struct mg_tally_route *seen)
{
    const struct entry *entry = entry_at(&tally->routes, number);
    if (entry)
        *seen = (struct mg_tally_route){
            .name = entry->key, .messages = entry->accepted, .duration = *entry->duration};
    return entry != NULL;
}

bool mg_tally_way(const struct mg_tally *tally, size_t number, struct mg_tally_way *seen)
{
    const struct entry *entry = entry_at(&tally->ways, number);
    if (entry)
        *seen = (struct mg_tally_way){
            .type = entry->type, .source = entry->source, .duration = *entry->duration};
    return entry != NULL;
}

bool mg_tally_code(const struct mg_tally *tally, size_t number, struct mg_tally_code *seen)
{
    const struct entry *entry = entry_at(&tally->codes, number);
    if (entry)
        *seen = (struct mg_tally_code){.code = entry->key, .refused = entry->refused};
    return entry != NULL;
}

void mg_tally_of_partner(const struct mg_tally *tally, const char *name,
                         struct mg_tally_partner *seen)
{
    const struct entry *entry = *place_of(&tally->partners, name);
    *seen = (struct mg_tally_partner){.name = name};
    if (entry) {
        seen->accepted = entry->accepted;
        seen->refused = entry->refused;
        seen->last_seen = entry->last_seen;
    }
}

int64_t mg_tally_of_route(const struct mg_tally *tally, const struct mg_route *route)
{
    char name[MG_TALLY_ROUTE_SIZE];
    const struct entry *entry = *place_of(&tally->routes, mg_tally_route_name(route, name));
    return entry ? entry->accepted : 0;
}
