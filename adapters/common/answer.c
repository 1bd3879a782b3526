#include "adapters/common/answer.h"

#include "adapters/common/accept.h"
#include "adapters/common/problem.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

const char *mg_field_value(const struct mg_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(fields[i].name, name) == 0)
            return fields[i].value;
    return NULL;
}

bool mg_answer_wants_xml(const struct mg_request *request)
{
    return mg_accept_prefers_xml(mg_field_value(request->fields, request->field_count, "Accept"));
}

void mg_answer_refusal(const struct mg_gateway *gateway, struct mg_exchange *exchange,
                       bool wants_xml, const struct mg_refusal *refusal)
{
    struct mg_text body = {0};
    char seconds[24];
    struct mg_field fields[2] = {
        {"Content-Type", wants_xml ? MG_PROBLEM_XML : MG_PROBLEM_JSON},
        {"Retry-After", seconds},
    };
    if (wants_xml)
        mg_problem_xml(refusal, &body);
    else
        mg_problem_json(refusal, &body);
    snprintf(seconds, sizeof seconds, "%" PRId64, refusal->retry_after);
    gateway->exchange_answer(exchange, refusal->status, fields, refusal->retry_after > 0 ? 2 : 1,
                             body.bytes, body.length);
    mg_text_free(&body);
}
