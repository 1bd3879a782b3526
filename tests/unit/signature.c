#include "gateway/trust/signature.h"

#include "gateway/base/clock.h"
#include "gateway/message/xml.h"
#include "gateway/trust/signature_canonical.h"
#include "gateway/trust/signature_text.h"
#include "tests/unit/signature_foreign.h"
#include "tests/unit/signature_pki.h"
#include "tests/unit/unit.h"

#include <libxml/c14n.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct pki_party partner, rsa;
static char *content_path; /* what detached signatures refer to */

static xmlDoc *parse(const char *text)
{
    struct mg_xml_limits limits;
    struct mg_error error;
    mg_xml_limits_default(&limits);
    xmlDoc *document = mg_xml_parse(text, strlen(text), &limits, &error);
    if (!document)
        mg_die("a document of the tests is refused: %s", error.text);
    return document;
}

/* "valid", "none", or the code of the refusal. The result may be NULL. */
static const char *verify_with(const char *text, const struct mg_signature_policy *policy,
                               struct mg_signature_result *result)
{
    static struct mg_error error;
    struct mg_signature_result unused;
    xmlNode *signature;
    xmlDoc *document = parse(text);
    const char *verdict = error.code;
    if (!result)
        unused.canonical = NULL;
    if (mg_signature_find(document, &signature, &error)) {
        struct mg_signature_result *filled = result ? result : &unused;
        if (!signature)
            verdict = "none";
        else if (mg_signature_verify_enveloped(document, signature, policy, filled, &error))
            verdict = "valid";
    }
    if (!result)
        free(unused.canonical);
    xmlFreeDoc(document);
    return verdict;
}

/* Signs by the recipe with the identity, and verifies with the identity as the partner. */
static const char *verdict_on(struct recipe recipe, const struct pki_party *signer)
{
    char *key_info = pki_key_info(signer);
    struct mg_signature_policy policy = pki_policy(signer);
    recipe.key = signer->key;
    recipe.key_info = key_info;
    char *text = foreign_sign(&recipe);
    const char *verdict = text ? verify_with(text, &policy, NULL) : "not signed";
    free(text);
    free(key_info);
    return verdict;
}

static void an_enveloped_signature_over_the_whole_document_is_valid(void)
{
    CU_ASSERT_STRING_EQUAL(verdict_on((struct recipe){.key = NULL}, &partner), "valid");
}

static void every_admitted_canonicalisation_is_understood(void)
{
    static const char *const methods[] = {C14N, EXCL, "http://www.w3.org/2006/12/xml-c14n11"};
    static const char *const references[] = {
        WHOLE,
        REFERENCE("", TRANSFORMS(ENVELOPED TRANSFORM(EXCL)), DIGEST(XENC "sha256")),
        REFERENCE("", TRANSFORMS(ENVELOPED TRANSFORM("http://www.w3.org/2006/12/xml-c14n11")),
                  DIGEST(XENC "sha256")),
        REFERENCE("", TRANSFORMS(ENVELOPED), DIGEST(XENC "sha256")),
    };
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 4; j++) {
            struct recipe recipe = {.canonical = methods[i], .references = references[j]};
            CU_ASSERT_STRING_EQUAL(verdict_on(recipe, &partner), "valid");
        }
}

static void prefixes_that_the_exclusive_form_shall_keep_are_kept(void)
{
#define KEEP(prefixes) "<n:InclusiveNamespaces xmlns:n=\"" EXCL "\" PrefixList=\"" prefixes "\"/>"
    struct recipe recipe = {
        .canonical = EXCL,
        .canonical_content = KEEP("m #default"),
        .references = REFERENCE("",
                                TRANSFORMS(ENVELOPED "<ds:Transform Algorithm=\"" EXCL
                                                     "\">" KEEP("m unused") "</ds:Transform>"),
                                DIGEST(XENC "sha256")),
    };
    CU_ASSERT_STRING_EQUAL(verdict_on(recipe, &partner), "valid");
}

