/*
 * signature_text: the two ways in which bytes become text in a signature: Base64, and text in the
 * escapes of Canonical XML, so that what is written needs no canonicalisation any more. Pure, any
 * thread.
 */
#ifndef MUENGSTEN_TRUST_SIGNATURE_TEXT_H
#define MUENGSTEN_TRUST_SIGNATURE_TEXT_H

#include "gateway/base/buffer.h"

#include <stdint.h>

/* Adds text as character data resp. as an attribute value in double quotes (the quotes not
 * included), with the escapes of Canonical XML 1.0, section 2.3. What cannot stand in XML (control
 * characters, bytes that are not UTF-8) becomes a question mark. NULL is empty. False only at the
 * buffer's limit. */
bool mg_signature_add_text(struct mg_buffer *buffer, const char *text);
bool mg_signature_add_attribute(struct mg_buffer *buffer, const char *text);

/* Adds bytes in Base64 without line breaks. False only at the buffer's limit. */
bool mg_signature_add_base64(struct mg_buffer *buffer, const uint8_t *bytes, size_t length);

/* Reads Base64 (RFC 4648, section 4) with white space anywhere, as xs:base64Binary allows it. False
 * if it is something else or more than size bytes. */
bool mg_signature_read_base64(const char *text, uint8_t *bytes, size_t size, size_t *length);

#endif
