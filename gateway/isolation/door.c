#include "gateway/isolation/door.h"

#include "gateway/isolation/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4

/* What the socket is called until it is opened: the path may still be another door's. */
#define BEFORE_OPENED ".new"

struct mg_door {
    struct event *event;
    int descriptor;
    bool opened; /* it has its path */
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    struct sockaddr_un address; /* the name before it is opened */
    struct stat identity;       /* of the socket that we made */
    uid_t user;
    const struct mg_door_events *events;
    void *context;
};

static void visited(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    struct mg_door *door = context;
    int stream = accept4(descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (stream < 0)
        return;
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(stream, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != door->user) {
        close(stream);
        door->events->on_refused(peer.uid, peer.pid, door->context);
        return;
    }
    mg_door_close(door);
    door->events->on_visitor(stream, peer.pid, door->context);
}

static bool fail_by_system(struct mg_error *error, const char *path)
{
    return mg_fail(error, "adapter.socket", "The socket %s cannot be made: %s.", path,
                   strerror(errno));
}

static bool make_socket(struct mg_door *door, mode_t mode, struct mg_error *error)
{
    const char *path = door->address.sun_path;
    struct stat present;
    door->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (door->descriptor < 0)
        return fail_by_system(error, path);
    if (lstat(path, &present) == 0 && S_ISSOCK(present.st_mode))
        unlink(path);
    /* Until it listens nobody gets in, so that the mode may come after the name. */
    if (bind(door->descriptor, (const struct sockaddr *)&door->address, sizeof door->address) !=
            0 ||
        chmod(path, mode) != 0 || lstat(path, &door->identity) != 0 ||
        listen(door->descriptor, BACKLOG) != 0)
        return fail_by_system(error, path);
    return true;
}

struct mg_door *mg_door_new(struct event_base *base, const char *path, const char *user,
                            const struct mg_door_events *events, void *context,
                            struct mg_error *error)
{
    struct mg_door *door = mg_allocate_zeroed(1, sizeof *door);
    door->descriptor = -1;
    door->user = geteuid();
    door->events = events;
    door->context = context;
    door->address.sun_family = AF_UNIX;
    bool made = !user || mg_process_user(user, &door->user, error);
    if (made && strlen(path) + strlen(BEFORE_OPENED) >= sizeof door->path)
        made = mg_fail(error, "adapter.socket", "The path %s is too long for a socket.", path);
    if (made) {
        memcpy(door->path, path, strlen(path) + 1);
        snprintf(door->address.sun_path, sizeof door->address.sun_path, "%s" BEFORE_OPENED, path);
        made = make_socket(door, door->user == geteuid() ? 0600 : 0666, error);
    }
    if (!made) {
        mg_door_free(door);
        return NULL;
    }
    door->event = event_new(base, door->descriptor, EV_READ | EV_PERSIST, visited, door);
    return door;
}

bool mg_door_open(struct mg_door *door, struct mg_error *error)
{
    if (!door->opened && rename(door->address.sun_path, door->path) != 0)
        return fail_by_system(error, door->path);
    door->opened = true;
    event_add(door->event, NULL);
    return true;
}

void mg_door_close(struct mg_door *door)
{
    event_del(door->event);
}

void mg_door_free(struct mg_door *door)
{
    if (!door)
        return;
    struct stat present;
    if (door->event)
        event_free(door->event);
    if (door->descriptor >= 0)
        close(door->descriptor);
    const char *path = door->opened ? door->path : door->address.sun_path;
    if (door->identity.st_ino && lstat(path, &present) == 0 &&
        present.st_ino == door->identity.st_ino && present.st_dev == door->identity.st_dev)
        unlink(path);
    free(door);
}
