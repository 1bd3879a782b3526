/*
 * profile_facts: what the parts of a profile say to each other. Only profile*.c include it.
 *
 * A layout is asked for one fact after the other; what the facts must look like is checked once for
 * all layouts.
 */
#ifndef MUENGSTEN_MESSAGE_PROFILE_FACTS_H
#define MUENGSTEN_MESSAGE_PROFILE_FACTS_H

#include "gateway/message/profile.h"

/* The facts that only the named layouts know, numbered behind those of enum mg_fact. */
enum {
    MG_FACT_AUTHOR_DIRECTORY = MG_FACT_COUNT,
    MG_FACT_READER_DIRECTORY,
    MG_FACT_ALL,
};

enum mg_fact_state {
    MG_FACT_ABSENT, /* not there, empty, or no plain text */
    MG_FACT_TAKEN,
    MG_FACT_TOO_LONG,
    MG_FACT_DIVIDED, /* by a processing instruction */
};

/*
 * True if a processing instruction stands in the element. Unlike a comment it stays in the
 * canonical form, so that the receiver gets it too, and programs that take the first text node for
 * the whole would read "ags:05120000" in "ags:05120000<?x?>-4711", which is somebody else.
 */
bool mg_fact_is_divided(const xmlNode *element);

/* Where a named layout keeps its facts; a NULL stands for what is not there. */
struct mg_layout_nodes {
    enum mg_layout layout;
    const char *space; /* of the header's elements */
    const xmlNode *identification;
    const xmlNode *type;
    const xmlNode *author;
    const xmlNode *reader;
};

void mg_layout_find(enum mg_layout layout, const xmlNode *root, struct mg_layout_nodes *nodes);
enum mg_fact_state mg_layout_take(const struct mg_layout_nodes *nodes, int fact, char *text,
                                  size_t size);

/* Compiled XPaths for the facts. One evaluator serves one thread at a time: libxml2 keeps notes
 * inside a compiled expression while it works, so that two threads must not share one. */
struct mg_xpaths;
struct mg_evaluator;

struct mg_xpaths *mg_xpaths_new(const struct mg_profile_values *values, struct mg_error *error);
void mg_xpaths_free(struct mg_xpaths *xpaths);
struct mg_evaluator *mg_xpaths_borrow(struct mg_xpaths *xpaths);
void mg_xpaths_return(struct mg_xpaths *xpaths, struct mg_evaluator *evaluator);
enum mg_fact_state mg_evaluator_take(struct mg_evaluator *evaluator, xmlDoc *document, int fact,
                                     char *text, size_t size);

/* The name of a fact in the configuration and in errors, such as "type-code". */
const char *mg_fact_name(int fact);

/* Checks the form of the facts that have one, and writes the UUID in lower case. */
bool mg_facts_check(struct mg_header *header, struct mg_error *error);

#endif
