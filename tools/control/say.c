#include "tools/control/say.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static bool is_german;

/* The first that is set and not empty counts, as POSIX says of locale variables. */
static const char *language(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return value;
    }
    return "";
}

void mg_say_start(void)
{
    /* Widths of characters are asked of the C library; numbers stay as programs write them. Which
     * locales are installed does not matter for that. */
    setlocale(LC_CTYPE, "C.UTF-8");
    is_german = strncmp(language(), "de", 2) == 0;
}

bool mg_say_is_german(void)
{
    return is_german;
}

const char *mg_say(const char *english, const char *german)
{
    return is_german ? german : english;
}
