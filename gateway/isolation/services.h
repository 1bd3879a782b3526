/*
 * services: the timers, watches and work functions of an adapter, which include/muengsten/adapter.h
 * promises, made of libevent and a pool. Both who host adapters offer them: the gateway
 * (gateway/dispatch) and muengsten-adapter-host.
 *
 * The services of an instance own its timers and watches, and end them with it; filled with zeros
 * they have none. Thread of the loop, but for work functions, which run in the pool. Nothing fails
 * but work, when the pool is full.
 */
#ifndef MUENGSTEN_ISOLATION_SERVICES_H
#define MUENGSTEN_ISOLATION_SERVICES_H

#include "gateway/base/pool.h"

#include <event2/event.h>
#include <muengsten/adapter.h>

struct mg_services {
    struct mg_timer *timers;
    struct mg_watch *watches;
};

/* Runs once, after so many milliseconds, and is then gone by itself. */
struct mg_timer *mg_services_timer(struct mg_services *services, struct event_base *base,
                                   int64_t milliseconds, void (*run)(void *context), void *context);
void mg_services_end_timer(struct mg_timer *timer);

/* Runs as often as the descriptor, which stays the caller's, can be read. */
struct mg_watch *mg_services_watch(struct mg_services *services, struct event_base *base,
                                   int descriptor, void (*ready)(void *context), void *context);
void mg_services_end_watch(struct mg_watch *watch);

/* Ends all timers and watches that are left. */
void mg_services_end(struct mg_services *services);

/* Work of an instance, which has to stay until ended is called: after done, once for each work
 * that was begun. False, and nothing is called, if the pool is full. */
bool mg_services_work(struct mg_pool *pool, struct mg_instance *instance,
                      void (*ended)(struct mg_instance *instance), void (*work)(void *context),
                      void (*done)(void *context), void *context);

#endif
