#include "gateway/operate/target.h"

#include "gateway/base/characters.h"

#include <string.h>

/* ---- decoding ---- */

static int hex_digit(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    if (letter >= 'a' && letter <= 'f')
        return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F')
        return letter - 'A' + 10;
    return -1;
}

static bool is_text(const char *text, size_t length)
{
    const char *bad;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return mg_characters_check(text, length, &bad) == MG_CHARACTERS_GOOD;
}

/* Writes the decoded text and a NUL to *room, and moves that on. NULL if it is no text. plus: what
 * forms send for a space (WHATWG URL, application/x-www-form-urlencoded). */
static const char *decode(char **room, const char *text, size_t length, bool plus)
{
    char *begin = *room, *end = begin;
    for (size_t i = 0; i < length; i++) {
        char letter = text[i];
        if (letter == '%') {
            int high = length - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0)
                return NULL;
            letter = (char)(high * 16 + low);
            i += 2;
        } else if (letter == '+' && plus) {
            letter = ' ';
        }
        *end++ = letter;
    }
    *end = '\0';
    *room = end + 1;
    return is_text(begin, (size_t)(end - begin)) ? begin : NULL;
}

/* ---- taking apart ---- */

static int no_path(struct mg_error *error)
{
    mg_fail(error, "http.path", "There is nothing at this path.");
    return 404;
}

static int read_path(struct mg_target *target, char **room, const char *path, size_t length,
                     struct mg_error *error)
{
    const char *end = path + length;
    while (path < end) {
        path++; /* the slash */
        const char *slash = memchr(path, '/', (size_t)(end - path));
        const char *stop = slash ? slash : end;
        if (target->segment_count == MG_TARGET_SEGMENTS)
            return no_path(error);
        const char *segment = decode(room, path, (size_t)(stop - path), false);
        if (!segment)
            return no_path(error);
        target->segments[target->segment_count++] = segment;
        path = stop;
    }
    return 0;
}

static int bad_query(struct mg_error *error, const char *why)
{
    mg_fail(error, "query.invalid", "%s", why);
    return 400;
}

static int read_parameter(struct mg_target *target, char **room, const char *text, size_t length,
                          struct mg_error *error)
{
    const char *equals = memchr(text, '=', length);
    size_t size = equals ? (size_t)(equals - text) : length;
    if (target->parameter_count == MG_TARGET_PARAMETERS)
        return bad_query(error, "The query has more than 32 parameters.");
    const char *name = decode(room, text, size, true);
    const char *value = equals ? decode(room, equals + 1, length - size - 1, true) : "";
    if (!name || !value)
        return bad_query(error, "A parameter of the query is no text: write it in UTF-8 without "
                                "control characters, each byte of it that needs it as %XX.");
    if (mg_target_parameter(target, name))
        return bad_query(error, "A parameter of the query is there twice; say it once.");
    target->parameters[target->parameter_count].name = name;
    target->parameters[target->parameter_count++].value = value;
    return 0;
}

static int read_query(struct mg_target *target, char **room, const char *query,
                      struct mg_error *error)
{
    while (*query) {
        size_t length = strcspn(query, "&");
        int status = length > 0 ? read_parameter(target, room, query, length, error) : 0;
        if (status != 0)
            return status;
        query += length;
        query += *query == '&';
    }
    return 0;
}

int mg_target_parse(struct mg_target *target, const char *text, struct mg_error *error)
{
    char *room = target->text;
    size_t length = strcspn(text, "?");
    const char *query = text[length] ? text + length + 1 : text + length;
    target->segment_count = target->parameter_count = 0;
    if (length > MG_TARGET_PATH || strlen(query) > MG_TARGET_QUERY) {
        mg_fail(error, "query.too-long",
                "What is asked for is too long: the path may have %d bytes, the query %d.",
                MG_TARGET_PATH, MG_TARGET_QUERY);
        return 414;
    }
    if (text[0] != '/')
        return no_path(error);
    int status = read_path(target, &room, text, length, error);
    return status != 0 ? status : read_query(target, &room, query, error);
}

/* ---- looking up ---- */

const char *mg_target_parameter(const struct mg_target *target, const char *name)
{
    for (size_t i = 0; i < target->parameter_count; i++)
        if (strcmp(target->parameters[i].name, name) == 0)
            return target->parameters[i].value;
    return NULL;
}

/* The length of the pattern's segment, which begins behind the slash. */
static size_t segment_length(const char *pattern)
{
    return strcspn(pattern, "/");
}

bool mg_target_matches(const struct mg_target *target, const char *pattern)
{
    for (size_t i = 0; i < target->segment_count; i++) {
        if (*pattern++ != '/')
            return false;
        size_t length = segment_length(pattern);
        const char *segment = target->segments[i];
        bool any = pattern[0] == '{';
        if (any ? *segment == '\0'
                : strlen(segment) != length || memcmp(segment, pattern, length) != 0)
            return false;
        pattern += length;
    }
    return *pattern == '\0';
}

const char *mg_target_segment(const struct mg_target *target, const char *pattern, const char *name)
{
    for (size_t i = 0; i < target->segment_count && *pattern; i++) {
        size_t length = segment_length(++pattern);
        if (length == strlen(name) + 2 && pattern[0] == '{' &&
            memcmp(pattern + 1, name, length - 2) == 0)
            return target->segments[i];
        pattern += length;
    }
    return NULL;
}
