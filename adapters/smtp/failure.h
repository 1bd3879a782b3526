/*
 * failure: why a mail did not go out, with a stable code and a sentence. Texts name servers and
 * files' purposes, never an address and never what a server has answered beyond its number: a
 * server's words quote addresses.
 */
#ifndef MUENGSTEN_ADAPTERS_SMTP_FAILURE_H
#define MUENGSTEN_ADAPTERS_SMTP_FAILURE_H

#include <stdbool.h>

struct mg_failure {
    const char *code; /* NULL: nothing failed */
    char made[16];    /* where a code is made of a server's number */
    char text[512];
    bool permanent; /* trying again is of no use */
    bool loud;      /* an operator has to do something before anything goes out again */
};

/* Fills a failure; returns false. */
bool mg_failure_set(struct mg_failure *failure, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Likewise, for what an operator has to mend. */
bool mg_failure_set_loud(struct mg_failure *failure, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
