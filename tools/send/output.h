/*
 * output: files that muengsten-send writes: receipts, and signed messages that are not sent.
 */
#ifndef MUENGSTEN_TOOLS_SEND_OUTPUT_H
#define MUENGSTEN_TOOLS_SEND_OUTPUT_H

#include "gateway/base/buffer.h"
#include "tools/send/session.h"

/* Writes FOLDER/ID.receipt.xml under a temporary name first. Code send.unwritable. */
bool mg_send_store_receipt(const char *folder, const char *id, const struct mg_buffer *receipt,
                           struct mg_error *error);

/* Signs all copies of all documents and writes them: to standard output, to the file of --output,
 * or, where that is a folder, to one file for each, named after its message UUID. A detached
 * signature goes beside the file, as NAME.signature.xml. Returns the exit status. */
int mg_send_sign_only(const struct mg_send_tools *tools);

#endif
