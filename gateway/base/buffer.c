#include "gateway/base/buffer.h"

#include "gateway/base/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST_CAPACITY 256U

char *mg_buffer_reserve(struct mg_buffer *buffer, size_t length)
{
    if (length > SIZE_MAX / 4 - buffer->length)
        return NULL;
    if (buffer->limit && buffer->length + length > buffer->limit)
        return NULL;
    size_t needed = buffer->length + length + 1;
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity ? buffer->capacity : SMALLEST_CAPACITY;
        while (capacity < needed)
            capacity *= 2;
        buffer->data = mg_reallocate(buffer->data, capacity);
        buffer->capacity = capacity;
        buffer->data[buffer->length] = '\0';
    }
    return buffer->data + buffer->length;
}

void mg_buffer_used(struct mg_buffer *buffer, size_t length)
{
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

bool mg_buffer_add(struct mg_buffer *buffer, const void *bytes, size_t length)
{
    char *room = mg_buffer_reserve(buffer, length);
    if (!room)
        return false;
    if (length)
        memcpy(room, bytes, length);
    mg_buffer_used(buffer, length);
    return true;
}

bool mg_buffer_add_text(struct mg_buffer *buffer, const char *text)
{
    return mg_buffer_add(buffer, text, strlen(text));
}

static const char *xml_reference(unsigned char character)
{
    switch (character) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return character < 0x20 ? " " : NULL;
    }
}

bool mg_buffer_add_xml(struct mg_buffer *buffer, const char *text)
{
    for (const char *plain = text;; text++) {
        const char *reference = *text ? xml_reference((unsigned char)*text) : "";
        if (!reference)
            continue;
        if (!mg_buffer_add(buffer, plain, (size_t)(text - plain)) ||
            !mg_buffer_add_text(buffer, reference))
            return false;
        if (!*text)
            return true;
        plain = text + 1;
    }
}

bool mg_buffer_add_json(struct mg_buffer *buffer, const char *text)
{
    for (const char *plain = text;; text++) {
        unsigned char character = (unsigned char)*text;
        if (character >= 0x20 && character != '"' && character != '\\')
            continue;
        if (!mg_buffer_add(buffer, plain, (size_t)(text - plain)))
            return false;
        if (!character)
            return true;
        bool added = character < 0x20 ? mg_buffer_print(buffer, "\\u%04x", character)
                                      : mg_buffer_print(buffer, "\\%c", character);
        if (!added)
            return false;
        plain = text + 1;
    }
}

bool mg_buffer_print(struct mg_buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *room = length < 0 ? NULL : mg_buffer_reserve(buffer, (size_t)length);
    if (room) {
        vsnprintf(room, (size_t)length + 1, format, again);
        mg_buffer_used(buffer, (size_t)length);
    }
    va_end(again);
    return room != NULL;
}

char *mg_buffer_take(struct mg_buffer *buffer)
{
    char *data = buffer->data ? buffer->data : mg_copy_text("");
    size_t limit = buffer->limit;
    *buffer = (struct mg_buffer){.limit = limit};
    return data;
}

void mg_buffer_clear(struct mg_buffer *buffer)
{
    buffer->length = 0;
    if (buffer->data)
        buffer->data[0] = '\0';
}

void mg_buffer_free(struct mg_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct mg_buffer){.limit = buffer->limit};
}
