#include "adapters/common/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *mg_text_allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) {
        fputs("no memory left\n", stderr);
        abort();
    }
    return memory;
}

char *mg_text_copy(const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    return memcpy(mg_text_allocate(1, size), text, size);
}

static void reserve(struct mg_text *text, size_t length)
{
    if (text->capacity - text->length > length)
        return;
    size_t capacity = (text->length + length + 1) * 2;
    char *bytes = mg_text_allocate(1, capacity);
    if (text->length)
        memcpy(bytes, text->bytes, text->length);
    free(text->bytes);
    text->bytes = bytes;
    text->capacity = capacity;
}

void mg_text_add(struct mg_text *text, const void *bytes, size_t length)
{
    reserve(text, length);
    if (length)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void mg_text_print(struct mg_text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length > 0) {
        reserve(text, (size_t)length);
        vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

/* Reads one character of UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing over U+10FFFF)
 * and returns how many bytes it has; 0 if the bytes are none. */
static size_t read_character(const char *value, uint32_t *character)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t smallest;
    } forms[] = {{0x80, 0x00, 0x0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    const uint8_t *bytes = (const uint8_t *)value;
    for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
        if ((bytes[0] & forms[form].mask) != forms[form].lead)
            continue;
        uint32_t read = bytes[0] & (uint32_t)~forms[form].mask;
        for (size_t i = 1; i <= form; i++) {
            if ((bytes[i] & 0xc0) != 0x80)
                return 0;
            read = read << 6 | (bytes[i] & 0x3f);
        }
        if (read < forms[form].smallest || read > 0x10ffff || (read >= 0xd800 && read <= 0xdfff))
            return 0;
        *character = read;
        return form + 1;
    }
    return 0;
}

/* Bytes up to the next that may need escaping in any form. */
static size_t plain_length(const char *value)
{
    size_t length = 0;
    while (value[length] >= ' ' && value[length] <= '~' && value[length] != '"' &&
           value[length] != '\\' && value[length] != '<' && value[length] != '>' &&
           value[length] != '&')
        length++;
    return length;
}

static void add_escaped(struct mg_text *text, const char *value,
                        bool (*escape)(struct mg_text *text, uint32_t character))
{
    static const char replacement[] = "\xef\xbf\xbd";
    while (*value) {
        size_t plain = plain_length(value);
        if (plain > 0) {
            mg_text_add(text, value, plain);
            value += plain;
            continue;
        }
        uint32_t character = 0;
        size_t length = read_character(value, &character);
        if (length == 0)
            mg_text_add(text, replacement, sizeof replacement - 1);
        else if (!escape(text, character))
            mg_text_add(text, value, length);
        value += length ? length : 1;
    }
}

static bool escape_xml(struct mg_text *text, uint32_t character)
{
    if (character == '<' || character == '>' || character == '&' || character == '"' ||
        character == '\n' || character == '\t' || character == '\r')
        mg_text_print(text, "&#%u;", (unsigned)character);
    else if (character < ' ' || character == 0xfffe || character == 0xffff)
        mg_text_print(text, "&#xFFFD;");
    else
        return false;
    return true;
}

static bool escape_json(struct mg_text *text, uint32_t character)
{
    if (character == '"' || character == '\\')
        mg_text_print(text, "\\%c", (char)character);
    else if (character < ' ' || character == 0x7f)
        mg_text_print(text, "\\u%04x", (unsigned)character);
    else
        return false;
    return true;
}

void mg_text_add_xml(struct mg_text *text, const char *value)
{
    add_escaped(text, value, escape_xml);
}

void mg_text_add_json(struct mg_text *text, const char *value)
{
    add_escaped(text, value, escape_json);
}

void mg_text_free(struct mg_text *text)
{
    free(text->bytes);
    *text = (struct mg_text){0};
}
