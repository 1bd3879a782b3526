/*
 * verify: finds out whether an audit trail is as it was written: no entry removed, changed,
 * inserted or moved, and each closed day with its signature. Blocks; any thread but the loop's.
 *
 * What stands after the last closing is chained, but not signed yet: whoever can write to the file
 * can cut it off there without a trace but in what was exported. What is known of that is compared.
 */
#ifndef MUENGSTEN_AUDIT_VERIFY_H
#define MUENGSTEN_AUDIT_VERIFY_H

#include "gateway/audit/export.h"
#include "gateway/store/journal.h"

#include <openssl/x509.h>

/* Where the entries come from: such as the file of a store (mg_store_journal_read). */
struct mg_audit_source {
    bool (*read)(void *context, const struct mg_store_journal_query *query,
                 struct mg_store_lines *lines, struct mg_error *error);
    void *context;
    const struct mg_audit_left *left; /* NULL: nothing is known; read before the entries */
};
struct mg_audit_source mg_audit_source_of_file(struct mg_store_journal_file *file);

#define MG_AUDIT_SIGNERS 16

struct mg_audit_report {
    bool whole;      /* nothing was found to be wrong */
    int64_t last;    /* number of the last entry; 0: there is none */
    int64_t entries; /* that are there */
    int64_t deleted; /* up to this number retention deleted them, but for the closings; 0: none */
    int64_t days;    /* closings */
    char first_day[11]; /* the first and the last closed day, "2026-11-25"; empty: none */
    char last_day[11];
    int64_t unsigned_entries; /* after those that the last closing covers */
    int64_t wrong;            /* if it is not whole: the number of the first entry that is wrong */
    struct mg_error error;    /* and what is wrong with it: audit.missing, audit.changed,
                               * audit.closing, audit.signature, audit.signer */
    /* Whose signatures close the days, in the order in which they were first met. */
    struct mg_audit_signer {
        char subject[256];
        char fingerprint[65]; /* SHA-256, in hexadecimal */
        char from[11];        /* the first and the last day with a signature of it */
        char to[11];
    } signers[MG_AUDIT_SIGNERS];
    size_t signer_count;
};

/* trusted: authorities, or the gateway's own seal certificates: signers that are neither among them
 * nor issued by them are refused (audit.signer). NULL: every signer counts, and who it was is told.
 * False, with the reason, only if the entries cannot be read. */
bool mg_audit_verify(const struct mg_audit_source *source, X509_STORE *trusted,
                     struct mg_audit_report *report, struct mg_error *error);

#endif
