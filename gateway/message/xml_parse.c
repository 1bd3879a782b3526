#include "gateway/message/xml.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <stdbool.h>

/* The first error of a parse; those after it are often only its consequences. */
struct first_error {
    int number; /* 0: none yet */
    int line;
};

/* libxml2's own text quotes the content, so that ours is chosen by the error's number. */
static const char *sentence_for(int number)
{
    switch (number) {
    case XML_ERR_TAG_NAME_MISMATCH:
        return "an end tag does not match its start tag";
    case XML_ERR_TAG_NOT_FINISHED:
    case XML_ERR_GT_REQUIRED:
    case XML_ERR_SPACE_REQUIRED:
        return "a tag is not written as XML demands";
    case XML_ERR_NAME_REQUIRED:
    case XML_NS_ERR_QNAME:
    case XML_NS_ERR_COLON:
        return "a name is not written as XML demands";
    case XML_ERR_ATTRIBUTE_REDEFINED:
    case XML_NS_ERR_ATTRIBUTE_REDEFINED:
        return "an element has the same attribute twice";
    case XML_NS_ERR_UNDEFINED_NAMESPACE:
        return "a prefix is used that no namespace is declared for";
    case XML_NS_ERR_EMPTY:
    case XML_NS_ERR_XML_NAMESPACE:
        return "a namespace declaration is not allowed";
    case XML_ERR_UNDECLARED_ENTITY:
    case XML_WAR_UNDECLARED_ENTITY:
        return "an entity is used that XML does not define; write the character itself";
    case XML_ERR_ENTITYREF_SEMICOL_MISSING:
    case XML_ERR_INVALID_CHARREF:
    case XML_ERR_INVALID_DEC_CHARREF:
    case XML_ERR_INVALID_HEX_CHARREF:
        return "a reference is not complete or names no character; write & as &amp;";
    case XML_ERR_INVALID_CHAR:
        return "the document contains a character that XML does not admit";
    case XML_ERR_MISPLACED_CDATA_END:
        return "the end of a CDATA section stands in plain text; write its > as &gt;";
    case XML_ERR_RESERVED_XML_NAME:
        return "a processing instruction has a name that is reserved for XML";
    case XML_ERR_NO_MEMORY:
    case XML_ERR_INTERNAL_ERROR:
    case XML_ERR_NAME_TOO_LONG:
        return "the document goes beyond what the parser admits";
    default:
        return "the document is not well-formed XML";
    }
}

/* Called by libxml2, which hands over the parser's context as user data. */
static void remember_first(void *data, xmlErrorPtr error)
{
    struct first_error *first = ((xmlParserCtxt *)data)->_private;
    if (first->number || error->level < XML_ERR_ERROR)
        return;
    *first = (struct first_error){.number = error->code, .line = error->line};
}

xmlDoc *mg_xml_parse(const char *bytes, size_t length, const struct mg_xml_limits *limits,
                     struct mg_error *error)
{
    struct first_error first = {0};
    if (!mg_xml_scan(bytes, length, limits, error))
        return NULL;
    xmlParserCtxt *context = xmlNewParserCtxt();
    if (!context)
        mg_die("no memory for a parser");
    context->_private = &first;
    context->sax->serror = remember_first;
    /* The canonical form, which is what is signed and delivered, knows neither comments nor CDATA
     * sections. So the tree has none either: nobody who reads it sees a text end where it does not.
     */
    context->sax->comment = NULL;
    xmlDoc *document = xmlCtxtReadMemory(context, bytes, (int)length, NULL, NULL,
                                         XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                             XML_PARSE_BIG_LINES | XML_PARSE_NOCDATA);
    /* Without namespaces in order libxml2 still returns a document, whose names mean nothing. */
    if (!document || !context->wellFormed || !context->nsWellFormed || first.number) {
        mg_fail(error, "xml.malformed", "%s", sentence_for(first.number));
        mg_error_at(error, "line %d", first.line > 0 ? first.line : 1);
        xmlFreeDoc(document);
        document = NULL;
    }
    xmlFreeParserCtxt(context);
    return document;
}

static void ignore(void *data, xmlErrorPtr error)
{
    (void)data;
    (void)error;
}

bool mg_xml_canonical(xmlDoc *document, xmlChar **bytes, size_t *length, struct mg_error *error)
{
    /* Canonicalisation reports to this thread's handler, which without one is stderr. */
    xmlStructuredErrorFunc handler = xmlStructuredError;
    void *context = xmlStructuredErrorContext;
    xmlSetStructuredErrorFunc(NULL, ignore);
    *bytes = NULL;
    *length = 0;
    int written = xmlC14NDocDumpMemory(document, NULL, XML_C14N_1_0, NULL, 0, bytes);
    xmlSetStructuredErrorFunc(context, handler);
    if (written < 0 || !*bytes) {
        xmlFree(*bytes);
        *bytes = NULL;
        return mg_fail(error, "xml.not-canonical",
                       "the document has no canonical form; declare namespaces by absolute URIs");
    }
    *length = (size_t)written;
    return true;
}
