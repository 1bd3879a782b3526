#include "gateway/trust/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *reason_of(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return "it does not exist";
    case EACCES:
    case EPERM:
        return "the gateway's user may not read it";
    default:
        return "reading it failed";
    }
}

static enum mg_file_result examine(const struct stat *status, enum mg_file_secrecy secrecy,
                                   size_t limit, const char **reason)
{
    if (!S_ISREG(status->st_mode)) {
        *reason = "it is no regular file";
        return MG_FILE_UNREADABLE;
    }
    if (secrecy == MG_FILE_PRIVATE && (status->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        *reason = "others than its owner have permissions on it";
        return MG_FILE_EXPOSED;
    }
    if (status->st_size < 0 || (uint64_t)status->st_size > limit) {
        *reason = "it is too large";
        return MG_FILE_UNREADABLE;
    }
    return MG_FILE_READ;
}

/* All room is made at once: a buffer that grew would leave copies of a private key behind. A file
 * that grows meanwhile is read up to the size it had; whoever watches it sees that it changed. */
static bool read_all(int descriptor, size_t size, struct mg_buffer *content)
{
    if (!mg_buffer_reserve(content, size))
        return false;
    while (size > 0) {
        ssize_t length = read(descriptor, content->data + content->length, size);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return false;
        if (length == 0)
            break;
        mg_buffer_used(content, (size_t)length);
        size -= (size_t)length;
    }
    return true;
}

enum mg_file_result mg_file_read(const char *path, enum mg_file_secrecy secrecy,
                                 struct mg_buffer *content, const char **reason)
{
    assert(content->limit > 0 && content->length == 0);
    /* Without O_NONBLOCK a named pipe in the place of the file would stop the start. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0) {
        *reason = reason_of(errno);
        return MG_FILE_UNREADABLE;
    }
    struct stat status;
    enum mg_file_result result = MG_FILE_UNREADABLE;
    *reason = "reading it failed";
    if (fstat(descriptor, &status) == 0)
        result = examine(&status, secrecy, content->limit, reason);
    if (result == MG_FILE_READ && !read_all(descriptor, (size_t)status.st_size, content))
        result = MG_FILE_UNREADABLE;
    close(descriptor);
    return result;
}
