/*
 * options: what the command line of muengsten-send asks for.
 */
#ifndef MUENGSTEN_TOOLS_SEND_OPTIONS_H
#define MUENGSTEN_TOOLS_SEND_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The exit statuses; of several that apply, the highest. */
enum mg_send_exit {
    MG_SEND_ACCEPTED = 0,   /* all messages were accepted, now or before */
    MG_SEND_REFUSED = 1,    /* at least one was refused */
    MG_SEND_USAGE = 2,      /* the command, a file or a key is not as it has to be */
    MG_SEND_FAILED = 3,     /* no connection, or a failure that may pass */
    MG_SEND_UNVERIFIED = 4, /* a receipt's signature does not verify */
};

/* Certificates that may be named for receipts: one that follows another needs two. */
#define MG_SEND_RECEIPT_CERTIFICATES 8

/* All texts are borrowed from the command line. */
struct mg_send_options {
    const char *to;
    const char *tls_certificate, *tls_key;
    const char *signing_certificate, *signing_key;
    const char *authorities, *revocation;
    /* The only ones that may have signed receipts; none: any trusted. */
    const char *receipt_certificates[MG_SEND_RECEIPT_CERTIFICATES];
    size_t receipt_certificate_count;
    const char *proxy;
    const char *author, *reader; /* authority ids to put in; NULL: as they are */
    const char *receipts;        /* folder to store receipts in; NULL: nowhere */
    const char *output;          /* file or folder for signed messages; NULL: standard output */
    const char *status;          /* id of the message whose report is wanted; NULL: send */
    bool detached, unsigned_, gzip, same, new_uuid, json, sign_only, verbose;
    unsigned long repeat, jobs;
    int64_t timeout; /* milliseconds for each message */
    char *const *files;
    size_t file_count;
};

/* Reads the command line. False if the program is to end with *status: after --help and --version,
 * and after a mistake, which is then told on standard error. */
bool mg_send_options_read(int count, char *arguments[], struct mg_send_options *options,
                          int *status);

#endif
