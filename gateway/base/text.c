#include "gateway/base/text.h"

#include "gateway/base/characters.h"

#include <string.h>

bool mg_shown_as_it_is(const char *text, size_t *length)
{
    const char *bad;
    *length = strnlen(text, MG_SHOWN_TEXT + 1);
    return *length <= MG_SHOWN_TEXT &&
           mg_characters_check(text, *length, &bad) == MG_CHARACTERS_GOOD;
}

void mg_shown_text(struct mg_buffer *buffer, const char *text)
{
    if (!text)
        return;
    const char *end = text + strnlen(text, MG_SHOWN_TEXT), *bad;
    while (text < end &&
           mg_characters_check(text, (size_t)(end - text), &bad) != MG_CHARACTERS_GOOD) {
        mg_buffer_add(buffer, text, (size_t)(bad - text));
        mg_buffer_add_text(buffer, "\xEF\xBF\xBD");
        text = bad + 1;
    }
    if (text < end)
        mg_buffer_add(buffer, text, (size_t)(end - text));
}
