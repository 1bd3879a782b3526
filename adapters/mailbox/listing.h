/*
 * listing: the list of a box as JSON. Pure.
 *
 *   {"number": 2, "taken": 0, "bytes": 14800, "oldest": "2026-11-26T10:50:59.123Z",
 *    "messages": [{"id": "…", "uuid": "…", "type": "…", "author": "…", "reader": "…",
 *                  "partner": "…", "accepted": "…", "size": 7400, "attempts": 0}, …],
 *    "next": "…"}
 *
 * number, taken, bytes and oldest are of the whole box; oldest and next are null where there is
 * none.
 */
#ifndef MUENGSTEN_ADAPTERS_MAILBOX_LISTING_H
#define MUENGSTEN_ADAPTERS_MAILBOX_LISTING_H

#include "adapters/common/text.h"

#include "muengsten/adapter.h"

void mg_listing_write(const struct mg_box_list *list, const struct mg_box_facts *facts,
                      struct mg_text *text);

#endif
