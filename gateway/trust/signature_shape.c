#include "gateway/trust/signature_shape.h"

#include "gateway/trust/signature.h"
#include "gateway/trust/signature_text.h"

#include <libxml/c14n.h>
#include <string.h>
#include <strings.h>

/* More children than any element of an admitted signature has. */
#define CHILDREN 5

struct children {
    xmlNode *elements[CHILDREN];
    size_t count;
};

static bool wrong(struct mg_error *error, const xmlNode *node, const char *respect)
{
    mg_fail(error, "signature.shape", "The signature is not of an admitted shape: %s.", respect);
    mg_error_at(error, "line %ld", xmlGetLineNo(node));
    return false;
}

static bool unknown(struct mg_error *error, const xmlNode *node, const char *what)
{
    mg_fail(
        error, "signature.algorithm",
        "The %s is not admitted. Use SHA-256 or longer with ECDSA or RSA, and a canonicalisation "
        "without comments.",
        what);
    mg_error_at(error, "line %ld", xmlGetLineNo(node));
    return false;
}

bool mg_signature_is(const xmlNode *node, const char *name)
{
    return node && node->type == XML_ELEMENT_NODE && node->ns &&
           strcmp((const char *)node->ns->href, MG_NAMESPACE_DSIG) == 0 &&
           strcmp((const char *)node->name, name) == 0;
}

static bool is_blank(const xmlNode *node)
{
    return node->type == XML_COMMENT_NODE ||
           (node->type == XML_TEXT_NODE && node->content &&
            node->content[strspn((const char *)node->content, " \t\r\n")] == '\0');
}

/* The child elements; false if there is anything else beside white space and comments, or too many.
 */
static bool read_children(const xmlNode *parent, struct children *children)
{
    children->count = 0;
    for (xmlNode *node = parent->children; node; node = node->next) {
        if (is_blank(node))
            continue;
        if (node->type != XML_ELEMENT_NODE || children->count == CHILDREN)
            return false;
        children->elements[children->count++] = node;
    }
    return true;
}

const char *mg_signature_text(const xmlNode *element)
{
    const xmlNode *text = element->children;
    if (element->type != XML_ELEMENT_NODE || !text || text->type != XML_TEXT_NODE || text->next)
        return NULL;
    return (const char *)text->content;
}

/* The value of an attribute without namespace, or NULL. */
static const char *attribute(const xmlNode *element, const char *name)
{
    for (const xmlAttr *at = element->properties; at; at = at->next) {
        if (at->ns || strcmp((const char *)at->name, name) != 0)
            continue;
        if (!at->children)
            return "";
        return at->children->next ? NULL : (const char *)at->children->content;
    }
    return NULL;
}

/* True if the element has no attributes beside these three (NULL: fewer). */
static bool only_attributes(const xmlNode *element, const char *first, const char *second,
                            const char *third)
{
    const char *const names[] = {first, second, third};
    for (const xmlAttr *at = element->properties; at; at = at->next) {
        bool known = false;
        for (size_t i = 0; i < 3 && !at->ns; i++)
            known = known || (names[i] && strcmp((const char *)at->name, names[i]) == 0);
        if (!known)
            return false;
    }
    return true;
}

/* The Algorithm of an element that has this attribute only; NULL, and the error filled, otherwise.
 */
static const char *algorithm_of(const xmlNode *element, const char *name, struct mg_error *error)
{
    if (!mg_signature_is(element, name)) {
        wrong(error, element, "an element is not expected where it stands");
        return NULL;
    }
    const char *algorithm = attribute(element, "Algorithm");
    if (!algorithm || !only_attributes(element, "Algorithm", NULL, NULL)) {
        wrong(error, element, "an algorithm has other attributes than Algorithm");
        return NULL;
    }
    return algorithm;
}

static bool has_no_children(const xmlNode *element)
{
    struct children children;
    return read_children(element, &children) && children.count == 0;
}

/* InclusiveNamespaces/@PrefixList (Exclusive XML Canonicalization 1.0, section 3). */
static bool read_prefixes(const xmlNode *element, struct mg_canonical *canonical)
{
    const char *list = attribute(element, "PrefixList");
    if (!element->ns ||
        strcmp((const char *)element->ns->href, MG_ALGORITHM_CANONICAL_EXCLUSIVE) != 0 ||
        strcmp((const char *)element->name, "InclusiveNamespaces") != 0 ||
        !only_attributes(element, "PrefixList", NULL, NULL) || !has_no_children(element) || !list ||
        strlen(list) >= sizeof canonical->text)
        return false;
    memcpy(canonical->text, list, strlen(list) + 1);
    char *rest = NULL;
    size_t count = 0;
    for (char *prefix = strtok_r(canonical->text, " \t\r\n", &rest); prefix;
         prefix = strtok_r(NULL, " \t\r\n", &rest)) {
        if (count == MG_CANONICAL_PREFIXES)
            return false;
        canonical->prefixes[count++] = (xmlChar *)prefix;
    }
    canonical->prefixes[count] = NULL;
    return true;
}

