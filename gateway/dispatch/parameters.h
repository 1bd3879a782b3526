/*
 * parameters: compares the parameters of a source or destination with what its adapter declares.
 * Looks at files and folders that parameters name, so not on the loop while messages travel.
 */
#ifndef MUENGSTEN_DISPATCH_PARAMETERS_H
#define MUENGSTEN_DISPATCH_PARAMETERS_H

#include "gateway/dispatch/end.h"

#include <muengsten/adapter.h>

/* Adds a problem for every parameter that is unknown, wrong or missing. */
void mg_parameters_check(const struct mg_adapter *adapter, const struct mg_end *end,
                         struct mg_config_problems *problems);

/* The path at and below which an end with a listener serves: its parameter path, if its adapter
 * declares one and it has a value, else "/" and its name. Freed with free(). */
char *mg_parameters_prefix(const struct mg_adapter *adapter, const struct mg_end *end);

#endif
