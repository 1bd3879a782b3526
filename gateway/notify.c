#include "gateway/notify.h"

#include "gateway/base/clock.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STATE_SIZE  512
#define STATUS_SIZE 300
/* Microseconds until what the manager had no room for is said again. */
#define PAUSE 50000

struct mg_notify {
    int socket; /* -1: nobody wants to know */
    struct sockaddr_un address;
    socklen_t address_length;
    struct event *watchdog; /* NULL: the manager does not watch */
    struct event *again;
    char state[STATE_SIZE]; /* still to be said; empty: nothing */
    bool alive_is_due;
};

/* ---- saying ---- */

/* False if there is no room for it now. By its address each time, since a manager that replaces
 * itself opens the socket anew. */
static bool say(const struct mg_notify *notify, const char *text)
{
    ssize_t sent;
    do
        sent = sendto(notify->socket, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
                      (const struct sockaddr *)&notify->address, notify->address_length);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return true;
    if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
        return false;
    /* It is as if nobody listened, and the gateway goes on: a manager that is back hears of it next
     * time. */
    mg_log(MG_LOG_WARNING, "gateway.notify", "reason", strerror(errno), NULL);
    return true;
}

static void say_what_is_due(struct mg_notify *notify)
{
    static const struct timeval pause = {0, PAUSE};
    if (notify->socket < 0)
        return;
    if (notify->state[0] && say(notify, notify->state))
        notify->state[0] = '\0';
    if (notify->alive_is_due && say(notify, "WATCHDOG=1"))
        notify->alive_is_due = false;
    if (notify->state[0] || notify->alive_is_due)
        event_add(notify->again, &pause);
}

static void say_again(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    say_what_is_due(context);
}

static void loop_turns(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct mg_notify *notify = context;
    notify->alive_is_due = true;
    say_what_is_due(notify);
}

/* The protocol has a line for each value. */
static void put_on_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

/* The beginning of a text that ends with a whole character of UTF-8; the manager throws others
 * away. */
static int whole_characters(const char *text, size_t most)
{
    size_t length = strnlen(text, most + 1);
    if (length <= most)
        return (int)length;
    for (length = most; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
        length--;
    return (int)length;
}

void mg_notify_ready(struct mg_notify *notify, const char *status)
{
    char line[STATUS_SIZE + 1];
    snprintf(line, sizeof line, "%.*s", whole_characters(status, STATUS_SIZE), status);
    put_on_one_line(line);
    snprintf(notify->state, STATE_SIZE, "READY=1\nSTATUS=%s", line);
    say_what_is_due(notify);
}

void mg_notify_reloading(struct mg_notify *notify)
{
    snprintf(notify->state, STATE_SIZE,
             "RELOADING=1\nMONOTONIC_USEC=%" PRId64
             "\nSTATUS=Takes messages, and reads its configuration anew.",
             mg_clock_monotonic());
    say_what_is_due(notify);
}

void mg_notify_stopping(struct mg_notify *notify)
{
    snprintf(notify->state, STATE_SIZE,
             "STOPPING=1\nSTATUS=Takes no more messages, and ends what it has begun.");
    say_what_is_due(notify);
}

/* ---- what the environment says ---- */

/* A path, or after an @ a name in the kernel's own space of names. */
static bool read_address(struct mg_notify *notify, const char *name)
{
    size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length < 2 ||
        length >= sizeof notify->address.sun_path)
        return false;
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, name, length + 1);
    notify->address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (name[0] == '@')
        notify->address.sun_path[0] = '\0';
    else
        notify->address_length++;
    return true;
}

static bool read_number(const char *text, int64_t *number)
{
    char *end;
    if (!text || *text < '0' || *text > '9')
        return false;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && *number > 0;
}

/* The manager wants a sign of life at least each WATCHDOG_USEC microseconds: twice as often is on
 * time. */
static void start_watchdog(struct mg_notify *notify, struct event_base *base)
{
    const char *whose = getenv("WATCHDOG_PID");
    int64_t number;
    if (whose && (!read_number(whose, &number) || number != getpid()))
        return;
    if (!read_number(getenv("WATCHDOG_USEC"), &number))
        return;
    number = number > 1 ? number / 2 : 1;
    const struct timeval half = {number / 1000000, number % 1000000};
    notify->watchdog = event_new(base, -1, EV_PERSIST, loop_turns, notify);
    event_add(notify->watchdog, &half);
}

static void start_saying(struct mg_notify *notify, struct event_base *base, const char *name)
{
    if (!read_address(notify, name)) {
        mg_log(MG_LOG_WARNING, "gateway.notify", "reason",
               "NOTIFY_SOCKET is no address of a Unix socket", NULL);
        return;
    }
    notify->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (notify->socket < 0)
        mg_log(MG_LOG_WARNING, "gateway.notify", "reason", strerror(errno), NULL);
    else
        start_watchdog(notify, base);
}

struct mg_notify *mg_notify_new(struct event_base *base)
{
    struct mg_notify *notify = mg_allocate_zeroed(1, sizeof *notify);
    const char *name = getenv("NOTIFY_SOCKET");
    notify->socket = -1;
    notify->again = evtimer_new(base, say_again, notify);
    if (name && *name)
        start_saying(notify, base, name);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return notify;
}

void mg_notify_free(struct mg_notify *notify)
{
    if (!notify)
        return;
    if (notify->watchdog)
        event_free(notify->watchdog);
    event_free(notify->again);
    if (notify->socket >= 0)
        close(notify->socket);
    free(notify);
}
