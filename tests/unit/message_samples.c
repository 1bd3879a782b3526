#include "gateway/message/xml.h"
#include "tests/unit/message_files.h"
#include "tests/unit/unit.h"

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <stdlib.h>
#include <string.h>

#define G2G "http://xoev.de/schemata/basisnachricht/g2g/1_1"

static void ignore(void *data, xmlErrorPtr error)
{
    (void)data;
    (void)error;
}

/* Compiles the schema at the path and frees the path. */
static xmlSchema *compile(char *path)
{
    xmlSchemaParserCtxt *context = xmlSchemaNewParserCtxt(path);
    xmlSchema *schema = xmlSchemaParse(context);
    xmlSchemaFreeParserCtxt(context);
    free(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
    return schema;
}

static bool validates(xmlSchema *schema, xmlDoc *document)
{
    xmlSchemaValidCtxt *context = xmlSchemaNewValidCtxt(schema);
    xmlSchemaSetValidStructuredErrors(context, ignore, NULL);
    int result = xmlSchemaValidateDoc(context, document);
    xmlSchemaFreeValidCtxt(context);
    return result == 0;
}

/* Parses the file at the path and frees the path. */
static xmlDoc *load(char *path, size_t *size)
{
    struct mg_buffer content = {0};
    CU_ASSERT_FATAL(message_read(path, &content));
    xmlDoc *document = message_parse(content.data);
    if (size)
        *size = content.length;
    mg_buffer_free(&content);
    free(path);
    return document;
}

/* The header of a message as a document of its own; frees the message. */
static xmlDoc *take_header(xmlDoc *message)
{
    xmlDoc *document = xmlNewDoc((const xmlChar *)"1.0");
    xmlNode *header = mg_xml_child(xmlDocGetRootElement(message), G2G, "nachrichtenkopf.g2g");
    CU_ASSERT_PTR_NOT_NULL_FATAL(header);
    xmlDocSetRootElement(document, xmlDocCopyNode(header, document, 1));
    xmlReconciliateNs(document, xmlDocGetRootElement(document));
    xmlFreeDoc(message);
    return document;
}

static void every_sample_is_valid(void)
{
    static const struct {
        const char *schema, *sample;
    } samples[] = {
        {"schemas/service.xsd", "schemas/samples/service-0101.xml"},
        {"schemas/service.xsd", "schemas/samples/service-0102.xml"},
        {"schemas/register.xsd", "schemas/samples/register-0201.xml"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        xmlSchema *schema = compile(message_own_path(samples[i].schema));
        xmlDoc *document = load(message_own_path(samples[i].sample), NULL);
        CU_ASSERT(validates(schema, document));
        xmlFreeDoc(document);
        xmlSchemaFree(schema);
    }
}

static void the_large_sample_has_the_size_of_a_real_message(void)
{
    size_t size;
    xmlFreeDoc(load(message_own_path("schemas/samples/service-0101.xml"), &size));
    CU_ASSERT(size >= 6500 && size <= 7000);
}

/* The first element of that name in the subtree of node. */
static xmlNode *find(xmlNode *node, const char *name)
{
    for (; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0)
            return node;
        xmlNode *found = node->type == XML_ELEMENT_NODE ? find(node->children, name) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

static void a_changed_sample_is_invalid(void)
{
    static const struct {
        const char *element, *value;
    } changes[] = {
        {"vorgangsnummer", "4711"},
        {"schluessel", "12345678901234"},
        {"geburtsdatum", "12.08.1984"},
        {"familienname", ""},
        {"postleitzahl", "4228"},
        {"medientyp", "PDF"},
        {"groesse", "-1"},
        {"groesse", "1073741825"},
        {"sha256", "9f2d"},
        {"nachrichtenUUID", "4711"},
        {"erstellungszeitpunkt", "2026-11-23"},
    };
    xmlSchema *schema = compile(message_own_path("schemas/service.xsd"));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        xmlDoc *document = load(message_own_path("schemas/samples/service-0101.xml"), NULL);
        xmlNode *element = find(xmlDocGetRootElement(document), changes[i].element);
        CU_ASSERT_PTR_NOT_NULL_FATAL(element);
        xmlNodeSetContent(element, (const xmlChar *)changes[i].value);
        CU_ASSERT_FALSE(validates(schema, document));
        xmlFreeDoc(document);
    }
    xmlSchemaFree(schema);
}

static void no_text_of_a_sample_may_grow_without_end(void)
{
    static const char *const elements[] = {
        "vorname", "familienname", "strasse",   "hausnummer", "ort",     "telefon",       "email",
        "wert",    "bezeichnung",  "bemerkung", "titel",      "kennung", "vorgangsnummer"};
    static xmlChar text[5001];
    memset(text, '1', sizeof text - 1);
    xmlSchema *schema = compile(message_own_path("schemas/service.xsd"));
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        xmlDoc *document = load(message_own_path("schemas/samples/service-0101.xml"), NULL);
        xmlNode *element = find(xmlDocGetRootElement(document), elements[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(element);
        xmlNodeSetContent(element, text);
        CU_ASSERT_FALSE(validates(schema, document));
        xmlFreeDoc(document);
    }
    xmlSchemaFree(schema);
}

static void the_header_of_our_samples_obeys_the_published_schema(void)
{
    static const char *const samples[] = {"schemas/samples/service-0101.xml",
                                          "schemas/samples/service-0102.xml"};
    char *path = message_shared_path("standards/xbeteiligung-1.2/xoev-basisnachricht-g2g_1.1.xsd");
    if (!path) {
        unit_skip("no published schemas beside the project");
        return;
    }
    xmlSchema *schema = compile(path);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        xmlDoc *document = take_header(load(message_own_path(samples[i]), NULL));
        CU_ASSERT(validates(schema, document));
        xmlFreeDoc(document);
    }
    xmlSchemaFree(schema);
}

static void the_header_of_a_real_message_obeys_our_schema(void)
{
    char *path = message_shared_path("messages/xbeteiligung/kommunal.Initiieren.0401.xml");
    if (!path) {
        unit_skip("no published messages beside the project");
        return;
    }
    xmlSchema *schema = compile(message_own_path("schemas/header-g2g.xsd"));
    xmlDoc *document = take_header(load(path, NULL));
    CU_ASSERT(validates(schema, document));
    xmlFreeDoc(document);
    xmlSchemaFree(schema);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(every_sample_is_valid),
        UNIT_TEST(the_large_sample_has_the_size_of_a_real_message),
        UNIT_TEST(a_changed_sample_is_invalid),
        UNIT_TEST(no_text_of_a_sample_may_grow_without_end),
        UNIT_TEST(the_header_of_our_samples_obeys_the_published_schema),
        UNIT_TEST(the_header_of_a_real_message_obeys_our_schema),
    };
    xmlInitParser();
    int status = unit_run("message samples", tests, sizeof tests / sizeof *tests);
    xmlCleanupParser();
    return status;
}
