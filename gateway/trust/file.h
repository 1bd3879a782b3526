/*
 * file: reads the small files that trust starts from: keys, certificates, revocation lists.
 *
 * Used while loading and refreshing only; nothing here is called for a message.
 */
#ifndef MUENGSTEN_TRUST_FILE_H
#define MUENGSTEN_TRUST_FILE_H

#include "gateway/base/buffer.h"
#include "gateway/base/error.h"

#include <stdbool.h>

enum mg_file_secrecy {
    MG_FILE_PUBLIC,
    MG_FILE_PRIVATE, /* nobody but its owner may have any permission on it */
};

enum mg_file_result {
    MG_FILE_READ,
    MG_FILE_UNREADABLE, /* not there, no regular file, not permitted, too large */
    MG_FILE_EXPOSED,    /* MG_FILE_PRIVATE was asked for, and group or others have permissions */
};

/* Reads the whole regular file into content, which is empty and has a limit; the memory is never
 * moved, so that the caller can wipe it. On failure *reason is a constant part of a sentence ("it
 * does not exist"). */
enum mg_file_result mg_file_read(const char *path, enum mg_file_secrecy secrecy,
                                 struct mg_buffer *content, const char **reason);

#endif
