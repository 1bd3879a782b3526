#include "tools/control/client.h"

#include "config.h"
#include "gateway/net/http_parser.h"
#include "tools/control/say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD_LIMIT 65536
#define HEADERS    64
#define BODY_LIMIT ((size_t)64 << 20)
#define BLOCK      65536
#define PATIENCE   60

struct exchange {
    const struct mg_client_request *request;
    int socket;
    struct mg_buffer bytes; /* the head, and what came with it */
    size_t head_size;
    struct mg_http_header headers[HEADERS];
    struct mg_http_parsed parsed;
    struct mg_buffer body; /* what is kept of it */
    struct mg_error *error;
};

static bool broken(struct exchange *exchange, const char *reason)
{
    return mg_fail(exchange->error, "control.broken",
                   mg_say("The exchange with the gateway broke off: %s",
                          "Der Austausch mit dem Gateway brach ab: %s"),
                   reason);
}

/* ---- connecting and asking ---- */

static int fail_connecting(struct exchange *exchange)
{
    int number = errno;
    bool forbidden = number == EACCES || number == EPERM;
    if (forbidden)
        mg_fail(
            exchange->error, "control.forbidden",
            mg_say("You may not use the control socket. Ask for a group that <control> names.",
                   "Sie dürfen den Steuerungs-Socket nicht benutzen. Nötig ist eine Gruppe, die "
                   "<control> nennt."));
    else
        mg_fail(exchange->error, "control.unreachable",
                mg_say("No gateway answers: %s. Does it run, and has it a <control> socket there?",
                       "Kein Gateway antwortet: %s. Läuft es, und hat es dort einen Socket "
                       "<control>?"),
                strerror(number));
    mg_error_at(exchange->error, "%s", exchange->request->socket);
    return forbidden ? MG_CONTROL_FORBIDDEN : MG_CONTROL_UNREACHABLE;
}

static int connect_to(struct exchange *exchange)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = exchange->request->patience};
    const char *path = exchange->request->socket;
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return fail_connecting(exchange);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    exchange->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (exchange->socket < 0 ||
        setsockopt(exchange->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        setsockopt(exchange->socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        connect(exchange->socket, (const struct sockaddr *)&address, sizeof address) != 0)
        return fail_connecting(exchange);
    return MG_CONTROL_DONE;
}

static bool send_request(struct exchange *exchange)
{
    const struct mg_client_request *request = exchange->request;
    char *body = request->body ? json_dumps(request->body, JSON_COMPACT) : NULL;
    struct mg_buffer text = {0};
    mg_buffer_print(&text,
                    "%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: muengstenctl/%s\r\n"
                    "Connection: close\r\n",
                    request->method, request->target, PACKAGE_VERSION);
    if (body)
        mg_buffer_print(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                        strlen(body));
    mg_buffer_print(&text, "\r\n%s", body ? body : "");
    size_t sent = 0;
    while (sent < text.length) {
        ssize_t length = send(exchange->socket, text.data + sent, text.length - sent, MSG_NOSIGNAL);
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0)
            break;
        sent += (size_t)length;
    }
    /* A gateway that refuses early may have answered already: that is read all the same. */
    mg_buffer_free(&text);
    free(body);
    return true;
}

/* Returns how many bytes came, 0 at the end, -1 with the error filled. */
static ssize_t receive(struct exchange *exchange, char *bytes, size_t size)
{
    ssize_t length;
    do
        length = recv(exchange->socket, bytes, size, 0);
    while (length < 0 && errno == EINTR);
    if (length < 0)
        broken(exchange, errno == EAGAIN || errno == EWOULDBLOCK
                             ? mg_say("it does not answer.", "er antwortet nicht.")
                             : strerror(errno));
    return length;
}

/* ---- the answer ---- */

static bool read_head(struct exchange *exchange)
{
    const struct mg_http_refusal *refusal = NULL;
    enum mg_http_progress progress = MG_HTTP_MORE;
    size_t scanned = 0;
    exchange->bytes.limit = HEAD_LIMIT;
    while (progress == MG_HTTP_MORE) {
        char *room = mg_buffer_reserve(&exchange->bytes, 8192);
        ssize_t length = room ? receive(exchange, room, 8192) : 0;
        if (length < 0)
            return false;
        if (length == 0)
            return broken(exchange,
                          mg_say("it ended without an answer.", "er endete ohne Antwort."));
        mg_buffer_used(&exchange->bytes, (size_t)length);
        progress = mg_http_head_end(exchange->bytes.data, exchange->bytes.length, HEAD_LIMIT,
                                    &scanned, &exchange->head_size, &refusal);
    }
    exchange->parsed =
        (struct mg_http_parsed){.headers = exchange->headers, .header_room = HEADERS};
    if (progress == MG_HTTP_WRONG ||
        !mg_http_parse_response(&exchange->parsed, exchange->bytes.data, exchange->head_size))
        return broken(exchange, mg_say("its answer is no HTTP.", "seine Antwort ist kein HTTP."));
    return true;
}

static bool is_good(const struct exchange *exchange)
{
    return exchange->parsed.head.status >= 200 && exchange->parsed.head.status < 300;
}

/* A piece of the body: to whoever takes it, or kept. */
static bool take_piece(struct exchange *exchange, const struct mg_http_piece *piece)
{
    const struct mg_client_request *request = exchange->request;
    if (piece->length == 0)
        return true;
    if (request->take && is_good(exchange))
        return request->take(piece->data, piece->length, request->context, exchange->error);
    return mg_buffer_add(&exchange->body, piece->data, piece->length) ||
           broken(exchange, mg_say("its answer is too long.", "seine Antwort ist zu lang."));
}

