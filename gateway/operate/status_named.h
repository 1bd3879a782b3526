/*
 * status_named: the part of the status about what the configuration names besides destinations and
 * sources: places, partners, routes, listeners, certificates and revocation lists; internal to the
 * room. Pure.
 */
#ifndef MUENGSTEN_OPERATE_STATUS_NAMED_H
#define MUENGSTEN_OPERATE_STATUS_NAMED_H

#include "gateway/base/json.h"
#include "gateway/operate/overview.h"

void mg_status_write_named(struct mg_json *json, const struct mg_overview *overview);

#endif
