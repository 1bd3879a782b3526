/*
 * verify_show: says what verify found: in plain sentences for people, or as one JSON object.
 */
#ifndef MUENGSTEN_TOOLS_CONTROL_VERIFY_SHOW_H
#define MUENGSTEN_TOOLS_CONTROL_VERIFY_SHOW_H

#include "tools/control/screen.h"
#include "tools/control/verify.h"

#include <jansson.h>

/* Adds the explanation. expected: a certificate was named that must have signed. */
void mg_verify_explain(const struct mg_screen *screen, const char *file, bool expected,
                       const struct mg_verdict *verdict, struct mg_buffer *text);

/* The caller gets the reference. */
json_t *mg_verify_json(const char *file, const struct mg_verdict *verdict);

#endif
