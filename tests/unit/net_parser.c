#include "gateway/net/http_parser.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_LIMIT 1024
#define HEADERS    8

static char head_bytes[4096];
static struct mg_http_header headers[HEADERS];
static struct mg_http_parsed parsed;

/* What the parser makes of a whole head: READY, MORE, or WRONG with the refusal. */
static enum mg_http_progress read_head(const char *bytes, size_t length, bool response,
                                       const struct mg_http_refusal **refusal)
{
    size_t scanned = 0, size = 0;
    CU_ASSERT_FATAL(length < sizeof head_bytes);
    memcpy(head_bytes, bytes, length);
    enum mg_http_progress progress =
        mg_http_head_end(head_bytes, length, HEAD_LIMIT, &scanned, &size, refusal);
    if (progress != MG_HTTP_READY)
        return progress;
    parsed = (struct mg_http_parsed){.headers = headers, .header_room = HEADERS};
    bool good = response ? mg_http_parse_response(&parsed, head_bytes, size)
                         : mg_http_parse_request(&parsed, head_bytes, size);
    *refusal = parsed.refusal;
    return good ? MG_HTTP_READY : MG_HTTP_WRONG;
}

static bool accepts(const char *text)
{
    const struct mg_http_refusal *refusal = NULL;
    return read_head(text, strlen(text), false, &refusal) == MG_HTTP_READY;
}

static bool refuses_bytes(const char *bytes, size_t length, int status, const char *code)
{
    const struct mg_http_refusal *refusal = NULL;
    if (read_head(bytes, length, false, &refusal) != MG_HTTP_WRONG)
        return false;
    return refusal->status == status && strcmp(refusal->code, code) == 0;
}

static bool refuses(const char *text, int status, const char *code)
{
    return refuses_bytes(text, strlen(text), status, code);
}

#define MALFORMED(text) CU_ASSERT(refuses(text, 400, "http.malformed"))

static void a_request_is_taken_apart_in_place(void)
{
    CU_ASSERT_FATAL(accepts("POST /messages?x=y HTTP/1.1\r\nHost: a.example:8443\r\n"
                            "content-LENGTH: 17\r\nX-Empty:\r\nX-Space: \t a b \t\r\n\r\n"));
    CU_ASSERT_STRING_EQUAL(parsed.head.method, "POST");
    CU_ASSERT_STRING_EQUAL(parsed.head.target, "/messages?x=y");
    CU_ASSERT_EQUAL(parsed.head.length, 17);
    CU_ASSERT_EQUAL(parsed.head.header_count, 4);
    CU_ASSERT_STRING_EQUAL(mg_http_header(&parsed.head, "x-empty"), "");
    CU_ASSERT_STRING_EQUAL(mg_http_header(&parsed.head, "x-space"), "a b");
    CU_ASSERT_PTR_NULL(mg_http_header(&parsed.head, "X-None"));
    CU_ASSERT_FALSE(parsed.closes);
    CU_ASSERT_FALSE(parsed.head.expects_continue);
}

static void a_head_is_found_however_its_bytes_arrive(void)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET";
    const struct mg_http_refusal *refusal = NULL;
    size_t scanned = 0, size = 0, whole = sizeof text - 1 - 3;
    for (size_t length = 0; length < whole; length++)
        CU_ASSERT_EQUAL(mg_http_head_end(text, length, HEAD_LIMIT, &scanned, &size, &refusal),
                        MG_HTTP_MORE);
    CU_ASSERT_EQUAL(mg_http_head_end(text, whole + 3, HEAD_LIMIT, &scanned, &size, &refusal),
                    MG_HTTP_READY);
    CU_ASSERT_EQUAL(size, whole);
}

