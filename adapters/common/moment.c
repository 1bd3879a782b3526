#include "adapters/common/moment.h"

#include <stdio.h>
#include <time.h>

const char *mg_moment_text(int64_t milliseconds, char text[MG_MOMENT_SIZE])
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts = {0};
    gmtime_r(&seconds, &parts);
    size_t length = strftime(text, MG_MOMENT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + length, MG_MOMENT_SIZE - length, ".%03dZ", (int)(milliseconds % 1000));
    return text;
}

int64_t mg_moment_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
