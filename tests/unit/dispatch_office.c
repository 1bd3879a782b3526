#include "tests/unit/dispatch_office.h"

void office_start(struct world *world, enum mg_isolation isolation, const char *adapter,
                  const char *temper)
{
    static struct mg_config_parameter own;
    own = (struct mg_config_parameter){"temper", temper};
    const struct mg_config_destination destination = {
        .name = "office",
        .adapter = adapter,
        .process = {.isolation = isolation},
        .seal = MG_SEAL_DETACHED,
        .concurrency = 4,
        .timeout = 20000,
        .retry = {.first = 10,
                  .longest = 20,
                  .factor = 2,
                  .give_up = 60000,
                  .breaker = 1000,
                  .breaker_time = 100},
        .parameters = &own,
        .parameter_count = 1,
    };
    world_start(world, &destination, 1000);
    world_make_dispatch(world);
}

void office_accept(struct world *world, int64_t received, size_t parts)
{
    world_accept(world, received, parts);
    mg_dispatch_wake(world->dispatch, "office");
}

bool office_has_open(struct world *world)
{
    for (size_t i = 0; i < world->count; i++)
        if (world_delivery(world, i).state < MG_DELIVERY_DELIVERED)
            return true;
    return false;
}
