#include "gateway/net/http_parser.h"

#include <string.h>

/* A chunk of up to 256 MiB; the largest seen in the wild are far below. */
#define DIGIT_LIMIT 7
/* Bytes of one chunk's extensions and of all trailers, which are read over (RFC 9112,
 * section 7.1.1). */
#define EXTENSION_LIMIT 256
#define TRAILER_LIMIT   4096
#define TRAILER_LINES   16

enum state {
    SIZE,
    EXTENSION,
    SIZE_END, /* LF behind a size */
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* begin of a trailer line, or of the last, empty one */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_END, /* LF behind a trailer line */
    LAST_LF,
};

static const struct mg_http_refusal bad_chunk = {400, "http.chunk",
                                                 "The chunked body is malformed."};

static int hex_digit(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    if (letter >= 'a' && letter <= 'f')
        return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F')
        return letter - 'A' + 10;
    return -1;
}

static bool is_text(char letter)
{
    return ((unsigned char)letter >= ' ' && letter != 0x7f) || letter == '\t';
}

static bool is_name(char letter)
{
    char text[2] = {letter, '\0'};
    return mg_http_is_token(text);
}

/* "1a;name=value" CR LF */
static bool read_size(struct mg_http_chunks *chunks, char letter)
{
    int digit = hex_digit(letter);
    switch (chunks->state) {
    case SIZE:
        if (digit >= 0) {
            chunks->left = chunks->left * 16 + (unsigned)digit;
            return ++chunks->digits <= DIGIT_LIMIT;
        }
        chunks->state = letter == '\r' ? SIZE_END : EXTENSION;
        return chunks->digits > 0 && (letter == '\r' || letter == ';');
    case EXTENSION:
        if (letter == '\r')
            chunks->state = SIZE_END;
        return letter == '\r' || (is_text(letter) && ++chunks->skipped <= EXTENSION_LIMIT);
    default:
        chunks->state = chunks->left > 0 ? DATA : TRAILER;
        chunks->digits = 0;
        chunks->skipped = 0;
        return letter == '\n';
    }
}

static bool read_trailer(struct mg_http_chunks *chunks, char letter)
{
    if (++chunks->skipped > TRAILER_LIMIT)
        return false;
    switch (chunks->state) {
    case TRAILER:
        chunks->state = letter == '\r' ? LAST_LF : TRAILER_NAME;
        return letter == '\r' || (is_name(letter) && ++chunks->trailers <= TRAILER_LINES);
    case TRAILER_NAME:
        if (letter == ':')
            chunks->state = TRAILER_VALUE;
        return letter == ':' || is_name(letter);
    case TRAILER_VALUE:
        if (letter == '\r')
            chunks->state = TRAILER_END;
        return letter == '\r' || is_text(letter);
    default:
        chunks->state = TRAILER;
        return letter == '\n';
    }
}

/* Everything but the data itself, byte after byte. */
static bool read_letter(struct mg_http_chunks *chunks, char letter)
{
    switch (chunks->state) {
    case SIZE:
    case EXTENSION:
    case SIZE_END:
        return read_size(chunks, letter);
    case DATA_CR:
        chunks->state = DATA_LF;
        return letter == '\r';
    case DATA_LF:
        chunks->state = SIZE;
        return letter == '\n';
    default:
        return read_trailer(chunks, letter);
    }
}

static enum mg_http_progress read_chunks(struct mg_http_chunks *chunks, const char *bytes,
                                         size_t length, struct mg_http_piece *piece,
                                         const struct mg_http_refusal **refusal)
{
    size_t at = 0;
    while (at < length && chunks->state != DATA) {
        if (chunks->state == LAST_LF && bytes[at] == '\n') {
            piece->used = at + 1;
            return MG_HTTP_READY;
        }
        if (chunks->state == LAST_LF || !read_letter(chunks, bytes[at])) {
            *refusal = &bad_chunk;
            return MG_HTTP_WRONG;
        }
        at++;
    }
    if (at < length) {
        piece->data = bytes + at;
        piece->length = length - at < chunks->left ? length - at : (size_t)chunks->left;
        chunks->left -= piece->length;
        at += piece->length;
        if (chunks->left == 0)
            chunks->state = DATA_CR;
    }
    piece->used = at;
    return MG_HTTP_MORE;
}

enum mg_http_progress mg_http_body_read(struct mg_http_body *body, const char *bytes, size_t length,
                                        struct mg_http_piece *piece,
                                        const struct mg_http_refusal **refusal)
{
    *piece = (struct mg_http_piece){.data = bytes};
    if (body->framing == MG_HTTP_BY_CHUNKS)
        return read_chunks(&body->chunks, bytes, length, piece, refusal);
    piece->length = length;
    if (body->framing == MG_HTTP_BY_LENGTH && (uint64_t)body->left < length)
        piece->length = (size_t)body->left;
    piece->used = piece->length;
    if (body->framing == MG_HTTP_UNTIL_CLOSE)
        return MG_HTTP_MORE;
    body->left -= (int64_t)piece->length;
    return body->left == 0 ? MG_HTTP_READY : MG_HTTP_MORE;
}
