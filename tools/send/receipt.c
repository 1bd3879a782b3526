#include "tools/send/receipt.h"

#include "gateway/message/xml.h"
#include "gateway/trust/signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REFUSAL "urn:muengsten:refusal:1"

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

/* A signature proves nothing if it is under the receipt of another message. */
static bool is_about(const struct mg_receipt_reading *reading, const char *id, const char *uuid)
{
    return strcasecmp(reading->id, id) == 0 && (!*uuid || strcasecmp(reading->uuid, uuid) == 0);
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
    bool good = mg_receipt_read(xmlDocGetRootElement(document), &receipt->reading) ||
                mg_fail(error, "send.receipt-malformed", "The receipt is no TransportReport.");
    good = good && verify(document, anchors, expected, receipt, error) &&
           (is_about(&receipt->reading, id, uuid) ||
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
    bool good = root && mg_xml_is(root, REFUSAL, "refusal");
    if (good) {
        xmlChar *code = xmlGetNoNsProp(root, (const xmlChar *)"code");
        snprintf(refusal->code, sizeof refusal->code, "%s", code ? (const char *)code : "");
        xmlFree(code);
        mg_xml_child_text(root, REFUSAL, "place", refusal->place, sizeof refusal->place);
        mg_xml_child_text(root, REFUSAL, "text", refusal->text, sizeof refusal->text);
    }
    xmlFreeDoc(document);
    return good;
}
