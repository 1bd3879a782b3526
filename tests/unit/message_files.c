#include "tests/unit/message_files.h"

#include "gateway/base/error.h"
#include "gateway/message/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *project(void)
{
    const char *folder = getenv("srcdir"); /* automake says where the sources are */
    return folder ? folder : ".";
}

static char *join(const char *folder, const char *between, const char *path)
{
    struct mg_buffer buffer = {0};
    mg_buffer_print(&buffer, "%s%s%s", folder, between, path);
    return mg_buffer_take(&buffer);
}

char *message_own_path(const char *path)
{
    return join(project(), "/", path);
}

char *message_shared_path(const char *path)
{
    const char *shared = getenv("MUENGSTEN_SHARED");
    char *joined = shared ? join(shared, "/", path) : join(project(), "/../shared/", path);
    if (access(joined, R_OK) == 0)
        return joined;
    free(joined);
    return NULL;
}

bool message_read(const char *path, struct mg_buffer *content)
{
    char piece[4096];
    size_t length;
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    while ((length = fread(piece, 1, sizeof piece, file)) > 0)
        mg_buffer_add(content, piece, length);
    bool good = !ferror(file);
    fclose(file);
    return good;
}

xmlDoc *message_parse(const char *text)
{
    struct mg_error error;
    struct mg_xml_limits limits;
    mg_xml_limits_default(&limits);
    xmlDoc *document = mg_xml_parse(text, strlen(text), &limits, &error);
    if (!document)
        mg_die("the test's document is not good: %s %s", error.code, error.text);
    return document;
}
