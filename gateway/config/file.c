#include "gateway/config/file.h"

#include "gateway/trust/file.h"

#define SIZE_LIMIT ((size_t)8 << 20)

void mg_config_cannot_read(struct mg_config_problems *problems, const char *path,
                           const char *reason)
{
    mg_config_problem(problems, &(struct mg_config_place){path, 1}, false, "cannot be read: %s",
                      reason);
}

bool mg_config_file_read(const char *path, struct mg_buffer *bytes,
                         struct mg_config_problems *problems)
{
    const char *reason;
    bytes->limit = SIZE_LIMIT;
    if (mg_file_read(path, MG_FILE_PUBLIC, bytes, &reason) == MG_FILE_READ)
        return true;
    mg_config_cannot_read(problems, path, reason);
    return false;
}
