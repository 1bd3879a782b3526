/* What all searches share, whatever the messages are kept in. */
#include "gateway/store/search.h"

#include "gateway/store/backend.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool is_wanted(const char *wanted, const char *text)
{
    return !wanted || strcmp(wanted, text) == 0;
}

bool mg_store_fits(const struct mg_store_query *query, const struct mg_store_message *message)
{
    return (!query->id || memcmp(query->id, &message->id, sizeof message->id) == 0) &&
           is_wanted(query->uuid, message->uuid) && is_wanted(query->partner, message->partner) &&
           is_wanted(query->author, message->author) && is_wanted(query->reader, message->reader) &&
           is_wanted(query->type, message->type) &&
           (query->from == 0 || message->received >= query->from) &&
           (query->to == 0 || message->received < query->to);
}

bool mg_store_fits_deliveries(const struct mg_store_query *query,
                              const struct mg_store_delivery *deliveries, size_t count)
{
    if (!query->destination && query->state == MG_STORE_ANY_STATE)
        return true;
    for (size_t i = 0; i < count; i++)
        if (is_wanted(query->destination, deliveries[i].destination) &&
            (query->state == MG_STORE_ANY_STATE || query->state == (int)deliveries[i].state))
            return true;
    return false;
}

struct mg_store_hit *mg_store_hits_add(struct mg_store_hits *hits)
{
    /* Doubled whenever the count is a power of two. */
    if ((hits->count & (hits->count - 1)) == 0)
        hits->hits =
            mg_reallocate(hits->hits, (hits->count ? 2 * hits->count : 1) * sizeof *hits->hits);
    struct mg_store_hit *hit = &hits->hits[hits->count++];
    *hit = (struct mg_store_hit){0};
    return hit;
}

bool mg_store_search(struct mg_store *store, const struct mg_store_query *query,
                     struct mg_store_hits *hits, struct mg_error *error)
{
    assert(query->limit >= 1 && query->limit <= MG_STORE_SEARCH_LIMIT);
    *hits = (struct mg_store_hits){0};
    if (store->class->search(store, query, hits, error))
        return true;
    mg_store_hits_free(hits);
    return false;
}

void mg_store_hits_free(struct mg_store_hits *hits)
{
    for (size_t i = 0; i < hits->count; i++)
        free(hits->hits[i].deliveries);
    free(hits->hits);
    *hits = (struct mg_store_hits){0};
}
