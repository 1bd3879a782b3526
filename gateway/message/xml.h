/*
 * xml: the only way in for XML from outside: a scan of the bytes, then a hardened parse.
 *
 * The scan looks at the bytes before libxml2 does, because libxml2 2.9 compares the attributes of
 * an element pairwise (quadratic time), its pattern matcher takes about 50 times a string's size,
 * and its own limits come too late. It admits UTF-8 only (with or without a byte order mark, and a
 * declaration that says UTF-8 or nothing), no document type declaration and hence no entities, no
 * processing instruction behind the document element, and nothing over the limits. The parse then
 * reads without network, DTD and entity expansion, and leaves out comments and the borders of CDATA
 * sections, as canonicalisation does: what is read in the tree stands in what is signed and
 * delivered. Both are pure: no I/O, any thread.
 *
 * Two sums follow from the limits: a document has at most twice as many attributes as elements are
 * allowed, and the squares of the number of namespace declarations in force, summed over its
 * elements, stay below 400 times that limit: so much does canonicalisation cost
 * (xml.too-many-attributes).
 *
 * And of different names, namespaces and kinds of white space between tags it has at most some
 * thousand, since libxml2's dictionary takes quadratic time for more (xml.too-many-names).
 *
 * Errors (code: meaning): xml.too-large, xml.too-deep, xml.too-many-attributes,
 * xml.start-tag-too-long, xml.text-too-long, xml.too-many-elements, xml.too-many-names,
 * xml.encoding, xml.doctype, xml.trailing-instruction, xml.malformed. The place is "line N".
 */
#ifndef MUENGSTEN_MESSAGE_XML_H
#define MUENGSTEN_MESSAGE_XML_H

#include "gateway/base/error.h"

#include <libxml/tree.h>
#include <stddef.h>

struct mg_xml_limits {
    size_t size;       /* bytes of the document; default 16 MiB */
    size_t depth;      /* nested elements; default 100, never more than 256 */
    size_t elements;   /* in the whole document, and with them comments, processing instructions and
                          CDATA sections, which cost as much; default 200,000 */
    size_t attributes; /* of one start tag, namespace declarations included; default 64 */
    size_t start_tag;  /* bytes of one start tag; default 65,536 */
    size_t text;       /* bytes of one run of text or CDATA between two tags; default 1 MiB */
};

/* Fills in the defaults above. */
void mg_xml_limits_default(struct mg_xml_limits *limits);

/* Checks the bytes against the limits. Time is linear in length, no memory is allocated. */
bool mg_xml_scan(const char *bytes, size_t length, const struct mg_xml_limits *limits,
                 struct mg_error *error);

/* Scans and parses. The caller frees the document with xmlFreeDoc. NULL on error. */
xmlDoc *mg_xml_parse(const char *bytes, size_t length, const struct mg_xml_limits *limits,
                     struct mg_error *error);

/* The canonical form of the whole document: Canonical XML 1.0 without comments (inclusive, since
 * the exclusive form drops namespace declarations that only content uses, such as
 * xsi:type="x:name"). The caller frees *bytes with xmlFree. False: xml.not-canonical (for example
 * relative namespaces). */
bool mg_xml_canonical(xmlDoc *document, xmlChar **bytes, size_t *length, struct mg_error *error);

/* The first child element of that namespace and local name, or NULL. */
xmlNode *mg_xml_child(const xmlNode *parent, const char *space, const char *name);

/* True if the node is an element of that namespace (NULL: of none) and local name. */
bool mg_xml_is(const xmlNode *node, const char *space, const char *name);

/* Copies the element's text without surrounding white space. False if it has child elements, is
 * longer than size - 1 bytes, or is empty; text is then empty. */
bool mg_xml_text(const xmlNode *element, char *text, size_t size);

/* The same of a child, to be shown to people: each control character is a blank. Empty where
 * mg_xml_text is false, or there is no such child. */
void mg_xml_child_text(const xmlNode *parent, const char *space, const char *name, char *text,
                       size_t size);

#endif
