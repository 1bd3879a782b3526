#include "gateway/config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_LIMIT ((size_t)8 << 20)
#define PIECE      65536

void mg_config_cannot_read(struct mg_config_problems *problems, const char *path,
                           const char *reason)
{
    mg_config_problem(problems, &(struct mg_config_place){path, 1}, false, "cannot be read: %s",
                      reason);
}

static bool read_all(int file, struct mg_buffer *bytes)
{
    for (;;) {
        char *room = mg_buffer_reserve(bytes, PIECE);
        if (!room) {
            errno = EFBIG;
            return false;
        }
        ssize_t length = read(file, room, PIECE);
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0)
            return length == 0;
        mg_buffer_used(bytes, (size_t)length);
    }
}

bool mg_config_file_read(const char *path, struct mg_buffer *bytes,
                         struct mg_config_problems *problems)
{
    struct stat status;
    /* A pipe in the place of the file must not hold up the gateway. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool done = file >= 0 && fstat(file, &status) == 0;
    if (done && !S_ISREG(status.st_mode)) {
        errno = EINVAL;
        done = false;
    }
    bytes->limit = SIZE_LIMIT;
    done = done && read_all(file, bytes);
    if (!done)
        mg_config_cannot_read(problems, path, strerror(errno));
    if (file >= 0)
        close(file);
    return done;
}
