/*
 * target: takes apart what is asked for: "/messages/{id}?uuid=…", the path into segments, the query
 * into parameters, each percent-decoded, bounded, and text. Pure, any thread.
 *
 * What comes out is UTF-8 without control characters. A segment may have any other character in it,
 * a slash too: it is a name to be looked up, never a part of a file's path.
 */
#ifndef MUENGSTEN_OPERATE_TARGET_H
#define MUENGSTEN_OPERATE_TARGET_H

#include "gateway/base/error.h"

#include <stddef.h>

#define MG_TARGET_SEGMENTS   8
#define MG_TARGET_PARAMETERS 32
#define MG_TARGET_PATH       1024 /* bytes, as sent */
#define MG_TARGET_QUERY      4096

struct mg_target {
    size_t segment_count;
    const char *segments[MG_TARGET_SEGMENTS];
    size_t parameter_count;
    struct {
        const char *name;
        const char *value; /* "" if there is none */
    } parameters[MG_TARGET_PARAMETERS];
    char text[MG_TARGET_PATH + MG_TARGET_QUERY + 2]; /* what the others point into */
};

/* The status with which a target that cannot be read is refused, 0 if it can. Codes: http.path
 * (404), query.invalid (400), query.too-long (414). */
int mg_target_parse(struct mg_target *target, const char *text, struct mg_error *error);

/* The value of a parameter, NULL if it is not there. */
const char *mg_target_parameter(const struct mg_target *target, const char *name);

/* Whether the path is as the pattern says: "/messages/{id}/retry", where {…} stands for any one
 * segment that is not empty. */
bool mg_target_matches(const struct mg_target *target, const char *pattern);

/* What stands in the place of {name} in a pattern that matches; NULL if the pattern has none. */
const char *mg_target_segment(const struct mg_target *target, const char *pattern,
                              const char *name);

#endif
