/*
 * The way in of XML up to the header: whatever passes the scan and the parse obeys the limits, and
 * neither profiles nor canonicalisation stumble over it.
 */
#include "gateway/message/xml.h"
#include "gateway/message/profile.h"

#include <libxml/parser.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PROFILES 3

/* Small, so that a fuzzer soon finds what lies at them. */
static const struct mg_xml_limits limits = {
    .size = 1U << 16,
    .depth = 20,
    .elements = 500,
    .attributes = 8,
    .start_tag = 1000,
    .text = 2000,
};

static struct mg_profile *profiles[PROFILES];

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    struct mg_profile_values values = {.name = "fuzz", .root_namespace = "", .root_name = "*"};
    xmlInitParser();
    for (int fact = 0; fact < MG_FACT_COUNT; fact++)
        values.xpath[fact] = "//*[@id] | //text()";
    for (int i = 0; i < PROFILES; i++) {
        values.layout = (enum mg_layout)i;
        profiles[i] = mg_profile_new(&values, NULL);
        require(profiles[i] != NULL);
    }
    return 0;
}

/* What the parser made of the document must obey the limits that the scan promised. */
static void check(const xmlNode *element, size_t depth, size_t *nodes)
{
    size_t attributes = 0;
    require(++*nodes <= limits.elements && depth <= limits.depth);
    for (const xmlAttr *attribute = element->properties; attribute; attribute = attribute->next)
        attributes++;
    for (const xmlNs *space = element->nsDef; space; space = space->next)
        attributes++;
    require(attributes <= limits.attributes);
    for (const xmlNode *child = element->children; child; child = child->next) {
        require(child->type == XML_ELEMENT_NODE || child->type == XML_TEXT_NODE ||
                child->type == XML_PI_NODE);
        if (child->type == XML_ELEMENT_NODE)
            check(child, depth + 1, nodes);
        if (child->type == XML_TEXT_NODE)
            require(strlen((const char *)child->content) <= limits.text);
        *nodes += child->type == XML_PI_NODE;
    }
}

static void read_header(xmlDoc *document)
{
    for (int i = 0; i < PROFILES; i++) {
        struct mg_error error = {0};
        struct mg_header header;
        mg_profile_matches(profiles[i], xmlDocGetRootElement(document));
        if (mg_profile_read(profiles[i], document, &header, &error))
            require(strlen(header.uuid) == 36 && strchr(header.author.id, ':') != NULL);
        else
            require(strncmp(error.code, "header.", 7) == 0 && error.place[0] != '\0');
    }
}

static void canonicalise(xmlDoc *document)
{
    xmlChar *canonical;
    size_t length;
    struct mg_error error;
    if (!mg_xml_canonical(document, &canonical, &length, &error))
        return;
    require(strlen((const char *)canonical) == length);
    xmlFree(canonical);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct mg_error error = {0};
    size_t nodes = 0;
    bool scanned = mg_xml_scan((const char *)bytes, length, &limits, &error);
    xmlDoc *document = mg_xml_parse((const char *)bytes, length, &limits, &error);
    require(scanned || !document);
    if (!document) {
        require(strncmp(error.code, "xml.", 4) == 0 && strncmp(error.place, "line ", 5) == 0);
        require(!scanned || strcmp(error.code, "xml.malformed") == 0);
        return 0;
    }
    require(document->intSubset == NULL && document->extSubset == NULL);
    check(xmlDocGetRootElement(document), 1, &nodes);
    read_header(document);
    canonicalise(document);
    xmlFreeDoc(document);
    return 0;
}
