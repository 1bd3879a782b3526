#include "gateway/net/http_connection.h"

#include <arpa/inet.h>
#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Bytes of a plain answer that are written at once, if the system takes them. */
#define SINGLE_WRITE (1024 * 1024)

static struct evbuffer *input_of(const struct mg_http_request *connection)
{
    return bufferevent_get_input(connection->events_buffer);
}

/* ---- deadlines ---- */

/* By when the peer has to take the next byte of an answer; 0: nothing waits. */
static int64_t write_due(struct mg_http_request *connection)
{
    if (!connection->events_buffer)
        return 0;
    return mg_outflow_due(&connection->outflow, connection->events_buffer, connection->ssl,
                          connection->server->limits.write_pause);
}

/* By when the phase has to get on; 0: it may last. */
static int64_t phase_due(const struct mg_http_request *connection)
{
    const struct mg_http_limits *limits = &connection->server->limits;
    switch (connection->phase) {
    case MG_SILENT:
    case MG_SHAKING:
        return connection->since + limits->handshake_time;
    case MG_HEAD:
        return connection->since + (connection->head_begun ? limits->head_time : limits->idle_time);
    case MG_REQUEST:
        if (connection->body_done || (connection->paused && !connection->answered))
            return 0;
        return mg_pace_due(&connection->pace, limits);
    default:
        return 0;
    }
}

static void set_deadline(struct mg_http_request *connection)
{
    int64_t due = phase_due(connection);
    int64_t write = write_due(connection);
    /* While an answer waits to be taken, the next request is not looked at. */
    if (write && (due == 0 || write < due || connection->phase == MG_HEAD))
        due = write;
    mg_deadline_set(&connection->deadline, due);
}

static void handle_deadline(struct mg_http_request *connection)
{
    int64_t now = mg_net_now();
    int64_t write = write_due(connection);
    int64_t due = phase_due(connection);
    if (write && write <= now)
        mg_connection_break(connection);
    else if (due == 0 || due > now || (write && connection->phase == MG_HEAD))
        return;
    else if (connection->phase == MG_SHAKING) {
        mg_server_log_refusal(connection->server, "tls.refused", connection->peer, "reason",
                              "the handshake took too long");
        mg_connection_end(connection);
    } else if (connection->phase == MG_SILENT)
        mg_connection_end(connection);
    else if (connection->phase == MG_HEAD && connection->head_begun)
        mg_connection_refuse(connection, &mg_http_head_too_slow);
    else if (connection->phase == MG_HEAD)
        mg_connection_close(connection);
    else if (connection->answered)
        mg_connection_end(connection);
    else
        mg_connection_refuse(connection, &mg_http_body_too_slow);
}

static void on_deadline(void *context)
{
    struct mg_http_request *connection = context;
    if (connection->phase == MG_LINGERING) {
        mg_connection_end(connection);
        return;
    }
    connection->running = true;
    handle_deadline(connection);
    connection->running = false;
    mg_connection_run(connection);
}

/* ---- heads ---- */

static void reset_request(struct mg_http_request *connection)
{
    connection->events = (struct mg_http_request_events){0};
    connection->context = NULL;
    connection->body = (struct mg_http_body){0};
    connection->discarded = 0;
    connection->taken = connection->paused = connection->expects_continue = false;
    connection->body_done = connection->answering = connection->answered = false;
    connection->in_chunks = connection->bodiless = connection->is_head = false;
    connection->old_version = connection->closes = false;
}

static void begin_request(struct mg_http_request *connection, const struct mg_http_parsed *parsed)
{
    int64_t now = mg_net_now();
    reset_request(connection);
    connection->phase = MG_REQUEST;
    connection->requests++;
    connection->scanned = 0;
    connection->head_begun = false;
    connection->closes = parsed->closes;
    connection->old_version = parsed->minor == 0;
    connection->is_head = strcmp(parsed->head.method, "HEAD") == 0;
    connection->expects_continue = parsed->head.expects_continue && parsed->head.length != 0;
    connection->body.framing = parsed->chunked ? MG_HTTP_BY_CHUNKS : MG_HTTP_BY_LENGTH;
    connection->body.left = parsed->chunked ? 0 : parsed->head.length;
    connection->body_done = parsed->head.length == 0;
    connection->body_limit = connection->server->limits.body;
    connection->pace = (struct mg_pace){.begun = now, .last = now};
}

