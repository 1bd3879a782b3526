#include "tools/send/histogram.h"

#define STEPS ((uint64_t)MG_SEND_HISTOGRAM_STEPS)

/* Values below 32 have a place of their own; above, the place is told by the highest bit and the
 * five that follow it. */
static unsigned place_of(uint64_t value)
{
    if (value < STEPS)
        return (unsigned)value;
    unsigned power = 63u - (unsigned)__builtin_clzll(value);
    return (unsigned)((power - 4) * STEPS + (value >> (power - 5)) - STEPS);
}

static uint64_t value_of(unsigned place)
{
    if (place < STEPS)
        return place;
    unsigned power = place / (unsigned)STEPS + 4;
    return (STEPS + place % STEPS) << (power - 5);
}

void mg_send_histogram_add(struct mg_send_histogram *histogram, uint64_t value)
{
    histogram->counts[place_of(value)]++;
    histogram->total++;
}

uint64_t mg_send_histogram_quantile(const struct mg_send_histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)((double)histogram->total * share + 0.999999), seen = 0;
    for (unsigned i = 0; i < MG_SEND_HISTOGRAM_SIZE && histogram->total > 0; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted && seen > 0)
            return value_of(i);
    }
    return 0;
}
