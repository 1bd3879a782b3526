#include "gateway/operate/question.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 50

const char *const mg_question_parameters[] = {
    "uuid", "id",    "author",      "reader", "type",   "partner", "from",
    "to",   "state", "destination", "limit",  "cursor", NULL};

const char *const mg_delivery_words[MG_DELIVERY_STATES] = {
    [MG_DELIVERY_WAITING] = "waiting",     [MG_DELIVERY_RUNNING] = "running",
    [MG_DELIVERY_HELD] = "held",           [MG_DELIVERY_DELIVERED] = "delivered",
    [MG_DELIVERY_COLLECTED] = "collected", [MG_DELIVERY_DEAD] = "dead",
    [MG_DELIVERY_CANCELLED] = "cancelled",
};

/* ---- numbers and times ---- */

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

bool mg_question_number(const char *text, int64_t least, int64_t most, int64_t *number)
{
    size_t length = strlen(text);
    if (length == 0 || length > 10 || strspn(text, "0123456789") != length)
        return false;
    *number = strtoll(text, NULL, 10);
    return *number >= least && *number <= most;
}

/* So many digits, which are a number of this range; moves on behind them. */
static bool take_digits(const char **text, int digits, int least, int most, int *number)
{
    *number = 0;
    for (int i = 0; i < digits; i++, (*text)++) {
        if (!is_digit(**text))
            return false;
        *number = 10 * *number + (**text - '0');
    }
    return *number >= least && *number <= most;
}

