#include "tools/send/receipt.h"

#include "gateway/message/xml.h"
#include "gateway/trust/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SPACE_XTA     "http://xoev.de/transport/xta/211"
#define SPACE_META    "http://www.osci.eu/ws/2014/10/transport"
#define SPACE_WSA     "http://www.w3.org/2005/08/addressing"
#define SPACE_REFUSAL "urn:muengsten:refusal:1"

/* The first element of that name in the subtree, which does not have to be a child. */
static const xmlNode *descendant(const xmlNode *top, const char *space, const char *name)
{
    const xmlNode *found = NULL;
    for (const xmlNode *child = top->children; child && !found; child = child->next) {
        if (mg_xml_is(child, space, name))
            found = child;
        else if (child->type == XML_ELEMENT_NODE)
            found = descendant(child, space, name);
    }
    return found;
}

static void element_text(const xmlNode *element, char *text, size_t size)
{
    text[0] = '\0';
    if (element)
        mg_xml_text(element, text, size);
    /* What comes from outside may hold anything, and goes to a terminal. */
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

static void child_text(const xmlNode *parent, const char *space, const char *name, char *text,
                       size_t size)
{
    element_text(parent ? mg_xml_child(parent, space, name) : NULL, text, size);
}

/* The code of a child that is of a code list: XÖV has it in an element without a namespace. */
static void child_code(const xmlNode *parent, const char *space, const char *name, char *text,
                       size_t size)
{
    const xmlNode *child = mg_xml_child(parent, space, name);
    const xmlNode *code = child ? child->children : NULL;
    while (code && (code->type != XML_ELEMENT_NODE || code->ns ||
                    strcmp((const char *)code->name, "code") != 0))
        code = code->next;
    element_text(code, text, size);
}

static void read_records(const xmlNode *status, const char *list, const char *name,
                         const char *level, struct mg_send_receipt *receipt)
{
    const xmlNode *records = mg_xml_child(status, SPACE_XTA, list);
    for (const xmlNode *node = records ? records->children : NULL; node; node = node->next) {
        if (!mg_xml_is(node, SPACE_XTA, name) || receipt->record_count == MG_SEND_RECORDS)
            continue;
        struct mg_send_record *record = &receipt->records[receipt->record_count++];
        snprintf(record->level, sizeof record->level, "%s", level);
        child_text(node, SPACE_XTA, "Timestamp", record->time, sizeof record->time);
        child_code(node, SPACE_XTA, "Code", record->code, sizeof record->code);
        child_text(node, SPACE_XTA, "Reason", record->reason, sizeof record->reason);
    }
}

/* The gateway writes all times in UTC, so their order is that of their texts. */
static int by_time(const void *one, const void *other)
{
    return strcmp(((const struct mg_send_record *)one)->time,
                  ((const struct mg_send_record *)other)->time);
}

static void read_receipt(const xmlNode *root, struct mg_send_receipt *receipt)
{
    static const char *const states[] = {"underway", "done", "warnings", "failed"};
    char number[8];
    const xmlNode *status = mg_xml_child(root, SPACE_XTA, "MessageStatus");
    child_text(root, SPACE_XTA, "XTAServerIdentity", receipt->gateway, sizeof receipt->gateway);
    child_text(status, SPACE_XTA, "Status", number, sizeof number);
    bool known = number[0] >= '0' && number[0] <= '3' && !number[1];
    snprintf(receipt->state, sizeof receipt->state, "%s",
             known ? states[number[0] - '0'] : "unknown");
    if (!status)
        return;
    read_records(status, "InfoList", "Info", "info", receipt);
    read_records(status, "WarnList", "Warning", "warning", receipt);
    read_records(status, "ErrorList", "Error", "error", receipt);
    qsort(receipt->records, receipt->record_count, sizeof *receipt->records, by_time);
}

static bool is_expected(const X509 *certificate, const void *context)
{
    const STACK_OF(X509) *expected = context;
    for (int i = 0; expected && i < sk_X509_num(expected); i++)
        if (X509_cmp(certificate, sk_X509_value(expected, i)) == 0)
            return true;
    return !expected;
}

static bool verify(xmlDoc *document, struct mg_anchors *anchors, const STACK_OF(X509) * expected,
                   struct mg_send_receipt *receipt, struct mg_error *error)
{
    const struct mg_signature_policy policy = {
        .anchors = anchors, .is_signer = is_expected, .context = expected};
    struct mg_signature_result result = {0};
    xmlNode *signature = NULL;
    if (!mg_signature_find(document, &signature, error))
        return false;
    if (!signature)
        return mg_fail(error, "send.receipt-unsigned", "The receipt carries no signature.");
    if (!mg_signature_verify_enveloped(document, signature, &policy, &result, error))
        return false;
    snprintf(receipt->signer, sizeof receipt->signer, "%s", result.subject);
    free(result.canonical);
    return true;
}

/* The value of a message property (MessageProperties/Property), or an empty text, found by its key.
 */
static void read_property(const xmlNode *root, const char *wanted, char *value, size_t size)
{
    char name[64];
    const xmlNode *properties = descendant(root, SPACE_META, "MessageProperties");
    value[0] = '\0';
    for (const xmlNode *node = properties ? properties->children : NULL; node; node = node->next) {
        child_code(node, SPACE_META, "Key", name, sizeof name);
        if (strcmp(name, wanted) == 0)
            child_text(node, SPACE_META, "Value", value, size);
    }
}

/* A signature proves nothing if it is under the receipt of another message. */
static bool is_about(const xmlNode *root, const char *id, const char *uuid)
{
    char text[128] = "", expected[128];
    const xmlNode *node = descendant(root, SPACE_WSA, "MessageID");
    snprintf(expected, sizeof expected, "urn:uuid:%s", id);
    if (!node || !mg_xml_text(node, text, sizeof text) || strcasecmp(text, expected) != 0)
        return false;
    read_property(root, "message-uuid", text, sizeof text);
    return !*uuid || strcasecmp(text, uuid) == 0;
}

bool mg_send_receipt_check(struct mg_anchors *anchors, const STACK_OF(X509) * expected,
                           const char *id, const char *uuid, const char *bytes, size_t length,
                           struct mg_send_receipt *receipt, struct mg_error *error)
{
    struct mg_xml_limits limits;
    *receipt = (struct mg_send_receipt){0};
    mg_xml_limits_default(&limits);
    xmlDoc *document = mg_xml_parse(bytes, length, &limits, error);
    if (!document)
        return mg_fail(error, "send.receipt-malformed", "The receipt is no XML.");
    const xmlNode *root = xmlDocGetRootElement(document);
    bool good = mg_xml_is(root, SPACE_XTA, "TransportReport") ||
                mg_fail(error, "send.receipt-malformed", "The receipt is no TransportReport.");
    if (good)
        read_receipt(root, receipt);
    good = good && verify(document, anchors, expected, receipt, error) &&
           (is_about(root, id, uuid) ||
            mg_fail(error, "send.receipt-foreign", "The receipt is about another message."));
    xmlFreeDoc(document);
    return good;
}

bool mg_send_refusal_read(const char *bytes, size_t length, struct mg_error *refusal)
{
    struct mg_xml_limits limits;
    mg_xml_limits_default(&limits);
    xmlDoc *document = length > 0 ? mg_xml_parse(bytes, length, &limits, NULL) : NULL;
    const xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
    bool good = root && mg_xml_is(root, SPACE_REFUSAL, "refusal");
    if (good) {
        xmlChar *code = xmlGetNoNsProp(root, (const xmlChar *)"code");
        snprintf(refusal->code, sizeof refusal->code, "%s", code ? (const char *)code : "");
        xmlFree(code);
        child_text(root, SPACE_REFUSAL, "place", refusal->place, sizeof refusal->place);
        child_text(root, SPACE_REFUSAL, "text", refusal->text, sizeof refusal->text);
    }
    xmlFreeDoc(document);
    return good;
}
