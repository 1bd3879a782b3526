/*
 * quota: how much each partner may bring in at a time. Only on the thread of the loop.
 *
 * Two bounds: messages a minute, as a bucket that refills evenly and holds a tenth of a minute's
 * messages (at least ten), and messages underway at once. Counted by the partner's name, so that a
 * reload forgets nothing.
 */
#ifndef MUENGSTEN_INTAKE_QUOTA_H
#define MUENGSTEN_INTAKE_QUOTA_H

#include "gateway/config/config.h"

struct mg_quota; /* of all partners */

struct mg_quota *mg_quota_new(void);
void mg_quota_free(struct mg_quota *quota);

/* Takes one message of the partner in. False: quota.exceeded. */
bool mg_quota_enter(struct mg_quota *quota, const struct mg_config_partner *partner,
                    struct mg_error *error);
/* A message that was taken in is no longer underway. */
void mg_quota_leave(struct mg_quota *quota, const struct mg_config_partner *partner);

#endif
