#include "gateway/message/profile_facts.h"
#include "gateway/message/xml.h"

#include <libxml/xmlmemory.h>
#include <stdio.h>
#include <string.h>

#define SPACE_G2G       "http://xoev.de/schemata/basisnachricht/g2g/1_1"
#define SPACE_AUTHORITY "http://xoev.de/schemata/basisnachricht/behoerde/1_1"

/* The first child element of that local name in the namespace or, if wanted, in none. */
static const xmlNode *child_of(const xmlNode *parent, const char *space, bool or_none,
                               const char *name)
{
    for (const xmlNode *child = parent ? parent->children : NULL; child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE || strcmp((const char *)child->name, name) != 0)
            continue;
        if (child->ns ? strcmp((const char *)child->ns->href, space) == 0 : or_none)
            return child;
    }
    return NULL;
}

/* A child of the header's own; older standards may leave it unqualified. */
static const xmlNode *header_child(const struct mg_layout_nodes *nodes, const xmlNode *parent,
                                   const char *name)
{
    return child_of(parent, nodes->space, nodes->layout == MG_LAYOUT_SPLIT_KEYS, name);
}

/* A child of an authority, which the Basisnachricht keeps in a namespace of its own. */
static const xmlNode *authority_child(const struct mg_layout_nodes *nodes, const xmlNode *parent,
                                      const char *name)
{
    if (nodes->layout == MG_LAYOUT_BASISNACHRICHT)
        return child_of(parent, SPACE_AUTHORITY, false, name);
    return header_child(nodes, parent, name);
}

/* A child of a code, which XÖV leaves unqualified; some products qualify it like what surrounds it.
 */
static const xmlNode *code_child(const struct mg_layout_nodes *nodes, const xmlNode *code,
                                 const char *name)
{
    const char *space = code && code->ns ? (const char *)code->ns->href : nodes->space;
    return child_of(code, space, true, name);
}

static const xmlNode *find_header(const struct mg_layout_nodes *nodes, const xmlNode *root)
{
    if (nodes->layout == MG_LAYOUT_BASISNACHRICHT)
        return child_of(root, SPACE_G2G, false, "nachrichtenkopf.g2g");
    for (const xmlNode *child = root->children; child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE ||
            (child->ns && strcmp((const char *)child->ns->href, nodes->space) != 0))
            continue;
        const char *name = (const char *)child->name;
        if (strcmp(name, "nachrichtenkopf") == 0 || strncmp(name, "nachrichtenkopf.", 16) == 0)
            return child;
    }
    return NULL;
}

void mg_layout_find(enum mg_layout layout, const xmlNode *root, struct mg_layout_nodes *nodes)
{
    nodes->layout = layout;
    nodes->space = SPACE_G2G;
    if (layout == MG_LAYOUT_SPLIT_KEYS)
        nodes->space = root->ns ? (const char *)root->ns->href : "";
    const xmlNode *header = find_header(nodes, root);
    nodes->identification = header_child(nodes, header, "identifikation.nachricht");
    nodes->type = header_child(nodes, nodes->identification, "nachrichtentyp");
    nodes->author = header_child(nodes, header, "autor");
    nodes->reader = header_child(nodes, header, "leser");
}

static bool is_blank(const xmlChar *content)
{
    return !content || content[strspn((const char *)content, " \t\r\n")] == '\0';
}

bool mg_fact_is_divided(const xmlNode *element)
{
    for (const xmlNode *child = element ? element->children : NULL; child; child = child->next)
        if (child->type == XML_PI_NODE)
            return true;
    return false;
}

static enum mg_fact_state take_text(const xmlNode *element, char *text, size_t size)
{
    if (mg_fact_is_divided(element))
        return MG_FACT_DIVIDED;
    if (mg_xml_text(element, text, size))
        return MG_FACT_TAKEN;
    bool blank = true;
    for (const xmlNode *child = element ? element->children : NULL; child; child = child->next) {
        if (child->type == XML_ELEMENT_NODE)
            return MG_FACT_ABSENT;
        if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE)
            blank = blank && is_blank(child->content);
    }
    return blank ? MG_FACT_ABSENT : MG_FACT_TOO_LONG;
}

