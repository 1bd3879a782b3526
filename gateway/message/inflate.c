#include "gateway/message/inflate.h"

#include <stdint.h>
/* Then zlib declares its input const, which it is. */
#define ZLIB_CONST
#include <zlib.h>

#define PIECE (16U << 10)
/* zlib's way to say: a gzip member, with the largest window. */
#define GZIP_WINDOW (16 + MAX_WBITS)

/* Room for the next piece of output; at the limit one byte of room elsewhere, since zlib only
 * learns there that the member has ended, or shows that it has not. */
static bool give_room(z_stream *stream, struct mg_buffer *plain, unsigned char *spare)
{
    size_t piece = PIECE;
    if (plain->limit && plain->limit - plain->length < piece)
        piece = plain->limit - plain->length;
    stream->next_out = piece ? (unsigned char *)mg_buffer_reserve(plain, piece) : spare;
    stream->avail_out = piece ? (unsigned)piece : 1;
    return piece > 0;
}

static bool unpack(z_stream *stream, const char *packed, size_t length, struct mg_buffer *plain,
                   struct mg_error *error)
{
    size_t given = 0;
    int status = Z_OK;
    while (status != Z_STREAM_END) {
        unsigned char spare;
        if (stream->avail_in == 0) {
            size_t piece = length - given < INT32_MAX ? length - given : INT32_MAX;
            stream->next_in = (const unsigned char *)packed + given;
            stream->avail_in = (unsigned)piece;
            given += piece;
        }
        bool room = give_room(stream, plain, &spare);
        unsigned before = stream->avail_out;
        status = inflate(stream, Z_NO_FLUSH);
        unsigned written = before - stream->avail_out;
        if (!room && written)
            return mg_fail(error, "gzip.too-large",
                           "the unpacked content is larger than the limit allows");
        if (room)
            mg_buffer_used(plain, written);
        /* Z_BUF_ERROR: the input has ended before the member did. */
        if (status != Z_OK && status != Z_STREAM_END)
            return mg_fail(error, "gzip.malformed",
                           "the content is damaged or not packed with gzip");
    }
    if (stream->avail_in > 0 || given < length)
        return mg_fail(error, "gzip.malformed",
                       "something follows the packed content; send one gzip member only");
    return true;
}

bool mg_inflate(const char *packed, size_t length, struct mg_buffer *plain, struct mg_error *error)
{
    z_stream stream = {0};
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        mg_die("no memory to unpack gzip");
    bool unpacked = unpack(&stream, packed, length, plain, error);
    inflateEnd(&stream);
    if (!unpacked)
        mg_buffer_clear(plain);
    return unpacked;
}