static bool take(const char **text, char letter)
{
    if (**text != letter)
        return false;
    (*text)++;
    return true;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar: years are counted from March, so that
 * the leap day is their last. */
static int64_t days_of(int year, int month, int day)
{
    int64_t from_march = month > 2 ? month - 3 : month + 9;
    int64_t years = month > 2 ? year : year - 1;
    return 365 * years + years / 4 - years / 100 + years / 400 + (153 * from_march + 2) / 5 + day -
           1 - 719468;
}

static bool is_date(int year, int month, int day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= lengths[month - 1] + (leap && month == 2);
}

static bool take_fraction(const char **text, int64_t *milliseconds)
{
    int64_t unit = 100;
    if (!take(text, '.'))
        return true;
    if (!is_digit(**text))
        return false;
    for (; is_digit(**text); (*text)++, unit /= 10)
        *milliseconds += unit * (**text - '0');
    return true;
}

/* Minutes east of Greenwich. */
static bool take_zone(const char **text, int *minutes)
{
    int hours, rest, sign = **text == '-' ? -1 : 1;
    *minutes = 0;
    if (take(text, 'Z'))
        return true;
    if (!take(text, '+') && !take(text, '-'))
        return false;
    if (!take_digits(text, 2, 0, 14, &hours) || !take(text, ':') ||
        !take_digits(text, 2, 0, 59, &rest))
        return false;
    *minutes = sign * (60 * hours + rest);
    return true;
}

static bool take_clock(const char **text, int64_t *milliseconds)
{
    int hour, minute, second, zone;
    if (!take_digits(text, 2, 0, 23, &hour) || !take(text, ':') ||
        !take_digits(text, 2, 0, 59, &minute) || !take(text, ':') ||
        !take_digits(text, 2, 0, 59, &second) || !take_fraction(text, milliseconds) ||
        !take_zone(text, &zone))
        return false;
    *milliseconds += ((int64_t)(hour * 60 + minute - zone) * 60 + second) * 1000;
    return true;
}

bool mg_question_time(const char *text, int64_t *time)
{
    int year, month, day;
    int64_t milliseconds = 0;
    if (!take_digits(&text, 4, 1970, 9999, &year) || !take(&text, '-') ||
        !take_digits(&text, 2, 1, 12, &month) || !take(&text, '-') ||
        !take_digits(&text, 2, 1, 31, &day) || !is_date(year, month, day))
        return false;
    if (*text != '\0' && !(take(&text, 'T') && take_clock(&text, &milliseconds)))
        return false;
    *time = days_of(year, month, day) * 86400000 + milliseconds;
    return *text == '\0' && *time > 0;
}

const char *mg_question_cursor(int64_t next, char text[MG_CURSOR_SIZE])
{
    snprintf(text, MG_CURSOR_SIZE, "%" PRIx64, (uint64_t)next);
    return text;
}

static bool read_cursor(const char *text, int64_t *place)
{
    size_t length = strlen(text);
    if (length == 0 || length > 15 || strspn(text, "0123456789abcdef") != length)
        return false;
    *place = strtoll(text, NULL, 16);
    return *place > 0;
}

/* ---- one parameter after the other ---- */

struct reading {
    struct mg_question *question;
    const char *(*get)(const void *context, const char *name);
    const void *context;
    const char *parameter;
    const char *expected;
};

static const char *value_of(struct reading *reading, const char *name)
{
    reading->parameter = name;
    return reading->get(reading->context, name);
}

static bool is_wrong(struct reading *reading, const char *expected)
{
    reading->expected = expected;
    return false;
}

/* A name, or something with a prefix: printable and without spaces at its ends. */
static bool is_name(const char *text, bool has_prefix)
{
    size_t length = strlen(text);
    const char *colon = strchr(text, ':');
    for (const char *letter = text; *letter; letter++)
        if ((unsigned char)*letter <= ' ' || *letter == 0x7f)
            return false;
    return length > 0 && length < MG_STORE_NAME_SIZE &&
           (!has_prefix || (colon && colon != text && colon[1] != '\0'));
}

static bool read_name(struct reading *reading, const char *name, const char *prefixed, char *room,
                      const char **wanted)
{
    const char *text = value_of(reading, name);
    if (!text)
        return true;
    if (!is_name(text, prefixed != NULL))
        return is_wrong(reading, prefixed ? prefixed : "a name of 1 to 127 bytes without spaces");
    memcpy(room, text, strlen(text) + 1);
    *wanted = room;
    return true;
}

static bool read_ids(struct reading *reading)
{
    struct mg_question *question = reading->question;
    const char *text = value_of(reading, "id");
    struct mg_id uuid;
    if (text && !mg_id_parse(text, &question->id))
        return is_wrong(reading, "the id that the gateway gave to a message, a UUID");
    question->query.id = text ? &question->id : NULL;
    text = value_of(reading, "uuid");
    if (text && !mg_id_parse(text, &uuid))
        return is_wrong(reading, "the UUID in a message's header");
    question->query.uuid = text ? mg_id_text(&uuid, question->uuid) : NULL;
    return true;
}

static bool read_names(struct reading *reading)
{
    static const char authority[] = "the id of an authority, prefix:key, such as ags:05124000";
    struct mg_question *question = reading->question;
    struct mg_store_query *query = &question->query;
    return read_name(reading, "author", authority, question->author, &query->author) &&
           read_name(reading, "reader", authority, question->reader, &query->reader) &&
           read_name(reading, "type", "a type of messages, profile:code", question->type,
                     &query->type) &&
           read_name(reading, "partner", NULL, question->partner, &query->partner) &&
           read_name(reading, "destination", NULL, question->destination, &query->destination);
}

static bool read_state(struct reading *reading)
{
    const char *text = value_of(reading, "state");
    reading->question->query.state = MG_STORE_ANY_STATE;
    for (int state = 0; text && state < MG_DELIVERY_STATES; state++)
        if (strcmp(mg_delivery_words[state], text) == 0)
            reading->question->query.state = state;
    return !text || reading->question->query.state != MG_STORE_ANY_STATE ||
           is_wrong(reading, "waiting, running, held, delivered, collected, dead or cancelled");
}

static bool read_times(struct reading *reading)
{
    static const char moment[] =
        "a date such as 2026-11-25, or a time with its zone such as 2026-11-25T08:00:00Z";
    struct mg_store_query *query = &reading->question->query;
    const char *from = value_of(reading, "from");
    if (from && !mg_question_time(from, &query->from))
        return is_wrong(reading, moment);
    const char *to = value_of(reading, "to");
    if (to && !mg_question_time(to, &query->to))
        return is_wrong(reading, moment);
    return !from || !to || query->from < query->to || is_wrong(reading, "later than from");
}

static bool read_page(struct reading *reading)
{
    struct mg_store_query *query = &reading->question->query;
    int64_t limit = LIMIT;
    const char *text = value_of(reading, "limit");
    if (text && !mg_question_number(text, 1, MG_STORE_SEARCH_LIMIT, &limit))
        return is_wrong(reading, "a number from 1 to 200");
    query->limit = (size_t)limit;
    text = value_of(reading, "cursor");
    return !text || read_cursor(text, &query->before) ||
           is_wrong(reading, "the cursor of an earlier answer to the same question");
}

bool mg_question_read(struct mg_question *question,
                      const char *(*get)(const void *context, const char *name),
                      const void *context, const char **parameter, const char **expected)
{
    struct reading reading = {.question = question, .get = get, .context = context};
    *question = (struct mg_question){.query.limit = LIMIT};
    bool read = read_ids(&reading) && read_names(&reading) && read_state(&reading) &&
                read_times(&reading) && read_page(&reading);
    *parameter = reading.parameter;
    *expected = reading.expected;
    return read;
}
