/*
 * receipt_reading: what a receipt or report says, read back from what mg_receipt_make has written.
 * That it is true only its signature can tell. Pure, any thread.
 */
#ifndef MUENGSTEN_TRUST_RECEIPT_READING_H
#define MUENGSTEN_TRUST_RECEIPT_READING_H

#include "gateway/base/id.h"

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MG_RECEIPT_ENTRIES 64 /* read of one receipt; of more, errors and warnings first */

/* One record. The texts have no control characters, since they are shown to people. */
struct mg_receipt_entry {
    const char *level; /* constant: "error", "warning", "info" */
    char time[40];
    char code[64];
    char reason[512];
};

/* Texts are empty where nothing is said, or more than there is room for. */
struct mg_receipt_reading {
    char id[MG_ID_TEXT_SIZE]; /* the gateway's, of the message */
    char uuid[128];           /* its sender's */
    char gateway[256];        /* who issued the receipt */
    char time[40];            /* when */
    bool has_digest;
    uint8_t digest[32]; /* SHA-256 of the content */
    int status;         /* enum mg_receipt_status; -1: none of them */
    struct mg_receipt_entry entries[MG_RECEIPT_ENTRIES]; /* in the order of time */
    size_t entry_count;
};

/* Reads a document's root element. False, with nothing read, if it is no TransportReport. */
bool mg_receipt_read(const xmlNode *root, struct mg_receipt_reading *reading);

/* The word for a status: "underway", "done", "warnings", "failed"; NULL for none. Constant. */
const char *mg_receipt_state(int status);

#endif
