/*
 * text: bytes that grow at the end, for what the adapters write: answers, reasons, heads of parts.
 *
 * The adapters lean on nothing of the gateway but muengsten/adapter.h, so they bring the little
 * they need themselves. A struct mg_text filled with zeros is empty; the bytes always end with a
 * NUL that does not count. A text belongs to whoever declared it. Nothing here fails: without
 * memory the process ends, as the gateway's own does, because what has a receipt is on disk.
 */
#ifndef MUENGSTEN_ADAPTERS_TEXT_H
#define MUENGSTEN_ADAPTERS_TEXT_H

#include <stddef.h>

struct mg_text {
    char *bytes; /* NULL while empty */
    size_t length;
    size_t capacity;
};

/* Zeroed memory; freed with free(). Never NULL. */
void *mg_text_allocate(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* A copy; freed with free(). NULL stays NULL. */
char *mg_text_copy(const char *text);

void mg_text_add(struct mg_text *text, const void *bytes, size_t length);
void mg_text_print(struct mg_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds a value with what XML, respectively a JSON string, needs escaped. What is no UTF-8 becomes
 * U+FFFD, what XML does not admit likewise: values may come from file names, which are any bytes.
 */
void mg_text_add_xml(struct mg_text *text, const char *value);
void mg_text_add_json(struct mg_text *text, const char *value);

void mg_text_free(struct mg_text *text);

#endif
