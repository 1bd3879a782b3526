#include "tools/control/verify.h"

#include "gateway/base/clock.h"
#include "gateway/message/xml.h"
#include "gateway/trust/seal.h"
#include "gateway/trust/signature.h"
#include "gateway/trust/signature_text.h"
#include "tools/control/verify_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SPACE_SEAL "urn:muengsten:seal:1"
#define SPACE_XTA  "http://xoev.de/transport/xta/211"
#define SPACE_META "http://www.osci.eu/ws/2014/10/transport"
#define SPACE_WSA  "http://www.w3.org/2005/08/addressing"
#define URN_UUID   "urn:uuid:"

/* How far the clocks of two machines may be apart. */
#define CLOCKS ((int64_t)5 * 60 * 1000)

struct mg_verify_check *mg_verify_add(struct mg_verdict *verdict, const char *name,
                                      enum mg_verify_result result, const char *code)
{
    struct mg_verify_check *check = &verdict->checks[verdict->check_count++];
    if (verdict->check_count > MG_VERIFY_CHECKS)
        mg_die("more checks than there is room for");
    *check = (struct mg_verify_check){.name = name, .result = result, .code = code};
    if (result > verdict->result)
        verdict->result = result;
    return check;
}

bool mg_verify_is_signature_part(const xmlNode *node, const char *name)
{
    return mg_xml_is(node, MG_NAMESPACE_DSIG, name);
}

/* ---- facts ---- */

static void child_text(const xmlNode *parent, const char *space, const char *name, char *text,
                       size_t size)
{
    const xmlNode *child = parent ? mg_xml_child(parent, space, name) : NULL;
    text[0] = '\0';
    if (child)
        mg_xml_text(child, text, size);
}

/* The first element of that name below. */
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

/* Gateways write all times in UTC (xs:dateTime that ends with Z). 0: it is none such. */
static int64_t read_time(const char *text)
{
    struct tm moment = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &moment);
    if (!rest || text[strlen(text) - 1] != 'Z')
        return 0;
    int64_t milliseconds = *rest == '.' ? (int64_t)(strtod(rest, NULL) * 1000 + 0.5) : 0;
    return (int64_t)timegm(&moment) * 1000 + milliseconds;
}

/* The id behind "urn:uuid:"; empty if it is none. */
static void take_id(const char *text, char id[MG_ID_TEXT_SIZE])
{
    struct mg_id number;
    bool good = strncmp(text, URN_UUID, strlen(URN_UUID)) == 0 &&
                mg_id_parse(text + strlen(URN_UUID), &number);
    if (good)
        mg_id_text(&number, id);
    else
        id[0] = '\0';
}

static const xmlNode *seal_properties(const xmlNode *signature)
{
    for (const xmlNode *object = signature->children; object; object = object->next)
        if (mg_verify_is_signature_part(object, "Object") &&
            mg_xml_child(object, SPACE_SEAL, "Properties"))
            return mg_xml_child(object, SPACE_SEAL, "Properties");
    return NULL;
}

static void read_seal(const xmlNode *properties, struct mg_verdict *verdict)
{
    char text[128];
    verdict->kind = MG_VERIFY_SEAL;
    child_text(properties, SPACE_SEAL, "Message", text, sizeof text);
    take_id(text, verdict->message);
    child_text(properties, SPACE_SEAL, "Gateway", verdict->gateway, sizeof verdict->gateway);
    child_text(properties, SPACE_SEAL, "Partner", verdict->partner, sizeof verdict->partner);
    child_text(properties, SPACE_SEAL, "Way", verdict->way, sizeof verdict->way);
    child_text(properties, SPACE_SEAL, "Profile", verdict->profile, sizeof verdict->profile);
    child_text(properties, SPACE_SEAL, "Received", verdict->time, sizeof verdict->time);
    child_text(properties, SPACE_SEAL, "Signature", verdict->sender_signature,
               sizeof verdict->sender_signature);
    child_text(properties, SPACE_SEAL, "Signer", verdict->sender, sizeof verdict->sender);
    child_text(properties, SPACE_SEAL, "NextCertificate", verdict->next_certificate,
               sizeof verdict->next_certificate);
    child_text(properties, SPACE_SEAL, "NextFrom", verdict->next_from, sizeof verdict->next_from);
    verdict->moment = read_time(verdict->time);
}

