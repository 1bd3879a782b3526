#include "gateway/net/http_common.h"

#include "gateway/base/clock.h"
#include "gateway/base/error.h"
#include "gateway/net/deadline.h"

#include <event2/buffer.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

const char *mg_http_header(const struct mg_http_head *head, const char *name)
{
    for (size_t i = 0; i < head->header_count; i++)
        if (strcasecmp(head->headers[i].name, name) == 0)
            return head->headers[i].value;
    return NULL;
}

/* RFC 9110, section 15, and RFC 6585. */
static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *mg_http_reason(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    static const char *const classes[] = {"Informational", "Success", "Redirection", "Client Error",
                                          "Server Error"};
    return status >= 100 && status <= 599 ? classes[status / 100 - 1] : "Unknown";
}

#define DEFAULT(limits, member, value)                                                             \
    do {                                                                                           \
        if ((limits)->member == 0)                                                                 \
            (limits)->member = (value);                                                            \
    } while (0)

void mg_http_limits_complete(struct mg_http_limits *limits)
{
    DEFAULT(limits, head, 16 * 1024);
    DEFAULT(limits, headers, 64);
    DEFAULT(limits, body, INT64_C(1) << 30);
    DEFAULT(limits, connections, 10000);
    DEFAULT(limits, handshake_time, 10 * 1000);
    DEFAULT(limits, head_time, 10 * 1000);
    DEFAULT(limits, idle_time, 60 * 1000);
    DEFAULT(limits, body_pause, 20 * 1000);
    DEFAULT(limits, body_rate, 500);
    DEFAULT(limits, write_pause, 20 * 1000);
    DEFAULT(limits, write_buffer, 64 * 1024);
    DEFAULT(limits, connect_time, 10 * 1000);
    DEFAULT(limits, response_time, 30 * 1000);
    DEFAULT(limits, requests, 100 * 1000);
}

void mg_net_ignore_broken_pipes(void)
{
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

int64_t mg_pace_due(const struct mg_pace *pace, const struct mg_http_limits *limits)
{
    int64_t by_pause = pace->last + limits->body_pause;
    int64_t by_rate =
        pace->begun + limits->body_pause + pace->received / (int64_t)limits->body_rate * 1000 +
        pace->received % (int64_t)limits->body_rate * 1000 / (int64_t)limits->body_rate;
    return by_pause < by_rate ? by_pause : by_rate;
}

size_t mg_outflow_waiting(struct bufferevent *events_buffer)
{
    return evbuffer_get_length(bufferevent_get_output(events_buffer));
}

/* Longer pieces are left to libevent, so that nobody holds up the loop. */
#define DIRECT_LIMIT (64 * 1024)

void mg_outflow_send(struct bufferevent *events_buffer, SSL *ssl, const void *bytes, size_t length)
{
    struct evbuffer *output = bufferevent_get_output(events_buffer);
    struct evbuffer_iovec room;
    /* OpenSSL and libevent take what is left in the queue of errors for an error of this writing.
     */
    ERR_clear_error();
    if (ssl && length <= DIRECT_LIMIT && evbuffer_get_length(output) == 0) {
        if (SSL_write(ssl, bytes, (int)length) > 0)
            return;
        ERR_clear_error();
    }
    /* OpenSSL wants to see at least the same bytes in one piece when it is asked again, which
     * evbuffer_add would not promise. After an error, libevent meets it again and reports it. */
    if (evbuffer_reserve_space(output, (ev_ssize_t)length, &room, 1) != 1)
        mg_die("no memory for %zu bytes to send", length);
    memcpy(room.iov_base, bytes, length);
    room.iov_len = length;
    evbuffer_commit_space(output, &room, 1);
}

int64_t mg_outflow_due(struct mg_outflow *outflow, struct bufferevent *events_buffer, SSL *ssl,
                       int64_t pause)
{
    uint64_t waiting = mg_outflow_waiting(events_buffer);
    if (waiting == 0) {
        outflow->since = 0;
        return 0;
    }
    /* Both numbers change whenever the socket takes something. The output alone would not do with
     * TLS, since a long piece leaves it only when all of its records are sent. */
    uint64_t progress = ssl ? BIO_number_written(SSL_get_wbio(ssl)) : waiting;
    if (outflow->since == 0 || progress != outflow->progress)
        outflow->since = mg_net_now();
    outflow->progress = progress;
    return outflow->since + pause;
}

const char *mg_http_date(char text[MG_HTTP_DATE_SIZE])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)(mg_clock_now() / 1000);
    struct tm parts;
    gmtime_r(&now, &parts);
    snprintf(text, MG_HTTP_DATE_SIZE, "%s, %02d %s %d %02d:%02d:%02d GMT", days[parts.tm_wday],
             parts.tm_mday, months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
             parts.tm_sec);
    return text;
}
