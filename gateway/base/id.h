/*
 * id: identifiers that the gateway gives: UUIDs of version 7 (RFC 9562, section 5.7), which sort by
 * the time they were made in, so that a table keyed by them grows at its end.
 */
#ifndef MUENGSTEN_BASE_ID_H
#define MUENGSTEN_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

struct mg_id {
    uint8_t bytes[16];
};

/* Room for "018f3b1c-9d2a-7c44-8f00-0123456789ab" and its end. */
#define MG_ID_TEXT_SIZE 37

/* A new id, greater than every id this process made before. Any thread. */
struct mg_id mg_id_new(void);

/* Writes the id in the lower-case form of RFC 9562, section 4, and returns the text. */
const char *mg_id_text(const struct mg_id *id, char text[MG_ID_TEXT_SIZE]);

/* Reads the 36 characters of a UUID of any version, in either case. False if they are something
 * else. */
bool mg_id_parse(const char *text, struct mg_id *id);

/* The same behind "urn:uuid:" (RFC 9562, section 4). */
bool mg_id_parse_urn(const char *text, struct mg_id *id);

#endif
