#include "gateway/message/xml.h"
#include "gateway/trust/signature.h"
#include "gateway/trust/signature_text.h"
#include "tests/unit/signature_foreign.h"
#include "tests/unit/signature_pki.h"
#include "tests/unit/unit.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every signature here is made by xmlsec with the partner's own key and would verify there, unless
 * a test changes it afterwards: what refuses it is what the test is about. */

static struct pki_party partner, other;
static char *partner_key_info;

static const char *verdict_with(const char *text, const struct mg_signature_policy *policy)
{
    static struct mg_error error;
    struct mg_xml_limits limits;
    struct mg_signature_result result = {.canonical = NULL};
    xmlNode *signature;
    const char *verdict = error.code;
    mg_xml_limits_default(&limits);
    xmlDoc *document = mg_xml_parse(text, strlen(text), &limits, &error);
    if (!document || !mg_signature_find(document, &signature, &error))
        verdict = error.code;
    else if (!signature)
        verdict = "none";
    else if (mg_signature_verify_enveloped(document, signature, policy, &result, &error))
        verdict = "valid";
    free(result.canonical);
    xmlFreeDoc(document);
    return verdict;
}

static const char *verdict_on(const char *text)
{
    struct mg_signature_policy policy = pki_policy(&partner);
    return verdict_with(text, &policy);
}

static char *sign(struct recipe recipe)
{
    recipe.key = recipe.key ? recipe.key : partner.key;
    recipe.key_info = recipe.key_info ? recipe.key_info : partner_key_info;
    char *text = foreign_sign(&recipe);
    if (!text)
        mg_die("xmlsec did not sign: %s", recipe.references ? recipe.references : "");
    return text;
}

static const char *verdict_on_recipe(struct recipe recipe)
{
    char *text = sign(recipe);
    const char *verdict = verdict_on(text);
    free(text);
    return verdict;
}

/* The usual signed document with one piece of its text exchanged. */
static const char *verdict_after(const char *piece, const char *by)
{
    char *text = sign((struct recipe){.key = NULL});
    char *changed = foreign_replace(text, piece, by);
    const char *verdict = verdict_on(changed);
    free(changed);
    free(text);
    return verdict;
}

static const char *verdict_on_key_info(const char *key_info)
{
    return verdict_on_recipe((struct recipe){.key_info = key_info});
}

#define KEY_INFO(content) "<ds:KeyInfo>" content "</ds:KeyInfo>"

/* ---- trust ---- */

static void a_signature_without_a_certificate_is_refused(void)
{
    static const char *const key_infos[] = {
        "",
        KEY_INFO(""),
        KEY_INFO("<ds:KeyName>partner</ds:KeyName>"),
        KEY_INFO("<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB"
                 "</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"),
        KEY_INFO("<ds:RetrievalMethod URI=\"http://example.org/key\"/>"),
        KEY_INFO("<ds:RetrievalMethod URI=\"#part\"/>"),
        KEY_INFO("<ds:X509Data><ds:X509SubjectName>CN=partner</ds:X509SubjectName></ds:X509Data>"),
        KEY_INFO("<ds:X509Data><ds:X509Certificate/></ds:X509Data>"),
        KEY_INFO("<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>"),
        KEY_INFO("<ds:X509Data><ds:X509Certificate>?</ds:X509Certificate></ds:X509Data>"),
    };
    for (size_t i = 0; i < sizeof key_infos / sizeof *key_infos; i++)
        CU_ASSERT_STRING_EQUAL(verdict_on_key_info(key_infos[i]), "signature.no-certificate");
}

static void a_key_that_merely_stands_in_the_signature_is_not_trusted(void)
{
    struct pki_party stranger = pki_self_signed("stranger", "P-256");
    char *key_info = pki_key_info(&stranger);
    struct recipe recipe = {.key = stranger.key, .key_info = key_info};
    CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "certificate.untrusted");
    free(key_info);
    pki_free(&stranger);
}

