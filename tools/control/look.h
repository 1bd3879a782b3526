/*
 * look: how what the gateway shows of itself is put on a screen: for the commands status, top,
 * routes, destinations and certs. Pure: JSON in, text out.
 */
#ifndef MUENGSTEN_TOOLS_CONTROL_LOOK_H
#define MUENGSTEN_TOOLS_CONTROL_LOOK_H

#include "tools/control/screen.h"

#include <jansson.h>

/* Each adds its part of GET /status. */
void mg_look_health(const struct mg_screen *screen, const json_t *status, struct mg_buffer *text);
void mg_look_figures(const struct mg_screen *screen, const json_t *status, struct mg_buffer *text);
void mg_look_destinations(const struct mg_screen *screen, const json_t *status,
                          struct mg_buffer *text);
void mg_look_routes(const struct mg_screen *screen, const json_t *status, struct mg_buffer *text);
void mg_look_certificates(const struct mg_screen *screen, const json_t *status,
                          struct mg_buffer *text);

/* The colour of a state's name. */
enum mg_colour mg_look_colour(const char *state);

#endif