static bool read_canonical(const xmlNode *element, const char *name, struct mg_canonical *canonical,
                           struct mg_error *error)
{
    struct children children;
    const char *algorithm = algorithm_of(element, name, error);
    if (!algorithm)
        return false;
    if (!mg_canonical_find(algorithm, &canonical->mode))
        return unknown(error, element, "transform or canonicalisation");
    canonical->prefixes[0] = NULL;
    if (!read_children(element, &children))
        return wrong(error, element, "a canonicalisation has content");
    if (children.count == 0)
        return true;
    if (canonical->mode != XML_C14N_EXCLUSIVE_1_0 || children.count > 1 ||
        !read_prefixes(children.elements[0], canonical))
        return wrong(error, element, "a canonicalisation has parameters");
    return true;
}

/* Without a canonicalisation of its own, a reference has the inclusive one (XML Signature 1.1,
 * section 4.4.3.2). A detached document without any would be signed as the bytes that it came in;
 * these have been signed rightly if they are the canonical ones. */
static bool read_transforms(const xmlNode *reference, const xmlNode *transforms, bool enveloped,
                            struct mg_canonical *canonical, struct mg_error *error)
{
    struct children children = {.count = 0};
    canonical->mode = XML_C14N_1_0;
    canonical->prefixes[0] = NULL;
    if (transforms &&
        (!read_children(transforms, &children) || !only_attributes(transforms, NULL, NULL, NULL)))
        return wrong(error, transforms, "ds:Transforms has other content than ds:Transform");
    size_t first = 0;
    for (size_t i = 0; i < children.count; i++) {
        const char *algorithm = algorithm_of(children.elements[i], "Transform", error);
        int mode;
        if (!algorithm)
            return false;
        if (strcmp(algorithm, MG_ALGORITHM_ENVELOPED) != 0) {
            if (!mg_canonical_find(algorithm, &mode))
                return unknown(error, children.elements[i], "transform or canonicalisation");
            continue;
        }
        if (!enveloped || i > 0 || !has_no_children(children.elements[i]))
            return wrong(error, children.elements[i],
                         "enveloped-signature stands where it may not");
        first = 1;
    }
    if (enveloped && first == 0)
        return wrong(error, reference,
                     "the reference to the document lacks the enveloped-signature transform");
    if (children.count > first + 1)
        return wrong(error, transforms, "a reference has more than one canonicalisation");
    return children.count == first ||
           read_canonical(children.elements[first], "Transform", canonical, error);
}

static bool read_digest(const xmlNode *method, const xmlNode *value,
                        struct mg_signature_reference *reference, struct mg_error *error)
{
    const char *algorithm = algorithm_of(method, "DigestMethod", error);
    if (!algorithm)
        return false;
    if (!mg_digest_find(algorithm, &reference->digest))
        return unknown(error, method, "digest");
    const char *text = mg_signature_text(value);
    size_t length = 0;
    if (!mg_signature_is(value, "DigestValue") || !only_attributes(value, NULL, NULL, NULL) ||
        !text || !has_no_children(method) ||
        !mg_signature_read_base64(text, reference->value, sizeof reference->value, &length) ||
        length != (size_t)EVP_MD_get_size(mg_digest_implementation(reference->digest)))
        return wrong(error, value, "a ds:DigestValue is no digest of its ds:DigestMethod");
    return true;
}

static bool is_id(const xmlAttr *attribute, const char *value)
{
    return strcasecmp((const char *)attribute->name, "id") == 0 && attribute->children &&
           !attribute->children->next && attribute->children->content &&
           strcmp((const char *)attribute->children->content, value) == 0;
}

/* The only element of the whole document with that id, whatever its id attribute is called; else
 * NULL. */
static xmlNode *element_of_id(const xmlDoc *document, const char *id)
{
    xmlNode *top = xmlDocGetRootElement(document), *found = NULL;
    for (xmlNode *node = top; node; node = mg_canonical_next(node, top)) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        for (const xmlAttr *at = node->properties; at; at = at->next) {
            if (!is_id(at, id))
                continue;
            if (found)
                return NULL;
            found = node;
        }
    }
    return found;
}

static bool is_within(const xmlNode *node, const xmlNode *parent)
{
    while (node && node != parent)
        node = node->parent;
    return node != NULL;
}