static void a_certificate_of_the_partners_that_no_authority_vouches_for_is_not_trusted(void)
{
    struct pki_party impostor = pki_self_signed("partner", "P-256");
    char *key_info = pki_key_info(&impostor);
    struct mg_signature_policy policy = pki_policy(&impostor);
    char *text = sign((struct recipe){.key = impostor.key, .key_info = key_info});
    CU_ASSERT_STRING_EQUAL(verdict_with(text, &policy), "certificate.untrusted");
    free(text);
    free(key_info);
    pki_free(&impostor);
}

static void the_certificate_of_another_partner_is_refused_as_foreign(void)
{
    char *key_info = pki_key_info(&other);
    struct recipe recipe = {.key = other.key, .key_info = key_info};
    CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "signature.foreign-certificate");
    free(key_info);
}

static void the_partners_certificate_beside_anothers_key_does_not_help(void)
{
    struct recipe recipe = {.key = other.key};
    CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "signature.value");
}

static void a_huge_key_info_is_refused(void)
{
    struct mg_buffer many = {0}, long_one = {0};
    const char *certificate = strstr(partner_key_info, "<ds:X509Data>");
    size_t length = strlen(certificate) - strlen("</ds:KeyInfo>");
    mg_buffer_add_text(&many, "<ds:KeyInfo>");
    for (int i = 0; i < 9; i++)
        mg_buffer_add(&many, certificate, length);
    mg_buffer_add_text(&many, "</ds:KeyInfo>");
    CU_ASSERT_STRING_EQUAL(verdict_on_key_info(many.data), "signature.shape");
    mg_buffer_add_text(&long_one, "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>");
    for (int i = 0; i < 100000; i++)
        mg_buffer_add_text(&long_one, "MIIB");
    mg_buffer_add_text(&long_one, "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>");
    CU_ASSERT_STRING_EQUAL(verdict_on_key_info(long_one.data), "signature.no-certificate");
    mg_buffer_free(&long_one);
    mg_buffer_free(&many);
}

/* ---- algorithms ---- */

static const char *verdict_on_key(const char *algorithm, const char *method)
{
    struct pki_party weak = pki_issue("weak", algorithm);
    char *key_info = pki_key_info(&weak);
    struct mg_signature_policy policy = pki_policy(&weak);
    char *text = sign((struct recipe){.key = weak.key, .key_info = key_info, .method = method});
    const char *verdict = verdict_with(text, &policy);
    free(text);
    free(key_info);
    pki_free(&weak);
    return verdict;
}

static void rsa_with_1024_bits_is_too_short_whatever_the_policy_says(void)
{
    struct pki_party weak = pki_issue("weak", "RSA-1024");
    char *key_info = pki_key_info(&weak);
    struct mg_signature_policy policy = pki_policy(&weak);
    policy.rsa_2048_until = INT64_MAX;
    struct recipe recipe = {.key = weak.key, .key_info = key_info, .method = MORE "rsa-sha256"};
    char *text = sign(recipe);
    CU_ASSERT_STRING_EQUAL(verdict_with(text, &policy), "signature.key-too-short");
    free(text);
    free(key_info);
    pki_free(&weak);
}

static void curves_that_are_not_recommended_are_refused(void)
{
    static const char *const curves[] = {"P-224", "secp256k1", "brainpoolP320r1",
                                         "brainpoolP256t1"};
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        CU_ASSERT_STRING_EQUAL(verdict_on_key(curves[i], NULL), "signature.algorithm");
}

static void a_method_that_does_not_fit_the_key_is_refused(void)
{
    char *text = sign((struct recipe){.key = NULL});
    char *as_rsa = foreign_replace(text, "ecdsa-sha256", "rsa-sha256");
    CU_ASSERT_STRING_EQUAL(verdict_on(as_rsa), "signature.algorithm");
    struct pki_party edwards = pki_issue("edwards", "ED25519");
    char *key_info = pki_key_info(&edwards);
    struct mg_signature_policy policy = pki_policy(&edwards);
    char *mixed = sign((struct recipe){.key_info = key_info});
    CU_ASSERT_STRING_EQUAL(verdict_with(mixed, &policy), "signature.algorithm");
    free(mixed);
    free(key_info);
    pki_free(&edwards);
    free(as_rsa);
    free(text);
}

