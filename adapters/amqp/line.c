#include "adapters/amqp/line.h"

#include "adapters/common/reach.h"

#if __has_include(<rabbitmq-c/ssl_socket.h>)
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_TIME 5 /* seconds, until there is a connection and TLS */
#define LOGIN_TIME   10
#define HEARTBEAT    20
#define FRAME_SIZE   131072
#define LASTING      10000 /* milliseconds after which a connection was no attempt in vain */

bool mg_line_fail(struct mg_line *line, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    snprintf(line->code, sizeof line->code, "%s", code);
    vsnprintf(line->text, sizeof line->text, format, arguments);
    va_end(arguments);
    return false;
}

bool mg_line_sent(struct mg_line *line, int status)
{
    if (status == AMQP_STATUS_OK)
        return true;
    return mg_line_fail(line, "amqp.lost", "The connection to the broker is lost: %s.",
                        amqp_error_string2(status));
}

/* Lengths of texts from the broker are bounded by the protocol: at most 255 bytes. */
static int length_of(amqp_bytes_t text)
{
    return text.len < 256 ? (int)text.len : 255;
}

static bool connection_closed(struct mg_line *line, const amqp_connection_close_t *close)
{
    const char *code = close->reply_code == AMQP_ACCESS_REFUSED ? "amqp.login"
                       : close->reply_code == AMQP_NOT_ALLOWED  ? "amqp.virtual-host"
                                                                : "amqp.lost";
    return mg_line_fail(line, code, "The broker has closed the connection: %d %.*s",
                        close->reply_code, length_of(close->reply_text),
                        (const char *)close->reply_text.bytes);
}

static bool channel_closed(struct mg_line *line, const amqp_channel_close_t *close,
                           const char *what, const char *missing)
{
    const char *code = close->reply_code == AMQP_ACCESS_REFUSED ? "amqp.permission"
                       : close->reply_code == AMQP_NOT_FOUND    ? missing
                                                                : "amqp.lost";
    line->closed_with = close->reply_code;
    return mg_line_fail(line, code, "The broker does not let the gateway %s: %d %.*s", what,
                        close->reply_code, length_of(close->reply_text),
                        (const char *)close->reply_text.bytes);
}

bool mg_line_check(struct mg_line *line, amqp_rpc_reply_t reply, const char *what,
                   const char *missing)
{
    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        return true;
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) {
        if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD)
            return channel_closed(line, reply.reply.decoded, what, missing);
        if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
            return connection_closed(line, reply.reply.decoded);
    }
    return mg_line_fail(line, "amqp.lost",
                        "The connection broke when the gateway wanted to %s: %s.", what,
                        reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION
                            ? amqp_error_string2(reply.library_error)
                            : "no answer that could be understood");
}

/* ---- connecting ---- */

/* The library does not tell the socket before its handshake is over; OpenSSL does. The callback
 * runs on the thread that connects, for which this is set. */
static _Thread_local struct mg_courier *connecting;

static void note_socket(const SSL *connection, int where, int result)
{
    (void)result;
    if (where & SSL_CB_HANDSHAKE_START && connecting)
        mg_courier_breakable(connecting, SSL_get_fd(connection));
}

