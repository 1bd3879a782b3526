#include "gateway/config/document.h"

#include "gateway/base/buffer.h"
#include "gateway/config/file.h"
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
    xmlDoc *document; /* the compiled schema points into it */
    xmlSchema *schema;
};

/* libxml2 stops looking at the children of an element after one that it does not expect there. So
 * many of them are taken out, one after the other, to see what follows. */
#define UNEXPECTED_LIMIT 32

const char *mg_config_data_folder(void)
{
    const char *folder = secure_getenv("MUENGSTEN_DATA");
    return folder && *folder ? folder : MG_DATA_FOLDER;
}

/* libxml2 calls this with the parser, as it does all functions of a SAX block. */
static void note_of_parser(void *context, xmlError *error)
{
    xmlParserCtxt *parser = context;
    mg_objections_note(parser->_private, error);
}

/* A parser that tells the objections what it finds, and nobody else. */
static xmlParserCtxt *new_parser(struct mg_objections *objections)
{
    xmlParserCtxt *parser = xmlNewParserCtxt();
    if (!parser)
        mg_die("config: no memory for a parser");
    parser->sax->initialized = XML_SAX2_MAGIC;
    parser->sax->serror = note_of_parser;
    parser->_private = objections;
    return parser;
}

static bool compile(struct mg_config_grammar *grammar, const char *path,
                    struct mg_objections *objections)
{
    struct mg_buffer bytes = {0};
    if (mg_config_file_read(path, &bytes, objections->problems)) {
        xmlParserCtxt *parser = new_parser(objections);
        grammar->document = xmlCtxtReadMemory(parser, bytes.data ? bytes.data : "",
                                              (int)bytes.length, path, NULL, XML_PARSE_NONET);
        xmlFreeParserCtxt(parser);
    }
    mg_buffer_free(&bytes);
    if (!grammar->document)
        return false;
    xmlSchemaParserCtxt *compiler = xmlSchemaNewDocParserCtxt(grammar->document);
    if (!compiler)
        return false;
    xmlSchemaSetParserStructuredErrors(compiler, mg_objections_note, objections);
    grammar->schema = xmlSchemaParse(compiler);
    xmlSchemaFreeParserCtxt(compiler);
    return grammar->schema != NULL;
}

struct mg_config_grammar *mg_config_grammar_new(struct mg_config_problems *problems)
{
    struct mg_buffer path = {0};
    mg_buffer_print(&path, "%s/schemas/muengsten-config.xsd", mg_config_data_folder());
    struct mg_objections objections = {.problems = problems, .file = path.data};
    struct mg_config_grammar *grammar = mg_allocate_zeroed(1, sizeof *grammar);
    if (!compile(grammar, path.data, &objections)) {
        mg_config_problem(problems, &(struct mg_config_place){path.data, 1}, false,
                          "the schema of the configuration cannot be used; install muengsten "
                          "again, or let MUENGSTEN_DATA name the folder in which schemas/ stands");
        mg_config_grammar_free(grammar);
        grammar = NULL;
    }
    mg_buffer_free(&path);
    return grammar;
}

void mg_config_grammar_free(struct mg_config_grammar *grammar)
{
    if (!grammar)
        return;
    xmlSchemaFree(grammar->schema);
    xmlFreeDoc(grammar->document);
    free(grammar);
}

static xmlDoc *parse(const struct mg_config_document *document, const char *bytes, size_t length,
                     struct mg_config_problems *problems)
{
    /* What follows the first error of a parser is mostly a consequence of it. */
    struct mg_objections objections = {
        .problems = problems, .file = document->file, .only_first = true};
    xmlParserCtxt *parser = new_parser(&objections);
    xmlDoc *tree = xmlCtxtReadMemory(parser, bytes, (int)length, document->file, NULL,
                                     XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES);
    xmlFreeParserCtxt(parser);
    return tree;
}

/* The scan refuses document type declarations, foreign encodings, and excess, before libxml2 sees a
 * byte. Only of what is malformed libxml2 is asked too, because it says more about it. */
static bool scan(const struct mg_config_document *document, const char *bytes, size_t length,
                 struct mg_config_problems *problems)
{
    struct mg_error error = {0};
    if (mg_xml_scan(bytes, length, &limits, &error))
        return true;
    size_t before = problems->count;
    if (strcmp(error.code, "xml.malformed") == 0)
        xmlFreeDoc(parse(document, bytes, length, problems));
    struct mg_config_place place = {document->file, 1};
    sscanf(error.place, "line %9d", &place.line);
    if (problems->count == before)
        mg_config_problem(problems, &place, false, "%s (%s)", error.text, error.code);
    return false;
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
    struct mg_objections objections = {
        .problems = problems, .file = document->file, .schema = grammar->document};
    for (int round = 0; round < UNEXPECTED_LIMIT; round++) {
        xmlSchemaValidCtxt *validator = xmlSchemaNewValidCtxt(grammar->schema);
        if (!validator)
            mg_die("config: no memory for a validator");
        xmlSchemaSetValidStructuredErrors(validator, mg_objections_note, &objections);
        int result = xmlSchemaValidateDoc(validator, document->tree);
        xmlSchemaFreeValidCtxt(validator);
        if (result < 0)
            mg_config_problem(problems, &(struct mg_config_place){document->file, 1}, false,
                              "the validator failed (%d)", result);
        if (!objections.unexpected)
            return;
        xmlUnlinkNode(objections.unexpected);
        xmlFreeNode(objections.unexpected);
        objections.unexpected = NULL;
        objections.line = 0;
    }
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
