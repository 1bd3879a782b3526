#include "tests/unit/lossy_vfs.h"

#include "gateway/base/error.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR 512

/* A change that was not synced: bytes at an offset, or (without bytes) a new end of the file. */
struct change {
    sqlite3_int64 offset;
    char *bytes;
    size_t length;
    struct change *next;
};

struct image {
    char *bytes;
    size_t length;
};

/* One life of a file, from its creation to its deletion. */
struct life {
    struct image synced;
    struct change *first;
    struct change *last;
    bool safe;    /* its creation is on the disk */
    bool deleted; /* in the cache; on the disk either way */
    struct life *older;
};

struct name {
    char *path;
    struct life *life; /* the newest */
    struct name *next;
};

struct file {
    sqlite3_file base;
    struct life *life;
    bool is_log;
    bool syncs_folder; /* with its next sync */
    sqlite3_file *real;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t let_go;
    sqlite3_vfs *real;
    sqlite3_vfs vfs;
    struct name *names;
    unsigned seed;
    long changes;
    long failing_change;
    long log_syncs;
    bool dark, lies, full, hold;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .let_go = PTHREAD_COND_INITIALIZER};

/* Chance that follows from the seed alone, so that a failure can be repeated. */
static unsigned chance(unsigned below)
{
    disk.seed = disk.seed * 1103515245 + 12345;
    return (disk.seed >> 16) % below;
}

/* ---- what a disk would have ---- */

static void resize(struct image *image, size_t length)
{
    image->bytes = mg_reallocate(image->bytes, length);
    if (length > image->length)
        memset(image->bytes + image->length, 0, length - image->length);
    image->length = length;
}

static void apply_bytes(struct image *image, sqlite3_int64 offset, const char *bytes, size_t length)
{
    size_t end = (size_t)offset + length;
    if (end > image->length)
        resize(image, end);
    memcpy(image->bytes + offset, bytes, length);
}

static void apply(struct image *image, const struct change *change)
{
    if (change->bytes)
        apply_bytes(image, change->offset, change->bytes, change->length);
    else if ((size_t)change->offset < image->length)
        resize(image, (size_t)change->offset);
}

/* Some sectors reach the disk, others do not. */
static void apply_torn(struct image *image, const struct change *change)
{
    for (size_t at = 0; at < change->length;) {
        size_t sector_end = SECTOR - ((size_t)change->offset + at) % SECTOR;
        size_t length = change->length - at < sector_end ? change->length - at : sector_end;
        if (chance(2))
            apply_bytes(image, change->offset + (sqlite3_int64)at, change->bytes + at, length);
        at += length;
    }
}

static void free_changes(struct life *life)
{
    while (life->first) {
        struct change *change = life->first;
        life->first = change->next;
        free(change->bytes);
        free(change);
    }
    life->last = NULL;
}

static void free_lives(struct life *life)
{
    while (life) {
        struct life *older = life->older;
        free_changes(life);
        free(life->synced.bytes);
        free(life);
        life = older;
    }
}

/* The folder is synced: what is created is created, and what is deleted is deleted. */
static void make_names_safe(void)
{
    for (struct name *name = disk.names; name; name = name->next) {
        if (!name->life)
            continue;
        name->life->safe = true;
        free_lives(name->life->older);
        name->life->older = NULL;
        if (name->life->deleted) {
            free_lives(name->life);
            name->life = NULL;
        }
    }
}

static void make_safe(struct life *life)
{
    for (const struct change *change = life->first; change; change = change->next)
        apply(&life->synced, change);
    free_changes(life);
}

static void lose_by_chance(struct life *life)
{
    for (const struct change *change = life->first; change; change = change->next) {
        unsigned fate = chance(3);
        if (fate == 0)
            apply(&life->synced, change);
        else if (fate == 1 && change->bytes)
            apply_torn(&life->synced, change);
    }
    free_changes(life);
}

static void add_change(struct life *life, sqlite3_int64 offset, const void *bytes, size_t length)
{
    struct change *change = mg_allocate_zeroed(1, sizeof *change);
    change->offset = offset;
    change->length = length;
    if (bytes)
        change->bytes = memcpy(mg_allocate(length), bytes, length);
    if (life->last)
        life->last->next = change;
    else
        life->first = change;
    life->last = change;
}

