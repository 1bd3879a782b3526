#include "tools/control/pick.h"

#include "tools/control/say.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const json_t *mg_pick(const json_t *value, const char *path)
{
    while (value && *path) {
        char name[64];
        size_t length = strcspn(path, ".");
        if (length >= sizeof name)
            return NULL;
        memcpy(name, path, length);
        name[length] = '\0';
        value = json_object_get(value, name);
        path += length + (path[length] == '.');
    }
    return value && !json_is_null(value) ? value : NULL;
}

const char *mg_pick_text(const json_t *value, const char *path)
{
    const char *text = json_string_value(mg_pick(value, path));
    return text ? text : "";
}

bool mg_pick_number(const json_t *value, const char *path, double *number)
{
    const json_t *found = mg_pick(value, path);
    *number = json_number_value(found);
    return json_is_number(found);
}

int64_t mg_pick_count(const json_t *value, const char *path)
{
    double number;
    return mg_pick_number(value, path, &number) && fabs(number) < 9e15 ? (int64_t)number : 0;
}

bool mg_pick_truth(const json_t *value, const char *path)
{
    return json_is_true(mg_pick(value, path));
}

/* ---- in words ---- */

static const char *nothing(char room[MG_PICK_SIZE])
{
    snprintf(room, MG_PICK_SIZE, "-");
    return room;
}

/* Groups of three digits, parted as the language does it. */
static const char *group(int64_t number, char room[MG_PICK_SIZE])
{
    char digits[24];
    size_t count = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)number);
    size_t first = digits[0] == '-', at = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > first && (count - i) % 3 == 0)
            room[at++] = mg_say_is_german() ? '.' : ',';
        room[at++] = digits[i];
    }
    room[at] = '\0';
    return room;
}

const char *mg_pick_figure(const json_t *value, const char *path, char room[MG_PICK_SIZE])
{
    double number;
    if (!mg_pick_number(value, path, &number))
        return nothing(room);
    return group(mg_pick_count(value, path), room);
}

/* The comma of German numbers. */
static const char *with_comma(char room[MG_PICK_SIZE])
{
    char *point = mg_say_is_german() ? strchr(room, '.') : NULL;
    if (point)
        *point = ',';
    return room;
}

const char *mg_pick_bytes(const json_t *value, const char *path, char room[MG_PICK_SIZE])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double number;
    size_t unit = 0;
    if (!mg_pick_number(value, path, &number))
        return nothing(room);
    while (number >= 1000 && unit + 1 < sizeof units / sizeof *units) {
        number /= 1000;
        unit++;
    }
    snprintf(room, MG_PICK_SIZE, unit == 0 || number >= 100 ? "%.0f %s" : "%.1f %s", number,
             units[unit]);
    return with_comma(room);
}

const char *mg_pick_write_duration(double seconds, char room[MG_PICK_SIZE])
{
    if (seconds < 1)
        snprintf(room, MG_PICK_SIZE, "%.0f ms", seconds * 1000);
    else if (seconds < 120)
        snprintf(room, MG_PICK_SIZE, "%.0f s", seconds);
    else if (seconds < 2 * 3600)
        snprintf(room, MG_PICK_SIZE, "%.0f min", floor(seconds / 60));
    else if (seconds < 2 * 86400)
        snprintf(room, MG_PICK_SIZE, "%.0f h", floor(seconds / 3600));
    else
        snprintf(room, MG_PICK_SIZE, mg_say("%.0f days", "%.0f Tage"), floor(seconds / 86400));
    return room;
}

const char *mg_pick_duration(const json_t *value, const char *path, char room[MG_PICK_SIZE])
{
    double number;
    return mg_pick_number(value, path, &number) ? mg_pick_write_duration(number, room)
                                                : nothing(room);
}

const char *mg_pick_write_moment(const char *text, char room[MG_PICK_SIZE])
{
    struct tm moment = {0}, local, today;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &moment);
    time_t now = time(NULL);
    if (!rest) {
        if (!*text)
            return nothing(room);
        snprintf(room, MG_PICK_SIZE, "%s", text);
        return room;
    }
    time_t seconds = timegm(&moment);
    localtime_r(&seconds, &local);
    localtime_r(&now, &today);
    bool is_today = local.tm_year == today.tm_year && local.tm_yday == today.tm_yday;
    strftime(room, MG_PICK_SIZE, is_today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &local);
    return room;
}

const char *mg_pick_moment(const json_t *value, const char *path, char room[MG_PICK_SIZE])
{
    return mg_pick_write_moment(mg_pick_text(value, path), room);
}
