/*
 * pool: worker threads for what costs processor time or blocks, away from the event loop.
 *
 * A job is embedded in what it works on. Its work function runs on some worker; then the job is
 * handed to the loop by the handoff given at creation, where its done function runs. From
 * submission to done the job belongs to the pool; done may free it. The queue is bounded: a pool
 * that is full says so instead of growing.
 */
#ifndef MUENGSTEN_BASE_POOL_H
#define MUENGSTEN_BASE_POOL_H

#include "gateway/base/error.h"
#include "gateway/base/handoff.h"

#include <stddef.h>

struct mg_pool;

struct mg_job {
    struct mg_handoff_item item;      /* the pool's own; first, so that a job can be handed over */
    void (*work)(struct mg_job *job); /* on a worker */
    void (*done)(struct mg_job *job); /* on the thread that drains the handoff */
    struct mg_job *next;              /* the pool's own */
};

/* Starts the threads. name is shown by the system's tools (15 characters at most); limit is the
 * number of jobs that may wait. The handoff must outlive the pool. Fails with system.threads. */
struct mg_pool *mg_pool_new(const char *name, unsigned threads, size_t limit,
                            struct mg_handoff *handoff, struct mg_error *error);

/* False if as many jobs wait as may; the job then still belongs to the caller. Any thread. */
bool mg_pool_submit(struct mg_pool *pool, struct mg_job *job);

/* Lets the waiting jobs be worked on, ends the threads, and frees the pool. What was done is still
 * in the handoff, which has to be drained afterwards. NULL is allowed. */
void mg_pool_free(struct mg_pool *pool);

#endif
