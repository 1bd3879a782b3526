/*
 * commands: what muengstenctl can do, and how its command line is read.
 */
#ifndef MUENGSTEN_TOOLS_CONTROL_COMMANDS_H
#define MUENGSTEN_TOOLS_CONTROL_COMMANDS_H

#include "tools/control/control.h"

#define MG_CONTROL_SOCKET "/run/muengsten/control"

struct mg_control_command {
    const char *name;
    const char *words;   /* as the usage shows them; empty: none */
    size_t least, most;  /* how many */
    const char *options; /* names of those it takes beside the general ones, parted by blanks */
    int (*run)(struct mg_control *control);
    const char *english, *german; /* what it is for */
};

/* Ends with a command without a name. */
extern const struct mg_control_command mg_control_commands[];

/* Reads the command line. NULL if the program is to end with *status: after --help and --version,
 * and after a mistake, which is then told. */
const struct mg_control_command *mg_control_read(int count, char *arguments[],
                                                 struct mg_control *control, int *status);

#endif
