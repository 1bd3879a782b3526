#include "tools/control/settings.h"

#include "gateway/base/buffer.h"
#include "gateway/message/xml.h"
#include "gateway/trust/file.h"
#include "tools/control/say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE    "urn:muengsten:config:1"
#define DEFAULT      SYSCONFDIR "/muengsten/muengsten.xml"
#define LARGEST_FILE ((size_t)16 << 20)

static xmlDoc *read_document(const char *path, struct mg_error *error)
{
    struct mg_buffer bytes = {.limit = LARGEST_FILE};
    struct mg_xml_limits limits;
    const char *reason;
    xmlDoc *document = NULL;
    mg_xml_limits_default(&limits);
    if (mg_file_read(path, MG_FILE_PUBLIC, &bytes, &reason) != MG_FILE_READ)
        mg_fail(error, "settings.unreadable",
                mg_say("The configuration cannot be read: %s. Name it with --config, or the store "
                       "with --store.",
                       "Die Konfiguration ist nicht lesbar: %s. Nennen Sie sie mit --config oder "
                       "den Speicher mit --store."),
                reason);
    else
        document = mg_xml_parse(bytes.data ? bytes.data : "", bytes.length, &limits, error);
    if (!document)
        mg_error_at(error, "%s", path);
    mg_buffer_free(&bytes);
    return document;
}

/* A path is relative to the file that names it. */
static char *path_of(const xmlNode *root, const char *element, const char *attribute,
                     const char *file)
{
    const xmlNode *node = mg_xml_child(root, NAMESPACE, element);
    xmlChar *value = node ? xmlGetNoNsProp(node, (const xmlChar *)attribute) : NULL;
    struct mg_buffer path = {0};
    const char *slash = strrchr(file, '/');
    if (!value)
        return NULL;
    if (value[0] != '/' && slash)
        mg_buffer_add(&path, file, (size_t)(slash - file) + 1);
    mg_buffer_add_text(&path, (const char *)value);
    xmlFree(value);
    return mg_buffer_take(&path);
}

bool mg_settings_read(const struct mg_control *control, struct mg_settings *settings,
                      struct mg_error *error)
{
    const struct mg_control_options *options = &control->options;
    const char *file = options->config ? options->config : DEFAULT;
    *settings = (struct mg_settings){.store = options->store ? mg_copy_text(options->store) : NULL};
    /* With --store alone, somebody looks at a copy. */
    if (options->store && !options->config)
        return true;
    xmlDoc *document = read_document(file, error);
    const xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
    if (root) {
        if (!settings->store)
            settings->store = path_of(root, "store", "folder", file);
        settings->seal = path_of(root, "identity", "seal-certificate", file);
        settings->authorities = path_of(root, "trust", "authorities", file);
    }
    xmlFreeDoc(document);
    if (root && !settings->store) {
        mg_fail(error, "settings.no-store",
                mg_say("The configuration names no store; name it with --store.",
                       "Die Konfiguration nennt keinen Speicher; nennen Sie ihn mit --store."));
        mg_error_at(error, "%s", file);
    }
    if (root && settings->store)
        return true;
    mg_settings_free(settings);
    return false;
}

void mg_settings_free(struct mg_settings *settings)
{
    free(settings->store);
    free(settings->seal);
    free(settings->authorities);
    *settings = (struct mg_settings){.store = NULL};
}
