#include "gateway/trust/receipt.h"
#include "gateway/trust/receipt_reading.h"
#include "gateway/trust/schema.h"

#include "gateway/base/clock.h"
#include "gateway/message/xml.h"
#include "gateway/trust/signature_make.h"
#include "tests/unit/signature_pki.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pki_party gateway;
static struct mg_signer *signer;

static const struct mg_header usual_header = {
    .uuid = "60f6667b-fa45-4bd7-b717-f4d6c65e5edb",
    .type_list = "urn:xoev-de:example:codeliste:nachrichten",
    .type_version = "1.2",
    .type_code = "0401",
    .type_name = "kommunal.Initiieren.0401",
    .created = "2025-02-20T16:41:19.880Z",
    .author = {.directory = "DVDV", .id = "ags:05124000", .name = "Stadt Wuppertal"},
    .reader = {.directory = "DVDV", .id = "ags:05120000", .name = "Stadt Remscheid"},
};

static const struct mg_header hostile_header = {
    .uuid = "<&>\"'\r\n\t\x01",
    .type_list = "urn:a&b",
    .type_version = "1<2\"\t\r\n",
    .type_code = "]]>&#13;",
    .type_name = "\xff\xfe\xed\xa0\x80",
    .created = "2025-02-20T16:41:19+01:00",
    .author = {.id = "ags:<script>", .name = "\"><xta:Status>1</xta:Status>"},
    .reader = {.id = "ags:\r", .name = "M\xc3\xbcngsten\r\n\t\"&<>'"},
};

static const uint8_t digest[32] = {1, 2, 3};

static struct mg_receipt_facts facts_of(const struct mg_header *header)
{
    return (struct mg_receipt_facts){
        .id = mg_id_new(),
        .header = header,
        .gateway = "gateway.example",
        .service = "urn:example:service",
        .business_scenario = "planning",
        .payload_schema = "urn:example:schema",
        .received = mg_clock_now(),
        .now = mg_clock_now(),
        .digest = digest,
        .size = 6716,
        .status = MG_RECEIPT_OPEN,
    };
}

static struct mg_buffer make(const struct mg_receipt_facts *facts)
{
    struct mg_buffer text = {0};
    struct mg_error error;
    if (!mg_receipt_make(signer, facts, &text, &error))
        mg_die("%s: %s", error.code, error.text);
    return text;
}

static xmlDoc *parse(const struct mg_buffer *text)
{
    struct mg_xml_limits limits;
    struct mg_error error;
    mg_xml_limits_default(&limits);
    xmlDoc *document = mg_xml_parse(text->data, text->length, &limits, &error);
    if (!document)
        mg_die("%s: %s: %s", error.code, error.place, error.text);
    return document;
}

static const struct mg_receipt_record records[] = {
    {MG_RECEIPT_INFO, 1, "accepted", "The message was accepted."},
    {MG_RECEIPT_ERROR, 2, "destination.unreachable", "<remscheid> & co: no connection.\r"},
    {MG_RECEIPT_WARNING, 3, "repeated", "The delivery to solingen was repeated."},
    {MG_RECEIPT_INFO, 4, "delivered", "The message was delivered to solingen."},
};

/* Receipts of every kind: plain, with all records and times, hostile, and with nothing that may be
 * left out. */
static size_t make_all(struct mg_buffer receipts[4])
{
    static const struct mg_header bare = {.author = {.id = "a:1"}, .reader = {.id = "a:2"}};
    struct mg_receipt_facts facts = facts_of(&usual_header);
    receipts[0] = make(&facts);
    facts.delivered = mg_clock_now();
    facts.status = MG_RECEIPT_RED;
    facts.records = records;
    facts.record_count = sizeof records / sizeof *records;
    receipts[1] = make(&facts);
    facts = facts_of(&hostile_header);
    receipts[2] = make(&facts);
    facts = facts_of(&bare);
    facts.service = facts.business_scenario = facts.payload_schema = NULL;
    facts.size = 0;
    receipts[3] = make(&facts);
    return 4;
}

