#include "gateway/config/document.h"

#include "gateway/base/buffer.h"
#include "gateway/config/objections.h"
#include "gateway/message/xml.h"

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A configuration is small: what is larger than this is something else. */
static const struct mg_xml_limits limits = {.size = (size_t)8 << 20,
                                            .depth = 16,
                                            .elements = 100000,
                                            .attributes = 64,
                                            .start_tag = 65536,
                                            .text = 65536};

struct mg_config_grammar {
    xmlSchema *schema;
};

const char *mg_config_data_folder(void)
{
    const char *folder = secure_getenv("MUENGSTEN_DATA");
    return folder && *folder ? folder : MG_DATA_FOLDER;
}

struct mg_config_grammar *mg_config_grammar_new(struct mg_config_problems *problems)
{
    struct mg_buffer path = {0};
    mg_buffer_print(&path, "%s/schemas/muengsten-config.xsd", mg_config_data_folder());
    struct mg_objections objections = {.problems = problems, .file = path.data};
    struct mg_config_grammar *grammar = NULL;
    xmlSchema *schema = NULL;
    xmlSchemaParserCtxt *parser = xmlSchemaNewParserCtxt(path.data);
    if (parser) {
        xmlSchemaSetParserStructuredErrors(parser, mg_objections_note, &objections);
        schema = xmlSchemaParse(parser);
        xmlSchemaFreeParserCtxt(parser);
    }
    if (schema) {
        grammar = mg_allocate_zeroed(1, sizeof *grammar);
        grammar->schema = schema;
    } else {
        mg_config_problem(problems, &(struct mg_config_place){.file = path.data, .line = 1}, false,
                          "the schema of the configuration cannot be used; install muengsten "
                          "again, or let MUENGSTEN_DATA name the folder in which schemas/ stands");
    }
    mg_buffer_free(&path);
    return grammar;
}

void mg_config_grammar_free(struct mg_config_grammar *grammar)
{
    if (!grammar)
        return;
    xmlSchemaFree(grammar->schema);
    free(grammar);
}

/* The scan refuses document type declarations, foreign encodings, and excess, before libxml2 sees a
 * byte. */
static bool scan(const struct mg_config_document *document, const char *bytes, size_t length,
                 struct mg_config_problems *problems)
{
    struct mg_error error = {0};
    if (mg_xml_scan(bytes, length, &limits, &error))
        return true;
    struct mg_config_place place = {.file = document->file, .line = 1};
    sscanf(error.place, "line %9d", &place.line);
    mg_config_problem(problems, &place, false, "%s (%s)", error.text, error.code);
    return false;
}

/* libxml2 calls this with the parser, as it does all functions of a SAX block. */
static void note_of_parser(void *context, xmlError *error)
{
    xmlParserCtxt *parser = context;
    mg_objections_note(parser->_private, error);
}

static xmlDoc *parse(const struct mg_config_document *document, const char *bytes, size_t length,
                     struct mg_config_problems *problems)
{
    /* What follows the first error of a parser is mostly a consequence of it. */
    struct mg_objections objections = {
        .problems = problems, .file = document->file, .only_first = true};
    xmlParserCtxt *parser = xmlNewParserCtxt();
    if (!parser)
        mg_die("config: no memory for a parser");
    parser->sax->initialized = XML_SAX2_MAGIC;
    parser->sax->serror = note_of_parser;
    parser->_private = &objections;
    xmlDoc *tree = xmlCtxtReadMemory(parser, bytes, (int)length, document->file, NULL,
                                     XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES);
    xmlFreeParserCtxt(parser);
    if (!tree && objections.count == 0)
        mg_config_problem(problems, &(struct mg_config_place){document->file, 1}, false,
                          "this is not well-formed XML");
    return tree;
}

/* Editors like xsi:schemaLocation, and libxml2 would open whatever file it names. */
static void forget_schema_locations(xmlNode *element)
{
    static const xmlChar *space = BAD_CAST "http://www.w3.org/2001/XMLSchema-instance";
    static const char *const names[] = {"schemaLocation", "noNamespaceSchemaLocation"};
    for (; element; element = element->next) {
        if (element->type != XML_ELEMENT_NODE)
            continue;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            xmlAttr *attribute = xmlHasNsProp(element, BAD_CAST names[i], space);
            if (attribute)
                xmlRemoveProp(attribute);
        }
        forget_schema_locations(element->children); /* the scan bounds the depth */
    }
}

static bool is_configuration(const struct mg_config_document *document, const xmlNode *root,
                             struct mg_config_problems *problems)
{
    if (mg_xml_is(root, MG_CONFIG_NAMESPACE, "gateway"))
        return true;
    struct mg_config_place place = {document->file, (int)xmlGetLineNo(root)};
    mg_config_problem(problems, &place, false,
                      "the document element is <%.100s>, but a configuration begins with "
                      "<gateway xmlns=\"" MG_CONFIG_NAMESPACE "\">",
                      (const char *)root->name);
    return false;
}

static void validate(const struct mg_config_document *document,
                     const struct mg_config_grammar *grammar, struct mg_config_problems *problems)
{
    struct mg_objections objections = {.problems = problems, .file = document->file};
    xmlSchemaValidCtxt *validator = xmlSchemaNewValidCtxt(grammar->schema);
    if (!validator)
        mg_die("config: no memory for a validator");
    xmlSchemaSetValidStructuredErrors(validator, mg_objections_note, &objections);
    int result = xmlSchemaValidateDoc(validator, document->tree);
    xmlSchemaFreeValidCtxt(validator);
    if (result < 0)
        mg_config_problem(problems, &(struct mg_config_place){document->file, 1}, false,
                          "the validator failed (%d)", result);
}

void mg_config_document_parse(struct mg_config_document *document, const char *bytes, size_t length,
                              const struct mg_config_grammar *grammar,
                              struct mg_config_problems *problems)
{
    document->tree = NULL;
    if (!scan(document, bytes, length, problems))
        return;
    document->tree = parse(document, bytes, length, problems);
    if (!document->tree)
        return;
    xmlNode *root = xmlDocGetRootElement(document->tree);
    if (!is_configuration(document, root, problems)) {
        xmlFreeDoc(document->tree);
        document->tree = NULL;
        return;
    }
    forget_schema_locations(root);
    validate(document, grammar, problems);
}
