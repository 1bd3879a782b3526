/*
 * rest: XML messages over HTTP. As a source it serves POST PATH and GET PATH/ID on a listener; as a
 * destination it posts the sealed message to a URL with the gateway's identity.
 *
 * This header is shared by the adapter's own files only. Everything runs on the loop's thread.
 */
#ifndef MUENGSTEN_ADAPTERS_REST_H
#define MUENGSTEN_ADAPTERS_REST_H

#include "muengsten/adapter.h"

struct mg_rest_delivery;

/* An instance. */
struct mg_rest {
    const struct mg_gateway *gateway;
    struct mg_instance *instance;
    const char *path;                  /* of a source, such as "/messages" */
    const char *url;                   /* of a destination */
    size_t reply_size;                 /* bytes of a reply at most; 0: answers are no replies */
    struct mg_rest_delivery *underway; /* deliveries that wait for their answer */
};

/* The source's side (rest_in.c): sets up the routes. */
bool mg_rest_open_source(struct mg_rest *rest);

/* The destination's side (rest_out.c). */
void mg_rest_deliver(void *state, struct mg_delivery *delivery);
void mg_rest_cancel(void *state, struct mg_delivery *delivery);

#endif
