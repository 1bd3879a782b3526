/* http_ending: how a connection of a server ends, so that the client can read why. */
#include "gateway/net/http_connection.h"

#include <event2/buffer.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long and how much a lingering connection may still send (RFC 9112, section 9.6, asks for such
 * a bounded wait: closing at once with bytes unread would reset the connection, and the reset can
 * overtake the answer). */
#define LINGER_TIME  2000
#define LINGER_BYTES (4 * 1024 * 1024)

/* A place among the handshakes becomes free. */
static void leave_phase(struct mg_http_request *connection)
{
    if (connection->phase != MG_SHAKING)
        return;
    connection->server->shaking_count--;
    mg_server_shake_next(connection->server);
}

static void destroy(struct mg_http_request *connection)
{
    struct mg_http_server *server = connection->server;
    mg_deadline_end(&connection->deadline);
    mg_connection_unwatch(connection);
    if (connection->release)
        connection->release(connection->value);
    if (connection->events_buffer)
        bufferevent_free(connection->events_buffer);
    else
        close(connection->socket);
    leave_phase(connection);
    mg_server_move(connection, NULL);
    mg_tls_peer_release(connection->certificate);
    free(connection);
    mg_server_connection_gone(server);
}

void mg_connection_end(struct mg_http_request *connection)
{
    if (connection->running)
        connection->ended = true;
    else
        destroy(connection);
}

static void abort_request(struct mg_http_request *connection)
{
    bool told = connection->phase == MG_REQUEST && connection->taken && !connection->answered;
    connection->answered = true;
    if (told && connection->events.on_abort)
        connection->events.on_abort(connection, connection->context);
}

void mg_connection_break(struct mg_http_request *connection)
{
    abort_request(connection);
    mg_connection_end(connection);
}

void mg_http_request_break(struct mg_http_request *request)
{
    request->answered = true;
    mg_connection_end(request);
}

static void say_goodbye(struct mg_http_request *connection)
{
    if (!connection->ssl || !SSL_is_init_finished(connection->ssl))
        return;
    SSL_shutdown(connection->ssl);
    ERR_clear_error();
}

void mg_connection_close(struct mg_http_request *connection)
{
    say_goodbye(connection);
    mg_connection_end(connection);
}

static void on_lingering(evutil_socket_t socket, short what, void *context)
{
    struct mg_http_request *connection = context;
    char bytes[16 * 1024];
    (void)what;
    ssize_t received = recv(socket, bytes, sizeof bytes, MSG_DONTWAIT);
    if (received > 0)
        connection->discarded += (size_t)received;
    if (received <= 0 || connection->discarded > LINGER_BYTES)
        mg_connection_end(connection);
}

void mg_connection_linger(struct mg_http_request *connection, bool orderly)
{
    if (orderly)
        say_goodbye(connection);
    shutdown(connection->socket, SHUT_WR);
    bufferevent_disable(connection->events_buffer, EV_READ | EV_WRITE);
    connection->reading = false;
    /* What was decrypted and not used is of no use any more. */
    struct evbuffer *input = bufferevent_get_input(connection->events_buffer);
    evbuffer_drain(input, evbuffer_get_length(input));
    leave_phase(connection);
    connection->phase = MG_LINGERING;
    connection->discarded = 0;
    connection->since = mg_net_now();
    mg_connection_watch(connection, EV_READ | EV_PERSIST, on_lingering);
    mg_deadline_set(&connection->deadline, connection->since + LINGER_TIME);
}

void mg_http_request_answer_problem(struct mg_http_request *request, int status, const char *code,
                                    const char *detail)
{
    static const struct mg_http_header header = {"Content-Type", "application/problem+json"};
    struct mg_buffer problem = {0};
    mg_buffer_print(&problem,
                    "{\"type\":\"urn:muengsten:error:%s\",\"title\":\"%s\",\"status\":%d,"
                    "\"code\":\"%s\",\"detail\":\"",
                    code, mg_http_reason(status), status, code);
    mg_buffer_add_json(&problem, detail);
    mg_buffer_add_text(&problem, "\"}\n");
    mg_http_request_answer(request, status, &header, 1, problem.data, problem.length);
    mg_buffer_free(&problem);
}

void mg_connection_refuse(struct mg_http_request *connection, const struct mg_http_refusal *refusal)
{
    mg_server_log_refusal(connection->server, "http.refused", connection->peer, "code",
                          refusal->code);
    bool may_answer = !connection->answering;
    abort_request(connection);
    if (!may_answer) {
        mg_connection_end(connection);
        return;
    }
    connection->phase = MG_REQUEST;
    connection->is_head = false;
    connection->closes = true;
    connection->answered = false;
    mg_http_request_answer_problem(connection, refusal->status, refusal->code, refusal->detail);
    connection->phase = MG_CLOSING;
    connection->body_done = false;
}
