#include "gateway/audit/days.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- reading ---- */

/* The first entry from a number on; *found: there is one. */
static bool read_entry(struct mg_store *store, int64_t number, struct mg_store_line *entry,
                       bool *found, struct mg_error *error)
{
    const struct mg_store_journal_query query = {.from = number, .limit = 1};
    struct mg_store_lines lines;
    if (!mg_store_journal(store, &query, &lines, error))
        return false;
    *found = lines.count == 1;
    if (*found)
        *entry = lines.lines[0];
    entry->text = NULL;
    mg_store_lines_free(&lines);
    return true;
}

/* The last closing: what it covers and which day. */
static bool read_last_closing(struct mg_store *store, struct mg_audit_closing *closing,
                              struct mg_error *error)
{
    const struct mg_store_journal_query query = {
        .subject = MG_AUDIT_CLOSED, .from = INT64_MAX, .backwards = true, .limit = 1};
    struct mg_store_lines lines;
    *closing = (struct mg_audit_closing){.last = 0};
    if (!mg_store_journal(store, &query, &lines, error))
        return false;
    bool passed = lines.count == 0 || mg_audit_closing_read(lines.lines[0].text, closing, error);
    mg_audit_closing_clear(closing);
    mg_store_lines_free(&lines);
    return passed;
}

/* ---- closing ---- */

static int64_t end_of_day(int64_t time)
{
    return (time / MG_AUDIT_DAY + 1) * MG_AUDIT_DAY;
}

/* Of a day that has not come yet. */
static bool is_ahead(int64_t time, int64_t now)
{
    return time / MG_AUDIT_DAY > now / MG_AUDIT_DAY;
}

/* By halves: the last entry from first on before the one that first is of that time or later. */
static bool find_last(struct mg_store *store, int64_t first, int64_t until, int64_t now,
                      struct mg_store_line *last, struct mg_error *error)
{
    int64_t low = first, high = mg_store_journal_last(store) + 1;
    bool found;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (!read_entry(store, middle, last, &found, error))
            return false;
        if (found && (last->time < until || is_ahead(last->time, now)))
            low = middle;
        else
            high = middle;
    }
    return read_entry(store, low, last, &found, error) &&
           (found || mg_fail(error, "store.failed", "an entry of the journal has gone"));
}

/* *more: a day was closed, and there may be another. */
static bool close_day(struct mg_store *store, const struct mg_signer *signer, int64_t now,
                      int64_t first_number, struct mg_audit_days *days, int64_t *covered,
                      bool *more, struct mg_error *error)
{
    struct mg_store_line first, last = {0};
    struct mg_buffer line = {0};
    *more = false;
    bool found;
    if (!read_entry(store, first_number, &first, &found, error))
        return false;
    if (!found)
        return true;
    int64_t time = is_ahead(first.time, now) ? now - MG_AUDIT_DAY : first.time;
    if (end_of_day(time) > now)
        return true;
    if (!find_last(store, first_number, end_of_day(time), now, &last, error))
        return false;
    struct mg_audit_closing closing = {.first = first_number, .last = last.number};
    mg_audit_day(time, closing.day);
    memcpy(closing.hash, last.hash, sizeof closing.hash);
    if (!mg_audit_closing_write(&closing, signer, &line, error)) {
        mg_buffer_free(&line);
        return false;
    }
    days->lines[days->count++] = mg_buffer_take(&line);
    memcpy(days->closed, closing.day, sizeof days->closed);
    *covered = last.number;
    *more = true;
    return true;
}

/* ---- what is too old ---- */

