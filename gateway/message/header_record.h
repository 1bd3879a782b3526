/*
 * header_record: a header as bytes, for the store, and back. Pure, any thread.
 *
 * The record is a version byte and the facts in their order, each ended by a NUL, so that a newer
 * version can add facts at the end and still read older records.
 */
#ifndef MUENGSTEN_MESSAGE_HEADER_RECORD_H
#define MUENGSTEN_MESSAGE_HEADER_RECORD_H

#include "gateway/base/buffer.h"
#include "gateway/message/header.h"

/* Appends the record. False only at the buffer's limit. */
bool mg_header_write(const struct mg_header *header, struct mg_buffer *record);

/* False if the bytes are no record of a version that this build knows. */
bool mg_header_read(const void *record, size_t length, struct mg_header *header);

/* Likewise; *rest is where something else may stand behind the facts, up to the record's end. */
bool mg_header_read_with(const void *record, size_t length, struct mg_header *header,
                         const char **rest);

#endif
