/*
 * query: reads the query of a request, strictly: only the names that the request knows, each once
 * at most, with values of bounded length. Pure.
 */
#ifndef MUENGSTEN_ADAPTERS_MAILBOX_QUERY_H
#define MUENGSTEN_ADAPTERS_MAILBOX_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Claims and places in a list are texts of the gateway's, far below this. */
#define MG_QUERY_VALUE_SIZE 256

struct mg_query_value {
    const char *name;
    bool given;
    char text[MG_QUERY_VALUE_SIZE]; /* percent-decoded; only visible ASCII */
};

/* Fills the values that are given. False if the query has a name that is none of theirs, one of
 * them twice, or a value that is too long, not percent-encoded as it must be (RFC 3986, section
 * 2.1), or has anything but visible ASCII in it. */
bool mg_query_read(const char *query, struct mg_query_value *values, size_t count);

/* A whole number from smallest to largest, in digits; standard if the value was not given. False
 * if it is none. */
bool mg_query_number(const struct mg_query_value *value, int64_t standard, int64_t smallest,
                     int64_t largest, int64_t *number);

#endif
