#include "gateway/message/xml.h"

#include <string.h>

bool mg_xml_is(const xmlNode *node, const char *space, const char *name)
{
    if (!node || node->type != XML_ELEMENT_NODE || strcmp((const char *)node->name, name) != 0)
        return false;
    const char *own = node->ns ? (const char *)node->ns->href : NULL;
    return own && space ? strcmp(own, space) == 0 : !own && !space;
}

xmlNode *mg_xml_child(const xmlNode *parent, const char *space, const char *name)
{
    for (xmlNode *child = parent ? parent->children : NULL; child; child = child->next) {
        if (mg_xml_is(child, space, name))
            return child;
    }
    return NULL;
}

static bool is_space(char character)
{
    return character == ' ' || character == '\n' || character == '\t' || character == '\r';
}

/* Adds content at the end of text, which holds length bytes of size, without white space at the
 * beginning; pending counts the white space that only belongs to the text if something follows it.
 */
struct collected {
    char *text;
    size_t size;
    size_t length;
    size_t pending;
};

static bool collect(struct collected *collected, const char *content)
{
    for (; *content; content++) {
        if (is_space(*content)) {
            /* Kept in place, and cut off at the end if nothing follows. */
            if (collected->length == 0)
                continue;
            if (collected->length + collected->pending < collected->size)
                collected->text[collected->length + collected->pending] = *content;
            collected->pending++;
            continue;
        }
        collected->length += collected->pending;
        collected->pending = 0;
        if (collected->length + 1 >= collected->size)
            return false;
        collected->text[collected->length++] = *content;
    }
    return true;
}

bool mg_xml_text(const xmlNode *element, char *text, size_t size)
{
    struct collected collected = {.text = text, .size = size};
    text[0] = '\0';
    for (const xmlNode *child = element ? element->children : NULL; child; child = child->next) {
        /* Comments and instructions do not divide a text: Canonical XML and XPath read it likewise.
         */
        if (child->type == XML_COMMENT_NODE || child->type == XML_PI_NODE)
            continue;
        if ((child->type != XML_TEXT_NODE && child->type != XML_CDATA_SECTION_NODE) ||
            (child->content && !collect(&collected, (const char *)child->content))) {
            text[0] = '\0';
            return false;
        }
    }
    text[collected.length] = '\0';
    return collected.length > 0;
}

void mg_xml_child_text(const xmlNode *parent, const char *space, const char *name, char *text,
                       size_t size)
{
    mg_xml_text(mg_xml_child(parent, space, name), text, size);
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}
