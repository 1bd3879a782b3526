/* What a gateway has one of: its name, trust, store, limits. */
#include "gateway/config/credentials.h"
#include "gateway/config/reader.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The one element of that name where there has to be one. */
static xmlNode *needed(struct mg_reader *reader, const char *name, const char *example)
{
    xmlNode *element = mg_reader_only(reader, name);
    if (!element && !reader->incomplete)
        mg_config_problem(reader->problems, &(struct mg_config_place){reader->documents[0].file, 1},
                          false, "<%s> is missing; say for example %s", name, example);
    return element;
}

/* An attribute of <gateway> that may be said once in all files: its element, or NULL. */
static const xmlNode *root_with(struct mg_reader *reader, const char *attribute)
{
    const struct mg_config_document *document = NULL;
    const xmlNode *first = NULL;
    for (size_t i = 0; i < reader->document_count; i++) {
        reader->document = &reader->documents[i];
        const xmlNode *root =
            reader->document->tree ? xmlDocGetRootElement(reader->document->tree) : NULL;
        if (!root || !xmlHasNsProp(root, BAD_CAST attribute, NULL))
            continue;
        if (first)
            mg_reader_problem(reader, root, false,
                              "the gateway's %s is already said at %s:%d; keep one of both",
                              attribute, document->file, (int)xmlGetLineNo(first));
        else {
            first = root;
            document = reader->document;
        }
    }
    if (first)
        reader->document = document;
    return first;
}

static void read_root(struct mg_reader *reader)
{
    struct mg_config *config = reader->config;
    const xmlNode *root = root_with(reader, "name");
    if (root)
        config->name = mg_reader_text(reader, root, "name");
    else if (!reader->incomplete)
        mg_config_problem(reader->problems, &(struct mg_config_place){reader->documents[0].file, 1},
                          false,
                          "the gateway has no name; say for example "
                          "<gateway name=\"gateway.city.example\" …>");
    mg_numbers_default(mg_numbers_gateway, config);
    root = root_with(reader, "workers");
    if (root)
        mg_reader_numbers(reader, root, mg_numbers_gateway, config);
    root = root_with(reader, "proxy");
    if (root)
        config->proxy = mg_reader_text(reader, root, "proxy");
}

/* A folder that the gateway writes to exists, or can be made where it shall stand. */
static void check_folder(struct mg_reader *reader, const xmlNode *element, const char *path,
                         int rights)
{
    struct stat status;
    if (reader->without_files)
        return;
    if (stat(path, &status) == 0) {
        if (!S_ISDIR(status.st_mode))
            mg_reader_problem(reader, element, false, "%s is not a folder", path);
        else if (access(path, rights) != 0)
            mg_reader_problem(reader, element, false, "the folder %s cannot be used: %s", path,
                              strerror(errno));
        return;
    }
    int reason = errno;
    char *copy = mg_copy_text(path);
    if (!(rights & W_OK) || access(dirname(copy), rights) != 0)
        mg_reader_problem(reader, element, false, "the folder %s cannot be used: %s", path,
                          strerror(reason));
    free(copy);
}

/* The folders that are named, in their order, and the one that muengsten was installed to. */
static void read_adapter_folders(struct mg_reader *reader)
{
    struct mg_config *config = reader->config;
    const char **folders =
        mg_arena_allocate(reader->arena, mg_reader_count(reader, "adapters") + 1, sizeof *folders);
    struct mg_cursor cursor = {0};
    for (const xmlNode *element; (element = mg_reader_next(reader, "adapters", &cursor));) {
        const char *folder =
            mg_reader_path(reader, mg_reader_text_or(reader, element, "folder", "adapters"));
        check_folder(reader, element, folder, R_OK | X_OK);
        folders[config->adapter_folder_count++] = folder;
    }
    folders[config->adapter_folder_count++] = MG_ADAPTERS_FOLDER;
    config->adapter_folders = folders;
}

