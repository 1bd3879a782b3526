/*
 * checks: what a message was checked for when it came, each check with how long it took: part of
 * its trace. A message that is refused has none, since nothing of it is stored.
 *
 * They stand behind the header facts in the same record (message/header_record.h), which older
 * readers leave unread: a row of their own would cost every message. Pure, any thread.
 */
#ifndef MUENGSTEN_INTAKE_CHECKS_H
#define MUENGSTEN_INTAKE_CHECKS_H

#include "gateway/base/buffer.h"

#include <stdint.h>

/* In the order in which they are made. The record has these numbers: they never change. */
enum mg_check_kind {
    MG_CHECK_FORM = 1,       /* unpacked, scanned, parsed */
    MG_CHECK_PROFILE = 2,    /* recognised, header read */
    MG_CHECK_PERMISSION = 3, /* of the partner, to send this for its author to its reader */
    MG_CHECK_SIGNATURE = 4,
    MG_CHECK_SCHEMA = 5,
    MG_CHECK_DUPLICATE = 6, /* the digest of its canonical form, and the look for it */
    MG_CHECK_ROUTE = 7,
    MG_CHECK_SEAL = 8,    /* made */
    MG_CHECK_RECEIPT = 9, /* made */
};
#define MG_CHECK_KINDS 10

#define MG_CHECK_DETAIL 96

struct mg_check {
    enum mg_check_kind kind;
    bool required; /* false: the configuration asks for nothing here */
    uint32_t microseconds;
    char detail[MG_CHECK_DETAIL]; /* what was found, in a few words; may be empty */
};

struct mg_checks {
    struct mg_check list[MG_CHECK_KINDS];
    size_t count;
};

/* "form", "profile", … */
const char *mg_check_word(enum mg_check_kind kind);

/* Notes a check that passed; detail may be NULL, and is cut if it is too long. */
void mg_checks_note(struct mg_checks *checks, enum mg_check_kind kind, bool required,
                    int64_t microseconds, const char *detail);

/* Appends them to the record of a header; false only at the buffer's limit. */
bool mg_checks_write(const struct mg_checks *checks, struct mg_buffer *record);
/* Reads what stands behind the header facts. Nothing there, or something that this build does not
 * know: none. */
void mg_checks_read(const void *rest, size_t length, struct mg_checks *checks);

#endif
