#include "gateway/net/dial.h"

#include "gateway/net/deadline.h"
#include "gateway/net/http_parser.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes and lines of the head by which a proxy answers. */
#define PROXY_HEAD    4096
#define PROXY_HEADERS 32

/* A question to the resolver, which may outlive the dial: a cancelled one is answered later. */
struct lookup {
    struct mg_dial *dial; /* NULL: nobody waits any more */
};

struct mg_dial {
    struct event_base *base;
    struct evdns_base *dns;
    char *host;
    int port;
    char *tunnel;
    int64_t ends;
    mg_dial_done done;
    void *context;
    struct lookup *lookup;
    struct evdns_getaddrinfo_request *question;
    struct evutil_addrinfo *addresses;
    struct evutil_addrinfo *next; /* to be tried */
    int socket;
    struct event event;
    struct mg_deadline attempt;
    char *reply; /* of the proxy */
    size_t reply_length;
    size_t reply_scanned;
};

static void on_attempt_over(void *context);

struct mg_dial *mg_dial_new(const struct mg_dial_options *options, mg_dial_done done, void *context)
{
    struct mg_dial *dial = mg_allocate_zeroed(1, sizeof *dial);
    dial->base = options->base;
    dial->dns = options->dns;
    dial->host = mg_copy_text(options->host);
    dial->port = options->port;
    dial->tunnel = options->tunnel ? mg_copy_text(options->tunnel) : NULL;
    dial->ends = mg_net_now() + options->time;
    dial->done = done;
    dial->context = context;
    dial->socket = -1;
    mg_deadline_begin(&dial->attempt, dial->base, on_attempt_over, dial);
    event_assign(&dial->event, dial->base, -1, 0, NULL, NULL);
    return dial;
}

void mg_dial_cancel(struct mg_dial *dial)
{
    if (dial->lookup) {
        dial->lookup->dial = NULL;
        if (dial->question)
            evdns_getaddrinfo_cancel(dial->question);
    }
    event_del(&dial->event);
    mg_deadline_end(&dial->attempt);
    if (dial->socket >= 0)
        close(dial->socket);
    if (dial->addresses)
        evutil_freeaddrinfo(dial->addresses);
    free(dial->reply);
    free(dial->tunnel);
    free(dial->host);
    free(dial);
}

/* Ends with the socket, or with an error and without it. */
static void end(struct mg_dial *dial, const struct mg_error *error)
{
    mg_dial_done done = dial->done;
    void *context = dial->context;
    int socket = error ? -1 : dial->socket;
    if (!error)
        dial->socket = -1;
    mg_dial_cancel(dial);
    done(socket, error, context);
}

static void fail_proxy(struct mg_dial *dial, const char *reason)
{
    struct mg_error error;
    mg_fail(&error, "net.proxy", "The proxy at %s does not open a tunnel: %s.", dial->host, reason);
    end(dial, &error);
}

static void watch(struct mg_dial *dial, short what, event_callback_fn callback)
{
    event_del(&dial->event);
    event_assign(&dial->event, dial->base, dial->socket, what, callback, dial);
    if (event_add(&dial->event, NULL) != 0)
        mg_die("the event loop takes no socket");
}

/* ---- the proxy ---- */

/* After the head of its answer the peer behind the proxy has nothing to say yet: in TLS the client
 * begins. So reading ahead swallows nothing, and bytes behind the head are an error. */
static void read_reply(struct mg_dial *dial, size_t size)
{
    struct mg_http_header headers[PROXY_HEADERS];
    struct mg_http_parsed parsed = {.headers = headers, .header_room = PROXY_HEADERS};
    char status[40];
    if (!mg_http_parse_response(&parsed, dial->reply, size)) {
        fail_proxy(dial, "its answer is malformed");
    } else if (parsed.head.status < 200 || parsed.head.status > 299) {
        snprintf(status, sizeof status, "it answers with status %d", parsed.head.status);
        fail_proxy(dial, status);
    } else if (size != dial->reply_length) {
        fail_proxy(dial, "it sends something behind the head of its answer");
    } else {
        end(dial, NULL);
    }
}

static void on_reply(evutil_socket_t socket, short what, void *context)
{
    struct mg_dial *dial = context;
    const struct mg_http_refusal *refusal;
    size_t size;
    (void)what;
    ssize_t received =
        recv(socket, dial->reply + dial->reply_length, PROXY_HEAD - dial->reply_length, 0);
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) {
        watch(dial, EV_READ, on_reply);
        return;
    }
    if (received <= 0) {
        fail_proxy(dial, "it closed the connection");
        return;
    }
    dial->reply_length += (size_t)received;
    switch (mg_http_head_end(dial->reply, dial->reply_length, PROXY_HEAD, &dial->reply_scanned,
                             &size, &refusal)) {
    case MG_HTTP_MORE:
        watch(dial, EV_READ, on_reply);
        break;
    case MG_HTTP_READY:
        read_reply(dial, size);
        break;
    case MG_HTTP_WRONG:
        fail_proxy(dial, "its answer is malformed");
        break;
    }
}

