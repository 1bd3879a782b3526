#include "gateway/config/reader.h"

#include "gateway/base/buffer.h"
#include "gateway/config/problems.h"
#include "gateway/message/xml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* So many of the known names are shown to who wrote an unknown one. */
#define NAMES_SHOWN 8

#define WHITE_SPACE " \t\r\n"

const char *const mg_demand_words[] = {"required", "optional",  "enveloped",
                                       "detached", "forbidden", NULL};

xmlNode *mg_reader_child(const xmlNode *parent, const char *name, const xmlNode *after)
{
    xmlNode *node = after ? after->next : parent->children;
    while (node && !mg_xml_is(node, MG_CONFIG_NAMESPACE, name))
        node = node->next;
    return node;
}

size_t mg_reader_child_count(const xmlNode *parent, const char *name)
{
    size_t count = 0;
    for (xmlNode *child = NULL; (child = mg_reader_child(parent, name, child));)
        count++;
    return count;
}

xmlNode *mg_reader_next(struct mg_reader *reader, const char *name, struct mg_cursor *cursor)
{
    while (cursor->document < reader->document_count) {
        reader->document = &reader->documents[cursor->document];
        const xmlNode *root =
            reader->document->tree ? xmlDocGetRootElement(reader->document->tree) : NULL;
        if (root)
            cursor->element = mg_reader_child(root, name, cursor->element);
        if (cursor->element)
            return cursor->element;
        cursor->document++;
    }
    return NULL;
}

xmlNode *mg_reader_only(struct mg_reader *reader, const char *name)
{
    struct mg_cursor cursor = {0};
    xmlNode *first = mg_reader_next(reader, name, &cursor);
    if (!first)
        return NULL;
    const struct mg_config_document *document = reader->document;
    struct mg_config_place place = mg_reader_place(reader, first);
    for (xmlNode *again; (again = mg_reader_next(reader, name, &cursor));)
        mg_reader_problem(reader, again, false, "<%s> is already said at %s:%d; keep one of both",
                          name, place.file, place.line);
    reader->document = document;
    return first;
}

size_t mg_reader_count(struct mg_reader *reader, const char *name)
{
    struct mg_cursor cursor = {0};
    size_t count = 0;
    while (mg_reader_next(reader, name, &cursor))
        count++;
    return count;
}

struct mg_config_place mg_reader_place(const struct mg_reader *reader, const xmlNode *element)
{
    return (struct mg_config_place){reader->document->file, (int)xmlGetLineNo(element)};
}

const char *mg_reader_text(struct mg_reader *reader, const xmlNode *element, const char *attribute)
{
    xmlChar *value = xmlGetNoNsProp(element, BAD_CAST attribute);
    if (!value)
        return NULL;
    const char *start = (const char *)value + strspn((const char *)value, WHITE_SPACE);
    size_t length = strlen(start);
    while (length > 0 && strchr(WHITE_SPACE, start[length - 1]))
        length--;
    const char *text = length > 0 ? mg_arena_cut(reader->arena, start, length) : NULL;
    xmlFree(value);
    return text;
}

const char *mg_reader_text_or(struct mg_reader *reader, const xmlNode *element,
                              const char *attribute, const char *standard)
{
    const char *text = mg_reader_text(reader, element, attribute);
    return text ? text : standard;
}

const char **mg_reader_words(struct mg_reader *reader, const xmlNode *element,
                             const char *attribute, size_t *count)
{
    const char *text = mg_reader_text_or(reader, element, attribute, "");
    const char **words = mg_arena_allocate(reader->arena, strlen(text) / 2 + 1, sizeof *words);
    *count = 0;
    for (text += strspn(text, WHITE_SPACE); *text; text += strspn(text, WHITE_SPACE)) {
        size_t length = strcspn(text, WHITE_SPACE);
        words[(*count)++] = mg_arena_cut(reader->arena, text, length);
        text += length;
    }
    return words;
}

static void read_number(struct mg_reader *reader, const xmlNode *element,
                        const struct mg_number *number, const char *text, void *structure)
{
    int64_t value, smallest = 0, largest = 0;
    mg_value_read(number->kind, number->smallest, &smallest);
    mg_value_read(number->kind, number->largest, &largest);
    if (!mg_value_read(number->kind, text, &value))
        mg_reader_problem(reader, element, false, "%s=\"%.60s\" is not %s", number->attribute, text,
                          mg_value_description(number->kind));
    else if (value < smallest || value > largest)
        mg_reader_problem(reader, element, false, "%s=\"%.60s\" has to be between %s and %s",
                          number->attribute, text, number->smallest, number->largest);
    else
        mg_number_set(number, value, structure);
}