static void a_receipt_verifies_as_the_gateways(void)
{
    struct mg_buffer receipts[4];
    struct mg_signature_policy policy = pki_policy(&gateway);
    for (size_t i = 0, count = make_all(receipts); i < count; i++) {
        struct mg_signature_result result;
        xmlNode *signature;
        xmlDoc *document = parse(&receipts[i]);
        CU_ASSERT(mg_signature_find(document, &signature, NULL));
        CU_ASSERT(mg_signature_verify_enveloped(document, signature, &policy, &result, NULL));
        CU_ASSERT_PTR_EQUAL(signature, xmlGetLastChild(xmlDocGetRootElement(document)));
        free(result.canonical);
        xmlFreeDoc(document);
        mg_buffer_free(&receipts[i]);
    }
}

/* So that the text can be digested as it is written. */
static void a_receipt_without_its_signature_is_its_own_canonical_form(void)
{
    struct mg_buffer receipts[4];
    for (size_t i = 0, count = make_all(receipts); i < count; i++) {
        char *begin = strstr(receipts[i].data, "<ds:Signature");
        char *end = strstr(receipts[i].data, "</ds:Signature>") + strlen("</ds:Signature>");
        xmlDoc *document = parse(&receipts[i]);
        xmlNode *signature;
        xmlChar *canonical;
        size_t length;
        memmove(begin, end, strlen(end) + 1);
        CU_ASSERT(mg_signature_find(document, &signature, NULL));
        xmlUnlinkNode(signature);
        xmlFreeNode(signature);
        CU_ASSERT(mg_xml_canonical(document, &canonical, &length, NULL));
        CU_ASSERT_STRING_EQUAL(canonical, receipts[i].data);
        xmlFree(canonical);
        xmlFreeDoc(document);
        mg_buffer_free(&receipts[i]);
    }
}

static void hostile_header_facts_stay_text_in_the_receipt(void)
{
    struct mg_receipt_facts facts = facts_of(&hostile_header);
    struct mg_buffer receipt = make(&facts);
    CU_ASSERT_PTR_NOT_NULL(strstr(
        receipt.data, "<oscimeta:Identifier name=\"&quot;>&lt;xta:Status>1&lt;/xta:Status>\" "
                      "type=\"xoev\">ags:&lt;script&gt;</oscimeta:Identifier>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(receipt.data, "<code>]]&gt;&amp;#13;</code>"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(receipt.data, "name=\"M\xc3\xbcngsten&#xD;&#xA;&#x9;&quot;&amp;&lt;>'\""));
    mg_buffer_free(&receipt);
}

static void records_stand_in_the_list_of_their_level(void)
{
    struct mg_receipt_facts facts = facts_of(&usual_header);
    facts.records = records;
    facts.record_count = sizeof records / sizeof *records;
    facts.status = MG_RECEIPT_RED;
    struct mg_buffer receipt = make(&facts);
    const char *at = strstr(receipt.data, "<xta:Status>3</xta:Status><xta:ErrorList><xta:Error>");
    static const char *const order[] = {"destination.unreachable", "<xta:WarnList>", "repeated",
                                        "<xta:InfoList>",          "accepted",       "delivered",
                                        "</xta:InfoList>"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(at);
        at = strstr(at, order[i]);
    }
    CU_ASSERT_PTR_NOT_NULL(at);
    mg_buffer_free(&receipt);
}

static void read_back(const struct mg_receipt_facts *facts, struct mg_receipt_reading *reading)
{
    struct mg_buffer receipt = make(facts);
    xmlDoc *document = parse(&receipt);
    CU_ASSERT(mg_receipt_read(xmlDocGetRootElement(document), reading));
    xmlFreeDoc(document);
    mg_buffer_free(&receipt);
}

