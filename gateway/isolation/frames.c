#include "gateway/isolation/frames.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- reading ---- */

static size_t read_length(const unsigned char *bytes)
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

static enum mg_frame_progress refuse(struct mg_frame *frame, const char *text)
{
    mg_fail(&frame->error, "adapter.frame", "%s", text);
    mg_frame_free(frame);
    return MG_FRAME_WRONG;
}

static enum mg_frame_progress judge_lengths(struct mg_frame *frame, size_t header, size_t content,
                                            size_t content_limit)
{
    if (header >= 2 && header <= MG_FRAME_HEADER_LIMIT && content <= content_limit)
        return MG_FRAME_READY;
    mg_fail(&frame->error, "adapter.frame",
            "What came is no frame, perhaps because something is printed to standard output: it "
            "announces a header of %zu bytes and content of %zu; 2 to %d and at most %zu are "
            "possible.",
            header, content, MG_FRAME_HEADER_LIMIT, content_limit);
    return MG_FRAME_WRONG;
}

enum mg_frame_progress mg_frame_read(const void *bytes, size_t length, size_t content_limit,
                                     struct mg_frame *frame, size_t *needed)
{
    const unsigned char *start = bytes;
    frame->header = NULL;
    frame->wrong = false;
    *needed = MG_FRAME_PREFIX;
    if (length < MG_FRAME_PREFIX)
        return MG_FRAME_MORE;
    size_t header = read_length(start), content = read_length(start + 4);
    if (judge_lengths(frame, header, content, content_limit) == MG_FRAME_WRONG)
        return MG_FRAME_WRONG;
    *needed = MG_FRAME_PREFIX + header + content;
    if (length < *needed)
        return MG_FRAME_MORE;
    json_error_t problem;
    frame->header =
        json_loadb((const char *)start + MG_FRAME_PREFIX, header, JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(frame->header))
        return refuse(frame, "The header of a frame is no JSON object in UTF-8.");
    frame->type = json_string_value(json_object_get(frame->header, "type"));
    if (!frame->type)
        return refuse(frame, "The header of a frame has no text as its member type.");
    frame->content = start + MG_FRAME_PREFIX + header;
    frame->length = content;
    frame->size = *needed;
    return MG_FRAME_READY;
}

void mg_frame_free(struct mg_frame *frame)
{
    json_decref(frame->header);
    frame->header = NULL;
}

