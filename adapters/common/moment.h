/*
 * moment: a point in time as RFC 3339 writes it, in UTC with milliseconds. Pure.
 */
#ifndef MUENGSTEN_ADAPTERS_MOMENT_H
#define MUENGSTEN_ADAPTERS_MOMENT_H

#include <stdint.h>

/* "2026-11-26T10:50:59.123Z", its end, and room for years that nobody will see. */
#define MG_MOMENT_SIZE 48

/* Writes milliseconds since 1970, and returns the text. */
const char *mg_moment_text(int64_t milliseconds, char text[MG_MOMENT_SIZE]);

/* The present, in milliseconds since 1970. */
int64_t mg_moment_now(void);

#endif
