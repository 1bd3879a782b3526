/*
 * signature: verifies the sender's XML signature (W3C XML Signature 1.1) and makes our own.
 *
 * Verification is narrow on purpose. Before xmlsec sees anything, the shape is compared with the
 * only two that are admitted, and what is unexpected is refused:
 *  - enveloped: exactly one ds:Signature as a child of the document element. One reference with
 * URI="" to the whole document, whose transforms are enveloped-signature and one canonicalisation,
 * no others; at most one further reference, to one element inside the same signature (XAdES signed
 * properties, our own seal properties), with at most one canonicalisation.
 *  - detached: the signature is a document of its own; one reference to the other document (by the
 * URI that the caller expects, or URI=""), with at most one canonicalisation. Algorithms: digests
 * SHA-256/384/512; ECDSA (P-256/384/521, brainpool) and RSA PKCS#1 or PSS from 3000 bits (BSI
 * TR-02102-1), 2048 where the policy says until when; canonical XML 1.0, 1.1 and exclusive, without
 * comments. Never HMAC, SHA-1, XSLT, XPath. The key comes from the first certificate in
 * KeyInfo/X509Data that is the signer's, and that certificate from the anchors: a key that merely
 * stands in KeyInfo counts for nothing.
 */
#ifndef MUENGSTEN_TRUST_SIGNATURE_H
#define MUENGSTEN_TRUST_SIGNATURE_H

#include "gateway/base/buffer.h"
#include "gateway/base/error.h"
#include "gateway/trust/certificate.h"
#include "gateway/trust/key.h"

#include <libxml/tree.h>

#define MG_NAMESPACE_DSIG "http://www.w3.org/2000/09/xmldsig#"

/* Whether a way in wants a signature (of a profile, by way in). */
enum mg_signature_demand {
    MG_SIGNATURE_REQUIRED,  /* enveloped or detached */
    MG_SIGNATURE_OPTIONAL,  /* none is accepted; a bad one is not */
    MG_SIGNATURE_ENVELOPED, /* required, and enveloped */
    MG_SIGNATURE_DETACHED,  /* required, and detached */
    MG_SIGNATURE_FORBIDDEN,
};

/* What a sender may use, and who the sender is. Borrowed for the call. */
struct mg_signature_policy {
    struct mg_anchors *anchors;
    /* True if the certificate is one of the partner's own: the second half of trust, after the
     * chain. */
    bool (*is_signer)(const X509 *certificate, const void *context);
    const void *context;
    int64_t
        rsa_2048_until; /* milliseconds since 1970; RSA from 2048 bits counts before; 0: never */
};

/* What was verified. */
struct mg_signature_result {
    struct mg_fingerprint signer;
    char subject[256];
    char method[80]; /* URI of the signature method */
    /* Canonical XML 1.0 of the document without the signature, if that is what the sender signed:
     * then it need not be computed again. NULL otherwise. The caller frees it with free(). */
    char *canonical;
    size_t canonical_length;
};

/* Finds the enveloped signature: *signature is the one ds:Signature child of the document element,
 * or NULL if there is none. More than one: signature.more-than-one. */
bool mg_signature_find(xmlDoc *document, xmlNode **signature, struct mg_error *error);

/*
 * Verifies an enveloped signature. Afterwards the very tree that was verified is used: the
 * signature is still in it; the caller unlinks it. Codes: signature.shape (and in which respect),
 * signature.algorithm, signature.key-too-short, signature.no-certificate,
 * signature.foreign-certificate (of another partner), certificate.* (see certificate.h),
 * signature.content-changed (a digest does not match), signature.value (the signature value does
 * not match), signature.internal.
 */
bool mg_signature_verify_enveloped(xmlDoc *document, xmlNode *signature,
                                   const struct mg_signature_policy *policy,
                                   struct mg_signature_result *result, struct mg_error *error);

/* Verifies a detached signature document over a document. uri is what its reference may say beside
 * "". */
bool mg_signature_verify_detached(xmlDoc *document, const char *uri, xmlDoc *signature,
                                  const struct mg_signature_policy *policy,
                                  struct mg_signature_result *result, struct mg_error *error);

/* A key with its certificate, ready to sign: the KeyInfo is built once. Immutable, any thread. */
struct mg_signer;

/* Takes the key over, also on failure. signer.mismatch if key and certificate do not belong
 * together, signer.refused if xmlsec does not verify what they sign (signature_proof.h). */
struct mg_signer *mg_signer_new(struct mg_key *key, X509 *certificate, struct mg_error *error);
void mg_signer_free(struct mg_signer *signer);
const X509 *mg_signer_certificate(const struct mg_signer *signer);

/* What a signature shall cover. */
struct mg_signature_plan {
    const char *id;           /* value of the Id of ds:Signature; NULL: none */
    const char *document_uri; /* "": enveloped; else the reference's URI for a detached one */
    const uint8_t
        *document_digest; /* SHA-256 of the document's canonical form (mg_xml_canonical) */
    /* Digests of attachments, each a reference of its own over the bytes as they are; may be none.
     */
    struct mg_signature_attachment {
        const char *uri;
        const uint8_t *digest;
    } const *attachments;
    size_t attachment_count;
    /* XML text of one element with an Id attribute that goes into ds:Object and is signed too, or
     * NULL. It declares every namespace that it uses. */
    const char *properties;
    const char *properties_id; /* its Id */
};

/* Makes a ds:Signature as text, to be put in front of the end tag of the document element
 * (enveloped), or to stand alone (detached). SHA-256. Appends to text. Codes: key.sign,
 * signature.internal. */
bool mg_signature_make(const struct mg_signer *signer, const struct mg_signature_plan *plan,
                       struct mg_buffer *text, struct mg_error *error);

/* Call once at start and end of the process, before and after all other threads. */
bool mg_trust_start(struct mg_error *error);
void mg_trust_stop(void);

#endif