/* After the handler has seen the head: it took the request or has answered. */
static void follow_head(struct mg_http_request *connection)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    assert(connection->taken || connection->answering);
    if (connection->answered || connection->ended)
        return;
    if (connection->body.framing == MG_HTTP_BY_LENGTH &&
        connection->body.left > connection->body_limit) {
        mg_connection_refuse(connection, &mg_http_body_too_large);
        return;
    }
    if (connection->expects_continue && !connection->answering &&
        evbuffer_get_length(input_of(connection)) == 0)
        evbuffer_add(bufferevent_get_output(connection->events_buffer), go_on, sizeof go_on - 1);
    connection->expects_continue = false;
    if (connection->body_done && connection->events.on_end)
        connection->events.on_end(connection, connection->context);
}

static bool step_head(struct mg_http_request *connection)
{
    struct mg_http_server *server = connection->server;
    struct evbuffer *input = input_of(connection);
    size_t length = evbuffer_get_length(input), size = 0;
    /* Whoever does not take answers gets no further ones, however many requests wait. */
    if (mg_outflow_waiting(connection->events_buffer) > 0)
        return false;
    if (length == 0) {
        if (server->stopping)
            mg_connection_close(connection);
        return false;
    }
    if (!connection->head_begun) {
        connection->head_begun = true;
        connection->since = mg_net_now();
    }
    if (length > server->limits.head)
        length = server->limits.head;
    char *bytes = (char *)evbuffer_pullup(input, (ev_ssize_t)length);
    const struct mg_http_refusal *refusal = NULL;
    enum mg_http_progress progress =
        mg_http_head_end(bytes, length, server->limits.head, &connection->scanned, &size, &refusal);
    if (progress == MG_HTTP_MORE)
        return false;
    struct mg_http_parsed parsed = {.headers = server->headers,
                                    .header_room = server->limits.headers};
    if (progress == MG_HTTP_READY && mg_http_parse_request(&parsed, bytes, size)) {
        begin_request(connection, &parsed);
        if (parsed.other_expectation)
            refusal = &mg_http_other_expectation;
        else
            server->handler.on_head(connection, &parsed.head, server->context);
        evbuffer_drain(input, size);
    } else if (progress == MG_HTTP_READY) {
        refusal = parsed.refusal;
    }
    if (refusal)
        mg_connection_refuse(connection, refusal);
    else
        follow_head(connection);
    return true;
}

/* ---- bodies ---- */

/* A piece of the body. False: the rest is not wanted. */
static bool take_piece(struct mg_http_request *connection, const struct mg_http_piece *piece)
{
    connection->pace.last = mg_net_now();
    connection->pace.received += (int64_t)piece->length;
    if (connection->answered) {
        connection->discarded += piece->used;
        return connection->discarded <= MG_HTTP_DISCARD_LIMIT;
    }
    if (connection->pace.received > connection->body_limit) {
        mg_connection_refuse(connection, &mg_http_body_too_large);
        return false;
    }
    if (piece->length > 0 && connection->events.on_data)
        connection->events.on_data(connection, piece->data, piece->length, connection->context);
    return true;
}

static bool step_body(struct mg_http_request *connection)
{
    struct evbuffer *input = input_of(connection);
    struct evbuffer_iovec bytes = {0};
    if (evbuffer_get_length(input) == 0)
        return false;
    evbuffer_peek(input, -1, NULL, &bytes, 1);
    struct mg_http_piece piece;
    const struct mg_http_refusal *refusal = NULL;
    enum mg_http_progress progress =
        mg_http_body_read(&connection->body, bytes.iov_base, bytes.iov_len, &piece, &refusal);
    if (progress == MG_HTTP_WRONG && connection->answered) {
        connection->phase = MG_CLOSING;
        return true;
    }
    if (progress == MG_HTTP_WRONG) {
        mg_connection_refuse(connection, refusal);
        return true;
    }
    bool wanted = take_piece(connection, &piece);
    evbuffer_drain(input, piece.used);
    if (!wanted) {
        connection->phase = MG_CLOSING;
        return true;
    }
    if (progress == MG_HTTP_READY) {
        connection->body_done = true;
        if (!connection->answered && connection->events.on_end)
            connection->events.on_end(connection, connection->context);
    }
    return true;
}

/* Waits for the next request. */
static void become_idle(struct mg_http_request *connection)
{
    connection->phase = MG_HEAD;
    connection->since = mg_net_now();
}

static bool step_request(struct mg_http_request *connection)
{
    if (connection->answered && (connection->body_done || connection->closes)) {
        if (connection->closes) {
            connection->phase = MG_CLOSING;
            return true;
        }
        reset_request(connection);
        become_idle(connection);
        return true;
    }
    if (!connection->body_done && (!connection->paused || connection->answered))
        return step_body(connection);
    return false;
}

static bool step_closing(struct mg_http_request *connection)
{
    if (mg_outflow_waiting(connection->events_buffer) > 0)
        return false;
    if (connection->body_done && evbuffer_get_length(input_of(connection)) == 0)
        mg_connection_close(connection);
    else
        mg_connection_linger(connection, true);
    return false;
}

