/*
 * sftp: messages as files at an SFTP server. As a destination it writes each message into a folder
 * there; as a source it collects the files that others put into one.
 *
 * This header is shared by the adapter's own files only. Everything that talks to the server blocks
 * and is a task on another thread; a session belongs to one task at a time.
 */
#ifndef MUENGSTEN_ADAPTERS_SFTP_SFTP_H
#define MUENGSTEN_ADAPTERS_SFTP_SFTP_H

#include "adapters/common/task.h"
#include "adapters/sftp/session.h"

/* An instance; source and destination embed it as first member. */
struct mg_sftp {
    struct mg_tasks tasks; /* first */
    struct mg_sftp_settings settings;
    void (*close)(struct mg_sftp *sftp);
    const char *told; /* code of the failure last told; NULL: all was well */
};

/* Tells of a failure in the log, once for as long as it is the same, loudly if an operator has to
 * mend it; NULL, that all is well again. */
void mg_sftp_tell(struct mg_sftp *sftp, const struct mg_failure *failure);

/* The source's side (sftp_in.c) and the destination's (sftp_out.c), with the settings to come. */
struct mg_sftp *mg_sftp_new_source(const struct mg_gateway *gateway, struct mg_instance *instance);
struct mg_sftp *mg_sftp_new_destination(void);
void mg_sftp_deliver(struct mg_sftp *sftp, struct mg_delivery *delivery);
void mg_sftp_cancel(struct mg_sftp *sftp, struct mg_delivery *delivery);

#endif
