/*
 * http: whatever bytes come, the parser neither reads nor writes outside of them, and what it makes
 * of them does not depend on how they arrive: in one piece, or cut by the fuzzer. The first byte
 * chooses what is read (request, response, chunked body), the second the size of the pieces.
 */
#include "gateway/net/http_parser.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_LIMIT 2048
#define HEADERS    16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
    if (!condition)
        abort();
}

struct head_end {
    enum mg_http_progress progress;
    size_t size;
    const struct mg_http_refusal *refusal;
};

static struct head_end find_end(const char *bytes, size_t length, size_t step)
{
    struct head_end end = {.progress = MG_HTTP_MORE};
    size_t scanned = 0;
    for (size_t seen = step; end.progress == MG_HTTP_MORE; seen += step) {
        size_t size = seen < length ? seen : length;
        end.progress = mg_http_head_end(bytes, size, HEAD_LIMIT, &scanned, &end.size, &end.refusal);
        if (size == length)
            break;
    }
    return end;
}

/* What the parser promises of every head that it accepts. */
static void check_parsed(const struct mg_http_parsed *parsed, const char *bytes, size_t size)
{
    demand(parsed->head.header_count <= HEADERS);
    demand(!(parsed->chunked && parsed->has_length));
    for (size_t i = 0; i < parsed->head.header_count; i++) {
        const struct mg_http_header *header = &parsed->head.headers[i];
        demand(header->name > bytes && header->value < bytes + size);
        demand(mg_http_is_token(header->name) && mg_http_is_value(header->value));
    }
    if (parsed->head.method)
        demand(mg_http_is_token(parsed->head.method) && parsed->head.target[0] == '/' &&
               !strchr(parsed->head.target, '#'));
    else
        demand(parsed->head.status >= 100 && parsed->head.status <= 599);
}

static void fuzz_head(const char *bytes, size_t length, size_t step, bool response)
{
    struct mg_http_header headers[HEADERS];
    struct mg_http_parsed parsed = {.headers = headers, .header_room = HEADERS};
    struct head_end whole = find_end(bytes, length, length + 1);
    struct head_end cut = find_end(bytes, length, step);
    demand(whole.progress == cut.progress && whole.refusal == cut.refusal);
    if (whole.progress != MG_HTTP_READY)
        return;
    demand(whole.size == cut.size && whole.size <= length);
    char *copy = malloc(whole.size);
    memcpy(copy, bytes, whole.size);
    bool good = response ? mg_http_parse_response(&parsed, copy, whole.size)
                         : mg_http_parse_request(&parsed, copy, whole.size);
    demand(good == !parsed.refusal);
    if (good)
        check_parsed(&parsed, copy, whole.size);
    free(copy);
}

struct decoded {
    char *bytes;
    size_t length;
    size_t used;
    enum mg_http_progress progress;
};

static struct decoded decode(const char *bytes, size_t length, size_t step)
{
    struct decoded decoded = {.bytes = malloc(length + 1), .progress = MG_HTTP_MORE};
    struct mg_http_body body = {.framing = MG_HTTP_BY_CHUNKS};
    const struct mg_http_refusal *refusal = NULL;
    while (decoded.progress == MG_HTTP_MORE && decoded.used < length) {
        struct mg_http_piece piece;
        size_t size = length - decoded.used < step ? length - decoded.used : step;
        decoded.progress = mg_http_body_read(&body, bytes + decoded.used, size, &piece, &refusal);
        if (decoded.progress == MG_HTTP_WRONG)
            break;
        demand(piece.used > 0 && piece.used <= size);
        memcpy(decoded.bytes + decoded.length, piece.data, piece.length);
        decoded.length += piece.length;
        decoded.used += piece.used;
    }
    return decoded;
}

static void fuzz_chunks(const char *bytes, size_t length, size_t step)
{
    struct decoded whole = decode(bytes, length, length), cut = decode(bytes, length, step);
    demand(whole.progress == cut.progress);
    if (whole.progress != MG_HTTP_WRONG)
        demand(whole.used == cut.used && whole.length == cut.length &&
               memcmp(whole.bytes, cut.bytes, whole.length) == 0);
    free(cut.bytes);
    free(whole.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    const char *bytes = (const char *)data + 2;
    size_t step = data[1] % 64U + 1;
    switch (data[0] % 3) {
    case 0:
        fuzz_head(bytes, size - 2, step, false);
        break;
    case 1:
        fuzz_head(bytes, size - 2, step, true);
        break;
    default:
        fuzz_chunks(bytes, size - 2, step);
        break;
    }
    return 0;
}
