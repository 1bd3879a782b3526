/*
 * inherited: sockets that the service manager has opened, and listens with while the gateway does
 * not run: whoever connects meanwhile waits and is not refused (sd_listen_fds(3), in our own words
 * as in notify).
 *
 * A socket belongs to who listens under its name (LISTEN_FDNAMES, that is FileDescriptorName= of
 * the unit), or at its address: an address and port, or the path of a Unix socket. It stays open
 * until the process ends, so that a reload can give up an address and take it again.
 */
#ifndef MUENGSTEN_NET_INHERITED_H
#define MUENGSTEN_NET_INHERITED_H

#include <stddef.h>

/* Takes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES out of the environment, and sees to it that no
 * program started from now on gets the sockets. Without them, or if they are meant for another
 * process, there are none. What is no socket that listens is told and left out. Once, before other
 * threads start. */
void mg_inherited_start(void);

/* A descriptor of the caller's own for the socket of that name or else address, non-blocking and
 * closed on exec; -1 if there is none. address may be NULL. Any thread. */
int mg_inherited_socket(const char *name, const char *address);

#endif
