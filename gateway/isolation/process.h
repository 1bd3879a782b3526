/*
 * process: starts a program as a child of ours that can harm nobody but itself, with a stream
 * socket as its standard input and output, and ends it for certain.
 *
 * The child has limits on memory and files, no core dumps, a user of its own where one is named, no
 * descriptor and no environment of ours, no way to more rights, a process group of its own, and it
 * dies with us. Blocking only for the moment of a fork; any thread, but the child dies with the
 * thread that started it.
 */
#ifndef MUENGSTEN_ISOLATION_PROCESS_H
#define MUENGSTEN_ISOLATION_PROCESS_H

#include "gateway/base/error.h"

#include <stdint.h>
#include <sys/types.h>

/* What to run, and as whom; texts are borrowed. */
struct mg_process_spec {
    const char *path;   /* of the adapter: NAME.so, or a program */
    int64_t memory;     /* bytes of data (RLIMIT_DATA); 0: the standard, 512 MiB */
    int64_t files;      /* descriptors (RLIMIT_NOFILE); 0: the standard, 256 */
    const char *user;   /* NULL: ours */
    const char *socket; /* NULL: we start the program; else it connects to a socket at this path */
};

struct mg_process {
    pid_t pid;
    int watch;  /* a pidfd: readable when the process has ended */
    int stream; /* our end of the socket, which does not block */
    int errors; /* what it writes to standard error; does not block */
};

/*
 * Starts it: a shared object is loaded by muengsten-adapter-host, a program runs by itself. Fails
 * with adapter.start, with the reason, also if the child could not become what it was to be. The
 * descriptors are the caller's from then on.
 */
bool mg_process_start(const struct mg_process_spec *spec, struct mg_process *process,
                      struct mg_error *error);

/* Ends the process and everything in its group at once, without a chance to object. */
void mg_process_kill(const struct mg_process *process);

/* If the process has ended: kills what is left of its group, reaps it, closes its watch, says how
 * it ended ("exit status 3", "signal 11 (Segmentation fault)"), and is true. Never blocks. */
bool mg_process_reap(struct mg_process *process, char *how, size_t size);

/* The user's id; false with adapter.user if there is none of that name. Looks into files. */
bool mg_process_user(const char *name, uid_t *user, struct mg_error *error);

#endif
