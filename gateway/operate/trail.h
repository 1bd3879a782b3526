/*
 * trail: entries of the audit trail as JSON; internal to the room. Pure.
 */
#ifndef MUENGSTEN_OPERATE_TRAIL_H
#define MUENGSTEN_OPERATE_TRAIL_H

#include "gateway/base/json.h"
#include "gateway/store/journal.h"

/* An entry, as a member of a list. */
void mg_trail_write(struct mg_json *json, const struct mg_store_line *line);

#endif
