/*
 * notify: tells the service manager what the gateway does, by the datagrams of sd_notify(3): that
 * it takes messages, reads its configuration anew, stops, and, as often as the manager wants to
 * hear it, that its loop still turns.
 *
 * Without a service manager (no NOTIFY_SOCKET in the environment) nothing is said, and nothing else
 * is different. What the manager has no room for at the moment is said a little later, so the loop
 * never waits for it; a newer state takes the place of one that was not said yet.
 *
 * Only on the thread of the loop.
 */
#ifndef MUENGSTEN_GATEWAY_NOTIFY_H
#define MUENGSTEN_GATEWAY_NOTIFY_H

#include <event2/event.h>

struct mg_notify;

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no program
 * that is started later speaks for the gateway; therefore before there is a second thread. An
 * address that cannot be used is told in the log, and then nothing is said. */
struct mg_notify *mg_notify_new(struct event_base *base);
/* What was not said is forgotten. NULL is allowed. */
void mg_notify_free(struct mg_notify *notify);

/* The gateway takes messages: at the start, and when a reload has ended. The status is one sentence
 * for people; of a long one the manager gets the beginning. */
void mg_notify_ready(struct mg_notify *notify, const char *status);
/* It still takes messages, but reads its configuration anew; mg_notify_ready follows. */
void mg_notify_reloading(struct mg_notify *notify);
/* It takes no more, and ends what it has begun. */
void mg_notify_stopping(struct mg_notify *notify);

#endif
