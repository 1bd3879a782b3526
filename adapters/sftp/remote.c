#include "adapters/sftp/remote.h"

#include "adapters/common/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 131072

void mg_remote_path(const struct mg_session *session, const char *below, const char *name,
                    char path[MG_REMOTE_PATH])
{
    const char *folder = mg_session_settings(session)->folder;
    snprintf(path, MG_REMOTE_PATH, "%s%s%s%s%s", folder, below ? "/" : "", below ? below : "",
             name ? "/" : "", name ? name : "");
}

bool mg_remote_is_missing(const struct mg_failure *failure)
{
    return !failure->broken && (failure->answer == LIBSSH2_FX_NO_SUCH_FILE ||
                                failure->answer == LIBSSH2_FX_NO_SUCH_PATH);
}

static void forgive(struct mg_session *session)
{
    *mg_session_failure(session) = (struct mg_failure){0};
}

/* Closes what is open, and keeps the failure that there was before. False if closing failed. */
static bool close_file(struct mg_session *session, LIBSSH2_SFTP_HANDLE *file)
{
    struct mg_failure before = *mg_session_failure(session);
    if (before.broken) /* it has ended with the session */
        return false;
    bool again = true;
    int result = LIBSSH2_ERROR_EAGAIN;
    mg_session_step(session);
    while (again && (result = libssh2_sftp_close_handle(file)) != 0) {
        /* Whatever the server says, libssh2 has released the handle, unless it still waits. */
        if (result != LIBSSH2_ERROR_EAGAIN)
            mg_session_hold(session, NULL);
        again = mg_session_again(session, result) && result == LIBSSH2_ERROR_EAGAIN;
    }
    if (result == 0)
        mg_session_hold(session, NULL);
    if (before.code) {
        before.broken = mg_session_failure(session)->broken;
        *mg_session_failure(session) = before;
    }
    return result == 0;
}

/* ---- looking ---- */

static bool attributes_of(struct mg_session *session, const char *path,
                          LIBSSH2_SFTP_ATTRIBUTES *attributes)
{
    int result;
    mg_session_step(session);
    while ((result = libssh2_sftp_stat_ex(mg_session_sftp(session), path, (unsigned)strlen(path),
                                          LIBSSH2_SFTP_LSTAT, attributes)) != 0)
        if (!mg_session_again(session, result))
            return false;
    return true;
}

bool mg_remote_look(struct mg_session *session, const char *path, bool *found, uint64_t *size)
{
    LIBSSH2_SFTP_ATTRIBUTES attributes = {0};
    *found = attributes_of(session, path, &attributes);
    if (!*found && !mg_remote_is_missing(mg_session_failure(session)))
        return false;
    forgive(session);
    if (size)
        *size = attributes.flags & LIBSSH2_SFTP_ATTR_SIZE ? attributes.filesize : 0;
    return true;
}

bool mg_remote_make_folder(struct mg_session *session, const char *path)
{
    int result;
    bool found;
    if (!mg_remote_look(session, path, &found, NULL))
        return false;
    if (found)
        return true;
    mg_session_step(session);
    while ((result = libssh2_sftp_mkdir_ex(mg_session_sftp(session), path, (unsigned)strlen(path),
                                           0770)) != 0)
        if (!mg_session_again(session, result))
            return false;
    return true;
}

/* Reads one entry. 1: there is one; 0: the end; -1: failed. */
static int next_entry(struct mg_session *session, LIBSSH2_SFTP_HANDLE *folder, char *name,
                      size_t size, LIBSSH2_SFTP_ATTRIBUTES *attributes)
{
    int length;
    mg_session_step(session);
    while ((length = libssh2_sftp_readdir_ex(folder, name, size - 1, NULL, 0, attributes)) < 0) {
        /* A name that is too long for us is nobody's message; it is passed over. */
        if (length == LIBSSH2_ERROR_BUFFER_TOO_SMALL) {
            name[0] = '\0';
            return 1;
        }
        if (!mg_session_again(session, length))
            return -1;
    }
    name[length] = '\0';
    return length > 0;
}

