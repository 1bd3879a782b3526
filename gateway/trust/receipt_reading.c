#include "gateway/trust/receipt_reading.h"

#include "gateway/message/xml.h"
#include "gateway/trust/receipt.h"
#include "gateway/trust/signature_text.h"

#include <stdlib.h>
#include <string.h>

#define OSCIMETA   "http://www.osci.eu/ws/2014/10/transport"
#define ADDRESSING "http://www.w3.org/2005/08/addressing"
#define XTA        "http://xoev.de/transport/xta/211"

/* ---- elements ---- */

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

/* The code of a child that is of a code list: XÖV has it in an element without a namespace. */
static void child_code(const xmlNode *parent, const char *space, const char *name, char *text,
                       size_t size)
{
    const xmlNode *child = mg_xml_child(parent, space, name);
    text[0] = '\0';
    if (child)
        mg_xml_child_text(child, NULL, "code", text, size);
}

/* ---- what the message is ---- */

/* The value of a message property (MessageProperties/Property), found by its key. */
static void read_property(const xmlNode *root, const char *wanted, char *value, size_t size)
{
    char key[64];
    const xmlNode *properties = descendant(root, OSCIMETA, "MessageProperties");
    value[0] = '\0';
    for (const xmlNode *node = properties ? properties->children : NULL; node; node = node->next) {
        if (!mg_xml_is(node, OSCIMETA, "Property"))
            continue;
        child_code(node, OSCIMETA, "Key", key, sizeof key);
        if (strcmp(key, wanted) == 0)
            mg_xml_child_text(node, OSCIMETA, "Value", value, size);
    }
}

static void read_message(const xmlNode *root, struct mg_receipt_reading *reading)
{
    char text[128];
    struct mg_id id;
    size_t length;
    const xmlNode *identification = descendant(root, OSCIMETA, "MsgIdentification");
    mg_xml_child_text(identification, ADDRESSING, "MessageID", text, sizeof text);
    if (mg_id_parse_urn(text, &id))
        mg_id_text(&id, reading->id);
    read_property(root, "message-uuid", reading->uuid, sizeof reading->uuid);
    read_property(root, "content-sha256", text, sizeof text);
    reading->has_digest =
        mg_signature_read_base64(text, reading->digest, sizeof reading->digest, &length) &&
        length == sizeof reading->digest;
}

/* ---- what became of it ---- */

static void read_entries(const xmlNode *status, const char *list, const char *name,
                         const char *level, struct mg_receipt_reading *reading)
{
    const xmlNode *records = mg_xml_child(status, XTA, list);
    for (const xmlNode *node = records ? records->children : NULL; node; node = node->next) {
        if (!mg_xml_is(node, XTA, name) || reading->entry_count == MG_RECEIPT_ENTRIES)
            continue;
        struct mg_receipt_entry *entry = &reading->entries[reading->entry_count++];
        entry->level = level;
        mg_xml_child_text(node, XTA, "Timestamp", entry->time, sizeof entry->time);
        child_code(node, XTA, "Code", entry->code, sizeof entry->code);
        mg_xml_child_text(node, XTA, "Reason", entry->reason, sizeof entry->reason);
    }
}

/* The gateway writes all times in UTC, so their order is that of their texts. */
static int by_time(const void *one, const void *other)
{
    return strcmp(((const struct mg_receipt_entry *)one)->time,
                  ((const struct mg_receipt_entry *)other)->time);
}

static void read_status(const xmlNode *status, struct mg_receipt_reading *reading)
{
    char number[8];
    mg_xml_child_text(status, XTA, "Status", number, sizeof number);
    if (number[0] >= '0' + MG_RECEIPT_OPEN && number[0] <= '0' + MG_RECEIPT_RED && !number[1])
        reading->status = number[0] - '0';
    read_entries(status, "ErrorList", "Error", "error", reading);
    read_entries(status, "WarnList", "Warning", "warning", reading);
    read_entries(status, "InfoList", "Info", "info", reading);
    qsort(reading->entries, reading->entry_count, sizeof *reading->entries, by_time);
}

bool mg_receipt_read(const xmlNode *root, struct mg_receipt_reading *reading)
{
    *reading = (struct mg_receipt_reading){.status = -1};
    if (!mg_xml_is(root, XTA, "TransportReport"))
        return false;
    const xmlNode *status = mg_xml_child(root, XTA, "MessageStatus");
    read_message(root, reading);
    mg_xml_child_text(root, XTA, "XTAServerIdentity", reading->gateway, sizeof reading->gateway);
    mg_xml_child_text(root, XTA, "ReportTime", reading->time, sizeof reading->time);
    if (status)
        read_status(status, reading);
    return true;
}

const char *mg_receipt_state(int status)
{
    switch (status) {
    case MG_RECEIPT_OPEN:
        return "underway";
    case MG_RECEIPT_GREEN:
        return "done";
    case MG_RECEIPT_YELLOW:
        return "warnings";
    case MG_RECEIPT_RED:
        return "failed";
    default:
        return NULL;
    }
}
