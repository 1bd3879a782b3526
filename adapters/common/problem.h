/*
 * problem: a refusal written down for its sender: as problem details (RFC 9457) or as a short XML.
 *
 * Both say the same: code (stable, for programs), title and text (for people), place in the
 * document, the sender's message UUID as far as it was read. Pure.
 */
#ifndef MUENGSTEN_ADAPTERS_PROBLEM_H
#define MUENGSTEN_ADAPTERS_PROBLEM_H

#include "adapters/common/text.h"

#include "muengsten/adapter.h"

#define MG_PROBLEM_JSON "application/problem+json"
#define MG_PROBLEM_XML  "application/xml"

/* A refusal that waiting may lift is no judgement on the message: too much to do (429), or trouble
 * of the gateway's own. */
bool mg_problem_may_pass(const struct mg_refusal *refusal);

void mg_problem_json(const struct mg_refusal *refusal, struct mg_text *text);
void mg_problem_xml(const struct mg_refusal *refusal, struct mg_text *text);

#endif
