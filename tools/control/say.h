/*
 * say: in which language people are spoken to, as the locale says (LC_ALL, LC_MESSAGES, LANG):
 * German where it begins with "de", English otherwise. Both sentences stand beside each other where
 * they are said, so that nobody can change one without seeing the other; words.h has what the
 * gateway says by codes. For people only: what programs read (--json, exit statuses, the gateway's
 * codes) is the same in both.
 */
#ifndef MUENGSTEN_TOOLS_CONTROL_SAY_H
#define MUENGSTEN_TOOLS_CONTROL_SAY_H

#include <stdbool.h>

/* Looks at the environment. Call once, before anything is said; English until then. */
void mg_say_start(void);

bool mg_say_is_german(void);

/* The one of the two that is to be said. */
const char *mg_say(const char *english, const char *german)
    __attribute__((format_arg(1), format_arg(2)));

#endif
