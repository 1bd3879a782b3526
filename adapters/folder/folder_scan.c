/*
 * Looking through the folder and picking up, on the other thread.
 *
 * A file is picked up by renaming it into in-progress: what is there belongs to the gateway, and is
 * there after a crash too. First comes whatever already lies there and is not underway (left behind
 * by a crash or a restart), then the folder itself.
 *
 * Writers have to write elsewhere, or to a name with a dot in front, and rename. What was not moved
 * in is left alone until it has not changed for the time of `settle`. Its ctime tells: every write
 * and every renaming sets it, and no user can set it back. So nothing has to be remembered about
 * files that wait.
 */
#include "adapters/common/name.h"
#include "adapters/folder/folder_in.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool contains(mg_folder_name *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void note_error(struct mg_folder_scan *scan)
{
    if (!scan->error)
        scan->error = errno;
}

/* Notes that the file is to be taken over. False if there is no more room. */
static bool pick(struct mg_folder_scan *scan, const char *name)
{
    if (scan->picked_count == scan->room)
        return false;
    snprintf(scan->picked[scan->picked_count++], sizeof *scan->picked, "%s", name);
    return true;
}

/* A file in in-progress that is not underway. False: no more room. */
static bool consider_left(struct mg_folder_scan *scan, const char *name)
{
    return contains(scan->known, scan->known_count, name) || pick(scan, name);
}

/* Milliseconds that the file still has to stay unchanged; 0: it is complete; -1: it is gone. */
static int64_t unsettled(const struct mg_folder_scan *scan, const char *name)
{
    struct stat facts;
    struct timespec now;
    if (fstatat(scan->source->places.folder, name, &facts, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = (int64_t)(now.tv_sec - facts.st_ctim.tv_sec) * 1000 +
                  (now.tv_nsec - facts.st_ctim.tv_nsec) / 1000000;
    return age >= scan->source->settle ? 0 : scan->source->settle - age;
}

/* A file in the folder. False: no more room. */
static bool consider_new(struct mg_folder_scan *scan, const char *name)
{
    const struct mg_places *places = &scan->source->places;
    if (!contains(scan->moved, scan->moved_count, name) && scan->source->settle > 0) {
        int64_t wait = unsettled(scan, name);
        if (wait > 0 && (scan->wait == 0 || wait < scan->wait))
            scan->wait = wait;
        if (wait != 0)
            return true;
    }
    if (scan->picked_count == scan->room)
        return false;
    if (mg_place_move(places->folder, name, places->in_progress, name))
        return pick(scan, name);
    /* EEXIST: a file of the same name is underway, this one waits its turn. ENOENT: its owner took
     * it back. */
    if (errno != EEXIST && errno != ENOENT)
        note_error(scan);
    return true;
}

static void look_through(struct mg_folder_scan *scan, int folder,
                         bool (*consider)(struct mg_folder_scan *scan, const char *name))
{
    /* A description of its own, since reading a folder moves the position. */
    int descriptor = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = descriptor >= 0 ? fdopendir(descriptor) : NULL;
    if (!entries) {
        note_error(scan);
        if (descriptor >= 0)
            close(descriptor);
        return;
    }
    const struct dirent *entry;
    while (!scan->more && (entry = readdir(entries)))
        if (mg_name_is_wanted(entry->d_name))
            scan->more = !consider(scan, entry->d_name);
    closedir(entries);
}

void mg_folder_scan_work(struct mg_folder_job *job)
{
    struct mg_folder_scan *scan = (struct mg_folder_scan *)job;
    struct mg_folder_source *source = scan->source;
    scan->picked_count = 0;
    scan->more = scan->reopened = false;
    scan->wait = 0;
    scan->error = 0;
    if (scan->may_reopen && !mg_places_current(source->folder.path, &source->places)) {
        mg_places_close(&source->places);
        if (!mg_places_open(source->folder.path, &source->places)) {
            note_error(scan);
            return;
        }
        scan->reopened = true;
    }
    look_through(scan, source->places.in_progress, consider_left);
    if (!scan->more)
        look_through(scan, source->places.folder, consider_new);
}
