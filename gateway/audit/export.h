/*
 * export: entries of the audit trail leave for others, each as one line with its number and hash,
 * by the gateway's log (and so journald) or by syslog(3). What has left is so kept where nobody who
 * gets at the store can change it.
 *
 * Whoever reads finds each entry once, or twice after a crash: then the number is the same. Where
 * the export stands is kept in the file "exported" beside the store: the number of the last entry
 * that has left, and its hash. A store that has not that entry was exchanged for an older copy, or
 * its end was cut off. Blocks: for the background.
 */
#ifndef MUENGSTEN_AUDIT_EXPORT_H
#define MUENGSTEN_AUDIT_EXPORT_H

#include "gateway/config/config.h"
#include "gateway/store/journal.h"

/* What has left last. */
struct mg_audit_left {
    int64_t number; /* -1: nobody knows */
    bool has_hash;
    uint8_t hash[MG_STORE_HASH_SIZE];
};
void mg_audit_export_read(const char *folder, struct mg_audit_left *left);

/* Whether the store has what has left last, as far as that can be known. Codes: audit.missing,
 * audit.changed, and those of reading. */
bool mg_audit_export_compare(struct mg_store *store, const char *folder, struct mg_error *error);

/* The number of the last entry that was exported, as the folder's file says; of those that are
 * there (up to last), if it was restored from a backup since; asked_at, if there is no such file:
 * what was written before somebody asked for the export does not leave. */
int64_t mg_audit_export_begin(const char *folder, int64_t last, int64_t asked_at);

/* The store was restored from a backup whose last entry has that number: what comes after it leaves
 * too, though others with the same numbers left before. audit.export. */
bool mg_audit_export_restored(const char *folder, int64_t number, struct mg_error *error);

/* Exports what comes after *exported, at most a batch, and notes that in the folder. */
bool mg_audit_export(struct mg_store *store, const char *folder, enum mg_config_export target,
                     int64_t *exported, struct mg_error *error);

#endif