void mg_frame_object_to(struct mg_frame *frame, const char *format, ...)
{
    if (frame->wrong)
        return;
    frame->wrong = true;
    char text[MG_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    mg_fail(&frame->error, "adapter.frame", "%s", text);
}

static const json_t *member(struct mg_frame *frame, const json_t *object, const char *name)
{
    return json_object_get(object ? object : frame->header, name);
}

static void object_to_kind(struct mg_frame *frame, const char *name, const char *kind)
{
    mg_frame_object_to(frame, "The member %s of a frame %.40s is no %s.", name, frame->type, kind);
}

const char *mg_frame_text(struct mg_frame *frame, const json_t *object, const char *name)
{
    const json_t *value = member(frame, object, name);
    if (value && !json_is_string(value))
        object_to_kind(frame, name, "text");
    return json_string_value(value);
}

int64_t mg_frame_number(struct mg_frame *frame, const json_t *object, const char *name,
                        int64_t standard)
{
    const json_t *value = member(frame, object, name);
    if (!value)
        return standard;
    int64_t number = json_integer_value(value);
    if (json_is_integer(value) && number > -MG_FRAME_NUMBER_LIMIT && number < MG_FRAME_NUMBER_LIMIT)
        return number;
    object_to_kind(frame, name, "whole number below 2^53");
    return standard;
}

bool mg_frame_truth(struct mg_frame *frame, const json_t *object, const char *name)
{
    const json_t *value = member(frame, object, name);
    if (value && !json_is_boolean(value))
        object_to_kind(frame, name, "truth value");
    return json_is_true(value);
}

const json_t *mg_frame_object(struct mg_frame *frame, const json_t *object, const char *name)
{
    const json_t *value = member(frame, object, name);
    if (!value || json_is_object(value))
        return value;
    object_to_kind(frame, name, "object");
    return NULL;
}

const json_t *mg_frame_array(struct mg_frame *frame, const json_t *object, const char *name)
{
    const json_t *value = member(frame, object, name);
    if (!value || json_is_array(value))
        return value;
    object_to_kind(frame, name, "array");
    return NULL;
}

const char *mg_frame_need_text(struct mg_frame *frame, const json_t *object, const char *name)
{
    const char *text = mg_frame_text(frame, object, name);
    if (!text)
        mg_frame_object_to(frame, "The member %s of a frame %.40s is missing.", name, frame->type);
    return text ? text : "";
}

int64_t mg_frame_need_number(struct mg_frame *frame, const json_t *object, const char *name)
{
    int64_t number = mg_frame_number(frame, object, name, -1);
    if (number < 0)
        mg_frame_object_to(frame, "The member %s of a frame %.40s is missing or negative.", name,
                           frame->type);
    return number < 0 ? 0 : number;
}

/* ---- writing ---- */

static void add(struct mg_frame_writer *writer, const char *bytes, size_t length)
{
    mg_buffer_add(writer->buffer, bytes, length);
}

void mg_frame_begin(struct mg_frame_writer *writer, struct mg_buffer *buffer, const char *type)
{
    *writer = (struct mg_frame_writer){.buffer = buffer, .start = buffer->length, .first = true};
    add(writer, "\0\0\0\0\0\0\0\0{", MG_FRAME_PREFIX + 1);
    mg_frame_put_text(writer, "type", type);
}

/* How many of the bytes are one character beyond ASCII in UTF-8; 0: none (RFC 3629, section 4). */
static size_t character_length(const unsigned char *text)
{
    unsigned char first = text[0];
    unsigned char lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                    : first >= 0xe0 && first <= 0xef ? 3
                    : first >= 0xf0 && first <= 0xf4 ? 4
                                                     : 0;
    if (length == 0 || text[1] < lowest || text[1] > highest)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (text[i] < 0x80 || text[i] > 0xbf)
            return 0;
    return length;
}

static void add_special(struct mg_frame_writer *writer, unsigned char letter)
{
    char text[8];
    if (letter == '"' || letter == '\\')
        snprintf(text, sizeof text, "\\%c", letter);
    else if (letter < 0x80)
        snprintf(text, sizeof text, "\\u%04x", letter);
    else
        snprintf(text, sizeof text, "%c%c", 0xc0 | letter >> 6, 0x80 | (letter & 0x3f));
    mg_buffer_add_text(writer->buffer, text);
}

static void add_string(struct mg_frame_writer *writer, const char *text)
{
    add(writer, "\"", 1);
    const unsigned char *plain = (const unsigned char *)text, *at = plain;
    for (;;) {
        unsigned char letter = *at;
        size_t length = letter < 0x80 ? 1 : character_length(at);
        if (length > 0 && letter >= 0x20 && letter != '"' && letter != '\\') {
            at += length;
            continue;
        }
        add(writer, (const char *)plain, (size_t)(at - plain));
        if (!letter)
            break;
        add_special(writer, letter);
        plain = ++at;
    }
    add(writer, "\"", 1);
}

static void put_name(struct mg_frame_writer *writer, const char *name)
{
    if (!writer->first)
        add(writer, ",", 1);
    writer->first = false;
    if (!name)
        return;
    add_string(writer, name);
    add(writer, ":", 1);
}

void mg_frame_put_text(struct mg_frame_writer *writer, const char *name, const char *text)
{
    if (!text)
        return;
    put_name(writer, name);
    add_string(writer, text);
}

void mg_frame_put_number(struct mg_frame_writer *writer, const char *name, int64_t number)
{
    char text[24];
    put_name(writer, name);
    add(writer, text, (size_t)snprintf(text, sizeof text, "%" PRId64, number));
}

void mg_frame_put_truth(struct mg_frame_writer *writer, const char *name, bool truth)
{
    put_name(writer, name);
    mg_buffer_add_text(writer->buffer, truth ? "true" : "false");
}

void mg_frame_put_open(struct mg_frame_writer *writer, const char *name, char bracket)
{
    put_name(writer, name);
    add(writer, &bracket, 1);
    writer->first = true;
}

void mg_frame_put_close(struct mg_frame_writer *writer, char bracket)
{
    add(writer, &bracket, 1);
    writer->first = false;
}

void mg_frame_put_content(struct mg_frame_writer *writer, const void *bytes, size_t length)
{
    if (!writer->content) {
        add(writer, "}", 1);
        writer->content = writer->buffer->length;
    }
    add(writer, bytes, length);
}

static void write_length(char *bytes, size_t length)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (char)(length >> (24 - 8 * i) & 0xff);
}

bool mg_frame_end(struct mg_frame_writer *writer, size_t content_limit)
{
    mg_frame_put_content(writer, NULL, 0);
    struct mg_buffer *buffer = writer->buffer;
    size_t header = writer->content - writer->start - MG_FRAME_PREFIX;
    size_t content = buffer->length - writer->content;
    if (header > MG_FRAME_HEADER_LIMIT || content > content_limit || content > UINT32_MAX) {
        buffer->length = writer->start;
        return false;
    }
    write_length(buffer->data + writer->start, header);
    write_length(buffer->data + writer->start + 4, content);
    return true;
}