static struct name *find_name(const char *path)
{
    struct name *name = disk.names;
    while (name && strcmp(name->path, path) != 0)
        name = name->next;
    return name;
}

static struct life *begin_life(const char *path)
{
    struct name *name = find_name(path);
    if (!name) {
        name = mg_allocate_zeroed(1, sizeof *name);
        name->path = mg_copy_text(path);
        name->next = disk.names;
        disk.names = name;
    }
    struct life *life = mg_allocate_zeroed(1, sizeof *life);
    life->older = name->life;
    name->life = life;
    return life;
}

static struct life *find_life(const char *path)
{
    struct name *name = find_name(path);
    return name && name->life && !name->life->deleted ? name->life : NULL;
}

/* False, and all is dark, if the power fails with this change. */
static bool change_reaches_cache(void)
{
    if (!disk.dark && ++disk.changes == disk.failing_change)
        disk.dark = true;
    return !disk.dark;
}

/* ---- files ---- */

static struct file *as_file(sqlite3_file *file)
{
    return (struct file *)file;
}

static int file_close(sqlite3_file *base)
{
    struct file *file = as_file(base);
    return file->real->pMethods ? file->real->pMethods->xClose(file->real) : SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *bytes, int length, sqlite3_int64 offset)
{
    sqlite3_file *real = as_file(base)->real;
    return real->pMethods->xRead(real, bytes, length, offset);
}

static int file_write(sqlite3_file *base, const void *bytes, int length, sqlite3_int64 offset)
{
    struct file *file = as_file(base);
    pthread_mutex_lock(&disk.lock);
    int result = SQLITE_IOERR_WRITE;
    bool begun = !disk.dark, reached = change_reaches_cache();
    if (disk.full)
        result = SQLITE_FULL;
    else if (file->life && begun)
        add_change(file->life, offset, bytes, (size_t)length);
    if (reached && !disk.full)
        result = file->real->pMethods->xWrite(file->real, bytes, length, offset);
    pthread_mutex_unlock(&disk.lock);
    return result;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct file *file = as_file(base);
    pthread_mutex_lock(&disk.lock);
    int result = SQLITE_IOERR_TRUNCATE;
    if (change_reaches_cache()) {
        if (file->life)
            add_change(file->life, size, NULL, 0);
        result = file->real->pMethods->xTruncate(file->real, size);
    }
    pthread_mutex_unlock(&disk.lock);
    return result;
}

static int file_sync(sqlite3_file *base, int flags)
{
    (void)flags; /* the real disk is spared: only what is modelled counts */
    struct file *file = as_file(base);
    pthread_mutex_lock(&disk.lock);
    while (disk.hold)
        pthread_cond_wait(&disk.let_go, &disk.lock);
    int result = SQLITE_IOERR_FSYNC;
    if (change_reaches_cache()) {
        disk.log_syncs += file->is_log;
        if (file->life && !disk.lies) {
            make_safe(file->life);
            if (file->syncs_folder)
                make_names_safe();
            file->syncs_folder = false;
        }
        result = SQLITE_OK;
    }
    pthread_mutex_unlock(&disk.lock);
    return result;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    sqlite3_file *real = as_file(base)->real;
    return real->pMethods->xFileSize(real, size);
}

static int file_lock(sqlite3_file *base, int level)
{
    sqlite3_file *real = as_file(base)->real;
    return real->pMethods->xLock(real, level);
}

static int file_unlock(sqlite3_file *base, int level)
{
    sqlite3_file *real = as_file(base)->real;
    return real->pMethods->xUnlock(real, level);
}

static int file_check_lock(sqlite3_file *base, int *result)
{
    sqlite3_file *real = as_file(base)->real;
    return real->pMethods->xCheckReservedLock(real, result);
}

static int file_control(sqlite3_file *base, int what, void *argument)
{
    sqlite3_file *real = as_file(base)->real;
    return real->pMethods->xFileControl(real, what, argument);
}

static int file_sector_size(sqlite3_file *base)
{
    sqlite3_file *real = as_file(base)->real;
    return real->pMethods->xSectorSize(real);
}

