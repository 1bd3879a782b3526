/*
 * place: folders and files as the adapter needs them, on file descriptors of folders, so that no
 * name can lead out of its folder and nobody can exchange a folder on the way.
 *
 * A file is written so that its name never shows anything but the whole content: to a temporary
 * name that begins with a dot, fsync, rename, fsync of the folder. What a crash leaves behind under
 * the temporary name is replaced when the same file is written again.
 *
 * All of it may wait for the disk and belongs on a thread of its own. Functions that fail leave the
 * reason in errno.
 */
#ifndef MUENGSTEN_ADAPTERS_FOLDER_PLACE_H
#define MUENGSTEN_ADAPTERS_FOLDER_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* The folders of a source, as descriptors; -1: not open. */
struct mg_places {
    int folder;      /* what others put files into */
    int in_progress; /* what was picked up */
    int rejected;    /* what was refused, with the reason beside it */
    int receipts;    /* the receipts of what was accepted */
};

/* Opens the folder and those below it, which it makes if they are missing. All or none. */
bool mg_places_open(const char *path, struct mg_places *places);
void mg_places_close(struct mg_places *places);

/* False if the path no longer leads to the opened folder, for example after it was made anew. */
bool mg_places_current(const char *path, const struct mg_places *places);

/* Opens a regular file for reading, and no link. -1 with EINVAL if it is something else. */
int mg_place_open(int folder, const char *name, struct stat *facts);

/* Moves a file where nothing of that name is yet: EEXIST otherwise. */
bool mg_place_move(int from, const char *name, int to, const char *new_name);

/* Text for the errno of something that failed in the folder of that path: a stable code and a
 * sentence. */
const char *mg_place_reason(int error, const char *path, char *text, size_t size);

/* ---- writing ---- */

struct mg_place_file {
    int folder;
    int descriptor;
    char name[NAME_MAX + 1];
    char temporary[NAME_MAX + 1];
};

/* Begins a file; ends with commit or discard. ENAMETOOLONG if there is no room for the temporary
 * name. */
bool mg_place_begin(struct mg_place_file *file, int folder, const char *name);
bool mg_place_append(struct mg_place_file *file, const void *bytes, size_t length);
/* Gives the file its name. On failure nothing of it is left. */
bool mg_place_commit(struct mg_place_file *file);
void mg_place_discard(struct mg_place_file *file);

/* All of it at once. */
bool mg_place_write(int folder, const char *name, const void *bytes, size_t length);

#endif
