"""checks_start: hello, the description, opening and closing, and the end of the stream."""

import os
import re

from . import gateway as protocol
from .frames import Fault
from .suite import Failure, Skip, check

KINDS = ("text", "number", "seconds", "boolean", "url", "folder", "file")
# Attributes of <source> and <destination> that are the gateway's own.
TAKEN = ("name", "adapter", "listener", "partner", "seal", "concurrency", "timeout", "isolation", "paused", "ordered",
         "after-dead", "tls-certificate", "tls-key")


@check("says hello within ten seconds")
def hello(suite):
    before = sorted(suite.place.rglob("*"))
    gateway = suite.gateway()
    suite.description = gateway.description
    suite.before_hello, suite.after_hello = before, sorted(suite.place.rglob("*"))
    suite.sockets_after_hello = gateway.process.sockets()


@check("says hello without any side effect")
def side_effects(suite):
    made = [str(path.relative_to(suite.place)) for path in suite.after_hello if path not in suite.before_hello]
    if made:
        raise Failure(f"Before any open it made {', '.join(made)}.",
                      "muengstend -t asks for hello only: make files, connections and threads after open.")
    if suite.sockets_after_hello:
        raise Failure(f"Before any open it had {', '.join(suite.sockets_after_hello)}.",
                      "muengstend -t asks for hello only: connect and listen after open.")


@check("describes itself in full")
def description(suite):
    said = suite.description
    if said["protocol"] != 1:
        raise Failure(f"It chose the protocol {said['protocol']}; only 1 was offered.", "Answer with 1.")
    name = os.path.basename(suite.options.path).removesuffix(".so")
    if said["adapter"] != name:
        raise Failure(f"It calls itself {said['adapter']!r}, but its file is called {name!r}.",
                      'Let both be the name that stands in adapter="…".')
    if not said["version"]:
        raise Failure("Its version is empty.", "Say a version: people want to know what is installed.")
    known = {"bring", "take", "listener", "collected"}
    unknown = [ability for ability in said["abilities"] if ability not in known]
    if unknown or not {"bring", "take"} & set(said["abilities"]):
        raise Failure(f"Its abilities are {said['abilities']}.",
                      "Say bring or take or both, and listener or collected where it is so.")


@check("describes its parameters so that the gateway can check them")
def parameters(suite):
    names = set()
    for parameter in suite.description.get("parameters", []):
        if not isinstance(parameter, dict) or not isinstance(parameter.get("name"), str):
            raise Failure(f"A parameter is {parameter!r}.", "A parameter is an object with a name.")
        wrong = wrong_with(parameter, suite, names)
        if wrong:
            raise Failure(f"The parameter {parameter['name']}: {wrong[0]}", wrong[1])
        names.add(parameter["name"])


def wrong_with(parameter, suite, names):
    name, kind, use = parameter["name"], parameter.get("kind"), parameter.get("use")
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        return "its name cannot be an attribute of ours.", "Use small letters, digits and hyphens."
    if name in names:
        return "it is described twice.", "Describe it once, with the use both if need be."
    if name in TAKEN:
        return "its name is an attribute of the gateway's own.", "Choose another name."
    if kind not in KINDS:
        return f"its kind is {kind!r}.", f"Use one of {', '.join(KINDS)}."
    if use not in ("source", "destination", "both"):
        return f"its use is {use!r}.", "Use source, destination or both."
    for role, ability in (("source", "bring"), ("destination", "take")):
        if use == role and not suite.has(ability):
            return f"it is for a {role}, which this adapter is none.", f"Say {ability}, or leave it out."
    text = parameter.get("description")
    if not isinstance(text, str) or len(text) < 10 or not text.endswith("."):
        return f"its description is {text!r}.", "Write one sentence: it stands in error messages and documents."
    return wrong_bounds(parameter, kind)


def wrong_bounds(parameter, kind):
    bounds = [parameter.get("smallest"), parameter.get("largest")]
    standard = parameter.get("standard")
    if kind in ("number", "seconds"):
        if not all(isinstance(bound, int) for bound in bounds) or bounds[0] > bounds[1]:
            return f"its bounds are {bounds[0]} to {bounds[1]}.", "Give smallest and largest, as numbers."
    elif bounds != [None, None]:
        return f"it has bounds, but is a {kind}.", "Leave smallest and largest out."
    if not isinstance(parameter.get("required", False), bool):
        return f"required is {parameter['required']!r}.", "Say true or false."
    if standard is None:
        return None
    if not isinstance(standard, str):
        return f"its standard is {standard!r}.", "Write the standard as a text, as it would stand in the configuration."
    if parameter.get("required"):
        return "it is required and has a standard.", "Leave out one of both."
    if kind in ("number", "seconds") and not (re.fullmatch(r"-?\d+", standard) and
                                              bounds[0] <= int(standard) <= bounds[1]):
        return f"its standard {standard} is not within its bounds.", "Correct one of them."
    if kind == "boolean" and standard not in ("true", "false"):
        return f"its standard is {standard!r}.", "Say true or false."
    return None


