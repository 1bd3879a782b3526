#include "gateway/base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mg_pool {
    pthread_mutex_t lock;
    pthread_cond_t work_or_end;
    struct mg_job *first;
    struct mg_job *last;
    size_t waiting;
    size_t limit;
    bool ending;
    struct mg_handoff *handoff;
    unsigned threads;
    pthread_t thread[];
};

static void run_done(struct mg_handoff_item *item)
{
    struct mg_job *job = (struct mg_job *)item;
    job->done(job);
}

static struct mg_job *next_job(struct mg_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->ending)
        pthread_cond_wait(&pool->work_or_end, &pool->lock);
    struct mg_job *job = pool->first;
    if (job) {
        pool->first = job->next;
        pool->waiting--;
    }
    pthread_mutex_unlock(&pool->lock);
    return job;
}

static void *run_worker(void *argument)
{
    struct mg_pool *pool = argument;
    for (struct mg_job *job; (job = next_job(pool));) {
        job->work(job);
        job->item.run = run_done;
        mg_handoff_post(pool->handoff, &job->item);
    }
    return NULL;
}

/* Signals belong to the thread of the loop: workers are started with all of them blocked. */
static bool start_threads(struct mg_pool *pool, const char *name, unsigned threads)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; pool->threads < threads; pool->threads++) {
        pthread_t *thread = &pool->thread[pool->threads];
        if (pthread_create(thread, NULL, run_worker, pool) != 0)
            break;
        pthread_setname_np(*thread, name);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pool->threads == threads;
}

struct mg_pool *mg_pool_new(const char *name, unsigned threads, size_t limit,
                            struct mg_handoff *handoff, struct mg_error *error)
{
    struct mg_pool *pool = mg_allocate_zeroed(1, sizeof *pool + threads * sizeof(pthread_t));
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work_or_end, NULL);
    pool->limit = limit;
    pool->handoff = handoff;
    if (!start_threads(pool, name, threads)) {
        mg_fail(error, "system.threads", "the system starts no further thread for the pool %s",
                name);
        mg_pool_free(pool);
        return NULL;
    }
    return pool;
}

bool mg_pool_submit(struct mg_pool *pool, struct mg_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&pool->lock);
    bool accepted = pool->waiting < pool->limit && !pool->ending;
    if (accepted) {
        if (pool->first)
            pool->last->next = job;
        else
            pool->first = job;
        pool->last = job;
        pool->waiting++;
        pthread_cond_signal(&pool->work_or_end);
    }
    pthread_mutex_unlock(&pool->lock);
    return accepted;
}

void mg_pool_free(struct mg_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work_or_end);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads; i++)
        pthread_join(pool->thread[i], NULL);
    pthread_cond_destroy(&pool->work_or_end);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
