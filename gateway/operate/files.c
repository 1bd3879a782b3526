#include "gateway/operate/files.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the digest that make a tag: enough for no two versions of a file to share one. */
#define TAG_BYTES 16
#define TAG_SIZE  (2 * TAG_BYTES + 3)

struct file {
    const struct mg_embedded *embedded;
    const char *media_type;
    char tag[TAG_SIZE];
};

struct mg_files {
    struct file *list; /* in the order of resources */
    struct mg_resource *resources;
};

static const char *media_type_of(const char *path)
{
    static const struct {
        const char *ending;
        const char *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},       {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},   {".svg", "image/svg+xml"},
        {".schema.json", "application/schema+json"}, {".json", "application/json"},
    };
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t size = strlen(types[i].ending);
        if (length > size && strcmp(path + length - size, types[i].ending) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

static void make_tag(struct file *file)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (!EVP_Q_digest(NULL, "SHA256", NULL, file->embedded->bytes, file->embedded->length, digest,
                      NULL))
        mg_die("OpenSSL makes no digest");
    char *end = file->tag;
    *end++ = '"';
    for (size_t i = 0; i < TAG_BYTES; i++)
        end += sprintf(end, "%02x", digest[i]);
    *end++ = '"';
    *end = '\0';
}

static void answer_file(struct mg_ask *ask, void *context)
{
    const struct mg_files *files = context;
    const struct file *file = &files->list[mg_ask_resource(ask) - files->resources];
    const struct mg_http_header headers[] = {{"ETag", file->tag}, {"Cache-Control", "no-cache"}};
    bool known = mg_ask_has(ask, file->tag);
    struct mg_buffer body = {0};
    if (!known)
        mg_buffer_add(&body, file->embedded->bytes, file->embedded->length);
    mg_ask_answer_with(ask, known ? 304 : 200, file->media_type, headers, 2, &body);
    mg_buffer_free(&body);
}

struct mg_files *mg_files_new(void)
{
    struct mg_files *files = mg_allocate_zeroed(1, sizeof *files);
    files->list = mg_allocate_zeroed(mg_embedded_count, sizeof *files->list);
    files->resources = mg_allocate_zeroed(mg_embedded_count, sizeof *files->resources);
    for (size_t i = 0; i < mg_embedded_count; i++) {
        const char *path = mg_embedded[i].path;
        files->list[i].embedded = &mg_embedded[i];
        files->list[i].media_type = media_type_of(path);
        make_tag(&files->list[i]);
        files->resources[i] = (struct mg_resource){
            .method = "GET",
            .pattern = strcmp(path, "/index.html") == 0 ? "/" : path,
            .role = MG_ROLE_VIEWER,
            .handle = answer_file,
        };
    }
    return files;
}

void mg_files_free(struct mg_files *files)
{
    if (!files)
        return;
    free(files->resources);
    free(files->list);
    free(files);
}

struct mg_resources mg_files_resources(struct mg_files *files)
{
    return (struct mg_resources){files->resources, mg_embedded_count, files};
}