/* ---- running ---- */

static bool step(struct mg_http_request *connection)
{
    switch (connection->phase) {
    case MG_HEAD:
        return step_head(connection);
    case MG_REQUEST:
        return step_request(connection);
    case MG_CLOSING:
        return step_closing(connection);
    default:
        return false;
    }
}

static bool wants_to_read(const struct mg_http_request *connection)
{
    size_t length = evbuffer_get_length(input_of(connection));
    switch (connection->phase) {
    case MG_HEAD:
        /* Bytes of a head are only left lying while the answer before it is not taken. */
        return length == 0 || mg_outflow_waiting(connection->events_buffer) == 0;
    case MG_REQUEST:
        /* With the body done, reading goes on to notice that the peer is gone; requests that follow
         * too early wait in the socket. */
        if (connection->body_done)
            return length == 0;
        return !connection->paused || connection->answered;
    default:
        return false;
    }
}

static void tell_libevent(struct mg_http_request *connection)
{
    if (connection->phase < MG_HEAD || connection->phase == MG_LINGERING)
        return;
    bool reading = wants_to_read(connection);
    if (reading != connection->reading && reading)
        bufferevent_enable(connection->events_buffer, EV_READ);
    else if (reading != connection->reading)
        bufferevent_disable(connection->events_buffer, EV_READ);
    connection->reading = reading;
}

void mg_connection_run(struct mg_http_request *connection)
{
    if (connection->running) {
        connection->again = true;
        return;
    }
    connection->running = true;
    do {
        connection->again = false;
        while (!connection->ended && step(connection))
            ;
    } while (connection->again && !connection->ended);
    connection->running = false;
    /* What handlers left in OpenSSL's queue of errors would be taken for the connection's. */
    ERR_clear_error();
    if (connection->ended) {
        mg_connection_end(connection);
    } else if (connection->phase != MG_LINGERING) {
        tell_libevent(connection);
        set_deadline(connection);
    }
}

void mg_connection_run_soon(struct mg_http_request *connection)
{
    if (connection->running)
        connection->again = true;
    else
        bufferevent_trigger(connection->events_buffer, EV_READ,
                            BEV_TRIG_DEFER_CALLBACKS | BEV_TRIG_IGNORE_WATERMARKS);
}

/* ---- events ---- */

static void on_readable(struct bufferevent *events_buffer, void *context)
{
    struct mg_http_request *connection = context;
    (void)events_buffer;
    mg_connection_run(connection);
}

static void on_written(struct bufferevent *events_buffer, void *context)
{
    struct mg_http_request *connection = context;
    (void)events_buffer;
    connection->running = true;
    if (connection->phase == MG_REQUEST && connection->answering && !connection->answered &&
        connection->events.on_writable)
        connection->events.on_writable(connection, connection->context);
    connection->running = false;
    mg_connection_run(connection);
}

static void refuse_handshake(struct mg_http_request *connection)
{
    long verified = SSL_get_verify_result(connection->ssl);
    unsigned long number = bufferevent_get_openssl_error(connection->events_buffer);
    const char *reason = number ? ERR_reason_error_string(number) : NULL;
    if (verified != X509_V_OK)
        reason = X509_verify_cert_error_string(verified);
    mg_server_log_refusal(connection->server, "tls.refused", connection->peer, "reason",
                          reason ? reason : "the client broke off the handshake");
    /* Whoever merely looks whether somebody listens is nobody's concern. */
    struct mg_http_server *server = connection->server;
    if (reason && server->handler.on_stranger)
        server->handler.on_stranger(connection->peer, server->context);
    /* In TLS 1.3 the client may have sent its request already, before it can know that its
     * certificate is not accepted: it shall read the alert and not a reset. */
    mg_connection_linger(connection, false);
}

/* Makes an EVP_PKEY empty, and gives back the reference to it. */
static void empty_key(EVP_PKEY *key)
{
    EVP_PKEY_set_type(key, EVP_PKEY_EC);
    EVP_PKEY_free(key);
}

/* The ephemeral keys have done their work with the handshake. OpenSSL would keep both as long as
 * the connection, which is bad for secrecy, and with 4 KB for memory. */
static void forget_ephemeral_keys(SSL *ssl)
{
    EVP_PKEY *key = NULL;
    if (SSL_get_peer_tmp_key(ssl, &key) == 1)
        empty_key(key);
    if (SSL_get_tmp_key(ssl, &key) == 1)
        empty_key(key);
}

