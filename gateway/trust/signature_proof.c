#include "gateway/trust/signature_proof.h"

#include "gateway/trust/signature_make.h"
#include "gateway/trust/signature_value.h"

#include <libxml/parser.h>
#include <string.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

#define BEGIN      "<sample>"
#define END        "</sample>"
#define PROPERTIES "<p:proof xmlns:p=\"urn:muengsten:proof:1\" Id=\"proof\">at load</p:proof>"

static bool make_sample(const struct mg_signer *signer, struct mg_buffer *sample,
                        struct mg_error *error)
{
    uint8_t digest[32];
    const struct mg_signature_plan plan = {
        .document_uri = "",
        .document_digest = digest,
        .properties = PROPERTIES,
        .properties_id = "proof",
    };
    return mg_signature_digest(BEGIN END, strlen(BEGIN END), digest, error) &&
           mg_buffer_add_text(sample, BEGIN) && mg_signature_make(signer, &plan, sample, error) &&
           mg_buffer_add_text(sample, END);
}

static bool xmlsec_accepts(xmlDoc *document, xmlSecKey *key)
{
    static const xmlChar *identifiers[] = {BAD_CAST "Id", NULL};
    xmlNode *root = xmlDocGetRootElement(document);
    xmlNode *signature = xmlSecFindNode(root, xmlSecNodeSignature, xmlSecDSigNs);
    xmlSecDSigCtx *context = xmlSecDSigCtxCreate(NULL);
    if (!signature || !context)
        return false;
    xmlSecAddIDs(document, root, identifiers);
    context->signKey = key; /* and frees it */
    bool accepted = xmlSecDSigCtxVerify(context, signature) >= 0 &&
                    context->status == xmlSecDSigStatusSucceeded;
    xmlSecDSigCtxDestroy(context);
    return accepted;
}

bool mg_signature_prove(const struct mg_signer *signer, struct mg_error *error)
{
    struct mg_buffer sample = {0};
    xmlDoc *document = NULL;
    bool proven = make_sample(signer, &sample, error);
    if (proven) {
        document = xmlReadMemory(sample.data, (int)sample.length, NULL, NULL, XML_PARSE_NONET);
        xmlSecKey *key = mg_signature_wrap_key(X509_get0_pubkey(mg_signer_certificate(signer)));
        proven = (document && key && xmlsec_accepts(document, key)) ||
                 mg_fail(error, "signer.refused",
                         "xmlsec does not accept what this key and certificate sign; check that "
                         "they are of an admitted kind.");
    }
    if (document)
        xmlFreeDoc(document);
    mg_buffer_free(&sample);
    return proven;
}
