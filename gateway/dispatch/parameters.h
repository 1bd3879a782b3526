/*
 * parameters: compares the parameters of a source or destination with what its adapter declares.
 * Looks at files and folders that parameters name, so not on the loop while messages travel.
 */
#ifndef MUENGSTEN_DISPATCH_PARAMETERS_H
#define MUENGSTEN_DISPATCH_PARAMETERS_H

#include "gateway/config/config.h"

#include <muengsten/adapter.h>

/* Adds a problem for every parameter that is unknown, wrong or missing. */
void mg_parameters_check(const struct mg_adapter *adapter, bool is_source,
                         const struct mg_config_place *place,
                         const struct mg_config_parameter *values, size_t count,
                         struct mg_config_problems *problems);

#endif
