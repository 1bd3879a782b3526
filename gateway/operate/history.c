#include "gateway/operate/history.h"

#include "gateway/base/json.h"

#include <stdlib.h>

struct point {
    int64_t time; /* the end of the step */
    int64_t accepted;
    int64_t refused;
    int64_t delivered;
    int64_t dead;
    int64_t waiting;
    int64_t intake[2]; /* p50 and p99 in microseconds; -1: none */
    int64_t delivery[2];
};

struct mg_history {
    int64_t start;
    int64_t count; /* of points ever added: the newest is at (count - 1) % MG_HISTORY_POINTS */
    /* The counters as they were at the last point. */
    struct mg_tally_totals came;
    struct mg_dispatch_totals went;
    struct point points[MG_HISTORY_POINTS];
};

struct mg_history *mg_history_new(int64_t start)
{
    struct mg_history *history = mg_allocate_zeroed(1, sizeof *history);
    history->start = start;
    return history;
}

void mg_history_free(struct mg_history *history)
{
    free(history);
}

static void measure(const struct mg_histogram *now, const struct mg_histogram *before,
                    int64_t quantiles[2])
{
    struct mg_histogram since = mg_histogram_since(now, before);
    quantiles[0] = mg_histogram_quantile(&since, 0.5);
    quantiles[1] = mg_histogram_quantile(&since, 0.99);
}

void mg_history_add(struct mg_history *history, const struct mg_overview *overview)
{
    const struct mg_tally_totals *came = mg_tally_totals(overview->tally);
    const struct mg_dispatch_totals *went = overview->deliveries;
    const struct mg_dispatch_counts *before = &history->went.counts;
    struct point *point = &history->points[history->count++ % MG_HISTORY_POINTS];
    *point = (struct point){
        .time = overview->now,
        .accepted = came->accepted - history->came.accepted,
        .refused = came->refused - history->came.refused,
        .delivered =
            went->counts.delivered - before->delivered + went->counts.collected - before->collected,
        .dead = went->counts.dead - before->dead,
        .waiting = overview->store.waiting,
    };
    measure(&came->duration, &history->came.duration, point->intake);
    measure(&went->duration, &history->went.duration, point->delivery);
    history->came = *came;
    history->went = *went;
}

int64_t mg_history_count(const struct mg_history *history)
{
    return history->count;
}

/* ---- writing ---- */

static void write_seconds(struct mg_json *json, const char *name, int64_t microseconds)
{
    if (microseconds >= 0)
        mg_json_microseconds(json, name, microseconds);
    else
        mg_json_null(json, name);
}

static void write_point(struct mg_json *json, const struct point *point)
{
    mg_json_object(json, NULL);
    mg_json_time(json, "time", point->time);
    mg_json_number(json, "accepted", point->accepted);
    mg_json_number(json, "refused", point->refused);
    mg_json_number(json, "delivered", point->delivered);
    mg_json_number(json, "dead", point->dead);
    mg_json_number(json, "waiting", point->waiting);
    write_seconds(json, "intake_p50", point->intake[0]);
    write_seconds(json, "intake_p99", point->intake[1]);
    write_seconds(json, "delivery_p50", point->delivery[0]);
    write_seconds(json, "delivery_p99", point->delivery[1]);
    mg_json_end_object(json);
}

void mg_history_write(const struct mg_history *history, struct mg_buffer *buffer)
{
    struct mg_json json = {.buffer = buffer};
    int64_t first = history->count > MG_HISTORY_POINTS ? history->count - MG_HISTORY_POINTS : 0;
    int64_t start = history->start;
    if (first > 0)
        start = history->points[first % MG_HISTORY_POINTS].time - MG_HISTORY_STEP * 1000;
    mg_json_object(&json, NULL);
    mg_json_number(&json, "step_seconds", MG_HISTORY_STEP);
    mg_json_time(&json, "start", start);
    mg_json_list(&json, "points");
    for (int64_t i = first; i < history->count; i++)
        write_point(&json, &history->points[i % MG_HISTORY_POINTS]);
    mg_json_end_list(&json);
    mg_json_end_object(&json);
    mg_buffer_add_text(buffer, "\n");
}

void mg_history_write_newest(const struct mg_history *history, struct mg_buffer *buffer)
{
    struct mg_json json = {.buffer = buffer};
    if (history->count > 0)
        write_point(&json, &history->points[(history->count - 1) % MG_HISTORY_POINTS]);
    else
        mg_json_literal(&json, NULL, "null");
}
