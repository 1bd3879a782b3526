#include "adapters/common/file.h"

#include "adapters/common/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads up to size bytes. -1 with errno. */
static ssize_t read_whole(const char *path, char *bytes, size_t size)
{
    size_t length = 0;
    ssize_t got = 1;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return -1;
    while (got > 0 && length < size) {
        do
            got = read(descriptor, bytes + length, size - length);
        while (got < 0 && errno == EINTR);
        if (got > 0)
            length += (size_t)got;
    }
    int error = errno;
    close(descriptor);
    errno = error;
    return got < 0 ? -1 : (ssize_t)length;
}

char *mg_file_text(const char *path, size_t limit)
{
    struct stat facts;
    if (stat(path, &facts) < 0)
        return NULL;
    if (facts.st_size < 0 || (size_t)facts.st_size > limit) {
        errno = EFBIG;
        return NULL;
    }
    size_t size = (size_t)facts.st_size;
    char *text = mg_text_allocate(1, size + 1);
    ssize_t length = read_whole(path, text, size);
    if (length >= 0 && memchr(text, '\0', (size_t)length)) {
        errno = EINVAL;
        length = -1;
    }
    if (length < 0) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}

bool mg_file_line(const char *path, char *line, size_t size)
{
    ssize_t length = read_whole(path, line, size);
    if (length <= 0)
        return false;
    size_t end = 0;
    while (end < (size_t)length && line[end] != '\n' && line[end] != '\r' && line[end] != '\0')
        end++;
    if (end == 0 || end == size)
        return false;
    memset(line + end, 0, size - end);
    return true;
}

bool mg_file_is_secret(const char *path)
{
    struct stat facts;
    if (stat(path, &facts) < 0)
        return false;
    if (!(facts.st_mode & (S_IRWXG | S_IRWXO)))
        return true;
    errno = EPERM;
    return false;
}