static void lines_end_with_cr_lf_and_nothing_else(void)
{
    MALFORMED("GET / HTTP/1.1\nHost: a\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost: a\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost: a\r\n\n");
    MALFORMED("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\rHost: a\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n");
    MALFORMED("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    MALFORMED("\n");
}

static void a_bare_line_feed_is_refused_before_the_head_is_complete(void)
{
    MALFORMED("GET / HTTP/1.1\n");
}

static void header_lines_are_neither_folded_nor_spaced(void)
{
    MALFORMED("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\n Host: a\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost : a\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost: a\r\nContent-Length\t: 5\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost: a\r\nNoColon\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost: a\r\nX(Y): b\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost: a\r\nX\x80Y: b\r\n\r\n");
}

static void control_characters_have_no_place_in_a_head(void)
{
    static const char nul_value[] = "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n";
    static const char nul_name[] = "GET / HTTP/1.1\r\nHost: a\r\nX\0: ab\r\n\r\n";
    static const char nul_target[] = "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n";
    CU_ASSERT(refuses_bytes(nul_value, sizeof nul_value - 1, 400, "http.malformed"));
    CU_ASSERT(refuses_bytes(nul_name, sizeof nul_name - 1, 400, "http.malformed"));
    CU_ASSERT(refuses_bytes(nul_target, sizeof nul_target - 1, 400, "http.malformed"));
    MALFORMED("GET / HTTP/1.1\r\nHost: a\r\nX: a\x0b\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost: a\r\nX: a\x7f\r\n\r\n");
}

static void the_first_line_has_one_form(void)
{
    MALFORMED("GET  / HTTP/1.1\r\nHost: a\r\n\r\n");
    MALFORMED("GET / HTTP/1.1 \r\nHost: a\r\n\r\n");
    MALFORMED("GET /\tHTTP/1.1\r\nHost: a\r\n\r\n");
    MALFORMED(" GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    MALFORMED("GET / a HTTP/1.1\r\nHost: a\r\n\r\n");
    MALFORMED("GET /\r\nHost: a\r\n\r\n");
    MALFORMED("GET / HTTP/1\r\nHost: a\r\n\r\n");
    MALFORMED("GET / http/1.1\r\nHost: a\r\n\r\n");
    MALFORMED("G{}T / HTTP/1.1\r\nHost: a\r\n\r\n");
    MALFORMED("AMETHODTHATISLONGERTHANALLOWED / HTTP/1.1\r\nHost: a\r\n\r\n");
}

static void a_target_is_in_origin_form(void)
{
    MALFORMED("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n");
    MALFORMED("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    MALFORMED("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n");
    MALFORMED("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n");
    MALFORMED("GET /\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n");
    MALFORMED("GET messages HTTP/1.1\r\nHost: a\r\n\r\n");
}

static void only_versions_1_1_and_1_0_are_spoken(void)
{
    CU_ASSERT(refuses("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "http.version"));
    CU_ASSERT(refuses("GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "http.version"));
    CU_ASSERT(refuses("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505, "http.version"));
    CU_ASSERT(accepts("GET / HTTP/1.0\r\n\r\n"));
    CU_ASSERT(parsed.closes);
}

static void http_1_1_names_exactly_one_host(void)
{
    MALFORMED("GET / HTTP/1.1\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost:\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n");
    MALFORMED("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n");
    CU_ASSERT(accepts("GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n"));
}

#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

static void a_length_is_one_plain_number(void)
{
    CU_ASSERT(
        refuses(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400, "http.two-lengths"));
    CU_ASSERT(
        refuses(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, "http.two-lengths"));
    CU_ASSERT(refuses(POST "Content-Length: 5, 5\r\n\r\n", 400, "http.two-lengths"));
    MALFORMED(POST "Content-Length: +5\r\n\r\n");
    MALFORMED(POST "Content-Length: -5\r\n\r\n");
    MALFORMED(POST "Content-Length: 0x5\r\n\r\n");
    MALFORMED(POST "Content-Length: 5 5\r\n\r\n");
    MALFORMED(POST "Content-Length: 5.0\r\n\r\n");
    MALFORMED(POST "Content-Length:\r\n\r\n");
    CU_ASSERT(
        refuses(POST "Content-Length: 99999999999999999999\r\n\r\n", 413, "http.body-too-large"));
    CU_ASSERT(accepts(POST "Content-Length: 999999999999999999\r\n\r\n"));
    CU_ASSERT_EQUAL(parsed.head.length, INT64_C(999999999999999999));
}

static void a_body_is_framed_in_one_way(void)
{
    CU_ASSERT(refuses(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                      "http.both-framings"));
    CU_ASSERT(refuses(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400,
                      "http.both-framings"));
    CU_ASSERT(refuses(POST "Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n", 400,
                      "http.both-framings"));
    CU_ASSERT(refuses(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                      "http.transfer-encoding"));
    CU_ASSERT(refuses(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"
                           "Transfer-Encoding: x\r\n\r\n",
                      400, "http.transfer-encoding"));
    CU_ASSERT(accepts(POST "Transfer-Encoding: chunked\r\n\r\n"));
    CU_ASSERT(parsed.chunked);
    CU_ASSERT_EQUAL(parsed.head.length, -1);
}

static void no_transfer_encoding_but_chunked_is_understood(void)
{
    static const char *const others[] = {
        "gzip",        "gzip, chunked", "chunked, chunked", "identity",  "chunked;q=1",
        "\"chunked\"", "chunked, ",     "xchunked",         "\vchunked", "chunked gzip"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char text[256] = POST "Transfer-Encoding: ";
        strcat(text, others[i]);
        strcat(text, "\r\n\r\n");
        bool control = others[i][0] == '\v';
        CU_ASSERT(refuses(text, control ? 400 : 501,
                          control ? "http.malformed" : "http.transfer-encoding"));
    }
    CU_ASSERT(refuses("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                      "http.transfer-encoding"));
}

static void what_is_too_large_is_refused_as_such(void)
{
    char text[2048] = "GET /";
    memset(text + 5, 'a', HEAD_LIMIT);
    CU_ASSERT(refuses(text, 414, "http.head-too-large"));
    strcpy(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(text + strlen(text), 'a', HEAD_LIMIT);
    CU_ASSERT(refuses(text, 431, "http.head-too-large"));
    strcpy(text, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < HEADERS; i++)
        strcat(text, "X: y\r\n");
    strcat(text, "\r\n");
    CU_ASSERT(refuses(text, 431, "http.head-too-large"));
}

static void close_and_expectations_are_noticed(void)
{
    CU_ASSERT(accepts("GET / HTTP/1.1\r\nHost: a\r\nConnection: te, Close\r\n\r\n"));
    CU_ASSERT(parsed.closes);
    CU_ASSERT(accepts("GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n"));
    CU_ASSERT_FALSE(parsed.closes);
    CU_ASSERT(accepts(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n"));
    CU_ASSERT(parsed.head.expects_continue);
    CU_ASSERT(accepts(POST "Expect: a-miracle\r\nContent-Length: 1\r\n\r\n"));
    CU_ASSERT(parsed.other_expectation);
}

/* ---- responses ---- */

static bool accepts_response(const char *text)
{
    const struct mg_http_refusal *refusal = NULL;
    return read_head(text, strlen(text), true, &refusal) == MG_HTTP_READY;
}

static void responses_are_read_as_strictly(void)
{
    CU_ASSERT(accepts_response("HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"));
    CU_ASSERT_EQUAL(parsed.head.status, 204);
    CU_ASSERT(accepts_response("HTTP/1.1 200\r\n\r\n"));
    CU_ASSERT(accepts_response("HTTP/1.0 200 OK\r\n\r\n"));
    CU_ASSERT(parsed.closes);
    CU_ASSERT_FALSE(accepts_response("HTTP/1.1 20 OK\r\n\r\n"));
    CU_ASSERT_FALSE(accepts_response("HTTP/1.1 2000 OK\r\n\r\n"));
    CU_ASSERT_FALSE(accepts_response("HTTP/1.1 099 Low\r\n\r\n"));
    CU_ASSERT_FALSE(accepts_response("HTTP/1.1 600 High\r\n\r\n"));
    CU_ASSERT_FALSE(accepts_response("HTTP/2 200 OK\r\n\r\n"));
    CU_ASSERT_FALSE(accepts_response("HTTP/1.1  200 OK\r\n\r\n"));
    CU_ASSERT_FALSE(accepts_response("ICY 200 OK\r\n\r\n"));
    CU_ASSERT_FALSE(accepts_response("\r\n\r\n"));
    CU_ASSERT_FALSE(accepts_response("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                                     "Transfer-Encoding: chunked\r\n\r\n"));
}

/* ---- bodies ---- */

struct decoded {
    char bytes[4096];
    size_t length;
    size_t used;
    enum mg_http_progress progress;
};

/* Reads a chunked body of which so many bytes come at once. */
static struct decoded decode(const char *text, size_t length, size_t step)
{
    struct decoded decoded = {.progress = MG_HTTP_MORE};
    struct mg_http_body body = {.framing = MG_HTTP_BY_CHUNKS};
    const struct mg_http_refusal *refusal = NULL;
    while (decoded.progress == MG_HTTP_MORE && decoded.used < length) {
        struct mg_http_piece piece;
        size_t size = length - decoded.used < step ? length - decoded.used : step;
        decoded.progress = mg_http_body_read(&body, text + decoded.used, size, &piece, &refusal);
        if (decoded.progress == MG_HTTP_WRONG) {
            CU_ASSERT_STRING_EQUAL(refusal->code, "http.chunk");
            break;
        }
        memcpy(decoded.bytes + decoded.length, piece.data, piece.length);
        decoded.length += piece.length;
        decoded.used += piece.used;
    }
    return decoded;
}

static void chunks_are_put_together_however_they_arrive(void)
{
    static const char text[] = "5\r\nhello\r\n00001;name=\"va lue\"\r\n \r\nA\r\n0123456789\r\n"
                               "0\r\nTrailer: x\r\nOther:\r\n\r\nnext";
    size_t body = sizeof text - 1 - 4;
    for (size_t step = 1; step <= sizeof text; step++) {
        struct decoded decoded = decode(text, sizeof text - 1, step);
        CU_ASSERT_EQUAL(decoded.progress, MG_HTTP_READY);
        CU_ASSERT_EQUAL(decoded.used, body);
        CU_ASSERT_EQUAL(decoded.length, 16);
        CU_ASSERT(memcmp(decoded.bytes, "hello 0123456789", 16) == 0);
    }
}

static void malformed_chunks_are_refused(void)
{
    static const char *const wrong[] = {
        "\r\n",
        "g\r\n",
        "-1\r\n",
        " 5\r\nhello\r\n",
        "5 \r\nhello\r\n",
        "0x5\r\nhello",
        "5\nhello",
        "5\r\nhelloo\r\n",
        "5\r\nhello\n",
        "5\r\nhello\r\r\n",
        "5\rhello",
        "fffffffff\r\n",
        "00000005\r\n",
        "5;a\nb\r\n",
        "5;a\x01\r\n",
        "0\r\n\n",
        "0\r\n folded\r\n",
        "0\r\nNoColon\r\n",
        "0\r\nX : y\r\n",
        "0\r\nX: y\n",
        "0\r\n\rX",
        ";a\r\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (size_t step = 1; step < 20; step += 18)
            CU_ASSERT_EQUAL(decode(wrong[i], strlen(wrong[i]), step).progress, MG_HTTP_WRONG);
}

static void extensions_and_trailers_are_bounded(void)
{
    char text[6000] = "5;";
    memset(text + 2, 'a', 300);
    strcat(text, "\r\n");
    CU_ASSERT_EQUAL(decode(text, strlen(text), 100).progress, MG_HTTP_WRONG);
    strcpy(text, "0\r\n");
    for (int i = 0; i < 20; i++)
        strcat(text, "X: y\r\n");
    CU_ASSERT_EQUAL(decode(text, strlen(text), 100).progress, MG_HTTP_WRONG);
    memset(text, 0, sizeof text);
    strcpy(text, "0\r\nX: ");
    memset(text + 6, 'a', 5000);
    CU_ASSERT_EQUAL(decode(text, strlen(text), 100).progress, MG_HTTP_WRONG);
}

static void a_body_of_announced_length_ends_where_it_ends(void)
{
    struct mg_http_body body = {.framing = MG_HTTP_BY_LENGTH, .left = 5};
    struct mg_http_piece piece;
    CU_ASSERT_EQUAL(mg_http_body_read(&body, "hel", 3, &piece, NULL), MG_HTTP_MORE);
    CU_ASSERT_EQUAL(piece.length, 3);
    CU_ASSERT_EQUAL(mg_http_body_read(&body, "loGET", 5, &piece, NULL), MG_HTTP_READY);
    CU_ASSERT_EQUAL(piece.length, 2);
    CU_ASSERT_EQUAL(piece.used, 2);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_request_is_taken_apart_in_place),
        UNIT_TEST(a_head_is_found_however_its_bytes_arrive),
        UNIT_TEST(lines_end_with_cr_lf_and_nothing_else),
        UNIT_TEST(a_bare_line_feed_is_refused_before_the_head_is_complete),
        UNIT_TEST(header_lines_are_neither_folded_nor_spaced),
        UNIT_TEST(control_characters_have_no_place_in_a_head),
        UNIT_TEST(the_first_line_has_one_form),
        UNIT_TEST(a_target_is_in_origin_form),
        UNIT_TEST(only_versions_1_1_and_1_0_are_spoken),
        UNIT_TEST(http_1_1_names_exactly_one_host),
        UNIT_TEST(a_length_is_one_plain_number),
        UNIT_TEST(a_body_is_framed_in_one_way),
        UNIT_TEST(no_transfer_encoding_but_chunked_is_understood),
        UNIT_TEST(what_is_too_large_is_refused_as_such),
        UNIT_TEST(close_and_expectations_are_noticed),
        UNIT_TEST(responses_are_read_as_strictly),
        UNIT_TEST(chunks_are_put_together_however_they_arrive),
        UNIT_TEST(malformed_chunks_are_refused),
        UNIT_TEST(extensions_and_trailers_are_bounded),
        UNIT_TEST(a_body_of_announced_length_ends_where_it_ends),
    };
    return unit_run("net parser", tests, sizeof tests / sizeof *tests);
}
