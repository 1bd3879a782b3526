#include "gateway/dispatch/retry.h"

static double pause_of(const struct mg_config_retry *retry, int attempts)
{
    double pause = (double)retry->first;
    for (int i = 1; i < attempts && pause < (double)retry->longest; i++)
        pause *= retry->factor;
    return pause < (double)retry->longest ? pause : (double)retry->longest;
}

bool mg_retry_next(const struct mg_config_retry *retry, const struct mg_retry_facts *facts,
                   int64_t *next)
{
    /* The chance keeps deliveries that failed together from coming back together. */
    double pause = pause_of(retry, facts->attempts) * (0.5 + 0.5 * facts->chance);
    int64_t wait = (int64_t)pause;
    int64_t left = facts->accepted + retry->give_up - facts->now;
    if (wait <= left && facts->retry_after > wait)
        wait = facts->retry_after < left ? facts->retry_after : left;
    *next = facts->now + wait;
    return wait <= left;
}
