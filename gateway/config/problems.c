#include "gateway/config/problems.h"

#include "gateway/base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer reasons are cut: they hold names and values of the configuration. */
#define REASON_SIZE 2048

/* Nobody's eyes or terminal shall suffer from what stands in an attribute. */
static void make_printable(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = ' ';
    }
}

void mg_config_problem(struct mg_config_problems *problems, const struct mg_config_place *place,
                       bool warning, const char *format, ...)
{
    if (!warning)
        problems->errors++;
    if (problems->count >= MG_CONFIG_PROBLEMS)
        return;
    char reason[REASON_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    make_printable(reason);

    struct mg_buffer text = {0};
    mg_buffer_print(&text, "%s:%d: %s", place->file, place->line, reason);
    problems->list = mg_reallocate(problems->list, (problems->count + 1) * sizeof *problems->list);
    problems->list[problems->count++] =
        (struct mg_config_problem){.text = mg_buffer_take(&text), .warning = warning};
}

void mg_config_problems_free(struct mg_config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        free(problems->list[i].text);
    free(problems->list);
    *problems = (struct mg_config_problems){0};
}

/* The line, if the problem is about the file; -1 otherwise. */
static long line_in(const char *text, const char *file)
{
    size_t length = strlen(file);
    if (strncmp(text, file, length) != 0 || text[length] != ':')
        return -1;
    char *end;
    long line = strtol(text + length + 1, &end, 10);
    return end > text + length + 1 && *end == ':' ? line : -1;
}

bool mg_config_problems_at(const struct mg_config_problems *problems, size_t count,
                           const struct mg_config_place *place)
{
    for (size_t i = 0; i < count && i < problems->count; i++) {
        if (line_in(problems->list[i].text, place->file) == place->line)
            return true;
    }
    return false;
}

struct ranked {
    size_t file;
    long line;
    size_t found;
    struct mg_config_problem problem;
};

static int compare(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return a->found < b->found ? -1 : a->found > b->found;
}

void mg_config_problems_sort(struct mg_config_problems *problems, size_t first,
                             const char *const *files, size_t file_count)
{
    if (problems->count <= first)
        return;
    size_t count = problems->count - first;
    struct ranked *ranked = mg_allocate_zeroed(count, sizeof *ranked);
    for (size_t i = 0; i < count; i++) {
        ranked[i] = (struct ranked){.found = i, .problem = problems->list[first + i]};
        for (size_t file = 0; file < file_count; file++) {
            long line = line_in(ranked[i].problem.text, files[file]);
            if (line >= 0) {
                ranked[i].file = file + 1;
                ranked[i].line = line;
            }
        }
    }
    qsort(ranked, count, sizeof *ranked, compare);
    for (size_t i = 0; i < count; i++)
        problems->list[first + i] = ranked[i].problem;
    free(ranked);
}
