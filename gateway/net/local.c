#include "gateway/net/local.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections that wait in the kernel to be accepted. */
#define BACKLOG 64

static bool fill_address(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path)
        return false;
    memcpy(address->sun_path, path, strlen(path) + 1);
    return true;
}

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Whether somebody listens at the path already, perhaps for something else, such as datagrams, or
 * for others: only a socket that refuses is one that was left behind. */
static bool is_in_use(const struct sockaddr_un *address)
{
    int probe = new_socket();
    if (probe < 0)
        return false;
    bool answered = connect(probe, (const struct sockaddr *)address, sizeof *address) == 0 ||
                    (errno != ECONNREFUSED && errno != ENOENT);
    close(probe);
    return answered;
}

/* Makes the socket under a name of its own first: its rights are right before it has its own. */
static bool make(struct mg_local *local, const char *path, mode_t mode)
{
    struct sockaddr_un address;
    struct stat status = {0};
    char other[sizeof address.sun_path];
    size_t length = strlen(path);
    /* The last letters of the name give way to the number, so that it is no longer than the path.
     */
    int written = snprintf(other, sizeof other, "%.*s.%ld", (int)(length < 90 ? length : 90), path,
                           (long)getpid());
    if (written < 0 || (size_t)written >= sizeof other || !fill_address(&address, other)) {
        errno = ENAMETOOLONG;
        return false;
    }
    unlink(other);
    if (bind(local->socket, (const struct sockaddr *)&address, sizeof address) != 0)
        return false;
    bool made = chmod(other, mode) == 0 && listen(local->socket, BACKLOG) == 0 &&
                stat(other, &status) == 0 && rename(other, path) == 0;
    int number = errno;
    if (!made)
        unlink(other);
    local->device = status.st_dev;
    local->number = status.st_ino;
    errno = number;
    return made;
}

bool mg_local_listen(struct mg_local *local, const char *path, mode_t mode, struct mg_error *error)
{
    struct sockaddr_un address;
    struct stat status = {0};
    if (!fill_address(&address, path))
        return mg_fail(error, "net.address", "The path of the socket %s is too long.", path);
    if (lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode))
        return mg_fail(error, "net.listen", "Cannot listen at %s: it is there and no socket.",
                       path);
    if (is_in_use(&address))
        return mg_fail(error, "net.listen", "Cannot listen at %s: another process does.", path);
    local->socket = new_socket();
    if (local->socket >= 0 && make(local, path, mode))
        return true;
    mg_fail(error, "net.listen", "Cannot listen at %s: %s.", path, strerror(errno));
    if (local->socket >= 0)
        close(local->socket);
    local->socket = -1;
    return false;
}

void mg_local_remove(const struct mg_local *local, const char *path)
{
    struct stat status;
    if (lstat(path, &status) == 0 && status.st_dev == local->device &&
        status.st_ino == local->number)
        unlink(path);
}

bool mg_local_peer(int connection, struct mg_local_peer *peer)
{
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
        return false;
    peer->user = credentials.uid;
    peer->groups[0] = credentials.gid;
    peer->group_count = 1;
#ifdef SO_PEERGROUPS
    length = sizeof peer->groups - sizeof *peer->groups;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, peer->groups + 1, &length) == 0)
        peer->group_count += length / sizeof *peer->groups;
#endif
    return true;
}
