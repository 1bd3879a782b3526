/*
 * http_parser: reads heads and bodies of HTTP/1.1 strictly (RFC 9110, RFC 9112). Pure: bytes in,
 * structs out.
 *
 * A head is read in two steps: mg_http_head_end looks for its end as bytes arrive, and
 * mg_http_parse_request or mg_http_parse_response takes the complete head apart in place: names and
 * values become C strings inside the caller's bytes. A body is read by mg_http_body_read, whatever
 * frames it.
 *
 * Of the two ways to be generous that RFC 9112 allows (a bare LF as line end, folded header lines)
 * and of all that it leaves to the reader, this takes none: what two implementations could
 * understand differently is refused, since that difference is what request smuggling lives on.
 */
#ifndef MUENGSTEN_NET_HTTP_PARSER_H
#define MUENGSTEN_NET_HTTP_PARSER_H

#include "gateway/net/http.h"

enum mg_http_progress {
    MG_HTTP_MORE,  /* go on when more bytes are there */
    MG_HTTP_READY, /* complete */
    MG_HTTP_WRONG, /* refused: see the refusal */
};

/* Why something is refused, and how a server says it. Constant. */
struct mg_http_refusal {
    int status;
    const char *code;
    const char *detail;
};

/* Refusals that are found outside the parser. */
extern const struct mg_http_refusal mg_http_body_too_large;
extern const struct mg_http_refusal mg_http_head_too_slow;
extern const struct mg_http_refusal mg_http_body_too_slow;
extern const struct mg_http_refusal mg_http_other_expectation;

/* Looks for the end of a head in the first length bytes. *scanned is 0 for a new head and the
 * function's own from then on. READY: *size bytes are the head, its empty line included. */
enum mg_http_progress mg_http_head_end(const char *bytes, size_t length, size_t limit,
                                       size_t *scanned, size_t *size,
                                       const struct mg_http_refusal **refusal);

struct mg_http_parsed {
    /* Set by the caller: room for header lines. */
    struct mg_http_header *headers;
    size_t header_room;
    /* Results. */
    struct mg_http_head
        head;  /* length: -1 if chunked, or for responses if neither framing was given */
    int minor; /* of the version: 0 or 1 */
    bool chunked;
    bool has_length;
    bool closes;            /* the connection ends after this message */
    bool other_expectation; /* Expect with something else than 100-continue */
    const struct mg_http_refusal *refusal;
};

/* Takes a complete head apart; bytes are changed. False: see parsed->refusal. */
bool mg_http_parse_request(struct mg_http_parsed *parsed, char *bytes, size_t size);
bool mg_http_parse_response(struct mg_http_parsed *parsed, char *bytes, size_t size);

/* The chunked coding (RFC 9112, section 7.1). All zero at the start. */
struct mg_http_chunks {
    uint8_t state;
    uint8_t digits;
    uint8_t trailers;
    uint16_t skipped; /* bytes of extensions or trailers */
    uint64_t left;    /* of the chunk */
};

enum mg_http_framing { MG_HTTP_BY_LENGTH, MG_HTTP_BY_CHUNKS, MG_HTTP_UNTIL_CLOSE };

struct mg_http_body {
    enum mg_http_framing framing;
    int64_t left; /* by length */
    struct mg_http_chunks chunks;
};

/* What was found at the start of some bytes: used bytes are done with; length bytes at data are a
 * piece of the body. */
struct mg_http_piece {
    size_t used;
    const char *data;
    size_t length;
};

/* Reads on in a body. MORE with used > 0: call again with what is behind them. READY: the body is
 * complete; a piece may come with it. */
enum mg_http_progress mg_http_body_read(struct mg_http_body *body, const char *bytes, size_t length,
                                        struct mg_http_piece *piece,
                                        const struct mg_http_refusal **refusal);

/* True if text is a token (RFC 9110, section 5.6.2), such as a method or the name of a header. */
bool mg_http_is_token(const char *text);
/* True if text can be the value of a header: no control characters but the tab. */
bool mg_http_is_value(const char *text);

#endif
