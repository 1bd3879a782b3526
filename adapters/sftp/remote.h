/*
 * remote: files and folders at the SFTP server, as the adapter needs them.
 *
 * A file is written so that its name never shows anything but the whole content: to a temporary
 * name that begins with a dot, fsync where the server offers it (fsync@openssh.com), then renamed.
 * What a broken connection leaves behind under the temporary name is replaced when the same file is
 * written again.
 *
 * Paths are absolute at the server, or relative to the user's home there. Everything belongs on the
 * thread of the session; false means that the session's failure says why.
 */
#ifndef MUENGSTEN_ADAPTERS_SFTP_REMOTE_H
#define MUENGSTEN_ADAPTERS_SFTP_REMOTE_H

#include "adapters/sftp/session.h"

#include <stddef.h>
#include <sys/types.h>

#define MG_REMOTE_PATH 2048 /* bytes of a path */
#define MG_REMOTE_NAME 256  /* bytes of a name; longer ones are not seen */

struct mg_remote_entry {
    const char *name;
    bool is_file; /* a regular one, and no link */
    uint64_t size;
    uint64_t changed; /* seconds, by the server's clock */
};

/* FOLDER/NAME, or FOLDER/BELOW/NAME; the settings' folder. */
void mg_remote_path(const struct mg_session *session, const char *below, const char *name,
                    char path[MG_REMOTE_PATH]);

/* Makes a folder unless it is there. */
bool mg_remote_make_folder(struct mg_session *session, const char *path);

/* Calls each with every entry, in no order, until it returns false. */
bool mg_remote_list(struct mg_session *session, const char *path,
                    bool (*each)(const struct mg_remote_entry *entry, void *context),
                    void *context);

/* Looks at a name without following links. found says whether there is anything; size may be NULL.
 */
bool mg_remote_look(struct mg_session *session, const char *path, bool *found, uint64_t *size);

/* A file for reading, with its size. NULL: failed. Close it before the session is cut, or leave it:
 * it ends with the session. */
LIBSSH2_SFTP_HANDLE *mg_remote_open(struct mg_session *session, const char *path, uint64_t *size);
/* How many bytes were read; 0 at the end; -1: failed. */
ssize_t mg_remote_read(struct mg_session *session, LIBSSH2_SFTP_HANDLE *file, void *bytes,
                       size_t size);
void mg_remote_close(struct mg_session *session, LIBSSH2_SFTP_HANDLE *file);

/* Where the content of a file comes from: up to size bytes from offset; 0 at the end, -1: it cannot
 * be read, and the failure is sftp.content. */
typedef ssize_t (*mg_remote_content)(int64_t offset, void *bytes, size_t size, void *context);

/* Writes FOLDER/[BELOW/]NAME whole, in place of what was there. */
bool mg_remote_write(struct mg_session *session, const char *below, const char *name,
                     mg_remote_content content, void *context);
bool mg_remote_write_bytes(struct mg_session *session, const char *below, const char *name,
                           const void *bytes, size_t length);

/* Moves a file where nothing of that name is yet: answer is SSH_FX_FILE_ALREADY_EXISTS otherwise.
 */
bool mg_remote_move(struct mg_session *session, const char *from, const char *to);

/* Removes a file, if it is there. */
bool mg_remote_remove(struct mg_session *session, const char *path);

/* True if a failure says that there was no such file. */
bool mg_remote_is_missing(const struct mg_failure *failure);

#endif
