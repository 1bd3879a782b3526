/*
 * characters: which bytes are text that XML admits: UTF-8 as RFC 3629 defines it (shortest form
 * only, no surrogates, nothing above U+10FFFF), and of its characters those of the production Char
 * of XML 1.0. Pure, any thread.
 */
#ifndef MUENGSTEN_BASE_CHARACTERS_H
#define MUENGSTEN_BASE_CHARACTERS_H

#include <stddef.h>

enum mg_characters {
    MG_CHARACTERS_GOOD,
    MG_CHARACTERS_NOT_UTF8,
    MG_CHARACTERS_NOT_XML, /* a control character, NUL, U+FFFE or U+FFFF */
};

/* Looks at all bytes. If they are not good, *where is the first byte of the first bad character. */
enum mg_characters mg_characters_check(const char *bytes, size_t length, const char **where);

#endif
