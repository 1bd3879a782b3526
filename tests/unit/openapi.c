/* The description that the gateway serves names exactly what it answers: every path, with its
 * method, the role that it needs and its parameters. Whether the answers are as described, a system
 * test proves (operators' interface). */
#include "gateway/operate/ask.h"
#include "gateway/operate/files.h"
#include "gateway/operate/operate.h"
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct comparison {
    const json_t *paths; /* of the description */
    size_t served;       /* operations, without the files of the page */
    size_t wrong;
};

static json_t *read_description(void)
{
    for (size_t i = 0; i < mg_embedded_count; i++)
        if (strcmp(mg_embedded[i].path, "/openapi.json") == 0)
            return json_loadb((const char *)mg_embedded[i].bytes, mg_embedded[i].length,
                              JSON_REJECT_DUPLICATES, NULL);
    return NULL;
}

/* The files of the page stand under one path. */
static const char *path_of(const struct mg_resource *resource)
{
    const char *pattern = resource->pattern;
    size_t length = strlen(pattern);
    bool is_file = (length > 3 && strcmp(pattern + length - 3, ".js") == 0) ||
                   (length > 4 && strcmp(pattern + length - 4, ".css") == 0) ||
                   (length > 4 && strcmp(pattern + length - 4, ".svg") == 0);
    return is_file ? "/{file}" : pattern;
}

static const json_t *operation_of(const json_t *paths, const struct mg_resource *resource)
{
    const json_t *path = json_object_get(paths, path_of(resource));
    return json_object_get(path, strcmp(resource->method, "GET") == 0 ? "get" : "post");
}

static void blame(struct comparison *comparison, const struct mg_resource *resource,
                  const char *what)
{
    printf("# %s %s: %s\n", resource->method, resource->pattern, what);
    comparison->wrong++;
}

static size_t count_queries(const json_t *parameters)
{
    size_t count = 0, index;
    const json_t *parameter;
    json_array_foreach((json_t *)parameters, index, parameter)
    {
        const char *in = json_string_value(json_object_get(parameter, "in"));
        count += in && strcmp(in, "query") == 0;
    }
    return count;
}

static bool describes(const json_t *parameters, const char *name)
{
    size_t index;
    const json_t *parameter;
    json_array_foreach((json_t *)parameters, index, parameter)
    {
        const char *known = json_string_value(json_object_get(parameter, "name"));
        if (known && strcmp(known, name) == 0)
            return true;
    }
    return false;
}

static bool same_parameters(const struct mg_resource *resource, const json_t *operation)
{
    const json_t *parameters = json_object_get(operation, "parameters");
    size_t count = 0;
    for (const char *const *name = resource->parameters; name && *name; name++, count++)
        if (!describes(parameters, *name))
            return false;
    return count == count_queries(parameters);
}

static void compare(const struct mg_resource *resource, void *context)
{
    struct comparison *comparison = context;
    const json_t *operation = operation_of(comparison->paths, resource);
    const char *role = json_string_value(json_object_get(operation, "x-muengsten-role"));
    comparison->served += strcmp(path_of(resource), resource->pattern) == 0;
    if (!operation)
        blame(comparison, resource, "is served, but not described");
    else if (!role || strcmp(role, mg_role_words[resource->role]) != 0)
        blame(comparison, resource, "needs another role than is described");
    else if (!same_parameters(resource, operation))
        blame(comparison, resource, "knows other parameters than are described");
}

static size_t count_described(const json_t *paths)
{
    size_t count = 0;
    const char *path;
    json_t *operations;
    json_object_foreach((json_t *)paths, path, operations)
    {
        if (strcmp(path, "/{file}") != 0)
            count += json_object_size(operations);
    }
    return count;
}

static void what_is_served_is_described_and_the_reverse(void)
{
    const struct mg_operate_options options = {.base = event_base_new()};
    struct mg_operate *operate = mg_operate_new(&options);
    json_t *description = read_description();
    CU_ASSERT_PTR_NOT_NULL_FATAL(description);
    struct comparison comparison = {.paths = json_object_get(description, "paths")};
    mg_operate_each_resource(operate, compare, &comparison);
    CU_ASSERT_EQUAL(comparison.wrong, 0);
    CU_ASSERT_EQUAL(comparison.served, count_described(comparison.paths));
    CU_ASSERT(comparison.served > 20);
    json_decref(description);
    mg_operate_free(operate);
    event_base_free(options.base);
}

static size_t count_references(const json_t *value, const json_t *root, size_t *broken);

static void follow(const char *reference, const json_t *root, size_t *broken)
{
    char words[200];
    const json_t *found = root;
    if (strncmp(reference, "#/", 2) != 0) {
        *broken += strcmp(reference, "status.schema.json") != 0;
        return;
    }
    snprintf(words, sizeof words, "%s", reference + 2);
    for (char *rest = NULL, *word = strtok_r(words, "/", &rest); word;
         word = strtok_r(NULL, "/", &rest))
        found = json_object_get(found, word);
    if (!found)
        printf("# %s leads nowhere\n", reference);
    *broken += !found;
}

static size_t count_references(const json_t *value, const json_t *root, size_t *broken)
{
    size_t count = 0, index;
    const char *name;
    json_t *inner;
    if (json_is_array(value)) {
        json_array_foreach((json_t *)value, index, inner) count +=
            count_references(inner, root, broken);
        return count;
    }
    json_object_foreach((json_t *)value, name, inner)
    {
        if (strcmp(name, "$ref") == 0) {
            follow(json_string_value(inner), root, broken);
            count++;
        }
        count += count_references(inner, root, broken);
    }
    return count;
}

static void no_reference_of_the_description_leads_nowhere(void)
{
    json_t *description = read_description();
    size_t broken = 0;
    CU_ASSERT(count_references(description, description, &broken) > 50);
    CU_ASSERT_EQUAL(broken, 0);
    json_decref(description);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(what_is_served_is_described_and_the_reverse),
        UNIT_TEST(no_reference_of_the_description_leads_nowhere),
    };
    return unit_run("openapi", tests, sizeof tests / sizeof *tests);
}
