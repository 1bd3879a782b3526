/*
 * find: how messages are put on a screen: for the commands messages, dead, trace, stored and audit.
 * Pure: JSON in, text out.
 */
#ifndef MUENGSTEN_TOOLS_CONTROL_FIND_H
#define MUENGSTEN_TOOLS_CONTROL_FIND_H

#include "tools/control/screen.h"

#include <jansson.h>

/* A line for each message, with the worst state of its deliveries, and for each refusal. */
void mg_find_messages(const struct mg_screen *screen, const json_t *messages,
                      const json_t *refusals, struct mg_buffer *text);
/* A line for each dead delivery, with the reason. destination: of this one alone; NULL: of all. */
void mg_find_dead(const struct mg_screen *screen, const json_t *messages, const char *destination,
                  struct mg_buffer *text);
/* Everything of one message: facts, deliveries, checks, and its time line. */
void mg_find_trace(const struct mg_screen *screen, const json_t *message, struct mg_buffer *text);
/* A line for each entry of the audit trail. */
void mg_find_journal(const struct mg_screen *screen, const json_t *entries, struct mg_buffer *text);
/* What GET /messages/{id}/remains says. */
void mg_find_remains(const struct mg_screen *screen, const json_t *remains, struct mg_buffer *text);

#endif
