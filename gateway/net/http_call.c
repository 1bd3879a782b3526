#include "gateway/net/http_call.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the body asked for at once: a few TLS records. */
#define PIECE (32 * 1024)
/* Pieces handed over before others have their turn. */
#define PIECES_AT_ONCE 8
/* "00a000" CR LF in front of a chunk, CR LF behind it. */
#define CHUNK_BEGIN 8
#define CHUNK_END   2
/* Responses of 1xx before the final one. */
#define INTERIM_LIMIT 8
/* OpenSSL's reasons from here on are alerts that the peer sent (ssl.h: SSL_AD_REASON_OFFSET). */
#define FIRST_ALERT SSL_AD_REASON_OFFSET

/* ---- the end ---- */

/* After a complete response: the connection can serve the next call if both sides are in step. */
static bool can_keep(const struct mg_http_call *call)
{
    struct bufferevent *events_buffer = call->link->events_buffer;
    return call->sent && !call->stopped && !call->closes &&
           call->body.framing != MG_HTTP_UNTIL_CLOSE && !call->client->closing &&
           call->link->age == call->client->age &&
           evbuffer_get_length(bufferevent_get_input(events_buffer)) == 0 &&
           mg_outflow_waiting(events_buffer) == 0 &&
           call->link->requests < call->client->limits.requests;
}

static void release_link(struct mg_http_call *call, bool keep)
{
    struct mg_http_link *link = call->link;
    call->link = NULL;
    if (!link)
        return;
    if (!keep) {
        mg_link_close(link);
        return;
    }
    if (!call->reading)
        bufferevent_enable(link->events_buffer, EV_READ);
    mg_link_keep(link);
}

static void destroy(struct mg_http_call *call)
{
    mg_buffer_free(&call->head);
    free(call->peer);
    free(call);
}

void mg_call_finish(struct mg_http_call *call, const struct mg_error *error, bool told)
{
    if (call->ended)
        return;
    call->ended = true;
    if (call->dial)
        mg_dial_cancel(call->dial);
    call->dial = NULL;
    if (call->link)
        release_link(call, told && !error && can_keep(call));
    event_del(&call->begin);
    mg_deadline_end(&call->deadline);
    TAILQ_REMOVE(&call->client->calls, call, entry);
    if (told)
        call->events.on_done(call, error, call->context);
    if (!call->running)
        destroy(call);
}

static void fail(struct mg_http_call *call, const char *code, const char *text)
{
    struct mg_error error;
    mg_fail(&error, code, "%s: %s.", call->url.authority, text);
    mg_call_finish(call, &error, true);
}

/* ---- the request ---- */

/* How many bytes of the body the next piece may have; 0: no body is left. */
static size_t next_size(const struct mg_http_call *call)
{
    if (call->length < 0)
        return PIECE;
    int64_t left = call->length - call->offset;
    return left < PIECE ? (size_t)left : PIECE;
}

/* Has the caller write a piece of the body to bytes. Returns its size, or -1: the call has ended.
 */
static ssize_t ask_body(struct mg_http_call *call, char *bytes, size_t size)
{
    ssize_t written = call->events.on_body(call, call->offset, bytes, size, call->context);
    if (call->ended)
        return -1;
    if (written < 0 || (size_t)written > size) {
        fail(call, "net.cancelled", "the body of the request broke off");
        return -1;
    }
    if (written == 0 && call->length >= 0) {
        fail(call, "net.cancelled", "the body of the request ended before its announced length");
        return -1;
    }
    call->offset += written;
    return written;
}

/* The same as one chunk with its frame, or as the last, empty one. */
static ssize_t ask_chunk(struct mg_http_call *call, char *room, size_t size)
{
    static const char last[] = "0\r\n\r\n";
    char begin[CHUNK_BEGIN + 1];
    ssize_t written = ask_body(call, room + CHUNK_BEGIN, size);
    if (written < 0)
        return -1;
    if (written == 0) {
        call->sent = true;
        memcpy(room, last, sizeof last - 1);
        return sizeof last - 1;
    }
    snprintf(begin, sizeof begin, "%06x\r\n", (unsigned)written & 0xffffff);
    memcpy(room, begin, CHUNK_BEGIN);
    memcpy(room + CHUNK_BEGIN + written, "\r\n", CHUNK_END);
    return CHUNK_BEGIN + written + CHUNK_END;
}

/* Writes what comes next into room: the head, if it was not sent, and a piece of the body, so that
 * a small request is one TLS record. Returns the number of bytes, or -1: the call has ended. */