static void sha_1_and_shorter_is_refused(void)
{
    static const char *const digests[] = {
        REFERENCE("", TRANSFORMS(ENVELOPED TRANSFORM(C14N)), DIGEST(DSIG "sha1")),
        REFERENCE("", TRANSFORMS(ENVELOPED TRANSFORM(C14N)), DIGEST(MORE "sha224")),
    };
    static const char *const methods[] = {"ecdsa-sha1", "ecdsa-sha224"};
    for (size_t i = 0; i < 2; i++)
        CU_ASSERT_STRING_EQUAL(verdict_on_recipe((struct recipe){.references = digests[i]}),
                               "signature.algorithm");
    /* Put in afterwards, because newer versions of xmlsec cannot make such a digest any more. */
    CU_ASSERT_STRING_EQUAL(verdict_after(XENC "sha256", MORE "md5"), "signature.algorithm");
    for (size_t i = 0; i < 2; i++) {
        char method[64];
        snprintf(method, sizeof method, MORE "%s", methods[i]);
        CU_ASSERT_STRING_EQUAL(verdict_on_recipe((struct recipe){.method = method}),
                               "signature.algorithm");
    }
    CU_ASSERT_STRING_EQUAL(verdict_on_key("RSA-3072", DSIG "rsa-sha1"), "signature.algorithm");
}

static void hmac_with_the_public_key_as_its_secret_is_refused(void)
{
    unsigned char *public = NULL;
    int length = i2d_PUBKEY(partner.key, &public);
    static const char *const methods[] = {MORE "hmac-sha256", DSIG "hmac-sha1"};
    for (size_t i = 0; i < 2; i++) {
        struct recipe recipe = {
            .method = methods[i], .secret = public, .secret_length = (size_t)length};
        CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "signature.algorithm");
    }
    OPENSSL_free(public);
}

static void transforms_that_run_programs_or_choose_parts_are_refused(void)
{
    static const char *const transforms[] = {
        ENVELOPED "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\">"
                  "<s:stylesheet version=\"1.0\" xmlns:s=\"http://www.w3.org/1999/XSL/Transform\">"
                  "<s:template match=\"/\"><same/></s:template></s:stylesheet></ds:Transform>",
        ENVELOPED "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\">"
                  "<ds:XPath>not(ancestor-or-self::amount)</ds:XPath></ds:Transform>",
        ENVELOPED "<ds:Transform Algorithm=\"http://www.w3.org/2002/06/xmldsig-filter2\">"
                  "<f:XPath xmlns:f=\"http://www.w3.org/2002/06/xmldsig-filter2\""
                  " Filter=\"subtract\">//amount</f:XPath></ds:Transform>",
    };
    for (size_t i = 0; i < sizeof transforms / sizeof *transforms; i++) {
        char reference[1024];
        snprintf(reference, sizeof reference,
                 "<ds:Reference URI=\"\"><ds:Transforms>%s</ds:Transforms>" DIGEST(
                     XENC "sha256") "</ds:Reference>",
                 transforms[i]);
        struct recipe recipe = {.references = reference, .document = "<a>%s</a>"};
        CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "signature.algorithm");
    }
    CU_ASSERT_STRING_EQUAL(verdict_after("<ds:Transform Algorithm=\"" C14N "\"/>",
                                         TRANSFORM("http://www.w3.org/2002/07/decrypt#XML")),
                           "signature.algorithm");
    CU_ASSERT_STRING_EQUAL(
        verdict_after("<ds:Transform Algorithm=\"" C14N "\"/>", TRANSFORM(DSIG "base64")),
        "signature.algorithm");
}

