/*
 * numbers: finds what a number in a frame names. A table of entries, each embedded as the first
 * member of what it stands for; the table owns none of them. A table filled with zeros is empty.
 * One thread at a time.
 */
#ifndef MUENGSTEN_ISOLATION_NUMBERS_H
#define MUENGSTEN_ISOLATION_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

#define MG_NUMBERS_BUCKETS 256

struct mg_numbered {
    struct mg_numbered *next;
    int64_t number;
};

struct mg_numbers {
    struct mg_numbered *buckets[MG_NUMBERS_BUCKETS];
    size_t count;
    int64_t last; /* the last one given out */
};

/* Adds an entry under its number, which must not be there. */
void mg_numbers_add(struct mg_numbers *numbers, struct mg_numbered *entry);
/* Gives the entry a number of its own and adds it. */
int64_t mg_numbers_give(struct mg_numbers *numbers, struct mg_numbered *entry);
/* NULL: there is none. */
void *mg_numbers_find(const struct mg_numbers *numbers, int64_t number);
void mg_numbers_remove(struct mg_numbers *numbers, struct mg_numbered *entry);
/* Any entry; NULL: the table is empty. */
void *mg_numbers_any(const struct mg_numbers *numbers);

#endif
