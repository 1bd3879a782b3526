#include "adapters/rest/rest.h"

#include "adapters/common/text.h"

#include <assert.h>
#include <stdlib.h>

static void *rest_open(const struct mg_gateway *gateway, struct mg_instance *instance,
                       const struct mg_instance_facts *facts)
{
    struct mg_rest *rest = mg_text_allocate(1, sizeof *rest);
    rest->gateway = gateway;
    rest->instance = instance;
    if (facts->is_destination) {
        rest->url = gateway->parameter_text(instance, "url");
        if (gateway->parameter_boolean(instance, "replies"))
            rest->reply_size = (size_t)gateway->parameter_number(instance, "reply-size");
    }
    if (facts->is_source && !mg_rest_open_source(rest)) {
        free(rest);
        rest = NULL;
    }
    return rest;
}

static void rest_close(void *state)
{
    struct mg_rest *rest = state;
    assert(!rest->underway);
    free(rest);
}

static const struct mg_parameter parameters[] = {
    {.name = "path",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_SOURCE,
     .standard = "/messages",
     .description = "The path that messages are posted to; reports stand below it."},
    {.name = "url",
     .kind = MG_PARAMETER_URL,
     .use = MG_USED_BY_DESTINATION,
     .required = true,
     .description = "The address that sealed messages are posted to."},
    {.name = "replies",
     .kind = MG_PARAMETER_BOOLEAN,
     .use = MG_USED_BY_DESTINATION,
     .standard = "false",
     .description = "Whether what the system answers with status 200 is a message of its own."},
    {.name = "reply-size",
     .kind = MG_PARAMETER_NUMBER,
     .use = MG_USED_BY_DESTINATION,
     .standard = "16777216",
     .smallest = 1,
     .largest = 1073741824,
     .description = "The largest reply, in bytes."},
};

static const struct mg_adapter adapter = {
    .size = sizeof adapter,
    .abi = MG_ADAPTER_ABI,
    .name = "rest",
    .version = "1",
    .abilities = MG_CAN_BRING | MG_CAN_TAKE | MG_NEEDS_LISTENER,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .open = rest_open,
    .close = rest_close,
    .deliver = mg_rest_deliver,
    .cancel = mg_rest_cancel,
};

const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi)
{
    return gateway_abi >= MG_ADAPTER_ABI ? &adapter : NULL;
}
