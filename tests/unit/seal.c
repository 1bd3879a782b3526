#include "gateway/trust/seal.h"

#include "gateway/base/clock.h"
#include "gateway/message/xml.h"
#include "gateway/trust/schema.h"
#include "gateway/trust/signature_canonical.h"
#include "gateway/trust/signature_make.h"
#include "tests/unit/signature_pki.h"
#include "tests/unit/unit.h"

#include <libxml/c14n.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In canonical form, as content is sealed; hostile in what it contains. */
static const char content[] = "<?before x?>\n<m:message xmlns=\"urn:example:default\" "
                              "xmlns:ds=\"urn:not-dsig\" xmlns:m=\"urn:m\" "
                              "xml:lang=\"de\"><plain>K\xc3\xb6ln &amp; Br\xc3\xbchl &gt; "
                              "&#xD;</plain>\n <m:x a=\"&quot;\"></m:x> "
                              "</m:message>";

static struct pki_party gateway, rsa, brainpool;

struct sealed {
    struct mg_buffer seal;
    struct mg_buffer whole; /* enveloped: the sealed message */
    char uri[MG_SEAL_URI_SIZE];
};

static struct mg_seal_facts facts_of(uint8_t digest[32])
{
    mg_signature_digest(content, strlen(content), digest, NULL);
    return (struct mg_seal_facts){
        .id = mg_id_new(),
        .gateway = "gateway.example",
        .partner = "wuppertal <portal> & \"co\"\r\n",
        .way = "submission",
        .profile = "service",
        .received = mg_clock_now(),
        .signature = "valid",
        .signer = "CN=portal,O=M\xc3\xbcngsten\\, \x01\xff",
        .digest = digest,
    };
}

static struct sealed seal_with(const struct pki_party *identity, enum mg_seal_form form)
{
    struct sealed sealed = {.uri = ""};
    struct mg_signer *signer = pki_signer(identity);
    struct mg_error error;
    uint8_t digest[32];
    struct mg_seal_facts facts = facts_of(digest);
    mg_seal_uri(&facts.id, sealed.uri);
    if (!mg_seal_make(signer, &facts, form, &sealed.seal, &error))
        mg_die("%s: %s", error.code, error.text);
    CU_ASSERT(mg_seal_insert(content, strlen(content), sealed.seal.data, sealed.seal.length,
                             &sealed.whole));
    mg_signer_free(signer);
    return sealed;
}

static void unseal(struct sealed *sealed)
{
    mg_buffer_free(&sealed->seal);
    mg_buffer_free(&sealed->whole);
}

static xmlDoc *parse(const char *text)
{
    struct mg_xml_limits limits;
    struct mg_error error;
    mg_xml_limits_default(&limits);
    xmlDoc *document = mg_xml_parse(text, strlen(text), &limits, &error);
    if (!document)
        mg_die("%s: %s", error.code, error.text);
    return document;
}

