#include "gateway/trust/signature_make.h"

#include "gateway/trust/signature_algorithm.h"
#include "gateway/trust/signature_canonical.h"
#include "gateway/trust/signature_proof.h"
#include "gateway/trust/signature_text.h"
#include "gateway/trust/signature_value.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

/*
 * The signature is written as text, and ds:SignedInfo right away in its exclusive canonical form,
 * so that nothing is parsed or canonicalised. The form is the same wherever the signature will
 * stand, since all names have a prefix and nothing is taken from around it.
 */
#define DIGEST_SIZE          32
#define DECLARATION          " xmlns:ds=\"" MG_NAMESPACE_DSIG "\""
#define ALGORITHM(name, uri) "<ds:" name " Algorithm=\"" uri "\"></ds:" name ">"
#define DIGEST_METHOD        ALGORITHM("DigestMethod", MG_ALGORITHM_SHA256)

struct mg_signer {
    struct mg_key *key;
    X509 *certificate;
    const struct mg_signature_method *method;
    struct mg_buffer key_info; /* ds:KeyInfo */
};

bool mg_signature_digest(const void *bytes, size_t length, uint8_t digest[32],
                         struct mg_error *error)
{
    return EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL) == 1 ||
           mg_fail(error, "signature.internal", "A digest could not be computed.");
}

static bool write_key_info(struct mg_signer *signer, struct mg_error *error)
{
    unsigned char *bytes = NULL;
    int length = i2d_X509(signer->certificate, &bytes);
    if (length < 0)
        return mg_fail(error, "signer.mismatch", "The certificate cannot be written in DER form.");
    mg_buffer_add_text(&signer->key_info, "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>");
    mg_signature_add_base64(&signer->key_info, bytes, (size_t)length);
    mg_buffer_add_text(&signer->key_info, "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>");
    OPENSSL_free(bytes);
    return true;
}

/* The key does not show its public half, so it proves by a signature that it is the certificate's.
 */
static bool is_pair(const struct mg_signer *signer)
{
    static const char text[] = "Do you belong to this certificate?";
    uint8_t digest[DIGEST_SIZE], value[MG_SIGNATURE_SIZE];
    size_t length;
    EVP_PKEY *public = X509_get0_pubkey(signer->certificate);
    int wanted = signer->key->kind == MG_KEY_RSA ? EVP_PKEY_RSA : EVP_PKEY_EC;
    return public && EVP_PKEY_get_base_id(public) == wanted &&
           mg_signature_digest(text, sizeof text, digest, NULL) &&
           mg_key_sign(signer->key, MG_DIGEST_SHA256, digest, value, &length, NULL) &&
           mg_signature_value_check(signer->method, public, text, sizeof text, value, length, NULL);
}

struct mg_signer *mg_signer_new(struct mg_key *key, X509 *certificate, struct mg_error *error)
{
    struct mg_signer *signer = mg_allocate_zeroed(1, sizeof *signer);
    signer->key = key;
    signer->method = mg_signature_method_of(key->kind);
    X509_up_ref(certificate);
    signer->certificate = certificate;
    if (!is_pair(signer)) {
        mg_fail(error, "signer.mismatch",
                "The private key does not belong to the certificate, or cannot sign.");
        mg_signer_free(signer);
        return NULL;
    }
    if (!write_key_info(signer, error) || !mg_signature_prove(signer, error)) {
        mg_signer_free(signer);
        return NULL;
    }
    return signer;
}

void mg_signer_free(struct mg_signer *signer)
{
    if (!signer)
        return;
    mg_buffer_free(&signer->key_info);
    X509_free(signer->certificate);
    mg_key_free(signer->key);
    free(signer);
}

struct mg_key *mg_signer_key(const struct mg_signer *signer)
{
    return signer->key;
}

const X509 *mg_signer_certificate(const struct mg_signer *signer)
{
    return signer->certificate;
}

static bool add_reference(struct mg_buffer *text, const char *before, const char *uri,
                          const char *transforms, const uint8_t *digest)
{
    return mg_buffer_add_text(text, "<ds:Reference URI=\"") && mg_buffer_add_text(text, before) &&
           mg_signature_add_attribute(text, uri) && mg_buffer_add_text(text, "\">") &&
           mg_buffer_add_text(text, transforms) &&
           mg_buffer_add_text(text, DIGEST_METHOD "<ds:DigestValue>") &&
           mg_signature_add_base64(text, digest, DIGEST_SIZE) &&
           mg_buffer_add_text(text, "</ds:DigestValue></ds:Reference>");
}