static void every_admitted_curve_and_digest_is_understood(void)
{
    static const char *const curves[] = {"P-256",           "P-384",           "P-521",
                                         "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"};
    static const char *const methods[] = {MORE "ecdsa-sha256", MORE "ecdsa-sha384",
                                          MORE "ecdsa-sha512"};
    static const char *const references[] = {
        WHOLE, REFERENCE("", TRANSFORMS(ENVELOPED TRANSFORM(C14N)), DIGEST(MORE "sha384")),
        REFERENCE("", TRANSFORMS(ENVELOPED TRANSFORM(C14N)), DIGEST(XENC "sha512"))};
    for (size_t i = 0; i < 6; i++) {
        struct pki_party signer = pki_issue("curve", curves[i]);
        for (size_t j = 0; j < 3; j++) {
            struct recipe recipe = {.method = methods[j], .references = references[j]};
            CU_ASSERT_STRING_EQUAL(verdict_on(recipe, &signer), "valid");
        }
        pki_free(&signer);
    }
}

static void rsa_with_3072_bits_is_valid(void)
{
    static const char *const methods[] = {MORE "rsa-sha256", MORE "rsa-sha384", MORE "rsa-sha512"};
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_STRING_EQUAL(verdict_on((struct recipe){.method = methods[i]}, &rsa), "valid");
}

/* xmlsec 1.2 has no RSA-PSS, so the value is made here, over ds:SignedInfo as it is written. */
static void rsa_pss_is_valid(void)
{
    char *key_info = pki_key_info(&rsa);
    char *text = foreign_sign(
        &(struct recipe){.method = MORE "rsa-sha256", .key = rsa.key, .key_info = key_info});
    char *pss = foreign_replace(text, MORE "rsa-sha256",
                                "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1");
    xmlDoc *document = parse(pss);
    xmlNode *signature;
    CU_ASSERT_FATAL(mg_signature_find(document, &signature, NULL));
    struct mg_canonical exclusive = {.mode = XML_C14N_EXCLUSIVE_1_0};
    struct mg_buffer signed_info = {0}, value = {0};
    CU_ASSERT_FATAL(mg_canonical_element(signature->children, &exclusive, &signed_info, NULL));
    unsigned char bytes[384];
    size_t length = sizeof bytes;
    EVP_PKEY_CTX *options;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CU_ASSERT_EQUAL_FATAL(EVP_DigestSignInit(context, &options, EVP_sha256(), NULL, rsa.key), 1);
    CU_ASSERT_EQUAL_FATAL(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING), 1);
    CU_ASSERT_EQUAL_FATAL(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, 32), 1);
    CU_ASSERT_EQUAL_FATAL(EVP_DigestSign(context, bytes, &length, (unsigned char *)signed_info.data,
                                         signed_info.length),
                          1);
    mg_signature_add_base64(&value, bytes, length);
    xmlNodeSetContent(xmlNextElementSibling(signature->children), BAD_CAST value.data);
    struct mg_signature_policy policy = pki_policy(&rsa);
    struct mg_signature_result result;
    CU_ASSERT(mg_signature_verify_enveloped(document, signature, &policy, &result, NULL));
    CU_ASSERT_STRING_EQUAL(result.method, "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1");
    free(result.canonical);
    CU_ASSERT_STRING_EQUAL(verify_with(pss, &policy, NULL), "signature.value");
    EVP_MD_CTX_free(context);
    mg_buffer_free(&value);
    mg_buffer_free(&signed_info);
    xmlFreeDoc(document);
    free(pss);
    free(text);
    free(key_info);
}

