/*
 * First the closings are read, which lead from one to the next by what they sign, and how far
 * retention deletes, which is signed too. Then the entries are, from the first to the last, and
 * each hash is computed anew. Where a closing covers an entry as the last of its day, the hash has
 * to be the one that was signed; and where retention has deleted everything before, that is the
 * hash from which the chain goes on.
 */
#include "gateway/audit/verify.h"

#include "gateway/audit/closing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a closing covers. */
struct covered {
    int64_t first;
    int64_t last;
    uint8_t hash[MG_STORE_HASH_SIZE]; /* of the last */
};

struct verification {
    const struct mg_audit_source *source;
    X509_STORE *trusted;
    struct mg_audit_report *report;
    struct mg_store_chain *chain;
    int64_t at;                       /* up to here entries are known to be as they were … */
    uint8_t hash[MG_STORE_HASH_SIZE]; /* … since this is the hash of the last of them */
    int64_t gap;                      /* the first that was missing before the last bridge */
    int64_t expired;                  /* up to here retention deletes: it is signed */
    struct covered *days;             /* in their order */
    size_t day_count;
    size_t day;  /* the first whose last entry has not been met yet */
    bool failed; /* the source could not be read */
    struct mg_error *error;
};

/* ---- sources ---- */

static bool read_file(void *context, const struct mg_store_journal_query *query,
                      struct mg_store_lines *lines, struct mg_error *error)
{
    return mg_store_journal_read(context, query, lines, error);
}

struct mg_audit_source mg_audit_source_of_file(struct mg_store_journal_file *file)
{
    return (struct mg_audit_source){.read = read_file, .context = file};
}

/* ---- what is wrong ---- */

/* Only the first counts, by its number; returns false. */
static bool is_wrong(struct verification *verification, int64_t number,
                     const struct mg_error *error)
{
    struct mg_audit_report *report = verification->report;
    if (report->whole || number <= report->wrong) {
        report->wrong = number;
        report->error = *error;
    }
    report->whole = false;
    return false;
}

static bool is_missing(struct verification *verification, int64_t number)
{
    struct mg_error error;
    mg_fail(&error, "audit.missing",
            "the entry of this number is missing: it was removed, or those after it were given "
            "other numbers");
    return is_wrong(verification, number, &error);
}

static bool is_changed(struct verification *verification, int64_t number, const char *text)
{
    struct mg_error error;
    mg_fail(&error, "audit.changed", "%s", text);
    return is_wrong(verification, number, &error);
}

/* ---- closings ---- */

