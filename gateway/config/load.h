/*
 * load: the part of loading that opens no file, for fuzzing.
 */
#ifndef MUENGSTEN_CONFIG_LOAD_H
#define MUENGSTEN_CONFIG_LOAD_H

#include "gateway/config/document.h"

/* Like mg_config_load for one document that is in memory. What it names is not opened, so profiles
 * have no schema, partners no fingerprints, and signer and anchors are NULL. */
struct mg_config *mg_config_load_bytes(const char *name, const char *bytes, size_t length,
                                       const struct mg_config_grammar *grammar,
                                       struct mg_config_problems *problems);

#endif
