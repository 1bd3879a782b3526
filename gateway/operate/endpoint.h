/*
 * endpoint: one address at which operators look; internal to the room.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_OPERATE_ENDPOINT_H
#define MUENGSTEN_OPERATE_ENDPOINT_H

#include "gateway/base/buffer.h"
#include "gateway/base/error.h"

#include <event2/event.h>

struct mg_endpoint;

/* What there is to see. */
struct mg_endpoint_view {
    const char *path;
    const char *media_type;
    void (*write)(void *context, struct mg_buffer *buffer);
};

/* Listens at the address; views end with one without a path, and outlive the endpoint. */
struct mg_endpoint *mg_endpoint_new(struct event_base *base, const char *address,
                                    const struct mg_endpoint_view *views, void *context,
                                    struct mg_error *error);
const char *mg_endpoint_address(const struct mg_endpoint *endpoint);
int mg_endpoint_port(const struct mg_endpoint *endpoint);

/* Breaks what is left, at once. NULL is allowed. */
void mg_endpoint_free(struct mg_endpoint *endpoint);

#endif
