/*
 * memory: what the files of the store in memory share.
 *
 *   memory.c          accepts, records, reads, forgets
 *   memory_box.c      claims, boxes, and the numbers of each destination
 *   memory_journal.c  the journal
 *   memory_act.c      operators' acts and their search
 *
 * Threads: one lock over everything; a call is carried out at once, under the lock, and completes
 * through the handoff.
 */
#ifndef MUENGSTEN_STORE_MEMORY_H
#define MUENGSTEN_STORE_MEMORY_H

#include "gateway/store/backend.h"

#include <pthread.h>

#define MG_MEMORY_BUCKETS 4096

struct memory_part {
    int kind;
    char media_type[128];
    char name[256];
    char *bytes;
    int64_t length;
};

struct memory_delivery {
    struct mg_store_delivery facts;
    int64_t key; /* grows in the order of acceptance */
    int64_t lease;
    bool taken;  /* while it runs: by a reader */
    bool blocks; /* dead, and those after it may not overtake it */
    struct memory_message *message;
};

struct memory_message {
    int64_t seq; /* grows with each message */
    struct mg_store_message facts;
    struct memory_part *parts;
    size_t part_count;
    struct memory_delivery *deliveries;
    size_t delivery_count;
    struct mg_store_event *events;
    size_t event_count;
    int64_t size;  /* of the content */
    int64_t ended; /* when its last delivery ended; 0: not yet */
    struct memory_message *next_in_bucket;
    struct memory_message *next; /* in the order of acceptance */
};

struct memory_known {
    char *partner;
    char *uuid;
    uint8_t digest[32];
    struct mg_id message;
    int64_t until;
    struct memory_known *next_in_bucket;
};

struct memory_store {
    struct mg_store store;
    pthread_mutex_t lock;
    struct memory_message *messages[MG_MEMORY_BUCKETS];
    struct memory_message *first;
    struct memory_message **end;
    struct memory_known *known[MG_MEMORY_BUCKETS];
    struct memory_delivery **open; /* those that are not over, in the order of acceptance */
    size_t open_count;
    size_t open_room;
    int64_t last_key;
    struct mg_store_lines journal;
    int64_t last_line;
    struct mg_store_chain *chain;
    int64_t last_seq;
    struct mg_store_pause *pauses;
    size_t pause_count;
};

struct memory_message *mg_memory_find(struct memory_store *memory, const struct mg_id *id);

/* Records what became of a delivery that ran. Under the lock. */
void mg_memory_record(struct memory_store *memory, struct memory_delivery *delivery,
                      const struct mg_store_outcome *outcome);
/* Notes when the message ended, if it did. Under the lock. */
void mg_memory_end_message(struct memory_message *message, int64_t now);

/* Writes a line (NULL: none) about a message. Under the lock. */
void mg_memory_write_line(struct memory_store *memory, const struct mg_id *message,
                          const char *line);
void mg_memory_note(struct mg_store *store, struct mg_store_note *note);
bool mg_memory_journal(struct mg_store *store, const struct mg_store_journal_query *query,
                       struct mg_store_lines *lines, struct mg_error *error);
bool mg_memory_trim_journal(struct mg_store *store, int64_t through, const char *kept, bool *more,
                            struct mg_error *error);
int64_t mg_memory_journal_last(struct mg_store *store);
/* Under the lock: to and from those that are not over, which stay in the order of acceptance. */
void mg_memory_open_delivery(struct memory_store *memory, struct memory_delivery *delivery);
void mg_memory_close_delivery(struct memory_store *memory, struct memory_delivery *delivery);
void mg_memory_add_event(struct memory_message *message, int64_t time, const char *destination,
                         const char *code, const char *text, int64_t duration);
/* Those of a destination whose lease has ended return to the queue. Under the lock. */
void mg_memory_return_leases(struct memory_store *memory, const char *destination, int64_t now);

void mg_memory_act(struct mg_store *store, struct mg_store_act *act);
void mg_memory_revive(struct mg_store *store, struct mg_store_revive *revive);
void mg_memory_pausing(struct mg_store *store, struct mg_store_pausing *pausing);
bool mg_memory_pauses(struct mg_store *store, struct mg_store_pause **pauses, size_t *count,
                      struct mg_error *error);
bool mg_memory_search(struct mg_store *store, const struct mg_store_query *query,
                      struct mg_store_hits *hits, struct mg_error *error);

void mg_memory_claim(struct mg_store *store, struct mg_store_claim *claim);
void mg_memory_take(struct mg_store *store, struct mg_store_take *take);
void mg_memory_settle(struct mg_store *store, struct mg_store_settle *settle);
void mg_memory_queue(struct mg_store *store, struct mg_store_queue *queue);
void mg_memory_queues(struct mg_store *store, struct mg_store_queue **queues, size_t *count);
bool mg_memory_list(struct mg_store *store, const char *destination, struct mg_store_place after,
                    size_t limit, int64_t now, struct mg_store_list *list, struct mg_error *error);

#endif