bool mg_remote_list(struct mg_session *session, const char *path,
                    bool (*each)(const struct mg_remote_entry *entry, void *context), void *context)
{
    LIBSSH2_SFTP_HANDLE *folder;
    LIBSSH2_SFTP_ATTRIBUTES attributes;
    char name[MG_REMOTE_NAME];
    int more;
    mg_session_step(session);
    while (!(folder = libssh2_sftp_open_ex(mg_session_sftp(session), path, (unsigned)strlen(path),
                                           0, 0, LIBSSH2_SFTP_OPENDIR)))
        if (!mg_session_again(session, LIBSSH2_ERROR_NONE))
            return false;
    mg_session_hold(session, folder);
    while ((more = next_entry(session, folder, name, sizeof name, &attributes)) > 0) {
        const struct mg_remote_entry entry = {
            .name = name,
            .is_file = attributes.flags & LIBSSH2_SFTP_ATTR_PERMISSIONS &&
                       LIBSSH2_SFTP_S_ISREG(attributes.permissions),
            .size = attributes.flags & LIBSSH2_SFTP_ATTR_SIZE ? attributes.filesize : 0,
            .changed = attributes.flags & LIBSSH2_SFTP_ATTR_ACMODTIME ? attributes.mtime : 0,
        };
        if (name[0] && strlen(name) == strcspn(name, "/") && !each(&entry, context))
            break;
    }
    mg_remote_close(session, folder);
    return more >= 0;
}

/* ---- reading ---- */

LIBSSH2_SFTP_HANDLE *mg_remote_open(struct mg_session *session, const char *path, uint64_t *size)
{
    int result;
    LIBSSH2_SFTP_ATTRIBUTES attributes = {0};
    LIBSSH2_SFTP_HANDLE *file;
    mg_session_step(session);
    while (!(file = libssh2_sftp_open_ex(mg_session_sftp(session), path, (unsigned)strlen(path),
                                         LIBSSH2_FXF_READ, 0, LIBSSH2_SFTP_OPENFILE)))
        if (!mg_session_again(session, LIBSSH2_ERROR_NONE))
            return NULL;
    mg_session_hold(session, file);
    while ((result = libssh2_sftp_fstat_ex(file, &attributes, 0)) != 0) {
        if (!mg_session_again(session, result)) {
            mg_remote_close(session, file);
            return NULL;
        }
    }
    *size = attributes.flags & LIBSSH2_SFTP_ATTR_SIZE ? attributes.filesize : 0;
    return file;
}

ssize_t mg_remote_read(struct mg_session *session, LIBSSH2_SFTP_HANDLE *file, void *bytes,
                       size_t size)
{
    ssize_t length;
    mg_session_step(session);
    while ((length = libssh2_sftp_read(file, bytes, size)) < 0)
        if (!mg_session_again(session, (int)length))
            return -1;
    return length;
}

void mg_remote_close(struct mg_session *session, LIBSSH2_SFTP_HANDLE *file)
{
    close_file(session, file);
}

/* ---- moving and removing ---- */

bool mg_remote_remove(struct mg_session *session, const char *path)
{
    int result;
    mg_session_step(session);
    while ((result = libssh2_sftp_unlink_ex(mg_session_sftp(session), path,
                                            (unsigned)strlen(path))) != 0) {
        if (mg_session_again(session, result))
            continue;
        if (!mg_remote_is_missing(mg_session_failure(session)))
            return false;
        forgive(session);
        return true;
    }
    return true;
}

static bool rename_file(struct mg_session *session, const char *from, const char *to)
{
    int result;
    mg_session_step(session);
    while ((result = libssh2_sftp_rename_ex(mg_session_sftp(session), from, (unsigned)strlen(from),
                                            to, (unsigned)strlen(to), 0)) != 0)
        if (!mg_session_again(session, result))
            return false;
    return true;
}

