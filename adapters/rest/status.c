#include "adapters/rest/status.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Statuses that mean something else than their class does, or have a reason worth telling. */
static const struct {
    int status;
    enum mg_outcome_kind kind;
    const char *meaning;
} known[] = {
    {400, MG_PERMANENT, "does not understand the request"},
    {401, MG_PERMANENT, "does not accept the gateway's identity"},
    {403, MG_PERMANENT, "does not permit the gateway to deliver"},
    {404, MG_PERMANENT, "knows nothing at this address"},
    {405, MG_PERMANENT, "takes no POST at this address"},
    {406, MG_PERMANENT, "has no answer in an acceptable form"},
    {408, MG_TEMPORARY, "did not get the whole request in its time"},
    {409, MG_TEMPORARY, "is still busy with an earlier delivery of this message"},
    {410, MG_PERMANENT, "has given up this address"},
    {411, MG_PERMANENT, "wants a length that it was already told"},
    {413, MG_PERMANENT, "takes no message of this size"},
    {414, MG_PERMANENT, "takes no address of this length"},
    {415, MG_PERMANENT, "does not take this media type; see the attribute seal"},
    {422, MG_PERMANENT, "refuses the content of the message"},
    {423, MG_TEMPORARY, "is locked"},
    {425, MG_TEMPORARY, "does not want the request as early data"},
    {429, MG_TEMPORARY, "asks for fewer messages"},
    {431, MG_PERMANENT, "takes no header of this size"},
    {501, MG_PERMANENT, "does not know the method POST"},
    {503, MG_TEMPORARY, "is not available at the moment"},
    {505, MG_PERMANENT, "does not speak HTTP/1.1"},
};

static void by_class(int status, struct mg_status *read)
{
    if (status >= 200 && status < 300) {
        read->kind = MG_DELIVERED;
        read->meaning = "has the message";
    } else if (status >= 300 && status < 400) {
        read->kind = MG_PERMANENT;
        read->meaning = "points to another address, which is not followed: correct the url";
        snprintf(read->code, sizeof read->code, "http.redirect");
    } else if (status >= 400 && status < 500) {
        read->kind = MG_PERMANENT;
        read->meaning = "refuses the request";
    } else {
        read->kind = MG_TEMPORARY;
        read->meaning = "has a problem of its own";
    }
}

void mg_status_read(int status, struct mg_status *read)
{
    snprintf(read->code, sizeof read->code, "http.%d", status);
    by_class(status, read);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].status == status) {
            read->kind = known[i].kind;
            read->meaning = known[i].meaning;
        }
    }
}

static int month_of(const char *name)
{
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (int i = 0; i < 12; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

/* strptime() is not used for dates, since it reads the names of months in the language of the
 * process. */
static bool read_date(const char *value, int64_t *seconds)
{
    int day, year, hour, minute, second, end = 0;
    char name[4];
    if (sscanf(value, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &day, name, &year, &hour,
               &minute, &second, &end) < 6 ||
        !end) {
        end = 0;
        if (sscanf(value, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &day, name, &year,
                   &hour, &minute, &second, &end) == 6 &&
            end)
            year += year < 70 ? 2000 : 1900;
        else if (sscanf(value, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", name, &day, &hour,
                        &minute, &second, &year, &end) < 6 ||
                 !end)
            return false;
    }
    struct tm date = {.tm_year = year - 1900,
                      .tm_mon = month_of(name),
                      .tm_mday = day,
                      .tm_hour = hour,
                      .tm_min = minute,
                      .tm_sec = second};
    if (value[end] || date.tm_mon < 0 || year < 1970)
        return false;
    *seconds = timegm(&date);
    return true;
}

int64_t mg_status_retry_after(const char *value, int64_t now)
{
    int64_t seconds = 0;
    size_t digits = strspn(value, "0123456789");
    if (digits > 0 && !value[digits]) {
        for (size_t i = 0; i < digits && seconds < MG_STATUS_LONGEST_WAIT; i++)
            seconds = seconds * 10 + (value[i] - '0');
    } else if (read_date(value, &seconds)) {
        seconds -= now;
    }
    if (seconds <= 0)
        return 0;
    return seconds < MG_STATUS_LONGEST_WAIT / 1000 ? seconds * 1000 : MG_STATUS_LONGEST_WAIT;
}
