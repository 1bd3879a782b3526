#include "gateway/audit/export.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define BATCH 256

static char *path_in(const char *folder)
{
    char *path = mg_allocate(strlen(folder) + sizeof "/exported");
    sprintf(path, "%s/exported", folder);
    return path;
}

/* Where the hash is not known, other signs stand in its place. */
static bool read_hash(const char *text, uint8_t hash[MG_STORE_HASH_SIZE])
{
    if (strspn(text, "0123456789abcdef") != 2 * MG_STORE_HASH_SIZE)
        return false;
    for (size_t i = 0; i < MG_STORE_HASH_SIZE; i++)
        if (sscanf(text + 2 * i, "%2hhx", &hash[i]) != 1)
            return false;
    return true;
}

static void write_hash(const uint8_t *hash, char text[2 * MG_STORE_HASH_SIZE + 1])
{
    for (size_t i = 0; i < MG_STORE_HASH_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

void mg_audit_export_read(const char *folder, struct mg_audit_left *left)
{
    char *path = path_in(folder), hash[2 * MG_STORE_HASH_SIZE + 1] = "";
    FILE *file = fopen(path, "re");
    *left = (struct mg_audit_left){.number = -1};
    if (!file || fscanf(file, "%" SCNd64 " %64s", &left->number, hash) < 1 || left->number < 0)
        left->number = -1;
    left->has_hash = left->number >= 0 && read_hash(hash, left->hash);
    if (file)
        fclose(file);
    free(path);
}

bool mg_audit_export_compare(struct mg_store *store, const char *folder, struct mg_error *error)
{
    struct mg_audit_left left;
    struct mg_store_lines lines;
    int64_t last = mg_store_journal_last(store);
    mg_audit_export_read(folder, &left);
    const struct mg_store_journal_query query = {.from = left.number, .limit = 1};
    if (left.number > last)
        return mg_fail(error, "audit.missing",
                       "entries up to number %" PRId64 " have left by the export, and the store "
                       "ends with number %" PRId64 ": it is an older copy, or its end was cut off",
                       left.number, last);
    if (!left.has_hash)
        return true;
    if (!mg_store_journal(store, &query, &lines, error))
        return false;
    /* Retention may have deleted it. */
    bool same = lines.count == 0 || lines.lines[0].number != left.number ||
                memcmp(lines.lines[0].hash, left.hash, sizeof left.hash) == 0;
    mg_store_lines_free(&lines);
    return same || mg_fail(error, "audit.changed",
                           "entry %" PRId64 " is not the one that has left by the export: the "
                           "store is another copy, or was written anew",
                           left.number);
}

int64_t mg_audit_export_begin(const char *folder, int64_t last, int64_t asked_at)
{
    struct mg_audit_left left;
    mg_audit_export_read(folder, &left);
    /* What comes after the end of the store leaves, though others of those numbers have. */
    return left.number < 0 ? asked_at : left.number <= last ? left.number : last;
}

/* Written in place and of one length: a crash in its middle costs a repetition. hash: NULL if it is
 * not known. */
static bool note(const char *folder, int64_t number, const uint8_t *hash, struct mg_error *error)
{
    char *path = path_in(folder), known[2 * MG_STORE_HASH_SIZE + 1], text[128];
    memset(known, '-', sizeof known - 1);
    known[sizeof known - 1] = '\0';
    if (hash)
        write_hash(hash, known);
    int file = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int length = snprintf(text, sizeof text, "%020" PRId64 " %s\n", number, known);
    bool written = file >= 0 && pwrite(file, text, (size_t)length, 0) == length;
    if (!written)
        mg_fail(error, "audit.export", "%s cannot be written: %s", path, strerror(errno));
    if (file >= 0)
        close(file);
    free(path);
    return written;
}

bool mg_audit_export_restored(const char *folder, int64_t number, struct mg_error *error)
{
    struct mg_audit_left left;
    mg_audit_export_read(folder, &left);
    return left.number < 0 ||
           note(folder, left.number < number ? left.number : number, NULL, error);
}

static void export_line(const struct mg_store_line *line, enum mg_config_export target)
{
    char hash[2 * MG_STORE_HASH_SIZE + 1], time[MG_CLOCK_TEXT_SIZE];
    write_hash(line->hash, hash);
    mg_clock_text(line->time, time);
    if (target == MG_EXPORT_SYSLOG)
        syslog(LOG_AUTHPRIV | LOG_NOTICE, "audit number=%" PRId64 " written=%s hash=%s entry=%s",
               line->number, time, hash, line->text);
    else
        mg_log(MG_LOG_NOTICE, "audit", "number", MG_LOG_NUMBER(line->number), "written", time,
               "hash", hash, "entry", line->text, NULL);
}

bool mg_audit_export(struct mg_store *store, const char *folder, enum mg_config_export target,
                     int64_t *exported, struct mg_error *error)
{
    const struct mg_store_journal_query query = {.from = *exported + 1, .limit = BATCH};
    struct mg_store_lines lines;
    uint8_t hash[MG_STORE_HASH_SIZE];
    if (!mg_store_journal(store, &query, &lines, error))
        return false;
    for (size_t i = 0; i < lines.count; i++) {
        export_line(&lines.lines[i], target);
        *exported = lines.lines[i].number;
        memcpy(hash, lines.lines[i].hash, sizeof hash);
    }
    bool any = lines.count > 0;
    mg_store_lines_free(&lines);
    return !any || note(folder, *exported, hash, error);
}
