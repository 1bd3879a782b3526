/*
 * client: asks the gateway by its control socket: HTTP/1.1, one exchange for each connection.
 * Blocks; one thread.
 */
#ifndef MUENGSTEN_TOOLS_CONTROL_CLIENT_H
#define MUENGSTEN_TOOLS_CONTROL_CLIENT_H

#include "tools/control/control.h"

struct mg_client_request {
    const char *socket;
    const char *method;
    const char *target; /* path and query, encoded */
    const json_t *body; /* of a POST; NULL: none */
    int patience;       /* seconds without a byte after which it is given up */
    /* Gets the body of a good answer piece by piece; false ends the exchange with the error that it
     * has filled. NULL: it is kept, and read as JSON. */
    bool (*take)(const void *bytes, size_t length, void *context, struct mg_error *error);
    void *context;
};

/* Carries out the exchange. Returns MG_CONTROL_DONE if the gateway did what it was asked, with its
 * JSON in *answer (the caller's reference; NULL if take had it). Otherwise the error is filled, and
 * the exit status says of what kind it is; *answer then has what the gateway said of it, or NULL.
 * Codes: the gateway's, control.unreachable, control.forbidden, control.broken. */
int mg_client_ask(const struct mg_client_request *request, json_t **answer, struct mg_error *error);

/* The exchange that most commands need: a GET of that path. */
int mg_client_get(const struct mg_control *control, const char *target, json_t **answer,
                  struct mg_error *error);
/* A POST of that path with a body, whose reference it takes. */
int mg_client_post(const struct mg_control *control, const char *target, json_t *body,
                   json_t **answer, struct mg_error *error);

/* Adds a text as it has to look in a path or query (RFC 3986). */
void mg_client_encode(struct mg_buffer *target, const char *text);
/* Adds NAME=VALUE with ? or & before it; nothing if the value is NULL. */
void mg_client_parameter(struct mg_buffer *target, const char *name, const char *value);

#endif