static bool connect_secure(struct mg_line *line)
{
    const struct mg_amqp *amqp = line->amqp;
    const struct timeval patience = {.tv_sec = CONNECT_TIME};
    char reason[256];
    amqp_socket_t *socket = amqp_ssl_socket_new(line->connection);
    if (!socket)
        return mg_line_fail(line, "amqp.tls", "OpenSSL offers no TLS.");
    /* Our context verifies the name too, and knows addresses. */
    amqp_ssl_socket_set_verify_hostname(socket, 0);
    SSL_CTX *context = amqp_ssl_socket_get_context(socket);
    if (!mg_tls_prepare(context, &amqp->broker.tls, reason, sizeof reason))
        return mg_line_fail(line, "amqp.tls", "%s", reason);
    SSL_CTX_set_info_callback(context, note_socket);
    connecting = amqp->courier;
    int status = amqp_socket_open_noblock(socket, amqp->broker.host, amqp->broker.port, &patience);
    connecting = NULL;
    if (status == AMQP_STATUS_OK)
        return true;
    const char *distrust = mg_tls_distrust(context);
    if (distrust)
        return mg_line_fail(line, "amqp.tls", "The broker's certificate is not accepted: %s.",
                            distrust);
    bool tls = status == AMQP_STATUS_SSL_CONNECTION_FAILED || status == AMQP_STATUS_SSL_ERROR;
    return mg_line_fail(line, tls ? "amqp.tls" : "amqp.unreachable",
                        "The broker cannot be reached: %s.", amqp_error_string2(status));
}

static bool connect_plain(struct mg_line *line)
{
    struct mg_amqp *amqp = line->amqp;
    char reason[256];
    int descriptor = mg_reach(amqp->courier, amqp->broker.host, amqp->broker.port,
                              CONNECT_TIME * 1000, reason, sizeof reason);
    if (descriptor < 0)
        return mg_line_fail(line, "amqp.unreachable", "The broker %s.", reason);
    amqp_socket_t *socket = amqp_tcp_socket_new(line->connection);
    if (!socket) {
        close(descriptor);
        return mg_line_fail(line, "amqp.unreachable", "There is no memory for a connection.");
    }
    amqp_tcp_socket_set_sockfd(socket, descriptor);
    mg_courier_breakable(amqp->courier, descriptor);
    return true;
}

static bool log_in(struct mg_line *line)
{
    const struct mg_broker *broker = &line->amqp->broker;
    const char *virtual_host = broker->path ? broker->path : "/";
    char password[MG_BROKER_PASSWORD_SIZE], reason[256];
    if (!broker->user) {
        /* The broker takes the user from the certificate; the library cannot leave the name out. */
        return mg_line_check(line,
                             amqp_login(line->connection, virtual_host, MG_LINE_CHANNEL, FRAME_SIZE,
                                        HEARTBEAT, AMQP_SASL_METHOD_EXTERNAL, "muengsten"),
                             "log in with its certificate", "amqp.lost");
    }
    if (!mg_broker_password(broker, password, reason, sizeof reason))
        return mg_line_fail(line, "amqp.password", "%s", reason);
    amqp_rpc_reply_t reply = amqp_login(line->connection, virtual_host, MG_LINE_CHANNEL, FRAME_SIZE,
                                        HEARTBEAT, AMQP_SASL_METHOD_PLAIN, broker->user, password);
    explicit_bzero(password, sizeof password);
    return mg_line_check(line, reply, "log in", "amqp.lost");
}

static bool connect_line(struct mg_line *line, const struct mg_line_use *use)
{
    struct timeval patience = {.tv_sec = LOGIN_TIME};
    line->closed_with = 0;
    line->number++;
    line->connection = amqp_new_connection();
    if (!line->connection)
        return mg_line_fail(line, "amqp.unreachable", "There is no memory for a connection.");
    amqp_set_handshake_timeout(line->connection, &patience);
    amqp_set_rpc_timeout(line->connection, &patience);
    mg_courier_blocks(line->amqp->courier, true);
    bool opened =
        (line->amqp->broker.secure ? connect_secure(line) : connect_plain(line)) && log_in(line);
    if (opened) {
        amqp_channel_open(line->connection, MG_LINE_CHANNEL);
        opened = mg_line_check(line, amqp_get_rpc_reply(line->connection), "open a channel",
                               "amqp.lost") &&
                 use->opened(line);
    }
    mg_courier_blocks(line->amqp->courier, false);
    return opened;
}

