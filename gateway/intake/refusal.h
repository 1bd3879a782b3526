/*
 * refusal: every reason to refuse a message, with the HTTP status that says the same.
 *
 * Codes come from the rooms that find the fault (see their headers) and are stable. The part before
 * the dot names what was looked at; this table knows the status and a title of each, so that no
 * stage has to. docs/errors.md explains all of them to integrators.
 */
#ifndef MUENGSTEN_INTAKE_REFUSAL_H
#define MUENGSTEN_INTAKE_REFUSAL_H

struct mg_refusal_kind {
    int status;        /* HTTP */
    const char *title; /* in a few words */
    int retry_after;   /* seconds; 0: trying again unchanged is of no use */
};

/* The kind of a code; an unknown code is an internal error (500). Never NULL; any thread. */
const struct mg_refusal_kind *mg_refusal_kind(const char *code);

#endif
