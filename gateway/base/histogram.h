/*
 * histogram: how long something took, counted in fixed buckets, as Prometheus has it. Pure.
 *
 * A histogram filled with zeros is empty, costs no memory but its own, and forgets nothing. A
 * window beside it knows only the last minutes, which is what quantiles are told of: those since
 * the start would say nothing about now.
 *
 * Each belongs to one thread, or to a lock of its owner.
 */
#ifndef MUENGSTEN_BASE_HISTOGRAM_H
#define MUENGSTEN_BASE_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define MG_HISTOGRAM_BUCKETS 12

/* Upper ends of the buckets in microseconds, ends included, and as Prometheus writes them in
 * seconds. What took longer is in one more bucket without an end. */
extern const int64_t mg_histogram_ends[MG_HISTOGRAM_BUCKETS];
extern const char *const mg_histogram_words[MG_HISTOGRAM_BUCKETS];

struct mg_histogram {
    int64_t counts[MG_HISTOGRAM_BUCKETS + 1];
    int64_t sum; /* microseconds */
};

/* What is negative counts as nothing. */
void mg_histogram_add(struct mg_histogram *histogram, int64_t microseconds);
int64_t mg_histogram_count(const struct mg_histogram *histogram);
/* Adds what another one has counted. */
void mg_histogram_merge(struct mg_histogram *histogram, const struct mg_histogram *other);
/* What was added to a histogram since it looked like before. */
struct mg_histogram mg_histogram_since(const struct mg_histogram *now,
                                       const struct mg_histogram *before);

/* The duration, in microseconds, that the given part (0 to 1) did not exceed, evenly distributed
 * within its bucket; what has no end counts as the last end. -1 if nothing was counted. */
int64_t mg_histogram_quantile(const struct mg_histogram *histogram, double part);

/* ---- the last minutes ---- */

/* How far a window looks back: between one and two of these, in microseconds. */
#define MG_WINDOW_STEP (INT64_C(5) * 60 * 1000000)

struct mg_window {
    int64_t begun; /* the newer half; monotonic */
    struct mg_histogram older;
    struct mg_histogram newer;
};

/* now: mg_clock_monotonic, never less than before. */
void mg_window_add(struct mg_window *window, int64_t now, int64_t microseconds);
struct mg_histogram mg_window_read(const struct mg_window *window, int64_t now);

/* ---- how many a minute ---- */

#define MG_RATE_MINUTES 5

/* Counts what happens by the minute; filled with zeros it is empty. */
struct mg_rate {
    int64_t minute; /* of the newest count, since the clock's beginning */
    int64_t first;  /* the minute in which counting began; 0: not yet */
    int64_t counts[MG_RATE_MINUTES + 1];
};

void mg_rate_add(struct mg_rate *rate, int64_t now);
/* Of the last full minutes, five at most; of the first minute, while there is no other. */
double mg_rate_read(const struct mg_rate *rate, int64_t now);

#endif
