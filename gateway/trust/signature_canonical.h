/*
 * signature_canonical: the canonical bytes that a reference's digest and a signature's value cover.
 * Documents come through mg_xml_parse, which refuses those whose canonical form would take libxml2
 * quadratic time.
 */
#ifndef MUENGSTEN_TRUST_SIGNATURE_CANONICAL_H
#define MUENGSTEN_TRUST_SIGNATURE_CANONICAL_H

#include "gateway/base/buffer.h"
#include "gateway/base/error.h"

#include <libxml/tree.h>
#include <openssl/evp.h>
#include <stdint.h>

#define MG_CANONICAL_PREFIXES 32

/* How to canonicalise: never with comments. */
struct mg_canonical {
    int mode; /* xmlC14NMode */
    /* InclusiveNamespaces of the exclusive form: prefixes, which point into text, and NULL. */
    xmlChar *prefixes[MG_CANONICAL_PREFIXES + 1];
    char text[512];
};

/* Appends the canonical form of the whole document, or of one element with its descendants. The
 * namespaces and xml: attributes around the element count as the method says. Code
 * xml.not-canonical. */
bool mg_canonical_document(xmlDoc *document, struct mg_canonical *how, struct mg_buffer *bytes,
                           struct mg_error *error);
bool mg_canonical_element(xmlNode *element, struct mg_canonical *how, struct mg_buffer *bytes,
                          struct mg_error *error);

/* The digest of the canonical form of the document, or of one element (NULL: the document), which
 * is never held in memory. */
bool mg_canonical_digest(xmlDoc *document, const xmlNode *element, struct mg_canonical *how,
                         const EVP_MD *algorithm, uint8_t digest[EVP_MAX_MD_SIZE],
                         struct mg_error *error);

/* The node after this one in document order within top, or NULL. */
xmlNode *mg_canonical_next(const xmlNode *node, const xmlNode *top);

#endif
