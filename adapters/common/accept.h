/*
 * accept: which of two forms a client wants a refusal in (RFC 9110, section 12.5.1). Pure.
 */
#ifndef MUENGSTEN_ADAPTERS_ACCEPT_H
#define MUENGSTEN_ADAPTERS_ACCEPT_H

#include <stdbool.h>

/* True if the value of an Accept field, which may be NULL, prefers XML to problem details in JSON.
 * Where both have the same weight, the one that is named wins over the one that a wildcard admits,
 * and JSON otherwise: it is what RFC 9457 makes the norm. */
bool mg_accept_prefers_xml(const char *accept);

#endif