void mg_reader_numbers(struct mg_reader *reader, const xmlNode *element,
                       const struct mg_number *numbers, void *structure)
{
    for (const struct mg_number *number = numbers; number->attribute; number++) {
        const char *text = mg_reader_text(reader, element, number->attribute);
        if (text)
            read_number(reader, element, number, text, structure);
    }
}

unsigned mg_reader_choice(struct mg_reader *reader, const xmlNode *element, const char *attribute,
                          const char *standard, const char *const *words)
{
    const char *text = mg_reader_text_or(reader, element, attribute, standard);
    struct mg_buffer known = {0};
    for (unsigned i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            mg_buffer_free(&known);
            return i;
        }
        mg_buffer_print(&known, "%s%s", i ? ", " : "", words[i]);
    }
    mg_reader_problem(reader, element, false, "%s=\"%.60s\" is none of %s", attribute, text,
                      known.data);
    mg_buffer_free(&known);
    return 0;
}

static const char *below(struct mg_arena *arena, const char *folder, const char *path)
{
    size_t length = strlen(folder) + strlen(path) + 2;
    char *joined = mg_arena_allocate(arena, length, 1);
    snprintf(joined, length, "%s/%s", folder, path);
    return joined;
}

const char *mg_reader_path(struct mg_reader *reader, const char *path)
{
    return *path == '/' ? path : below(reader->arena, reader->document->folder, path);
}

const char *mg_reader_data_path(struct mg_reader *reader, const char *path)
{
    const char *here = mg_reader_path(reader, path);
    if (*path == '/' || reader->without_files || access(here, F_OK) == 0)
        return here;
    const char *there = below(reader->arena, mg_config_data_folder(), path);
    return access(there, F_OK) == 0 ? there : here;
}

void mg_reader_problem(struct mg_reader *reader, const xmlNode *element, bool warning,
                       const char *format, ...)
{
    struct mg_config_place place = mg_reader_place(reader, element);
    if (mg_config_problems_at(reader->problems, reader->objections, &place))
        return;
    char reason[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    mg_config_problem(reader->problems, &place, warning, "%s", reason);
}

void mg_reader_unknown(struct mg_reader *reader, const xmlNode *element, const char *what,
                       const char *name, const struct mg_names *names)
{
    if (reader->incomplete)
        return;
    struct mg_buffer known = {0};
    mg_buffer_add_text(&known, names->count ? "; there are" : "; there is none");
    for (size_t i = 0; i < names->count && i < NAMES_SHOWN; i++)
        mg_buffer_print(&known, "%s %.60s", i ? "," : "", names->list[i].name);
    if (names->count > NAMES_SHOWN)
        mg_buffer_print(&known, " and %zu more", names->count - NAMES_SHOWN);
    mg_reader_problem(reader, element, false, "there is no %s \"%.100s\"%s", what, name,
                      known.data);
    mg_buffer_free(&known);
}

bool mg_type_names_profile(const char *type, const char *profile)
{
    size_t length = strcspn(type, ":");
    if (type[length] == ':')
        return strlen(profile) == length && strncmp(type, profile, length) == 0;
    return mg_pattern_matches(type, profile);
}

void mg_reader_check_type(struct mg_reader *reader, const xmlNode *element, const char *type)
{
    const struct mg_names *profiles = &reader->snapshot->profiles;
    bool known = strcmp(type, "*") == 0;
    for (size_t i = 0; i < profiles->count && !known; i++)
        known = mg_type_names_profile(type, profiles->list[i].name);
    if (!known)
        mg_reader_unknown(reader, element, "profile",
                          mg_arena_cut(reader->arena, type, strcspn(type, ":")), profiles);
}

void mg_reader_finish_names(struct mg_reader *reader, const char *what, struct mg_names *names)
{
    mg_names_sort(names);
    for (size_t i = 1; i < names->count; i++) {
        const struct mg_name *before = &names->list[i - 1], *name = &names->list[i];
        if (strcmp(before->name, name->name) == 0)
            mg_config_problem(reader->problems, name->place, false,
                              "the name \"%.100s\" is already that of the %s at %s:%d", name->name,
                              what, before->place->file, before->place->line);
    }
}
