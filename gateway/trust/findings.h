/*
 * findings: what a validator of XML Schema finds, in words that quote nothing of the document.
 *
 * libxml2's own text of an error contains the value that is wrong, which is personal data, and the
 * list of all values that were right, which is long. From each error we take its number, line and
 * element.
 */
#ifndef MUENGSTEN_TRUST_FINDINGS_H
#define MUENGSTEN_TRUST_FINDINGS_H

#include "gateway/trust/schema.h"

#include <libxml/xmlerror.h>

/* Filled with zeros at the start. */
struct mg_findings {
    struct mg_schema_report report;
    const xmlNode *last; /* what the last finding was about */
    bool last_was_facet; /* and whether it named the facet that the value fails */
    bool internal;       /* the validator failed itself */
};

void mg_findings_add(struct mg_findings *findings, const xmlError *problem);

/* Fills the error with schema.invalid and the findings kept. Returns false. */
bool mg_findings_fail(const struct mg_findings *findings, struct mg_error *error);

#endif
