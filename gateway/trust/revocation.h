/*
 * revocation: OpenSSL stores that look certificates up in the lists that exist, and what to think
 * of lists past their nextUpdate.
 *
 * The judgement is the store's own verify callback, so that it is the same in OpenSSL's TLS and in
 * mg_anchors_check. A verify callback given to SSL_CTX_set_verify would take its place: there has
 * to be none.
 */
#ifndef MUENGSTEN_TRUST_REVOCATION_H
#define MUENGSTEN_TRUST_REVOCATION_H

#include "gateway/trust/certificate.h"

/* What is thought of stale lists, and when that was last logged. Shared by all stores of one set of
 * anchors, so that exchanged lists do not log anew. Counted references. */
struct mg_revocation;

struct mg_revocation *mg_revocation_new(enum mg_stale_list stale);
void mg_revocation_free(struct mg_revocation *revocation);

/* A store of authorities and lists (NULL: no certificate is looked up). It holds references of its
 * own to all of them. */
X509_STORE *mg_revocation_store(struct mg_revocation *revocation, STACK_OF(X509) * authorities,
                                STACK_OF(X509_CRL) * lists);

/* The moment until which what was just verified will hold, in milliseconds since 1970: a
 * certificate of the chain expires then, or a list of an issuer begins or ceases to count, or is
 * stale and has to be warned of again. context: one with which verification succeeded. */
int64_t mg_revocation_until(X509_STORE_CTX *context, int64_t now);

#endif
