/*
 * signature_shape: compares a ds:Signature with the two shapes that are admitted (see signature.h),
 * before anything is computed. What passes has a reference to the whole document and perhaps one to
 * an element inside the same signature, and nothing in it is left to interpretation: that is why
 * moving signed elements around (signature wrapping) cannot work.
 */
#ifndef MUENGSTEN_TRUST_SIGNATURE_SHAPE_H
#define MUENGSTEN_TRUST_SIGNATURE_SHAPE_H

#include "gateway/trust/signature_algorithm.h"
#include "gateway/trust/signature_canonical.h"

struct mg_signature_reference {
    xmlNode *target; /* the signed properties; NULL: the document */
    struct mg_canonical canonical;
    enum mg_digest digest;
    uint8_t value[EVP_MAX_MD_SIZE];
};

struct mg_signature_shape {
    xmlNode *signed_info;
    struct mg_canonical canonical; /* of ds:SignedInfo */
    const struct mg_signature_method *method;
    struct mg_signature_reference references[2];
    size_t reference_count;
    uint8_t value[MG_SIGNATURE_SIZE];
    size_t value_length;
    const xmlNode *key_info;
};

/* Reads a signature. uri: NULL for an enveloped one; else what the document reference of a detached
 * one may say beside "". Codes: signature.shape, signature.algorithm, signature.no-certificate (no
 * KeyInfo). */
bool mg_signature_shape_read(xmlNode *signature, const char *uri, struct mg_signature_shape *shape,
                             struct mg_error *error);

/* True if the node is an element of XML Signature of that local name. */
bool mg_signature_is(const xmlNode *node, const char *name);

/* The text of an element that has nothing but text, or NULL; at most one node, so nothing is
 * copied. */
const char *mg_signature_text(const xmlNode *element);

#endif
