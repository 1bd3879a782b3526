#include "gateway/net/http_server.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/net/http_connection.h"

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
    bool accepting =
        !server->stopping && !server->starved && server->count < server->limits.connections;
    if (!server->listener || accepting == server->accepting)
        return;
    server->accepting = accepting;
    if (accepting)
        evconnlistener_enable(server->listener);
    else
        evconnlistener_disable(server->listener);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t socket,
                      struct sockaddr *address, int length, void *context)
{
    struct mg_http_server *server = context;
    (void)listener;
    (void)length;
    if (server->stopping || server->count >= server->limits.connections) {
        close(socket);
        return;
    }
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

void mg_server_connection_gone(struct mg_http_server *server)
{
    server->count--;
    set_accepting(server);
    look_whether_drained(server);
}

/* ---- life ---- */

/* "*:PORT" is every address of both families, where the system has IPv6. */
static bool read_address(const char *text, struct sockaddr_storage *address, int *length)
{
    char both[32];
    *length = sizeof *address;
    if (strncmp(text, "*:", 2) == 0) {
        if (strlen(text + 2) > 5)
            return false;
        strcpy(both, "[::]:");
        strcat(both, text + 2);
        text = both;
    }
    const char *colon = strrchr(text, ':');
    if (!colon || evutil_parse_sockaddr_port(text, (struct sockaddr *)address, length) != 0)
        return false;
    return strspn(colon + 1, "0123456789") == strlen(colon + 1) && colon[1];
}

static struct evconnlistener *listen_at(struct mg_http_server *server, const char *text,
                                        struct mg_error *error)
{
    unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    struct sockaddr_storage address = {0};
    int length;
    if (!read_address(text, &address, &length)) {
        mg_fail(error, "net.address",
                "The listener's address is not ADDRESS:PORT with a numeric address, "
                "such as 127.0.0.1:8443, [::1]:8443 or *:8443.");
        return NULL;
    }
    struct evconnlistener *listener = evconnlistener_new_bind(
        server->base, on_accept, server, flags, BACKLOG, (struct sockaddr *)&address, length);
    if (!listener && text[0] == '*' && errno == EAFNOSUPPORT) {
        char four[32] = "0.0.0.0";
        strncat(four, text + 1, 8);
        length = sizeof address;
        if (evutil_parse_sockaddr_port(four, (struct sockaddr *)&address, &length) == 0)
            listener = evconnlistener_new_bind(server->base, on_accept, server, flags, BACKLOG,
                                               (struct sockaddr *)&address, length);
    }
    if (!listener)
        mg_fail(error, "net.listen", "Cannot listen at %s: %s.", text, strerror(errno));
    return listener;
}

struct mg_http_server *mg_http_server_new(struct event_base *base,
                                          const struct mg_http_server_options *options,
                                          struct mg_error *error)
{
    struct mg_http_server *server = mg_allocate_zeroed(1, sizeof *server);
    server->base = base;
    server->name = mg_copy_text(options->name);
    server->limits = options->limits;
    mg_http_limits_complete(&server->limits);
    server->handler = options->handler;
    server->context = options->context;
    server->headers = mg_allocate_zeroed(server->limits.headers, sizeof *server->headers);
    server->tls = options->tls;
    if (server->tls)
        SSL_CTX_up_ref(server->tls);
    TAILQ_INIT(&server->connections);
    mg_deadline_begin(&server->retry, base, on_retry, server);
    event_assign(&server->drained_event, base, -1, 0, on_drained, server);
    server->listener = listen_at(server, options->address, error);
    if (!server->listener) {
        mg_http_server_free(server);
        return NULL;
    }
    server->accepting = true;
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    return server;
}

int mg_http_server_port(const struct mg_http_server *server)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (getsockname(evconnlistener_get_fd(server->listener), (struct sockaddr *)&address,
                    &length) != 0)
        return -1;
    if (address.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&address)->sin_port);
}

void mg_http_server_stop(struct mg_http_server *server,
                         void (*drained)(struct mg_http_server *server, void *context),
                         void *context)
{
    struct mg_http_request *connection, *next;
    server->stopping = true;
    server->drained = drained;
    server->drained_context = context;
    if (server->listener)
        evconnlistener_free(server->listener);
    server->listener = NULL;
    for (connection = TAILQ_FIRST(&server->connections); connection; connection = next) {
        next = TAILQ_NEXT(connection, entry);
        if (connection->phase == MG_SILENT || connection->phase == MG_SHAKING)
            mg_connection_end(connection);
        else if (connection->phase == MG_HEAD)
            mg_connection_run(connection);
    }
    look_whether_drained(server);
}

void mg_http_server_free(struct mg_http_server *server)
{
    struct mg_http_request *connection;
    if (!server)
        return;
    server->stopping = true;
    server->drained = NULL;
    while ((connection = TAILQ_FIRST(&server->connections)))
        mg_connection_break(connection);
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

const uint8_t *mg_http_request_fingerprint(const struct mg_http_request *request)
{
    /* Remembered from the first time on, which changes nothing that a caller could see. */
    struct mg_http_request *connection = (struct mg_http_request *)(uintptr_t)request;
    X509 *certificate = mg_http_request_certificate(request);
    if (!connection->fingerprint && certificate) {
        connection->fingerprint = mg_allocate(EVP_MAX_MD_SIZE);
        if (X509_digest(certificate, EVP_sha256(), connection->fingerprint, NULL) != 1)
            mg_die("SHA-256 is not available");
    }
    return connection->fingerprint;
}

const char *mg_http_request_peer(const struct mg_http_request *request)
{
    return request->peer;
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
