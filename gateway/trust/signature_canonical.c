#include "gateway/trust/signature_canonical.h"

#include <libxml/c14n.h>
#include <libxml/xmlerror.h>

/* The exclusive form repeats a declaration at each element that uses it, so that its size is not
 * bounded by the document's: 100 KB of XML can stand for many gigabytes. */
#define CANONICAL_LIMIT (128U << 20)

/* Where the canonical form goes: collected, or only digested, so that it needs no memory. */
struct output {
    const xmlNode *apex;     /* NULL: the whole document */
    struct mg_buffer *bytes; /* NULL: to the digest */
    EVP_MD_CTX *digest;
    size_t length;
    bool full;
};

/* libxml2 does not stop at an output that fails. So nothing more is visible then, and what is left
 * of its walk costs as little as the walk itself. */
static int is_visible(void *context, xmlNode *node, xmlNode *parent)
{
    const struct output *output = context;
    if (output->full)
        return 0;
    if (!output->apex)
        return 1;
    /* Attributes and namespaces come with the element they belong to as parent; the parent in a
     * namespace is not one, since its struct is another. */
    const xmlNode *at = node->type == XML_ELEMENT_NODE ? node : parent;
    while (at && at->type == XML_ELEMENT_NODE) {
        if (at == output->apex)
            return 1;
        at = at->parent;
    }
    return 0;
}

static int append(void *context, const char *bytes, int length)
{
    struct output *output = context;
    size_t more = (size_t)length;
    output->length += more;
    output->full = output->full || output->length > CANONICAL_LIMIT;
    if (output->full)
        return -1;
    bool added = output->bytes ? mg_buffer_add(output->bytes, bytes, more)
                               : EVP_DigestUpdate(output->digest, bytes, more) == 1;
    return added ? length : -1;
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

static bool canonicalise(xmlDoc *document, struct mg_canonical *how, struct output *output,
                         struct mg_error *error)
{
    xmlOutputBuffer *buffer = xmlOutputBufferCreateIO(append, NULL, output, NULL);
    if (!buffer)
        mg_die("no memory for a canonical form");
    xmlChar **prefixes = how->prefixes[0] ? how->prefixes : NULL;
    /* libxml2 reports to this thread's handler, which without one is stderr, and it quotes
     * contents. */
    xmlStructuredErrorFunc handler = xmlStructuredError;
    void *context = xmlStructuredErrorContext;
    xmlSetStructuredErrorFunc(NULL, ignore);
    int result = xmlC14NExecute(document, is_visible, output, how->mode, prefixes, 0, buffer);
    xmlSetStructuredErrorFunc(context, handler);
    bool written = xmlOutputBufferClose(buffer) >= 0;
    if (result < 0 || !written || output->full)
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
    struct output output = {.bytes = bytes};
    return canonicalise(document, how, &output, error);
}

bool mg_canonical_element(xmlNode *element, struct mg_canonical *how, struct mg_buffer *bytes,
                          struct mg_error *error)
{
    struct output output = {.apex = element, .bytes = bytes};
    return canonicalise(element->doc, how, &output, error);
}

bool mg_canonical_digest(xmlDoc *document, const xmlNode *element, struct mg_canonical *how,
                         const EVP_MD *algorithm, uint8_t digest[EVP_MAX_MD_SIZE],
                         struct mg_error *error)
{
    struct output output = {.apex = element, .digest = EVP_MD_CTX_new()};
    if (!output.digest || EVP_DigestInit_ex(output.digest, algorithm, NULL) != 1)
        mg_die("no memory for a digest");
    bool done =
        canonicalise(document, how, &output, error) &&
        (EVP_DigestFinal_ex(output.digest, digest, NULL) == 1 ||
         mg_fail(error, "signature.internal",
                 "The signature could not be checked because of a failure in the gateway."));
    EVP_MD_CTX_free(output.digest);
    return done;
}

xmlNode *mg_canonical_next(const xmlNode *node, const xmlNode *top)
{
    if (node->type == XML_ELEMENT_NODE && node->children)
        return node->children;
    while (node != top && !node->next)
        node = node->parent;
    return node == top ? NULL : node->next;
}