static void rsa_with_2048_bits_counts_until_the_day_that_the_policy_says(void)
{
    struct pki_party old = pki_issue("old", "RSA-2048");
    char *key_info = pki_key_info(&old);
    struct recipe recipe = {.method = MORE "rsa-sha256", .key = old.key, .key_info = key_info};
    char *text = foreign_sign(&recipe);
    struct mg_signature_policy policy = pki_policy(&old);
    CU_ASSERT_STRING_EQUAL(verify_with(text, &policy, NULL), "signature.key-too-short");
    policy.rsa_2048_until = mg_clock_now() - 1;
    CU_ASSERT_STRING_EQUAL(verify_with(text, &policy, NULL), "signature.key-too-short");
    policy.rsa_2048_until = mg_clock_now() + 3600000;
    CU_ASSERT_STRING_EQUAL(verify_with(text, &policy, NULL), "valid");
    free(text);
    free(key_info);
    pki_free(&old);
}

#define XADES "http://uri.etsi.org/01903/v1.3.2#"
#define XADES_OBJECT                                                                               \
    "<ds:Object><x:QualifyingProperties xmlns:x=\"" XADES "\" Target=\"#s\">"                      \
    "<x:SignedProperties Id=\"props\"><x:SignedSignatureProperties><x:SigningTime>"                \
    "2026-01-01T00:00:00Z</x:SigningTime></x:SignedSignatureProperties></x:SignedProperties>"      \
    "<x:UnsignedProperties/></x:QualifyingProperties></ds:Object>"

static void signed_properties_inside_the_signature_are_admitted(void)
{
    static const char first[] =
        WHOLE REFERENCE("#props", TRANSFORMS(TRANSFORM(EXCL)), DIGEST(XENC "sha256"));
    static const char last[] = REFERENCE("#props", "", DIGEST(XENC "sha256")) WHOLE;
    struct recipe recipe = {.references = first, .objects = XADES_OBJECT};
    CU_ASSERT_STRING_EQUAL(verdict_on(recipe, &partner), "valid");
    recipe.references = last;
    CU_ASSERT_STRING_EQUAL(verdict_on(recipe, &partner), "valid");
    recipe.canonical = C14N;
    CU_ASSERT_STRING_EQUAL(verdict_on(recipe, &partner), "valid");
}

static void changed_properties_are_noticed(void)
{
    char *key_info = pki_key_info(&partner);
    struct mg_signature_policy policy = pki_policy(&partner);
    struct recipe recipe = {
        .references = WHOLE REFERENCE("#props", TRANSFORMS(TRANSFORM(EXCL)), DIGEST(XENC "sha256")),
        .objects = XADES_OBJECT,
        .key = partner.key,
        .key_info = key_info};
    char *text = foreign_sign(&recipe);
    char *changed = foreign_replace(text, "2026-01-01", "2027-01-01");
    CU_ASSERT_STRING_EQUAL(verify_with(changed, &policy, NULL), "signature.content-changed");
    free(changed);
    free(text);
    free(key_info);
}

static void line_breaks_as_java_writes_them_are_understood(void)
{
    char *key_info = pki_key_info(&partner);
    struct mg_signature_policy policy = pki_policy(&partner);
    char *text = foreign_sign(&(struct recipe){.key = partner.key, .key_info = key_info});
    char *broken =
        foreign_replace(text, "<ds:X509Certificate>MII", "<ds:X509Certificate>M&#13;\n I\tI");
    CU_ASSERT_STRING_EQUAL(verify_with(broken, &policy, NULL), "valid");
    free(broken);
    free(text);
    free(key_info);
}

static void comments_are_not_there_for_the_canonical_form_nor_for_us(void)
{
    static const char *const places[] = {"<ds:SignedInfo>", "<ds:DigestValue>",
                                         "<ds:SignatureValue>", "<ds:X509Certificate>"};
    char *key_info = pki_key_info(&partner);
    struct mg_signature_policy policy = pki_policy(&partner);
    char *text = foreign_sign(&(struct recipe){.key = partner.key, .key_info = key_info});
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char commented[64];
        snprintf(commented, sizeof commented, "%s<!-- AAAA -->", places[i]);
        char *changed = foreign_replace(text, places[i], commented);
        CU_ASSERT_STRING_EQUAL(verify_with(changed, &policy, NULL), "valid");
        free(changed);
    }
    free(text);
    free(key_info);
}

