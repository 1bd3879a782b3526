/*
 * receipt: the signed report of what happened to a message (Quittung, Laufzettel): an XTA 2.1.1
 * TransportReport (namespace http://xoev.de/transport/xta/211, XTA-Webservice-Globale-Elemente.xsd)
 * with an enveloped signature of the gateway. Pure; may block on the key; any thread.
 */
#ifndef MUENGSTEN_TRUST_RECEIPT_H
#define MUENGSTEN_TRUST_RECEIPT_H

#include "gateway/base/id.h"
#include "gateway/message/header.h"
#include "gateway/trust/signature.h"

/* MessageStatus/Status of XTA: the highest of what is reported. */
enum mg_receipt_status {
    MG_RECEIPT_OPEN = 0,   /* still underway */
    MG_RECEIPT_GREEN = 1,  /* done, no errors */
    MG_RECEIPT_YELLOW = 2, /* done, with warnings */
    MG_RECEIPT_RED = 3,    /* an error: at least one delivery is dead or cancelled */
};

enum mg_receipt_level { MG_RECEIPT_INFO, MG_RECEIPT_WARNING, MG_RECEIPT_ERROR };

/* One record of the report: RecordType with a code of the list urn:muengsten:codelist:event. */
struct mg_receipt_record {
    enum mg_receipt_level level;
    int64_t time;       /* milliseconds since 1970 */
    const char *code;   /* such as "accepted", "delivered", "destination.unreachable" */
    const char *reason; /* a sentence; of a delivery with the destination's name */
};

struct mg_receipt_facts {
    struct mg_id id;
    const struct mg_header *header;
    const char *gateway;           /* XTAServerIdentity */
    const char *service;           /* of the profile: oscimeta Qualifier/Service */
    const char *business_scenario; /* of the profile */
    const char *payload_schema;    /* of the profile: MessageType/@payloadSchema */
    int64_t received;              /* DeliveryAttributes/InitialSend */
    int64_t delivered;             /* when the last delivery ended; 0: not yet */
    int64_t now;                   /* ReportTime */
    const uint8_t *digest;         /* SHA-256 of the content, as a message property */
    size_t size;                   /* bytes of the content: MsgSize */
    enum mg_receipt_status status;
    const struct mg_receipt_record *records;
    size_t record_count;
};

/* Appends the whole document. Codes as mg_signature_make. */
bool mg_receipt_make(const struct mg_signer *signer, const struct mg_receipt_facts *facts,
                     struct mg_buffer *text, struct mg_error *error);

#endif
