#include "gateway/route/route.h"

#include <stdint.h>
#include <string.h>

/* True if the pattern ends in "*". */
static bool is_open(const char *pattern, size_t length)
{
    return length > 0 && pattern[length - 1] == '*';
}

bool mg_pattern_matches(const char *pattern, const char *text)
{
    size_t length = strlen(pattern);
    if (is_open(pattern, length))
        return strncmp(pattern, text, length - 1) == 0;
    return strcmp(pattern, text) == 0;
}

enum mg_permission_result mg_permission_check(const struct mg_permission *permissions, size_t count,
                                              const char *author, const char *type,
                                              const char *reader)
{
    enum mg_permission_result result = MG_AUTHOR_NOT_PERMITTED;
    for (size_t i = 0; i < count; i++) {
        if (!mg_pattern_matches(permissions[i].author, author))
            continue;
        if (!mg_pattern_matches(permissions[i].type, type)) {
            if (result == MG_AUTHOR_NOT_PERMITTED)
                result = MG_TYPE_NOT_PERMITTED;
            continue;
        }
        if (mg_pattern_matches(permissions[i].reader, reader))
            return MG_PERMITTED;
        result = MG_READER_NOT_PERMITTED;
    }
    return result;
}

/* How closely a pattern describes what it matches: exact ones most of all. */
static size_t closeness(const char *pattern)
{
    size_t length = strlen(pattern);
    return is_open(pattern, length) ? length : SIZE_MAX;
}

static bool is_closer(const struct mg_route *route, const struct mg_route *other)
{
    size_t reader = closeness(route->reader), other_reader = closeness(other->reader);
    if (reader != other_reader)
        return reader > other_reader;
    return closeness(route->type) > closeness(other->type);
}

const struct mg_route *mg_route_find(const struct mg_route *routes, size_t count, const char *type,
                                     const char *reader)
{
    const struct mg_route *found = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct mg_route *route = &routes[i];
        if (mg_pattern_matches(route->reader, reader) && mg_pattern_matches(route->type, type) &&
            (!found || is_closer(route, found)))
            found = route;
    }
    return found;
}
