/*
 * search: finds messages by what operators know of them.
 *
 * However many messages there are, and whatever is asked for, a search looks at a bounded number of
 * them, newest first, through the index that leads nearest to what is wanted. If it has not found a
 * page full by then, it says where to go on: the cost of one call is the same for every question.
 *
 * The number of a message grows with the order of acceptance; it is what a search goes on from.
 *
 * Threads: blocks; any thread but the loop's.
 */
#ifndef MUENGSTEN_STORE_SEARCH_H
#define MUENGSTEN_STORE_SEARCH_H

#include "gateway/store/store.h"

#define MG_STORE_SEARCH_LIMIT 200
/* Messages that one call looks at. */
#define MG_STORE_SEARCH_EXAMINE 2000
/* By this much, in milliseconds, a message may have been accepted before one with a lower number:
 * workers overtake each other. */
#define MG_STORE_SEARCH_DISORDER 2000
/* Any state of a delivery. */
#define MG_STORE_ANY_STATE (-1)

/* What is NULL or 0 is not asked for. A message is found if it fits all of it; destination and
 * state are those of one and the same delivery. A UUID is found as long as it is remembered
 * (mg_store_accept.remembered_until). */
struct mg_store_query {
    const struct mg_id *id;
    const char *uuid;
    const char *partner;
    const char *author;
    const char *reader;
    const char *type; /* profile:code */
    const char *destination;
    int state;      /* enum mg_delivery_state or MG_STORE_ANY_STATE */
    int64_t from;   /* accepted then or later, milliseconds since 1970 */
    int64_t to;     /* accepted before then */
    size_t limit;   /* 1 to MG_STORE_SEARCH_LIMIT */
    int64_t before; /* where an earlier search ended; 0: from the newest */
};

struct mg_store_hit {
    struct mg_store_message message;
    struct mg_store_delivery *deliveries; /* all of the message */
    size_t delivery_count;
};

struct mg_store_hits {
    struct mg_store_hit *hits;
    size_t count;
    size_t examined;
    int64_t next; /* for `before`; 0: there is nothing more */
};

bool mg_store_search(struct mg_store *store, const struct mg_store_query *query,
                     struct mg_store_hits *hits, struct mg_error *error);
/* Frees what was found, and zeroes it. */
void mg_store_hits_free(struct mg_store_hits *hits);

#endif
