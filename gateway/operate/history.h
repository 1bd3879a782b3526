/*
 * history: how the last day went, minute by minute, for the plots of the page: in memory alone, so
 * it begins anew with each start. Pure.
 */
#ifndef MUENGSTEN_OPERATE_HISTORY_H
#define MUENGSTEN_OPERATE_HISTORY_H

#include "gateway/base/buffer.h"
#include "gateway/operate/overview.h"

#define MG_HISTORY_STEP   60   /* seconds */
#define MG_HISTORY_POINTS 1440 /* a day */
#define MG_HISTORY_TYPE   "application/json"

struct mg_history;

struct mg_history *mg_history_new(int64_t start);
void mg_history_free(struct mg_history *history);

/* The end of a step: a point of what has happened since the one before. */
void mg_history_add(struct mg_history *history, const struct mg_overview *overview);

/* How many points there ever were, by which one sees that there is a new one. */
int64_t mg_history_count(const struct mg_history *history);

/* All points that are kept, as GET /history answers; the newest point alone, as one object ("null"
 * if there is none yet). */
void mg_history_write(const struct mg_history *history, struct mg_buffer *buffer);
void mg_history_write_newest(const struct mg_history *history, struct mg_buffer *buffer);

#endif
