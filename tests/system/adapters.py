#!/usr/bin/env python3
"""adapters: an adapter that does not fit is refused before anything runs, with its name and the reason, whether it
would run inside the gateway or in a process of its own."""

import os
import pathlib
import shlex
import subprocess

from harness import SOURCE, World, configuration, element, environment, equal, muengstend
from tap import run, test

SOUND = r"""
#include <muengsten/adapter.h>
#include <stdlib.h>

static void *open_it(const struct mg_gateway *gateway, struct mg_instance *instance,
                     const struct mg_instance_facts *facts)
{
    (void)gateway, (void)instance, (void)facts;
    return malloc(1);
}

static void close_it(void *state)
{
    free(state);
}

static void deliver(void *state, struct mg_delivery *delivery)
{
    (void)state, (void)delivery;
}

static const struct mg_parameter parameters[] = {
    {.name = "room", .kind = MG_PARAMETER_NUMBER, .use = MG_USED_BY_DESTINATION, .required = true, .smallest = 1,
     .largest = 300, .description = "The number of the room."},
};

static struct mg_adapter adapter = {
    .size = sizeof adapter, .abi = MG_ADAPTER_ABI, .name = "NAME", .version = "1", .abilities = MG_CAN_TAKE,
    .parameters = parameters, .parameter_count = 1, .open = open_it, .close = close_it, .deliver = deliver,
};

const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi)
{
    (void)gateway_abi;
    return &adapter;
}
"""


# A source that wants every path there is; open fails unless it gets its own and nothing else.
GREEDY = r"""
static const struct mg_gateway *the_gateway;

static void answer(struct mg_exchange *exchange, const struct mg_request *request, void *state)
{
    (void)request, (void)state;
    the_gateway->exchange_answer(exchange, 204, 0, 0, 0, 0);
}

"""
GREED = r"""
    static const char *const others[] = {"/", "/messages", "/minefield", "mine", ""};
    the_gateway = gateway;
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        if (gateway->http_route(instance, "GET", others[i], answer, 0)) {
            gateway->fail(instance, "test.taken", others[i]);
            return 0;
        }
    if (!gateway->http_route(instance, "GET", facts->prefix, answer, 0) ||
        !gateway->http_route(instance, "GET", "/mine/", answer, 0) ||
        gateway->http_route(instance, "GET", "/mine/", answer, 0)) {
        gateway->fail(instance, "test.own", facts->prefix);
        return 0;
    }
"""


class Bench(World):
    """Adapters are compiled here, and configurations that name them are checked."""

    def __enter__(self):
        (self.folder / "adapters").mkdir()
        return self

    def compile(self, name, *changes):
        """Compiles the sound adapter under this name, with parts of it replaced."""
        text = SOUND.replace("NAME", name)
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        source = self.folder / f"{name}.c"
        source.write_text(text, encoding="utf-8")
        subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-shared", "-fPIC", "-I", str(SOURCE / "include"),
                        "-o", str(self.folder / "adapters" / f"{name}.so"), str(source)], check=True)

    def check(self, name, isolation, start=False, **parameters):
        """What muengstend -t, or its start, says of a destination with that adapter: (status, text)."""
        text = configuration(self, destinations=[
            element("destination", name="remscheid", adapter=name, isolation=isolation, **parameters)])
        text = text.replace("<adapters ", f'<adapters folder="{self.folder / "adapters"}"/>\n<adapters ', 1)
        path = self.folder / f"{name}.xml"
        path.write_text(text, encoding="utf-8")
        command = [muengstend(), *([] if start else ["-t"]), "-c", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60, check=False)
        line = next(number for number, words in enumerate(text.splitlines(), 1) if "<destination" in words)
        return done.returncode, done.stderr, f"{path}:{line}: "

    def refused(self, name, *reasons, **parameters):
        for isolation in ("none", "process"):
            status, said, place = self.check(name, isolation, **{"room": "101", **parameters})
            equal(status, 1, f"exit status with isolation={isolation} ({said})")
            lines = [line for line in said.splitlines() if line.startswith(place)]
            assert lines and all(reason in lines[0] for reason in (name, *reasons)), (isolation, said)


