#include "tools/control/control.h"

#include "tools/control/say.h"
#include "tools/control/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int end(bool written, int status)
{
    if (written)
        return status;
    fprintf(stderr, "muengstenctl: %s: %s\n",
            mg_say("the output cannot be written", "die Ausgabe kann nicht geschrieben werden"),
            strerror(errno));
    return MG_CONTROL_USAGE;
}

bool mg_control_write_json(const json_t *value, size_t form)
{
    struct mg_buffer text = {0};
    char *dump = json_dumps(value, form | JSON_ENCODE_ANY);
    bool written = false;
    if (dump) {
        mg_screen_json(&text, dump);
        mg_buffer_add_text(&text, "\n");
        written = mg_screen_write(&text);
    }
    mg_buffer_free(&text);
    free(dump);
    return written;
}

int mg_control_show_json(const json_t *value, int status)
{
    return end(mg_control_write_json(value, JSON_INDENT(2)), status);
}

int mg_control_show(struct mg_buffer *text, int status)
{
    bool written = mg_screen_write(text);
    mg_buffer_free(text);
    return end(written, status);
}

int mg_control_fail(const struct mg_error *error, int status)
{
    struct mg_buffer line = {0};
    const char *ours = mg_words_find("problem", error->code);
    mg_buffer_add_text(&line, "muengstenctl: ");
    mg_screen_text(&line, error->place);
    mg_buffer_add_text(&line, error->place[0] ? ": " : "");
    if (ours) {
        mg_buffer_add_text(&line, ours);
        mg_buffer_add_text(&line, " ");
    }
    mg_screen_text(&line, error->text);
    mg_buffer_add_text(&line, " (");
    mg_screen_text(&line, error->code);
    mg_buffer_add_text(&line, ")\n");
    fputs(line.data, stderr);
    mg_buffer_free(&line);
    return status;
}

int mg_control_mistake(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("muengstenctl: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs(mg_say("\nTry muengstenctl --help.\n", "\nHilfe: muengstenctl --help.\n"), stderr);
    va_end(arguments);
    return MG_CONTROL_USAGE;
}
