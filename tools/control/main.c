/*
 * muengstenctl: watches and mends a gateway, by its control socket; for operators. See
 * muengstenctl(1).
 */
#include "tools/control/commands.h"
#include "tools/control/say.h"

#include <signal.h>

int main(int count, char *arguments[])
{
    struct mg_control control;
    int status;
    mg_say_start();
    const struct mg_control_command *command = mg_control_read(count, arguments, &control, &status);
    if (!command)
        return status;
    /* A gateway that ends, and a pager that was left, are errors like any other. */
    signal(SIGPIPE, SIG_IGN);
    mg_screen_look(&control.screen, control.options.colour);
    return command->run(&control);
}
