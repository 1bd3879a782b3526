/*
 * deadline: a moment by which something has to have happened, cheap to postpone.
 *
 * A busy connection postpones its deadline with every byte. Setting a later deadline only notes it:
 * the timer underneath fires at the earlier moment, sees that it is not yet time, and is armed
 * again. So the timers of libevent are touched once in each period, not once for each byte.
 */
#ifndef MUENGSTEN_NET_DEADLINE_H
#define MUENGSTEN_NET_DEADLINE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdint.h>

struct mg_deadline {
    struct event timer;
    int64_t due;   /* 0: none */
    int64_t armed; /* when the timer fires; 0: it does not */
    void (*passed)(void *context);
    void *context;
};

/* Milliseconds since some moment in the past. */
int64_t mg_net_now(void);

void mg_deadline_begin(struct mg_deadline *deadline, struct event_base *base,
                       void (*passed)(void *context), void *context);
/* passed is called once at the moment; 0: not at all. */
void mg_deadline_set(struct mg_deadline *deadline, int64_t moment);
void mg_deadline_end(struct mg_deadline *deadline);

#endif
