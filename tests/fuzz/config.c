/*
 * Feeds bytes to the reader of configurations: scan, parse, schema, values, references. What a
 * configuration names is not opened.
 */
#include "gateway/config/load.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct mg_config_grammar *grammar;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    struct mg_config_problems problems = {0};
    setenv("MUENGSTEN_DATA", MG_SOURCE_FOLDER, 0);
    if (!mg_trust_start(NULL))
        abort();
    grammar = mg_config_grammar_new(&problems);
    if (!grammar)
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct mg_config_problems problems = {0};
    struct mg_config *config =
        mg_config_load_bytes("fuzz.xml", (const char *)bytes, length, grammar, &problems);
    /* A configuration comes if, and only if, nothing was wrong, and then it has what it needs. */
    assert((config == NULL) == (problems.errors > 0));
    if (config) {
        assert(config->name && config->store && config->tls_key);
        for (size_t i = 0; i < config->route_count; i++) {
            for (size_t j = 0; j < config->routes[i].destination_count; j++)
                assert(config->routes[i].destinations[j] < config->destination_count);
        }
    }
    mg_config_release(config);
    mg_config_problems_free(&problems);
    return 0;
}
