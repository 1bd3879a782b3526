/*
 * route: who may send what to whom, and where it goes: permissions and routes. Pure, immutable, any
 * thread.
 *
 * Patterns: a text that may end in "*", which stands for any rest; "*" alone for anything. A type
 * is "PROFILE:CODE", an authority "PREFIX:KEY". Matching is exact, with case.
 */
#ifndef MUENGSTEN_ROUTE_ROUTE_H
#define MUENGSTEN_ROUTE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

/* True if the text matches the pattern. */
bool mg_pattern_matches(const char *pattern, const char *text);

/* A partner's permission: for which authors, which types, to which readers. */
struct mg_permission {
    const char *author;
    const char *type;
    const char *reader;
};

enum mg_permission_result {
    MG_PERMITTED,
    MG_AUTHOR_NOT_PERMITTED, /* no permission names this author */
    MG_TYPE_NOT_PERMITTED,   /* this author, but not this type */
    MG_READER_NOT_PERMITTED, /* this author and type, but not this reader */
};

enum mg_permission_result mg_permission_check(const struct mg_permission *permissions, size_t count,
                                              const char *author, const char *type,
                                              const char *reader);

/* As many destinations as one route may lead to. */
#define MG_ROUTE_DESTINATIONS 16

/* A route (Leitweg): (type, reader) to destinations. */
struct mg_route {
    const char *type;
    const char *reader;
    const size_t *destinations; /* indexes into the configuration's destinations */
    size_t destination_count;
};

/* The most specific route that matches, or NULL: an exact reader before a pattern, the longer
 * pattern before the shorter; among equals by type likewise; then the first. */
const struct mg_route *mg_route_find(const struct mg_route *routes, size_t count, const char *type,
                                     const char *reader);

#endif
