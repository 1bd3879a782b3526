#include "gateway/net/inherited.h"

#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/net/address.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* sd_listen_fds(3): SD_LISTEN_FDS_START. */
#define FIRST_DESCRIPTOR 3
#define SOCKETS_LIMIT    64

static struct inherited {
    int descriptor;
    char *name;
    struct mg_address address;
} sockets[SOCKETS_LIMIT];
static size_t socket_count;

/* ---- the start ---- */

static long read_number(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    if (!text || *text < '0' || *text > '9')
        return -1;
    long number = strtol(text, &end, 10);
    return *end ? -1 : number;
}

static bool listens(int descriptor)
{
    int is_listening = 0, type = 0;
    socklen_t length = sizeof(int);
    return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length) == 0 &&
           getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && is_listening != 0 &&
           type == SOCK_STREAM;
}

static void add(int descriptor, const char *name, size_t length)
{
    struct inherited *socket = &sockets[socket_count];
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    socket->address.length = sizeof socket->address.storage;
    if (socket_count == SOCKETS_LIMIT || !listens(descriptor) ||
        getsockname(descriptor, (struct sockaddr *)&socket->address.storage,
                    &socket->address.length) != 0) {
        mg_log(MG_LOG_WARNING, "net.inherited", "descriptor", MG_LOG_NUMBER(descriptor), "reason",
               "it is no socket that listens", NULL);
        return;
    }
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    socket->descriptor = descriptor;
    socket->name = mg_allocate_zeroed(length + 1, 1);
    memcpy(socket->name, name, length);
    socket_count++;
}

void mg_inherited_start(void)
{
    long count = read_number("LISTEN_FDS");
    const char *names = getenv("LISTEN_FDNAMES");
    if (read_number("LISTEN_PID") == getpid()) {
        for (int i = 0; i < count && i < 4 * SOCKETS_LIMIT; i++) {
            size_t length = names ? strcspn(names, ":") : 0;
            add(FIRST_DESCRIPTOR + i, names ? names : "", length);
            if (names)
                names += length + (names[length] == ':');
        }
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

/* ---- the search ---- */

static bool is_at(const struct inherited *socket, const char *address)
{
    struct mg_address wanted[2];
    if (address[0] == '/') {
        const struct sockaddr_un *path = (const struct sockaddr_un *)&socket->address.storage;
        return path->sun_family == AF_UNIX &&
               strncmp(path->sun_path, address, sizeof path->sun_path) == 0;
    }
    size_t count = mg_address_read(address, wanted);
    for (size_t i = 0; i < count; i++)
        if (mg_address_equal(&socket->address, &wanted[i]))
            return true;
    return false;
}

static const struct inherited *find(const char *name, const char *address)
{
    for (size_t i = 0; i < socket_count; i++)
        if (strcmp(sockets[i].name, name) == 0)
            return &sockets[i];
    for (size_t i = 0; i < socket_count && address; i++)
        if (is_at(&sockets[i], address))
            return &sockets[i];
    return NULL;
}

int mg_inherited_socket(const char *name, const char *address)
{
    const struct inherited *socket = find(name, address);
    return socket ? fcntl(socket->descriptor, F_DUPFD_CLOEXEC, 0) : -1;
}
