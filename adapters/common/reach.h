/*
 * reach: a TCP connection that is made within a time, or given up as soon as the courier ends.
 *
 * For the courier's thread. Resolving a name may block as long as the system's resolver does.
 */
#ifndef MUENGSTEN_ADAPTERS_REACH_H
#define MUENGSTEN_ADAPTERS_REACH_H

#include "adapters/common/courier.h"

#include <stddef.h>

/* A connected, non-blocking socket that is closed on exec; -1 with the reason as the rest of a
 * sentence ("cannot be reached: connection refused"). */
int mg_reach(struct mg_courier *courier, const char *host, int port, int milliseconds, char *reason,
             size_t size);

#endif
