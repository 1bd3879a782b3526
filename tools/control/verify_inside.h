/*
 * verify_inside: what the parts of verify say to each other. Only verify*.c include it.
 */
#ifndef MUENGSTEN_TOOLS_CONTROL_VERIFY_INSIDE_H
#define MUENGSTEN_TOOLS_CONTROL_VERIFY_INSIDE_H

#include "tools/control/verify.h"

#include <libxml/tree.h>
#include <openssl/x509.h>

/* What is judged: a document and the signature over it. */
struct mg_verify_papers {
    xmlDoc *document;
    xmlDoc *apart;      /* a detached signature's; NULL: it is inside the document */
    xmlNode *signature; /* NULL: there is none */
};

/* Reads FILE and what belongs to it; says in the verdict which form it has and which files. */
bool mg_verify_read(const struct mg_verify_request *request, struct mg_verify_papers *papers,
                    struct mg_verdict *verdict, struct mg_error *error);
void mg_verify_papers_free(struct mg_verify_papers *papers);

/* Reads one document of XML, which may be as long as any gateway takes. */
xmlDoc *mg_verify_parse_file(const char *path, struct mg_error *error);

/* SHA-256 of the canonical form of a document without its signature, in hexadecimal. */
bool mg_verify_digest(xmlDoc *document, char digest[65], struct mg_error *error);

void mg_verify_hexadecimal(const uint8_t bytes[32], char text[65]);

/* True if the node is an element of XML Signature of that local name. */
bool mg_verify_is_signature_part(const xmlNode *node, const char *name);

/* Adds a check; its result counts for the whole. code is constant. */
struct mg_verify_check *mg_verify_add(struct mg_verdict *verdict, const char *name,
                                      enum mg_verify_result result, const char *code);

/* Proves the signature with a certificate that it brings along, and returns that; NULL, with the
 * check "signature" failed, if none of them made it. The caller frees it with X509_free. */
X509 *mg_verify_signature(const struct mg_verify_papers *papers, const char *uri,
                          struct mg_verdict *verdict);

/* Whether that certificate counts, as of the verdict's moment: the checks "certificate",
 * "revocation" and "signer". False if what the request names cannot be read. */
bool mg_verify_signer(const struct mg_verify_request *request, X509 *certificate,
                      struct mg_verdict *verdict, struct mg_error *error);

#endif
