/*
 * health: judges an overview: what an operator has to know of, each with a stable code, before it
 * breaks where that can be foreseen. docs/operations.md says what to do about each. Pure.
 *
 *   destination.down          its adapter says that it cannot deliver
 *   destination.blocked       ordered, and a dead message stands before the next
 *   destination.paused        the configuration, or an operator, pauses it
 *   destination.removed       not configured any more, and something still waits for it
 *   destination.dead-letters  deliveries were given up, and nobody has decided about them
 *   destination.held          held since a restore, and nobody has decided about them
 *   destination.backlog       the oldest message waits for long; critical: it will soon be given up
 *   breaker.open              deliveries fail one after the other
 *   source.down               its adapter says that nothing can come in
 *   adapter.restarted         its process has ended, and was started again, a short time ago
 *   certificate.expiring, certificate.expired, certificate.not-yet-valid
 *   revocation.expiring, revocation.stale
 *   store.space, store.reserve, store.failed, store.slow
 *   audit.failing             the trail is not written, closed or exported, or is not what has left
 *   reload.refused            the last configuration had mistakes; the former one is in force
 *   seal.unannounced          since a start another certificate seals, which was not announced
 *   gateway.stopping
 */
#ifndef MUENGSTEN_OPERATE_HEALTH_H
#define MUENGSTEN_OPERATE_HEALTH_H

#include "gateway/operate/overview.h"

/* Days before the end of a certificate: renewal takes weeks where authorities issue it. */
#define MG_HEALTH_CERTIFICATE_WARNING  30
#define MG_HEALTH_CERTIFICATE_CRITICAL 7

/* Fills in the reasons, the worst first. */
void mg_health_judge(struct mg_overview *overview);

/* "ok", "warning" or "critical". */
const char *mg_health_state(const struct mg_overview *overview);

/* Every kind of reason that there can be. */
struct mg_health_kind {
    const char *code;
    bool critical;
};
extern const struct mg_health_kind mg_health_kinds[];
extern const size_t mg_health_kind_count;

/* The age in milliseconds from which the oldest message that waits there is a reason. */
int64_t mg_health_bearable_age(const struct mg_config_destination *values, bool collected);

/* Whole days from now to that moment; negative once it has passed. */
int64_t mg_health_days_left(int64_t moment, int64_t now);

/* When operators are to be warned of a revocation list: a quarter of its life before its end, and a
 * day at most. */
int64_t mg_health_list_warning(const struct mg_list_facts *list);

#endif
