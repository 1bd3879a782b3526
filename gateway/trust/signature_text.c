#include "gateway/trust/signature_text.h"

#include <openssl/evp.h>
#include <string.h>

/* How many bytes the UTF-8 sequence at text has; 0 if it is none, or is a character that XML 1.0
 * does not know (section 2.2). */
static size_t sequence(const unsigned char *text)
{
    unsigned character = text[0];
    if (character < 0x80)
        return character >= 0x20 || character == '\t' || character == '\n' || character == '\r';
    size_t length = character >= 0xf0 ? 4 : character >= 0xe0 ? 3 : 2;
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (character < 0xc2 || character > 0xf4)
        return 0;
    character &= 0x7fU >> length;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (text[i] & 0x3fU);
    }
    bool known = character >= smallest[length] && character <= 0x10ffff &&
                 (character < 0xd800 || character > 0xdfff) && (character & 0xfffffe) != 0xfffe;
    return known ? length : 0;
}

static const char *text_escape(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\r':
        return "&#xD;";
    default:
        return NULL;
    }
}

static const char *attribute_escape(char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '"':
        return "&quot;";
    case '\t':
        return "&#x9;";
    case '\n':
        return "&#xA;";
    case '\r':
        return "&#xD;";
    default:
        return NULL;
    }
}

static bool add(struct mg_buffer *buffer, const char *text, const char *(*escape)(char))
{
    const char *plain = text ? text : "";
    const char *at = plain;
    while (*at) {
        size_t length = sequence((const unsigned char *)at);
        const char *instead = length == 0 ? "?" : escape(*at);
        if (!instead) {
            at += length;
            continue;
        }
        if (!mg_buffer_add(buffer, plain, (size_t)(at - plain)) ||
            !mg_buffer_add_text(buffer, instead))
            return false;
        plain = ++at;
    }
    return mg_buffer_add(buffer, plain, (size_t)(at - plain));
}

bool mg_signature_add_text(struct mg_buffer *buffer, const char *text)
{
    return add(buffer, text, text_escape);
}

bool mg_signature_add_attribute(struct mg_buffer *buffer, const char *text)
{
    return add(buffer, text, attribute_escape);
}

bool mg_signature_add_base64(struct mg_buffer *buffer, const uint8_t *bytes, size_t length)
{
    size_t characters = (length + 2) / 3 * 4;
    char *room = mg_buffer_reserve(buffer, characters + 1);
    if (!room)
        return false;
    EVP_EncodeBlock((unsigned char *)room, bytes, (int)length);
    mg_buffer_used(buffer, characters);
    return true;
}

static int value_of(char character)
{
    if (character >= 'A' && character <= 'Z')
        return character - 'A';
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 26;
    if (character >= '0' && character <= '9')
        return character - '0' + 52;
    return character == '+' ? 62 : character == '/' ? 63 : -1;
}

static bool is_space(char character)
{
    return character == ' ' || character == '\n' || character == '\t' || character == '\r';
}

bool mg_signature_read_base64(const char *text, uint8_t *bytes, size_t size, size_t *length)
{
    size_t digits = 0, padding = 0;
    uint32_t bits = 0;
    *length = 0;
    for (; *text; text++) {
        if (is_space(*text))
            continue;
        if (*text == '=') {
            padding++;
            continue;
        }
        int value = value_of(*text);
        if (value < 0 || padding)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (digits++ % 4 == 0)
            continue;
        if (*length == size)
            return false;
        bytes[(*length)++] = (uint8_t)(bits >> (6 - 2 * ((digits - 1) % 4)));
    }
    /* The bits that padding leaves over have to be zero, so that every value has one text only. */
    uint32_t rest = digits % 4 == 2 ? bits & 0xf : digits % 4 == 3 ? bits & 0x3 : 0;
    return digits % 4 != 1 && padding == (4 - digits % 4) % 4 && rest == 0;
}
