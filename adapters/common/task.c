#include "adapters/common/task.h"

/* Milliseconds until a task tries again to get a place in the gateway's queue. */
#define FULL_QUEUE_PAUSE 100

static void run_work(void *context)
{
    struct mg_task *task = context;
    task->work(task);
}

static void run_done(void *context)
{
    struct mg_task *task = context;
    struct mg_tasks *tasks = task->tasks;
    tasks->count--;
    if (!tasks->closing) {
        task->done(task);
        return;
    }
    task->drop(task);
    if (tasks->count == 0)
        tasks->free(tasks);
}

static void try_again(void *context)
{
    struct mg_task *task = context;
    task->timer = NULL;
    task->tasks->count--;
    mg_task_start(task);
}

void mg_task_start(struct mg_task *task)
{
    struct mg_tasks *tasks = task->tasks;
    tasks->count++;
    if (!tasks->gateway->work(tasks->instance, run_work, run_done, task))
        task->timer = tasks->gateway->timer(tasks->instance, FULL_QUEUE_PAUSE, try_again, task);
}

bool mg_task_withdraw(struct mg_task *task)
{
    if (!task->timer)
        return false;
    task->tasks->gateway->timer_cancel(task->timer);
    task->timer = NULL;
    task->tasks->count--;
    return true;
}

void mg_tasks_close(struct mg_tasks *tasks)
{
    tasks->closing = true;
    if (tasks->count == 0)
        tasks->free(tasks);
}
