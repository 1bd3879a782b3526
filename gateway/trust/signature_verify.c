#include "gateway/trust/signature.h"
#include "gateway/trust/signature_certificate.h"
#include "gateway/trust/signature_shape.h"
#include "gateway/trust/signature_value.h"

#include <libxml/c14n.h>
#include <stdlib.h>
#include <string.h>

bool mg_signature_find(xmlDoc *document, xmlNode **signature, struct mg_error *error)
{
    *signature = NULL;
    const xmlNode *root = xmlDocGetRootElement(document);
    for (xmlNode *node = root ? root->children : NULL; node; node = node->next) {
        if (!mg_signature_is(node, "Signature"))
            continue;
        if (*signature) {
            *signature = NULL;
            return mg_fail(error, "signature.more-than-one",
                           "The document element has more than one ds:Signature. Sign once.");
        }
        *signature = node;
    }
    return true;
}

/*
 * A document seen in two halves, without copying or moving anything: the content as if the
 * signature was not there, and the signature as if the content was not there. The first is what
 * enveloped-signature means; the second spares libxml2 the walk over the whole content for the
 * canonical form of ds:SignedInfo, with the document element's namespaces still around it.
 */
struct halves {
    xmlNode *root, *signature;
    xmlNode *first, *last, *previous, *next;
};

static struct halves cut(xmlNode *signature)
{
    xmlNode *root = signature->parent;
    return (struct halves){.root = root,
                           .signature = signature,
                           .first = root->children,
                           .last = root->last,
                           .previous = signature->prev,
                           .next = signature->next};
}

static void show_content(const struct halves *halves)
{
    halves->root->children = halves->previous ? halves->first : halves->next;
    halves->root->last = halves->next ? halves->last : halves->previous;
    if (halves->previous)
        halves->previous->next = halves->next;
    if (halves->next)
        halves->next->prev = halves->previous;
}

static void show_signature(const struct halves *halves)
{
    halves->root->children = halves->root->last = halves->signature;
    halves->signature->prev = halves->signature->next = NULL;
}

static void show_all(const struct halves *halves)
{
    halves->root->children = halves->first;
    halves->root->last = halves->last;
    halves->signature->prev = halves->previous;
    halves->signature->next = halves->next;
    if (halves->previous)
        halves->previous->next = halves->signature;
    if (halves->next)
        halves->next->prev = halves->signature;
}

static bool compare(const struct mg_signature_reference *reference,
                    const uint8_t digest[EVP_MAX_MD_SIZE], struct mg_error *error)
{
    size_t length = (size_t)EVP_MD_get_size(mg_digest_implementation(reference->digest));
    if (memcmp(digest, reference->value, length) != 0)
        return mg_fail(error, "signature.content-changed",
                       "%s changed after the signing. Sign what is sent, and change nothing "
                       "afterwards, white space included.",
                       reference->target ? "The signed properties" : "The document");
    return true;
}

/* What a reference covers: its target, or the document. */
static bool check_reference(xmlDoc *document, struct mg_signature_reference *reference,
                            struct mg_error *error)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    return mg_canonical_digest(document, reference->target, &reference->canonical,
                               mg_digest_implementation(reference->digest), digest, error) &&
           compare(reference, digest, error);
}

/* Likewise for a document in the form that others need too: what was digested is handed on. */
static bool keep_document(xmlDoc *document, struct mg_signature_reference *reference,
                          struct mg_signature_result *result, struct mg_error *error)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct mg_buffer bytes = {0};
    bool unchanged = mg_canonical_document(document, &reference->canonical, &bytes, error);
    if (unchanged && EVP_Digest(bytes.data, bytes.length, digest, NULL,
                                mg_digest_implementation(reference->digest), NULL) != 1)
        unchanged = mg_fail(error, "signature.internal",
                            "The signature could not be checked because of a failure in the "
                            "gateway.");
    unchanged = unchanged && compare(reference, digest, error);
    if (unchanged) {
        result->canonical_length = bytes.length;
        result->canonical = mg_buffer_take(&bytes);
    }
    mg_buffer_free(&bytes);
    return unchanged;
}

/* The reference to the document. */
static bool check_document(xmlDoc *document, struct mg_signature_shape *shape,
                           struct mg_signature_result *result, struct mg_error *error)
{
    struct mg_signature_reference *reference = &shape->references[0];
    if (reference->target)
        reference++;
    return reference->canonical.mode == XML_C14N_1_0
               ? keep_document(document, reference, result, error)
               : check_reference(document, reference, error);
}

/* The reference to signed properties, if there is one. */
static bool check_properties(struct mg_signature_shape *shape, struct mg_error *error)
{
    for (size_t i = 0; i < shape->reference_count; i++) {
        struct mg_signature_reference *reference = &shape->references[i];
        if (reference->target && !check_reference(reference->target->doc, reference, error))
            return false;
    }
    return true;
}

/* Everything that needs the two documents; signature is NULL, or the one inside the document. */
static bool check_references(xmlDoc *document, xmlNode *signature, struct mg_signature_shape *shape,
                             struct mg_buffer *signed_info, struct mg_signature_result *result,
                             struct mg_error *error)
{
    struct halves halves = signature ? cut(signature) : (struct halves){.root = NULL};
    if (signature)
        show_content(&halves);
    bool unchanged = check_document(document, shape, result, error);
    if (signature)
        show_signature(&halves);
    unchanged = unchanged && check_properties(shape, error) &&
                mg_canonical_element(shape->signed_info, &shape->canonical, signed_info, error);
    if (signature)
        show_all(&halves);
    return unchanged;
}

static bool verify(xmlDoc *document, xmlNode *signature, struct mg_signature_shape *shape,
                   const struct mg_signature_policy *policy, struct mg_signature_result *result,
                   struct mg_error *error)
{
    X509 *signer;
    if (!mg_signature_signer(shape->key_info, policy, shape->method, &signer, result, error))
        return false;
    snprintf(result->method, sizeof result->method, "%s", shape->method->uri);
    struct mg_buffer signed_info = {0};
    bool valid =
        check_references(document, signature, shape, &signed_info, result, error) &&
        mg_signature_value_check(shape->method, X509_get0_pubkey(signer), signed_info.data,
                                 signed_info.length, shape->value, shape->value_length, error);
    if (!valid) {
        free(result->canonical);
        *result = (struct mg_signature_result){.canonical = NULL};
    }
    mg_buffer_free(&signed_info);
    X509_free(signer);
    return valid;
}

bool mg_signature_verify_enveloped(xmlDoc *document, xmlNode *signature,
                                   const struct mg_signature_policy *policy,
                                   struct mg_signature_result *result, struct mg_error *error)
{
    struct mg_signature_shape shape;
    xmlNode *only;
    *result = (struct mg_signature_result){.canonical = NULL};
    if (!mg_signature_find(document, &only, error))
        return false;
    if (!signature || signature != only)
        return mg_fail(error, "signature.shape",
                       "The signature is not a child of the document element.");
    return mg_signature_shape_read(signature, NULL, &shape, error) &&
           verify(document, signature, &shape, policy, result, error);
}

bool mg_signature_verify_detached(xmlDoc *document, const char *uri, xmlDoc *signature,
                                  const struct mg_signature_policy *policy,
                                  struct mg_signature_result *result, struct mg_error *error)
{
    struct mg_signature_shape shape;
    *result = (struct mg_signature_result){.canonical = NULL};
    return mg_signature_shape_read(xmlDocGetRootElement(signature), uri, &shape, error) &&
           verify(document, NULL, &shape, policy, result, error);
}
