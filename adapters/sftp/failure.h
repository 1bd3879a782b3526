/*
 * failure: why something with the SFTP server did not succeed, with a stable code and a sentence.
 *
 * Nothing here is permanent: a full disk, a folder that is missing, a key that is not accepted or a
 * host key that has changed is mended by an operator, and the message waits for it. Texts name the
 * server and folders of the configuration, never files and never content.
 */
#ifndef MUENGSTEN_ADAPTERS_SFTP_FAILURE_H
#define MUENGSTEN_ADAPTERS_SFTP_FAILURE_H

#include <stdbool.h>

struct mg_failure {
    const char *code; /* NULL: nothing failed */
    char text[512];
    bool broken;          /* the connection is of no use any more */
    bool loud;            /* an operator has to mend it before anything can go on */
    unsigned long answer; /* what the server answered (SSH_FX_…); 0: nothing */
};

void mg_failure_set(struct mg_failure *failure, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What the server answered instead of doing what it was asked to in that folder. */
void mg_failure_answer(struct mg_failure *failure, unsigned long answer, const char *folder);

#endif
