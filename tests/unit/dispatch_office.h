/*
 * dispatch_office: a world of dispatch_world whose one destination, "office", has an adapter with a
 * temper (adapter_tempers.c). What its retries are may be changed in the world's destination as
 * soon as it is there.
 */
#ifndef MUENGSTEN_TESTS_DISPATCH_OFFICE_H
#define MUENGSTEN_TESTS_DISPATCH_OFFICE_H

#include "tests/unit/dispatch_world.h"

#define OFFICE_ADAPTER "adapter_tempers"

/* Starts all, the adapter where it is said; dispatch has still to begin. */
void office_start(struct world *world, enum mg_isolation isolation, const char *adapter,
                  const char *temper);
/* Puts a message of that time with that many of its parts into the store, and wakes the lane. */
void office_accept(struct world *world, int64_t received, size_t parts);
/* Whether there is a message that has not ended yet. */
bool office_has_open(struct world *world);

#endif
