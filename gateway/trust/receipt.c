#include "gateway/trust/receipt.h"

#include "gateway/base/clock.h"
#include "gateway/trust/signature_make.h"
#include "gateway/trust/signature_text.h"

/*
 * The report is written in its canonical form (declarations sorted by prefix, then attributes by
 * name, no empty-element tags, C14N's escapes), so that the text itself is what is digested.
 */
#define OSCIMETA   "http://www.osci.eu/ws/2014/10/transport"
#define ADDRESSING "http://www.w3.org/2005/08/addressing"
#define XTA        "http://xoev.de/transport/xta/211"
#define EVENTS     "urn:muengsten:codelist:event"
#define PROPERTIES "urn:muengsten:codelist:property"
#define END_TAG    "</xta:TransportReport>"

/* What stands where the standard demands a value, and the profile says none. */
#define UNSPECIFIED "urn:muengsten:unspecified"

static bool is_said(const char *text)
{
    return text && *text;
}

static const char *or_unspecified(const char *text)
{
    return is_said(text) ? text : UNSPECIFIED;
}

static bool add_value(struct mg_buffer *text, const char *start, const char *value, const char *end)
{
    return mg_buffer_add_text(text, start) && mg_signature_add_text(text, value) &&
           mg_buffer_add_text(text, end);
}

static bool add_attribute(struct mg_buffer *text, const char *start, const char *value)
{
    return mg_buffer_add_text(text, start) && mg_signature_add_attribute(text, value) &&
           mg_buffer_add_text(text, "\"");
}

static bool add_time(struct mg_buffer *text, const char *start, int64_t time, const char *end)
{
    char written[MG_CLOCK_TEXT_SIZE];
    return mg_buffer_add_text(text, start) &&
           mg_buffer_add_text(text, mg_clock_text(time, written)) && mg_buffer_add_text(text, end);
}

static bool add_times(struct mg_buffer *text, const struct mg_receipt_facts *facts)
{
    return mg_buffer_add_text(text, "<oscimeta:DeliveryAttributes>") &&
           (!is_said(facts->header->created) ||
            add_value(text, "<oscimeta:Origin>", facts->header->created, "</oscimeta:Origin>")) &&
           add_time(text, "<oscimeta:InitialSend>", facts->received, "</oscimeta:InitialSend>") &&
           (facts->delivered == 0 ||
            add_time(text, "<oscimeta:Delivery>", facts->delivered, "</oscimeta:Delivery>")) &&
           mg_buffer_add_text(text, "</oscimeta:DeliveryAttributes>");
}

static bool add_authority(struct mg_buffer *text, const struct mg_authority *authority,
                          const char *start, const char *end)
{
    return mg_buffer_add_text(text, start) && mg_buffer_add_text(text, "<oscimeta:Identifier") &&
           (!is_said(authority->name) || add_attribute(text, " name=\"", authority->name)) &&
           add_value(text, " type=\"xoev\">", authority->id, "</oscimeta:Identifier>") &&
           mg_buffer_add_text(text, end);
}

static bool add_qualifier(struct mg_buffer *text, const struct mg_receipt_facts *facts)
{
    const struct mg_header *header = facts->header;
    return add_value(text, "<oscimeta:Qualifier><oscimeta:Service>", or_unspecified(facts->service),
                     "</oscimeta:Service>") &&
           add_value(text, "<oscimeta:BusinessScenario><oscimeta:Undefined>",
                     facts->business_scenario,
                     "</oscimeta:Undefined></oscimeta:BusinessScenario>") &&
           add_attribute(text, "<oscimeta:MessageType listURI=\"",
                         or_unspecified(header->type_list)) &&
           add_attribute(text, " listVersionID=\"", header->type_version) &&
           add_attribute(text, " payloadSchema=\"", or_unspecified(facts->payload_schema)) &&
           add_value(text, "><code>", header->type_code, "</code>") &&
           (!is_said(header->type_name) ||
            add_value(text, "<name>", header->type_name, "</name>")) &&
           mg_buffer_add_text(text, "</oscimeta:MessageType></oscimeta:Qualifier>");
}

static bool add_property_start(struct mg_buffer *text, const char *code)
{
    return add_value(text,
                     "<oscimeta:Property><oscimeta:Key listURI=\"" PROPERTIES
                     "\" listVersionID=\"1\"><code>",
                     code, "</code></oscimeta:Key><oscimeta:Value>");
}

