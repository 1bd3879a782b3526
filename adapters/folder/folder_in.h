/*
 * folder_in: the state of a source, shared by its three files: folder_in.c (when to look),
 * folder_scan.c (looking and picking up, on the other thread) and folder_file.c (one file, from
 * picked up to put away).
 */
#ifndef MUENGSTEN_ADAPTERS_FOLDER_IN_H
#define MUENGSTEN_ADAPTERS_FOLDER_IN_H

#include "adapters/folder/folder.h"
#include "adapters/folder/place.h"

#define MG_FOLDER_FILES 64 /* at once, at most */
#define MG_FOLDER_MOVED                                                                            \
    64 /* remembered as moved in, at most; the others wait until they are settled */

typedef char mg_folder_name[NAME_MAX + 1];

struct mg_folder_source;
struct mg_folder_file;

/* One look into the folder. Belongs to the job while it runs. */
struct mg_folder_scan {
    struct mg_folder_job job;
    struct mg_folder_source *source;
    /* Filled in before. */
    mg_folder_name known[MG_FOLDER_FILES]; /* files underway: not to be picked up again */
    size_t known_count;
    mg_folder_name moved[MG_FOLDER_MOVED]; /* moved in: complete */
    size_t moved_count;
    size_t room;     /* how many files may be picked up */
    bool may_reopen; /* no file needs the folders as they are */
    /* Found. */
    mg_folder_name picked[MG_FOLDER_FILES];
    size_t picked_count;
    bool more;     /* there was no room for all */
    bool reopened; /* the folder was made anew */
    int64_t wait;  /* milliseconds until the next file is settled; 0: none waits */
    int error;     /* errno of what failed; 0: nothing */
};

struct mg_folder_source {
    struct mg_folder folder; /* first */
    int64_t interval;        /* milliseconds */
    int64_t settle;          /* milliseconds */
    size_t simultaneous;
    /* Exchanged by a scan only while every file waits for its next attempt; read by their jobs. */
    struct mg_places places;

    struct mg_folder_file *files[MG_FOLDER_FILES];
    size_t file_count;

    int notices; /* inotify; -1: the interval has to do */
    struct mg_watch *watch;
    mg_folder_name moved[MG_FOLDER_MOVED];
    size_t moved_count;

    struct mg_folder_scan *scan;
    bool scanning;
    bool again; /* something happened during the scan */
    bool more;  /* files wait for room */
    int error;  /* last logged, so that it is logged once */
    struct mg_timer *timer;

    struct mg_counter *accepted;
    struct mg_counter *rejected;
    struct mg_counter *postponed;
};

/* The work of a scan (folder_scan.c). */
void mg_folder_scan_work(struct mg_folder_job *job);

/* Takes a file that is in in-progress over (folder_file.c); adds it to the source's files. */
void mg_folder_file_start(struct mg_folder_source *source, const char *name);
const char *mg_folder_file_name(const struct mg_folder_file *file);
/* Lets go of a file when the source is closed; it stays in in-progress. */
void mg_folder_file_close(struct mg_folder_file *file);

/* True if the file waits for its next attempt. It does not begin one while a scan runs. */
bool mg_folder_file_waits(const struct mg_folder_file *file);

/* A file has begun to wait (folder_in.c). */
void mg_folder_file_postponed(struct mg_folder_source *source);

/* A file has been put away: removes it from the files and looks for the next (folder_in.c). */
void mg_folder_file_gone(struct mg_folder_source *source, struct mg_folder_file *file);

#endif