/* Says farewell if the socket takes it at once, and ends the connection. */
static void disconnect(struct mg_line *line)
{
    if (!line->connection)
        return;
    struct pollfd place = {.fd = amqp_get_sockfd(line->connection), .events = POLLOUT};
    if (place.fd >= 0 && mg_courier_ends(line->amqp->courier) && poll(&place, 1, 0) == 1 &&
        place.revents == POLLOUT) {
        amqp_connection_close_t farewell = {.reply_code = AMQP_REPLY_SUCCESS,
                                            .reply_text = amqp_cstring_bytes("the gateway stops")};
        amqp_send_method(line->connection, 0, AMQP_CONNECTION_CLOSE_METHOD, &farewell);
    }
    mg_courier_breakable(line->amqp->courier, -1);
    amqp_destroy_connection(line->connection);
    line->connection = NULL;
}

/* ---- running ---- */

static bool take_frame(struct mg_line *line, const struct mg_line_use *use,
                       const amqp_frame_t *frame)
{
    if (frame->frame_type == AMQP_FRAME_METHOD &&
        frame->payload.method.id == AMQP_CONNECTION_CLOSE_METHOD)
        return connection_closed(line, frame->payload.method.decoded);
    if (frame->channel != MG_LINE_CHANNEL)
        return true; /* connection.blocked and the like */
    if (frame->frame_type == AMQP_FRAME_METHOD &&
        frame->payload.method.id == AMQP_CHANNEL_CLOSE_METHOD)
        return channel_closed(line, frame->payload.method.decoded, "go on", "amqp.missing");
    return use->frame(line, frame);
}

/* Takes all frames that are there, which sees to the heartbeat too; drained says whether it could.
 */
static bool take_frames(struct mg_line *line, const struct mg_line_use *use, bool *drained)
{
    const struct timeval none = {0};
    *drained = false;
    while (!use->full(line)) {
        amqp_frame_t frame;
        int status = amqp_simple_wait_frame_noblock(line->connection, &frame, &none);
        if (status == AMQP_STATUS_TIMEOUT) {
            *drained = true;
            return true;
        }
        if (!mg_line_sent(line, status) || !take_frame(line, use, &frame))
            return false;
        amqp_maybe_release_buffers(line->connection);
    }
    return true;
}

/* Until the connection is lost or the courier ends. What the library has read already no poll would
 * tell of, so before a wait for the socket everything is taken. */
static void use_line(struct mg_line *line, const struct mg_line_use *use)
{
    struct mg_courier *courier = line->amqp->courier;
    while (!mg_courier_ends(courier)) {
        bool drained;
        mg_courier_open(courier);
        if (!take_frames(line, use, &drained) || !use->step(line))
            return;
        if (drained)
            mg_courier_wait(courier, amqp_get_sockfd(line->connection), POLLIN,
                            use->patience(line));
        else if (use->full(line))
            mg_courier_wait(courier, -1, 0, use->patience(line));
    }
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void pause_line(struct mg_line *line, const struct mg_line_use *use)
{
    struct mg_courier *courier = line->amqp->courier;
    int64_t until = now() + mg_broker_pause(++line->failures), rest;
    while (!mg_courier_ends(courier) && (rest = until - now()) > 0) {
        mg_courier_open(courier);
        use->lost(line);
        mg_courier_wait(courier, -1, 0, (int)rest);
    }
}

void mg_line_run(struct mg_line *line, const struct mg_line_use *use)
{
    struct mg_amqp *amqp = line->amqp;
    while (!mg_courier_ends(amqp->courier)) {
        if (connect_line(line, use)) {
            mg_broker_tell(amqp->courier, amqp->gateway, amqp->instance, NULL,
                           "The broker is there.");
            int64_t since = now();
            use_line(line, use);
            if (now() - since > LASTING)
                line->failures = 0;
        }
        if (!mg_courier_ends(amqp->courier))
            mg_broker_tell(amqp->courier, amqp->gateway, amqp->instance, line->code, line->text);
        use->lost(line);
        disconnect(line);
        pause_line(line, use);
    }
    disconnect(line);
}
