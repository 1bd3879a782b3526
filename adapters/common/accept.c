#include "adapters/common/accept.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* How well a media range fits one of the names a form goes by, and what it weighs there. */
struct weight {
    int thousandths;
    int precision; /* 0: not mentioned, 1: any, 2: any of the kind, 3: by name */
};

static size_t blanks(const char *text)
{
    return strspn(text, " \t");
}

/* Length of an element of a list up to a separator that stands outside of quotes. */
static size_t element_length(const char *text, char separator)
{
    bool quoted = false;
    size_t length = 0;
    for (; text[length] && (quoted || text[length] != separator); length++) {
        if (text[length] == '"')
            quoted = !quoted;
        else if (quoted && text[length] == '\\' && text[length + 1])
            length++;
    }
    return length;
}

/* A weight (RFC 9110, section 12.4.2): 0 or 1 with up to three decimals. What is none weighs
 * nothing. */
static int read_weight(const char *text, size_t length)
{
    if (length == 0 || (text[0] != '0' && text[0] != '1'))
        return 0;
    int thousandths = (text[0] - '0') * 1000;
    int place = 100;
    for (size_t i = 2; i < length && text[1] == '.' && text[i] >= '0' && text[i] <= '9'; i++) {
        thousandths += (text[i] - '0') * place;
        place /= 10;
    }
    return thousandths > 1000 ? 1000 : thousandths;
}

/* The q of a media range's parameters; 1 where none is given. */
static int weight_of(const char *range, size_t length)
{
    size_t at = element_length(range, ';');
    while (at < length) {
        at++;
        at += blanks(range + at);
        size_t end = at + element_length(range + at, ';');
        if (end > length)
            end = length;
        if (at + 2 <= end && strncasecmp(range + at, "q=", 2) == 0)
            return read_weight(range + at + 2, end - at - 2);
        at = end;
    }
    return 1000;
}

static int precision_for(const char *range, size_t length, const char *name)
{
    size_t kind = (size_t)(strchr(name, '/') - name) + 1;
    if (length == strlen(name) && strncasecmp(range, name, length) == 0)
        return 3;
    if (length == kind + 1 && range[kind] == '*' && strncasecmp(range, name, kind) == 0)
        return 2;
    return length == 3 && strncmp(range, "*/*", 3) == 0;
}

/* Takes the range into account if it speaks of the form more precisely than those before. */
static void weigh(struct weight *weight, const char *range, size_t length,
                  const char *const names[2])
{
    size_t name = element_length(range, ';');
    if (name > length)
        name = length;
    while (name > 0 && (range[name - 1] == ' ' || range[name - 1] == '\t'))
        name--;
    for (int i = 0; i < 2; i++) {
        int precision = precision_for(range, name, names[i]);
        int thousandths = weight_of(range, length);
        if (precision > weight->precision ||
            (precision == weight->precision && precision && thousandths > weight->thousandths)) {
            weight->precision = precision;
            weight->thousandths = thousandths;
        }
    }
}

bool mg_accept_prefers_xml(const char *accept)
{
    static const char *const json_names[2] = {"application/problem+json", "application/json"};
    static const char *const xml_names[2] = {"application/xml", "text/xml"};
    struct weight json = {0}, xml = {0};
    while (accept && *accept) {
        accept += blanks(accept);
        size_t length = element_length(accept, ',');
        weigh(&json, accept, length, json_names);
        weigh(&xml, accept, length, xml_names);
        accept += length + (accept[length] == ',');
    }
    if (xml.thousandths != json.thousandths)
        return xml.thousandths > json.thousandths;
    return xml.thousandths > 0 && xml.precision > json.precision;
}