bool mg_remote_move(struct mg_session *session, const char *from, const char *to)
{
    /* OpenSSH's server does not write over a file here, others do. Looking first leaves a gap, but
     * the folders that files are moved to are the adapter's own. */
    bool found;
    if (!mg_remote_look(session, to, &found, NULL))
        return false;
    if (found) {
        mg_failure_answer(mg_session_failure(session), LIBSSH2_FX_FILE_ALREADY_EXISTS,
                          mg_session_settings(session)->folder);
        return false;
    }
    return rename_file(session, from, to);
}

#if MG_SFTP_POSIX_RENAME
/* In one step, where library and server can: 1. It has failed: -1. They cannot: 0. */
static int replace_in_one_step(struct mg_session *session, const char *from, const char *to)
{
    int result;
    mg_session_step(session);
    while ((result = libssh2_sftp_posix_rename_ex(mg_session_sftp(session), from, strlen(from), to,
                                                  strlen(to))) != 0) {
        if (result == (int)LIBSSH2_FX_OP_UNSUPPORTED)
            return 0;
        if (!mg_session_again(session, result))
            return mg_session_failure(session)->answer == LIBSSH2_FX_OP_UNSUPPORTED ? 0 : -1;
    }
    return 1;
}
#else
static int replace_in_one_step(struct mg_session *session, const char *from, const char *to)
{
    (void)session, (void)from, (void)to;
    return 0;
}
#endif

/* Gives a file its name. Without posix-rename, what had the name has to be removed first; should
 * that be all that happens, the file is written again with the next attempt. */
static bool replace(struct mg_session *session, const char *from, const char *to)
{
    int replaced = replace_in_one_step(session, from, to);
    if (replaced != 0)
        return replaced > 0;
    forgive(session);
    bool found;
    return mg_remote_look(session, to, &found, NULL) && (!found || mg_remote_remove(session, to)) &&
           rename_file(session, from, to);
}

/* ---- writing ---- */

static LIBSSH2_SFTP_HANDLE *create(struct mg_session *session, const char *path)
{
    const unsigned long flags = LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_EXCL;
    LIBSSH2_SFTP_HANDLE *file;
    mg_session_step(session);
    while (!(file = libssh2_sftp_open_ex(mg_session_sftp(session), path, (unsigned)strlen(path),
                                         flags, 0660, LIBSSH2_SFTP_OPENFILE)))
        if (!mg_session_again(session, LIBSSH2_ERROR_NONE))
            return NULL;
    mg_session_hold(session, file);
    return file;
}

/* Left behind by an earlier attempt, a file is removed and not truncated: the server's end of a
 * connection that we have given up may still write to it. */
static LIBSSH2_SFTP_HANDLE *create_anew(struct mg_session *session, const char *path)
{
    LIBSSH2_SFTP_HANDLE *file = create(session, path);
    const struct mg_failure *failure = mg_session_failure(session);
    if (file || failure->broken ||
        (failure->answer != LIBSSH2_FX_FAILURE &&
         failure->answer != LIBSSH2_FX_FILE_ALREADY_EXISTS))
        return file;
    forgive(session);
    return mg_remote_remove(session, path) ? create(session, path) : NULL;
}

static bool write_block(struct mg_session *session, LIBSSH2_SFTP_HANDLE *file, const char *bytes,
                        size_t length)
{
    mg_session_step(session);
    while (length > 0) {
        ssize_t written = libssh2_sftp_write(file, bytes, length);
        if (written > 0) {
            bytes += written;
            length -= (size_t)written;
            mg_session_step(session);
        } else if (!mg_session_again(session, written < 0 ? (int)written : LIBSSH2_ERROR_EAGAIN)) {
            return false; /* 0: the server has confirmed nothing yet */
        }
    }
    return true;
}