static bool add_properties(struct mg_buffer *text, const struct mg_receipt_facts *facts)
{
    static const char end[] = "</oscimeta:Value></oscimeta:Property>";
    return mg_buffer_add_text(text, "<oscimeta:MessageProperties>") &&
           (!is_said(facts->header->uuid) || (add_property_start(text, "message-uuid") &&
                                              add_value(text, "", facts->header->uuid, end))) &&
           add_property_start(text, "content-sha256") &&
           mg_signature_add_base64(text, facts->digest, 32) && mg_buffer_add_text(text, end) &&
           mg_buffer_add_text(text, "</oscimeta:MessageProperties>");
}

static bool add_metadata(struct mg_buffer *text, const struct mg_receipt_facts *facts)
{
    char id[MG_ID_TEXT_SIZE];
    return mg_buffer_add_text(text, "<oscimeta:MessageMetaData>") && add_times(text, facts) &&
           add_authority(text, &facts->header->author, "<oscimeta:Originators><oscimeta:Author>",
                         "</oscimeta:Author></oscimeta:Originators>") &&
           add_authority(text, &facts->header->reader, "<oscimeta:Destinations><oscimeta:Reader>",
                         "</oscimeta:Reader></oscimeta:Destinations>") &&
           add_value(text, "<oscimeta:MsgIdentification><wsa:MessageID>urn:uuid:",
                     mg_id_text(&facts->id, id), "</wsa:MessageID></oscimeta:MsgIdentification>") &&
           add_qualifier(text, facts) && add_properties(text, facts) &&
           (facts->size == 0 ||
            mg_buffer_print(text, "<oscimeta:MsgSize>%zu</oscimeta:MsgSize>", facts->size)) &&
           mg_buffer_add_text(text, "</oscimeta:MessageMetaData>");
}

static bool add_record(struct mg_buffer *text, const struct mg_receipt_record *record,
                       const char *element)
{
    return mg_buffer_print(text, "<xta:%s>", element) &&
           add_time(text, "<xta:Timestamp>", record->time, "</xta:Timestamp>") &&
           add_value(text, "<xta:Code listURI=\"" EVENTS "\" listVersionID=\"1\"><code>",
                     record->code, "</code></xta:Code>") &&
           add_value(text, "<xta:Reason>", record->reason, "</xta:Reason>") &&
           mg_buffer_print(text, "</xta:%s>", element);
}

/* The records of one level, in their order; no list if there are none. */
static bool add_list(struct mg_buffer *text, const struct mg_receipt_facts *facts,
                     enum mg_receipt_level level, const char *list, const char *element)
{
    size_t count = 0;
    for (size_t i = 0; i < facts->record_count; i++) {
        if (facts->records[i].level != level)
            continue;
        if (count++ == 0 && !mg_buffer_print(text, "<xta:%s>", list))
            return false;
        if (!add_record(text, &facts->records[i], element))
            return false;
    }
    return count == 0 || mg_buffer_print(text, "</xta:%s>", list);
}

static bool add_report(struct mg_buffer *text, const struct mg_receipt_facts *facts)
{
    return mg_buffer_add_text(text, "<xta:TransportReport xmlns:oscimeta=\"" OSCIMETA
                                    "\" xmlns:wsa=\"" ADDRESSING "\" xmlns:xta=\"" XTA "\">") &&
           add_metadata(text, facts) &&
           add_time(text, "<xta:ReportTime>", facts->now, "</xta:ReportTime>") &&
           add_value(text, "<xta:XTAServerIdentity>", facts->gateway, "</xta:XTAServerIdentity>") &&
           mg_buffer_print(text, "<xta:MessageStatus><xta:Status>%d</xta:Status>",
                           (int)facts->status) &&
           add_list(text, facts, MG_RECEIPT_ERROR, "ErrorList", "Error") &&
           add_list(text, facts, MG_RECEIPT_WARNING, "WarnList", "Warning") &&
           add_list(text, facts, MG_RECEIPT_INFO, "InfoList", "Info") &&
           mg_buffer_add_text(text, "</xta:MessageStatus>" END_TAG);
}

bool mg_receipt_make(const struct mg_signer *signer, const struct mg_receipt_facts *facts,
                     struct mg_buffer *text, struct mg_error *error)
{
    size_t begin = text->length;
    uint8_t digest[32];
    if (!add_report(text, facts))
        return mg_fail(error, "signature.internal", "The receipt is longer than it may be.");
    if (!mg_signature_digest(text->data + begin, text->length - begin, digest, error))
        return false;
    /* The signature goes in front of the end tag, which was digested with the rest. */
    text->length -= sizeof END_TAG - 1;
    struct mg_signature_plan plan = {.document_uri = "", .document_digest = digest};
    return mg_signature_make_canonical(signer, &plan, text, error) &&
           (mg_buffer_add_text(text, END_TAG) ||
            mg_fail(error, "signature.internal", "The receipt is longer than it may be."));
}
