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

int64_t mg_audit_export_begin(const char *folder, int64_t last, int64_t asked_at)
{
    char *path = path_in(folder);
    FILE *file = fopen(path, "re");
    int64_t number;
    bool known = file && fscanf(file, "%" SCNd64, &number) == 1 && number >= 0;
    if (file)
        fclose(file);
    free(path);
    /* A store that was restored from a backup may know less than what once left. */
    return !known ? asked_at : number <= last ? number : last;
}

/* Written in place: a crash in its middle costs a repetition. */
static bool note(const char *folder, int64_t number, struct mg_error *error)
{
    char *path = path_in(folder), text[32];
    int file = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int length = snprintf(text, sizeof text, "%020" PRId64 "\n", number);
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
    /* Without a file nothing has left, and the answer is the number itself. */
    return mg_audit_export_begin(folder, INT64_MAX, number) <= number ||
           note(folder, number, error);
}

static void export_line(const struct mg_store_line *line, enum mg_config_export target)
{
    char hash[2 * MG_STORE_HASH_SIZE + 1], time[MG_CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < MG_STORE_HASH_SIZE; i++)
        snprintf(hash + 2 * i, 3, "%02x", line->hash[i]);
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
    if (!mg_store_journal(store, &query, &lines, error))
        return false;
    for (size_t i = 0; i < lines.count; i++) {
        export_line(&lines.lines[i], target);
        *exported = lines.lines[i].number;
    }
    mg_store_lines_free(&lines);
    return note(folder, *exported, error);
}
