#include "gateway/base/histogram.h"

#include <string.h>

#define MILLISECOND INT64_C(1000)
#define SECOND      (1000 * MILLISECOND)
#define MINUTE      (60 * SECOND)

/* Few, since each destination has a series of each. Commits take parts of a millisecond, a city
 * system's answer seconds, its timeout minutes. */
const int64_t mg_histogram_ends[MG_HISTOGRAM_BUCKETS] = {
    500,
    1 * MILLISECOND,
    MILLISECOND * 5 / 2,
    5 * MILLISECOND,
    10 * MILLISECOND,
    25 * MILLISECOND,
    50 * MILLISECOND,
    100 * MILLISECOND,
    500 * MILLISECOND,
    SECOND * 5 / 2,
    10 * SECOND,
    60 * SECOND,
};
const char *const mg_histogram_words[MG_HISTOGRAM_BUCKETS] = {
    "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.5", "2.5", "10", "60",
};

void mg_histogram_add(struct mg_histogram *histogram, int64_t microseconds)
{
    if (microseconds < 0)
        microseconds = 0;
    int bucket = 0;
    while (bucket < MG_HISTOGRAM_BUCKETS && microseconds > mg_histogram_ends[bucket])
        bucket++;
    histogram->counts[bucket]++;
    histogram->sum += microseconds;
}

int64_t mg_histogram_count(const struct mg_histogram *histogram)
{
    int64_t count = 0;
    for (int i = 0; i <= MG_HISTOGRAM_BUCKETS; i++)
        count += histogram->counts[i];
    return count;
}

void mg_histogram_merge(struct mg_histogram *histogram, const struct mg_histogram *other)
{
    for (int i = 0; i <= MG_HISTOGRAM_BUCKETS; i++)
        histogram->counts[i] += other->counts[i];
    histogram->sum += other->sum;
}

struct mg_histogram mg_histogram_since(const struct mg_histogram *now,
                                       const struct mg_histogram *before)
{
    struct mg_histogram difference = *now;
    for (int i = 0; i <= MG_HISTOGRAM_BUCKETS; i++)
        difference.counts[i] -= before->counts[i];
    difference.sum -= before->sum;
    return difference;
}

int64_t mg_histogram_quantile(const struct mg_histogram *histogram, double part)
{
    int64_t count = mg_histogram_count(histogram), below = 0;
    if (count == 0)
        return -1;
    double rank = part * (double)count;
    for (int i = 0; i < MG_HISTOGRAM_BUCKETS; i++) {
        int64_t inside = histogram->counts[i];
        if (inside > 0 && (double)(below + inside) >= rank) {
            int64_t begin = i > 0 ? mg_histogram_ends[i - 1] : 0;
            double share = (rank - (double)below) / (double)inside;
            return begin + (int64_t)((double)(mg_histogram_ends[i] - begin) * share);
        }
        below += inside;
    }
    return mg_histogram_ends[MG_HISTOGRAM_BUCKETS - 1];
}

/* ---- the last minutes ---- */

void mg_window_add(struct mg_window *window, int64_t now, int64_t microseconds)
{
    if (now - window->begun >= MG_WINDOW_STEP) {
        bool follows = now - window->begun < 2 * MG_WINDOW_STEP;
        window->older = follows ? window->newer : (struct mg_histogram){0};
        window->newer = (struct mg_histogram){0};
        window->begun = follows ? window->begun + MG_WINDOW_STEP : now;
    }
    mg_histogram_add(&window->newer, microseconds);
}

struct mg_histogram mg_window_read(const struct mg_window *window, int64_t now)
{
    struct mg_histogram seen = {0};
    int64_t age = now - window->begun;
    if (age < 2 * MG_WINDOW_STEP)
        seen = window->newer;
    if (age < MG_WINDOW_STEP)
        mg_histogram_merge(&seen, &window->older);
    return seen;
}

/* ---- how many a minute ---- */

/* The counts stand from the newest minute to the oldest. */
static void advance(struct mg_rate *rate, int64_t minute)
{
    int64_t passed = minute - rate->minute;
    if (rate->first == 0)
        rate->first = minute;
    if (passed <= 0)
        return;
    for (int i = MG_RATE_MINUTES; i >= 0; i--)
        rate->counts[i] = i >= passed ? rate->counts[i - passed] : 0;
    rate->minute = minute;
}

void mg_rate_add(struct mg_rate *rate, int64_t now)
{
    advance(rate, now / MINUTE + 1);
    rate->counts[0]++;
}

double mg_rate_read(const struct mg_rate *rate, int64_t now)
{
    struct mg_rate seen = *rate;
    if (rate->first == 0)
        return 0;
    advance(&seen, now / MINUTE + 1);
    int64_t full = seen.minute - seen.first, sum = 0;
    if (full == 0)
        return (double)seen.counts[0];
    if (full > MG_RATE_MINUTES)
        full = MG_RATE_MINUTES;
    for (int64_t i = 1; i <= full; i++)
        sum += seen.counts[i];
    return (double)sum / (double)full;
}