static enum mg_fact_state take_attribute(const xmlNode *element, const char *name, char *text,
                                         size_t size)
{
    xmlChar *value = element ? xmlGetNoNsProp(element, (const xmlChar *)name) : NULL;
    enum mg_fact_state state = MG_FACT_ABSENT;
    if (value && value[0])
        state = xmlStrlen(value) < (int)size ? MG_FACT_TAKEN : MG_FACT_TOO_LONG;
    if (state == MG_FACT_TAKEN)
        memcpy(text, value, strlen((const char *)value) + 1);
    xmlFree(value);
    return state;
}

/* One half of a split id: an element that contains a code. */
static enum mg_fact_state take_half(const struct mg_layout_nodes *nodes, const xmlNode *id,
                                    const char *name, char *text, size_t size)
{
    return take_text(code_child(nodes, authority_child(nodes, id, name), "code"), text, size);
}

static enum mg_fact_state take_id(const struct mg_layout_nodes *nodes, const xmlNode *authority,
                                  char *text, size_t size)
{
    char prefix[sizeof((struct mg_authority *)NULL)->id], key[sizeof prefix];
    const xmlNode *split = NULL;
    if (nodes->layout == MG_LAYOUT_SPLIT_KEYS)
        split = authority_child(nodes, authority, "behoerdenkennung");
    /* Some older standards do not split the id. */
    if (!split)
        return take_text(authority_child(nodes, authority, "kennung"), text, size);
    enum mg_fact_state state = take_half(nodes, split, "praefix", prefix, sizeof prefix);
    if (state == MG_FACT_TAKEN)
        state = take_half(nodes, split, "kennung", key, sizeof key);
    if (state != MG_FACT_TAKEN)
        return state;
    int length = snprintf(text, size, "%s:%s", prefix, key);
    return length > 0 && (size_t)length < size ? MG_FACT_TAKEN : MG_FACT_TOO_LONG;
}

static enum mg_fact_state take_name(const struct mg_layout_nodes *nodes, const xmlNode *authority,
                                    char *text, size_t size)
{
    const xmlNode *name = NULL;
    if (nodes->layout == MG_LAYOUT_SPLIT_KEYS)
        name = authority_child(nodes, authority, "behoerdenname");
    if (!name)
        name = authority_child(nodes, authority, "name");
    return take_text(name, text, size);
}

static enum mg_fact_state take_directory(const struct mg_layout_nodes *nodes,
                                         const xmlNode *authority, char *text, size_t size)
{
    const xmlNode *directory = authority_child(nodes, authority, "verzeichnisdienst");
    return take_text(code_child(nodes, directory, "code"), text, size);
}

enum mg_fact_state mg_layout_take(const struct mg_layout_nodes *nodes, int fact, char *text,
                                  size_t size)
{
    switch (fact) {
    case MG_FACT_UUID:
        return take_text(header_child(nodes, nodes->identification, "nachrichtenUUID"), text, size);
    case MG_FACT_TYPE_LIST:
        return take_attribute(nodes->type, "listURI", text, size);
    case MG_FACT_TYPE_VERSION:
        return take_attribute(nodes->type, "listVersionID", text, size);
    case MG_FACT_TYPE_CODE:
        return take_text(code_child(nodes, nodes->type, "code"), text, size);
    case MG_FACT_TYPE_NAME:
        return take_text(code_child(nodes, nodes->type, "name"), text, size);
    case MG_FACT_CREATED:
        return take_text(header_child(nodes, nodes->identification, "erstellungszeitpunkt"), text,
                         size);
    case MG_FACT_AUTHOR:
        return take_id(nodes, nodes->author, text, size);
    case MG_FACT_AUTHOR_NAME:
        return take_name(nodes, nodes->author, text, size);
    case MG_FACT_AUTHOR_DIRECTORY:
        return take_directory(nodes, nodes->author, text, size);
    case MG_FACT_READER:
        return take_id(nodes, nodes->reader, text, size);
    case MG_FACT_READER_NAME:
        return take_name(nodes, nodes->reader, text, size);
    case MG_FACT_READER_DIRECTORY:
        return take_directory(nodes, nodes->reader, text, size);
    default:
        return MG_FACT_ABSENT;
    }
}
