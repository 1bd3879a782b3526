#include "gateway/base/error.h"

#include "gateway/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool mg_fail(struct mg_error *error, const char *code, const char *format, ...)
{
    if (error) {
        va_list arguments;
        snprintf(error->code, sizeof error->code, "%s", code);
        error->place[0] = '\0';
        va_start(arguments, format);
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
    }
    return false;
}

void mg_error_at(struct mg_error *error, const char *format, ...)
{
    if (!error)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->place, sizeof error->place, format, arguments);
    va_end(arguments);
}

bool mg_error_is_code(const char *text)
{
    size_t length = strnlen(text, MG_ERROR_CODE_SIZE);
    return length > 0 && length < MG_ERROR_CODE_SIZE &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-_"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == length;
}

void mg_die(const char *format, ...)
{
    char text[MG_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    mg_log(MG_LOG_ERROR, "gateway.fatal", "reason", text, NULL);
    abort();
}

void *mg_allocate(unsigned long size)
{
    void *memory = malloc(size ? size : 1);
    if (!memory)
        mg_die("no memory for %lu bytes", size);
    return memory;
}

void *mg_allocate_zeroed(unsigned long count, unsigned long size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory)
        mg_die("no memory for %lu times %lu bytes", count, size);
    return memory;
}

void *mg_reallocate(void *memory, unsigned long size)
{
    void *moved = realloc(memory, size ? size : 1);
    if (!moved)
        mg_die("no memory for %lu bytes", size);
    return moved;
}

char *mg_copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(mg_allocate(size), text, size);
}
