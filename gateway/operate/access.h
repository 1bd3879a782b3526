/*
 * access: who asks, and whether a browser was made to ask by somebody else; internal to the room.
 *
 * A page of another site that is open in an operator's browser must not act in the operator's name.
 * It could try by a name of its own for our address (DNS rebinding): so the name that is asked for
 * has to be ours. Or by simply sending an act across sites: so what the browser says about where a
 * request comes from (Origin, Sec-Fetch-Site) must not name another site, and only JSON is taken,
 * which no form can send.
 */
#ifndef MUENGSTEN_OPERATE_ACCESS_H
#define MUENGSTEN_OPERATE_ACCESS_H

#include "gateway/net/http.h"

#include <openssl/x509.h>
#include <stdbool.h>

/* Whether a Host header names this machine and nothing else: localhost or a loopback address, with
 * or without a port. Pure. */
bool mg_access_is_own_host(const char *host);

/* Whether a Host header names a machine by a name of its certificate, or by one of the others. */
bool mg_access_is_host_of(const char *host, X509 *certificate, const char *const *others,
                          size_t count);

/* Whether a browser sent this for a page of another site. scheme: "http" or "https". Pure. */
bool mg_access_is_cross_site(const struct mg_http_head *head, const char *scheme);

/* Whether a Content-Type is application/json, in UTF-8 if it says so. Pure. */
bool mg_access_is_json(const char *type);

#endif
