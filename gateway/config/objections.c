#include "gateway/config/objections.h"

#include "gateway/base/buffer.h"
#include "gateway/config/document.h"
#include "gateway/message/xml.h"

#include <libxml/tree.h>
#include <stdio.h>
#include <string.h>

#define XSD          "http://www.w3.org/2001/XMLSchema"
#define PATTERN_MARK " is not accepted by the pattern '"

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

/* Which facet of a type is meant is clear from what follows. */
static void drop_facet(struct mg_buffer *text)
{
    char *start = strstr(text->data, "[facet '");
    char *end = start ? strstr(start, "'] ") : NULL;
    if (!end)
        return;
    end += strlen("'] ");
    memmove(start, end, strlen(end) + 1);
    text->length -= (size_t)(end - start);
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

/* True if the type has that name, or, where name is NULL, that pattern. */
static bool is_type(const xmlNode *type, const char *name, const char *pattern)
{
    if (!mg_xml_is(type, XSD, "simpleType"))
        return false;
    const xmlNode *restriction = mg_xml_child(type, XSD, "restriction");
    const xmlNode *holder = type;
    if (!name)
        holder = restriction ? mg_xml_child(restriction, XSD, "pattern") : NULL;
    xmlChar *value = holder ? xmlGetNoNsProp(holder, BAD_CAST(name ? "name" : "value")) : NULL;
    bool equal = value && strcmp((const char *)value, name ? name : pattern) == 0;
    xmlFree(value);
    return equal;
}

/* What the schema says in words about a type; false if there is no such type. */
static bool describe(struct mg_objections *objections, const char *name, const char *pattern,
                     char *words, size_t size)
{
    const xmlNode *root = objections->schema ? xmlDocGetRootElement(objections->schema) : NULL;
    for (const xmlNode *type = root ? root->children : NULL; type; type = type->next) {
        const xmlNode *note =
            is_type(type, name, pattern) ? mg_xml_child(type, XSD, "annotation") : NULL;
        const xmlNode *text = note ? mg_xml_child(note, XSD, "documentation") : NULL;
        if (text && mg_xml_text(text, words, size))
            return true;
    }
    return false;
}

/* Copies what stands between the mark and the last quote of the text. */
static bool cut_quoted(const char *text, const char *mark, char *quoted, size_t size)
{
    const char *start = strstr(text, mark);
    const char *end = start ? strrchr(start + strlen(mark), '\'') : NULL;
    if (!end)
        return false;
    start += strlen(mark);
    return (size_t)snprintf(quoted, size, "%.*s", (int)(end - start), start) < size;
}

/* A pattern helps nobody: in its place comes what the schema says in words about the type that has
 * it. */
static void explain(struct mg_objections *objections, struct mg_buffer *text)
{
    char quoted[512], words[512];
    if (cut_quoted(text->data, PATTERN_MARK, quoted, sizeof quoted) &&
        describe(objections, NULL, quoted, words, sizeof words)) {
        char *end = strstr(text->data, PATTERN_MARK);
        *end = '\0';
        text->length = (size_t)(end - text->data);
        mg_buffer_add_text(text, " is not allowed. ");
    } else if (cut_quoted(text->data, " type '", quoted, sizeof quoted) &&
               describe(objections, quoted, NULL, words, sizeof words)) {
        mg_buffer_add_text(text, ". ");
    } else {
        return;
    }
    /* The words are wrapped in the schema. */
    for (const char *word = words; *word; word++) {
        bool space = strchr(" \n", *word);
        if (!space)
            mg_buffer_add(text, word, 1);
        else if (word[1] && !strchr(" \n", word[1]))
            mg_buffer_add_text(text, " ");
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

/* A document is validated again after each element that is not expected, and objected to again. */
static void add_once(struct mg_objections *objections, int line, const char *text)
{
    struct mg_buffer whole = {0};
    mg_buffer_print(&whole, "%s:%d: %s", objections->file, line, text);
    bool known = false;
    for (size_t i = 0; i < objections->problems->count && !known; i++)
        known = strcmp(objections->problems->list[i].text, whole.data) == 0;
    mg_buffer_free(&whole);
    struct mg_config_place place = {objections->file, line};
    if (!known)
        mg_config_problem(objections->problems, &place, false, "%s", text);
}

void mg_objections_note(void *context, xmlError *error)
{
    struct mg_objections *objections = context;
    if (error->level == XML_ERR_WARNING)
        return;
    struct mg_buffer text = {0};
    add_without_namespace(&text, error->message ? error->message : "not valid");
    drop_facet(&text);
    char attribute[sizeof objections->attribute];
    read_attribute(text.data, attribute, sizeof attribute);
    int line = line_of(error);
    if (!is_said_better(objections, error, line, attribute)) {
        objections->count++;
        objections->line = line;
        snprintf(objections->attribute, sizeof objections->attribute, "%s", attribute);
        explain(objections, &text);
        add_once(objections, line, text.data);
    }
    xmlNode *node = error->node;
    if (error->code == XML_SCHEMAV_ELEMENT_CONTENT && node && node->type == XML_ELEMENT_NODE &&
        node->parent && node->parent->type == XML_ELEMENT_NODE && !objections->unexpected)
        objections->unexpected = node;
    mg_buffer_free(&text);
}