/* What follows the start tag of ds:SignedInfo, its end tag included. */
static bool add_signed_info(struct mg_buffer *text, const struct mg_signer *signer,
                            const struct mg_signature_plan *plan, const uint8_t *properties)
{
    static const char enveloped[] = "<ds:Transforms>" ALGORITHM("Transform", MG_ALGORITHM_ENVELOPED)
        ALGORITHM("Transform", MG_ALGORITHM_CANONICAL) "</ds:Transforms>";
    static const char detached[] =
        "<ds:Transforms>" ALGORITHM("Transform", MG_ALGORITHM_CANONICAL) "</ds:Transforms>";
    static const char exclusive[] = "<ds:Transforms>" ALGORITHM(
        "Transform", MG_ALGORITHM_CANONICAL_EXCLUSIVE) "</ds:Transforms>";
    bool written =
        mg_buffer_add_text(
            text, ALGORITHM("CanonicalizationMethod",
                            MG_ALGORITHM_CANONICAL_EXCLUSIVE) "<ds:SignatureMethod Algorithm=\"") &&
        mg_buffer_add_text(text, signer->method->uri) &&
        mg_buffer_add_text(text, "\"></ds:SignatureMethod>") &&
        add_reference(text, "", plan->document_uri, plan->document_uri[0] ? detached : enveloped,
                      plan->document_digest);
    for (size_t i = 0; i < plan->attachment_count && written; i++)
        written =
            add_reference(text, "", plan->attachments[i].uri, "", plan->attachments[i].digest);
    return written &&
           (!plan->properties ||
            add_reference(text, "#", plan->properties_id, exclusive, properties)) &&
           mg_buffer_add_text(text, "</ds:SignedInfo>");
}

/* The digest of ds:SignedInfo: the start tag of its canonical form, and the text from there on. */
static bool digest_signed_info(const struct mg_buffer *text, size_t begin,
                               uint8_t digest[DIGEST_SIZE])
{
    static const char start[] = "<ds:SignedInfo" DECLARATION ">";
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(context, start, sizeof start - 1) == 1 &&
                EVP_DigestUpdate(context, text->data + begin, text->length - begin) == 1 &&
                EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return done;
}

static bool add_start(struct mg_buffer *text, const char *id)
{
    return mg_buffer_add_text(text, "<ds:Signature" DECLARATION) &&
           (!id || (mg_buffer_add_text(text, " Id=\"") && mg_signature_add_attribute(text, id) &&
                    mg_buffer_add_text(text, "\""))) &&
           mg_buffer_add_text(text, "><ds:SignedInfo>");
}

static bool add_rest(struct mg_buffer *text, const struct mg_signer *signer, const char *properties,
                     const uint8_t *value, size_t length)
{
    return mg_buffer_add_text(text, "<ds:SignatureValue>") &&
           mg_signature_add_base64(text, value, length) &&
           mg_buffer_add_text(text, "</ds:SignatureValue>") &&
           mg_buffer_add(text, signer->key_info.data, signer->key_info.length) &&
           (!properties ||
            (mg_buffer_add_text(text, "<ds:Object>") && mg_buffer_add_text(text, properties) &&
             mg_buffer_add_text(text, "</ds:Object>"))) &&
           mg_buffer_add_text(text, "</ds:Signature>");
}

bool mg_signature_make_canonical(const struct mg_signer *signer,
                                 const struct mg_signature_plan *plan, struct mg_buffer *text,
                                 struct mg_error *error)
{
    uint8_t digest[DIGEST_SIZE], properties[DIGEST_SIZE], value[MG_SIGNATURE_SIZE];
    size_t length, begin;
    if (plan->properties &&
        !mg_signature_digest(plan->properties, strlen(plan->properties), properties, error))
        return false;
    if (!add_start(text, plan->id))
        goto full;
    begin = text->length;
    if (!add_signed_info(text, signer, plan, properties))
        goto full;
    if (!digest_signed_info(text, begin, digest))
        return mg_fail(error, "signature.internal", "A digest could not be computed.");
    if (!mg_key_sign(signer->key, MG_DIGEST_SHA256, digest, value, &length, error))
        return false;
    if (add_rest(text, signer, plan->properties, value, length))
        return true;
full:
    return mg_fail(error, "signature.internal", "The signature is longer than it may be.");
}

/* The exclusive canonical form of an element that was given as text. */
static bool canonicalise(const char *properties, struct mg_buffer *canonical,
                         struct mg_error *error)
{
    struct mg_canonical exclusive = {.mode = XML_C14N_EXCLUSIVE_1_0};
    xmlDoc *document = xmlReadMemory(properties, (int)strlen(properties), NULL, NULL,
                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    bool done = document && mg_canonical_document(document, &exclusive, canonical, NULL);
    xmlFreeDoc(document);
    return done || mg_fail(error, "signature.internal",
                           "The properties to be signed are not one well-formed element.");
}

bool mg_signature_make(const struct mg_signer *signer, const struct mg_signature_plan *plan,
                       struct mg_buffer *text, struct mg_error *error)
{
    if (!plan->properties)
        return mg_signature_make_canonical(signer, plan, text, error);
    struct mg_buffer properties = {0};
    bool made = canonicalise(plan->properties, &properties, error);
    if (made) {
        struct mg_signature_plan canonical = *plan;
        canonical.properties = properties.data;
        made = mg_signature_make_canonical(signer, &canonical, text, error);
    }
    mg_buffer_free(&properties);
    return made;
}
