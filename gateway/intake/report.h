/*
 * report: the signed report on a message that was accepted before, for the partner who handed it
 * in.
 */
#ifndef MUENGSTEN_INTAKE_REPORT_H
#define MUENGSTEN_INTAKE_REPORT_H

#include "gateway/base/pool.h"
#include "gateway/config/config.h"
#include "gateway/store/store.h"

struct mg_report_result {
    const char *document; /* NULL if refused */
    size_t length;
    const struct mg_error *refusal; /* NULL if made */
};

struct mg_report_request {
    struct mg_config *config; /* the report takes a reference of its own */
    struct mg_store *store;
    struct mg_pool *workers;
    const struct mg_config_partner *partner; /* who asks; NULL: nobody we know */
    const char *id;                          /* of the message, as text from outside */
};

/* Makes a report on a worker; tell is called once, on the loop, perhaps before this returns.
 * Refusals: partner.unknown, message.unknown (also for the message of another partner: whether it
 * exists is nobody else's business), store.failed, gateway.overloaded. On the thread of the loop.
 */
void mg_report_make(const struct mg_report_request *request,
                    void (*tell)(const struct mg_report_result *result, void *context),
                    void *context);

#endif
