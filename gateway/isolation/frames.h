/*
 * frames: the frames of docs/adapter-protocol.md: eight bytes with two lengths, a header in JSON,
 * content as bytes. Reading and writing, for both ends of the stream; no I/O.
 *
 * Whoever reads trusts nothing: a length is judged before anything is made for it, a header is
 * parsed strictly (UTF-8, one object, no member twice), and a member of another kind than the
 * caller asks for makes the frame wrong. Whoever writes may pass any text: bytes that are no UTF-8
 * are written as the characters of ISO 8859-1 that they stand for, so that what comes from an HTTP
 * field cannot end the conversation.
 *
 * One frame, one thread at a time. Only memory that is not there ends the process; everything else
 * is reported with the code adapter.frame.
 */
#ifndef MUENGSTEN_ISOLATION_FRAMES_H
#define MUENGSTEN_ISOLATION_FRAMES_H

#include "gateway/base/buffer.h"
#include "gateway/base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MG_FRAME_PREFIX       8
#define MG_FRAME_HEADER_LIMIT 65536
#define MG_FRAME_NUMBER_LIMIT (INT64_C(1) << 53) /* numbers are below it */

/* ---- reading ---- */

struct mg_frame {
    json_t *header; /* an object */
    const char *type;
    const void *content; /* points into the bytes that were read */
    size_t length;       /* of the content */
    size_t size;         /* of the whole frame */
    bool wrong;          /* a member was missing or of another kind; error says which */
    struct mg_error error;
};

enum mg_frame_progress { MG_FRAME_MORE, MG_FRAME_READY, MG_FRAME_WRONG };

/*
 * Looks for a frame at the beginning of the bytes. Ready: the frame is filled, and to be freed with
 * mg_frame_free; its content is valid as long as the bytes are. More: *needed is the number of
 * bytes without which it is of no use to ask again. Wrong: frame->error says why.
 */
enum mg_frame_progress mg_frame_read(const void *bytes, size_t length, size_t content_limit,
                                     struct mg_frame *frame, size_t *needed);
void mg_frame_free(struct mg_frame *frame);

/* Members of an object (NULL: the header). Where a member is missing: NULL, or the standard. Where
 * it is of another kind, the frame becomes wrong. */
const char *mg_frame_text(struct mg_frame *frame, const json_t *object, const char *name);
int64_t mg_frame_number(struct mg_frame *frame, const json_t *object, const char *name,
                        int64_t standard);
bool mg_frame_truth(struct mg_frame *frame, const json_t *object, const char *name);
const json_t *mg_frame_object(struct mg_frame *frame, const json_t *object, const char *name);
const json_t *mg_frame_array(struct mg_frame *frame, const json_t *object, const char *name);

/* The same, and the frame becomes wrong where the member is missing, or the number negative; then
 * "" or 0. */
const char *mg_frame_need_text(struct mg_frame *frame, const json_t *object, const char *name);
int64_t mg_frame_need_number(struct mg_frame *frame, const json_t *object, const char *name);

/* Makes the frame wrong with this sentence, unless it is already. */
void mg_frame_object_to(struct mg_frame *frame, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- writing ---- */

/* A frame that is being added to the end of a buffer. */
struct mg_frame_writer {
    struct mg_buffer *buffer; /* without a limit */
    size_t start;             /* where the frame begins in it */
    size_t content;           /* where its content begins; 0: the header is not over */
    bool first;               /* nothing stands yet in the innermost object or array */
};

void mg_frame_begin(struct mg_frame_writer *writer, struct mg_buffer *buffer, const char *type);

/* Members of the innermost object; with name NULL, elements of the innermost array. A text that is
 * NULL is left out. */
void mg_frame_put_text(struct mg_frame_writer *writer, const char *name, const char *text);
void mg_frame_put_number(struct mg_frame_writer *writer, const char *name, int64_t number);
void mg_frame_put_truth(struct mg_frame_writer *writer, const char *name, bool truth);
/* bracket is '{' or '['; each is closed with '}' or ']'. */
void mg_frame_put_open(struct mg_frame_writer *writer, const char *name, char bracket);
void mg_frame_put_close(struct mg_frame_writer *writer, char bracket);

/* Ends the header; content may be added afterwards, also by mg_buffer_reserve on the buffer. */
void mg_frame_put_content(struct mg_frame_writer *writer, const void *bytes, size_t length);

/* Ends the frame. False, and the frame taken out of the buffer again, if its header or content
 * would be longer than it may be. */
bool mg_frame_end(struct mg_frame_writer *writer, size_t content_limit);

#endif
