#include "gateway/net/http_parser.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

/* Longest method. The longest registered one (RFC 9110, section 16.1.1) has 16 letters. */
#define METHOD_LIMIT 24

#define REFUSAL(name, status, code, detail)                                                        \
    static const struct mg_http_refusal name = {status, code, detail}

const struct mg_http_refusal mg_http_body_too_large = {
    413, "http.body-too-large", "The body is longer than allowed here; send less."};
const struct mg_http_refusal mg_http_head_too_slow = {
    408, "http.too-slow", "The head of the request did not arrive in time; send it at once."};
const struct mg_http_refusal mg_http_body_too_slow = {
    408, "http.too-slow", "The body arrives too slowly; send it without pauses."};
const struct mg_http_refusal mg_http_other_expectation = {
    417, "http.expectation", "Only the expectation 100-continue can be met; leave out others."};

REFUSAL(bare_line_end, 400, "http.malformed", "A line of the head does not end with CR LF.");
REFUSAL(bad_start_line, 400, "http.malformed",
        "The first line is not METHOD SP /TARGET SP HTTP/1.1 with a target in origin form.");
REFUSAL(bad_status_line, 502, "http.malformed", "The first line is no status line of HTTP/1.1.");
REFUSAL(bad_field, 400, "http.malformed",
        "A header line is not NAME: VALUE, is folded, or contains control characters.");
