#include "adapters/sftp/failure.h"

#include <libssh2_sftp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

void mg_failure_set(struct mg_failure *failure, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    failure->code = code;
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
}

void mg_failure_answer(struct mg_failure *failure, unsigned long answer, const char *folder)
{
    static const struct {
        unsigned long answer;
        const char *code;
        const char *before, *after; /* the folder */
    } answers[] = {
        {LIBSSH2_FX_NO_SPACE_ON_FILESYSTEM, "sftp.full", "The server has no space left in ",
         ": make room."},
        {LIBSSH2_FX_QUOTA_EXCEEDED, "sftp.full", "The quota at the server is used up in ",
         ": raise it."},
        {LIBSSH2_FX_NO_SUCH_FILE, "sftp.missing", "The server has no folder ",
         ": make it, or correct the configuration."},
        {LIBSSH2_FX_NO_SUCH_PATH, "sftp.missing", "The server has no folder ",
         ": make it, or correct the configuration."},
        {LIBSSH2_FX_NOT_A_DIRECTORY, "sftp.missing",
         "At the server this is no folder: ", "; correct the configuration."},
        {LIBSSH2_FX_PERMISSION_DENIED, "sftp.permission", "The server does not permit it in ",
         ": give the user the right to."},
        {LIBSSH2_FX_WRITE_PROTECT, "sftp.permission", "At the server nothing can be written in ",
         ": make it writable."},
    };
    failure->answer = answer;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (answers[i].answer == answer) {
            mg_failure_set(failure, answers[i].code, "%s%s%s", answers[i].before, folder,
                           answers[i].after);
            return;
        }
    }
    mg_failure_set(failure, "sftp.failed",
                   "The server could not do what it was asked to in %s (SFTP status %lu).", folder,
                   answer);
}
