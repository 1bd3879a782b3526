/*
 * problems: what the rooms of the configuration share about problems beside config.h.
 */
#ifndef MUENGSTEN_CONFIG_PROBLEMS_H
#define MUENGSTEN_CONFIG_PROBLEMS_H

#include "gateway/config/config.h"

/* A configuration has no more problems than this that anybody would read; the rest is only counted.
 */
#define MG_CONFIG_PROBLEMS 1000

/* True if one of the first count problems stands at the place. */
bool mg_config_problems_at(const struct mg_config_problems *problems, size_t count,
                           const struct mg_config_place *place);

/* Puts the problems from the first on in the order of the files and of the lines in them. */
void mg_config_problems_sort(struct mg_config_problems *problems, size_t first,
                             const char *const *files, size_t file_count);

#endif