@test("a sound adapter is in order")
def sound(world):
    world.compile("sound")
    for isolation in ("none", "process"):
        status, said, _ = world.check("sound", isolation, room="101")
        equal(status, 0, f"exit status with isolation={isolation} ({said})")


@test("an adapter of a later version of the interface is refused")
def later(world):
    world.compile("later", (".abi = MG_ADAPTER_ABI", ".abi = MG_ADAPTER_ABI + 1"))
    world.refused("later", "version")


@test("an adapter that cannot work with this gateway, and says so, is refused")
def unwilling(world):
    world.compile("unwilling", ("return &adapter;", "return gateway_abi > 99 ? &adapter : 0;"))
    world.refused("unwilling", "version")


@test("a shared object without the entry is refused")
def no_entry(world):
    world.compile("entryless", ("*mg_adapter_entry", "*another_entry"))
    world.refused("entryless", "")


@test("a shared object that needs a symbol which nobody has is refused, and the symbol named")
def no_symbol(world):
    world.compile("needy", ("    free(state);", "    extern void nobody_has_this(void *);\n    nobody_has_this(state);"))
    world.refused("needy", "nobody_has_this")


@test("a description of another name, of no size, or without its functions is refused")
def malformed(world):
    world.compile("masked", ('.name = "masked"', '.name = "somebody-else"'))
    world.compile("sizeless", (".size = sizeof adapter", ".size = 8"))
    world.compile("idle", (".open = open_it", ".open = 0"))
    for name in ("masked", "sizeless", "idle"):
        world.refused(name, "describe")


@test("what is no shared object at all is refused")
def no_object(world):
    (world.folder / "adapters" / "letter.so").write_text("Dear gateway", encoding="utf-8")
    world.refused("letter", "")


@test("parameters that are unknown, missing, or of the wrong kind are refused at the line of the destination")
def parameters(world):
    world.compile("sound")
    world.refused("sound", '"colour"', colour="red")
    world.refused("sound", "no whole number", "The number of the room.", room="the first")
    world.refused("sound", "between 1 and 300", room="301")
    for isolation in ("none", "process"):
        status, said, place = world.check("sound", isolation)
        equal(status, 1, f"exit status with isolation={isolation} ({said})")
        assert f'{place}the adapter sound needs the parameter "room"' in said, said


@test("routes at and below the prefix are an adapter's own, and no others")
def prefix(world):
    world.compile("greedy",
                  ("static void *open_it(", GREEDY + "static void *open_it("),
                  ("    (void)gateway, (void)instance, (void)facts;\n", GREED),
                  (".abilities = MG_CAN_TAKE", ".abilities = MG_CAN_BRING | MG_NEEDS_LISTENER"),
                  (".deliver = deliver", ".deliver = 0"), ("deliver(void", "__attribute__((unused)) deliver(void"),
                  (".use = MG_USED_BY_DESTINATION, .required = true", ".use = MG_USED_BY_DESTINATION"))
    text = configuration(world, sources=[element("source", name="mine", adapter="greedy", listener="cities",
                                                 isolation="none")])
    text = text.replace("<adapters ", f'<adapters folder="{world.folder / "adapters"}"/>\n<adapters ', 1)
    gateway = world.gateway(text)
    client = world.client()
    for path in ("/mine", "/mine/below"):
        equal(client.request("GET", path).status, 204, path)
    for path in ("/", "/minefield", "/messages"):
        assert client.request("GET", path).status in (404, 405), path
    equal(gateway.stop(), 0, "exit status")


@test("the start refuses what the check refuses")
def start(world):
    world.compile("later", (".abi = MG_ADAPTER_ABI", ".abi = MG_ADAPTER_ABI + 1"))
    status, said, place = world.check("later", "none", start=True, room="101")
    equal(status, 1, f"exit status ({said})")
    assert f"{place}the adapter later" in said, said
    assert not pathlib.Path(world.folder / "store").exists(), "a gateway that did not start has made a store"


if __name__ == "__main__":
    run(lambda: Bench("adapters"))
