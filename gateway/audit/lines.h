/*
 * lines: what the audit trail says, one JSON object (RFC 8259) for each entry. docs/audit.md
 * explains all of them.
 *
 * Ids and UUIDs may stand in them, and the names of partners, destinations and operators; never
 * content of messages, and of whom a message is about never anything. Pure, any thread. Each
 * function adds one line, without an end of line, to a buffer without a limit.
 */
#ifndef MUENGSTEN_AUDIT_LINES_H
#define MUENGSTEN_AUDIT_LINES_H

#include "gateway/base/buffer.h"
#include "gateway/store/store.h"

/* A message was accepted: from what the store is told of it. */
void mg_audit_write_accepted(struct mg_buffer *line, const struct mg_store_accept *accept);

/* A delivery has ended; code says how (it may be NULL). */
void mg_audit_write_ended(struct mg_buffer *line, enum mg_delivery_state state,
                          const struct mg_id *message, const char *destination, int attempts,
                          const char *code);

/* What an operator did, looked at, or was denied. Members that are NULL or zero are left out. */
struct mg_audit_act {
    const char *act; /* looked, content, retry, cancel, move, erase, pause, resume, reload, backup,
                      * denied, … */
    const char *by;  /* the operator's name */
    const char *way; /* control, loopback, tls */
    const char *why;
    const struct mg_id *message;
    const char *uuid; /* the sender's, where there is no message */
    const char *destination;
    const char *to;   /* the destination that a message was moved to */
    const char *what; /* what was denied: method and path; or what else the act was about */
    const char *code; /* why it was denied */
    int64_t count;    /* of messages that the act was for, where it was for many */
};
void mg_audit_write_act(struct mg_buffer *line, const struct mg_audit_act *act);

#endif
