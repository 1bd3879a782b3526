/*
 * metrics_measures: the part of the metrics about messages on their way, the trust in certificates,
 * and how the gateway itself does; internal to the room. Pure.
 */
#ifndef MUENGSTEN_OPERATE_METRICS_MEASURES_H
#define MUENGSTEN_OPERATE_METRICS_MEASURES_H

#include "gateway/base/buffer.h"
#include "gateway/operate/overview.h"

void mg_metrics_write_measures(const struct mg_overview *overview, struct mg_buffer *buffer);

#endif
