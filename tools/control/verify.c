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
    struct mg_id id;
    verdict->kind = MG_VERIFY_SEAL;
    mg_xml_child_text(properties, SPACE_SEAL, "Message", text, sizeof text);
    if (mg_id_parse_urn(text, &id))
        mg_id_text(&id, verdict->message);
    mg_xml_child_text(properties, SPACE_SEAL, "Gateway", verdict->gateway, sizeof verdict->gateway);
    mg_xml_child_text(properties, SPACE_SEAL, "Partner", verdict->partner, sizeof verdict->partner);
    mg_xml_child_text(properties, SPACE_SEAL, "Way", verdict->way, sizeof verdict->way);
    mg_xml_child_text(properties, SPACE_SEAL, "Profile", verdict->profile, sizeof verdict->profile);
    mg_xml_child_text(properties, SPACE_SEAL, "Received", verdict->time, sizeof verdict->time);
    mg_xml_child_text(properties, SPACE_SEAL, "Signature", verdict->sender_signature,
                      sizeof verdict->sender_signature);
    mg_xml_child_text(properties, SPACE_SEAL, "Signer", verdict->sender, sizeof verdict->sender);
    mg_xml_child_text(properties, SPACE_SEAL, "NextCertificate", verdict->next_certificate,
                      sizeof verdict->next_certificate);
    mg_xml_child_text(properties, SPACE_SEAL, "NextFrom", verdict->next_from,
                      sizeof verdict->next_from);
    verdict->moment = read_time(verdict->time);
}

/* ---- receipts ---- */

static void take_receipt(struct mg_verdict *verdict)
{
    const struct mg_receipt_reading *receipt = &verdict->receipt;
    verdict->kind = MG_VERIFY_RECEIPT;
    snprintf(verdict->message, sizeof verdict->message, "%s", receipt->id);
    snprintf(verdict->gateway, sizeof verdict->gateway, "%s", receipt->gateway);
    snprintf(verdict->time, sizeof verdict->time, "%s", receipt->time);
    verdict->moment = read_time(verdict->time);
    if (receipt->has_digest)
        mg_verify_hexadecimal(receipt->digest, verdict->digest);
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
    } else if (!papers->apart && mg_receipt_read(root, &verdict->receipt)) {
        take_receipt(verdict);
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
    *verdict = (struct mg_verdict){.receipt.status = -1};
    bool good = mg_verify_read(request, &papers, verdict, error);
    if (good && papers.signature)
        good = judge(request, &papers, verdict, error);
    else if (good)
        verdict->result = MG_VERIFY_UNCLEAR;
    mg_verify_papers_free(&papers);
    return good;
}
