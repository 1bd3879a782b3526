/*
 * proven: remembers which certificates were proven to be good for a use, and until when that holds.
 *
 * A bounded table with a lock of its own; when it is full, older proofs make room and are made
 * again when needed. Only what was proven enters, so nobody outside can fill it with certificates
 * of their own making. Any thread.
 */
#ifndef MUENGSTEN_TRUST_PROVEN_H
#define MUENGSTEN_TRUST_PROVEN_H

#include "gateway/trust/certificate.h"

struct mg_proven;

struct mg_proof {
    struct mg_fingerprint fingerprint;
    enum mg_certificate_use use;
    uint64_t generation;  /* of the revocation lists that it rests on; never 0 */
    int64_t since, until; /* milliseconds since 1970; outside it has to be proven again */
};

struct mg_proven *mg_proven_new(void);
void mg_proven_free(struct mg_proven *proven);

void mg_proven_add(struct mg_proven *proven, const struct mg_proof *proof);

/* True if this was proven with the lists of that generation and holds at that moment. */
bool mg_proven_find(struct mg_proven *proven, const struct mg_fingerprint *fingerprint,
                    enum mg_certificate_use use, uint64_t generation, int64_t now);

#endif
