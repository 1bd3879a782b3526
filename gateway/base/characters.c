#include "gateway/base/characters.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* How many of the eight bytes, from the first, are plain: ASCII and no control character. The
 * subtraction borrows into the high bit of every byte below a space; a borrow that runs over only
 * reaches bytes behind the first that is not plain. */
static size_t count_plain(const unsigned char *bytes)
{
    uint64_t eight;
    memcpy(&eight, bytes, sizeof eight);
    eight = le64toh(eight);
    uint64_t other = (eight | (eight - EVERY_BYTE(0x20))) & EVERY_BYTE(0x80);
    return other ? (size_t)__builtin_ctzll(other) / 8 : sizeof eight;
}

static bool is_continuation(const unsigned char *byte)
{
    return (*byte & 0xC0) == 0x80;
}

/* The length of the well-formed sequence at byte (table 3-7 of the Unicode standard), or 0. */
static size_t sequence_length(const unsigned char *byte, size_t left)
{
    unsigned char first = byte[0];
    if (first >= 0xC2 && first <= 0xDF)
        return left >= 2 && is_continuation(byte + 1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        if (left < 3 || !is_continuation(byte + 1) || !is_continuation(byte + 2))
            return 0;
        bool overlong = first == 0xE0 && byte[1] < 0xA0;
        bool surrogate = first == 0xED && byte[1] > 0x9F;
        return overlong || surrogate ? 0 : 3;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        if (left < 4 || !is_continuation(byte + 1) || !is_continuation(byte + 2) ||
            !is_continuation(byte + 3))
            return 0;
        bool overlong = first == 0xF0 && byte[1] < 0x90;
        bool too_high = first == 0xF4 && byte[1] > 0x8F;
        return overlong || too_high ? 0 : 4;
    }
    return 0;
}

static enum mg_characters check_one(const unsigned char *byte, size_t left, size_t *length)
{
    if (*byte < 0x80) {
        *length = 1;
        bool good = *byte >= 0x20 || *byte == '\t' || *byte == '\n' || *byte == '\r';
        return good ? MG_CHARACTERS_GOOD : MG_CHARACTERS_NOT_XML;
    }
    *length = sequence_length(byte, left);
    if (*length == 0)
        return MG_CHARACTERS_NOT_UTF8;
    if (*length == 3 && byte[0] == 0xEF && byte[1] == 0xBF && byte[2] >= 0xBE)
        return MG_CHARACTERS_NOT_XML;
    return MG_CHARACTERS_GOOD;
}

enum mg_characters mg_characters_check(const char *bytes, size_t length, const char **where)
{
    const unsigned char *byte = (const unsigned char *)bytes, *end = byte + length;
    while (byte < end) {
        size_t taken = end - byte >= 8 ? count_plain(byte) : 0;
        byte += taken;
        if (taken == 8)
            continue;
        enum mg_characters result = check_one(byte, (size_t)(end - byte), &taken);
        if (result != MG_CHARACTERS_GOOD) {
            *where = (const char *)byte;
            return result;
        }
        byte += taken;
    }
    return MG_CHARACTERS_GOOD;
}