static void ask_proxy(struct mg_dial *dial)
{
    char request[1024];
    int length = snprintf(request, sizeof request, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n",
                          dial->tunnel, dial->tunnel);
    /* The buffers of a connection that is new and empty take so few bytes at once. */
    if (send(dial->socket, request, (size_t)length, MSG_NOSIGNAL) != length) {
        fail_proxy(dial, "it takes no request");
        return;
    }
    dial->reply = mg_allocate(PROXY_HEAD);
    watch(dial, EV_READ, on_reply);
}

/* ---- addresses ---- */

static void connected(struct mg_dial *dial)
{
    int on = 1;
    setsockopt(dial->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    mg_deadline_end(&dial->attempt);
    if (dial->tunnel)
        ask_proxy(dial);
    else
        end(dial, NULL);
}

static void try_next(struct mg_dial *dial, const char *reason);

static void on_connect(evutil_socket_t socket, short what, void *context)
{
    struct mg_dial *dial = context;
    int number = 0;
    socklen_t size = sizeof number;
    (void)what;
    getsockopt(socket, SOL_SOCKET, SO_ERROR, &number, &size);
    if (number)
        try_next(dial, strerror(number));
    else
        connected(dial);
}

static void on_attempt_over(void *context)
{
    try_next(context, "no answer");
}

/* An address that does not answer at all must not use up the time of those behind it. */
static void limit_attempt(struct mg_dial *dial)
{
    int64_t left = dial->ends - mg_net_now(), addresses = 1;
    for (const struct evutil_addrinfo *address = dial->next; address; address = address->ai_next)
        addresses++;
    if (addresses > 1)
        mg_deadline_set(&dial->attempt, mg_net_now() + left / addresses);
}

/* Connects to the next address; reason is why the one before was no good, or NULL. */
static void try_next(struct mg_dial *dial, const char *reason)
{
    mg_deadline_end(&dial->attempt);
    event_del(&dial->event);
    while (dial->next) {
        const struct evutil_addrinfo *address = dial->next;
        dial->next = address->ai_next;
        if (dial->socket >= 0)
            close(dial->socket);
        dial->socket = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (dial->socket >= 0 &&
            (connect(dial->socket, address->ai_addr, (socklen_t)address->ai_addrlen) == 0 ||
             errno == EINPROGRESS)) {
            watch(dial, EV_WRITE, on_connect);
            limit_attempt(dial);
            return;
        }
        reason = strerror(errno);
    }
    struct mg_error error;
    mg_fail(&error, dial->tunnel ? "net.proxy" : "net.connect",
            "Cannot connect to %s, port %d: %s.", dial->host, dial->port,
            reason ? reason : "it has no address");
    end(dial, &error);
}

static void on_addresses(int result, struct evutil_addrinfo *addresses, void *context)
{
    struct lookup *lookup = context;
    struct mg_dial *dial = lookup->dial;
    free(lookup);
    if (!dial) {
        if (addresses)
            evutil_freeaddrinfo(addresses);
        return;
    }
    dial->lookup = NULL;
    dial->question = NULL;
    if (result != 0) {
        struct mg_error error;
        mg_fail(&error, "net.resolve", "The name %s cannot be resolved: %s.", dial->host,
                evutil_gai_strerror(result));
        end(dial, &error);
        return;
    }
    dial->addresses = dial->next = addresses;
    try_next(dial, NULL);
}

void mg_dial_begin(struct mg_dial *dial)
{
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_protocol = IPPROTO_TCP,
                                    .ai_flags = EVUTIL_AI_NUMERICSERV | EVUTIL_AI_NUMERICHOST};
    struct evutil_addrinfo *addresses = NULL;
    char port[8];
    struct lookup *lookup = mg_allocate_zeroed(1, sizeof *lookup);
    snprintf(port, sizeof port, "%d", dial->port);
    lookup->dial = dial;
    dial->lookup = lookup;
    int result = evutil_getaddrinfo(dial->host, port, &hints, &addresses);
    if (result == 0 || !dial->dns) {
        on_addresses(result, addresses, lookup);
        return;
    }
    hints.ai_flags = EVUTIL_AI_NUMERICSERV;
    struct evdns_getaddrinfo_request *question =
        evdns_getaddrinfo(dial->dns, dial->host, port, &hints, on_addresses, lookup);
    /* NULL: on_addresses was called already, and the dial may be gone. */
    if (question)
        dial->question = question;
}
