/*
 * seals: which certificate seals and which one is announced, as the audit trail remembers it from
 * one start to the next. Each change is an entry that says all of it:
 *
 *     {"act":"seal-changed","version":"…","configuration":"…","certificate":"…","known":"…",
 *      "since":…,"next":"…","from":…,"reason":"certificate …, unannounced"}
 *
 * Certificates are the SHA-256 of their DER form in hexadecimal, moments milliseconds since 1970.
 * Members that say nothing are left out: `known` and `since` where what seals is what partners
 * know, `next` and `from` where nothing is announced.
 */
#ifndef MUENGSTEN_AUDIT_SEALS_H
#define MUENGSTEN_AUDIT_SEALS_H

#include "gateway/audit/audit.h"

/* Under which the entries are found in the journal. */
#define MG_AUDIT_SEAL "seal"

/* Fingerprints are zeros where there is none. */
struct mg_audit_seal {
    struct mg_fingerprint certificate; /* what seals */
    /* What partners know to seal. Another one from when something sealed that was not announced
     * until an operator has said that it is meant. */
    struct mg_fingerprint known;
    int64_t since; /* when the two parted; 0: they are one */
    struct mg_fingerprint next;
    int64_t from; /* when that one is to seal */
};

/* seal-noted, seal-announced, seal-withdrawn, seal-changed, seal-confirmed: what is so from now on.
 * On the thread of the loop. */
void mg_audit_seal(struct mg_audit *audit, const char *act, const struct mg_audit_seal *seal,
                   const char *configuration, const char *reason);

/* What was so last: by the newest of the entries or, where retention has deleted it, by who signed
 * the last closing of a day; zeros if there is neither. Blocks: before the loop runs. Code
 * store.failed. */
bool mg_audit_last_seal(struct mg_store *store, struct mg_audit_seal *seal, struct mg_error *error);

#endif
