/*
 * backups: POST /backup: the whole store as one file, made in the background while the gateway
 * works, and sent while it is read. One at a time. It holds every content, so it is for those
 * alone who may see contents or could read the store anyway, and is written to the audit trail
 * before the first byte leaves.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_OPERATE_BACKUPS_H
#define MUENGSTEN_OPERATE_BACKUPS_H

#include "gateway/audit/audit.h"
#include "gateway/base/pool.h"
#include "gateway/operate/ask.h"
#include "gateway/store/store.h"

struct mg_backups;

struct mg_backups_options {
    struct mg_store *store;
    struct mg_audit *audit;
    struct mg_pool *background;
};

struct mg_backups *mg_backups_new(const struct mg_backups_options *options);
/* What is underway ends; its job may still be done afterwards. NULL is allowed. */
void mg_backups_free(struct mg_backups *backups);

/* From now on none begins, and the one that is underway is broken off: before the background is
 * freed. */
void mg_backups_stop(struct mg_backups *backups);

/* POST /backup; the context is a struct mg_backups. */
void mg_backups_handle(struct mg_ask *ask, void *context);

#endif
