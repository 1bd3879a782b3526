#include "gateway/net/http_server.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/net/address.h"
#include "gateway/net/http_connection.h"
#include "gateway/net/inherited.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Connections that wait in the kernel to be accepted. */
#define BACKLOG 1024
/* How long accepting pauses when no descriptor is left. */
#define STARVED_PAUSE 250
/* Lines about refusals that go to the log in one second. */
#define LOG_LIMIT 100

/* ---- log ---- */

void mg_server_log_refusal(struct mg_http_server *server, const char *event, const char *peer,
                           const char *name, const char *value)
{
    int64_t second = mg_clock_monotonic() / 1000000;
    if (second != server->log_second) {
        if (server->unlogged > 0)
            mg_log(MG_LOG_NOTICE, "net.refusals-not-logged", "listener", server->name, "count",
                   MG_LOG_NUMBER(server->unlogged), NULL);
        server->log_second = second;
        server->logged = server->unlogged = 0;
    }
    if (server->logged == LOG_LIMIT) {
        server->unlogged++;
        return;
    }
    server->logged++;
    mg_log(MG_LOG_NOTICE, event, "listener", server->name, "peer", peer, name, value, NULL);
}

/* ---- accepting ---- */

/* Accepts or not, as limit, descriptors and stopping allow. */
static void set_accepting(struct mg_http_server *server)
{
    bool accepting = !server->stopping && !server->starved &&
                     (server->count < server->limits.connections || server->limits.displaces);
    if (!server->listener || accepting == server->accepting)
        return;
    server->accepting = accepting;
    if (accepting)
        evconnlistener_enable(server->listener);
    else
        evconnlistener_disable(server->listener);
}

/* Whose request has come whole is being answered, and keeps its place. */
static bool is_idle(const struct mg_http_request *connection)
{
    return connection->phase != MG_REQUEST || !connection->body_done;
}

static void find_idle(struct mg_connections *list, struct mg_http_request **idle)
{
    struct mg_http_request *connection;
    TAILQ_FOREACH(connection, list, entry)
    {
        if (is_idle(connection) && (!*idle || connection->since < (*idle)->since))
            *idle = connection;
    }
}

/* So that nobody who merely holds connections keeps others out. */
static bool make_room(struct mg_http_server *server)
{
    struct mg_http_request *idle = NULL;
    if (server->count < server->limits.connections)
        return true;
    if (server->limits.displaces) {
        find_idle(&server->waiting, &idle);
        find_idle(&server->others, &idle);
    }
    if (idle)
        mg_connection_break(idle);
    return server->count < server->limits.connections;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t socket,
                      struct sockaddr *address, int length, void *context)
{
    struct mg_http_server *server = context;
    (void)listener;
    (void)length;
    if (server->stopping ||
        (server->admit && !server->admit(socket, server->count, server->context)) ||
        !make_room(server)) {
        close(socket);
        return;
    }
    server->starvation_logged = false;
    mg_connection_new(server, socket, address);
    set_accepting(server);
}

/* Without a pause, the connection that cannot be accepted would wake the loop again and again. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
    struct mg_http_server *server = context;
    int number = errno;
    (void)listener;
    server->starved = true;
    mg_log(MG_LOG_WARNING, "net.accept", "listener", server->name, "reason", strerror(number),
           NULL);
    set_accepting(server);
    mg_deadline_set(&server->retry, mg_net_now() + STARVED_PAUSE);
}

static void on_retry(void *context)
{
    struct mg_http_server *server = context;
    server->starved = false;
    set_accepting(server);
}

static void on_drained(evutil_socket_t none, short what, void *context)
{
    struct mg_http_server *server = context;
    (void)none;
    (void)what;
    server->drained(server, server->drained_context);
}

static void look_whether_drained(struct mg_http_server *server)
{
    /* From the loop, so that drained may free the server. */
    if (server->stopping && server->count == 0 && server->drained)
        event_active(&server->drained_event, EV_TIMEOUT, 0);
}

void mg_server_move(struct mg_http_request *connection, struct mg_connections *list)
{
    if (connection->list)
        TAILQ_REMOVE(connection->list, connection, entry);
    connection->list = list;
    if (list)
        TAILQ_INSERT_TAIL(list, connection, entry);
}

