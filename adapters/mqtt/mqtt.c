#include "adapters/mqtt/mqtt.h"

#include "adapters/common/text.h"

#include <mosquitto.h>
#include <stdlib.h>
#include <string.h>

static const struct mg_broker_scheme scheme = {.name = "mqtt", .port = 1883, .secure_port = 8883};

bool mg_mqtt_read(const struct mg_gateway *gateway, struct mg_instance *instance,
                  const struct mg_instance_facts *facts, struct mg_mqtt *mqtt)
{
    const char *client_id = gateway->parameter_text(instance, "client-id");
    *mqtt = (struct mg_mqtt){.gateway = gateway, .instance = instance};
    if (!mg_broker_read(gateway, instance, &scheme, &mqtt->broker))
        return false;
    struct mg_text text = {0};
    mg_text_print(&text, "%s%s", client_id ? "" : "muengsten-",
                  client_id ? client_id : facts->name);
    mqtt->client_id = text.bytes;
    if (mqtt->broker.path || !*mqtt->client_id || strlen(mqtt->client_id) > 1024) {
        gateway->fail(instance, "mqtt.parameter",
                      mqtt->broker.path ? "The url of an MQTT broker has no path."
                                        : "client-id has 1 to 1024 bytes.");
        mg_mqtt_free(mqtt);
        return false;
    }
    /* Not undone by mosquitto_lib_cleanup: that takes OpenSSL's configuration from the whole
     * process, whose gateway goes on to use it. */
    mosquitto_lib_init();
    return true;
}

void mg_mqtt_free(struct mg_mqtt *mqtt)
{
    mg_broker_free(&mqtt->broker);
    free(mqtt->client_id);
}

static void *mqtt_open(const struct mg_gateway *gateway, struct mg_instance *instance,
                       const struct mg_instance_facts *facts)
{
    return facts->is_source ? mg_mqtt_open_source(gateway, instance, facts)
                            : mg_mqtt_open_destination(gateway, instance, facts);
}

static void mqtt_close(void *state)
{
    struct mg_mqtt *mqtt = state;
    mqtt->close(mqtt);
}

static void mqtt_deliver(void *state, struct mg_delivery *delivery)
{
    mg_mqtt_deliver(state, delivery);
}

static void mqtt_cancel(void *state, struct mg_delivery *delivery)
{
    mg_mqtt_cancel(state, delivery);
}

static const struct mg_parameter parameters[] = {
    MG_BROKER_PARAMETERS("mqtts://broker.example:8883"),
    {.name = "client-id",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_BOTH,
     .description = "The name by which the broker knows the session, which nobody else may use; "
                    "muengsten- and the instance's name if it is not given."},
    {.name = "topics",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_SOURCE,
     .required = true,
     .description =
         "The topics that are subscribed to, with spaces between them; + and # stand for "
         "levels."},
    {.name = "remember",
     .kind = MG_PARAMETER_SECONDS,
     .use = MG_USED_BY_SOURCE,
     .standard = "604800",
     .smallest = 60,
     .largest = 4294967294,
     .description = "How many seconds the broker keeps messages while the gateway is away."},
    {.name = "largest",
     .kind = MG_PARAMETER_NUMBER,
     .use = MG_USED_BY_SOURCE,
     .standard = "33554432",
     .smallest = 1024,
     .largest = 268435455,
     .description =
         "Bytes of a packet above which the broker shall send none, and throws it away."},
    {.name = "simultaneous",
     .kind = MG_PARAMETER_NUMBER,
     .use = MG_USED_BY_SOURCE,
     .standard = "16",
     .smallest = 1,
     .largest = 64,
     .description = "How many messages the broker hands over before one is acknowledged."},
    {.name = "topic",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_DESTINATION,
     .required = true,
     .description = "The topic that messages are published to."},
    {.name = "qos",
     .kind = MG_PARAMETER_NUMBER,
     .use = MG_USED_BY_BOTH,
     .standard = "1",
     .smallest = 1,
     .largest = 2,
     .description = "Quality of service: 1 or 2. A source takes with 1 either way, and the gateway "
                    "sees to it that no message counts twice."},
};

static const struct mg_adapter adapter = {
    .size = sizeof adapter,
    .abi = MG_ADAPTER_ABI,
    .name = "mqtt",
    .version = "1",
    .abilities = MG_CAN_BRING | MG_CAN_TAKE,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .open = mqtt_open,
    .close = mqtt_close,
    .deliver = mqtt_deliver,
    .cancel = mqtt_cancel,
};

const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi)
{
    return gateway_abi >= MG_ADAPTER_ABI ? &adapter : NULL;
}