static void canonicalisation_with_comments_is_refused(void)
{
    static const char *const forms[] = {C14N "#WithComments", EXCL "WithComments",
                                        "http://www.w3.org/2006/12/xml-c14n11#WithComments"};
    for (size_t i = 0; i < 3; i++) {
        char reference[512];
        snprintf(reference, sizeof reference,
                 "<ds:Reference URI=\"\"><ds:Transforms>" ENVELOPED
                 "<ds:Transform Algorithm=\"%s\"/></ds:Transforms>" DIGEST(
                     XENC "sha256") "</ds:Reference>",
                 forms[i]);
        CU_ASSERT_STRING_EQUAL(verdict_on_recipe((struct recipe){.references = reference}),
                               "signature.algorithm");
        CU_ASSERT_STRING_EQUAL(verdict_on_recipe((struct recipe){.canonical = forms[i]}),
                               "signature.algorithm");
    }
}

/* ---- what was changed ---- */

static void changed_content_is_noticed(void)
{
    static const char *const changes[][2] = {
        {"<m:amount>100", "<m:amount>900"},         {"b=\"2\"", "b=\"3\""},
        {"xml:lang=\"de\"", "xml:lang=\"en\""},     {"<m:part Id=\"part\"/>", ""},
        {"<?style none?>", "<?style some?>"},       {"  <m:amount>", " <m:amount>"},
        {"urn:example:unused", "urn:example:used"}, {"</m:message>", "<m:more/></m:message>"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        CU_ASSERT_STRING_EQUAL(verdict_after(changes[i][0], changes[i][1]),
                               "signature.content-changed");
}

/* A piece of text of which the first character was exchanged for another of Base64. */
static const char *verdict_after_flip(const char *element)
{
    char *text = sign((struct recipe){.key = NULL});
    char *place = strstr(text, element) + strlen(element);
    *place = *place == 'A' ? 'B' : 'A';
    const char *verdict = verdict_on(text);
    free(text);
    return verdict;
}

static void a_changed_signature_value_is_noticed(void)
{
    CU_ASSERT_STRING_EQUAL(verdict_after_flip("<ds:SignatureValue>"), "signature.value");
    char *text = sign((struct recipe){.key = NULL});
    char *begin = strstr(text, "<ds:SignatureValue>"), *end = strstr(text, "</ds:SignatureValue>");
    *end = '\0';
    char *value = mg_copy_text(begin);
    *end = '<';
    char *shorter = foreign_replace(text, value, "<ds:SignatureValue>AAAA");
    CU_ASSERT_STRING_EQUAL(verdict_on(shorter), "signature.value");
    char zeros[110] = "<ds:SignatureValue>";
    memset(zeros + strlen(zeros), 'A', 84);
    strcat(zeros, "AA==");
    char *zero = foreign_replace(text, value, zeros);
    CU_ASSERT_STRING_EQUAL(verdict_on(zero), "signature.value");
    free(zero);
    free(shorter);
    free(value);
    free(text);
}

static void a_value_in_a_cdata_section_is_a_value(void)
{
    CU_ASSERT_STRING_EQUAL(
        verdict_after("<ds:SignatureValue>", "<ds:SignatureValue><![CDATA[AAAA]]>"),
        "signature.value");
    CU_ASSERT_STRING_EQUAL(verdict_after("<ds:DigestValue>", "<ds:DigestValue><![CDATA[AAAA]]>"),
                           "signature.shape");
}

static void a_changed_digest_is_noticed(void)
{
    CU_ASSERT_STRING_EQUAL(verdict_after_flip("<ds:DigestValue>"), "signature.content-changed");
}

/* The forger fits the digest to the changed content, but cannot sign it. */
static void a_digest_that_was_fitted_to_changed_content_is_noticed(void)
{
    struct pki_party forger = pki_self_signed("forger", "P-256");
    char *genuine = sign((struct recipe){.key = NULL});
    static const char changed[] =
        "<m:message xmlns:m=\"urn:x\"><m:amount>900</m:amount>%s</m:message>";
    char *forged = sign((struct recipe){.document = changed, .key = forger.key});
    char *from = strstr(genuine, "<ds:SignatureValue>"),
         *to = strstr(genuine, "</ds:SignatureValue>");
    char *old_from = strstr(forged, "<ds:SignatureValue>");
    CU_ASSERT_EQUAL_FATAL(strlen(from) - strlen(to),
                          strlen(old_from) - strlen(strstr(forged, "</ds:SignatureValue>")));
    memcpy(old_from, from, (size_t)(to - from));
    CU_ASSERT_STRING_EQUAL(verdict_on(forged), "signature.value");
    free(forged);
    free(genuine);
    pki_free(&forger);
}

static void other_changes_inside_what_is_signed_are_noticed(void)
{
    CU_ASSERT_STRING_EQUAL(verdict_after("<ds:SignedInfo>", "<ds:SignedInfo Id=\"x\">"),
                           "signature.value");
    CU_ASSERT_STRING_EQUAL(verdict_after("Algorithm=\"" EXCL "\"", "Algorithm=\"" C14N "\""),
                           "signature.value");
}

/* ---- shapes ---- */

static void two_signatures_are_refused(void)
{
    char *text = sign((struct recipe){.key = NULL});
    char *begin = strstr(text, "<ds:Signature "), *end = strstr(text, "</ds:Signature>");
    size_t length = (size_t)(end - begin) + strlen("</ds:Signature>");
    char *signature = mg_allocate(2 * length + 1);
    memcpy(signature, begin, length);
    memcpy(signature + length, begin, length);
    signature[2 * length] = '\0';
    char *once = mg_copy_text(signature + length);
    char *twice = foreign_replace(text, once, signature);
    CU_ASSERT_STRING_EQUAL(verdict_on(twice), "signature.more-than-one");
    free(twice);
    free(once);
    free(signature);
    free(text);
}

static void an_empty_signature_is_refused(void)
{
    static const char *const signatures[] = {
        "<a><ds:Signature xmlns:ds=\"" DSIG "\"/></a>",
        "<a><ds:Signature xmlns:ds=\"" DSIG "\"> </ds:Signature></a>",
        "<a><ds:Signature xmlns:ds=\"" DSIG
        "\"><ds:SignedInfo/><ds:SignatureValue/></ds:Signature></a>",
        "<a><ds:Signature xmlns:ds=\"" DSIG "\"><ds:SignedInfo/><ds:SignatureValue>AAAA"
        "</ds:SignatureValue></ds:Signature></a>",
    };
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        CU_ASSERT_STRING_EQUAL(verdict_on(signatures[i]), "signature.shape");
}

#define PART_TRANSFORMS TRANSFORMS(TRANSFORM(EXCL))
#define PART(uri)       REFERENCE(uri, PART_TRANSFORMS, DIGEST(XENC "sha256"))
#define PROPERTIES      "<p:props xmlns:p=\"urn:p\" Id=\"props\"/>"
#define OBJECT(content) "<ds:Object>" content "</ds:Object>"

static void a_signature_over_a_part_is_refused(void)
{
    CU_ASSERT_STRING_EQUAL(verdict_on_recipe((struct recipe){.references = PART("#part")}),
                           "signature.shape");
    CU_ASSERT_STRING_EQUAL(verdict_on_recipe((struct recipe){.references = WHOLE PART("#part")}),
                           "signature.shape");
}

static void references_by_xpointer_or_elsewhere_are_refused(void)
{
    static const char *const references[] = {PART("#xpointer(/)"),
                                             WHOLE PART("#xpointer(id('props'))"),
                                             WHOLE PART("#xpointer(//*[@Id='props'])")};
    for (size_t i = 0; i < 3; i++) {
        struct recipe recipe = {.references = references[i], .objects = OBJECT(PROPERTIES)};
        CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "signature.shape");
    }
    static const char *const uris[] = {"http://example.org/", "file:///etc/passwd", "other.xml",
                                       "#", "cid:1@muengsten"};
    for (size_t i = 0; i < 5; i++) {
        char uri[64];
        snprintf(uri, sizeof uri, "URI=\"%s\"", uris[i]);
        CU_ASSERT_STRING_EQUAL(verdict_after("URI=\"\"", uri), "signature.shape");
    }
    CU_ASSERT_STRING_EQUAL(verdict_after("URI=\"\"", ""), "signature.shape");
}

/* What was signed is moved into ds:Object, and something else takes its place. */
static void wrapping_by_an_enveloping_signature_is_refused(void)
{
    struct recipe recipe = {
        .references = PART("#part"),
        .document = "<m:message xmlns:m=\"urn:m\"><m:amount>900</m:amount>%s</m:message>",
        .objects = OBJECT("<m:part xmlns:m=\"urn:m\" Id=\"part\">100</m:part>")};
    CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "signature.shape");
}