static ssize_t write_piece(struct mg_http_call *call, char *room, size_t size)
{
    ssize_t head = 0, piece = 0;
    if (!call->head_sent) {
        memcpy(room, call->head.data, call->head.length);
        head = (ssize_t)call->head.length;
    }
    if (size > 0)
        piece = call->length < 0 ? ask_chunk(call, room + head, size)
                                 : ask_body(call, room + head, size);
    if (piece < 0)
        return -1;
    call->head_sent = true;
    if (call->length >= 0)
        call->sent = call->offset == call->length;
    return head + piece;
}

/* Sends the next piece. False: the call has ended. */
static bool send_piece(struct mg_http_call *call)
{
    struct mg_buffer *text = &call->client->text;
    size_t size = next_size(call);
    mg_buffer_clear(text);
    char *room = mg_buffer_reserve(text, CHUNK_BEGIN + size + CHUNK_END + call->head.length);
    ssize_t written = write_piece(call, room, size);
    if (written < 0)
        return false;
    mg_outflow_send(call->link->events_buffer, call->link->ssl, room, (size_t)written);
    return true;
}

static void send_request(struct mg_http_call *call)
{
    struct bufferevent *events_buffer = call->link->events_buffer;
    int pieces = 0;
    while (!call->sent && !call->stopped &&
           mg_outflow_waiting(events_buffer) < call->client->limits.write_buffer) {
        if (pieces++ == PIECES_AT_ONCE) {
            bufferevent_trigger(events_buffer, EV_WRITE,
                                BEV_TRIG_DEFER_CALLBACKS | BEV_TRIG_IGNORE_WATERMARKS);
            return;
        }
        if (!send_piece(call))
            return;
    }
}

static void begin_request(struct mg_http_call *call)
{
    call->phase = MG_CALL_ASKS;
    call->reading = true;
    call->head_sent = call->sent = call->stopped = false;
    call->offset = 0;
    call->broken = 0;
    call->asked_at = 0;
    call->outflow = (struct mg_outflow){0};
    call->scanned = 0;
    call->link->requests++;
    mg_call_run(call);
}

/* ---- connecting ---- */

static void on_dialled(int socket, const struct mg_error *error, void *context)
{
    struct mg_http_call *call = context;
    call->dial = NULL;
    if (error) {
        mg_call_finish(call, error, true);
        return;
    }
    call->link = mg_link_new(call->client, socket, &call->url, call->url.secure, call->peer);
    call->link->call = call;
    call->kept = false;
    if (call->url.secure)
        call->phase = MG_CALL_SHAKES;
    else
        begin_request(call);
}

static void dial(struct mg_http_call *call)
{
    struct mg_http_client *client = call->client;
    char tunnel[MG_HOST_SIZE + 16];
    bool by_proxy = client->has_proxy && call->url.secure;
    const struct mg_url *next = by_proxy ? &client->proxy : &call->url;
    bool brackets = strchr(call->url.host, ':') != NULL;
    snprintf(tunnel, sizeof tunnel, "%s%s%s:%d", brackets ? "[" : "", call->url.host,
             brackets ? "]" : "", call->url.port);
    call->phase = MG_CALL_DIALS;
    call->connect_due = mg_net_now() + client->limits.connect_time;
    int64_t due = call->connect_due;
    if (call->whole_due && call->whole_due < due)
        due = call->whole_due;
    mg_deadline_set(&call->deadline, due);
    call->dial = mg_dial_new(&(struct mg_dial_options){.base = client->base,
                                                       .dns = client->dns,
                                                       .host = next->host,
                                                       .port = next->port,
                                                       .tunnel = by_proxy ? tunnel : NULL,
                                                       .time = client->limits.connect_time},
                             on_dialled, call);
    mg_dial_begin(call->dial);
}

void mg_call_on_begin(evutil_socket_t none, short what, void *context)
{
    struct mg_http_call *call = context;
    (void)none;
    (void)what;
    call->link = mg_link_take(call->client, call->peer);
    if (!call->link) {
        dial(call);
        return;
    }
    call->link->call = call;
    call->kept = true;
    begin_request(call);
}

/* ---- the response ---- */

static bool stop_with(struct mg_http_call *call, const char *text)
{
    fail(call, "net.malformed", text);
    return false;
}

/* How the body is framed (RFC 9112, section 6.3). False: the call has ended. */
static bool choose_framing(struct mg_http_call *call, const struct mg_http_parsed *parsed)
{
    int status = parsed->head.status;
    call->body = (struct mg_http_body){0};
    call->closes = parsed->closes;
    if (call->is_head || status == 204 || status == 304)
        return true;
    if (parsed->chunked) {
        call->body.framing = MG_HTTP_BY_CHUNKS;
    } else if (parsed->has_length) {
        if (parsed->head.length > call->response_limit)
            return stop_with(call, "the response is longer than allowed");
        call->body.left = parsed->head.length;
    } else if (parsed->closes) {
        call->body.framing = MG_HTTP_UNTIL_CLOSE;
    } else {
        return stop_with(call, "the response does not say where its body ends");
    }
    return true;
}

