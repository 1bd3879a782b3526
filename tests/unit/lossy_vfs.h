/*
 * lossy_vfs: a disk for SQLite that loses what was not synced when its power fails.
 *
 * It stands over the default VFS. What is written is visible at once, as in the cache of a real
 * system, but of every file it also keeps what a disk would surely have: its state at the last
 * sync, and every write and truncation since. When the power fails, each of those survives whole,
 * in parts (by sectors of 512 bytes), or not at all, by chance; files that were created or deleted
 * without a sync of their folder appear in either state. SQLite's own VFS syncs the folder with the
 * first sync of a new log or journal, which is how files are taken to be safe here. Between the
 * failure and the restoration every change fails.
 *
 * It can also be full for a while, lie about syncs, hold them up, and count them.
 */
#ifndef MUENGSTEN_TESTS_LOSSY_VFS_H
#define MUENGSTEN_TESTS_LOSSY_VFS_H

#include <stdbool.h>

/* The name to open databases with. There is one such disk in the program. */
#define LOSSY_VFS "lossy"

/* Registers the disk, or forgets everything about its files and begins again with this seed.
 * Databases that are opened afterwards have to be new. */
void lossy_vfs_reset(unsigned seed);

/* The power fails in the course of the n-th change from now (1: the next); 0: never. */
void lossy_vfs_fail_after(long changes);
bool lossy_vfs_is_dark(void);
/* Changes since the reset or the last restoration. */
long lossy_vfs_changes(void);

/* The power is back: files hold what survived. No file may be open. */
void lossy_vfs_restore(void);

/* Syncs return at once and do nothing. */
void lossy_vfs_lie(bool lies);

/* Files may not grow or be overwritten: SQLITE_FULL. */
void lossy_vfs_fill(bool full);

/* Syncs wait until they are let go. */
void lossy_vfs_hold(bool hold);

/* Syncs of logs since the reset: the commits. */
long lossy_vfs_log_syncs(void);

#endif