static void the_tree_is_the_same_after_verification(void)
{
    static const char *const documents[] = {"<a>%s</a>", "<a> %s</a>", "<a>%s<b/></a>",
                                            "<a><b/>%s x</a>"};
    char *key_info = pki_key_info(&partner);
    struct mg_signature_policy policy = pki_policy(&partner);
    for (size_t i = 0; i < 4; i++) {
        char *text = foreign_sign(
            &(struct recipe){.document = documents[i], .key = partner.key, .key_info = key_info});
        xmlDoc *document = parse(text);
        struct mg_signature_result result;
        xmlNode *signature;
        xmlChar *before, *after;
        int before_length, after_length;
        xmlDocDumpMemory(document, &before, &before_length);
        CU_ASSERT(mg_signature_find(document, &signature, NULL));
        CU_ASSERT(mg_signature_verify_enveloped(document, signature, &policy, &result, NULL));
        xmlDocDumpMemory(document, &after, &after_length);
        CU_ASSERT_STRING_EQUAL(before, after);
        CU_ASSERT_PTR_EQUAL(xmlDocGetRootElement(document)->last->parent,
                            xmlDocGetRootElement(document));
        xmlFree(before);
        xmlFree(after);
        free(result.canonical);
        xmlFreeDoc(document);
        free(text);
    }
    free(key_info);
}

static void what_was_digested_is_the_canonical_form_without_the_signature(void)
{
    char *key_info = pki_key_info(&partner);
    struct mg_signature_policy policy = pki_policy(&partner);
    char *text = foreign_sign(&(struct recipe){.key = partner.key, .key_info = key_info});
    xmlDoc *document = parse(text);
    struct mg_signature_result result;
    xmlNode *signature;
    xmlChar *canonical;
    size_t length;
    CU_ASSERT(mg_signature_find(document, &signature, NULL));
    CU_ASSERT(mg_signature_verify_enveloped(document, signature, &policy, &result, NULL));
    xmlUnlinkNode(signature);
    xmlFreeNode(signature);
    CU_ASSERT_FATAL(mg_xml_canonical(document, &canonical, &length, NULL));
    CU_ASSERT_PTR_NOT_NULL_FATAL(result.canonical);
    CU_ASSERT_EQUAL(result.canonical_length, length);
    CU_ASSERT(memcmp(result.canonical, canonical, length) == 0);
    xmlFree(canonical);
    free(result.canonical);
    xmlFreeDoc(document);
    free(text);
    free(key_info);
}

static void another_canonical_form_is_not_handed_on(void)
{
    char *key_info = pki_key_info(&partner);
    struct mg_signature_policy policy = pki_policy(&partner);
    struct recipe recipe = {
        .references = REFERENCE("", TRANSFORMS(ENVELOPED TRANSFORM(EXCL)), DIGEST(XENC "sha256")),
        .key = partner.key,
        .key_info = key_info};
    char *text = foreign_sign(&recipe);
    struct mg_signature_result result;
    CU_ASSERT_STRING_EQUAL(verify_with(text, &policy, &result), "valid");
    CU_ASSERT_PTR_NULL(result.canonical);
    free(text);
    free(key_info);
}

static void the_result_names_the_signer_and_the_method(void)
{
    char *key_info = pki_key_info(&partner);
    struct mg_signature_policy policy = pki_policy(&partner);
    char *text = foreign_sign(&(struct recipe){.key = partner.key, .key_info = key_info});
    struct mg_fingerprint expected = mg_certificate_fingerprint(partner.certificate);
    char subject[256];
    mg_certificate_subject(partner.certificate, subject, sizeof subject);
    for (int i = 0; i < 2; i++) { /* the second time from what is kept ready */
        struct mg_signature_result result;
        CU_ASSERT_STRING_EQUAL(verify_with(text, &policy, &result), "valid");
        CU_ASSERT(memcmp(&result.signer, &expected, sizeof expected) == 0);
        CU_ASSERT_STRING_EQUAL(result.subject, subject);
        CU_ASSERT_STRING_EQUAL(result.method, MORE "ecdsa-sha256");
        free(result.canonical);
    }
    free(text);
    free(key_info);
}

