/*
 * reader: how the elements of all documents become the values of one configuration.
 *
 * Elements are read kind by kind, not file by file, so that what is referred to is there before
 * what refers to it: sites, listeners, profiles, partners, destinations, sources, routes.
 */
#ifndef MUENGSTEN_CONFIG_READER_H
#define MUENGSTEN_CONFIG_READER_H

#include "gateway/config/defaults.h"
#include "gateway/config/document.h"
#include "gateway/config/snapshot.h"

struct mg_reader {
    struct mg_config_snapshot *snapshot;
    struct mg_config *config; /* the snapshot's */
    struct mg_arena *arena;   /* the snapshot's */
    const struct mg_config_document *documents;
    size_t document_count;
    struct mg_config_problems *problems;
    /* How many problems there were when the schema had been asked. Where it objected, nothing is
     * said a second time; and since what it objected to may be missing now, nothing else counts as
     * missing then. */
    size_t objections;
    bool incomplete;
    bool without_files; /* nothing but the documents themselves is opened: for fuzzing */
    /* The document of the element at hand. */
    const struct mg_config_document *document;
};

/* Goes through the elements of that name below <gateway>, in all documents; begin with a cursor of
 * zeros. NULL after the last. */
struct mg_cursor {
    size_t document;
    xmlNode *element;
};
xmlNode *mg_reader_next(struct mg_reader *reader, const char *name, struct mg_cursor *cursor);
size_t mg_reader_count(struct mg_reader *reader, const char *name);

/* The one element of that name in all documents, or NULL. A second one is an error that names both
 * places. */
xmlNode *mg_reader_only(struct mg_reader *reader, const char *name);

/* The next child element of that name after the given one (NULL: the first), or NULL. */
xmlNode *mg_reader_child(const xmlNode *parent, const char *name, const xmlNode *after);
size_t mg_reader_child_count(const xmlNode *parent, const char *name);

struct mg_config_place mg_reader_place(const struct mg_reader *reader, const xmlNode *element);

/* An attribute's value without surrounding white space, in the arena; NULL, or the standard, if it
 * is not there or empty. */
const char *mg_reader_text(struct mg_reader *reader, const xmlNode *element, const char *attribute);
const char *mg_reader_text_or(struct mg_reader *reader, const xmlNode *element,
                              const char *attribute, const char *standard);

/* The words of an attribute, separated by white space, in the arena. */
const char **mg_reader_words(struct mg_reader *reader, const xmlNode *element,
                             const char *attribute, size_t *count);

/* Reads those numbers of the structure that the element has attributes for. */
void mg_reader_numbers(struct mg_reader *reader, const xmlNode *element,
                       const struct mg_number *numbers, void *structure);

/* One of the words: its index. What is no such word is a problem, and the result 0. */
unsigned mg_reader_choice(struct mg_reader *reader, const xmlNode *element, const char *attribute,
                          const char *standard, const char *const *words);
extern const char *const mg_demand_words[]; /* in the order of enum mg_signature_demand */

/* A path as it can be opened, in the arena: relative ones start at the folder of the document. */
const char *mg_reader_path(struct mg_reader *reader, const char *path);
/* Likewise, but what is not there is looked up below the data folder too. */
const char *mg_reader_data_path(struct mg_reader *reader, const char *path);

/* Adds a problem at an element, unless the schema objected there already. */
void mg_reader_problem(struct mg_reader *reader, const xmlNode *element, bool warning,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Adds an error because of a name that nothing has, with the names that there are. */
void mg_reader_unknown(struct mg_reader *reader, const xmlNode *element, const char *what,
                       const char *name, const struct mg_names *names);
/* Adds an error if the type names a profile that is not there. */
void mg_reader_check_type(struct mg_reader *reader, const xmlNode *element, const char *type);
/* True if a pattern of types, "PROFILE:CODE", can mean types of that profile. */
bool mg_type_names_profile(const char *type, const char *profile);
/* Sorts the names, and adds an error for each that occurs again. */
void mg_reader_finish_names(struct mg_reader *reader, const char *what, struct mg_names *names);

/* The parts, each in a file of its own: read_gateway.c, read_identity.c, read_sites.c,
 * read_profiles.c, read_partners.c, read_ends.c, read_operators.c. */
void mg_read_gateway(struct mg_reader *reader);
void mg_read_identity(struct mg_reader *reader, const xmlNode *element);
void mg_read_profiles(struct mg_reader *reader);
void mg_read_partners(struct mg_reader *reader);
void mg_read_sites(struct mg_reader *reader);
/* The site that the attribute place of the element names, or NULL. */
const struct mg_config_site *mg_read_site(struct mg_reader *reader, const xmlNode *element);
void mg_read_listeners(struct mg_reader *reader);
void mg_read_destinations(struct mg_reader *reader);
void mg_read_sources(struct mg_reader *reader);
void mg_read_routes(struct mg_reader *reader);
void mg_read_operators(struct mg_reader *reader);

/* Adds what only the whole shows, after everything is read (check.c). */
void mg_reader_check(struct mg_reader *reader);

#endif
