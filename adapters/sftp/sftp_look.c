/*
 * Looking through the folder and picking up, on the other thread.
 *
 * A file is picked up by renaming it into in-progress: what is there belongs to the gateway, and is
 * there after a crash too. First comes whatever already lies there and does not wait for a later
 * attempt (left behind by a crash, a restart or a broken connection), then the folder itself.
 *
 * Writers have to write elsewhere, or to a name with a dot in front, and rename. Still a file is
 * left alone until size and time of change have stayed as they are for the time of `settle`,
 * measured by our own clock from one look to another, since the server's clock is not ours.
 */
#include "adapters/common/name.h"
#include "adapters/sftp/sftp_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t mg_sftp_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

bool mg_sftp_is_settled(const struct mg_sftp_seen *seen, size_t count, struct mg_sftp_seen *file,
                        int64_t settle, int64_t now, int64_t *wait)
{
    file->since = now;
    for (size_t i = 0; i < count; i++)
        if (strcmp(seen[i].name, file->name) == 0 && seen[i].size == file->size &&
            seen[i].changed == file->changed)
            file->since = seen[i].since;
    int64_t left = file->since + settle - now;
    if (left <= 0)
        return true;
    if (wait && (*wait == 0 || left < *wait))
        *wait = left;
    return false;
}

/* ---- in-progress ---- */

static bool waits(const struct mg_sftp_source *source, const char *name)
{
    int64_t now = mg_sftp_now();
    for (size_t i = 0; i < source->postponed_count; i++)
        if (strcmp(source->postponed[i].name, name) == 0)
            return source->postponed[i].due > now;
    return false;
}

/* A file in in-progress. False: no more room. */
static bool consider_left(const struct mg_remote_entry *entry, void *context)
{
    struct mg_sftp_source *source = context;
    if (!mg_name_is_wanted(entry->name) || waits(source, entry->name))
        return true;
    if (source->batch_count == MG_SFTP_BATCH) {
        source->more = true;
        return false;
    }
    snprintf(source->batch[source->batch_count++], sizeof(mg_sftp_name), "%s", entry->name);
    return true;
}

/* ---- the folder ---- */

/* The files there with the smallest names, in their order. */
struct found {
    struct mg_sftp_seen files[MG_SFTP_SEEN];
    size_t count;
    bool more;
};

static bool consider_new(const struct mg_remote_entry *entry, void *context)
{
    struct found *found = context;
    size_t at = found->count;
    if (!entry->is_file || !mg_name_is_wanted(entry->name))
        return true;
    while (at > 0 && strcmp(found->files[at - 1].name, entry->name) > 0)
        at--;
    if (at == MG_SFTP_SEEN) {
        found->more = true;
        return true;
    }
    if (found->count == MG_SFTP_SEEN)
        found->more = true;
    else
        found->count++;
    memmove(found->files + at + 1, found->files + at,
            (found->count - 1 - at) * sizeof *found->files);
    found->files[at] = (struct mg_sftp_seen){.size = entry->size, .changed = entry->changed};
    snprintf(found->files[at].name, sizeof(mg_sftp_name), "%s", entry->name);
    return true;
}

/* Picks up a file. A file of the same name that is underway makes it wait its turn, and one that is
 * gone was taken back by its owner. */
static bool pick(struct mg_sftp_source *source, const char *name)
{
    char from[MG_REMOTE_PATH], to[MG_REMOTE_PATH];
    mg_remote_path(source->session, NULL, name, from);
    mg_remote_path(source->session, MG_SFTP_IN_PROGRESS, name, to);
    if (mg_remote_move(source->session, from, to)) {
        snprintf(source->batch[source->batch_count++], sizeof(mg_sftp_name), "%s", name);
        return true;
    }
    if (source->failure.broken || (source->failure.answer != LIBSSH2_FX_FILE_ALREADY_EXISTS &&
                                   !mg_remote_is_missing(&source->failure)))
        return false;
    source->failure = (struct mg_failure){0};
    return true;
}

static bool pick_settled(struct mg_sftp_source *source, struct found *found)
{
    int64_t now = mg_sftp_now();
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++) {
        struct mg_sftp_seen *file = &found->files[i];
        bool settled = mg_sftp_is_settled(source->seen, source->seen_count, file, source->settle,
                                          now, &source->wait);
        if (settled && source->batch_count == MG_SFTP_BATCH)
            source->more = true;
        else if (settled && !pick(source, file->name))
            return false;
        else if (settled)
            continue;
        found->files[kept++] = *file;
    }
    memcpy(source->seen, found->files, kept * sizeof *found->files);
    source->seen_count = kept;
    return true;
}

static bool look_through_folder(struct mg_sftp_source *source)
{
    struct found *found = mg_text_allocate(1, sizeof *found);
    bool looked =
        mg_remote_list(source->session, source->sftp.settings.folder, consider_new, found) &&
        pick_settled(source, found);
    source->more = source->more || (found->more && source->batch_count > 0);
    free(found);
    return looked;
}

static bool make_folders(struct mg_session *session, bool keep)
{
    static const char *const names[] = {MG_SFTP_IN_PROGRESS, MG_SFTP_REJECTED, MG_SFTP_RECEIPTS,
                                        MG_SFTP_DONE};
    for (size_t i = 0; i < (keep ? 4 : 3); i++) {
        char path[MG_REMOTE_PATH];
        mg_remote_path(session, names[i], NULL, path);
        if (!mg_remote_make_folder(session, path))
            return false;
    }
    return true;
}

static int by_name(const void *one, const void *other)
{
    return strcmp(one, other);
}

static bool look(struct mg_sftp_source *source)
{
    char in_progress[MG_REMOTE_PATH];
    bool fresh;
    if (!mg_session_ready(source->session, &fresh))
        return false;
    source->prepared = (source->prepared && !fresh) || make_folders(source->session, source->keep);
    if (!source->prepared)
        return false;
    mg_remote_path(source->session, MG_SFTP_IN_PROGRESS, NULL, in_progress);
    if (!mg_remote_list(source->session, in_progress, consider_left, source))
        return false;
    qsort(source->batch, source->batch_count, sizeof(mg_sftp_name), by_name);
    return source->batch_count == MG_SFTP_BATCH || look_through_folder(source);
}

void mg_sftp_look(struct mg_task *task)
{
    struct mg_sftp_source *source =
        (struct mg_sftp_source *)(void *)task->tasks; /* the tasks are its first member */
    source->batch_count = source->batch_at = 0;
    source->more = false;
    source->wait = 0;
    mg_session_use(source->session, 0, &source->stop, &source->failure);
    if (!look(source)) {
        source->batch_count = 0;
        source->prepared = false;
    }
}
