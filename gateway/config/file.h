/*
 * file: reads a file whole, within bounds. libxml2 is not asked to, since what it may open is the
 * business of trust's schemas, and it would follow URLs.
 */
#ifndef MUENGSTEN_CONFIG_FILE_H
#define MUENGSTEN_CONFIG_FILE_H

#include "gateway/base/buffer.h"
#include "gateway/config/config.h"

/* Reads a regular file of up to 8 MiB. What keeps it from being read becomes a problem. */
bool mg_config_file_read(const char *path, struct mg_buffer *bytes,
                         struct mg_config_problems *problems);

/* Adds the problem that a file or folder cannot be read. */
void mg_config_cannot_read(struct mg_config_problems *problems, const char *path,
                           const char *reason);

#endif
