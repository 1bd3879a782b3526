/*
 * file: small files of the configuration that adapters read themselves: passwords, lists of hosts,
 * certificates. They are read when they are used, so that what an operator mends in them counts
 * without a restart. Any thread but the loop's.
 */
#ifndef MUENGSTEN_ADAPTERS_FILE_H
#define MUENGSTEN_ADAPTERS_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* The whole file as text, freed with free(). NULL with errno if it cannot be read, has more than
 * limit bytes (EFBIG), or contains a NUL (EINVAL). */
char *mg_file_text(const char *path, size_t limit);

/* The first line of a file, such as a password, without its end. False if it cannot be read, is
 * empty, or does not fit. */
bool mg_file_line(const char *path, char *line, size_t size);

/* False with errno EPERM if others than its owner can do anything with the file: keys and passwords
 * are their owner's alone. False with another errno if it cannot be looked at. */
bool mg_file_is_secret(const char *path);

#endif
