/*
 * session: the conversation with the gateway: so many connections at once, each message made only
 * when a connection is free for it, so that the memory does not grow with the number of messages.
 */
#ifndef MUENGSTEN_TOOLS_SEND_SESSION_H
#define MUENGSTEN_TOOLS_SEND_SESSION_H

#include "gateway/trust/signature.h"
#include "tools/send/document.h"
#include "tools/send/options.h"

/* What a session works with; borrowed. */
struct mg_send_tools {
    const struct mg_send_options *options;
    const struct mg_signer *signer; /* NULL: unsigned */
    struct mg_anchors *anchors;
    const STACK_OF(X509) * expected; /* who may have signed receipts; NULL: any trusted */
    struct mg_send_document **documents;
};

/* Sends all copies of all documents and shows what became of them. An interrupt (SIGINT, SIGTERM)
 * lets what is underway come to its end and starts no more. Returns the exit status. */
int mg_send_session_send(const struct mg_send_tools *tools);

/* Fetches and shows the report that --status asks for. Returns the exit status. */
int mg_send_session_status(const struct mg_send_tools *tools);

#endif
