/* Profiles: how each standard is recognised, and what it demands. */
#include "gateway/config/reader.h"

#include <string.h>

/* In the order of enum mg_layout. */
static const char *const layout_words[] = {"basisnachricht-1.1", "split-keys", "xpath", NULL};

/* In the order of enum mg_fact. */
static const char *const fact_attributes[MG_FACT_COUNT] = {
    "uuid",    "type-list", "type-version", "type-code", "type-name",
    "created", "author",    "author-name",  "reader",    "reader-name",
};

static void read_facts(struct mg_reader *reader, const xmlNode *element,
                       struct mg_profile_values *values)
{
    const xmlNode *header = mg_reader_child(element, "header", NULL);
    if (header && values->layout != MG_LAYOUT_XPATH) {
        mg_reader_problem(reader, header, false,
                          "<header> says where facts stand, which only layout=\"xpath\" asks for");
        return;
    }
    if (!header && values->layout == MG_LAYOUT_XPATH) {
        mg_reader_problem(reader, element, false,
                          "layout=\"xpath\" needs a child element <header> with an XPath for each "
                          "fact");
        return;
    }
    for (size_t i = 0; header && i < MG_FACT_COUNT; i++)
        values->xpath[i] = mg_reader_text(reader, header, fact_attributes[i]);
}

static void read_prefixes(struct mg_reader *reader, const xmlNode *element,
                          struct mg_profile_values *values)
{
    size_t most = sizeof values->namespaces / sizeof *values->namespaces;
    for (xmlNode *prefix = NULL; (prefix = mg_reader_child(element, "prefix", prefix));) {
        if (values->namespace_count == most) {
            mg_reader_problem(reader, prefix, false, "a profile can have %zu prefixes and no more",
                              most);
            return;
        }
        const char *name = mg_reader_text(reader, prefix, "name");
        const char *space = mg_reader_text(reader, prefix, "namespace");
        if (!name || !space)
            continue; /* the schema objected to that */
        values->namespaces[values->namespace_count].prefix = name;
        values->namespaces[values->namespace_count++].uri = space;
    }
}

static void compile_profile(struct mg_reader *reader, const xmlNode *element,
                            struct mg_config_profile *profile)
{
    struct mg_profile_values values = {
        .name = profile->name,
        .root_namespace = mg_reader_text_or(reader, element, "namespace", ""),
        .root_name = mg_reader_text_or(reader, element, "root", MG_DEFAULT_ROOT),
        .layout = (enum mg_layout)mg_reader_choice(reader, element, "layout", MG_DEFAULT_LAYOUT,
                                                   layout_words),
    };
    size_t problems = reader->problems->count;
    read_facts(reader, element, &values);
    read_prefixes(reader, element, &values);
    struct mg_error error = {0};
    profile->profile = mg_profile_new(&values, &error);
    /* What is missing was said already, in the words of the configuration. */
    if (!profile->profile && reader->problems->count == problems) {
        const xmlNode *header = mg_reader_child(element, "header", NULL);
        mg_reader_problem(reader, header ? header : element, false, "%s%s%s (%s)", error.place,
                          error.place[0] ? ": " : "", error.text, error.code);
    }
}

static void compile_schema(struct mg_reader *reader, const xmlNode *element,
                           struct mg_config_profile *profile)
{
    const char *path = mg_reader_text(reader, element, "schema");
    if (!path || reader->without_files)
        return;
    struct mg_error error = {0};
    path = mg_reader_data_path(reader, path);
    profile->schema = mg_schema_from_file(path, &error);
    if (!profile->schema)
        mg_reader_problem(reader, element, false, "schema %s: %s%s%s (%s)", path, error.place,
                          error.place[0] ? ": " : "", error.text, error.code);
}

static void read_ways(struct mg_reader *reader, const xmlNode *element,
                      struct mg_config_profile *profile)
{
    profile->ways = mg_arena_allocate(reader->arena, mg_reader_child_count(element, "way"),
                                      sizeof *profile->ways);
    for (xmlNode *child = NULL; (child = mg_reader_child(element, "way", child));) {
        const char *adapter = mg_reader_text_or(reader, child, "adapter", "");
        for (size_t i = 0; i < profile->way_count; i++) {
            if (strcmp(profile->ways[i].adapter, adapter) == 0)
                mg_reader_problem(reader, child, false,
                                  "the profile has a <way adapter=\"%.60s\"> already; keep one of "
                                  "both",
                                  adapter);
        }
        profile->ways[profile->way_count++] = (struct mg_config_way){
            .adapter = adapter,
            .signature = (enum mg_signature_demand)mg_reader_choice(
                reader, child, "signature", MG_DEFAULT_SIGNATURE, mg_demand_words),
        };
    }
}

/* Where nothing is said, what XTA wants to know follows from the profile: its namespace is a URI
 * that names the standard, and its name is what people call it. */
static void read_transport(struct mg_reader *reader, const xmlNode *element,
                           struct mg_config_profile *profile)
{
    const char *space = mg_reader_text_or(reader, element, "namespace", "");
    profile->service = space;
    profile->business_scenario = profile->name;
    profile->payload_schema = space;
    const xmlNode *xta = mg_reader_child(element, "xta", NULL);
    if (!xta)
        return;
    profile->service = mg_reader_text_or(reader, xta, "service", space);
    profile->business_scenario = mg_reader_text_or(reader, xta, "business-scenario", profile->name);
    profile->payload_schema = mg_reader_text_or(reader, xta, "payload-schema", space);
}

static void read_profile(struct mg_reader *reader, const xmlNode *element,
                         struct mg_config_profile *profile)
{
    profile->place = mg_reader_place(reader, element);
    profile->name = mg_reader_text_or(reader, element, "name", "");
    profile->type_list = mg_reader_text(reader, element, "type-list");
    profile->signature = (enum mg_signature_demand)mg_reader_choice(
        reader, element, "signature", MG_DEFAULT_SIGNATURE, mg_demand_words);
    compile_profile(reader, element, profile);
    compile_schema(reader, element, profile);
    read_ways(reader, element, profile);
    read_transport(reader, element, profile);
}

void mg_read_profiles(struct mg_reader *reader)
{
    struct mg_config *config = reader->config;
    size_t most = mg_reader_count(reader, "profile");
    config->profiles = mg_arena_allocate(reader->arena, most, sizeof *config->profiles);
    mg_names_start(&reader->snapshot->profiles, reader->arena, most);
    struct mg_cursor cursor = {0};
    for (xmlNode *element; (element = mg_reader_next(reader, "profile", &cursor));) {
        struct mg_config_profile *profile = &config->profiles[config->profile_count];
        read_profile(reader, element, profile);
        mg_names_add(&reader->snapshot->profiles, profile->name, &profile->place,
                     config->profile_count++);
    }
    mg_reader_finish_names(reader, "profile", &reader->snapshot->profiles);
}
