#include "gateway/base/id.h"
#include "gateway/message/profile_facts.h"

#include <string.h>

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* Reads exactly count digits; -1 if there are others. */
static int take_number(const char **cursor, int count)
{
    int number = 0;
    for (int i = 0; i < count; i++, (*cursor)++) {
        if (!is_digit(**cursor))
            return -1;
        number = number * 10 + (**cursor - '0');
    }
    return number;
}

static bool take_sign(const char **cursor, char sign)
{
    if (**cursor != sign)
        return false;
    (*cursor)++;
    return true;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Years of more than four digits, which XML Schema allows, are none of a message's. */
static bool take_date(const char **cursor)
{
    int year = take_number(cursor, 4);
    if (year < 1 || !take_sign(cursor, '-'))
        return false;
    int month = take_number(cursor, 2);
    if (month < 1 || month > 12 || !take_sign(cursor, '-'))
        return false;
    int day = take_number(cursor, 2);
    return day >= 1 && day <= days_in(year, month);
}

static bool take_time(const char **cursor)
{
    int hour = take_number(cursor, 2);
    if (hour < 0 || !take_sign(cursor, ':'))
        return false;
    int minute = take_number(cursor, 2);
    if (minute < 0 || minute > 59 || !take_sign(cursor, ':'))
        return false;
    int second = take_number(cursor, 2);
    if (second < 0 || second > 59)
        return false;
    bool zero = true;
    if (take_sign(cursor, '.')) {
        if (!is_digit(**cursor))
            return false;
        for (; is_digit(**cursor); (*cursor)++)
            zero = zero && **cursor == '0';
    }
    /* 24:00:00 is the end of the day. */
    return hour < 24 || (hour == 24 && minute == 0 && second == 0 && zero);
}

static bool take_zone(const char **cursor)
{
    if (**cursor == '\0' || take_sign(cursor, 'Z'))
        return true;
    if (!take_sign(cursor, '+') && !take_sign(cursor, '-'))
        return false;
    int hour = take_number(cursor, 2);
    if (hour < 0 || !take_sign(cursor, ':'))
        return false;
    int minute = take_number(cursor, 2);
    return minute >= 0 && minute <= 59 && (hour < 14 || (hour == 14 && minute == 0));
}

/* XML Schema 1.0, part 2, section 3.2.7. */
static bool is_date_time(const char *text)
{
    return take_date(&text) && take_sign(&text, 'T') && take_time(&text) && take_zone(&text) &&
           *text == '\0';
}

static bool is_prefix_character(char character)
{
    return is_digit(character) || (character >= 'A' && character <= 'Z') ||
           (character >= 'a' && character <= 'z') || (character && strchr("._-", character));
}

/* Neither white space nor control characters (U+0080 to U+009F included), and no *, which patterns
 * of the configuration use. */
static bool is_key(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte <= ' ' || byte == 0x7F || byte == '*')
            return false;
        if (byte == 0xC2 && (unsigned char)text[1] <= 0xA0)
            return false;
    }
    return true;
}

static bool is_authority(const char *id)
{
    const char *cursor = id;
    while (is_prefix_character(*cursor))
        cursor++;
    return cursor > id && *cursor == ':' && is_key(cursor + 1);
}

static bool refuse(struct mg_error *error, const char *code, int fact, const char *sentence)
{
    mg_fail(error, code, "%s", sentence);
    mg_error_at(error, "%s", mg_fact_name(fact));
    return false;
}

bool mg_facts_check(struct mg_header *header, struct mg_error *error)
{
    struct mg_id id;
    if (!mg_id_parse(header->uuid, &id))
        return refuse(error, "header.uuid", MG_FACT_UUID,
                      "the message's identifier is no UUID of the form of RFC 9562");
    mg_id_text(&id, header->uuid);
    if (!is_date_time(header->created))
        return refuse(error, "header.created", MG_FACT_CREATED,
                      "the message's time of creation is no xs:dateTime such as "
                      "2026-11-23T06:43:16Z");
    if (!is_key(header->type_code))
        return refuse(error, "header.type", MG_FACT_TYPE_CODE,
                      "the code of the message's type contains white space, control characters or "
                      "an asterisk");
    if (!is_authority(header->author.id))
        return refuse(error, "header.authority", MG_FACT_AUTHOR,
                      "the author's identifier is not of the form prefix:key");
    if (!is_authority(header->reader.id))
        return refuse(error, "header.authority", MG_FACT_READER,
                      "the reader's identifier is not of the form prefix:key");
    return true;
}
