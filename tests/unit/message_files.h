/*
 * message_files: where tests of messages find documents: the project's own samples beside the
 * sources, and published ones in the folder that MUENGSTEN_SHARED names or that stands beside the
 * project.
 */
#ifndef MUENGSTEN_TESTS_MESSAGE_FILES_H
#define MUENGSTEN_TESTS_MESSAGE_FILES_H

#include "gateway/base/buffer.h"

#include <libxml/tree.h>

/* Paths, to be freed by the caller. The shared one is NULL if that file is not there. */
char *message_own_path(const char *path);
char *message_shared_path(const char *path);

/* Reads a whole file. False if it cannot be read. */
bool message_read(const char *path, struct mg_buffer *content);

/* Parses text with the default limits; the process ends if that fails. */
xmlDoc *message_parse(const char *text);

#endif
