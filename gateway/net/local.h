/*
 * local: a Unix socket to listen at, and who is at its other end.
 *
 * A socket appears under its path with its rights in one step, so that nobody finds it half made;
 * one that was left behind by a process that is gone is taken over, one at which somebody still
 * listens is not.
 */
#ifndef MUENGSTEN_NET_LOCAL_H
#define MUENGSTEN_NET_LOCAL_H

#include "gateway/base/error.h"

#include <stddef.h>
#include <sys/types.h>

struct mg_local {
    int socket;
    /* What it is on disk, to remove no other one. */
    dev_t device;
    ino_t number;
};

/* Listens at the path with the mode. Codes: net.address, net.listen. */
bool mg_local_listen(struct mg_local *local, const char *path, mode_t mode, struct mg_error *error);
/* Removes what mg_local_listen made, unless something else stands there by now. Does not close. */
void mg_local_remove(const struct mg_local *local, const char *path);

/* The process at the other end of a connection, when it connected. Any thread. */
#define MG_LOCAL_GROUPS 256
struct mg_local_peer {
    uid_t user;
    size_t group_count; /* those beyond are not told */
    gid_t groups[MG_LOCAL_GROUPS];
};
bool mg_local_peer(int connection, struct mg_local_peer *peer);

#endif