/* ---- receipts ---- */

/* The code inside an element of a code list: XÖV has it without a namespace. */
static void code_text(const xmlNode *parent, const char *space, const char *name, char *text,
                      size_t size)
{
    const xmlNode *list = mg_xml_child(parent, space, name);
    const xmlNode *code = list ? list->children : NULL;
    text[0] = '\0';
    while (code && (code->type != XML_ELEMENT_NODE || code->ns ||
                    strcmp((const char *)code->name, "code") != 0))
        code = code->next;
    if (code)
        mg_xml_text(code, text, size);
}

static void read_records(const xmlNode *status, const char *list, const char *name,
                         const char *level, struct mg_verdict *verdict)
{
    const xmlNode *records = mg_xml_child(status, SPACE_XTA, list);
    for (const xmlNode *node = records ? records->children : NULL; node; node = node->next) {
        if (!mg_xml_is(node, SPACE_XTA, name) || verdict->record_count == MG_VERIFY_RECORDS)
            continue;
        struct mg_verify_record *record = &verdict->records[verdict->record_count++];
        snprintf(record->level, sizeof record->level, "%s", level);
        child_text(node, SPACE_XTA, "Timestamp", record->time, sizeof record->time);
        code_text(node, SPACE_XTA, "Code", record->code, sizeof record->code);
        child_text(node, SPACE_XTA, "Reason", record->reason, sizeof record->reason);
    }
}

static void read_property(const xmlNode *root, const char *wanted, char *value, size_t size)
{
    char name[64];
    const xmlNode *properties = descendant(root, SPACE_META, "MessageProperties");
    value[0] = '\0';
    for (const xmlNode *node = properties ? properties->children : NULL; node; node = node->next) {
        if (!mg_xml_is(node, SPACE_META, "Property"))
            continue;
        code_text(node, SPACE_META, "Key", name, sizeof name);
        if (strcmp(name, wanted) == 0)
            child_text(node, SPACE_META, "Value", value, size);
    }
}

static int by_time(const void *one, const void *other)
{
    return strcmp(((const struct mg_verify_record *)one)->time,
                  ((const struct mg_verify_record *)other)->time);
}

static void read_receipt(const xmlNode *root, struct mg_verdict *verdict)
{
    char text[256];
    uint8_t digest[32];
    size_t length;
    const xmlNode *status = mg_xml_child(root, SPACE_XTA, "MessageStatus");
    const xmlNode *id = descendant(root, SPACE_WSA, "MessageID");
    verdict->kind = MG_VERIFY_RECEIPT;
    if (id && mg_xml_text(id, text, sizeof text))
        take_id(text, verdict->message);
    read_property(root, "message-uuid", verdict->uuid, sizeof verdict->uuid);
    read_property(root, "content-sha256", text, sizeof text);
    if (mg_signature_read_base64(text, digest, sizeof digest, &length) && length == sizeof digest)
        mg_verify_hexadecimal(digest, verdict->digest);
    child_text(root, SPACE_XTA, "XTAServerIdentity", verdict->gateway, sizeof verdict->gateway);
    child_text(root, SPACE_XTA, "ReportTime", verdict->time, sizeof verdict->time);
    verdict->moment = read_time(verdict->time);
    if (!status)
        return;
    child_text(status, SPACE_XTA, "Status", text, sizeof text);
    if (text[0] >= '0' && text[0] <= '3' && !text[1])
        verdict->status = text[0] - '0';
    read_records(status, "ErrorList", "Error", "error", verdict);
    read_records(status, "WarnList", "Warning", "warning", verdict);
    read_records(status, "InfoList", "Info", "info", verdict);
    qsort(verdict->records, verdict->record_count, sizeof *verdict->records, by_time);
}