REFUSAL(bad_host, 400, "http.malformed", "HTTP/1.1 needs exactly one Host header with a name.");
REFUSAL(bad_length, 400, "http.malformed", "Content-Length is not a plain number.");
REFUSAL(bad_version, 505, "http.version", "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
REFUSAL(long_target, 414, "http.head-too-large", "The target is longer than a head may be.");
REFUSAL(long_head, 431, "http.head-too-large", "The head is longer than allowed.");
REFUSAL(many_fields, 431, "http.head-too-large", "The head has more header lines than allowed.");
REFUSAL(both_framings, 400, "http.both-framings",
        "Content-Length and Transfer-Encoding exclude each other; send one of them.");
REFUSAL(two_lengths, 400, "http.two-lengths", "Content-Length may be given once, as one number.");
REFUSAL(two_encodings, 400, "http.transfer-encoding", "Transfer-Encoding may be given once.");
REFUSAL(old_encoding, 400, "http.transfer-encoding", "HTTP/1.0 knows no Transfer-Encoding.");
REFUSAL(other_encoding, 501, "http.transfer-encoding",
        "The only Transfer-Encoding that is understood is chunked.");

/* ---- characters ---- */

/* tchar of RFC 9110, section 5.6.2. */
static bool is_token(unsigned char letter)
{
    if ((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
        (letter >= '0' && letter <= '9'))
        return true;
    return letter && strchr("!#$%&'*+-.^_`|~", letter);
}

/* field-content of RFC 9110, section 5.5, with spaces and tabs; obs-text is passed on as it is. */
static bool is_value(unsigned char letter)
{
    return (letter >= ' ' && letter != 0x7f) || letter == '\t';
}

static bool is_visible(unsigned char letter)
{
    return letter > ' ' && letter < 0x7f;
}

static bool is_digit(unsigned char letter)
{
    return letter >= '0' && letter <= '9';
}

bool mg_http_is_token(const char *text)
{
    size_t length = 0;
    while (is_token((unsigned char)text[length]))
        length++;
    return length > 0 && !text[length];
}

bool mg_http_is_value(const char *text)
{
    while (is_value((unsigned char)*text))
        text++;
    return !*text;
}

/* ---- the end of a head ---- */

enum mg_http_progress mg_http_head_end(const char *bytes, size_t length, size_t limit,
                                       size_t *scanned, size_t *size,
                                       const struct mg_http_refusal **refusal)
{
    size_t bound = length < limit ? length : limit;
    size_t line = *scanned;
    const char *end;
    while (line < bound && (end = memchr(bytes + line, '\n', bound - line))) {
        size_t at = (size_t)(end - bytes);
        bool empty = at == line + 1;
        if (at == line || bytes[at - 1] != '\r' || (empty && line == 0)) {
            *refusal = &bare_line_end;
            return MG_HTTP_WRONG;
        }
        line = at + 1;
        if (empty) {
            *size = line;
            return MG_HTTP_READY;
        }
    }
    *scanned = line;
    if (length < limit)
        return MG_HTTP_MORE;
    *refusal = line == 0 ? &long_target : &long_head;
    return MG_HTTP_WRONG;
}

/* ---- header lines ---- */

static bool wrong(struct mg_http_parsed *parsed, const struct mg_http_refusal *refusal)
{
    parsed->refusal = refusal;
    return false;
}

/* uri-host with an optional port, as far as characters go (RFC 9110, section 7.2). */
static bool is_host(const char *value)
{
    static const char others[] = "-._~!$&'()*+,;=:[]%";
    if (!*value)
        return false;
    for (; *value; value++)
        if (!is_digit((unsigned char)*value) && !strchr(others, *value) &&
            !((*value | 0x20) >= 'a' && (*value | 0x20) <= 'z'))
            return false;
    return true;
}

static bool read_length(struct mg_http_parsed *parsed, const char *value)
{
    size_t digits = strspn(value, "0123456789");
    if (parsed->has_length || (digits > 0 && value[digits] == ','))
        return wrong(parsed, &two_lengths);
    if (digits == 0 || value[digits])
        return wrong(parsed, &bad_length);
    if (digits > 18)
        return wrong(parsed, &mg_http_body_too_large);
    int64_t length = 0;
    for (; *value; value++)
        length = length * 10 + (*value - '0');
    parsed->has_length = true;
    parsed->head.length = length;
    return true;
}

/* True if a comma-separated list has the item, compared without case. */
static bool list_has(const char *list, const char *item)
{
    size_t length = strlen(item);
    while (*list) {
        list += strspn(list, " \t,");
        size_t span = strcspn(list, " \t,");
        if (span == length && strncasecmp(list, item, length) == 0)
            return true;
        list += span;
    }
    return false;
}

/* What the header lines that concern framing and connection say, until all of them are known. */
struct fields {
    size_t hosts;
    bool host_wrong;
    const char *encoding;
    bool two_encodings;
};

static bool note_field(struct mg_http_parsed *parsed, struct fields *fields, const char *name,
                       const char *value)
{
    switch (name[0] | 0x20) {
    case 'c':
        if (strcasecmp(name, "Content-Length") == 0)
            return read_length(parsed, value);
        if (strcasecmp(name, "Connection") == 0 && list_has(value, "close"))
            parsed->closes = true;
        break;
    case 'e':
        if (strcasecmp(name, "Expect") == 0 && strcasecmp(value, "100-continue") == 0)
            parsed->head.expects_continue = true;
        else if (strcasecmp(name, "Expect") == 0)
            parsed->other_expectation = true;
        break;
    case 'h':
        if (strcasecmp(name, "Host") == 0) {
            fields->hosts++;
            fields->host_wrong = fields->host_wrong || !is_host(value);
        }
        break;
    case 't':
        if (strcasecmp(name, "Transfer-Encoding") == 0) {
            fields->two_encodings = fields->encoding != NULL;
            fields->encoding = value;
        }
        break;
    }
    return true;
}

/* One line without its CR LF; the byte behind it is the CR. */
static bool read_field(struct mg_http_parsed *parsed, struct fields *fields, char *line,
                       size_t length)
{
    size_t name = 0, end = length;
    while (name < length && is_token((unsigned char)line[name]))
        name++;
    if (name == 0 || name == length || line[name] != ':')
        return wrong(parsed, &bad_field);
    size_t begin = name + 1;
    while (begin < end && (line[begin] == ' ' || line[begin] == '\t'))
        begin++;
    while (end > begin && (line[end - 1] == ' ' || line[end - 1] == '\t'))
        end--;
    for (size_t i = begin; i < end; i++)
        if (!is_value((unsigned char)line[i]))
            return wrong(parsed, &bad_field);
    if (parsed->head.header_count == parsed->header_room)
        return wrong(parsed, &many_fields);
    line[name] = '\0';
    line[end] = '\0';
    struct mg_http_header *header = &parsed->headers[parsed->head.header_count++];
    *header = (struct mg_http_header){line, line + begin};
    return note_field(parsed, fields, header->name, header->value);
}

static bool settle_framing(struct mg_http_parsed *parsed, const struct fields *fields)
{
    if (!fields->encoding)
        return true;
    if (parsed->has_length)
        return wrong(parsed, &both_framings);
    if (fields->two_encodings)
        return wrong(parsed, &two_encodings);
    if (parsed->minor == 0)
        return wrong(parsed, &old_encoding);
    if (strcasecmp(fields->encoding, "chunked") != 0)
        return wrong(parsed, &other_encoding);
    parsed->chunked = true;
    parsed->head.length = -1;
    return true;
}

/* All lines from begin up to the empty one. */
static bool read_fields(struct mg_http_parsed *parsed, struct fields *fields, char *begin,
                        char *end)
{
    while (begin < end) {
        char *line_end = memchr(begin, '\n', (size_t)(end - begin));
        assert(line_end && line_end > begin);
        if (!read_field(parsed, fields, begin, (size_t)(line_end - 1 - begin)))
            return false;
        begin = line_end + 1;
    }
    parsed->head.headers = parsed->headers;
    return settle_framing(parsed, fields);
}

/* ---- first lines ---- */

static void begin(struct mg_http_parsed *parsed)
{
    *parsed =
        (struct mg_http_parsed){.headers = parsed->headers, .header_room = parsed->header_room};
}

/* "HTTP/1.1" or "HTTP/1.0" at text. */
static bool read_version(struct mg_http_parsed *parsed, const char *text,
                         const struct mg_http_refusal *malformed)
{
    if (memcmp(text, "HTTP/", 5) != 0 || !is_digit((unsigned char)text[5]) || text[6] != '.' ||
        !is_digit((unsigned char)text[7]))
        return wrong(parsed, malformed);
    if (text[5] != '1' || text[7] > '1')
        return wrong(parsed, &bad_version);
    parsed->minor = text[7] - '0';
    return true;
}

/* METHOD SP TARGET SP VERSION, of length bytes (RFC 9112, section 3). */
static bool read_request_line(struct mg_http_parsed *parsed, char *line, size_t length)
{
    size_t method = 0;
    while (method < length && is_token((unsigned char)line[method]))
        method++;
    if (method == 0 || method > METHOD_LIMIT || method == length || line[method] != ' ')
        return wrong(parsed, &bad_start_line);
    size_t target = method + 1, end = target;
    while (end < length && is_visible((unsigned char)line[end]) && line[end] != '#')
        end++;
    if (end == target || line[target] != '/' || length - end != 9 || line[end] != ' ')
        return wrong(parsed, &bad_start_line);
    if (!read_version(parsed, line + end + 1, &bad_start_line))
        return false;
    line[method] = '\0';
    line[end] = '\0';
    parsed->head.method = line;
    parsed->head.target = line + target;
    return true;
}

bool mg_http_parse_request(struct mg_http_parsed *parsed, char *bytes, size_t size)
{
    begin(parsed);
    struct fields fields = {0};
    char *line_end = memchr(bytes, '\n', size);
    assert(line_end && line_end > bytes);
    if (!read_request_line(parsed, bytes, (size_t)(line_end - 1 - bytes)) ||
        !read_fields(parsed, &fields, line_end + 1, bytes + size - 2))
        return false;
    if (fields.host_wrong || fields.hosts > 1 || (fields.hosts == 0 && parsed->minor > 0))
        return wrong(parsed, &bad_host);
    /* HTTP/1.0 is answered, but its ways to keep a connection and to expect are not followed. */
    if (parsed->minor == 0) {
        parsed->closes = true;
        parsed->head.expects_continue = parsed->other_expectation = false;
    }
    return true;
}

/* VERSION SP CODE [SP REASON] (RFC 9112, section 4). */
static bool read_status_line(struct mg_http_parsed *parsed, const char *line, size_t length)
{
    if (length < 12 || line[8] != ' ' || (length > 12 && line[12] != ' '))
        return wrong(parsed, &bad_status_line);
    if (!read_version(parsed, line, &bad_status_line))
        return false;
    for (size_t i = 9; i < 12; i++)
        if (!is_digit((unsigned char)line[i]))
            return wrong(parsed, &bad_status_line);
    for (size_t i = 12; i < length; i++)
        if (!is_value((unsigned char)line[i]))
            return wrong(parsed, &bad_status_line);
    parsed->head.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    if (parsed->head.status < 100 || parsed->head.status > 599)
        return wrong(parsed, &bad_status_line);
    return true;
}

bool mg_http_parse_response(struct mg_http_parsed *parsed, char *bytes, size_t size)
{
    begin(parsed);
    struct fields fields = {0};
    char *line_end = memchr(bytes, '\n', size);
    assert(line_end && line_end > bytes);
    if (!read_status_line(parsed, bytes, (size_t)(line_end - 1 - bytes)) ||
        !read_fields(parsed, &fields, line_end + 1, bytes + size - 2))
        return false;
    if (!parsed->has_length)
        parsed->head.length = -1;
    if (parsed->minor == 0)
        parsed->closes = true;
    return true;
}
