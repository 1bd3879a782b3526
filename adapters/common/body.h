/*
 * body: the body of a delivery, which is never in memory as a whole: a list of pieces, some of them
 * text, some of them parts of the message that are read as the connection takes them.
 *
 * A message whose seal is inside and that has no attachments is its document. Any other is
 * multipart/related (RFC 2387): the document first, then the seal, then the attachments.
 */
#ifndef MUENGSTEN_ADAPTERS_BODY_H
#define MUENGSTEN_ADAPTERS_BODY_H

#include "adapters/common/text.h"

#include "muengsten/adapter.h"

struct mg_body {
    const struct mg_gateway *gateway;
    struct mg_delivery *delivery;
    struct mg_text media_type; /* the value of Content-Type */
    struct mg_text texts;      /* all pieces that are text, one behind the other */
    struct mg_body_piece {
        int part;     /* of the message; -1: text */
        size_t start; /* of a text: where in texts */
        int64_t length;
    } * pieces;
    size_t count;
    int64_t length; /* of the whole body */
};

/* Lays the body of the delivery out. Reads no content yet. */
void mg_body_make(const struct mg_gateway *gateway, struct mg_delivery *delivery,
                  struct mg_body *body);

/* Up to size bytes from offset; 0 at the end, -1 if a part cannot be read or is shorter than
 * announced. */
ssize_t mg_body_read(const struct mg_body *body, int64_t offset, void *bytes, size_t size);

void mg_body_free(struct mg_body *body);

#endif