struct verifier {
    pthread_t thread;
    const char *text;
    int valid;
};

static void *verify_often(void *context)
{
    struct verifier *self = context;
    struct mg_signature_policy policy = pki_policy(&partner);
    for (int i = 0; i < 25; i++) {
        struct mg_signature_result result;
        xmlNode *signature;
        xmlDoc *document = parse(self->text);
        self->valid += mg_signature_find(document, &signature, NULL) &&
                       mg_signature_verify_enveloped(document, signature, &policy, &result, NULL);
        free(result.canonical);
        xmlFreeDoc(document);
    }
    return NULL;
}

static void threads_verify_at_the_same_time(void)
{
    char *key_info = pki_key_info(&partner);
    char *text = foreign_sign(&(struct recipe){.key = partner.key, .key_info = key_info});
    struct verifier verifiers[4];
    for (size_t i = 0; i < 4; i++) {
        verifiers[i] = (struct verifier){.text = text};
        CU_ASSERT_EQUAL_FATAL(
            pthread_create(&verifiers[i].thread, NULL, verify_often, &verifiers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(verifiers[i].thread, NULL);
        CU_ASSERT_EQUAL(verifiers[i].valid, 25);
    }
    free(text);
    free(key_info);
}

#define DETACHED_DOCUMENT "<a xmlns=\"urn:example\"><!-- no --><b c='1'/>text</a>"

static const char *verify_detached(const char *content, const char *text,
                                   const struct mg_signature_policy *policy)
{
    static struct mg_error error;
    struct mg_signature_result result;
    xmlDoc *document = parse(content), *signature = parse(text);
    bool valid =
        mg_signature_verify_detached(document, content_path, signature, policy, &result, &error);
    free(result.canonical);
    xmlFreeDoc(signature);
    xmlFreeDoc(document);
    return valid ? "valid" : error.code;
}

static void a_detached_signature_is_valid_over_its_document_only(void)
{
    char *key_info = pki_key_info(&partner);
    struct mg_signature_policy policy = pki_policy(&partner);
    pki_write("content.xml", DETACHED_DOCUMENT, strlen(DETACHED_DOCUMENT));
    char *reference = foreign_replace(
        REFERENCE("content.xml", TRANSFORMS(TRANSFORM(C14N)), DIGEST(XENC "sha256")), "content.xml",
        content_path);
    struct recipe recipe = {
        .references = reference, .document = "%s", .key = partner.key, .key_info = key_info};
    char *text = foreign_sign(&recipe);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_STRING_EQUAL(verify_detached(DETACHED_DOCUMENT, text, &policy), "valid");
    CU_ASSERT_STRING_EQUAL(verify_detached("<a/>", text, &policy), "signature.content-changed");
    char *elsewhere = foreign_replace(text, "/content.xml", "/other.xml");
    CU_ASSERT_STRING_EQUAL(verify_detached(DETACHED_DOCUMENT, elsewhere, &policy),
                           "signature.shape");
    char *wrapped = foreign_replace(text, "<ds:Signature", "<x><ds:Signature");
    char *whole = foreign_replace(wrapped, "</ds:Signature>", "</ds:Signature></x>");
    CU_ASSERT_STRING_EQUAL(verify_detached(DETACHED_DOCUMENT, whole, &policy), "signature.shape");
    free(whole);
    free(wrapped);
    free(elsewhere);
    free(text);
    free(reference);
    free(key_info);
}

static void a_detached_signature_may_not_be_enveloped(void)
{
    char *key_info = pki_key_info(&partner);
    struct mg_signature_policy policy = pki_policy(&partner);
    struct recipe recipe = {.document = "%s", .key = partner.key, .key_info = key_info};
    char *text = foreign_sign(&recipe);
    CU_ASSERT_STRING_EQUAL(verify_detached(DETACHED_DOCUMENT, text, &policy), "signature.shape");
    free(text);
    free(key_info);
}

/* Makes a signature of our own over the document, in either form. */
static char *sign_ourselves(const struct pki_party *identity, const char *content, const char *uri,
                            const char *properties)
{
    struct mg_signer *signer = pki_signer(identity);
    struct mg_buffer text = {0};
    xmlDoc *document = parse(content);
    xmlChar *canonical;
    size_t length;
    uint8_t digest[32];
    CU_ASSERT_FATAL(mg_xml_canonical(document, &canonical, &length, NULL));
    EVP_Digest(canonical, length, digest, NULL, EVP_sha256(), NULL);
    struct mg_signature_plan plan = {.id = "s",
                                     .document_uri = uri,
                                     .document_digest = digest,
                                     .properties = properties,
                                     .properties_id = "props"};
    CU_ASSERT(mg_signature_make(signer, &plan, &text, NULL));
    xmlFree(canonical);
    xmlFreeDoc(document);
    mg_signer_free(signer);
    return mg_buffer_take(&text);
}

static void what_we_sign_verifies_in_both_forms_with_ecdsa_and_rsa(void)
{
    static const char properties[] =
        "<p:x  xmlns:p='urn:p' xmlns:q='urn:q' Id='props'><p:y z='1'/></p:x>";
    struct pki_party brainpool = pki_issue("brainpool", "brainpoolP256r1");
    const struct pki_party *const identities[] = {&partner, &rsa, &brainpool};
    for (size_t i = 0; i < 3; i++) {
        struct mg_signature_policy policy = pki_policy(identities[i]);
        char *text = sign_ourselves(identities[i], DETACHED_DOCUMENT, content_path, properties);
        CU_ASSERT_STRING_EQUAL(verify_detached(DETACHED_DOCUMENT, text, &policy), "valid");
        free(text);
        text = sign_ourselves(identities[i], DETACHED_DOCUMENT, "", i == 0 ? properties : NULL);
        char *end = mg_allocate(strlen(text) + 5);
        sprintf(end, "%s</a>", text);
        char *whole = foreign_replace(DETACHED_DOCUMENT, "</a>", end);
        CU_ASSERT_STRING_EQUAL(verify_with(whole, &policy, NULL), "valid");
        free(whole);
        free(end);
        free(text);
    }
    pki_free(&brainpool);
}

static void properties_that_are_not_well_formed_are_not_signed(void)
{
    struct mg_signer *signer = pki_signer(&partner);
    struct mg_buffer text = {0};
    struct mg_error error;
    uint8_t digest[32] = {0};
    struct mg_signature_plan plan = {.document_uri = "",
                                     .document_digest = digest,
                                     .properties = "<a></b>",
                                     .properties_id = "props"};
    CU_ASSERT_FALSE(mg_signature_make(signer, &plan, &text, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "signature.internal");
    mg_buffer_free(&text);
    mg_signer_free(signer);
}

static void a_key_is_not_paired_with_the_certificate_of_another(void)
{
    const struct pki_party mixed[] = {{partner.key, rsa.certificate},
                                      {rsa.key, partner.certificate}};
    struct pki_party other = pki_issue("other", "P-256");
    const struct pki_party same_kind = {partner.key, other.certificate};
    struct mg_error error;
    for (size_t i = 0; i < 3; i++) {
        const struct pki_party *wrong = i < 2 ? &mixed[i] : &same_kind;
        struct pki_party right = {wrong->key, i == 1 ? rsa.certificate : partner.certificate};
        mg_signer_free(pki_signer(&right)); /* leaves the key in its file */
        struct mg_key *key = mg_key_from_file(pki_path("key.pem"), &error);
        CU_ASSERT_PTR_NULL(mg_signer_new(key, wrong->certificate, &error));
        CU_ASSERT_STRING_EQUAL(error.code, "signer.mismatch");
    }
    pki_free(&other);
}

static void base64_is_read_strictly(void)
{
    uint8_t bytes[4];
    size_t length;
    CU_ASSERT(mg_signature_read_base64(" Zm 9v\r\n\tYg = = ", bytes, 4, &length));
    CU_ASSERT(length == 4 && memcmp(bytes, "foob", 4) == 0);
    CU_ASSERT(mg_signature_read_base64("", bytes, 4, &length) && length == 0);
    static const char *const wrong[] = {
        "Zm9vYmE=", "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zg==Zg==", "Z-==", "=", "Zm9v\xc3"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_FALSE(mg_signature_read_base64(wrong[i], bytes, 4, &length));
}

static void hostile_text_is_escaped_as_canonical_xml_wants_it(void)
{
    struct mg_buffer text = {0};
    CU_ASSERT(mg_signature_add_text(&text,
                                    "<a b=\"'\">&\r\n\t\x01\xff\xc0\x80\xed\xa0\x80\xef\xbf\xbf"
                                    "\xc3\xa4\xf0\x9f\x98\x80"));
    CU_ASSERT_STRING_EQUAL(text.data, "&lt;a b=\"'\"&gt;&amp;&#xD;\n\t??????????"
                                      "\xc3\xa4\xf0\x9f\x98\x80");
    mg_buffer_clear(&text);
    CU_ASSERT(mg_signature_add_attribute(&text, "<a b=\"'\">&\r\n\t"));
    CU_ASSERT_STRING_EQUAL(text.data, "&lt;a b=&quot;'&quot;>&amp;&#xD;&#xA;&#x9;");
    mg_buffer_free(&text);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(an_enveloped_signature_over_the_whole_document_is_valid),
        UNIT_TEST(every_admitted_canonicalisation_is_understood),
        UNIT_TEST(prefixes_that_the_exclusive_form_shall_keep_are_kept),
        UNIT_TEST(every_admitted_curve_and_digest_is_understood),
        UNIT_TEST(rsa_with_3072_bits_is_valid),
        UNIT_TEST(rsa_pss_is_valid),
        UNIT_TEST(rsa_with_2048_bits_counts_until_the_day_that_the_policy_says),
        UNIT_TEST(signed_properties_inside_the_signature_are_admitted),
        UNIT_TEST(changed_properties_are_noticed),
        UNIT_TEST(line_breaks_as_java_writes_them_are_understood),
        UNIT_TEST(comments_are_not_there_for_the_canonical_form_nor_for_us),
        UNIT_TEST(the_tree_is_the_same_after_verification),
        UNIT_TEST(what_was_digested_is_the_canonical_form_without_the_signature),
        UNIT_TEST(another_canonical_form_is_not_handed_on),
        UNIT_TEST(the_result_names_the_signer_and_the_method),
        UNIT_TEST(threads_verify_at_the_same_time),
        UNIT_TEST(a_detached_signature_is_valid_over_its_document_only),
        UNIT_TEST(a_detached_signature_may_not_be_enveloped),
        UNIT_TEST(what_we_sign_verifies_in_both_forms_with_ecdsa_and_rsa),
        UNIT_TEST(properties_that_are_not_well_formed_are_not_signed),
        UNIT_TEST(a_key_is_not_paired_with_the_certificate_of_another),
        UNIT_TEST(base64_is_read_strictly),
        UNIT_TEST(hostile_text_is_escaped_as_canonical_xml_wants_it),
    };
    pki_start();
    partner = pki_issue("partner", "P-256");
    rsa = pki_issue("rsa", "RSA-3072");
    content_path = mg_copy_text(pki_path("content.xml"));
    int status = unit_run("signature", tests, sizeof tests / sizeof *tests);
    free(content_path);
    pki_free(&rsa);
    pki_free(&partner);
    pki_stop();
    return status;
}