static void an_enveloped_seal_verifies_and_leaves_the_content_as_it_was(void)
{
    struct sealed sealed = seal_with(&gateway, MG_SEAL_ENVELOPED);
    struct mg_signature_policy policy = pki_policy(&gateway);
    struct mg_signature_result result;
    struct mg_error error = {.code = ""};
    xmlDoc *document = parse(sealed.whole.data);
    xmlNode *signature;
    CU_ASSERT(mg_signature_find(document, &signature, &error));
    CU_ASSERT(mg_signature_verify_enveloped(document, signature, &policy, &result, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(result.canonical);
    CU_ASSERT_EQUAL(result.canonical_length, strlen(content));
    CU_ASSERT(memcmp(result.canonical, content, strlen(content)) == 0);
    free(result.canonical);
    xmlFreeDoc(document);
    unseal(&sealed);
}

static void a_detached_seal_verifies_over_its_content_only(void)
{
    const struct pki_party *const identities[] = {&gateway, &rsa, &brainpool};
    for (size_t i = 0; i < 3; i++) {
        struct sealed sealed = seal_with(identities[i], MG_SEAL_DETACHED);
        struct mg_signature_policy policy = pki_policy(identities[i]);
        struct mg_signature_result result;
        struct mg_error error = {.code = ""};
        xmlDoc *document = parse(content), *other = parse("<a/>"), *seal = parse(sealed.seal.data);
        CU_ASSERT(
            mg_signature_verify_detached(document, sealed.uri, seal, &policy, &result, &error));
        free(result.canonical);
        CU_ASSERT_FALSE(
            mg_signature_verify_detached(other, sealed.uri, seal, &policy, &result, &error));
        CU_ASSERT_STRING_EQUAL(error.code, "signature.content-changed");
        CU_ASSERT_FALSE(
            mg_signature_verify_detached(document, "cid:1@other", seal, &policy, &result, &error));
        CU_ASSERT_STRING_EQUAL(error.code, "signature.shape");
        xmlFreeDoc(seal);
        xmlFreeDoc(other);
        xmlFreeDoc(document);
        unseal(&sealed);
    }
}

/* The whole point of writing text: what is written is what any verifier will digest. */
static void a_seal_is_written_in_its_canonical_form(void)
{
    struct sealed sealed = seal_with(&gateway, MG_SEAL_DETACHED);
    xmlDoc *seal = parse(sealed.seal.data);
    struct mg_canonical exclusive = {.mode = XML_C14N_EXCLUSIVE_1_0};
    struct mg_buffer alone = {0}, inside = {0};
    CU_ASSERT(mg_canonical_document(seal, &exclusive, &alone, NULL));
    CU_ASSERT_EQUAL(alone.length, sealed.seal.length);
    /* ds:Properties, which is declared on its own, is the only element with further declarations.
     */
    CU_ASSERT(alone.length == sealed.seal.length &&
              memcmp(alone.data, sealed.seal.data, alone.length) == 0);
    xmlNode *object = xmlGetLastChild(xmlDocGetRootElement(seal));
    CU_ASSERT(mg_canonical_element(object->children, &exclusive, &inside, NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(sealed.seal.data, inside.data));
    mg_buffer_free(&inside);
    mg_buffer_free(&alone);
    xmlFreeDoc(seal);
    unseal(&sealed);
}

static void a_seal_announces_the_next_certificate_under_its_signature(void)
{
    struct mg_seal_announcement next = {.from = INT64_C(1798761600000)};
    struct mg_signer *signer = pki_signer(&gateway);
    struct mg_signature_policy policy = pki_policy(&gateway);
    struct mg_signature_result result;
    struct mg_buffer seal = {0};
    struct mg_error error = {.code = ""};
    uint8_t digest[32];
    memset(next.certificate.bytes, 0xa5, sizeof next.certificate.bytes);
    struct mg_seal_facts facts = facts_of(digest);
    char uri[MG_SEAL_URI_SIZE];
    mg_seal_uri(&facts.id, uri);
    facts.next = &next;
    CU_ASSERT(mg_seal_make(signer, &facts, MG_SEAL_DETACHED, &seal, NULL));
    char *announcement = strstr(
        seal.data,
        "<ms:NextCertificate>a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
        "</ms:NextCertificate><ms:NextFrom>2027-01-01T00:00:00.000Z</ms:NextFrom></ms:Properties>");
    CU_ASSERT_PTR_NOT_NULL_FATAL(announcement);
    xmlDoc *document = parse(content), *whole = parse(seal.data);
    CU_ASSERT(mg_signature_verify_detached(document, uri, whole, &policy, &result, &error));
    free(result.canonical);
    /* Whoever puts another certificate there breaks the seal. */
    announcement[strlen("<ms:NextCertificate>")] = 'b';
    xmlDoc *changed = parse(seal.data);
    CU_ASSERT_FALSE(mg_signature_verify_detached(document, uri, changed, &policy, &result, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "signature.content-changed");
    xmlFreeDoc(changed);
    xmlFreeDoc(whole);
    xmlFreeDoc(document);
    mg_buffer_free(&seal);
    mg_signer_free(signer);
}

static xmlDoc *properties_of(const struct mg_buffer *seal)
{
    xmlDoc *whole = parse(seal->data), *properties = xmlNewDoc(BAD_CAST "1.0");
    xmlNode *object = xmlGetLastChild(xmlDocGetRootElement(whole));
    xmlDocSetRootElement(properties, xmlDocCopyNode(object->children, properties, 1));
    xmlFreeDoc(whole);
    return properties;
}

static void the_properties_obey_their_published_schema(void)
{
    char path[500];
    const char *source = getenv("srcdir");
    struct mg_error error = {.code = ""};
    const struct mg_seal_announcement next = {.from = mg_clock_now()};
    snprintf(path, sizeof path, "%s/schemas/seal.xsd", source ? source : ".");
    struct mg_schema *schema = mg_schema_from_file(path, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
    struct mg_signer *signer = pki_signer(&gateway);
    for (int i = 0; i < 2; i++) {
        struct mg_buffer seal = {0};
        uint8_t digest[32];
        struct mg_seal_facts facts = facts_of(digest);
        facts.next = i == 0 ? NULL : &next;
        CU_ASSERT(mg_seal_make(signer, &facts, MG_SEAL_DETACHED, &seal, NULL));
        xmlDoc *properties = properties_of(&seal);
        CU_ASSERT(mg_schema_validate(schema, properties, NULL, &error));
        CU_ASSERT_STRING_EQUAL(error.code, "");
        xmlNewChild(xmlDocGetRootElement(properties), NULL, BAD_CAST "More", NULL);
        CU_ASSERT_FALSE(mg_schema_validate(schema, properties, NULL, NULL));
        xmlFreeDoc(properties);
        mg_buffer_free(&seal);
    }
    mg_signer_free(signer);
    mg_schema_free(schema);
}

static void hostile_names_stay_text_in_the_seal(void)
{
    struct sealed sealed = seal_with(&gateway, MG_SEAL_DETACHED);
    CU_ASSERT_PTR_NOT_NULL(strstr(sealed.seal.data, "<ms:Partner>wuppertal &lt;portal&gt; &amp; "
                                                    "\"co\"&#xD;\n</ms:Partner>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(sealed.seal.data, "<ms:Signer>CN=portal,O=M\xc3\xbcngsten\\, ?"
                                                    "?</ms:Signer>"));
    unseal(&sealed);
}

static void attachments_are_covered_by_digest(void)
{
    struct mg_signer *signer = pki_signer(&gateway);
    struct mg_buffer seal = {0};
    uint8_t digest[32], of_attachment[32];
    mg_signature_digest("attachment", 10, of_attachment, NULL);
    const struct mg_signature_attachment attachment = {"cid:a&b@muengsten", of_attachment};
    struct mg_seal_facts facts = facts_of(digest);
    facts.attachments = &attachment;
    facts.attachment_count = 1;
    CU_ASSERT(mg_seal_make(signer, &facts, MG_SEAL_DETACHED, &seal, NULL));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(seal.data,
               "<ds:Reference URI=\"cid:a&amp;b@muengsten\"><ds:DigestMethod "
               "Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>"
               "<ds:DigestValue>YCpeacMCG9vT0lFWoC0su0Z2BbggMkjupq8/tCFo1mM=</ds:DigestValue>"));
    mg_buffer_free(&seal);
    mg_signer_free(signer);
}

static void a_seal_ends_at_the_limit_of_its_buffer(void)
{
    struct mg_signer *signer = pki_signer(&gateway);
    uint8_t digest[32];
    struct mg_seal_facts facts = facts_of(digest);
    struct mg_error error;
    for (size_t limit = 1; limit < 2200; limit += 97) {
        struct mg_buffer seal = {.limit = limit};
        CU_ASSERT_FALSE(mg_seal_make(signer, &facts, MG_SEAL_ENVELOPED, &seal, &error));
        CU_ASSERT_STRING_EQUAL(error.code, "signature.internal");
        mg_buffer_free(&seal);
    }
    struct mg_buffer whole = {.limit = 10};
    CU_ASSERT_FALSE(mg_seal_insert(content, strlen(content), "seal", 4, &whole));
    CU_ASSERT_FALSE(mg_seal_insert("no element", 10, "seal", 4, &whole));
    mg_buffer_free(&whole);
    mg_signer_free(signer);
}

/* ---- verifiers that are not this one ---- */

/* Runs a shell command with its output dropped; false and skipped if its program is not installed.
 */
static bool run(const char *program, const char *command, int *status)
{
    char line[1024];
    snprintf(line, sizeof line, "command -v %s >/dev/null", program);
    if (system(line) != 0) {
        unit_skip("a program that verifies is not installed");
        return false;
    }
    snprintf(line, sizeof line, "%s >/dev/null 2>&1", command);
    *status = system(line);
    return true;
}

static char *path_of(const char *name)
{
    return mg_copy_text(pki_path(name));
}

/*
 * What a receiver calls. xmlsec1 has to be told which attribute is an Id, as there is no DTD; and
 * it knows cid: as no way to fetch anything, so that the URI is mapped to the file with the
 * content: xmlsec1 --verify --trusted-pem AUTHORITIES --id-attr:Id urn:muengsten:seal:1:Properties
 * SEALED.xml xmlsec1 … --url-map:cid:ID@muengsten CONTENT.xml SEAL.xml
 */
static void verify_with_xmlsec1(const struct pki_party *identity, enum mg_seal_form form)
{
    struct sealed sealed = seal_with(identity, form);
    const struct mg_buffer *seal = form == MG_SEAL_DETACHED ? &sealed.seal : &sealed.whole;
    char map[300] = "", command[900];
    char *root = path_of("root.pem"), *content_file = path_of("content.xml"),
         *seal_file = path_of("seal.xml");
    if (form == MG_SEAL_DETACHED)
        snprintf(map, sizeof map, "--url-map:%s %s", sealed.uri, content_file);
    snprintf(command, sizeof command,
             "xmlsec1 --verify --trusted-pem %s --id-attr:Id urn:muengsten:seal:1:Properties %s %s",
             root, map, seal_file);
    int status = 0;
    pki_write("content.xml", content, strlen(content));
    pki_write("seal.xml", seal->data, seal->length);
    if (run("xmlsec1", command, &status)) {
        CU_ASSERT_EQUAL(status, 0);
        char *changed = mg_copy_text(form == MG_SEAL_DETACHED ? content : seal->data);
        *strstr(changed, "K\xc3\xb6ln") = 'C';
        pki_write(form == MG_SEAL_DETACHED ? "content.xml" : "seal.xml", changed, strlen(changed));
        run("xmlsec1", command, &status);
        CU_ASSERT_NOT_EQUAL(status, 0);
        free(changed);
    }
    free(seal_file);
    free(content_file);
    free(root);
    unseal(&sealed);
}

static void the_xmlsec1_command_verifies_both_forms(void)
{
    const struct pki_party *const identities[] = {&gateway, &rsa, &brainpool};
    for (size_t i = 0; i < 3; i++) {
        verify_with_xmlsec1(identities[i], MG_SEAL_DETACHED);
        verify_with_xmlsec1(identities[i], MG_SEAL_ENVELOPED);
    }
}

static void verify_with_java(const struct pki_party *identity, enum mg_seal_form form)
{
    struct sealed sealed = seal_with(identity, form);
    const char *source = getenv("srcdir");
    char command[900];
    char *root = path_of("root.pem"), *content_file = path_of("content.xml"),
         *seal_file = path_of("seal.xml");
    snprintf(command, sizeof command, "java %s/tests/system/VerifySeal.java %s %s %s",
             source ? source : ".", root, content_file, form == MG_SEAL_DETACHED ? seal_file : "");
    int status = 0;
    const struct mg_buffer whole = sealed.whole;
    bool detached = form == MG_SEAL_DETACHED;
    pki_write("content.xml", detached ? content : whole.data,
              detached ? strlen(content) : whole.length);
    pki_write("seal.xml", sealed.seal.data, sealed.seal.length);
    if (run("java", command, &status)) {
        CU_ASSERT_EQUAL(status, 0);
        char *changed = mg_copy_text(detached ? content : whole.data);
        *strstr(changed, "K\xc3\xb6ln") = 'C';
        pki_write("content.xml", changed, strlen(changed));
        run("java", command, &status);
        CU_ASSERT_NOT_EQUAL(status, 0);
        free(changed);
    }
    free(seal_file);
    free(content_file);
    free(root);
    unseal(&sealed);
}

static void the_jdk_verifies_both_forms(void)
{
    verify_with_java(&gateway, MG_SEAL_DETACHED);
    verify_with_java(&rsa, MG_SEAL_ENVELOPED);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(an_enveloped_seal_verifies_and_leaves_the_content_as_it_was),
        UNIT_TEST(a_detached_seal_verifies_over_its_content_only),
        UNIT_TEST(a_seal_is_written_in_its_canonical_form),
        UNIT_TEST(a_seal_announces_the_next_certificate_under_its_signature),
        UNIT_TEST(the_properties_obey_their_published_schema),
        UNIT_TEST(hostile_names_stay_text_in_the_seal),
        UNIT_TEST(attachments_are_covered_by_digest),
        UNIT_TEST(a_seal_ends_at_the_limit_of_its_buffer),
        UNIT_TEST(the_xmlsec1_command_verifies_both_forms),
        UNIT_TEST(the_jdk_verifies_both_forms),
    };
    pki_start();
    gateway = pki_issue("gateway", "P-256");
    rsa = pki_issue("gateway", "RSA-3072");
    brainpool = pki_issue("gateway", "brainpoolP256r1");
    int status = unit_run("seal", tests, sizeof tests / sizeof *tests);
    pki_free(&brainpool);
    pki_free(&rsa);
    pki_free(&gateway);
    pki_stop();
    return status;
}
