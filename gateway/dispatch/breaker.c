#include "gateway/dispatch/breaker.h"

unsigned mg_breaker_allows(const struct mg_breaker *breaker, int64_t now, unsigned limit)
{
    if (!breaker->open)
        return limit;
    return now >= breaker->try_at ? 1 : 0;
}

bool mg_breaker_succeed(struct mg_breaker *breaker)
{
    bool was_open = breaker->open;
    *breaker = (struct mg_breaker){0};
    return was_open;
}

bool mg_breaker_fail(struct mg_breaker *breaker, const struct mg_config_retry *retry, int64_t now)
{
    breaker->failures++;
    /* Those still underway when it opened fail too, and do not prolong it. */
    if (breaker->open ? now < breaker->try_at : breaker->failures < retry->breaker)
        return false;
    breaker->open = true;
    breaker->try_at = now + retry->breaker_time * 1000;
    return true;
}
