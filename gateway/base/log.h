/*
 * log: one line an event, as `name=value` pairs, to stderr or, where the journal asks for it, with
 * the syslog priority in front (sd-daemon(3)).
 *
 * A line names its event (`message.accepted`) and what it is about. Whatever concerns a message
 * carries its id. No line ever carries content of a message or personal data: that is a rule for
 * the callers, and the reason why errors have codes and places instead of quotations.
 *
 * Any thread; a line is written in one piece. Values are quoted where needed, control characters
 * are escaped, so that nothing from outside can forge a line.
 */
#ifndef MUENGSTEN_BASE_LOG_H
#define MUENGSTEN_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum mg_log_level { MG_LOG_ERROR, MG_LOG_WARNING, MG_LOG_NOTICE, MG_LOG_INFO, MG_LOG_DEBUG };

/* Lines above this level are left out. At start: MG_LOG_INFO. Call before threads start. */
void mg_log_set_level(enum mg_log_level level);

/* True if lines of the level are written, for callers that would have to prepare much. */
int mg_log_enabled(enum mg_log_level level);

/* Writes one line: the event, then pairs of `const char *` name and value, then NULL. A pair whose
 * value is NULL or empty is left out. */
void mg_log(enum mg_log_level level, const char *event, ...) __attribute__((sentinel));

/* A number as a value of mg_log, for the length of the enclosing block. */
#define MG_LOG_NUMBER(number) mg_log_number((char[24]){0}, (int64_t)(number))
const char *mg_log_number(char text[24], int64_t number);

#endif
