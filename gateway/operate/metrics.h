/*
 * metrics: writes an overview in the text format of Prometheus, version 0.0.4. Pure.
 *
 * Names and labels are stable. How many series there are grows with the configuration only, never
 * with messages.
 */
#ifndef MUENGSTEN_OPERATE_METRICS_H
#define MUENGSTEN_OPERATE_METRICS_H

#include "gateway/base/buffer.h"
#include "gateway/operate/overview.h"

#define MG_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

void mg_metrics_write(const struct mg_overview *overview, struct mg_buffer *buffer);

#endif