/* Is the receipt about the document that was named? */
static bool check_content(const char *path, struct mg_verdict *verdict, struct mg_error *error)
{
    char digest[65];
    xmlDoc *document = mg_verify_parse_file(path, error);
    bool read = document && mg_verify_digest(document, digest, error);
    xmlFreeDoc(document);
    if (!read)
        return false;
    bool same = strcmp(digest, verdict->digest) == 0;
    struct mg_verify_check *check =
        mg_verify_add(verdict, "content", same ? MG_VERIFY_PASSED : MG_VERIFY_FAILED, "same");
    if (!same)
        mg_fail(&check->error, "verify.other-content",
                "The receipt is about another document: the digests differ.");
    return true;
}

/* ---- the whole ---- */

/* What the reference of a detached signature that is no seal says: any name, since only the
 * document that was given can be meant. */
static void reference_uri(const xmlNode *signature, char *uri, size_t size)
{
    const xmlNode *info = mg_xml_child(signature, MG_NAMESPACE_DSIG, "SignedInfo");
    uri[0] = '\0';
    for (const xmlNode *node = info ? info->children : NULL; node; node = node->next) {
        xmlChar *value = mg_verify_is_signature_part(node, "Reference")
                             ? xmlGetNoNsProp(node, (const xmlChar *)"URI")
                             : NULL;
        if (value && value[0] != '#')
            snprintf(uri, size, "%s", (const char *)value);
        xmlFree(value);
    }
}

static void read_facts(const struct mg_verify_papers *papers, struct mg_verdict *verdict, char *uri,
                       size_t size)
{
    const xmlNode *properties = seal_properties(papers->signature);
    const xmlNode *root = xmlDocGetRootElement(papers->document);
    struct mg_id id;
    char own[MG_SEAL_URI_SIZE];
    verdict->kind = MG_VERIFY_SIGNATURE;
    reference_uri(papers->signature, uri, size);
    if (properties) {
        read_seal(properties, verdict);
        if (mg_id_parse(verdict->message, &id))
            snprintf(uri, size, "%s", mg_seal_uri(&id, own));
    } else if (!papers->apart && mg_xml_is(root, SPACE_XTA, "TransportReport")) {
        read_receipt(root, verdict);
    }
}

static bool judge(const struct mg_verify_request *request, const struct mg_verify_papers *papers,
                  struct mg_verdict *verdict, struct mg_error *error)
{
    char uri[256];
    read_facts(papers, verdict, uri, sizeof uri);
    if (!*verdict->digest && !mg_verify_digest(papers->document, verdict->digest, error))
        return false;
    X509 *signer = mg_verify_signature(papers, uri, verdict);
    bool good = !signer || mg_verify_signer(request, signer, verdict, error);
    X509_free(signer);
    if (good && verdict->moment > mg_clock_now() + CLOCKS)
        mg_fail(&mg_verify_add(verdict, "time", MG_VERIFY_FAILED, "past")->error, "verify.future",
                "It says that it was signed in the future.");
    if (good && request->content && verdict->kind == MG_VERIFY_RECEIPT)
        good = check_content(request->content, verdict, error);
    return good;
}

bool mg_verify(const struct mg_verify_request *request, struct mg_verdict *verdict,
               struct mg_error *error)
{
    struct mg_verify_papers papers = {0};
    *verdict = (struct mg_verdict){.status = -1};
    bool good = mg_verify_read(request, &papers, verdict, error);
    if (good && papers.signature)
        good = judge(request, &papers, verdict, error);
    else if (good)
        verdict->result = MG_VERIFY_UNCLEAR;
    mg_verify_papers_free(&papers);
    return good;
}
