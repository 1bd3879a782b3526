/*
 * days: finds which days of the audit trail are over and not closed yet, and signs them; and which
 * are older than they are kept. Blocks on the disk and on the key: for the background.
 *
 * A day that is closed is a range of numbers: from the first entry that no closing covers to the
 * last one before the next midnight in UTC. The clock may have been set in between; the numbers
 * decide. What was written by a clock that ran days ahead belongs to the day before today, or no
 * day would be closed until that time has come.
 */
#ifndef MUENGSTEN_AUDIT_DAYS_H
#define MUENGSTEN_AUDIT_DAYS_H

#include "gateway/audit/closing.h"

/* Days that are closed in one go; more are closed the next time. */
#define MG_AUDIT_DAYS 400

/* What is older than it is kept goes day by day, with so many milliseconds in between: the clock
 * may be wrong, and then not everything is gone when somebody notices. */
#define MG_AUDIT_DAYS_PAUSE INT64_C(3600000)

struct mg_audit_days {
    char *lines[MG_AUDIT_DAYS]; /* to be written under MG_AUDIT_CLOSED, in this order */
    size_t count;
    int64_t next; /* the next midnight; sooner if there is more to close or may be to delete */
    char before[MG_AUDIT_DAY_SIZE]; /* the last day that is closed already; empty: none */
    char closed[MG_AUDIT_DAY_SIZE]; /* and the last one once these lines are written */
    int64_t expired; /* up to here, at most a day, entries are older than they are kept; 0: none */
    char *expiry;    /* to be written under MG_AUDIT_EXPIRED before they go; NULL: none */
};

/* Waits for what is on its way to the disk. Codes: store.failed, store.closed, key.sign. What was
 * found before a failure may be written all the same. */
bool mg_audit_days_find(struct mg_store *store, const struct mg_signer *signer, int64_t now,
                        int64_t keep, struct mg_audit_days *days, struct mg_error *error);
void mg_audit_days_free(struct mg_audit_days *days);

#endif
