/*
 * An adapter for the tests of boxes, loaded as any other: it does nothing, and lets the test itself
 * ask the gateway in its name.
 */
#include <muengsten/adapter.h>

#include <stddef.h>

const struct mg_gateway *boxes_gateway;
struct mg_instance *boxes_instance; /* NULL: closed */

static void *boxes_open(const struct mg_gateway *gateway, struct mg_instance *instance,
                        const struct mg_instance_facts *facts)
{
    boxes_gateway = gateway;
    boxes_instance = instance;
    return facts->prefix && facts->partner ? &boxes_instance : NULL;
}

static void boxes_close(void *state)
{
    (void)state;
    boxes_instance = NULL;
}

static const struct mg_adapter adapter = {
    .size = sizeof adapter,
    .abi = MG_ADAPTER_ABI,
    .name = "adapter_boxes",
    .version = "1",
    .abilities = MG_CAN_TAKE | MG_IS_COLLECTED,
    .open = boxes_open,
    .close = boxes_close,
};

const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi)
{
    return gateway_abi >= 2 ? &adapter : NULL;
}