static bool write_content(struct mg_session *session, LIBSSH2_SFTP_HANDLE *file,
                          mg_remote_content content, void *context)
{
    char *block = mg_text_allocate(1, BLOCK);
    int64_t offset = 0;
    ssize_t length;
    bool written = true;
    while (written && (length = content(offset, block, BLOCK, context)) != 0) {
        if (length < 0) {
            mg_failure_set(mg_session_failure(session), "sftp.content",
                           "The gateway's own store could not give the content of the message.");
            written = false;
        } else {
            written = write_block(session, file, block, (size_t)length);
            offset += length;
        }
    }
    free(block);
    return written;
}

/* A server that does not know the extension says so, which is no failure. */
static bool synchronise(struct mg_session *session, LIBSSH2_SFTP_HANDLE *file)
{
    int result;
    mg_session_step(session);
    while ((result = libssh2_sftp_fsync(file)) != 0) {
        if (mg_session_again(session, result))
            continue;
        if (mg_session_failure(session)->answer != LIBSSH2_FX_OP_UNSUPPORTED)
            return false;
        forgive(session);
        return true;
    }
    return true;
}

/* In the version of SFTP that most servers speak, a full disk is a failure like any other. */
static void find_out_whether_full(struct mg_session *session)
{
    int result;
    const struct mg_failure failure = *mg_session_failure(session);
    const char *folder = mg_session_settings(session)->folder;
    LIBSSH2_SFTP_STATVFS facts;
    bool known = true;
    if (failure.broken || failure.answer != LIBSSH2_FX_FAILURE)
        return;
    forgive(session);
    mg_session_step(session);
    while (known && (result = libssh2_sftp_statvfs(mg_session_sftp(session), folder, strlen(folder),
                                                   &facts)) != 0)
        known = mg_session_again(session, result);
    bool cut = mg_session_failure(session)->broken;
    *mg_session_failure(session) = failure;
    mg_session_failure(session)->broken = cut;
    if (known && (facts.f_bavail == 0 || (facts.f_files > 0 && facts.f_favail == 0)))
        mg_failure_answer(mg_session_failure(session), LIBSSH2_FX_NO_SPACE_ON_FILESYSTEM, folder);
}

/* Tries to leave nothing behind; what stays is replaced by the next attempt. */
static void discard(struct mg_session *session, const char *path)
{
    struct mg_failure failure = *mg_session_failure(session);
    if (failure.broken)
        return;
    forgive(session);
    mg_remote_remove(session, path);
    failure.broken = mg_session_failure(session)->broken;
    *mg_session_failure(session) = failure;
}

bool mg_remote_write(struct mg_session *session, const char *below, const char *name,
                     mg_remote_content content, void *context)
{
    char path[MG_REMOTE_PATH], temporary[MG_REMOTE_PATH], dotted[MG_REMOTE_NAME + 16];
    snprintf(dotted, sizeof dotted, ".%s.part", name);
    mg_remote_path(session, below, name, path);
    mg_remote_path(session, below, dotted, temporary);
    LIBSSH2_SFTP_HANDLE *file = create_anew(session, temporary);
    if (!file) {
        find_out_whether_full(session);
        return false;
    }
    bool written = write_content(session, file, content, context) && synchronise(session, file);
    if (!written)
        find_out_whether_full(session);
    written = close_file(session, file) && written;
    if (written && replace(session, temporary, path))
        return true;
    discard(session, temporary);
    return false;
}

struct bytes {
    const char *bytes;
    size_t length;
};

static ssize_t copy_bytes(int64_t offset, void *bytes, size_t size, void *context)
{
    const struct bytes *from = context;
    size_t left = from->length - (size_t)offset;
    if (size > left)
        size = left;
    if (size > 0)
        memcpy(bytes, from->bytes + offset, size);
    return (ssize_t)size;
}

bool mg_remote_write_bytes(struct mg_session *session, const char *below, const char *name,
                           const void *bytes, size_t length)
{
    struct bytes from = {bytes, length};
    return mg_remote_write(session, below, name, copy_bytes, &from);
}
