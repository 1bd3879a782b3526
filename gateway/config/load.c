#include "gateway/config/load.h"

#include "gateway/base/buffer.h"
#include "gateway/base/clock.h"
#include "gateway/config/file.h"
#include "gateway/config/problems.h"
#include "gateway/config/reader.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_COUNT_LIMIT 1000

/* One configuration while it is loaded. */
struct loading {
    struct mg_config_snapshot *snapshot;
    struct mg_config_problems *problems;
    size_t problems_before; /* of somebody else */
    size_t errors_before;
    const struct mg_config_grammar *grammar;
    struct mg_config_document *documents;
    size_t document_count;
    bool without_files;
};

static const char *folder_of(struct loading *loading, const char *path)
{
    char *copy = mg_copy_text(path);
    char *folder = realpath(dirname(copy), NULL);
    const char *kept = mg_arena_text(&loading->snapshot->arena, folder ? folder : ".");
    free(folder);
    free(copy);
    return kept;
}

static void add_file(struct loading *loading, const char *path, EVP_MD_CTX *hash)
{
    struct mg_config_document *document = &loading->documents[loading->document_count++];
    document->file = mg_arena_text(&loading->snapshot->arena, path);
    document->folder = folder_of(loading, path);
    struct mg_buffer bytes = {0};
    if (mg_config_file_read(path, &bytes, loading->problems)) {
        EVP_DigestUpdate(hash, bytes.data ? bytes.data : "", bytes.length);
        mg_config_document_parse(document, bytes.data ? bytes.data : "", bytes.length,
                                 loading->grammar, loading->problems);
    }
    mg_buffer_free(&bytes);
}

/* Those files that make up a conf.d: visible ones whose names end in .xml. */
static int belongs(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 4 && strcmp(entry->d_name + length - 4, ".xml") == 0;
}

/* By the bytes of the names: the order must not depend on the locale, as alphasort's does. */
static int by_name(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

static void add_folder(struct loading *loading, const char *path, EVP_MD_CTX *hash)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, belongs, by_name);
    if (count < 0)
        mg_config_cannot_read(loading->problems, path, strerror(errno));
    else if (count == 0)
        mg_config_cannot_read(loading->problems, path, "the folder has no file *.xml");
    else if (count > FILE_COUNT_LIMIT)
        mg_config_cannot_read(loading->problems, path, "the folder has more than 1000 files *.xml");
    if (count > 0 && count <= FILE_COUNT_LIMIT) {
        loading->documents = mg_allocate_zeroed((size_t)count, sizeof *loading->documents);
        for (int i = 0; i < count; i++) {
            struct mg_buffer file = {0};
            mg_buffer_print(&file, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/",
                            entries[i]->d_name);
            add_file(loading, file.data, hash);
            mg_buffer_free(&file);
        }
    }
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
}

static void write_hash(EVP_MD_CTX *hash, char text[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_DigestFinal_ex(hash, digest, NULL) != 1)
        mg_die("config: SHA-256 failed");
    for (size_t i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

static void read_documents(struct loading *loading)
{
    struct mg_reader reader = {
        .snapshot = loading->snapshot,
        .config = &loading->snapshot->config,
        .arena = &loading->snapshot->arena,
        .documents = loading->documents,
        .document_count = loading->document_count,
        .problems = loading->problems,
        .objections = loading->problems->count,
        .incomplete = loading->problems->errors > loading->errors_before,
        .without_files = loading->without_files,
    };
    mg_read_gateway(&reader);
    mg_read_sites(&reader);
    mg_read_listeners(&reader);
    mg_read_profiles(&reader);
    mg_read_partners(&reader);
    mg_read_destinations(&reader);
    mg_read_sources(&reader);
    mg_read_routes(&reader);
    mg_read_operators(&reader);
    mg_reader_check(&reader);
}

/* Frees what was needed only while loading; the configuration, or NULL if there were errors. */
static struct mg_config *finish(struct loading *loading)
{
    struct mg_config *config = &loading->snapshot->config;
    const char **files = mg_allocate_zeroed(loading->document_count + 1, sizeof *files);
    for (size_t i = 0; i < loading->document_count; i++) {
        files[i] = loading->documents[i].file;
        xmlFreeDoc(loading->documents[i].tree);
    }
    mg_config_problems_sort(loading->problems, loading->problems_before, files,
                            loading->document_count);
    free(files);
    free(loading->documents);
    config->loaded = mg_clock_now();
    if (loading->problems->errors == loading->errors_before)
        return config;
    mg_config_release(config);
    return NULL;
}

static void load_path(struct loading *loading, const char *path)
{
    struct stat status;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (!hash || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
        mg_die("config: no SHA-256");
    if (stat(path, &status) != 0) {
        mg_config_cannot_read(loading->problems, path, strerror(errno));
    } else if (S_ISDIR(status.st_mode)) {
        add_folder(loading, path, hash);
    } else {
        loading->documents = mg_allocate_zeroed(1, sizeof *loading->documents);
        add_file(loading, path, hash);
    }
    write_hash(hash, loading->snapshot->config.hash);
    EVP_MD_CTX_free(hash);
}

struct mg_config *mg_config_load(const char *path, struct mg_config_problems *problems)
{
    struct loading loading = {.problems = problems,
                              .problems_before = problems->count,
                              .errors_before = problems->errors};
    struct mg_config_grammar *grammar = mg_config_grammar_new(problems);
    if (!grammar)
        return NULL;
    loading.grammar = grammar;
    loading.snapshot = mg_config_snapshot_new();
    loading.snapshot->config.file = mg_arena_text(&loading.snapshot->arena, path);
    load_path(&loading, path);
    mg_config_grammar_free(grammar);
    if (loading.document_count > 0)
        read_documents(&loading);
    return finish(&loading);
}

struct mg_config *mg_config_load_bytes(const char *name, const char *bytes, size_t length,
                                       const struct mg_config_grammar *grammar,
                                       struct mg_config_problems *problems)
{
    struct loading loading = {.problems = problems,
                              .problems_before = problems->count,
                              .errors_before = problems->errors,
                              .grammar = grammar,
                              .without_files = true};
    loading.snapshot = mg_config_snapshot_new();
    loading.snapshot->config.file = mg_arena_text(&loading.snapshot->arena, name);
    loading.documents = mg_allocate_zeroed(1, sizeof *loading.documents);
    loading.document_count = 1;
    loading.documents[0].file = loading.snapshot->config.file;
    loading.documents[0].folder = "/";
    mg_config_document_parse(&loading.documents[0], bytes, length, grammar, problems);
    read_documents(&loading);
    return finish(&loading);
}
