/*
 * multipart: reads and writes multipart/related (RFC 2387) held in memory: a document and its
 * detached signature, and later attachments.
 *
 * Strict: the boundary of RFC 2046, section 5.1.1, CRLF line ends, no preamble or epilogue but
 * white space, at most MG_MULTIPART_PARTS parts, headers of a part at most 2 KiB, no folded
 * headers, no transfer encoding but binary, 8bit and 7bit. Pure, any thread.
 */
#ifndef MUENGSTEN_MESSAGE_MULTIPART_H
#define MUENGSTEN_MESSAGE_MULTIPART_H

#include "gateway/base/buffer.h"
#include "gateway/base/error.h"

/* Document, signature, and as many attachments as a message may have. */
#define MG_MULTIPART_PARTS 66

struct mg_part {
    const char *bytes; /* inside the body that was read */
    size_t length;
    char media_type[128]; /* lower case, without parameters */
    char content_id[256]; /* without the angle brackets; may be empty */
    char name[256];       /* filename of Content-Disposition; may be empty */
};

struct mg_multipart {
    struct mg_part parts[MG_MULTIPART_PARTS];
    size_t count;
    size_t root; /* index of the part that the parameter start names, else of the first */
};

/* True if the Content-Type is multipart/related. */
bool mg_multipart_is(const char *content_type);

/* Splits the body. parts point into it. Errors: multipart.boundary, multipart.malformed,
 * multipart.too-many-parts, multipart.encoding, multipart.start. */
bool mg_multipart_read(const char *content_type, const char *body, size_t length,
                       struct mg_multipart *multipart, struct mg_error *error);

#endif