static int file_characteristics(sqlite3_file *base)
{
    sqlite3_file *real = as_file(base)->real;
    return real->pMethods->xDeviceCharacteristics(real);
}

static int file_map(sqlite3_file *base, int region, int size, int extend, void volatile **memory)
{
    sqlite3_file *real = as_file(base)->real;
    return real->pMethods->xShmMap(real, region, size, extend, memory);
}

static int file_lock_map(sqlite3_file *base, int offset, int count, int flags)
{
    sqlite3_file *real = as_file(base)->real;
    return real->pMethods->xShmLock(real, offset, count, flags);
}

static void file_barrier(sqlite3_file *base)
{
    sqlite3_file *real = as_file(base)->real;
    real->pMethods->xShmBarrier(real);
}

static int file_unmap(sqlite3_file *base, int delete)
{
    sqlite3_file *real = as_file(base)->real;
    return real->pMethods->xShmUnmap(real, delete);
}

/* ---- the folder ---- */

static int disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags,
                     int *result_flags)
{
    static const sqlite3_io_methods methods = {2,
                                               file_close,
                                               file_read,
                                               file_write,
                                               file_truncate,
                                               file_sync,
                                               file_size,
                                               file_lock,
                                               file_unlock,
                                               file_check_lock,
                                               file_control,
                                               file_sector_size,
                                               file_characteristics,
                                               file_map,
                                               file_lock_map,
                                               file_barrier,
                                               file_unmap,
                                               NULL,
                                               NULL};
    (void)vfs;
    struct file *file = as_file(base);
    file->base.pMethods = NULL;
    file->real = (sqlite3_file *)(file + 1);
    file->life = NULL;
    file->is_log = flags & SQLITE_OPEN_WAL;
    file->syncs_folder = false;
    pthread_mutex_lock(&disk.lock);
    struct life *life = path ? find_life(path) : NULL;
    int result = SQLITE_OK;
    if (path && !life && flags & SQLITE_OPEN_CREATE && !change_reaches_cache())
        result = SQLITE_CANTOPEN;
    if (result == SQLITE_OK)
        result = disk.real->xOpen(disk.real, path, file->real, flags, result_flags);
    int tracked = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
    if (result == SQLITE_OK && path && flags & tracked) {
        file->syncs_folder = !life && !(flags & SQLITE_OPEN_MAIN_DB);
        file->life = life ? life : begin_life(path);
    }
    if (result == SQLITE_OK)
        file->base.pMethods = &methods;
    pthread_mutex_unlock(&disk.lock);
    return result;
}

static int disk_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    (void)vfs;
    pthread_mutex_lock(&disk.lock);
    int result = SQLITE_IOERR_DELETE;
    if (change_reaches_cache()) {
        struct life *life = find_life(path);
        result = disk.real->xDelete(disk.real, path, 0);
        if (life && result == SQLITE_OK) {
            life->deleted = true;
            if (sync_folder && !disk.lies)
                make_names_safe();
        }
    }
    pthread_mutex_unlock(&disk.lock);
    return result;
}

static int disk_access(sqlite3_vfs *vfs, const char *path, int flags, int *result)
{
    (void)vfs;
    return disk.real->xAccess(disk.real, path, flags, result);
}

static int disk_full_path(sqlite3_vfs *vfs, const char *path, int size, char *full)
{
    (void)vfs;
    return disk.real->xFullPathname(disk.real, path, size, full);
}

static int disk_randomness(sqlite3_vfs *vfs, int size, char *bytes)
{
    (void)vfs;
    return disk.real->xRandomness(disk.real, size, bytes);
}

static int disk_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return disk.real->xSleep(disk.real, microseconds);
}

static int disk_time(sqlite3_vfs *vfs, double *time)
{
    (void)vfs;
    return disk.real->xCurrentTime(disk.real, time);
}

static int disk_last_error(sqlite3_vfs *vfs, int size, char *text)
{
    (void)vfs, (void)size, (void)text;
    return 0;
}

/* ---- for the tests ---- */

