/*
 * histogram: times in fixed memory, with quantiles exact to about three per cent.
 */
#ifndef MUENGSTEN_TOOLS_SEND_HISTOGRAM_H
#define MUENGSTEN_TOOLS_SEND_HISTOGRAM_H

#include <stdint.h>

/* 32 steps between each power of two and the next. */
#define MG_SEND_HISTOGRAM_STEPS 32
#define MG_SEND_HISTOGRAM_SIZE  (60 * MG_SEND_HISTOGRAM_STEPS)

struct mg_send_histogram {
    uint64_t counts[MG_SEND_HISTOGRAM_SIZE];
    uint64_t total;
};

void mg_send_histogram_add(struct mg_send_histogram *histogram, uint64_t value);

/* The value that the share of all (0 to 1) does not exceed; 0 if there are none. */
uint64_t mg_send_histogram_quantile(const struct mg_send_histogram *histogram, double share);

#endif
