/*
 * hello: reads what a program says of itself, and judges it. Any thread.
 */
#ifndef MUENGSTEN_ISOLATION_HELLO_H
#define MUENGSTEN_ISOLATION_HELLO_H

#include "gateway/isolation/frames.h"

#include <muengsten/adapter.h>

#define MG_PROTOCOL         1
#define MG_STANDARD_CONTENT (64U * 1024 * 1024)

/* A description that owns what it points to. */
struct mg_hello {
    struct mg_adapter adapter; /* first */
    struct mg_parameter *parameters;
    json_t *header;
};

/* Begins and fills the gateway's hello, without its end. */
void mg_hello_write(struct mg_frame_writer *writer, struct mg_buffer *buffer, size_t content);
void mg_hello_fill(struct mg_frame_writer *writer, size_t content);

/* Reads a hello of the adapter of that name. Keeps the frame's header alive. NULL with the reason:
 * adapter.malformed or adapter.frame. */
struct mg_hello *mg_hello_read(struct mg_frame *frame, const char *name, struct mg_error *error);
void mg_hello_free(struct mg_hello *hello);

#endif
