/*
 * gateway: the whole: threads, store, intake, adapters, dispatch, listeners, in the order in which
 * they lean on each other, and their end in the reverse order.
 */
#ifndef MUENGSTEN_GATEWAY_GATEWAY_H
#define MUENGSTEN_GATEWAY_GATEWAY_H

#include "gateway/config/config.h"
#include "gateway/dispatch/catalogue.h"
#include "gateway/dispatch/host.h"

/* Who asks for a reload from now on wants one, and does not want to end us: it is carried out once
 * the gateway runs. To be called before the configuration is read, which may take a while. On the
 * main thread, before any other thread exists. */
void mg_gateway_postpone_reload(void);

/* Runs the gateway with the configuration until SIGTERM or SIGINT has stopped it gracefully. False,
 * with the reason in the log, if it could not start. On the main thread, before any other thread
 * exists. */
bool mg_gateway_run(struct mg_config *config, struct mg_catalogue *catalogue);

#endif
