/*
 * amqp: messages to and from a broker that speaks AMQP 0-9-1, such as RabbitMQ. As a source it
 * consumes a queue, as a destination it publishes to an exchange with the broker's confirmation.
 *
 * librabbitmq blocks, so each instance has a thread of its own (adapters/common/courier) to which
 * the connection belongs. This header is shared by the adapter's own files only.
 */
#ifndef MUENGSTEN_ADAPTERS_AMQP_H
#define MUENGSTEN_ADAPTERS_AMQP_H

#include "adapters/common/broker.h"
#include "adapters/common/courier.h"

#include "muengsten/adapter.h"

/* An instance; source and destination embed it as first member. */
struct mg_amqp {
    const struct mg_gateway *gateway;
    struct mg_instance *instance;
    struct mg_broker broker;
    struct mg_courier *courier;
    void (*close)(struct mg_amqp *amqp); /* frees it */
};

/* Reads what both have in common. False after mg_gateway.fail. */
bool mg_amqp_read(const struct mg_gateway *gateway, struct mg_instance *instance,
                  struct mg_amqp *amqp);

/* The source's side (amqp_in.c). NULL after mg_gateway.fail. */
struct mg_amqp *mg_amqp_open_source(const struct mg_gateway *gateway, struct mg_instance *instance);

/* The destination's side (amqp_out.c). NULL after mg_gateway.fail. */
struct mg_amqp *mg_amqp_open_destination(const struct mg_gateway *gateway,
                                         struct mg_instance *instance);
void mg_amqp_deliver(struct mg_amqp *amqp, struct mg_delivery *delivery);
void mg_amqp_cancel(struct mg_amqp *amqp, struct mg_delivery *delivery);

#endif
