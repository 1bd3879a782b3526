/*
 * report: what is shown: a line for each message, the progress, and the summary; for people or as
 * JSON.
 */
#ifndef MUENGSTEN_TOOLS_SEND_REPORT_H
#define MUENGSTEN_TOOLS_SEND_REPORT_H

#include "gateway/base/error.h"
#include "tools/send/options.h"
#include "tools/send/receipt.h"

#include <stdint.h>

enum mg_send_kind {
    MG_SEND_IS_ACCEPTED,
    MG_SEND_IS_REPEATED,
    MG_SEND_IS_REFUSED,
    MG_SEND_IS_FAILED
};
#define MG_SEND_KINDS 4

/* What became of one message. */
struct mg_send_result {
    enum mg_send_kind kind;
    const char *file;
    const char *uuid; /* the sender's; may be empty */
    char id[64];      /* the gateway's; may be empty */
    int status;       /* of HTTP; 0: none came */
    int64_t microseconds;
    bool verified;         /* the receipt */
    struct mg_error error; /* why refused, failed, or not verified */
};

struct mg_send_report;

/* total is how many messages there will be. */
struct mg_send_report *mg_send_report_new(const struct mg_send_options *options, uint64_t total);
void mg_send_report_free(struct mg_send_report *report);

/* Shows the result and counts it. receipt may be NULL. */
void mg_send_report_add(struct mg_send_report *report, const struct mg_send_result *result,
                        const struct mg_send_receipt *receipt);

/* Shows how far it has come, if someone sits at a terminal; to be called about once a second. */
void mg_send_report_progress(struct mg_send_report *report);

/* Shows the summary, and returns the exit status. */
int mg_send_report_end(struct mg_send_report *report);

/* Shows the report on a message sent before. error is NULL if it is verified. */
void mg_send_report_status(const struct mg_send_options *options,
                           const struct mg_send_receipt *receipt, const struct mg_error *error);
/* Shows why there is no report. */
void mg_send_report_no_status(const struct mg_send_options *options, int status,
                              const struct mg_error *error);

#endif