bool mg_server_may_shake(const struct mg_http_server *server)
{
    return server->limits.displaces ||
           server->shaking_count <= server->limits.connections / MG_HTTP_SHAKING_PART;
}

void mg_server_shake_next(struct mg_http_server *server)
{
    struct mg_http_request *next = TAILQ_FIRST(&server->waiting);
    if (next && !server->stopping && mg_server_may_shake(server))
        mg_connection_greet(next);
}

void mg_server_connection_gone(struct mg_http_server *server)
{
    server->count--;
    set_accepting(server);
    look_whether_drained(server);
}

/* ---- life ---- */

static int port_of(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    if (address->ss_family != AF_INET)
        return 0;
    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): getsockname() has filled it */
    return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

/* NULL with errno. */
static struct evconnlistener *bind_to(struct mg_http_server *server,
                                      const struct mg_address *address, unsigned flags)
{
    flags |= LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    errno = 0;
    return evconnlistener_new_bind(server->base, on_accept, server, flags, BACKLOG,
                                   (const struct sockaddr *)&address->storage,
                                   (int)address->length);
}

static void let_share(struct evconnlistener *listener, int let)
{
    setsockopt(evconnlistener_get_fd(listener), SOL_SOCKET, SO_REUSEPORT, &let, sizeof let);
}

/* Listens at one address; NULL with errno. To the system, an address of a port is taken by whoever
 * has all of them, and the other way round, unless both sockets say that they share the port: so
 * they do while the new one is bound. */
static struct evconnlistener *listen_at(struct mg_http_server *server,
                                        const struct mg_address *address,
                                        const struct mg_http_server *beside)
{
    struct evconnlistener *listener = bind_to(server, address, 0);
    if (listener || errno != EADDRINUSE || !beside || !beside->listener ||
        beside->port != port_of(&address->storage))
        return listener;
    let_share(beside->listener, 1);
    listener = bind_to(server, address, LEV_OPT_REUSEABLE_PORT);
    int reason = errno;
    let_share(beside->listener, 0);
    if (listener)
        let_share(listener, 0);
    errno = reason;
    return listener;
}

/* Without a backlog libevent takes it for what it is: a socket that listens already. */
static bool listen_inherited(struct mg_http_server *server, const char *text)
{
    int socket = mg_inherited_socket(server->name, text);
    if (socket < 0)
        return false;
    server->listener =
        evconnlistener_new(server->base, on_accept, server, LEV_OPT_CLOSE_ON_FREE, 0, socket);
    if (!server->listener)
        close(socket);
    return server->listener != NULL;
}

static bool listen_with(struct mg_http_server *server, int socket, struct mg_error *error)
{
    server->listener =
        evconnlistener_new(server->base, on_accept, server, LEV_OPT_CLOSE_ON_FREE, 0, socket);
    if (server->listener)
        return true;
    close(socket);
    return mg_fail(error, "net.listen", "The event loop takes no socket.");
}

static bool listen_anywhere(struct mg_http_server *server,
                            const struct mg_http_server_options *options, struct mg_error *error)
{
    const char *text = options->address;
    struct mg_address addresses[2];
    size_t count = mg_address_read(text, addresses);
    if (count == 0)
        return mg_fail(error, "net.address",
                       "The listener's address is not ADDRESS:PORT with a numeric address, such as "
                       "127.0.0.1:8443, [::1]:8443 or *:8443.");
    if (listen_inherited(server, text))
        return true;
    server->listener = listen_at(server, &addresses[0], options->beside);
    if (!server->listener && count == 2 && errno == EAFNOSUPPORT)
        server->listener = listen_at(server, &addresses[1], options->beside);
    return server->listener ||
           mg_fail(error, "net.listen", "Cannot listen at %s: %s.", text, strerror(errno));
}

/* Kept, since it is asked for after the socket has gone too. 0: a socket without ports. */
static int read_port(int socket)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (getsockname(socket, (struct sockaddr *)&address, &length) != 0)
        return -1;
    return port_of(&address);
}