/* Reads on in the body in bytes that are there. */
static bool read_bytes(struct exchange *exchange, struct mg_http_body *body, const char *bytes,
                       size_t length, bool *ended)
{
    const struct mg_http_refusal *refusal;
    enum mg_http_progress progress = MG_HTTP_MORE;
    while (length > 0 && progress == MG_HTTP_MORE) {
        struct mg_http_piece piece = {0};
        progress = mg_http_body_read(body, bytes, length, &piece, &refusal);
        if (progress == MG_HTTP_WRONG)
            return broken(exchange,
                          mg_say("its answer is no HTTP.", "seine Antwort ist kein HTTP."));
        if (!take_piece(exchange, &piece))
            return false;
        if (piece.used == 0)
            break;
        bytes += piece.used;
        length -= piece.used;
    }
    *ended = progress == MG_HTTP_READY;
    return true;
}

static bool read_body(struct exchange *exchange)
{
    const struct mg_http_parsed *parsed = &exchange->parsed;
    struct mg_http_body body = {
        .framing = parsed->chunked      ? MG_HTTP_BY_CHUNKS
                   : parsed->has_length ? MG_HTTP_BY_LENGTH
                                        : MG_HTTP_UNTIL_CLOSE,
        .left = parsed->has_length ? parsed->head.length : 0,
    };
    bool ended = body.framing == MG_HTTP_BY_LENGTH && body.left == 0;
    exchange->body.limit = BODY_LIMIT;
    char *block = mg_allocate(BLOCK);
    bool good = ended || read_bytes(exchange, &body, exchange->bytes.data + exchange->head_size,
                                    exchange->bytes.length - exchange->head_size, &ended);
    while (good && !ended) {
        ssize_t length = receive(exchange, block, BLOCK);
        if (length == 0 && body.framing == MG_HTTP_UNTIL_CLOSE)
            break;
        good = length > 0
                   ? read_bytes(exchange, &body, block, (size_t)length, &ended)
                   : length == 0 && broken(exchange, mg_say("the answer is not whole.",
                                                            "die Antwort ist unvollständig."));
    }
    free(block);
    return good;
}

/* ---- what it means ---- */

static int status_of(int status)
{
    if (status == 401 || status == 403)
        return MG_CONTROL_FORBIDDEN;
    return status == 400 || status == 413 || status == 414 ? MG_CONTROL_USAGE : MG_CONTROL_NO;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* RFC 9457: code and detail are what the gateway promises; a title there always is. */
static void take_problem(struct exchange *exchange, const json_t *answer)
{
    const char *code = text_of(answer, "code"), *detail = text_of(answer, "detail");
    if (*code)
        mg_fail(exchange->error, code, "%s", *detail ? detail : text_of(answer, "title"));
    else
        mg_fail(
            exchange->error, "control.broken",
            mg_say("The gateway answers with status %d.", "Das Gateway antwortet mit Status %d."),
            exchange->parsed.head.status);
}

static int understand(struct exchange *exchange, json_t **answer)
{
    json_error_t reason;
    bool good = is_good(exchange);
    if (exchange->body.length > 0)
        *answer = json_loadb(exchange->body.data, exchange->body.length, JSON_DECODE_ANY, &reason);
    if (!good) {
        take_problem(exchange, *answer);
        return status_of(exchange->parsed.head.status);
    }
    if (exchange->request->take || *answer)
        return MG_CONTROL_DONE;
    broken(exchange, mg_say("its answer is no JSON.", "seine Antwort ist kein JSON."));
    return MG_CONTROL_UNREACHABLE;
}

int mg_client_ask(const struct mg_client_request *request, json_t **answer, struct mg_error *error)
{
    struct exchange *exchange = mg_allocate_zeroed(1, sizeof *exchange);
    exchange->request = request;
    exchange->socket = -1;
    exchange->error = error;
    *answer = NULL;
    int status = connect_to(exchange);
    if (status == MG_CONTROL_DONE)
        status = send_request(exchange) && read_head(exchange) && read_body(exchange)
                     ? understand(exchange, answer)
                     : MG_CONTROL_UNREACHABLE;
    if (exchange->socket >= 0)
        close(exchange->socket);
    mg_buffer_free(&exchange->body);
    mg_buffer_free(&exchange->bytes);
    free(exchange);
    return status;
}

int mg_client_get(const struct mg_control *control, const char *target, json_t **answer,
                  struct mg_error *error)
{
    const struct mg_client_request request = {
        .socket = control->options.socket,
        .method = "GET",
        .target = target,
        .patience = PATIENCE,
    };
    return mg_client_ask(&request, answer, error);
}

int mg_client_post(const struct mg_control *control, const char *target, json_t *body,
                   json_t **answer, struct mg_error *error)
{
    const struct mg_client_request request = {
        .socket = control->options.socket,
        .method = "POST",
        .target = target,
        .body = body,
        .patience = 10 * PATIENCE,
    };
    int status = mg_client_ask(&request, answer, error);
    json_decref(body);
    return status;
}

/* ---- targets ---- */

void mg_client_encode(struct mg_buffer *target, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        bool plain = (*at >= '0' && *at <= '9') || (*at >= 'A' && *at <= 'Z') ||
                     (*at >= 'a' && *at <= 'z') || strchr("-._~", *at);
        mg_buffer_print(target, plain ? "%c" : "%%%02X", *at);
    }
}

void mg_client_parameter(struct mg_buffer *target, const char *name, const char *value)
{
    if (!value)
        return;
    mg_buffer_print(target, "%c%s=", target->data && strchr(target->data, '?') ? '&' : '?', name);
    mg_client_encode(target, value);
}
