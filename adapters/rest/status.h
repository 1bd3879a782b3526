/*
 * status: what the status of an answer means for a delivery, and how long the system asks to wait.
 * Pure.
 */
#ifndef MUENGSTEN_ADAPTERS_REST_STATUS_H
#define MUENGSTEN_ADAPTERS_REST_STATUS_H

#include "muengsten/adapter.h"

/* Room for "http.redirect" and its end. */
#define MG_STATUS_CODE_SIZE 16

struct mg_status {
    enum mg_outcome_kind kind;
    char code[MG_STATUS_CODE_SIZE]; /* "http.NNN", or "http.redirect" */
    const char *meaning;            /* the rest of a sentence: "The receiving system …" */
};

/* The table stands at the head of rest_out.c. */
void mg_status_read(int status, struct mg_status *read);

/* The milliseconds that a Retry-After field asks for (RFC 9110, section 10.2.3): seconds, or a date
 * in any of the three forms of section 5.6.7. now is in seconds since 1970. 0 for what is in the
 * past or cannot be read; never more than MG_STATUS_LONGEST_WAIT. */
int64_t mg_status_retry_after(const char *value, int64_t now);

/* A day: a system that asks for more is asked again then. */
#define MG_STATUS_LONGEST_WAIT ((int64_t)24 * 60 * 60 * 1000)

#endif