struct mg_http_server *mg_http_server_new(struct event_base *base,
                                          const struct mg_http_server_options *options,
                                          struct mg_error *error)
{
    struct mg_http_server *server = mg_allocate_zeroed(1, sizeof *server);
    mg_net_ignore_broken_pipes();
    server->base = base;
    server->name = mg_copy_text(options->name);
    server->limits = options->limits;
    mg_http_limits_complete(&server->limits);
    server->handler = options->handler;
    server->admit = options->admit;
    server->context = options->context;
    server->headers = mg_allocate_zeroed(server->limits.headers, sizeof *server->headers);
    server->tls = options->tls;
    if (server->tls)
        SSL_CTX_up_ref(server->tls);
    TAILQ_INIT(&server->waiting);
    TAILQ_INIT(&server->others);
    mg_deadline_begin(&server->retry, base, on_retry, server);
    event_assign(&server->drained_event, base, -1, 0, on_drained, server);
    if (options->address ? !listen_anywhere(server, options, error)
                         : !listen_with(server, options->socket, error)) {
        mg_http_server_free(server);
        return NULL;
    }
    server->port = read_port(evconnlistener_get_fd(server->listener));
    server->accepting = true;
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    return server;
}

void mg_http_server_exchange(struct mg_http_server *server, SSL_CTX *tls,
                             const struct mg_http_limits *limits)
{
    if (tls)
        SSL_CTX_up_ref(tls);
    SSL_CTX_free(server->tls);
    server->tls = tls;
    server->limits = *limits;
    mg_http_limits_complete(&server->limits);
    free(server->headers);
    server->headers = mg_allocate_zeroed(server->limits.headers, sizeof *server->headers);
    set_accepting(server);
}

int mg_http_server_port(const struct mg_http_server *server)
{
    return server->port;
}

/* Idle connections close; so do those whose handshake is not done. */
static void stop_connections(struct mg_connections *list)
{
    struct mg_http_request *connection, *next;
    for (connection = TAILQ_FIRST(list); connection; connection = next) {
        next = TAILQ_NEXT(connection, entry);
        if (connection->phase == MG_SILENT || connection->phase == MG_SHAKING)
            mg_connection_end(connection);
        else if (connection->phase == MG_HEAD)
            mg_connection_run(connection);
    }
}

void mg_http_server_stop(struct mg_http_server *server,
                         void (*drained)(struct mg_http_server *server, void *context),
                         void *context)
{
    server->stopping = true;
    server->drained = drained;
    server->drained_context = context;
    if (server->listener)
        evconnlistener_free(server->listener);
    server->listener = NULL;
    stop_connections(&server->waiting);
    stop_connections(&server->others);
    look_whether_drained(server);
}

static void break_connections(struct mg_connections *list)
{
    struct mg_http_request *connection;
    while ((connection = TAILQ_FIRST(list)))
        mg_connection_break(connection);
}

void mg_http_server_free(struct mg_http_server *server)
{
    if (!server)
        return;
    server->stopping = true;
    server->drained = NULL;
    break_connections(&server->waiting);
    break_connections(&server->others);
    if (server->listener)
        evconnlistener_free(server->listener);
    event_del(&server->drained_event);
    mg_deadline_end(&server->retry);
    SSL_CTX_free(server->tls);
    mg_buffer_free(&server->text);
    free(server->headers);
    free(server->name);
    free(server);
}

size_t mg_http_server_connections(const struct mg_http_server *server)
{
    return server->count;
}

/* ---- what is known of a request's connection ---- */

X509 *mg_http_request_certificate(const struct mg_http_request *request)
{
    return request->ssl ? SSL_get0_peer_certificate(request->ssl) : NULL;
}

STACK_OF(X509) * mg_http_request_chain(const struct mg_http_request *request)
{
    return request->ssl ? SSL_get_peer_cert_chain(request->ssl) : NULL;
}

const uint8_t *mg_http_request_fingerprint(const struct mg_http_request *request)
{
    return request->certificate ? mg_tls_peer_fingerprint(request->certificate) : NULL;
}

const char *mg_http_request_peer(const struct mg_http_request *request)
{
    return request->peer;
}

int mg_http_request_socket(const struct mg_http_request *request)
{
    return request->socket;
}

void *mg_http_request_connection_value(const struct mg_http_request *request)
{
    return request->value;
}

void mg_http_request_set_connection_value(struct mg_http_request *request, void *value,
                                          void (*release)(void *value))
{
    if (request->release)
        request->release(request->value);
    request->value = value;
    request->release = release;
}
