/*
 * The adapter null: takes every message and does nothing with it. For tests and the bench, which
 * measure with it what everything but an adapter costs; it is not installed.
 */
#include <muengsten/adapter.h>

struct null {
    const struct mg_gateway *gateway;
};

static void *open_instance(const struct mg_gateway *gateway, struct mg_instance *instance,
                           const struct mg_instance_facts *facts)
{
    static struct null null;
    (void)instance, (void)facts;
    null.gateway = gateway;
    return &null;
}

static void close_instance(void *state)
{
    (void)state;
}

static void deliver(void *state, struct mg_delivery *delivery)
{
    static const struct mg_outcome outcome = {.size = sizeof outcome, .kind = MG_DELIVERED};
    const struct null *null = state;
    null->gateway->delivery_done(delivery, &outcome);
}

static const struct mg_adapter adapter = {
    .size = sizeof adapter,
    .abi = MG_ADAPTER_ABI,
    .name = "null",
    .version = "1",
    .abilities = MG_CAN_TAKE,
    .open = open_instance,
    .close = close_instance,
    .deliver = deliver,
};

const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi)
{
    return gateway_abi >= MG_ADAPTER_ABI ? &adapter : NULL;
}
