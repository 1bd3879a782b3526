#include "gateway/trust/confinement.h"

#include "gateway/trust/file.h"

#include <assert.h>
#include <libxml/parser.h>
#include <libxml/uri.h>
#include <libxml/xmlIO.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The largest XÖV schemas have some megabytes. */
#define FILE_LIMIT (64 * 1024 * 1024)

static pthread_mutex_t installing = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local const char *allowed; /* NULL: nothing may be opened */
static _Thread_local bool refused;

static bool is_inside(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    /* Of the folders only "/" ends with a slash. */
    if (length > 0 && folder[length - 1] == '/')
        length--;
    return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* The real path of a location, which libxml2 may have written as a URI with percent signs. False if
 * there is no such file. A location with a scheme ("http://…") is a path to nowhere. */
static bool find_file(const char *location, char path[PATH_MAX])
{
    if (realpath(location, path))
        return true;
    char *plain = xmlURIUnescapeString(location, 0, NULL);
    bool found = plain && realpath(plain, path);
    xmlFree(plain);
    return found;
}

static xmlParserInput *make_input(const char *path, const char *location, xmlParserCtxt *parser)
{
    struct mg_buffer text = {.limit = FILE_LIMIT};
    const char *reason = NULL;
    xmlParserInputBuffer *buffer = NULL;
    xmlParserInput *input = NULL;
    if (mg_file_read(path, MG_FILE_PUBLIC, &text, &reason) == MG_FILE_READ)
        buffer = xmlParserInputBufferCreateMem(text.data, (int)text.length, XML_CHAR_ENCODING_NONE);
    if (buffer)
        input = xmlNewIOInputStream(parser, buffer, XML_CHAR_ENCODING_NONE);
    if (input)
        /* Relative imports inside the file start from its name. */
        input->filename = (const char *)xmlStrdup((const xmlChar *)location);
    else
        xmlFreeParserInputBuffer(buffer);
    mg_buffer_free(&text);
    return input;
}

static xmlParserInput *load(const char *location, const char *id, xmlParserCtxt *parser)
{
    (void)id;
    char path[PATH_MAX];
    bool found = allowed && location && !strstr(location, "://") && find_file(location, path);
    if (found && is_inside(path, allowed))
        return make_input(path, location, parser);
    /* What lies inside and is only missing is no attempt to get out. */
    if (found || !allowed || !location || strstr(location, "://"))
        refused = true;
    return NULL;
}

void mg_confinement_install(void)
{
    pthread_mutex_lock(&installing);
    if (xmlGetExternalEntityLoader() != load)
        xmlSetExternalEntityLoader(load);
    pthread_mutex_unlock(&installing);
}

void mg_confinement_begin(const char *folder)
{
    assert(!allowed);
    mg_confinement_install();
    allowed = folder;
    refused = false;
}

bool mg_confinement_refused(void)
{
    return refused;
}

void mg_confinement_end(void)
{
    assert(allowed);
    allowed = NULL;
}