static void read_folders(struct mg_reader *reader)
{
    struct mg_config *config = reader->config;
    mg_numbers_default(mg_numbers_store, config);
    xmlNode *element = needed(reader, "store", "<store folder=\"/var/lib/muengsten\"/>");
    if (element) {
        config->store =
            mg_reader_path(reader, mg_reader_text_or(reader, element, "folder", "store"));
        check_folder(reader, element, config->store, R_OK | W_OK | X_OK);
        mg_reader_numbers(reader, element, mg_numbers_store, config);
    }
    read_adapter_folders(reader);
}

static void read_trust(struct mg_reader *reader)
{
    static const char *const stale_words[] = {"refuse", "accept", NULL};
    struct mg_config *config = reader->config;
    mg_numbers_default(mg_numbers_trust, config);
    xmlNode *element = needed(reader, "trust", "<trust authorities=\"pki/authorities.pem\"/>");
    if (!element)
        return;
    mg_reader_numbers(reader, element, mg_numbers_trust, config);
    enum mg_stale_list stale =
        mg_reader_choice(reader, element, "stale-lists", MG_DEFAULT_STALE_LISTS, stale_words)
            ? MG_STALE_ACCEPT
            : MG_STALE_REFUSE;
    const char *authorities =
        mg_reader_path(reader, mg_reader_text_or(reader, element, "authorities", ""));
    const char *lists = mg_reader_text(reader, element, "revocation");
    if (lists)
        lists = mg_reader_path(reader, lists);
    if (reader->without_files)
        return;
    struct mg_error error = {0};
    config->anchors = mg_anchors_new(authorities, lists, stale, &error);
    if (config->anchors)
        mg_credentials_note_authorities(reader, element, authorities);
    else
        mg_reader_problem(reader, element, false, "%s%s%s (%s)", error.place,
                          error.place[0] ? ": " : "", error.text, error.code);
}

static void read_limits(struct mg_reader *reader)
{
    struct mg_config *config = reader->config;
    mg_xml_limits_default(&config->limits.xml);
    mg_numbers_default(mg_numbers_limits, &config->limits);
    const xmlNode *element = mg_reader_only(reader, "limits");
    if (element)
        mg_reader_numbers(reader, element, mg_numbers_limits, &config->limits);
    config->limits.xml.size = config->limits.message;
    if (element && config->limits.intake_bytes < config->limits.message)
        mg_reader_problem(reader, element, false,
                          "intake-bytes is less than message: a message of the full size could "
                          "never come in");
}

static void read_retention(struct mg_reader *reader)
{
    struct mg_config *config = reader->config;
    mg_numbers_default(mg_numbers_retention, config);
    const xmlNode *element = mg_reader_only(reader, "retention");
    if (element)
        mg_reader_numbers(reader, element, mg_numbers_retention, config);
    if (element && config->keep_duplicates < config->keep_content)
        mg_reader_problem(reader, element, false,
                          "duplicates is shorter than content: a message that is still kept could "
                          "be accepted a second time");
}

static void read_audit(struct mg_reader *reader)
{
    /* In the order of enum mg_config_export. */
    static const char *const export_words[] = {"none", "journal", "syslog", NULL};
    struct mg_config *config = reader->config;
    mg_numbers_default(mg_numbers_audit, config);
    const xmlNode *element = mg_reader_only(reader, "audit");
    if (!element)
        return;
    mg_reader_numbers(reader, element, mg_numbers_audit, config);
    config->audit_export = (enum mg_config_export)mg_reader_choice(
        reader, element, "export", MG_DEFAULT_AUDIT_EXPORT, export_words);
}

void mg_read_gateway(struct mg_reader *reader)
{
    read_root(reader);
    read_folders(reader);
    xmlNode *identity = needed(reader, "identity",
                               "<identity tls-certificate=\"…\" tls-key=\"…\" "
                               "seal-certificate=\"…\" seal-key=\"…\"/>");
    if (identity)
        mg_read_identity(reader, identity);
    read_trust(reader);
    read_limits(reader);
    read_retention(reader);
    read_audit(reader);
}
