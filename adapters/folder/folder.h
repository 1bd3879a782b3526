/*
 * folder: messages as files. As a source it watches a folder into which others move files; as a
 * destination it writes each message into a folder.
 *
 * This header is shared by the adapter's own files only. Disks may be slow and network file systems
 * may hang, so everything that touches them is a job on another thread.
 */
#ifndef MUENGSTEN_ADAPTERS_FOLDER_H
#define MUENGSTEN_ADAPTERS_FOLDER_H

#include "muengsten/adapter.h"

/* An instance; a source embeds it as first member. */
struct mg_folder {
    const struct mg_gateway *gateway;
    struct mg_instance *instance;
    const char *path;
    unsigned jobs; /* that are on the other thread or wait for it */
    bool closing;
    void (*free)(struct mg_folder *folder); /* when it was closed and no job is left */
};

/* Something to be done on another thread; embedded as first member in what it works on. */
struct mg_folder_job {
    struct mg_folder *folder;
    void (*work)(struct mg_folder_job *job); /* on the other thread */
    void (*done)(struct mg_folder_job *job); /* on the loop's */
    void (*drop)(
        struct mg_folder_job *job); /* instead of done, if the instance was closed meanwhile */
    struct mg_timer *timer;         /* while there is no room for the job */
};

/* Starts a job: at once, or as soon as the gateway's queue has room again. It belongs to the
 * instance until done or drop. */
void mg_folder_start(struct mg_folder_job *job);

/* True if the job only waited for room and now belongs to the caller again, undone. */
bool mg_folder_withdraw(struct mg_folder_job *job);

/* Ends the instance; it is freed when its last job has come back. */
void mg_folder_close(struct mg_folder *folder);

/* The source's side (folder_in.c). NULL after mg_gateway.fail. */
struct mg_folder *mg_folder_open_source(const struct mg_gateway *gateway,
                                        struct mg_instance *instance);
void mg_folder_close_source(struct mg_folder *folder);

/* The destination's side (folder_out.c). */
void mg_folder_deliver(struct mg_folder *folder, struct mg_delivery *delivery);

#endif