static void wrapping_under_a_new_root_is_refused(void)
{
    char *text = sign((struct recipe){.document = "<m><amount>100</amount>%s</m>"});
    char *opened = foreign_replace(text, "<m>", "<m><amount>900</amount><m>");
    char *below = foreign_replace(opened, "</m>", "</m></m>");
    CU_ASSERT_STRING_EQUAL(verdict_on(below), "none");
    char *lifted = foreign_replace(opened, "<ds:Signature ", "</m><ds:Signature ");
    CU_ASSERT_STRING_EQUAL(verdict_on(lifted), "signature.content-changed");
    free(lifted);
    free(below);
    free(opened);
    free(text);
}

static void wrapping_inside_the_signature_is_refused(void)
{
    char *text = sign((struct recipe){.document = "<m><amount>100</amount>%s</m>"});
    char *changed = foreign_replace(text, "<m><amount>100", "<m><amount>900");
    char *wrapped = foreign_replace(changed, "</ds:Signature>",
                                    OBJECT("<m><amount>100</amount></m>") "</ds:Signature>");
    CU_ASSERT_STRING_EQUAL(verdict_on(wrapped), "signature.shape");
    free(wrapped);
    free(changed);
    free(text);
}

static void a_signature_deeper_down_is_no_signature_of_the_document(void)
{
    char *text = sign((struct recipe){.document = "<m><deep>%s</deep></m>"});
    CU_ASSERT_STRING_EQUAL(verdict_on(text), "none");
    struct mg_signature_policy policy = pki_policy(&partner);
    struct mg_signature_result result;
    struct mg_error error;
    xmlDoc *document = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET);
    xmlNode *deep = xmlDocGetRootElement(document)->children->children;
    CU_ASSERT_STRING_EQUAL(deep->name, "Signature");
    CU_ASSERT_FALSE(mg_signature_verify_enveloped(document, deep, &policy, &result, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "signature.shape");
    CU_ASSERT_FALSE(mg_signature_verify_enveloped(document, NULL, &policy, &result, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "signature.shape");
    xmlFreeDoc(document);
    free(text);
}

static void an_id_that_is_there_twice_is_refused_however_it_is_called(void)
{
    static const char *const attributes[] = {"ID=\"props\"", "id=\"props\"", "xml:id=\"props\"",
                                             "w:Id=\"props\""};
    for (size_t i = 0; i < 4; i++) {
        char document[256];
        snprintf(document, sizeof document, "<m xmlns:w=\"urn:w\"><x %s/>%%s</m>", attributes[i]);
        struct recipe recipe = {.references = WHOLE PART("#props"),
                                .objects = OBJECT(PROPERTIES),
                                .document = document};
        CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "signature.shape");
    }
    struct recipe single = {.references = WHOLE PART("#props"), .objects = OBJECT(PROPERTIES)};
    CU_ASSERT_STRING_EQUAL(verdict_on_recipe(single), "valid");
}

