#include "adapters/folder/folder.h"

#include "adapters/common/text.h"

#include <stdlib.h>

/* Milliseconds until a job tries again to get a place in the gateway's queue. */
#define FULL_QUEUE_PAUSE 100

static void run_work(void *context)
{
    struct mg_folder_job *job = context;
    job->work(job);
}

static void run_done(void *context)
{
    struct mg_folder_job *job = context;
    struct mg_folder *folder = job->folder;
    folder->jobs--;
    if (!folder->closing) {
        job->done(job);
        return;
    }
    job->drop(job);
    if (folder->jobs == 0)
        folder->free(folder);
}

static void try_again(void *context)
{
    struct mg_folder_job *job = context;
    job->timer = NULL;
    job->folder->jobs--;
    mg_folder_start(job);
}

void mg_folder_start(struct mg_folder_job *job)
{
    struct mg_folder *folder = job->folder;
    folder->jobs++;
    if (!folder->gateway->work(folder->instance, run_work, run_done, job))
        job->timer = folder->gateway->timer(folder->instance, FULL_QUEUE_PAUSE, try_again, job);
}

bool mg_folder_withdraw(struct mg_folder_job *job)
{
    if (!job->timer)
        return false;
    job->folder->gateway->timer_cancel(job->timer);
    job->timer = NULL;
    job->folder->jobs--;
    return true;
}

void mg_folder_close(struct mg_folder *folder)
{
    folder->closing = true;
    if (folder->jobs == 0)
        folder->free(folder);
}

static void free_destination(struct mg_folder *folder)
{
    free(folder);
}

static void *folder_open(const struct mg_gateway *gateway, struct mg_instance *instance,
                         const struct mg_instance_facts *facts)
{
    if (facts->is_source)
        return mg_folder_open_source(gateway, instance);
    struct mg_folder *folder = mg_text_allocate(1, sizeof *folder);
    *folder = (struct mg_folder){
        .gateway = gateway,
        .instance = instance,
        .path = gateway->parameter_text(instance, "folder"),
        .free = free_destination,
    };
    return folder;
}

static void folder_close(void *state)
{
    struct mg_folder *folder = state;
    if (folder->free == free_destination)
        mg_folder_close(folder);
    else
        mg_folder_close_source(folder);
}

static void folder_deliver(void *state, struct mg_delivery *delivery)
{
    mg_folder_deliver(state, delivery);
}

static const struct mg_parameter parameters[] = {
    {.name = "folder",
     .kind = MG_PARAMETER_FOLDER,
     .use = MG_USED_BY_BOTH,
     .required = true,
     .description = "The folder that is watched for messages, or that messages are written to."},
    {.name = "interval",
     .kind = MG_PARAMETER_SECONDS,
     .use = MG_USED_BY_SOURCE,
     .standard = "5",
     .smallest = 1,
     .largest = 3600,
     .description = "How often the folder is looked through, beside the system's own notices."},
    {.name = "settle",
     .kind = MG_PARAMETER_SECONDS,
     .use = MG_USED_BY_SOURCE,
     .standard = "1",
     .smallest = 0,
     .largest = 3600,
     .description = "How long a file that was not moved in has to stay unchanged; 0: not at all."},
    {.name = "simultaneous",
     .kind = MG_PARAMETER_NUMBER,
     .use = MG_USED_BY_SOURCE,
     .standard = "4",
     .smallest = 1,
     .largest = 64,
     .description = "How many files are handed in at once."},
};

/* No cancel: a file is written in its own time, or the disk hangs and nothing can be done. */
static const struct mg_adapter adapter = {
    .size = sizeof adapter,
    .abi = MG_ADAPTER_ABI,
    .name = "folder",
    .version = "1",
    .abilities = MG_CAN_BRING | MG_CAN_TAKE,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .open = folder_open,
    .close = folder_close,
    .deliver = folder_deliver,
};

const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi)
{
    return gateway_abi >= MG_ADAPTER_ABI ? &adapter : NULL;
}
