#include "gateway/trust/signature_canonical.h"

#include <libxml/c14n.h>
#include <libxml/xmlerror.h>

/* The exclusive form repeats a declaration at each element that uses it, so that its size is not
 * bounded by the document's. */
#define CANONICAL_LIMIT (128U << 20)

static int is_inside(void *apex, xmlNode *node, xmlNode *parent)
{
    /* Attributes and namespaces come with the element they belong to as parent; the parent in a
     * namespace is not one, since its struct is another. */
    const xmlNode *at = node->type == XML_ELEMENT_NODE ? node : parent;
    while (at && at->type == XML_ELEMENT_NODE) {
        if (at == apex)
            return 1;
        at = at->parent;
    }
    return 0;
}

static int append(void *buffer, const char *bytes, int length)
{
    return mg_buffer_add(buffer, bytes, (size_t)length) ? length : -1;
}

#if LIBXML_VERSION >= 21200
static void ignore(void *context, const xmlError *details)
#else
static void ignore(void *context, xmlErrorPtr details)
#endif
{
    (void)context;
    (void)details;
}

static bool canonicalise(xmlDoc *document, xmlNode *apex, struct mg_canonical *how,
                         struct mg_buffer *bytes, struct mg_error *error)
{
    bytes->limit = bytes->length + CANONICAL_LIMIT;
    xmlOutputBuffer *output = xmlOutputBufferCreateIO(append, NULL, bytes, NULL);
    if (!output)
        mg_die("no memory for a canonical form");
    xmlChar **prefixes = how->prefixes[0] ? how->prefixes : NULL;
    /* libxml2 reports to this thread's handler, which without one is stderr, and it quotes
     * contents. */
    xmlStructuredErrorFunc handler = xmlStructuredError;
    void *context = xmlStructuredErrorContext;
    xmlSetStructuredErrorFunc(NULL, ignore);
    int result =
        xmlC14NExecute(document, apex ? is_inside : NULL, apex, how->mode, prefixes, 0, output);
    xmlSetStructuredErrorFunc(context, handler);
    bool written = xmlOutputBufferClose(output) >= 0;
    if (result < 0 || !written)
        return mg_fail(
            error, "xml.not-canonical",
            "The document has no canonical form, or one of more than %u MiB. Use absolute "
            "namespace names, and declare namespaces at the document element.",
            CANONICAL_LIMIT >> 20);
    return true;
}

bool mg_canonical_document(xmlDoc *document, struct mg_canonical *how, struct mg_buffer *bytes,
                           struct mg_error *error)
{
    return canonicalise(document, NULL, how, bytes, error);
}

bool mg_canonical_element(xmlNode *element, struct mg_canonical *how, struct mg_buffer *bytes,
                          struct mg_error *error)
{
    return canonicalise(element->doc, element, how, bytes, error);
}

xmlNode *mg_canonical_next(const xmlNode *node, const xmlNode *top)
{
    if (node->type == XML_ELEMENT_NODE && node->children)
        return node->children;
    while (node != top && !node->next)
        node = node->parent;
    return node == top ? NULL : node->next;
}
