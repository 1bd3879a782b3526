/*
 * Multipart bodies and packed ones: the first line of the input is the Content-Type, the rest the
 * body. Parts must lie inside the body, one behind the other, and their texts must be what the
 * header file says.
 */
#include "gateway/message/multipart.h"
#include "gateway/message/inflate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define UNPACKED 100000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check(const struct mg_multipart *multipart, const char *body, size_t length)
{
    const char *previous = body;
    require(multipart->count >= 1 && multipart->count <= MG_MULTIPART_PARTS);
    require(multipart->root < multipart->count);
    for (size_t i = 0; i < multipart->count; i++) {
        const struct mg_part *part = &multipart->parts[i];
        require(part->bytes >= previous && part->bytes + part->length <= body + length);
        require(strchr(part->media_type, '/') != NULL && strpbrk(part->name, "/\\\r\n") == NULL);
        require(strpbrk(part->content_id, "<> \r\n") == NULL);
        previous = part->bytes + part->length;
    }
}

static void unpack(const char *body, size_t length)
{
    struct mg_buffer plain = {.limit = UNPACKED};
    struct mg_error error = {0};
    if (!mg_inflate(body, length, &plain, &error))
        require(strncmp(error.code, "gzip.", 5) == 0);
    require(plain.length <= UNPACKED);
    mg_buffer_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct mg_multipart multipart;
    struct mg_error error = {0};
    const uint8_t *end = length ? memchr(bytes, '\n', length) : NULL;
    if (!end)
        return 0;
    size_t type_length = (size_t)(end - bytes);
    char *content_type = mg_allocate(type_length + 1);
    memcpy(content_type, bytes, type_length);
    content_type[type_length] = '\0';
    const char *body = (const char *)end + 1;
    size_t body_length = length - type_length - 1;
    if (mg_multipart_read(content_type, body, body_length, &multipart, &error))
        check(&multipart, body, body_length);
    else
        require(strncmp(error.code, "multipart.", 10) == 0);
    unpack(body, body_length);
    free(content_type);
    return 0;
}