/* "#" and an XML name without colon, so no XPointer. */
static bool is_fragment(const char *uri)
{
    for (const unsigned char *at = (const unsigned char *)uri + 1; *at; at++)
        if (*at < 0x80 &&
            !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", *at))
            return false;
    return uri[0] == '#' && uri[1] != '\0';
}

static bool read_reference(const xmlNode *element, const char *uri, const xmlNode *object,
                           struct mg_signature_reference *reference, struct mg_error *error)
{
    struct children children;
    const char *target = attribute(element, "URI");
    if (!mg_signature_is(element, "Reference") || !only_attributes(element, "URI", "Id", "Type") ||
        !target || !read_children(element, &children) || children.count < 2 || children.count > 3)
        return wrong(error, element, "ds:SignedInfo holds something else than plain references");
    bool has_transforms = children.count == 3;
    if (has_transforms && !mg_signature_is(children.elements[0], "Transforms"))
        return wrong(error, element, "an element is not expected where it stands");
    bool whole = target[0] == '\0' || (uri && strcmp(target, uri) == 0);
    if (!read_transforms(element, has_transforms ? children.elements[0] : NULL, whole && !uri,
                         &reference->canonical, error) ||
        !read_digest(children.elements[children.count - 2], children.elements[children.count - 1],
                     reference, error))
        return false;
    reference->target = NULL;
    if (whole)
        return true;
    if (!is_fragment(target))
        return wrong(error, element, "a reference leads to neither the document nor the signature");
    reference->target = element_of_id(element->doc, target + 1);
    if (!reference->target)
        return wrong(error, element, "a reference leads to no element, or to more than one");
    if (!object || reference->target == object || !is_within(reference->target, object))
        return wrong(error, element, "a reference covers a part of the document");
    return true;
}

static bool read_references(const struct children *children, const char *uri, const xmlNode *object,
                            struct mg_signature_shape *shape, struct mg_error *error)
{
    size_t documents = 0;
    shape->reference_count = children->count - 2;
    for (size_t i = 0; i < shape->reference_count; i++) {
        if (!read_reference(children->elements[i + 2], uri, object, &shape->references[i], error))
            return false;
        documents += shape->references[i].target == NULL;
    }
    if (documents != 1)
        return wrong(error, shape->signed_info, "not exactly one reference covers the document");
    if (object && shape->reference_count == 1)
        return wrong(error, object, "ds:Object holds something that is not signed");
    return true;
}

static bool read_signed_info(xmlNode *signed_info, const char *uri, const xmlNode *object,
                             struct mg_signature_shape *shape, struct mg_error *error)
{
    struct children children;
    shape->signed_info = signed_info;
    if (!only_attributes(signed_info, "Id", NULL, NULL) || !read_children(signed_info, &children) ||
        children.count < 3 || children.count > 4)
        return wrong(error, signed_info,
                     "ds:SignedInfo does not have its two methods and one or two references");
    if (!read_canonical(children.elements[0], "CanonicalizationMethod", &shape->canonical, error))
        return false;
    const char *method = algorithm_of(children.elements[1], "SignatureMethod", error);
    if (!method)
        return false;
    shape->method = mg_signature_method_find(method);
    if (!shape->method)
        return unknown(error, children.elements[1], "signature method");
    if (!has_no_children(children.elements[1]))
        return wrong(error, children.elements[1], "ds:SignatureMethod has parameters");
    return read_references(&children, uri, object, shape, error);
}

/* A ds:Object may hold the one element with the signed properties and what belongs to it, as XAdES
 * has it, but no further signatures, manifests or objects. */
static bool check_object(const xmlNode *object, struct mg_error *error)
{
    static const char *const foreign[] = {"Signature", "SignedInfo", "Manifest", "Reference",
                                          "Object"};
    struct children children;
    if (!only_attributes(object, "Id", "MimeType", "Encoding") ||
        !read_children(object, &children) || children.count != 1)
        return wrong(error, object, "ds:Object does not hold exactly one element");
    for (const xmlNode *node = object->children; node; node = mg_canonical_next(node, object))
        for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
            if (mg_signature_is(node, foreign[i]))
                return wrong(error, node, "ds:Object holds a signature, a manifest or an object");
    return true;
}

static bool read_value(const xmlNode *value, struct mg_signature_shape *shape,
                       struct mg_error *error)
{
    const char *text = mg_signature_text(value);
    if (!mg_signature_is(value, "SignatureValue") || !only_attributes(value, "Id", NULL, NULL) ||
        !text ||
        !mg_signature_read_base64(text, shape->value, sizeof shape->value, &shape->value_length) ||
        shape->value_length == 0)
        return wrong(error, value, "ds:SignatureValue holds no signature");
    return true;
}

bool mg_signature_shape_read(xmlNode *signature, const char *uri, struct mg_signature_shape *shape,
                             struct mg_error *error)
{
    struct children children;
    if (!mg_signature_is(signature, "Signature") || !only_attributes(signature, "Id", NULL, NULL) ||
        !read_children(signature, &children) || children.count < 2 ||
        !mg_signature_is(children.elements[0], "SignedInfo"))
        return wrong(error, signature, "ds:Signature does not begin with one ds:SignedInfo");
    bool has_key = children.count > 2 && mg_signature_is(children.elements[2], "KeyInfo");
    size_t at = has_key ? 3 : 2;
    xmlNode *object = children.count > at ? children.elements[at++] : NULL;
    if (children.count > at || (object && !mg_signature_is(object, "Object")))
        return wrong(
            error, signature,
            "ds:Signature holds more than SignedInfo, SignatureValue, KeyInfo and one Object");
    if (!read_value(children.elements[1], shape, error) ||
        !read_signed_info(children.elements[0], uri, object, shape, error) ||
        (object && !check_object(object, error)))
        return false;
    if (!has_key)
        return mg_fail(error, "signature.no-certificate",
                       "The signature has no ds:KeyInfo. Put the signing certificate there.");
    shape->key_info = children.elements[2];
    return true;
}
