/*
 * values: reads the numbers of the configuration as operators write them. Pure, any thread.
 *
 * Every function returns false, and leaves its result alone, for what is written otherwise or does
 * not fit.
 */
#ifndef MUENGSTEN_CONFIG_VALUES_H
#define MUENGSTEN_CONFIG_VALUES_H

#include <stdbool.h>
#include <stdint.h>

enum mg_value_kind {
    MG_VALUE_DURATION, /* "250ms", "5s", "15min", "48h", "7d": in milliseconds */
    MG_VALUE_SIZE,     /* "4096", "512K", "16M", "1G": in bytes, by powers of 1024 */
    MG_VALUE_COUNT,    /* "64" */
    MG_VALUE_FACTOR,   /* "2", "1.5": in thousandths */
};

bool mg_value_read(enum mg_value_kind kind, const char *text, int64_t *value);

/* What the kind looks like, for people: "a duration such as 250ms, 30s, 15min, 48h or 7d". */
const char *mg_value_description(enum mg_value_kind kind);

/* The end of a day written as YYYY-MM-DD, in UTC, in milliseconds since 1970: what is allowed until
 * a day is allowed on that day. Years 1970 to 9999. */
bool mg_value_end_of_day(const char *text, int64_t *milliseconds);

/* A moment in UTC, "2027-01-01T00:00:00Z", in milliseconds since 1970. Years 1970 to 9999. */
bool mg_value_moment(const char *text, int64_t *milliseconds);

#endif
