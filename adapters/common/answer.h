/*
 * answer: what adapters that serve HTTP have in common: finding a header field, and refusing.
 */
#ifndef MUENGSTEN_ADAPTERS_ANSWER_H
#define MUENGSTEN_ADAPTERS_ANSWER_H

#include "muengsten/adapter.h"

/* The value of the header field of that name, compared without case, or NULL. */
const char *mg_field_value(const struct mg_field *fields, size_t count, const char *name);

/* Whether the request prefers refusals in XML to problem details in JSON. */
bool mg_answer_wants_xml(const struct mg_request *request);

/* Answers with a refusal in that form (common/problem.h), with its status, and Retry-After where
 * waiting helps. The handle of the exchange ends. */
void mg_answer_refusal(const struct mg_gateway *gateway, struct mg_exchange *exchange,
                       bool wants_xml, const struct mg_refusal *refusal);

#endif
