/*
 * buffer: bytes that grow at the end, up to a limit. The data always ends with a NUL that does not
 * count, so that text can be used in place. A buffer belongs to whoever declared it and to one
 * thread at a time; a struct mg_buffer filled with zeros is an empty buffer without a limit.
 */
#ifndef MUENGSTEN_BASE_BUFFER_H
#define MUENGSTEN_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct mg_buffer {
    char *data; /* NULL while empty */
    size_t length;
    size_t capacity;
    size_t limit; /* bytes it may hold; 0: no limit */
};

/* Adds bytes at the end. False, and nothing added, if the limit would be passed. */
bool mg_buffer_add(struct mg_buffer *buffer, const void *bytes, size_t length);

/* Adds text at the end, without its NUL. */
bool mg_buffer_add_text(struct mg_buffer *buffer, const char *text);

/* Adds text with <, >, &, " and ' written as XML references; control characters become spaces. */
bool mg_buffer_add_xml(struct mg_buffer *buffer, const char *text);

/* Adds text as the inside of a JSON string (RFC 8259, section 7), without the quotes around it. */
bool mg_buffer_add_json(struct mg_buffer *buffer, const char *text);

/* Adds formatted text. */
bool mg_buffer_print(struct mg_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Room for length more bytes at the end, or NULL at the limit; mg_buffer_used then says how many
 * were written there. */
char *mg_buffer_reserve(struct mg_buffer *buffer, size_t length);
void mg_buffer_used(struct mg_buffer *buffer, size_t length);

/* The bytes, which the caller then owns and frees; the buffer is empty afterwards. Never NULL. */
char *mg_buffer_take(struct mg_buffer *buffer);

/* Forgets the content, keeps the memory. */
void mg_buffer_clear(struct mg_buffer *buffer);

/* Frees the memory; the buffer is empty afterwards and may be used again. */
void mg_buffer_free(struct mg_buffer *buffer);

#endif
