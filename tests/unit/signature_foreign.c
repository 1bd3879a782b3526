#include "tests/unit/signature_foreign.h"

#include "gateway/base/buffer.h"
#include "gateway/base/error.h"

#include <libxml/parser.h>
#include <string.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

static const char usual_document[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<!-- not signed --><?style none?>\n"
    "<m:message xmlns:m=\"urn:example:message\" xmlns=\"urn:example:default\" xml:lang=\"de\""
    " b=\"2\" a=\"1 &lt; &quot;2&quot;\">\n"
    "  <plain xmlns:unused=\"urn:example:unused\">K\xc3\xb6ln &amp; Br\xc3\xbchl &gt; "
    "<![CDATA[<x>]]></plain>\n"
    "  <m:part Id=\"part\"/>\n"
    "  <m:amount>100</m:amount>\n  %s\n</m:message>\n";

static char *template_of(const struct recipe *recipe)
{
    struct mg_buffer text = {0};
    const char *document = recipe->document ? recipe->document : usual_document;
    const char *place = strstr(document, "%s");
    if (!place)
        mg_die("a document of the tests has no place for its signature");
    mg_buffer_add(&text, document, (size_t)(place - document));
    mg_buffer_print(
        &text,
        "<ds:Signature xmlns:ds=\"" DSIG "\"><ds:SignedInfo>"
        "<ds:CanonicalizationMethod "
        "Algorithm=\"%s\">%s</ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"%s\"/>%s"
        "</ds:SignedInfo>\n<ds:SignatureValue/>%s</ds:Signature>",
        recipe->canonical ? recipe->canonical : EXCL,
        recipe->canonical_content ? recipe->canonical_content : "",
        recipe->method ? recipe->method : MORE "ecdsa-sha256",
        recipe->references ? recipe->references : WHOLE, recipe->objects ? recipe->objects : "");
    mg_buffer_add_text(&text, place + 2);
    return mg_buffer_take(&text);
}

static xmlSecKey *key_of(const struct recipe *recipe)
{
    xmlSecKey *key;
    if (recipe->secret)
        return xmlSecKeyReadMemory(xmlSecOpenSSLKeyDataHmacGetKlass(), recipe->secret,
                                   (xmlSecSize)recipe->secret_length);
    EVP_PKEY_up_ref(recipe->key);
    key = xmlSecKeyCreate();
    xmlSecKeySetValue(key, xmlSecOpenSSLEvpKeyAdopt(recipe->key));
    return key;
}

char *foreign_sign(const struct recipe *recipe)
{
    static const xmlChar *ids[] = {BAD_CAST "Id", NULL};
    char *template = template_of(recipe), *result = NULL;
    xmlDoc *document = xmlReadMemory(template, (int)strlen(template), NULL, NULL, XML_PARSE_NONET);
    if (!document)
        mg_die("a template of the tests is not well-formed");
    xmlNode *root = xmlDocGetRootElement(document);
    xmlSecAddIDs(document, root, ids);
    xmlSecDSigCtx *context = xmlSecDSigCtxCreate(NULL);
    context->signKey = key_of(recipe);
    xmlNode *node = xmlSecFindNode(root, BAD_CAST "Signature", BAD_CAST DSIG);
    if (xmlSecDSigCtxSign(context, node) == 0 && context->status == xmlSecDSigStatusSucceeded) {
        xmlChar *text;
        int length;
        xmlDocDumpMemory(document, &text, &length);
        struct mg_buffer with_key = {0};
        mg_buffer_print(&with_key, "</ds:SignatureValue>%s",
                        recipe->key_info ? recipe->key_info : "");
        result = foreign_replace((const char *)text, "</ds:SignatureValue>", with_key.data);
        mg_buffer_free(&with_key);
        xmlFree(text);
    }
    xmlSecDSigCtxDestroy(context);
    xmlFreeDoc(document);
    free(template);
    return result;
}

char *foreign_replace(const char *text, const char *piece, const char *by)
{
    struct mg_buffer changed = {0};
    const char *place = strstr(text, piece);
    if (!place)
        mg_die("the tests do not find what they want to replace: %s", piece);
    mg_buffer_add(&changed, text, (size_t)(place - text));
    mg_buffer_add_text(&changed, by);
    mg_buffer_add_text(&changed, place + strlen(piece));
    return mg_buffer_take(&changed);
}
