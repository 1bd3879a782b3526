/* http_answer: what a server sends. */
#include "gateway/net/http_connection.h"

#include "gateway/base/clock.h"

#include <assert.h>
#include <event2/buffer.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

/* The text that is kept from answer to answer. */
#define KEPT_TEXT (64 * 1024)

static void send_bytes(struct mg_http_request *connection, const void *bytes, size_t length)
{
    mg_outflow_send(connection->events_buffer, connection->ssl, bytes, length);
}

/* Pieces of an answer go by the bufferevent, so that a handler which writes until it is told to
 * pause does not keep the loop for itself. */
static void send_piece(struct mg_http_request *connection, const void *bytes, size_t length)
{
    ERR_clear_error();
    if (evbuffer_add(bufferevent_get_output(connection->events_buffer), bytes, length) != 0)
        mg_die("no memory for %zu bytes of an answer", length);
}

static const char *date(struct mg_http_server *server)
{
    time_t second = (time_t)(mg_clock_now() / 1000);
    if (second != server->date_second) {
        server->date_second = second;
        mg_http_date(server->date);
    }
    return server->date;
}

/* Header values may come from far away: what could end a line becomes a space, and what is no name
 * of a header is left out. */
static void add_header(struct mg_buffer *text, const struct mg_http_header *header)
{
    if (!mg_http_is_token(header->name))
        return;
    mg_buffer_add_text(text, header->name);
    mg_buffer_add_text(text, ": ");
    size_t length = strlen(header->value);
    char *value = mg_buffer_reserve(text, length);
    for (size_t i = 0; i < length; i++) {
        unsigned char letter = (unsigned char)header->value[i];
        value[i] = letter < ' ' || letter == 0x7f ? ' ' : (char)letter;
    }
    mg_buffer_used(text, length);
    mg_buffer_add_text(text, "\r\n");
}

/* The head into the server's text; framing is the header line for it, or empty. */
static void write_head(struct mg_http_request *connection, int status,
                       const struct mg_http_header *headers, size_t header_count,
                       const char *framing)
{
    struct mg_http_server *server = connection->server;
    struct mg_buffer *text = &server->text;
    mg_buffer_clear(text);
    mg_buffer_print(text, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, mg_http_reason(status),
                    date(server));
    for (size_t i = 0; i < header_count; i++)
        add_header(text, &headers[i]);
    mg_buffer_add_text(text, framing);
    mg_buffer_add_text(text, connection->closes ? "Connection: close\r\n\r\n" : "\r\n");
}

/* Whether what is left of the body can be read over, so that the connection can be kept. */
static bool body_is_short(const struct mg_http_request *connection)
{
    /* A client that was not told to continue may send the body or not: there is no telling where
     * its next request begins. */
    if (connection->body_done)
        return true;
    if (connection->expects_continue)
        return false;
    return connection->body.framing == MG_HTTP_BY_CHUNKS ||
           connection->body.left <= MG_HTTP_DISCARD_LIMIT;
}

static void begin_answer(struct mg_http_request *connection, int status)
{
    assert(connection->phase == MG_REQUEST && !connection->answering && !connection->answered);
    connection->answering = true;
    connection->bodiless = connection->is_head || status == 204 || status == 304;
    if (connection->server->stopping ||
        connection->requests >= connection->server->limits.requests || !body_is_short(connection))
        connection->closes = true;
}

void mg_http_request_answer(struct mg_http_request *request, int status,
                            const struct mg_http_header *headers, size_t header_count,
                            const void *body, size_t length)
{
    struct mg_buffer *text = &request->server->text;
    char framing[48] = "";
    begin_answer(request, status);
    if (status != 204 && status != 304)
        snprintf(framing, sizeof framing, "Content-Length: %zu\r\n", length);
    write_head(request, status, headers, header_count, framing);
    if (!request->bodiless)
        mg_buffer_add(text, body, length);
    send_bytes(request, text->data, text->length);
    if (text->length > KEPT_TEXT)
        mg_buffer_free(text);
    request->answered = true;
    mg_connection_run_soon(request);
}

void mg_http_request_answer_begin(struct mg_http_request *request, int status,
                                  const struct mg_http_header *headers, size_t header_count)
{
    struct mg_buffer *text = &request->server->text;
    begin_answer(request, status);
    request->in_chunks = !request->bodiless && !request->old_version;
    write_head(request, status, headers, header_count,
               request->in_chunks ? "Transfer-Encoding: chunked\r\n" : "");
    bufferevent_setwatermark(request->events_buffer, EV_WRITE,
                             request->server->limits.write_buffer / 2, 0);
    send_piece(request, text->data, text->length);
    mg_connection_run_soon(request);
}

bool mg_http_request_answer_write(struct mg_http_request *request, const void *bytes, size_t length)
{
    struct mg_buffer *text = &request->server->text;
    assert(request->answering && !request->answered);
    if (length > 0 && !request->bodiless) {
        mg_buffer_clear(text);
        if (request->in_chunks)
            mg_buffer_print(text, "%zx\r\n", length);
        mg_buffer_add(text, bytes, length);
        if (request->in_chunks)
            mg_buffer_add_text(text, "\r\n");
        send_piece(request, text->data, text->length);
        mg_connection_run_soon(request);
    }
    return mg_outflow_waiting(request->events_buffer) <= request->server->limits.write_buffer;
}

void mg_http_request_answer_end(struct mg_http_request *request)
{
    static const char last[] = "0\r\n\r\n";
    assert(request->answering && !request->answered);
    if (request->in_chunks)
        send_piece(request, last, sizeof last - 1);
    bufferevent_setwatermark(request->events_buffer, EV_WRITE, 0, 0);
    if (!request->body_done && !body_is_short(request))
        request->closes = true;
    request->answered = true;
    mg_connection_run_soon(request);
}

void mg_http_request_close_after(struct mg_http_request *request)
{
    request->closes = true;
}
