#include "gateway/message/profile.h"

#include "gateway/base/id.h"
#include "gateway/message/profile_facts.h"

#include <stdlib.h>
#include <string.h>

struct mg_profile {
    char *name;
    char *root_namespace;
    char *root_name;
    enum mg_layout layout;
    struct mg_xpaths *xpaths; /* for MG_LAYOUT_XPATH, else NULL */
};

#define PLACE(member) offsetof(struct mg_header, member), sizeof(((struct mg_header *)NULL)->member)

static const struct fact {
    const char *name;  /* as in the configuration */
    const char *words; /* in sentences */
    size_t offset;     /* of its text in struct mg_header */
    size_t size;
    bool required;
} facts[MG_FACT_ALL] = {
    [MG_FACT_UUID] = {"uuid", "identifier (nachrichtenUUID)", PLACE(uuid), true},
    [MG_FACT_TYPE_LIST] = {"type-list", "list of its type (listURI)", PLACE(type_list), true},
    [MG_FACT_TYPE_VERSION] = {"type-version", "list version of its type (listVersionID)",
                              PLACE(type_version), false},
    [MG_FACT_TYPE_CODE] = {"type-code", "type (nachrichtentyp)", PLACE(type_code), true},
    [MG_FACT_TYPE_NAME] = {"type-name", "name of its type", PLACE(type_name), false},
    [MG_FACT_CREATED] = {"created", "time of creation (erstellungszeitpunkt)", PLACE(created),
                         true},
    [MG_FACT_AUTHOR] = {"author", "author (autor)", PLACE(author.id), true},
    [MG_FACT_AUTHOR_NAME] = {"author-name", "author's name", PLACE(author.name), false},
    [MG_FACT_READER] = {"reader", "reader (leser)", PLACE(reader.id), true},
    [MG_FACT_READER_NAME] = {"reader-name", "reader's name", PLACE(reader.name), false},
    [MG_FACT_AUTHOR_DIRECTORY] = {"author-directory", "directory of its author",
                                  PLACE(author.directory), false},
    [MG_FACT_READER_DIRECTORY] = {"reader-directory", "directory of its reader",
                                  PLACE(reader.directory), false},
};

const char *mg_fact_name(int fact)
{
    return facts[fact].name;
}

static bool check_values(const struct mg_profile_values *values, struct mg_error *error)
{
    if (!values->name || !values->name[0])
        return mg_fail(error, "config.profile-incomplete", "a profile has no name");
    if (!values->root_namespace)
        return mg_fail(error, "config.profile-incomplete",
                       "profile %s does not say the namespace of its document elements",
                       values->name);
    if (values->namespace_count > sizeof values->namespaces / sizeof values->namespaces[0])
        return mg_fail(error, "config.profile-incomplete",
                       "profile %s declares more prefixes than there is room for", values->name);
    for (int fact = 0; fact < MG_FACT_COUNT && values->layout == MG_LAYOUT_XPATH; fact++) {
        if (facts[fact].required && (!values->xpath[fact] || !values->xpath[fact][0]))
            return mg_fail(error, "config.profile-incomplete",
                           "profile %s has no XPath for %s, which every message must have",
                           values->name, facts[fact].name);
    }
    return true;
}

struct mg_profile *mg_profile_new(const struct mg_profile_values *values, struct mg_error *error)
{
    struct mg_xpaths *xpaths = NULL;
    if (!check_values(values, error))
        return NULL;
    if (values->layout == MG_LAYOUT_XPATH && !(xpaths = mg_xpaths_new(values, error)))
        return NULL;
    struct mg_profile *profile = mg_allocate_zeroed(1, sizeof *profile);
    /* A profile that names no document element takes all of its namespace. */
    bool named = values->root_name && values->root_name[0];
    profile->name = mg_copy_text(values->name);
    profile->root_namespace = mg_copy_text(values->root_namespace);
    profile->root_name = mg_copy_text(named ? values->root_name : "*");
    profile->layout = values->layout;
    profile->xpaths = xpaths;
    return profile;
}

void mg_profile_free(struct mg_profile *profile)
{
    if (!profile)
        return;
    mg_xpaths_free(profile->xpaths);
    free(profile->root_name);
    free(profile->root_namespace);
    free(profile->name);
    free(profile);
}

const char *mg_profile_name(const struct mg_profile *profile)
{
    return profile->name;
}

/* Where a * stood too short, it is tried one character longer; only the last one needs that, so
 * that the time is bounded by the product of both lengths. */
static bool name_matches(const char *pattern, const char *name)
{
    const char *star = NULL, *resume = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star;
            name = ++resume;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

bool mg_profile_matches(const struct mg_profile *profile, const xmlNode *root)
{
    if (!root || root->type != XML_ELEMENT_NODE)
        return false;
    const char *space = root->ns ? (const char *)root->ns->href : "";
    return strcmp(space, profile->root_namespace) == 0 &&
           name_matches(profile->root_name, (const char *)root->name);
}

/* A fact is one line, whatever the white space in the document: it goes into logs and receipts. */
static void flatten(char *text)
{
    for (; *text; text++) {
        if (*text == '\n' || *text == '\r' || *text == '\t')
            *text = ' ';
    }
}

static bool check_state(const struct fact *fact, enum mg_fact_state state, struct mg_error *error)
{
    if (state == MG_FACT_TAKEN || (state == MG_FACT_ABSENT && !fact->required))
        return true;
    if (state == MG_FACT_DIVIDED)
        mg_fail(error, "header.instruction",
                "the message's header has a processing instruction in its %s; remove it",
                fact->words);
    else if (state == MG_FACT_ABSENT)
        mg_fail(error, "header.missing", "the message's header does not say its %s", fact->words);
    else
        mg_fail(error, "header.too-long", "the message's header says its %s in more than %zu bytes",
                fact->words, fact->size - 1);
    mg_error_at(error, "%s", fact->name);
    return false;
}

static bool take_facts(const struct mg_profile *profile, xmlDoc *document, struct mg_header *header,
                       struct mg_error *error)
{
    struct mg_evaluator *evaluator = NULL;
    struct mg_layout_nodes nodes;
    bool good = true;
    memset(header, 0, sizeof *header);
    if (profile->xpaths)
        evaluator = mg_xpaths_borrow(profile->xpaths);
    else
        mg_layout_find(profile->layout, xmlDocGetRootElement(document), &nodes);
    for (int i = 0; i < MG_FACT_ALL && good; i++) {
        const struct fact *fact = &facts[i];
        char *text = (char *)header + fact->offset;
        enum mg_fact_state state = evaluator
                                       ? mg_evaluator_take(evaluator, document, i, text, fact->size)
                                       : mg_layout_take(&nodes, i, text, fact->size);
        good = check_state(fact, state, error);
        flatten(text);
    }
    if (evaluator)
        mg_xpaths_return(profile->xpaths, evaluator);
    return good && mg_facts_check(header, error);
}

bool mg_profile_read(const struct mg_profile *profile, xmlDoc *document, struct mg_header *header,
                     struct mg_error *error)
{
    if (take_facts(profile, document, header, error))
        return true;
    /* What is wrong is told with the identifier, in logs too: there it may stand only if it is one,
     * and not whatever somebody wrote in its place. */
    struct mg_id id;
    bool identified = mg_id_parse(header->uuid, &id);
    memset(header, 0, sizeof *header);
    if (identified)
        mg_id_text(&id, header->uuid);
    return false;
}
