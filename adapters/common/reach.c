#include "adapters/common/reach.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Waits until a connection is made. Letters wake us without a reason to stop, so we wait on. */
static int finish(struct mg_courier *courier, int descriptor, int64_t until)
{
    int error = 0;
    socklen_t size = sizeof error;
    for (;;) {
        int64_t rest = until - now();
        if (mg_courier_ends(courier))
            return ECANCELED;
        if (rest <= 0)
            return ETIMEDOUT;
        struct pollfd place = {.fd = descriptor, .events = POLLOUT};
        if (poll(&place, 1, rest < 100 ? (int)rest : 100) > 0)
            break;
    }
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

/* A socket connected to that address, or -1 with errno. */
static int dial(struct mg_courier *courier, const struct addrinfo *address, int64_t until)
{
    const int yes = 1;
    int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return -1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    int error = 0;
    if (connect(descriptor, address->ai_addr, address->ai_addrlen) < 0)
        error = errno == EINPROGRESS ? finish(courier, descriptor, until) : errno;
    if (!error)
        return descriptor;
    close(descriptor);
    errno = error;
    return -1;
}

int mg_reach(struct mg_courier *courier, const char *host, int port, int milliseconds, char *reason,
             size_t size)
{
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    char number[16], text[128];
    int64_t until = now() + milliseconds;
    snprintf(number, sizeof number, "%d", port);
    int failed = getaddrinfo(host, number, &wanted, &addresses);
    if (failed) {
        snprintf(reason, size, "cannot be found: %s", gai_strerror(failed));
        return -1;
    }
    int descriptor = -1;
    for (const struct addrinfo *address = addresses; address && descriptor < 0;
         address = address->ai_next)
        descriptor = dial(courier, address, until);
    if (descriptor < 0) {
        int error = errno;
        if (strerror_r(error, text, sizeof text) != text)
            snprintf(text, sizeof text, "error %d", error);
        snprintf(reason, size, "cannot be reached: %s", text);
    }
    freeaddrinfo(addresses);
    return descriptor;
}
