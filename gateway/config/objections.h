/*
 * objections: what libxml2 says about a configuration, in words that an operator can use.
 *
 * Here, and only here, libxml2's own text may be shown, which quotes values: a configuration is the
 * operator's own.
 */
#ifndef MUENGSTEN_CONFIG_OBJECTIONS_H
#define MUENGSTEN_CONFIG_OBJECTIONS_H

#include "gateway/config/config.h"

#include <libxml/tree.h>
#include <libxml/xmlerror.h>

struct mg_objections {
    struct mg_config_problems *problems;
    const char *file;
    bool only_first;
    /* The schema as a document, whose types say in words what they allow; NULL: none. */
    xmlDoc *schema;
    /* The module's own. */
    size_t count;
    int line;            /* of the objection before this one */
    char attribute[64];  /* that it was about */
    xmlNode *unexpected; /* the first element that may not stand where it does, or NULL */
};

/* To be given to libxml2 as its structured error function, with a struct mg_objections as context.
 */
void mg_objections_note(void *context, xmlError *error);

#endif
