/*
 * audit: the audit trail. What is accepted, delivered, collected or given up is written by the
 * store in the very commit that makes it so (lines.h); everything else is written here: refusals,
 * what operators do and look at, starts, stops and reloads. Each day is closed by a signature
 * (closing.h), and what is older than the configuration keeps it is deleted by whole days.
 *
 * Nobody can fill the trail. Of each partner and each operator at most MG_AUDIT_REFUSALS refusals a
 * minute are written, the rest is counted in one line; callers that nobody knows are counted, with
 * one line a minute that names the network of one of them. Looks at messages are written once a
 * minute for each caller and message, and nobody may look at more than MG_AUDIT_LOOKS in a minute:
 * none that was granted is left out.
 *
 * Only on the thread of the loop, but for mg_audit_refused, mg_audit_unknown_caller,
 * mg_audit_looked and mg_audit_act, which any thread may call.
 */
#ifndef MUENGSTEN_AUDIT_AUDIT_H
#define MUENGSTEN_AUDIT_AUDIT_H

#include "gateway/audit/lines.h"
#include "gateway/base/pool.h"
#include "gateway/config/config.h"
#include "gateway/store/store.h"

#define MG_AUDIT_REFUSALS 60
#define MG_AUDIT_LOOKS    300

struct mg_audit;

struct mg_audit_options {
    struct mg_store *store;
    struct mg_pool *background; /* for signatures, export and deletion; NULL: none of them */
};

struct mg_audit *mg_audit_new(const struct mg_audit_options *options);
/* The store is closed, and what it completed is told. NULL is allowed. */
void mg_audit_free(struct mg_audit *audit);

/* The configuration whose key signs, and that says how long entries are kept and where they are
 * exported to. Held. */
void mg_audit_apply(struct mg_audit *audit, struct mg_config *config);

/* To be called once a second or so: writes what was counted, closes days that are over, exports,
 * deletes. */
void mg_audit_tick(struct mg_audit *audit);
/* Writes what was counted, and begins nothing more in the background. */
void mg_audit_stop(struct mg_audit *audit);
/* Whether something runs in the background. */
bool mg_audit_is_busy(const struct mg_audit *audit);

/* A message was refused. partner: NULL if nobody knows the caller; uuid: the sender's, empty or
 * NULL if it was not read; peer: "192.0.2.1:4711", or NULL. */
void mg_audit_refused(struct mg_audit *audit, const char *partner, const char *source,
                      const char *uuid, const char *code, const char *peer);
/* A caller that nobody knows was turned away before there was a message. */
void mg_audit_unknown_caller(struct mg_audit *audit, const char *peer);

/* What an operator did, looked at, or was denied (act "denied": bounded as refusals are). done may
 * be NULL; otherwise it is called once, on the loop: ok is false, with the reason, if the line is
 * not on disk. For whatever must not happen unless it is written, wait for it. */
void mg_audit_act(struct mg_audit *audit, const struct mg_audit_act *act,
                  void (*done)(bool ok, const struct mg_error *error, void *context),
                  void *context);

/* A look at one message, which is written unless this minute has seen it already. False: these are
 * too many in this minute, and nothing may be shown. */
bool mg_audit_looked(struct mg_audit *audit, const struct mg_audit_act *act);

/* started, stopped, reloaded, reload-refused: configuration is its hash, or of a refused one NULL;
 * reason may be NULL. */
void mg_audit_gateway(struct mg_audit *audit, const char *act, const char *configuration,
                      const char *reason);

/* For the status. */
struct mg_audit_facts {
    int64_t entries;         /* number of the last one */
    char closed[11];         /* the last day that is closed, "2026-11-25"; empty: none */
    int64_t unknown_callers; /* since the start */
    const char *failing;     /* why entries are not written, closed or exported, or differ from what
                              * has left; NULL: all is well. The audit's. */
};
void mg_audit_facts(struct mg_audit *audit, struct mg_audit_facts *facts);

#endif
