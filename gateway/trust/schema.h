/*
 * schema: XML Schemas, compiled once at load, asked about every document.
 *
 * Compiling reads files next to the entry schema (imports and includes by relative schemaLocation)
 * and nothing else: no network, nothing outside the folder of the entry schema. A compiled schema
 * is immutable and shared by all threads. From the first call on libxml2 opens nothing by name in
 * this process, so that xmlReadFile fails: read files into memory and use xmlReadMemory (see
 * confinement.h).
 */
#ifndef MUENGSTEN_TRUST_SCHEMA_H
#define MUENGSTEN_TRUST_SCHEMA_H

#include "gateway/base/error.h"

#include <libxml/tree.h>
#include <stddef.h>

struct mg_schema;

/* Compiles the schema at the path. Codes: schema.unreadable, schema.does-not-compile (place
 * FILE:LINE). */
struct mg_schema *mg_schema_from_file(const char *path, struct mg_error *error);
void mg_schema_free(struct mg_schema *schema);

/* One finding of the validator: no text of libxml2's, since that quotes the value. */
struct mg_schema_finding {
    int line;
    int number; /* libxml2's error number, such as 1824 (XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1) */
    char element[96]; /* local name */
    char rule[48]; /* in words: "value not allowed by its type", "element not expected here", … */
};

#define MG_SCHEMA_FINDINGS 5

struct mg_schema_report {
    struct mg_schema_finding findings[MG_SCHEMA_FINDINGS];
    size_t count; /* of the findings kept: the first five */
    size_t total; /* of all; validation ends soon after the thousandth */
};

/* Validates the whole document. False: schema.invalid (text lists line, element and rule of the
 * first five), or schema.internal if the validator itself failed, which is a refusal too. report
 * may be NULL. */
bool mg_schema_validate(const struct mg_schema *schema, xmlDoc *document,
                        struct mg_schema_report *report, struct mg_error *error);

#endif
