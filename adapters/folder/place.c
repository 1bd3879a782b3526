#include "adapters/folder/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Opens a folder below another, and makes it first if need be. A link is none. */
static int open_below(int folder, const char *name)
{
    if (mkdirat(folder, name, 0770) < 0 && errno != EEXIST)
        return -1;
    return openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool mg_places_open(const char *path, struct mg_places *places)
{
    *places = (struct mg_places){-1, -1, -1, -1};
    places->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (places->folder >= 0)
        places->in_progress = open_below(places->folder, "in-progress");
    if (places->in_progress >= 0)
        places->rejected = open_below(places->folder, "rejected");
    if (places->rejected >= 0)
        places->receipts = open_below(places->folder, "receipts");
    if (places->receipts >= 0)
        return true;
    int error = errno;
    mg_places_close(places);
    errno = error;
    return false;
}

static void close_one(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

void mg_places_close(struct mg_places *places)
{
    close_one(&places->receipts);
    close_one(&places->rejected);
    close_one(&places->in_progress);
    close_one(&places->folder);
}

static bool same(int descriptor, int folder, const char *path)
{
    struct stat held, found;
    return descriptor >= 0 && fstat(descriptor, &held) == 0 &&
           fstatat(folder, path, &found, 0) == 0 && held.st_dev == found.st_dev &&
           held.st_ino == found.st_ino;
}

bool mg_places_current(const char *path, const struct mg_places *places)
{
    return same(places->folder, AT_FDCWD, path) &&
           same(places->in_progress, places->folder, "in-progress") &&
           same(places->rejected, places->folder, "rejected") &&
           same(places->receipts, places->folder, "receipts");
}

int mg_place_open(int folder, const char *name, struct stat *facts)
{
    /* O_NONBLOCK, since opening a named pipe would wait for a writer. */
    int descriptor = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) {
        if (errno == ELOOP || errno == ENXIO)
            errno = EINVAL;
        return -1;
    }
    if (fstat(descriptor, facts) == 0 && S_ISREG(facts->st_mode))
        return descriptor;
    close(descriptor);
    errno = EINVAL;
    return -1;
}

bool mg_place_move(int from, const char *name, int to, const char *new_name)
{
    if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    /* A file system without RENAME_NOREPLACE. Looking first leaves a gap, but the folders that
     * files are moved to are the adapter's own. */
    struct stat facts;
    if (fstatat(to, new_name, &facts, AT_SYMLINK_NOFOLLOW) == 0)
        errno = EEXIST;
    else if (errno == ENOENT)
        return renameat(from, name, to, new_name) == 0;
    return false;
}

const char *mg_place_reason(int error, const char *path, char *text, size_t size)
{
    static const struct {
        int error;
        const char *code;
        const char *before, *after; /* the path */
    } reasons[] = {
        {ENOSPC, "folder.full", "The file system of ", " is full: make room."},
        {EDQUOT, "folder.full", "The quota of the gateway's user is used up in ", ": raise it."},
        {ENOENT, "folder.missing", "There is no folder ", ": make it, or mount what it is on."},
        {ENOTDIR, "folder.missing", "This is no folder: ", "; correct the path."},
        {EACCES, "folder.permission", "The gateway's user may not use ", ": permit it."},
        {EPERM, "folder.permission", "The gateway's user may not use ", ": permit it."},
        {EROFS, "folder.permission", "The file system of ", " is read-only: mount it writable."},
        {EXDEV, "folder.mount", "The folders below ", " have to be on one file system with it."},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].error == error) {
            snprintf(text, size, "%s%s%s", reasons[i].before, path, reasons[i].after);
            return reasons[i].code;
        }
    }
    char reason[128];
    snprintf(text, size, "The system refuses to work in %s: %s.", path,
             strerror_r(error, reason, sizeof reason));
    return "folder.failed";
}

/* ---- writing ---- */

bool mg_place_begin(struct mg_place_file *file, int folder, const char *name)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    *file = (struct mg_place_file){.folder = folder, .descriptor = -1};
    int length = snprintf(file->temporary, sizeof file->temporary, ".%s.part", name);
    if (length < 0 || (size_t)length >= sizeof file->temporary) {
        errno = ENAMETOOLONG;
        return false;
    }
    snprintf(file->name, sizeof file->name, "%s", name);
    file->descriptor = openat(folder, file->temporary, flags, 0660);
    if (file->descriptor < 0 && errno == EEXIST) {
        /* Left behind by a crash: nobody else writes this name. */
        if (unlinkat(folder, file->temporary, 0) == 0)
            file->descriptor = openat(folder, file->temporary, flags, 0660);
    }
    return file->descriptor >= 0;
}

bool mg_place_append(struct mg_place_file *file, const void *bytes, size_t length)
{
    const char *rest = bytes;
    while (length > 0) {
        ssize_t written = write(file->descriptor, rest, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        rest += written;
        length -= (size_t)written;
    }
    return true;
}

bool mg_place_commit(struct mg_place_file *file)
{
    bool written = fsync(file->descriptor) == 0;
    /* Some file systems tell of a full disk only here. */
    written = close(file->descriptor) == 0 && written;
    file->descriptor = -1;
    if (written && renameat(file->folder, file->temporary, file->folder, file->name) == 0)
        return fsync(file->folder) == 0;
    mg_place_discard(file);
    return false;
}

void mg_place_discard(struct mg_place_file *file)
{
    int error = errno;
    if (file->descriptor >= 0)
        close(file->descriptor);
    file->descriptor = -1;
    unlinkat(file->folder, file->temporary, 0);
    errno = error;
}

bool mg_place_write(int folder, const char *name, const void *bytes, size_t length)
{
    struct mg_place_file file;
    if (!mg_place_begin(&file, folder, name))
        return false;
    if (mg_place_append(&file, bytes, length))
        return mg_place_commit(&file);
    mg_place_discard(&file);
    return false;
}