static void what_a_receipt_says_can_be_read_back(void)
{
    static const char *const order[] = {"accepted", "destination.unreachable", "repeated",
                                        "delivered"};
    static const char *const levels[] = {"info", "error", "warning", "info"};
    static struct mg_receipt_reading reading;
    struct mg_receipt_facts facts = facts_of(&usual_header);
    char id[MG_ID_TEXT_SIZE], time[MG_CLOCK_TEXT_SIZE];
    facts.records = records;
    facts.record_count = sizeof records / sizeof *records;
    facts.status = MG_RECEIPT_RED;
    read_back(&facts, &reading);
    CU_ASSERT_STRING_EQUAL(reading.id, mg_id_text(&facts.id, id));
    CU_ASSERT_STRING_EQUAL(reading.uuid, usual_header.uuid);
    CU_ASSERT_STRING_EQUAL(reading.gateway, "gateway.example");
    CU_ASSERT_STRING_EQUAL(reading.time, mg_clock_text(facts.now, time));
    CU_ASSERT(reading.has_digest && memcmp(reading.digest, digest, sizeof digest) == 0);
    CU_ASSERT_STRING_EQUAL(mg_receipt_state(reading.status), "failed");
    CU_ASSERT_EQUAL_FATAL(reading.entry_count, facts.record_count);
    for (size_t i = 0; i < reading.entry_count; i++) {
        CU_ASSERT_STRING_EQUAL(reading.entries[i].code, order[i]);
        CU_ASSERT_STRING_EQUAL(reading.entries[i].level, levels[i]);
        CU_ASSERT_STRING_EQUAL(reading.entries[i].time, mg_clock_text(records[i].time, time));
    }
    CU_ASSERT_STRING_EQUAL(reading.entries[1].reason, "<remscheid> & co: no connection.");
}

static void what_is_read_of_a_receipt_cannot_steer_a_terminal(void)
{
    static struct mg_receipt_record hostile[MG_RECEIPT_ENTRIES + 1];
    static struct mg_receipt_reading reading;
    struct mg_receipt_facts facts = facts_of(&hostile_header);
    for (size_t i = 0; i <= MG_RECEIPT_ENTRIES; i++)
        hostile[i] = (struct mg_receipt_record){MG_RECEIPT_INFO, (int64_t)i, "a\tb", "c\x7f\nd"};
    facts.records = hostile;
    facts.record_count = MG_RECEIPT_ENTRIES + 1;
    read_back(&facts, &reading);
    CU_ASSERT_EQUAL_FATAL(reading.entry_count, MG_RECEIPT_ENTRIES);
    CU_ASSERT_STRING_EQUAL(reading.entries[0].code, "a b");
    CU_ASSERT_STRING_EQUAL(reading.entries[0].reason, "c  d");
    CU_ASSERT_STRING_EQUAL(mg_receipt_state(reading.status), "underway");
}

static void a_document_that_is_no_receipt_is_not_read(void)
{
    static const char *const texts[] = {
        "<TransportReport/>", "<TransportReport xmlns=\"urn:other\"/>",
        "<Report xmlns=\"http://xoev.de/transport/xta/211\"/>",
        "<TransportReport xmlns=\"http://xoev.de/transport/xta/211\"/>"};
    static struct mg_receipt_reading reading;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct mg_buffer text = {0};
        CU_ASSERT(mg_buffer_add_text(&text, texts[i]));
        xmlDoc *document = parse(&text);
        /* Only the last one is one, which says nothing. */
        CU_ASSERT_EQUAL(mg_receipt_read(xmlDocGetRootElement(document), &reading), i == 3);
        CU_ASSERT_PTR_NULL(mg_receipt_state(reading.status));
        CU_ASSERT_STRING_EQUAL(reading.id, "");
        CU_ASSERT_FALSE(reading.has_digest);
        xmlFreeDoc(document);
        mg_buffer_free(&text);
    }
}

static void a_receipt_ends_at_the_limit_of_its_buffer(void)
{
    struct mg_receipt_facts facts = facts_of(&usual_header);
    struct mg_error error;
    for (size_t limit = 1; limit < 3200; limit += 131) {
        struct mg_buffer text = {.limit = limit};
        CU_ASSERT_FALSE(mg_receipt_make(signer, &facts, &text, &error));
        CU_ASSERT_STRING_EQUAL(error.code, "signature.internal");
        mg_buffer_free(&text);
    }
}