static void on_event(struct bufferevent *events_buffer, short what, void *context)
{
    struct mg_http_request *connection = context;
    (void)events_buffer;
    if (what & BEV_EVENT_CONNECTED) {
        connection->server->shaking_count--;
        forget_ephemeral_keys(connection->ssl);
        connection->certificate = mg_tls_peer_hold(connection->ssl);
        become_idle(connection);
        mg_connection_run(connection);
        mg_server_shake_next(connection->server);
    } else if (connection->phase == MG_SHAKING) {
        refuse_handshake(connection);
    } else if (connection->phase != MG_LINGERING) {
        mg_connection_break(connection);
    }
    ERR_clear_error();
}

/* Now that the peer has something to say, TLS (or, on a plain listener, HTTP) begins. */
static void equip(struct mg_http_request *connection)
{
    struct mg_http_server *server = connection->server;
    int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
    if (server->tls) {
        connection->ssl = SSL_new(server->tls);
        if (!connection->ssl)
            mg_die("no memory for a TLS connection");
        connection->events_buffer = bufferevent_openssl_socket_new(
            server->base, connection->socket, connection->ssl, BUFFEREVENT_SSL_ACCEPTING, options);
    } else {
        connection->events_buffer =
            bufferevent_socket_new(server->base, connection->socket, options);
        /* libevent would write 16 KiB in each turn of the loop. */
        bufferevent_set_max_single_write(connection->events_buffer, SINGLE_WRITE);
    }
    if (!connection->events_buffer)
        mg_die("no memory for a connection");
    bufferevent_setcb(connection->events_buffer, on_readable, on_written, on_event, connection);
    bufferevent_enable(connection->events_buffer, EV_READ | EV_WRITE);
    connection->reading = true;
    if (server->tls) {
        connection->phase = MG_SHAKING;
        server->shaking_count++;
        bufferevent_openssl_set_allow_dirty_shutdown(connection->events_buffer, 1);
    } else {
        become_idle(connection);
    }
    mg_connection_run(connection);
}

void mg_connection_greet(struct mg_http_request *connection)
{
    struct mg_http_server *server = connection->server;
    bool now = !server->tls || mg_server_may_shake(server);
    mg_connection_unwatch(connection);
    mg_server_move(connection, now ? &server->others : &server->waiting);
    if (now)
        equip(connection);
}

void mg_connection_watch(struct mg_http_request *connection, short what, event_callback_fn on_ready)
{
    connection->raw =
        event_new(connection->server->base, connection->socket, what, on_ready, connection);
    if (!connection->raw || event_add(connection->raw, NULL) != 0)
        mg_die("the event loop takes no socket");
}

void mg_connection_unwatch(struct mg_http_request *connection)
{
    if (connection->raw)
        event_free(connection->raw);
    connection->raw = NULL;
}

static void on_first_byte(evutil_socket_t socket, short what, void *context)
{
    struct mg_http_request *connection = context;
    char byte;
    (void)what;
    if (recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
        mg_connection_end(connection);
    else
        mg_connection_greet(connection);
}

static void write_peer(const struct sockaddr *address, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        snprintf(text, size, "%s:%d", host, ntohs(four->sin_port));
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        snprintf(text, size, "[%s]:%d", host, ntohs(six->sin6_port));
    } else {
        snprintf(text, size, "local");
    }
}

void mg_connection_new(struct mg_http_server *server, evutil_socket_t socket,
                       const struct sockaddr *address)
{
    struct mg_http_request *connection = mg_allocate_zeroed(1, sizeof *connection);
    int on = 1;
    connection->server = server;
    connection->socket = socket;
    connection->phase = MG_SILENT;
    connection->since = mg_net_now();
    write_peer(address, connection->peer, sizeof connection->peer);
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    mg_server_move(connection, &server->others);
    server->count++;
    mg_deadline_begin(&connection->deadline, server->base, on_deadline, connection);
    mg_connection_watch(connection, EV_READ, on_first_byte);
    set_deadline(connection);
}

/* ---- requests, as handlers see them ---- */

void mg_http_request_take(struct mg_http_request *request,
                          const struct mg_http_request_events *events, int64_t limit, void *context)
{
    assert(request->phase == MG_REQUEST && !request->taken && !request->answering);
    request->taken = true;
    request->events = *events;
    request->context = context;
    if (limit >= 0 && limit < request->body_limit)
        request->body_limit = limit;
}

void mg_http_request_pause(struct mg_http_request *request)
{
    if (request->paused)
        return;
    request->paused = true;
    request->paused_since = mg_net_now();
    if (!request->running)
        mg_connection_run(request);
}

void mg_http_request_resume(struct mg_http_request *request)
{
    if (!request->paused)
        return;
    /* The time in which nobody wanted to read is not the client's. */
    int64_t now = mg_net_now();
    request->paused = false;
    request->pace.begun += now - request->paused_since;
    request->pace.last = now;
    mg_connection_run_soon(request);
}