@check("ends by itself when only hello was asked of it")
def hello_only(suite):
    with suite.apart() as gateway:
        ends(suite, gateway, "after hello")


def ends(suite, gateway, when):
    if not gateway.ends(suite.grace):
        raise Failure(f"It was still running {suite.grace:g} seconds after the stream had ended {when}.",
                      "Exit when reading the stream says that it has ended, whatever is underway.")


@check("exits when it is offered no protocol that it speaks")
def other_protocol(suite):
    gateway = suite.start()
    try:
        gateway.hello(protocol=(1000, 1001))
        gateway.process.expected_to_end = True
        if not gateway.process.pump(lambda: gateway.answers or gateway.process.child.poll() is not None,
                                    suite.slow(protocol.HELLO)):
            raise Failure("Offered the protocols 1000 to 1001 only, it neither answered nor exited.",
                          "Exit, with a sentence on standard error.")
        if gateway.answers:
            raise Failure("Offered the protocols 1000 to 1001 only, it said hello all the same.",
                          "Look whether 1 is within what hello offers; exit with a sentence otherwise.")
    finally:
        gateway.kill()


@check("ignores members that it does not know")
def unknown_members(suite):
    gateway = suite.start()
    try:
        gateway.hello(colour="blue", nested={"array": [1, 2.5, None, True, "\u20ac"]})
        if not gateway.wait_answer(("hello",), suite.slow(protocol.HELLO)):
            raise Failure("With a member more in hello it did not answer.", "Ignore what you do not know.")
    except Fault as fault:
        raise Failure(f"With a member more in hello: {fault.what}", "Ignore what you do not know.") from fault
    finally:
        gateway.kill()


@check("opens and closes as a destination", role="destination")
def open_destination(suite):
    with suite.opened("destination"):
        pass


@check("opens and closes as a source", role="source")
def open_source(suite):
    with suite.opened("source"):
        pass


@check("refuses to open without a parameter that it requires")
def required(suite):
    tried = False
    for role in suite.roles():
        values = suite.parameters(role)
        for parameter in suite.declared(role):
            if parameter.get("required"):
                tried = True
                left = {name: value for name, value in values.items() if name != parameter["name"]}
                refuses(suite, role, left, f"without the parameter {parameter['name']}")
    if not tried:
        raise Skip("it requires no parameter")


@check("refuses to open with values that it cannot use")
def unusable_values(suite):
    if not suite.options.wrong:
        raise Skip("say what it cannot use with --wrong-set NAME=VALUE")
    for name, value in suite.options.wrong:
        for role in suite.roles():
            if any(parameter["name"] == name for parameter in suite.declared(role)):
                refuses(suite, role, suite.parameters(role, **{name: value}), f"with {name}={value}")


def refuses(suite, role, values, how):
    """It has to answer failed, and to be able to open afterwards."""
    gateway = suite.gateway()
    answer = gateway.open(role, values, **suite.place_of(role))
    if not answer:
        raise Failure(f"As {role} {how} it answered nothing.", "Answer failed with a code and a sentence.")
    if answer["type"] == "opened":
        raise Failure(f"As {role} {how} it opened.",
                      "Look at every value in open, and answer failed with a code and a sentence.")
    with suite.opened(role):
        pass


@check("ends by itself when the stream ends while an instance is open")
def end_while_open(suite):
    for role in suite.roles():
        with suite.apart() as gateway:
            suite.open(gateway, role)
            ends(suite, gateway, f"while it was open as {role}")


@check("ends when the stream breaks off in the middle of a frame")
def end_in_frame(suite):
    with suite.apart() as gateway:
        gateway.process.send_bytes(b"\0\0\0\x20\0\0\0\0{\"type\":")
        gateway.process.pump(lambda: not gateway.process.outgoing, suite.slow(5))
        ends(suite, gateway, "in the middle of a frame")


@check("ends the conversation over a frame that breaks the rules")
def nonsense(suite):
    for data, what in ((b"\0\0\0\x06\0\0\0\0{\"a\":1", "a header that is no JSON"),
                       (b"\xff\xff\xff\xff\xff\xff\xff\xff" + b"\xff" * 64, "a header of 4 GiB")):
        with suite.apart() as gateway:
            gateway.process.expected_to_end = True
            gateway.process.send_bytes(data)
            if not gateway.process.wait(suite.grace):
                raise Failure(f"It went on after {what}.",
                              "Check both lengths and the JSON of every frame, and exit if they are wrong.")
