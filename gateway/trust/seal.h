/*
 * seal: the gateway's own signature on a message it has accepted (Siegel).
 *
 * The content of a sealed message is its canonical form without the sender's signature: canonical
 * bytes are a document as good as the one received, hold exactly what the signature covered, and
 * have one digest that serves for duplicates, for both forms of the seal and for the receipt. The
 * seal is detached (a second part or file; its reference is "cid:ID@muengsten") or enveloped. Its
 * signed properties, in the namespace urn:muengsten:seal:1, say who handed the message in, when, by
 * which way, and with what result it was checked. Pure; may block on the key; any thread.
 */
#ifndef MUENGSTEN_TRUST_SEAL_H
#define MUENGSTEN_TRUST_SEAL_H

#include "gateway/base/id.h"
#include "gateway/trust/signature.h"

enum mg_seal_form { MG_SEAL_DETACHED, MG_SEAL_ENVELOPED };

/* That another certificate will seal, said before it does. */
struct mg_seal_announcement {
    struct mg_fingerprint certificate;
    int64_t from; /* milliseconds since 1970 */
};

struct mg_seal_facts {
    struct mg_id id;       /* the gateway's id of the message */
    const char *gateway;   /* name of this gateway */
    const char *partner;   /* who handed it in */
    const char *way;       /* the adapter instance it came in by */
    const char *profile;   /* such as "xbeteiligung" */
    int64_t received;      /* milliseconds since 1970 */
    const char *signature; /* what the check of the sender's signature gave: "valid" or "none" */
    const char *signer;    /* subject of the sender's certificate; empty if none */
    const uint8_t *digest; /* SHA-256 of the content */
    const struct mg_signature_attachment *attachments;
    size_t attachment_count;
    const struct mg_seal_announcement *next; /* NULL: none is announced */
};

/* Appends the seal, a ds:Signature element, to text. Codes as mg_signature_make. */
bool mg_seal_make(const struct mg_signer *signer, const struct mg_seal_facts *facts,
                  enum mg_seal_form form, struct mg_buffer *text, struct mg_error *error);

/* Puts an enveloped seal into canonical content: in front of the last end tag. Appends to text;
 * false only at its limit. */
bool mg_seal_insert(const char *content, size_t length, const char *seal, size_t seal_length,
                    struct mg_buffer *text);

/* "cid:ID@muengsten" */
#define MG_SEAL_URI_SIZE 64
const char *mg_seal_uri(const struct mg_id *id, char uri[MG_SEAL_URI_SIZE]);

#endif