static bool take_head(struct mg_http_call *call, struct mg_http_parsed *parsed, size_t size)
{
    struct evbuffer *input = bufferevent_get_input(call->link->events_buffer);
    int64_t now = mg_net_now();
    int status = parsed->head.status;
    call->scanned = 0;
    if (status < 200) {
        if (status == 101 || ++call->interim > INTERIM_LIMIT)
            return stop_with(call, "the peer sends responses that nobody asked for");
        evbuffer_drain(input, size);
        return true;
    }
    if (!choose_framing(call, parsed))
        return false;
    if (call->body.framing == MG_HTTP_BY_LENGTH)
        parsed->head.length = call->body.left;
    /* The peer has made up its mind: the rest of the body is not wanted. */
    if (status >= 300 && !call->sent)
        call->stopped = true;
    call->phase = MG_CALL_RECEIVES;
    call->pace = (struct mg_pace){.begun = now, .last = now};
    call->paused_since = now;
    if (call->events.on_response)
        call->events.on_response(call, &parsed->head, call->context);
    if (call->ended)
        return false;
    evbuffer_drain(input, size);
    if (call->body.framing == MG_HTTP_BY_LENGTH && call->body.left == 0)
        mg_call_finish(call, NULL, true);
    return true;
}

static bool step_head(struct mg_http_call *call)
{
    struct mg_http_client *client = call->client;
    struct evbuffer *input = bufferevent_get_input(call->link->events_buffer);
    size_t length = evbuffer_get_length(input), size = 0;
    if (length == 0)
        return false;
    if (length > client->limits.head)
        length = client->limits.head;
    char *bytes = (char *)evbuffer_pullup(input, (ev_ssize_t)length);
    const struct mg_http_refusal *refusal = NULL;
    enum mg_http_progress progress =
        mg_http_head_end(bytes, length, client->limits.head, &call->scanned, &size, &refusal);
    if (progress == MG_HTTP_MORE)
        return false;
    struct mg_http_parsed parsed = {.headers = client->headers,
                                    .header_room = client->limits.headers};
    if (progress == MG_HTTP_WRONG || !mg_http_parse_response(&parsed, bytes, size))
        return stop_with(call, "the head of the response is malformed or too large");
    return take_head(call, &parsed, size);
}

static bool step_body(struct mg_http_call *call)
{
    struct evbuffer *input = bufferevent_get_input(call->link->events_buffer);
    struct evbuffer_iovec bytes = {0};
    if (call->paused || evbuffer_get_length(input) == 0)
        return false;
    evbuffer_peek(input, -1, NULL, &bytes, 1);
    struct mg_http_piece piece;
    const struct mg_http_refusal *refusal = NULL;
    enum mg_http_progress progress =
        mg_http_body_read(&call->body, bytes.iov_base, bytes.iov_len, &piece, &refusal);
    if (progress == MG_HTTP_WRONG)
        return stop_with(call, "the chunked body of the response is malformed");
    call->pace.last = mg_net_now();
    call->pace.received += (int64_t)piece.length;
    if (call->pace.received > call->response_limit)
        return stop_with(call, "the response is longer than allowed");
    if (piece.length > 0 && call->events.on_data)
        call->events.on_data(call, piece.data, piece.length, call->context);
    if (call->ended)
        return false;
    evbuffer_drain(input, piece.used);
    if (progress == MG_HTTP_READY)
        mg_call_finish(call, NULL, true);
    return true;
}

/* ---- running ---- */

static bool step(struct mg_http_call *call)
{
    if (call->phase == MG_CALL_ASKS)
        return step_head(call);
    if (call->phase == MG_CALL_RECEIVES)
        return step_body(call);
    return false;
}

/* By when the call has to get on. */
static int64_t phase_due(struct mg_http_call *call)
{
    const struct mg_http_limits *limits = &call->client->limits;
    if (call->phase == MG_CALL_DIALS || call->phase == MG_CALL_SHAKES)
        return call->connect_due;
    int64_t write = mg_outflow_due(&call->outflow, call->link->events_buffer, call->link->ssl,
                                   limits->write_pause);
    if (write && !call->stopped)
        return write;
    if (call->phase == MG_CALL_RECEIVES)
        return call->paused ? 0 : mg_pace_due(&call->pace, limits);
    if (call->asked_at == 0)
        call->asked_at = mg_net_now();
    return call->asked_at + limits->response_time;
}

