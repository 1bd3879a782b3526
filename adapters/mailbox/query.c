#include "adapters/mailbox/query.h"

#include <string.h>

static int hex_digit(char letter)
{
    static const char digits[] = "0123456789abcdef";
    const char *place = letter ? strchr(digits, letter | 0x20) : NULL;
    return place && *place ? (int)(place - digits) : -1;
}

/* One character, perhaps written as %41; 0 if it is none that a value may have. */
static char read_character(const char **text, const char *end)
{
    char letter = *(*text)++;
    if (letter == '%') {
        int high = end - *text >= 2 ? hex_digit((*text)[0]) : -1;
        int low = high >= 0 ? hex_digit((*text)[1]) : -1;
        if (low < 0)
            return 0;
        letter = (char)(high * 16 + low);
        *text += 2;
    }
    return letter > ' ' && letter <= '~' ? letter : 0;
}

static bool read_value(const char *text, const char *end, char value[MG_QUERY_VALUE_SIZE])
{
    size_t length = 0;
    while (text < end) {
        char letter = read_character(&text, end);
        if (!letter || length + 1 >= MG_QUERY_VALUE_SIZE)
            return false;
        value[length++] = letter;
    }
    value[length] = '\0';
    return true;
}

static struct mg_query_value *find(struct mg_query_value *values, size_t count, const char *name,
                                   size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(values[i].name) == length && strncmp(values[i].name, name, length) == 0)
            return &values[i];
    return NULL;
}

bool mg_query_read(const char *query, struct mg_query_value *values, size_t count)
{
    while (*query) {
        const char *end = query + strcspn(query, "&");
        size_t name = strcspn(query, "=&");
        struct mg_query_value *value = find(values, count, query, name);
        if (!value || value->given || query[name] != '=' ||
            !read_value(query + name + 1, end, value->text))
            return false;
        value->given = true;
        query = end + (*end == '&');
    }
    return true;
}

bool mg_query_number(const struct mg_query_value *value, int64_t standard, int64_t smallest,
                     int64_t largest, int64_t *number)
{
    *number = standard;
    if (!value->given)
        return true;
    size_t length = strspn(value->text, "0123456789");
    if (length == 0 || length > 15 || value->text[length])
        return false;
    *number = 0;
    for (size_t i = 0; i < length; i++)
        *number = *number * 10 + (value->text[i] - '0');
    return *number >= smallest && *number <= largest;
}
