#include "adapters/mailbox/mailbox.h"

#include "adapters/common/text.h"

#include <stdlib.h>

static void mailbox_close(void *state)
{
    struct mg_mailbox *mailbox = state;
    free(mailbox->messages);
    free(mailbox);
}

static void count(struct mg_mailbox *mailbox)
{
    const struct mg_gateway *gateway = mailbox->gateway;
    struct mg_instance *instance = mailbox->instance;
    mailbox->fetched = gateway->counter(instance, "fetched", "Messages handed to readers.");
    mailbox->acknowledged =
        gateway->counter(instance, "acknowledged", "Acknowledgements of readers.");
    mailbox->returned = gateway->counter(instance, "returned", "Messages that readers gave back.");
    mailbox->lost = gateway->counter(
        instance, "too_late", "Acknowledgements that came when somebody else had the message.");
}

static void *mailbox_open(const struct mg_gateway *gateway, struct mg_instance *instance,
                          const struct mg_instance_facts *facts)
{
    struct mg_mailbox *mailbox = mg_text_allocate(1, sizeof *mailbox);
    mailbox->gateway = gateway;
    mailbox->instance = instance;
    mailbox->lease = gateway->parameter_number(instance, "lease");
    mailbox->longest_lease = gateway->parameter_number(instance, "longest-lease");
    if (mailbox->lease > mailbox->longest_lease) {
        gateway->fail(instance, "mailbox.lease",
                      "lease is longer than longest-lease: shorten the one or lengthen the other.");
    } else if (mg_mailbox_serve(mailbox, facts->prefix)) {
        count(mailbox);
        return mailbox;
    }
    mailbox_close(mailbox);
    return NULL;
}

/* A week: whoever needs longer has forgotten the message. */
#define LONGEST (7 * 24 * 60 * 60)

static const struct mg_parameter parameters[] = {
    {.name = "path",
     .kind = MG_PARAMETER_TEXT,
     .use = MG_USED_BY_DESTINATION,
     .description = "The path of the box, such as /mailboxes/archive; without it, a slash and the "
                    "name of the destination."},
    {.name = "lease",
     .kind = MG_PARAMETER_SECONDS,
     .use = MG_USED_BY_DESTINATION,
     .standard = "300",
     .smallest = 1,
     .largest = LONGEST,
     .description = "After so many seconds a message that was fetched and not acknowledged comes "
                    "back, unless its reader asked for another time."},
    {.name = "longest-lease",
     .kind = MG_PARAMETER_SECONDS,
     .use = MG_USED_BY_DESTINATION,
     .standard = "86400",
     .smallest = 1,
     .largest = LONGEST,
     .description = "The most seconds that a reader may ask for."},
};

static const struct mg_adapter adapter = {
    .size = sizeof adapter,
    .abi = MG_ADAPTER_ABI,
    .name = "mailbox",
    .version = "1",
    .abilities = MG_CAN_TAKE | MG_IS_COLLECTED,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .open = mailbox_open,
    .close = mailbox_close,
};

/* Needs the calls of box_…, which came with version 2. */
const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi)
{
    return gateway_abi >= 2 ? &adapter : NULL;
}
