/*
 * document: an XML file as a draft, of which messages are made: changed where the options ask for
 * it, signed, packed. A draft is read once and used for as many copies as are wanted; only one of
 * them needs to be in memory at a time.
 */
#ifndef MUENGSTEN_TOOLS_SEND_DOCUMENT_H
#define MUENGSTEN_TOOLS_SEND_DOCUMENT_H

#include "gateway/base/buffer.h"
#include "gateway/base/id.h"
#include "gateway/trust/signature.h"
#include "tools/send/options.h"

struct mg_send_document;

/* A message ready to be sent. */
struct mg_send_message {
    char uuid[64];              /* the sender's message UUID; empty if the file has none */
    char part[MG_ID_TEXT_SIZE]; /* by which its parts are named */
    struct mg_buffer body;      /* what is sent */
    char media_type[256];       /* its Content-Type */
    struct mg_buffer content;   /* the document, with an enveloped signature; before packing */
    struct mg_buffer apart;     /* the detached signature; empty if there is none */
};

/* Reads a file. A file that is to be sent as it is (unsigned and unchanged) may be anything, since
 * a refusal may be what is wanted; any other has to be XML. Codes: send.unreadable,
 * send.signed-already, xml.*. */
struct mg_send_document *mg_send_document_read(const char *path,
                                               const struct mg_send_options *options,
                                               struct mg_error *error);
void mg_send_document_free(struct mg_send_document *document);

/* Makes the next message of it. fresh: with a UUID of its own, created now. The message is
 * overwritten and keeps its memory; it starts filled with zeros. */
bool mg_send_document_make(struct mg_send_document *document, const struct mg_send_options *options,
                           const struct mg_signer *signer, bool fresh,
                           struct mg_send_message *message, struct mg_error *error);
void mg_send_message_free(struct mg_send_message *message);

#endif