void lossy_vfs_reset(unsigned seed)
{
    if (!disk.real) {
        disk.real = sqlite3_vfs_find(NULL);
        disk.vfs = (sqlite3_vfs){
            .iVersion = 1,
            .szOsFile = (int)sizeof(struct file) + disk.real->szOsFile,
            .mxPathname = disk.real->mxPathname,
            .zName = LOSSY_VFS,
            .xOpen = disk_open,
            .xDelete = disk_delete,
            .xAccess = disk_access,
            .xFullPathname = disk_full_path,
            .xRandomness = disk_randomness,
            .xSleep = disk_sleep,
            .xCurrentTime = disk_time,
            .xGetLastError = disk_last_error,
        };
        sqlite3_vfs_register(&disk.vfs, 0);
    }
    while (disk.names) {
        struct name *name = disk.names;
        disk.names = name->next;
        free_lives(name->life);
        free(name->path);
        free(name);
    }
    disk.seed = seed;
    disk.changes = disk.failing_change = disk.log_syncs = 0;
    disk.dark = disk.lies = disk.full = disk.hold = false;
}

void lossy_vfs_fail_after(long changes)
{
    pthread_mutex_lock(&disk.lock);
    disk.failing_change = changes > 0 ? disk.changes + changes : 0;
    pthread_mutex_unlock(&disk.lock);
}

bool lossy_vfs_is_dark(void)
{
    pthread_mutex_lock(&disk.lock);
    bool dark = disk.dark;
    pthread_mutex_unlock(&disk.lock);
    return dark;
}

long lossy_vfs_changes(void)
{
    pthread_mutex_lock(&disk.lock);
    long changes = disk.changes;
    pthread_mutex_unlock(&disk.lock);
    return changes;
}

/* Which of a name's lives the disk shows: any that began since the last one that is safe, or none
 * if a deletion may have been the last that was seen, or nothing was safe. */
static struct life *choose_life(struct life *newest)
{
    struct life *candidates[16];
    unsigned count = 0;
    for (struct life *life = newest; life && count + 2 < 16; life = life->older) {
        if (life->deleted)
            candidates[count++] = NULL;
        candidates[count++] = life;
        if (!life->older && !life->safe)
            candidates[count++] = NULL;
    }
    return count > 0 ? candidates[chance(count)] : NULL;
}

static void write_image(const char *path, const struct image *image)
{
    FILE *file = fopen(path, "wb");
    if (!file || (image->length > 0 && fwrite(image->bytes, image->length, 1, file) != 1) ||
        fclose(file) != 0)
        mg_die("the test's disk cannot be restored");
}

void lossy_vfs_restore(void)
{
    pthread_mutex_lock(&disk.lock);
    for (struct name *name = disk.names; name; name = name->next) {
        struct life *survivor = choose_life(name->life);
        struct image image = {0};
        if (survivor) {
            lose_by_chance(survivor);
            image = survivor->synced;
            survivor->synced = (struct image){0};
        }
        free_lives(name->life);
        name->life = NULL;
        unlink(name->path);
        if (survivor) {
            write_image(name->path, &image);
            name->life = mg_allocate_zeroed(1, sizeof *name->life);
            name->life->synced = image;
            name->life->safe = true;
        }
        /* The index of a log is rebuilt from the log; what it holds after a failure means nothing.
         */
        char index[512];
        snprintf(index, sizeof index, "%s-shm", name->path);
        unlink(index);
    }
    disk.dark = false;
    disk.changes = disk.failing_change = 0;
    pthread_mutex_unlock(&disk.lock);
}

void lossy_vfs_lie(bool lies)
{
    disk.lies = lies;
}

void lossy_vfs_fill(bool full)
{
    pthread_mutex_lock(&disk.lock);
    disk.full = full;
    pthread_mutex_unlock(&disk.lock);
}

void lossy_vfs_hold(bool hold)
{
    pthread_mutex_lock(&disk.lock);
    disk.hold = hold;
    pthread_cond_broadcast(&disk.let_go);
    pthread_mutex_unlock(&disk.lock);
}

long lossy_vfs_log_syncs(void)
{
    pthread_mutex_lock(&disk.lock);
    long syncs = disk.log_syncs;
    pthread_mutex_unlock(&disk.lock);
    return syncs;
}
