#include "gateway/audit/trail.h"

void mg_audit_start_upkeep(struct mg_audit *audit)
{
    (void)audit;
}

void mg_audit_do_upkeep(struct mg_audit *audit)
{
    (void)audit;
}

void mg_audit_free_upkeep(struct mg_audit *audit)
{
    (void)audit;
}

bool mg_audit_is_busy(const struct mg_audit *audit)
{
    (void)audit;
    return false;
}

void mg_audit_facts(const struct mg_audit *audit, struct mg_audit_facts *facts)
{
    *facts = (struct mg_audit_facts){.entries = mg_store_journal_last(audit->options.store),
                                     .unknown_callers = audit->unknown.all};
}
