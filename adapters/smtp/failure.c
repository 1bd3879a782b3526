#include "adapters/smtp/failure.h"

#include <stdarg.h>
#include <stdio.h>

bool mg_failure_set(struct mg_failure *failure, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    *failure = (struct mg_failure){.code = code};
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
    return false;
}

bool mg_failure_set_loud(struct mg_failure *failure, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    *failure = (struct mg_failure){.code = code, .loud = true};
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
    return false;
}
