/*
 * inflate: unpacks Content-Encoding: gzip under a hard limit on the unpacked size. Pure, any
 * thread.
 */
#ifndef MUENGSTEN_MESSAGE_INFLATE_H
#define MUENGSTEN_MESSAGE_INFLATE_H

#include "gateway/base/buffer.h"
#include "gateway/base/error.h"

/* Unpacks one gzip member into plain, whose limit bounds the result. Errors: gzip.malformed (also
 * for anything behind the member, and for a truncated one), gzip.too-large. */
bool mg_inflate(const char *packed, size_t length, struct mg_buffer *plain, struct mg_error *error);

#endif