static void note_signer(struct mg_audit_report *report, const struct mg_audit_closing *closing)
{
    struct mg_fingerprint fingerprint = mg_certificate_fingerprint(closing->certificate);
    char text[65];
    for (size_t i = 0; i < sizeof fingerprint.bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", fingerprint.bytes[i]);
    size_t i = 0;
    while (i < report->signer_count && strcmp(report->signers[i].fingerprint, text) != 0)
        i++;
    if (i == MG_AUDIT_SIGNERS)
        return;
    struct mg_audit_signer *signer = &report->signers[i];
    if (i == report->signer_count) {
        report->signer_count++;
        memcpy(signer->fingerprint, text, sizeof text);
        memcpy(signer->from, closing->day, sizeof signer->from);
        mg_certificate_subject(closing->certificate, signer->subject, sizeof signer->subject);
    }
    memcpy(signer->to, closing->day, sizeof signer->to);
}

static void note_day(struct mg_audit_report *report, const struct mg_audit_closing *closing)
{
    if (report->days++ == 0)
        memcpy(report->first_day, closing->day, sizeof report->first_day);
    memcpy(report->last_day, closing->day, sizeof report->last_day);
    note_signer(report, closing);
}

static void add_day(struct verification *verification, const struct mg_audit_closing *closing)
{
    size_t count = verification->day_count++;
    /* Doubled whenever the count is a power of two. */
    if ((count & (count - 1)) == 0)
        verification->days =
            mg_reallocate(verification->days, (count ? 2 * count : 1) * sizeof *verification->days);
    struct covered *day = &verification->days[count];
    *day = (struct covered){.first = closing->first, .last = closing->last};
    memcpy(day->hash, closing->hash, sizeof day->hash);
    note_day(verification->report, closing);
}

static int64_t closed_up_to(const struct verification *verification)
{
    return verification->day_count > 0 ? verification->days[verification->day_count - 1].last : 0;
}

/* Whether it goes on where the closing before it ended, with entries from before itself. */
static bool follows(struct verification *verification, const struct mg_audit_closing *closing,
                    int64_t number)
{
    struct mg_error error;
    int64_t closed = closed_up_to(verification);
    if (closing->first != closed + 1) {
        mg_fail(&error, "audit.closing",
                "the day that begins with this entry is not closed, but a later one is: a closing "
                "is missing");
        return is_wrong(verification, closed + 1, &error);
    }
    if (closing->last >= number) {
        mg_fail(&error, "audit.closing", "it closes a day with entries that came later");
        return is_wrong(verification, number, &error);
    }
    return true;
}

static bool check_closing(struct verification *verification, const struct mg_store_line *line)
{
    struct mg_audit_closing closing;
    struct mg_error error;
    if (!mg_audit_closing_read(line->text, &closing, &error))
        return is_wrong(verification, line->number, &error);
    bool passed = mg_audit_closing_check(&closing, line->time, verification->trusted, &error)
                      ? follows(verification, &closing, line->number)
                      : is_wrong(verification, line->number, &error);
    if (passed)
        add_day(verification, &closing);
    mg_audit_closing_clear(&closing);
    return passed;
}

/* ---- what retention deletes ---- */

static bool covers(const struct covered *day, const struct mg_audit_closing *expiry)
{
    return day->last == expiry->last && memcmp(day->hash, expiry->hash, sizeof day->hash) == 0;
}

static bool ends_a_day(const struct verification *verification,
                       const struct mg_audit_closing *expiry)
{
    for (size_t i = 0; i < verification->day_count; i++)
        if (covers(&verification->days[i], expiry))
            return true;
    return false;
}

static bool check_expiry(struct verification *verification, const struct mg_store_line *line)
{
    struct mg_audit_closing expiry;
    struct mg_error error;
    if (!mg_audit_expiry_read(line->text, &expiry, &error))
        return is_wrong(verification, line->number, &error);
    bool passed = mg_audit_closing_check(&expiry, line->time, verification->trusted, &error) &&
                  (ends_a_day(verification, &expiry) ||
                   mg_fail(&error, "audit.closing",
                           "it says that retention deleted entries, of which no closing is there"));
    mg_audit_closing_clear(&expiry);
    if (!passed)
        return is_wrong(verification, line->number, &error);
    if (expiry.last > verification->expired)
        verification->expired = expiry.last;
    return true;
}

/* ---- entries ---- */

/* Entries of the days that were deleted whole go on with the hash that was signed. */
static bool bridge(struct verification *verification, int64_t number)
{
    while (verification->day < verification->day_count &&
           verification->days[verification->day].last < number - 1)
        verification->day++;
    if (verification->day == verification->day_count ||
        verification->days[verification->day].last != number - 1)
        return false;
    verification->gap = verification->at + 1;
    verification->report->deleted = verification->at = number - 1;
    memcpy(verification->hash, verification->days[verification->day++].hash, MG_STORE_HASH_SIZE);
    return true;
}

static bool check_day(struct verification *verification)
{
    if (verification->day == verification->day_count ||
        verification->days[verification->day].last != verification->at)
        return true;
    const struct covered *day = &verification->days[verification->day++];
    return memcmp(day->hash, verification->hash, sizeof day->hash) == 0 ||
           is_changed(verification, day->first,
                      "the entries from this one to the end of its day are not those that were "
                      "signed when it was closed");
}

/* Who has written the end of the trail anew has not called back what had left. */
static bool check_left(struct verification *verification)
{
    const struct mg_audit_left *left = verification->source->left;
    return !left || !left->has_hash || left->number != verification->at ||
           memcmp(left->hash, verification->hash, sizeof left->hash) == 0 ||
           is_changed(verification, left->number,
                      "the entry is not the one that has left by the export: it or one before it "
                      "was written anew");
}

static bool check_hash(struct verification *verification, const struct mg_store_line *line)
{
    uint8_t hash[MG_STORE_HASH_SIZE];
    mg_store_chain_hash(verification->chain, verification->hash, line->number, line->time,
                        line->subject, line->text, line->length, hash);
    if (memcmp(hash, line->hash, sizeof hash) != 0)
        return is_changed(verification, line->number,
                          "the entry is not as it was written, or not where it was written");
    verification->at = line->number;
    memcpy(verification->hash, hash, sizeof hash);
    return check_left(verification) && check_day(verification);
}

static bool check_line(struct verification *verification, const struct mg_store_line *line)
{
    verification->report->entries++;
    verification->report->last = line->number;
    if (line->number != verification->at + 1 && !bridge(verification, line->number))
        /* Of what retention deleted the closings are left, and for a moment what it comes to next:
         * it deletes some at a time. */
        return strcmp(line->subject, MG_AUDIT_CLOSED) == 0 ||
               (line->number > verification->at && line->number <= verification->expired) ||
               is_missing(verification, verification->at + 1);
    return check_hash(verification, line);
}

/* Goes through what has this subject until one is wrong. */
static void check_each(struct verification *verification, const char *subject,
                       bool (*check)(struct verification *verification,
                                     const struct mg_store_line *line))
{
    struct mg_store_journal_query query = {
        .subject = subject, .from = INT64_MIN, .limit = MG_STORE_LINES_LIMIT};
    bool more = true;
    while (more && !verification->failed) {
        struct mg_store_lines lines;
        if (!verification->source->read(verification->source->context, &query, &lines,
                                        verification->error)) {
            verification->failed = true;
            return;
        }
        more = lines.count == MG_STORE_LINES_LIMIT;
        for (size_t i = 0; i < lines.count; i++) {
            query.from = lines.lines[i].number + 1;
            if (!check(verification, &lines.lines[i])) {
                more = false;
                break;
            }
        }
        mg_store_lines_free(&lines);
    }
}

/* What is there may hang together, and yet something be missing at its beginning or its end. */
static void check_ends(struct verification *verification)
{
    struct mg_audit_report *report = verification->report;
    if (report->deleted > verification->expired)
        is_missing(verification, verification->gap > verification->expired
                                     ? verification->gap
                                     : verification->expired + 1);
    if (report->last > verification->at || closed_up_to(verification) > verification->at)
        is_missing(verification, verification->at + 1);
    const struct mg_audit_left *left = verification->source->left;
    if (left && left->number > report->last)
        is_missing(verification, report->last + 1);
    report->unsigned_entries = verification->at - closed_up_to(verification);
}

bool mg_audit_verify(const struct mg_audit_source *source, X509_STORE *trusted,
                     struct mg_audit_report *report, struct mg_error *error)
{
    *report = (struct mg_audit_report){.whole = true};
    struct verification verification = {.source = source,
                                        .trusted = trusted,
                                        .report = report,
                                        .chain = mg_store_chain_new(),
                                        .error = error};
    check_each(&verification, MG_AUDIT_CLOSED, check_closing);
    check_each(&verification, MG_AUDIT_EXPIRED, check_expiry);
    check_each(&verification, NULL, check_line);
    if (report->whole && !verification.failed)
        check_ends(&verification);
    mg_store_chain_free(verification.chain);
    free(verification.days);
    return !verification.failed;
}
