#include "gateway/config/objections.h"

#include "gateway/base/buffer.h"
#include "gateway/config/document.h"

#include <libxml/tree.h>
#include <stdio.h>
#include <string.h>

/* What values of the schema's types look like. */
static const struct {
    const char *type;
    const char *looks;
} hints[] = {
    {"duration", "a duration is a whole number with ms, s, min, h or d, such as 30s or 48h"},
    {"size", "a size is a number of bytes with or without K, M or G, such as 16M"},
    {"count", "a count is a whole number"},
    {"factor", "a factor is a number such as 2 or 1.5"},
    {"name", "a name has small letters, digits, dots and hyphens"},
    {"names", "names have small letters, digits, dots and hyphens, with spaces between them"},
    {"address", "an address is HOST:PORT, [IPv6]:PORT or *:PORT"},
    {"proxy", "a proxy is http://HOST:PORT"},
    {"type-pattern", "it is PROFILE:CODE, and may end in *"},
    {"authority-pattern", "it is PREFIX:KEY, and may end in *"},
    {"subject", "a subject is written like CN=portal.example,O=City,C=DE (RFC 4514)"},
    {"day", "a day is written YYYY-MM-DD"},
};

/* Copies libxml2's text without "{urn:…}" in front of names and without the line's end. */
static void add_without_namespace(struct mg_buffer *text, const char *message)
{
    static const char noise[] = "{" MG_CONFIG_NAMESPACE "}";
    const char *found;
    for (; (found = strstr(message, noise)); message = found + sizeof noise - 1)
        mg_buffer_add(text, message, (size_t)(found - message));
    size_t length = strlen(message);
    while (length > 0 && strchr(" .\n", message[length - 1]))
        length--;
    mg_buffer_add(text, message, length);
}

/* "Element 'partner', attribute 'x': …" is read to its name; empty if there is none. */
static void read_attribute(const char *text, char *name, size_t size)
{
    static const char mark[] = ", attribute '";
    const char *start = strstr(text, mark);
    const char *end = start ? strchr(start + sizeof mark - 1, '\'') : NULL;
    if (end)
        snprintf(name, size, "%.*s", (int)(end - start) - (int)(sizeof mark - 1),
                 start + sizeof mark - 1);
    else
        name[0] = '\0';
}

/* The validator names the type in quotes: "… of the atomic type 'duration'". */
static void add_hint(struct mg_buffer *text)
{
    static const char mark[] = " type '";
    const char *type = strstr(text->data, mark);
    for (size_t i = 0; type && i < sizeof hints / sizeof *hints; i++) {
        size_t length = strlen(hints[i].type);
        const char *name = type + sizeof mark - 1;
        if (strncmp(name, hints[i].type, length) == 0 && name[length] == '\'') {
            mg_buffer_print(text, "; %s", hints[i].looks);
            return;
        }
    }
}

/* A value that its type does not allow gets several objections: one of each facet and one of the
 * type. */
static bool is_said_better(struct mg_objections *objections, const xmlError *error, int line,
                           const char *attribute)
{
    if (objections->only_first && objections->count > 0)
        return true;
    /* Names that occur twice: the check of all files says where the first one is. */
    if (error->code == XML_SCHEMAV_CVC_IDC)
        return true;
    /* The pattern itself helps nobody; the type's objection follows. */
    if (error->code == XML_SCHEMAV_CVC_PATTERN_VALID)
        return true;
    return attribute[0] && line == objections->line &&
           strcmp(attribute, objections->attribute) == 0;
}

static int line_of(const xmlError *error)
{
    const xmlNode *node = error->node;
    long line = error->line;
    if (error->domain != XML_FROM_PARSER && node)
        line = xmlGetLineNo(node->type == XML_ATTRIBUTE_NODE ? node->parent : node);
    return line > 0 ? (int)line : 1;
}

void mg_objections_note(void *context, xmlError *error)
{
    struct mg_objections *objections = context;
    if (error->level == XML_ERR_WARNING)
        return;
    struct mg_buffer text = {0};
    add_without_namespace(&text, error->message ? error->message : "not valid");
    char attribute[sizeof objections->attribute];
    read_attribute(text.data, attribute, sizeof attribute);
    int line = line_of(error);
    if (!is_said_better(objections, error, line, attribute)) {
        objections->count++;
        objections->line = line;
        snprintf(objections->attribute, sizeof objections->attribute, "%s", attribute);
        add_hint(&text);
        struct mg_config_place place = {objections->file, line};
        mg_config_problem(objections->problems, &place, false, "%s", text.data);
    }
    mg_buffer_free(&text);
}