static void a_receipt_is_appended_to_what_is_there(void)
{
    struct mg_receipt_facts facts = facts_of(&usual_header);
    struct mg_buffer alone = make(&facts), text = {0};
    CU_ASSERT(mg_buffer_add_text(&text, "before"));
    CU_ASSERT(mg_receipt_make(signer, &facts, &text, NULL));
    /* The signature value differs each time; the report in front of it does not. */
    size_t same = (size_t)(strstr(alone.data, "<ds:SignatureValue>") - alone.data);
    CU_ASSERT(memcmp(text.data + 6, alone.data, same) == 0);
    mg_buffer_free(&text);
    mg_buffer_free(&alone);
}

/* Where the published standards lie: MUENGSTEN_SHARED, or beside the project. NULL: nowhere. */
static const char *shared(const char *path)
{
    static char found[512];
    const char *folder = getenv("MUENGSTEN_SHARED"), *source = getenv("srcdir");
    if (folder)
        snprintf(found, sizeof found, "%s/%s", folder, path);
    else
        snprintf(found, sizeof found, "%s/../shared/%s", source ? source : ".", path);
    return access(found, R_OK) == 0 ? found : NULL;
}

static void a_receipt_is_valid_against_the_schema_of_xta(void)
{
    const char *path = shared("standards/xta-2.1.1/XTA-Webservice-Globale-Elemente.xsd");
    if (!path) {
        unit_skip("the schemas of XTA 2.1.1 are not there (MUENGSTEN_SHARED)");
        return;
    }
    struct mg_schema *schema = mg_schema_from_file(path, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
    struct mg_buffer receipts[4];
    for (size_t i = 0, count = make_all(receipts); i < count; i++) {
        xmlDoc *document = parse(&receipts[i]);
        CU_ASSERT(mg_schema_validate(schema, document, NULL, NULL));
        xmlFreeDoc(document);
        mg_buffer_free(&receipts[i]);
    }
    mg_schema_free(schema);
}

static void the_xmlsec1_command_verifies_a_receipt(void)
{
    if (system("command -v xmlsec1 >/dev/null") != 0) {
        unit_skip("the xmlsec1 command is not installed");
        return;
    }
    struct mg_buffer receipts[4];
    char *root = mg_copy_text(pki_path("root.pem")), command[400];
    snprintf(command, sizeof command, "xmlsec1 --verify --trusted-pem %s %s >/dev/null 2>&1", root,
             pki_path("content.xml"));
    for (size_t i = 0, count = make_all(receipts); i < count; i++) {
        pki_write("content.xml", receipts[i].data, receipts[i].length);
        CU_ASSERT_EQUAL(system(command), 0);
        *strstr(receipts[i].data, "urn:uuid:") = 'U';
        pki_write("content.xml", receipts[i].data, receipts[i].length);
        CU_ASSERT_NOT_EQUAL(system(command), 0);
        mg_buffer_free(&receipts[i]);
    }
    free(root);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_receipt_verifies_as_the_gateways),
        UNIT_TEST(a_receipt_without_its_signature_is_its_own_canonical_form),
        UNIT_TEST(hostile_header_facts_stay_text_in_the_receipt),
        UNIT_TEST(records_stand_in_the_list_of_their_level),
        UNIT_TEST(what_a_receipt_says_can_be_read_back),
        UNIT_TEST(what_is_read_of_a_receipt_cannot_steer_a_terminal),
        UNIT_TEST(a_document_that_is_no_receipt_is_not_read),
        UNIT_TEST(a_receipt_ends_at_the_limit_of_its_buffer),
        UNIT_TEST(a_receipt_is_appended_to_what_is_there),
        UNIT_TEST(a_receipt_is_valid_against_the_schema_of_xta),
        UNIT_TEST(the_xmlsec1_command_verifies_a_receipt),
    };
    pki_start();
    gateway = pki_issue("gateway", "P-256");
    signer = pki_signer(&gateway);
    int status = unit_run("receipt", tests, sizeof tests / sizeof *tests);
    mg_signer_free(signer);
    pki_free(&gateway);
    pki_stop();
    return status;
}
