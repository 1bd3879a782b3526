#include "gateway/isolation/numbers.h"

static struct mg_numbered **bucket(const struct mg_numbers *numbers, int64_t number)
{
    return (struct mg_numbered **)(uintptr_t)&numbers
        ->buckets[(uint64_t)number % MG_NUMBERS_BUCKETS];
}

void mg_numbers_add(struct mg_numbers *numbers, struct mg_numbered *entry)
{
    struct mg_numbered **link = bucket(numbers, entry->number);
    entry->next = *link;
    *link = entry;
    numbers->count++;
}

int64_t mg_numbers_give(struct mg_numbers *numbers, struct mg_numbered *entry)
{
    entry->number = ++numbers->last;
    mg_numbers_add(numbers, entry);
    return entry->number;
}

void *mg_numbers_find(const struct mg_numbers *numbers, int64_t number)
{
    struct mg_numbered *entry = *bucket(numbers, number);
    while (entry && entry->number != number)
        entry = entry->next;
    return entry;
}

void mg_numbers_remove(struct mg_numbers *numbers, struct mg_numbered *entry)
{
    struct mg_numbered **link = bucket(numbers, entry->number);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    numbers->count--;
}

void *mg_numbers_any(const struct mg_numbers *numbers)
{
    for (size_t i = 0; numbers->count > 0 && i < MG_NUMBERS_BUCKETS; i++)
        if (numbers->buckets[i])
            return numbers->buckets[i];
    return NULL;
}
