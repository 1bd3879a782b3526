/*
 * erase: data protection. What is still stored of a message, and how it goes before its time.
 *
 * Erased are content, parts, deliveries, events and the message's row: from the tables, from the
 * database's file and its log, and from the spool. What stays is the journal, and that (partner,
 * UUID) was seen, until it would have been forgotten anyway: or the same message could be accepted
 * anew.
 *
 * Threads: both block; any thread but the loop's.
 */
#ifndef MUENGSTEN_STORE_ERASE_H
#define MUENGSTEN_STORE_ERASE_H

#include "gateway/store/store.h"

/* Codes: message.unknown, act.open (a delivery is not over, and cancel was not said), act.running
 * (it is being delivered, or somebody has taken it), store.failed, store.full, store.closed. */
struct mg_store_erase {
    struct mg_id message;
    bool cancel;      /* deliveries that are not over end with it */
    const char *line; /* for the journal if it is done; NULL: none */
    /* Filled in. False although it was erased: somebody read for so long that the log could not be
     * emptied; it will be with the next expiry. */
    bool gone_from_log;
};
bool mg_store_erase(struct mg_store *store, struct mg_store_erase *erase, struct mg_error *error);

struct mg_store_remains {
    bool message; /* its row: ids, partner, type, author, reader, times */
    struct mg_store_remaining_part {
        int kind;
        int64_t size;
        char media_type[128];
    } * parts;
    size_t part_count;
    int64_t deliveries;
    int64_t events;
    int64_t lines;       /* in the journal */
    int64_t known_until; /* until when (partner, UUID) is remembered; 0: it is not */
};

/* partner and uuid: of the message, if its row is gone and they are known from elsewhere; NULL: not
 * known. */
bool mg_store_remains(struct mg_store *store, const struct mg_id *message, const char *partner,
                      const char *uuid, struct mg_store_remains *remains, struct mg_error *error);
void mg_store_remains_free(struct mg_store_remains *remains);

#endif