static int64_t end_of_closed_day(const struct mg_audit_closing *closing)
{
    struct tm parts = {0};
    if (sscanf(closing->day, "%4d-%2d-%2d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday) != 3)
        return INT64_MAX;
    parts.tm_year -= 1900;
    parts.tm_mon--;
    return (int64_t)timegm(&parts) * 1000 + MG_AUDIT_DAY;
}

/* By its number: the first entry that is no closing, since those stay. *number 0: there is none. */
static bool find_oldest(struct mg_store *store, int64_t *number, struct mg_error *error)
{
    struct mg_store_journal_query query = {.from = 1, .limit = MG_STORE_LINES_LIMIT};
    bool more = true;
    *number = 0;
    while (more && *number == 0) {
        struct mg_store_lines lines;
        if (!mg_store_journal(store, &query, &lines, error))
            return false;
        for (size_t i = 0; i < lines.count && *number == 0; i++) {
            query.from = lines.lines[i].number + 1;
            if (strcmp(lines.lines[i].subject, MG_AUDIT_CLOSED) != 0)
                *number = lines.lines[i].number;
        }
        more = lines.count == query.limit;
        mg_store_lines_free(&lines);
    }
    return true;
}

/* Up to which number, and with which hash, the first closed day goes that has this entry or comes
 * after it and ended before that time; last 0: none did. One day, whatever the clock says: it may
 * be wrong. */
static bool find_old(struct mg_store *store, int64_t before, int64_t oldest,
                     struct mg_audit_closing *expiry, struct mg_error *error)
{
    struct mg_store_journal_query query = {
        .subject = MG_AUDIT_CLOSED, .from = 1, .limit = MG_STORE_LINES_LIMIT};
    bool more = true, passed = true;
    *expiry = (struct mg_audit_closing){.day = ""};
    while (more && passed && expiry->last == 0) {
        struct mg_store_lines lines;
        if (!mg_store_journal(store, &query, &lines, error))
            return false;
        more = lines.count == query.limit;
        for (size_t i = 0; i < lines.count && passed && expiry->last == 0; i++) {
            struct mg_audit_closing closing;
            passed = mg_audit_closing_read(lines.lines[i].text, &closing, error);
            mg_audit_closing_clear(&closing);
            if (passed && closing.last >= oldest && end_of_closed_day(&closing) <= before) {
                expiry->last = closing.last;
                memcpy(expiry->hash, closing.hash, sizeof expiry->hash);
            }
            query.from = lines.lines[i].number + 1;
        }
        mg_store_lines_free(&lines);
    }
    return passed;
}

/* What is too old goes only with a signature that it was retention. */
static bool find_expired(struct mg_store *store, const struct mg_signer *signer, int64_t before,
                         struct mg_audit_days *days, struct mg_error *error)
{
    struct mg_audit_closing expiry = {.last = 0};
    struct mg_buffer line = {0};
    int64_t oldest;
    if (!find_oldest(store, &oldest, error) ||
        (oldest > 0 && !find_old(store, before, oldest, &expiry, error)))
        return false;
    if (expiry.last > 0 && !mg_audit_closing_write(&expiry, signer, &line, error)) {
        mg_buffer_free(&line);
        return false;
    }
    days->expired = expiry.last;
    days->expiry = expiry.last > 0 ? mg_buffer_take(&line) : NULL;
    return true;
}

bool mg_audit_days_find(struct mg_store *store, const struct mg_signer *signer, int64_t now,
                        int64_t keep, struct mg_audit_days *days, struct mg_error *error)
{
    struct mg_audit_closing closing;
    *days = (struct mg_audit_days){.count = 0};
    /* What was written before midnight may reach the disk after it, and belongs to its day too. */
    if (!mg_store_flush_journal(store, error))
        return false;
    if (!read_last_closing(store, &closing, error))
        return false;
    memcpy(days->before, closing.day, sizeof days->before);
    memcpy(days->closed, closing.day, sizeof days->closed);
    int64_t covered = closing.last;
    for (bool more = true; more && days->count < MG_AUDIT_DAYS;)
        if (!close_day(store, signer, now, covered + 1, days, &covered, &more, error))
            return false;
    days->next = days->count == MG_AUDIT_DAYS ? now : end_of_day(now);
    if (!find_expired(store, signer, now - keep, days, error))
        return false;
    /* There may be another day to delete. */
    if (days->expired > 0 && days->next > now + MG_AUDIT_DAYS_PAUSE)
        days->next = now + MG_AUDIT_DAYS_PAUSE;
    return true;
}

void mg_audit_days_free(struct mg_audit_days *days)
{
    for (size_t i = 0; i < days->count; i++)
        free(days->lines[i]);
    free(days->expiry);
    *days = (struct mg_audit_days){.count = 0};
}
