#include "adapters/amqp/amqp.h"

static const struct mg_broker_scheme scheme = {.name = "amqp", .port = 5672, .secure_port = 5671};

bool mg_amqp_read(const struct mg_gateway *gateway, struct mg_instance *instance,
                  struct mg_amqp *amqp)
{
    *amqp = (struct mg_amqp){.gateway = gateway, .instance = instance};
    if (!mg_broker_read(gateway, instance, &scheme, &amqp->broker))
        return false;
    if (amqp->broker.user || amqp->broker.tls.certificate)
        return true;
    gateway->fail(instance, "amqp.parameter",
                  "The broker wants to know who comes: name user and password-file, or certificate "
                  "and key to log in with the certificate (SASL EXTERNAL).");
    mg_broker_free(&amqp->broker);
    return false;
}

static void *amqp_open(const struct mg_gateway *gateway, struct mg_instance *instance,
                       const struct mg_instance_facts *facts)
{
    return facts->is_source ? mg_amqp_open_source(gateway, instance)
                            : mg_amqp_open_destination(gateway, instance);
}

static void amqp_close(void *state)
{
    struct mg_amqp *amqp = state;
    amqp->close(amqp);
}

static void amqp_deliver(void *state, struct mg_delivery *delivery)
{
    mg_amqp_deliver(state, delivery);
}

static void amqp_cancel(void *state, struct mg_delivery *delivery)
{
    mg_amqp_cancel(state, delivery);
}

static const struct mg_parameter parameters[] = {
    MG_BROKER_PARAMETERS("amqps://broker.example:5671/virtual-host"),
    {.name = "exchange",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_DESTINATION,
     .standard = "",
     .description = "The exchange that messages are published to; without one, routing-key names "
                    "the queue."},
    {.name = "routing-key",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_DESTINATION,
     .standard = "",
     .description = "The routing key that messages are published with."},
    {.name = "queue",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_SOURCE,
     .required = true,
     .description = "The queue that is consumed; it has to be there."},
    {.name = "simultaneous",
     .kind = MG_PARAMETER_NUMBER,
     .use = MG_USED_BY_SOURCE,
     .standard = "16",
     .smallest = 1,
     .largest = 64,
     .description = "How many messages the broker hands over before one is acknowledged."},
};

static const struct mg_adapter adapter = {
    .size = sizeof adapter,
    .abi = MG_ADAPTER_ABI,
    .name = "amqp",
    .version = "1",
    .abilities = MG_CAN_BRING | MG_CAN_TAKE,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .open = amqp_open,
    .close = amqp_close,
    .deliver = amqp_deliver,
    .cancel = amqp_cancel,
};

const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi)
{
    return gateway_abi >= MG_ADAPTER_ABI ? &adapter : NULL;
}
