/*
 * document: one file of the configuration: read within bounds, parsed hardened, checked against the
 * schema.
 */
#ifndef MUENGSTEN_CONFIG_DOCUMENT_H
#define MUENGSTEN_CONFIG_DOCUMENT_H

#include "gateway/config/arena.h"
#include "gateway/config/config.h"

#define MG_CONFIG_NAMESPACE "urn:muengsten:config:1"

/* The folder below which schemas/ is found: the environment variable MUENGSTEN_DATA, or where the
 * gateway was installed to. */
const char *mg_config_data_folder(void);

/* The schema of the configuration itself: DATA/schemas/muengsten-config.xsd, compiled. */
struct mg_config_grammar;
struct mg_config_grammar *mg_config_grammar_new(struct mg_config_problems *problems);
void mg_config_grammar_free(struct mg_config_grammar *grammar);

struct mg_config_document {
    const char *file;   /* as named, for messages */
    const char *folder; /* absolute; relative paths in the document start there */
    xmlDoc *tree;       /* NULL if it is not well-formed, or no configuration at all */
};

/* Reads bytes as a document. What the schema objects to becomes problems; there can be a tree
 * nevertheless. document->file and folder are filled in before; the caller frees the tree. */
void mg_config_document_parse(struct mg_config_document *document, const char *bytes, size_t length,
                              const struct mg_config_grammar *grammar,
                              struct mg_config_problems *problems);

#endif
