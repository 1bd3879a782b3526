/*
 * text: makes texts of adapters fit to be shown. Pure, any thread.
 *
 * They may come from another process, or be cut in the middle of a character: whatever is not text
 * in UTF-8 becomes U+FFFD, and what is longer than MG_SHOWN_TEXT bytes is cut.
 */
#ifndef MUENGSTEN_BASE_TEXT_H
#define MUENGSTEN_BASE_TEXT_H

#include "gateway/base/buffer.h"

#define MG_SHOWN_TEXT 1024

/* Whether the text can be shown as it is; its length is told. Most can, and cost no copy then. */
bool mg_shown_as_it_is(const char *text, size_t *length);

/* Adds the text, without control characters but line ends; NULL is empty. */
void mg_shown_text(struct mg_buffer *buffer, const char *text);

#endif
