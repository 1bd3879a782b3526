/*
 * signature_foreign: signatures made by somebody else's program, namely xmlsec's own signing, which
 * signs whatever a template says, admitted or not. The tests so know that a signature is refused
 * for its shape, and not because it would not be valid anyway.
 */
#ifndef MUENGSTEN_TESTS_SIGNATURE_FOREIGN_H
#define MUENGSTEN_TESTS_SIGNATURE_FOREIGN_H

#include <openssl/evp.h>
#include <stddef.h>

#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define MORE "http://www.w3.org/2001/04/xmldsig-more#"
#define XENC "http://www.w3.org/2001/04/xmlenc#"
#define C14N "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define EXCL "http://www.w3.org/2001/10/xml-exc-c14n#"

#define TRANSFORM(uri)  "<ds:Transform Algorithm=\"" uri "\"/>"
#define TRANSFORMS(all) "<ds:Transforms>" all "</ds:Transforms>"
#define DIGEST(uri)     "<ds:DigestMethod Algorithm=\"" uri "\"/><ds:DigestValue/>"
#define REFERENCE(uri, transforms, digest)                                                         \
    "<ds:Reference URI=\"" uri "\">" transforms digest "</ds:Reference>"
#define ENVELOPED TRANSFORM(DSIG "enveloped-signature")
#define WHOLE     REFERENCE("", TRANSFORMS(ENVELOPED TRANSFORM(C14N)), DIGEST(XENC "sha256"))

/* What differs from signature to signature; NULL: the usual. */
struct recipe {
    const char *canonical;         /* algorithm of ds:SignedInfo's; usually exclusive */
    const char *canonical_content; /* what that element holds; usually nothing */
    const char *method;            /* usually ecdsa-sha256 */
    const char *references;        /* usually WHOLE */
    const char *objects;           /* usually none */
    const char *document;          /* with %s where the signature goes; usually a small document */
    const char *key_info;          /* whole ds:KeyInfo; NULL: none */
    EVP_PKEY *key;
    const void *secret; /* for HMAC */
    size_t secret_length;
};

/* The signed document; the caller frees it. NULL if xmlsec did not sign. */
char *foreign_sign(const struct recipe *recipe);

/* A copy of text in which the first occurrence of a piece is another; the process ends if there is
 * none. The caller frees it. */
char *foreign_replace(const char *text, const char *piece, const char *by);

#endif
