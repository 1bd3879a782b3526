/*
 * files: what the gateway carries in itself and serves as it is: the page, and the descriptions of
 * what it serves; internal to the room.
 *
 * The build makes a C source of the files (embed), so that an installation cannot miss one, and a
 * gateway never serves what is not its own. Each has a tag made of its bytes, by which a browser
 * asks whether it has changed.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_OPERATE_FILES_H
#define MUENGSTEN_OPERATE_FILES_H

#include "gateway/operate/ask.h"

struct mg_embedded {
    const char *path; /* "/page.css" */
    const unsigned char *bytes;
    size_t length;
};
extern const struct mg_embedded mg_embedded[];
extern const size_t mg_embedded_count;

struct mg_files;

struct mg_files *mg_files_new(void);
void mg_files_free(struct mg_files *files);

/* A resource for each file; "/index.html" stands at "/". They live as long as the files. */
struct mg_resources mg_files_resources(struct mg_files *files);

#endif
