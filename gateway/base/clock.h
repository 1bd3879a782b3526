/*
 * clock: what time it is. All functions may be called from any thread and do not fail.
 */
#ifndef MUENGSTEN_BASE_CLOCK_H
#define MUENGSTEN_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z, for what is stored and shown. May jump when the clock is
 * set. */
int64_t mg_clock_now(void);

/* Microseconds since some moment in the past, for durations and deadlines. Never jumps. */
int64_t mg_clock_monotonic(void);

/* Room for "2026-11-23T06:43:16.123Z" and its end. */
#define MG_CLOCK_TEXT_SIZE 25

/* Writes milliseconds since 1970 as xs:dateTime in UTC with milliseconds, and returns the text. */
const char *mg_clock_text(int64_t milliseconds, char text[MG_CLOCK_TEXT_SIZE]);

#endif
