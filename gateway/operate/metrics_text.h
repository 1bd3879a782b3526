/*
 * metrics_text: the text format of Prometheus, version 0.0.4, piece by piece; internal to the room.
 * Pure.
 *
 * A family is begun once and followed by all its series. Values of labels and helps may be
 * anybody's: they are made fit to be shown.
 */
#ifndef MUENGSTEN_OPERATE_METRICS_TEXT_H
#define MUENGSTEN_OPERATE_METRICS_TEXT_H

#include "gateway/base/buffer.h"
#include "gateway/base/histogram.h"

#include <stdint.h>

/* type: "counter", "gauge" or "histogram". */
void mg_metrics_begin(struct mg_buffer *buffer, const char *name, const char *type,
                      const char *help);

/* Names and values of labels in turn, up to a name of NULL. A value of NULL is empty. */
#define MG_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define MG_NO_LABELS   ((const char *const[]){NULL})

void mg_metrics_number(struct mg_buffer *buffer, const char *name, const char *const *labels,
                       int64_t value);
/* Milliseconds as seconds. */
void mg_metrics_seconds(struct mg_buffer *buffer, const char *name, const char *const *labels,
                        int64_t milliseconds);
/* All series of one histogram, in seconds. */
void mg_metrics_histogram(struct mg_buffer *buffer, const char *name, const char *const *labels,
                          const struct mg_histogram *histogram);

#endif