void mg_call_settle(struct mg_http_call *call)
{
    int64_t due = phase_due(call);
    if (call->whole_due && (due == 0 || call->whole_due < due))
        due = call->whole_due;
    mg_deadline_set(&call->deadline, due);
    bool reading = !call->paused || call->phase == MG_CALL_ASKS;
    if (call->phase < MG_CALL_ASKS || reading == call->reading)
        return;
    call->reading = reading;
    if (reading)
        bufferevent_enable(call->link->events_buffer, EV_READ);
    else
        bufferevent_disable(call->link->events_buffer, EV_READ);
}

static void on_broken(struct mg_http_call *call, short what);

void mg_call_run(struct mg_http_call *call)
{
    if (call->running) {
        call->again = true;
        return;
    }
    call->running = true;
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): who ends a running call marks it, and no more */
    do {
        call->again = false;
        while (!call->ended && step(call))
            ;
        if (!call->ended && call->phase >= MG_CALL_ASKS)
            send_request(call);
        if (!call->ended && call->broken && !call->paused)
            on_broken(call, call->broken);
    } while (call->again && !call->ended);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    call->running = false;
    ERR_clear_error();
    if (call->ended)
        destroy(call);
    else
        mg_call_settle(call);
}

/* ---- what goes wrong ---- */

static const char *openssl_reason(unsigned long number)
{
    const char *reason = number ? ERR_reason_error_string(number) : NULL;
    return reason ? reason : "the peer broke off the handshake";
}

static void fail_handshake(struct mg_http_call *call)
{
    long verified = SSL_get_verify_result(call->link->ssl);
    unsigned long number = bufferevent_get_openssl_error(call->link->events_buffer);
    if (verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH)
        fail(call, "net.host-name", "the peer's certificate is not made for this host");
    else if (verified != X509_V_OK)
        fail(call, "net.tls", X509_verify_cert_error_string(verified));
    else
        fail(call, "net.tls", openssl_reason(number));
}

/* A kept connection that the peer has closed meanwhile: the call begins again on a new one. */
static bool replace(struct mg_http_call *call)
{
    struct evbuffer *input = bufferevent_get_input(call->link->events_buffer);
    if (!call->kept || call->replaced || call->phase != MG_CALL_ASKS || call->interim > 0 ||
        evbuffer_get_length(input) > 0)
        return false;
    call->replaced = true;
    release_link(call, false);
    dial(call);
    return true;
}

static void on_broken(struct mg_http_call *call, short what)
{
    unsigned long number =
        call->link->ssl ? bufferevent_get_openssl_error(call->link->events_buffer) : 0;
    bool alert = ERR_GET_LIB(number) == ERR_LIB_SSL && ERR_GET_REASON(number) >= FIRST_ALERT;
    if (call->phase == MG_CALL_RECEIVES && call->body.framing == MG_HTTP_UNTIL_CLOSE &&
        (what & BEV_EVENT_EOF))
        mg_call_finish(call, NULL, true);
    else if (replace(call))
        return;
    else if (alert) /* in TLS 1.3 a server refuses the client's certificate as late as this */
        fail(call, "net.tls", openssl_reason(number));
    else if (call->phase == MG_CALL_RECEIVES)
        fail(call, "net.closed", "the connection was closed before the response was complete");
    else
        fail(call, "net.closed", "the connection was closed before a response came");
}

void mg_call_on_event(struct mg_http_call *call, short what)
{
    if (what & BEV_EVENT_CONNECTED) {
        begin_request(call);
    } else if (call->phase == MG_CALL_SHAKES) {
        fail_handshake(call);
    } else if ((what & BEV_EVENT_WRITING) && !call->stopped) {
        /* The peer takes no more; but it may have said why, and that is still to be read. */
        call->stopped = true;
        call->reading = true;
        bufferevent_enable(call->link->events_buffer, EV_READ);
        mg_call_settle(call);
    } else {
        /* What came before is still looked at, as soon as the caller wants it. */
        call->broken = what;
        mg_call_run(call);
    }
}

void mg_call_on_deadline(void *context)
{
    static const char *const reasons[] = {
        [MG_CALL_BEGINS] = "the call did not begin in time",
        [MG_CALL_DIALS] = "no connection in time",
        [MG_CALL_SHAKES] = "the TLS handshake took too long",
        [MG_CALL_ASKS] = "the request was not taken or not answered in time",
        [MG_CALL_RECEIVES] = "the response did not come in time",
    };
    struct mg_http_call *call = context;
    int64_t due = call->phase == MG_CALL_BEGINS ? 0 : phase_due(call), now = mg_net_now();
    bool whole = call->whole_due && call->whole_due <= now;
    if (whole || (due && due <= now))
        fail(call, "net.timeout",
             whole ? "the time for the whole call is over" : reasons[call->phase]);
    else
        mg_call_settle(call);
}
