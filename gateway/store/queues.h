/*
 * queues: how much the store holds of each destination, counted in memory while it is written, so
 * that anybody can ask at any time for nothing.
 *
 * Threads: one writer, which counts while its transaction runs, and then says whether it is kept or
 * undone. Everybody else sees what was kept last, under a lock that nobody holds for long.
 */
#ifndef MUENGSTEN_STORE_QUEUES_H
#define MUENGSTEN_STORE_QUEUES_H

#include "gateway/store/store.h"

struct mg_store_queues;

/* The writer's view of one destination, with what its transaction has changed so far. */
struct mg_store_tally {
    struct mg_store_queue queue;
    int64_t oldest_key; /* row of the oldest that waits; means nothing if none does */
    bool oldest_gone;   /* it ended: the new oldest has to be looked for before the commit */
};

struct mg_store_queues *mg_store_queues_new(void);
void mg_store_queues_free(struct mg_store_queues *queues);

/* The writer's. The tally lives as long as the queues; one that is asked for counts as changed. */
struct mg_store_tally *mg_store_queues_change(struct mg_store_queues *queues,
                                              const char *destination_name);
void mg_store_tally_accepted(struct mg_store_tally *tally, int64_t key, int64_t received,
                             int64_t size);
void mg_store_tally_ended(struct mg_store_tally *tally, int64_t key, int64_t size, bool dead);
/* One that was over, or was elsewhere, waits again; its key may be lower than those of others. */
void mg_store_tally_revived(struct mg_store_tally *tally, int64_t key, int64_t received,
                            int64_t size, bool was_dead);
/* Messages, and bytes in spool files; either may be less than zero. */
void mg_store_queues_add(struct mg_store_queues *queues, int64_t messages, int64_t spooled);

/* Calls find for every tally whose oldest is gone and which still has some; false if one fails. */
bool mg_store_queues_find_oldest(struct mg_store_queues *queues,
                                 bool (*find)(struct mg_store_tally *tally, void *context),
                                 void *context);
void mg_store_queues_keep(struct mg_store_queues *queues);
void mg_store_queues_undo(struct mg_store_queues *queues);

/* Everybody's. queue->destination says which. */
void mg_store_queues_read(struct mg_store_queues *queues, struct mg_store_queue *queue);
void mg_store_queues_read_all(struct mg_store_queues *queues, struct mg_store_queue **all,
                              size_t *count);
/* How many the store holds. */
int64_t mg_store_queues_messages(struct mg_store_queues *queues);
/* In totals->bytes, those in spool files. */
void mg_store_queues_totals(struct mg_store_queues *queues, struct mg_store_totals *totals);

#endif
