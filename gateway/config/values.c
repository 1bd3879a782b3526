#include "gateway/config/values.h"

#include <stddef.h>
#include <string.h>

/* So that digits times the largest unit (a day) stay far below 2^63. */
#define DIGITS          9
#define DIGITS_OF_BYTES 15

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit duration_units[] = {{"ms", 1},      {"s", 1000},     {"min", 60000},
                                             {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit size_units[] = {
    {"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {NULL, 0}};
static const struct unit count_units[] = {{"", 1}, {NULL, 0}};

/* Reads one to limit decimal digits and returns what follows them, or NULL. */
static const char *read_digits(const char *text, int limit, int64_t *number)
{
    int64_t result = 0;
    int digits = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (++digits > limit)
            return NULL;
        result = result * 10 + (*text - '0');
    }
    if (digits == 0)
        return NULL;
    *number = result;
    return text;
}

static bool read_with_unit(const char *text, int digits, const struct unit *units, int64_t *value)
{
    int64_t number;
    const char *rest = read_digits(text, digits, &number);
    if (!rest)
        return false;
    for (const struct unit *unit = units; unit->name; unit++) {
        if (strcmp(rest, unit->name) == 0 && number <= INT64_MAX / unit->factor) {
            *value = number * unit->factor;
            return true;
        }
    }
    return false;
}

/* A decimal number with up to three places, without the locale that strtod would obey. */
static bool read_factor(const char *text, int64_t *thousandths)
{
    int64_t whole, fraction = 0;
    const char *rest = read_digits(text, 6, &whole);
    if (!rest)
        return false;
    if (*rest == '.') {
        const char *digits = rest + 1;
        rest = read_digits(digits, 3, &fraction);
        if (!rest)
            return false;
        for (ptrdiff_t places = rest - digits; places < 3; places++)
            fraction *= 10;
    }
    if (*rest)
        return false;
    *thousandths = whole * 1000 + fraction;
    return true;
}

bool mg_value_read(enum mg_value_kind kind, const char *text, int64_t *value)
{
    switch (kind) {
    case MG_VALUE_DURATION:
        return read_with_unit(text, DIGITS, duration_units, value);
    case MG_VALUE_SIZE:
        return read_with_unit(text, DIGITS_OF_BYTES, size_units, value);
    case MG_VALUE_COUNT:
        return read_with_unit(text, DIGITS_OF_BYTES, count_units, value);
    case MG_VALUE_FACTOR:
        return read_factor(text, value);
    }
    return false;
}

const char *mg_value_description(enum mg_value_kind kind)
{
    switch (kind) {
    case MG_VALUE_DURATION:
        return "a duration such as 250ms, 30s, 15min, 48h or 7d";
    case MG_VALUE_SIZE:
        return "a size such as 512K, 16M or 1G";
    case MG_VALUE_COUNT:
        return "a whole number";
    case MG_VALUE_FACTOR:
        return "a number such as 2 or 1.5";
    }
    return "";
}

static bool is_leap_year(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool mg_value_end_of_day(const char *text, int64_t *milliseconds)
{
    static const int days_before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int64_t year, month, day;
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
        return false;
    if (read_digits(text, 4, &year) != text + 4 || read_digits(text + 5, 2, &month) != text + 7 ||
        read_digits(text + 8, 2, &day) != text + 10)
        return false;
    if (year < 1970 || month < 1 || month > 12)
        return false;
    int64_t leap = is_leap_year(year);
    int64_t length = days_before[month] - days_before[month - 1] + (month == 2 ? leap : 0);
    if (day < 1 || day > length)
        return false;
    int64_t before = year - 1;
    int64_t leap_days =
        (before / 4 - before / 100 + before / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
    int64_t days =
        (year - 1970) * 365 + leap_days + days_before[month - 1] + (month > 2 ? leap : 0) + day;
    *milliseconds = days * 86400000;
    return true;
}

bool mg_value_moment(const char *text, int64_t *milliseconds)
{
    char day[] = "YYYY-MM-DD";
    int64_t end, hour, minute, second;
    if (strlen(text) != 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
        text[19] != 'Z')
        return false;
    memcpy(day, text, sizeof day - 1);
    if (!mg_value_end_of_day(day, &end) || read_digits(text + 11, 2, &hour) != text + 13 ||
        read_digits(text + 14, 2, &minute) != text + 16 ||
        read_digits(text + 17, 2, &second) != text + 19)
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *milliseconds = end - 86400000 + ((hour * 60 + minute) * 60 + second) * 1000;
    return true;
}
