/*
 * mqtt: messages to and from a broker that speaks MQTT 5, such as Mosquitto: for the sensors and
 * utilities of a city. As a source it subscribes to topics, as a destination it publishes to one.
 *
 * Each instance has a thread of its own (adapters/common/courier), to which the connection belongs.
 * This header is shared by the adapter's own files only.
 */
#ifndef MUENGSTEN_ADAPTERS_MQTT_H
#define MUENGSTEN_ADAPTERS_MQTT_H

#include "adapters/common/broker.h"
#include "adapters/common/courier.h"

#include "muengsten/adapter.h"

/* An instance; source and destination embed it as first member. */
struct mg_mqtt {
    const struct mg_gateway *gateway;
    struct mg_instance *instance;
    struct mg_broker broker;
    char *client_id;
    struct mg_courier *courier;
    void (*close)(struct mg_mqtt *mqtt); /* frees it */
};

/* What both have in common. False after mg_gateway.fail. */
bool mg_mqtt_read(const struct mg_gateway *gateway, struct mg_instance *instance,
                  const struct mg_instance_facts *facts, struct mg_mqtt *mqtt);
void mg_mqtt_free(struct mg_mqtt *mqtt);

/* The source's side (mqtt_in.c). NULL after mg_gateway.fail. */
struct mg_mqtt *mg_mqtt_open_source(const struct mg_gateway *gateway, struct mg_instance *instance,
                                    const struct mg_instance_facts *facts);

/* The destination's side (mqtt_out.c). NULL after mg_gateway.fail. */
struct mg_mqtt *mg_mqtt_open_destination(const struct mg_gateway *gateway,
                                         struct mg_instance *instance,
                                         const struct mg_instance_facts *facts);
void mg_mqtt_deliver(struct mg_mqtt *mqtt, struct mg_delivery *delivery);
void mg_mqtt_cancel(struct mg_mqtt *mqtt, struct mg_delivery *delivery);

#endif
