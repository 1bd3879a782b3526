#include "tools/control/words.h"

#include "tools/control/say.h"

#include <stdio.h>
#include <string.h>

const char *mg_words_find(const char *group, const char *name)
{
    for (size_t i = 0; mg_say_is_german() && i < mg_words_german_count; i++) {
        const struct mg_word *word = &mg_words_german[i];
        if (strcmp(word->group, group) == 0 && strcmp(word->name, name) == 0)
            return word->text;
    }
    return NULL;
}

const char *mg_words_say(const char *group, const char *name)
{
    const char *found = mg_words_find(group, name);
    return found ? found : name;
}

const char *mg_words_say_is(const char *group, const char *name)
{
    char key[64];
    int length = snprintf(key, sizeof key, "is.%s", name);
    const char *found =
        length > 0 && (size_t)length < sizeof key ? mg_words_find(group, key) : NULL;
    return found ? found : name;
}

void mg_words_fill(struct mg_buffer *buffer, const char *text, const char *value)
{
    size_t before = strcspn(text, "{");
    const char *behind = strchr(text, '}');
    mg_buffer_add(buffer, text, before);
    if (!text[before] || !behind)
        return;
    mg_buffer_add_text(buffer, value);
    mg_buffer_add_text(buffer, behind + 1);
}

/* The status in the answer of a peer, as "http.503" says it; NULL in any other code. */
static const char *status_of(const char *code)
{
    bool is_peer = strncmp(code, "http.", 5) == 0 || strncmp(code, "smtp.", 5) == 0;
    return is_peer && strspn(code + 5, "0123456789") == 3 && !code[8] ? code + 5 : NULL;
}

bool mg_words_meaning(struct mg_buffer *buffer, const char *code)
{
    const char *found = mg_words_find("code", code), *status = status_of(code);
    if (!found && status)
        found = mg_words_find("code", code[0] == 'h' ? "http" : "smtp");
    if (!found)
        return false;
    mg_words_fill(buffer, found, status ? status : "");
    return true;
}

void mg_words_outcome(struct mg_buffer *buffer, const char *code, const char *text)
{
    if (mg_words_meaning(buffer, code))
        mg_buffer_add_text(buffer, " ");
    mg_buffer_add_text(buffer, code);
    if (*code && *text)
        mg_buffer_add_text(buffer, ": ");
    mg_buffer_add_text(buffer, text);
}