static void properties_outside_the_signature_are_refused(void)
{
    struct recipe recipe = {.references = WHOLE PART("#props"),
                            .document = "<m>" PROPERTIES "%s</m>",
                            .objects = OBJECT("<p:other xmlns:p=\"urn:p\"/>")};
    CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "signature.shape");
    recipe.document = "<m>%s</m>";
    recipe.references = WHOLE PART("#object");
    recipe.objects = "<ds:Object Id=\"object\">" PROPERTIES "</ds:Object>";
    CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "signature.shape");
}

static void further_references_are_refused(void)
{
    static const char *const references[] = {
        WHOLE WHOLE,
        WHOLE PART("#props") PART("#props"),
        PART("#props") PART("#props"),
        PART("#props"),
    };
    for (size_t i = 0; i < 4; i++) {
        struct recipe recipe = {.references = references[i], .objects = OBJECT(PROPERTIES)};
        CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "signature.shape");
    }
}

static void objects_beside_the_signed_properties_are_refused(void)
{
    static const char *const objects[] = {
        OBJECT(PROPERTIES "<copy/>"),
        OBJECT(PROPERTIES) OBJECT("<copy/>"),
        OBJECT("<all>" PROPERTIES "<ds:Manifest><ds:Reference/></ds:Manifest></all>"),
        OBJECT("<all>" PROPERTIES "<ds:Object/></all>"),
        OBJECT("<all>" PROPERTIES "<ds:Signature/></all>"),
        OBJECT("text" PROPERTIES),
        "<ds:Object Other=\"x\">" PROPERTIES "</ds:Object>",
    };
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        struct recipe recipe = {.references = WHOLE PART("#props"), .objects = objects[i]};
        CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "signature.shape");
    }
    struct recipe unsigned_object = {.objects = OBJECT("<copy/>")};
    CU_ASSERT_STRING_EQUAL(verdict_on_recipe(unsigned_object), "signature.shape");
}

