/*
 * task: what an adapter has done on another thread, because it blocks.
 *
 * A task is embedded as first member in what it works on. mg_task_start hands it to the gateway at
 * once, or as soon as the gateway's queue has room again; until then a timer of the instance
 * belongs to it. The tasks of an instance belong together (struct mg_tasks, embedded as first
 * member in the adapter's own state), so that the instance is freed when the last of them has come
 * back, and not before. All functions are called on the loop's thread; only work runs on another.
 */
#ifndef MUENGSTEN_ADAPTERS_TASK_H
#define MUENGSTEN_ADAPTERS_TASK_H

#include "muengsten/adapter.h"

struct mg_tasks {
    const struct mg_gateway *gateway;
    struct mg_instance *instance;
    unsigned count; /* that are on the other thread or wait for it */
    bool closing;
    void (*free)(struct mg_tasks *tasks); /* when the instance was closed and no task is left */
};

struct mg_task {
    struct mg_tasks *tasks;
    void (*work)(struct mg_task *task); /* on the other thread */
    void (*done)(struct mg_task *task); /* on the loop's */
    void (*drop)(struct mg_task *task); /* instead of done, if the instance was closed meanwhile */
    struct mg_timer *timer;             /* while there is no room for it */
};

/* Starts a task. It belongs to the instance until done or drop. */
void mg_task_start(struct mg_task *task);

/* True if the task only waited for room and now belongs to the caller again, undone. */
bool mg_task_withdraw(struct mg_task *task);

/* Ends the instance; it is freed when its last task has come back. */
void mg_tasks_close(struct mg_tasks *tasks);

#endif