static void a_manifest_is_refused(void)
{
    struct recipe recipe = {
        .references = WHOLE PART("#manifest"),
        .objects = OBJECT("<ds:Manifest Id=\"manifest\">" PART("#part") "</ds:Manifest>")};
    CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "signature.shape");
}

static void elements_out_of_place_are_refused(void)
{
    static const char *const changes[][2] = {
        {"</ds:SignedInfo>", "</ds:SignedInfo><ds:SignedInfo/>"},
        {"</ds:SignatureValue>", "</ds:SignatureValue><ds:SignatureValue>AAAA</ds:SignatureValue>"},
        {"</ds:Signature>", "<ds:KeyInfo/></ds:Signature>"},
        {"<ds:SignedInfo>", "<ds:Object/><ds:SignedInfo>"},
        {"<ds:SignedInfo>", "<ds:SignedInfo>text"},
        {"<ds:SignedInfo>", "<ds:SignedInfo><?pi?>"},
        {"<ds:SignedInfo>", "<ds:SignedInfo Other=\"x\">"},
        {"<ds:SignedInfo>", "<ds:SignedInfo xml:id=\"x\">"},
        {"<ds:Transforms>", "<ds:Transforms Id=\"x\">"},
        {"<ds:Transforms>", "<ds:Transforms><other/>"},
        {"<ds:DigestValue>", "<ds:DigestValue><?pi?>"},
        {"<ds:DigestValue>", "<ds:DigestValue>AAAA"},
        {"<ds:DigestValue>", "<ds:DigestValue><x/>"},
        {"<ds:SignatureValue>", "<ds:SignatureValue><?pi?>"},
        {"<ds:SignatureValue>", "<ds:SignatureValue>*"},
        {"<ds:Reference URI", "<ds:Reference Other=\"\" URI"},
        {"ecdsa-sha256\"/>",
         "ecdsa-sha256\"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>"},
        {EXCL "\"/>", EXCL "\"><other/></ds:CanonicalizationMethod>"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        CU_ASSERT_STRING_EQUAL(verdict_after(changes[i][0], changes[i][1]), "signature.shape");
}

static void transforms_in_another_order_or_number_are_refused(void)
{
    static const char *const transforms[] = {
        "",
        TRANSFORMS(""),
        TRANSFORMS(TRANSFORM(C14N)),
        TRANSFORMS(TRANSFORM(C14N) ENVELOPED),
        TRANSFORMS(ENVELOPED ENVELOPED),
        TRANSFORMS(ENVELOPED TRANSFORM(C14N) TRANSFORM(C14N)),
    };
    for (size_t i = 0; i < sizeof transforms / sizeof *transforms; i++)
        CU_ASSERT_STRING_EQUAL(verdict_after(TRANSFORMS(ENVELOPED TRANSFORM(C14N)), transforms[i]),
                               "signature.shape");
    struct recipe recipe = {
        .references =
            WHOLE REFERENCE("#props", TRANSFORMS(ENVELOPED TRANSFORM(EXCL)), DIGEST(XENC "sha256")),
        .objects = OBJECT(PROPERTIES)};
    CU_ASSERT_STRING_EQUAL(verdict_on_recipe(recipe), "signature.shape");
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_signature_without_a_certificate_is_refused),
        UNIT_TEST(a_key_that_merely_stands_in_the_signature_is_not_trusted),
        UNIT_TEST(a_certificate_of_the_partners_that_no_authority_vouches_for_is_not_trusted),
        UNIT_TEST(the_certificate_of_another_partner_is_refused_as_foreign),
        UNIT_TEST(the_partners_certificate_beside_anothers_key_does_not_help),
        UNIT_TEST(a_huge_key_info_is_refused),
        UNIT_TEST(rsa_with_1024_bits_is_too_short_whatever_the_policy_says),
        UNIT_TEST(curves_that_are_not_recommended_are_refused),
        UNIT_TEST(a_method_that_does_not_fit_the_key_is_refused),
        UNIT_TEST(sha_1_and_shorter_is_refused),
        UNIT_TEST(hmac_with_the_public_key_as_its_secret_is_refused),
        UNIT_TEST(transforms_that_run_programs_or_choose_parts_are_refused),
        UNIT_TEST(canonicalisation_with_comments_is_refused),
        UNIT_TEST(changed_content_is_noticed),
        UNIT_TEST(a_changed_signature_value_is_noticed),
        UNIT_TEST(a_value_in_a_cdata_section_is_a_value),
        UNIT_TEST(a_changed_digest_is_noticed),
        UNIT_TEST(a_digest_that_was_fitted_to_changed_content_is_noticed),
        UNIT_TEST(other_changes_inside_what_is_signed_are_noticed),
        UNIT_TEST(two_signatures_are_refused),
        UNIT_TEST(an_empty_signature_is_refused),
        UNIT_TEST(a_signature_over_a_part_is_refused),
        UNIT_TEST(references_by_xpointer_or_elsewhere_are_refused),
        UNIT_TEST(wrapping_by_an_enveloping_signature_is_refused),
        UNIT_TEST(wrapping_under_a_new_root_is_refused),
        UNIT_TEST(wrapping_inside_the_signature_is_refused),
        UNIT_TEST(a_signature_deeper_down_is_no_signature_of_the_document),
        UNIT_TEST(an_id_that_is_there_twice_is_refused_however_it_is_called),
        UNIT_TEST(properties_outside_the_signature_are_refused),
        UNIT_TEST(further_references_are_refused),
        UNIT_TEST(objects_beside_the_signed_properties_are_refused),
        UNIT_TEST(a_manifest_is_refused),
        UNIT_TEST(elements_out_of_place_are_refused),
        UNIT_TEST(transforms_in_another_order_or_number_are_refused),
    };
    pki_start();
    partner = pki_issue("partner", "P-256");
    other = pki_issue("other", "P-256");
    partner_key_info = pki_key_info(&partner);
    int status = unit_run("signature_refused", tests, sizeof tests / sizeof *tests);
    free(partner_key_info);
    pki_free(&other);
    pki_free(&partner);
    pki_stop();
    return status;
}
