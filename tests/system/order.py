#!/usr/bin/env python3
"""order: destinations that want one message after the other, and systems that reply at once."""

import re

from harness import QUICK, World, configuration, destination, equal, partner, route, wait_for
from tap import run, test

BRIEF = dict(first="100ms", longest="200ms", give_up="1s", breaker="1000")


class Registry(World):
    """A registry that wants its messages in order, one that goes on after a dead one, and a service that
    replies."""

    def __enter__(self):
        self.strict, self.lenient, self.service = (
            self.city(name, certificate="remscheid-registry") for name in ("strict", "lenient", "service"))
        self.portal = self.city("wuppertal")
        self.main = self.gateway(self.text())
        return self

    def text(self, **service):
        service = {"replies": "true", "partner": "remscheid-planning", **service}
        return configuration(
            self, partners=[partner(self.pki, "wuppertal-portal"), partner(self.pki, "remscheid-planning")],
            destinations=[
                destination("strict", self.strict, BRIEF, ordered="true"),
                destination("lenient", self.lenient, BRIEF, ordered="true", after_dead="continue"),
                destination("service", self.service, QUICK, **service),
                destination("wuppertal", self.portal)],
            routes=[*(route(f"test:{name}", name) for name in ("strict", "lenient", "service")),
                    route("wuppertal", "wuppertal")])

    def send(self, name):
        _, text = self.signed("wuppertal", f"test:{name}")
        return self.client().post(text).expect(201).id

    def reply(self, **choices):
        """A file with a signed message from Remscheid to Wuppertal, and its UUID."""
        message, text = self.signed("remscheid", "wuppertal", **choices)
        file = self.folder / f"{message.uuid}.xml"
        file.write_text(text, encoding="utf-8")
        return file, message.uuid


def arrivals(city):
    """The ids in the order in which they were taken."""
    return [entry["id"] for entry in city.record(answer=200, repeated="no")]


@test("an ordered destination gets its messages one after the other as they were accepted, also when it fails")
def in_order(world):
    city = world.strict.change("--fail", "503:4")
    identifiers = [world.send("strict") for _ in range(12)]
    wait_for(lambda: len(arrivals(city)) == 12, "all have arrived", 20)
    equal(arrivals(city), identifiers, "the order")
    entries = city.record()
    equal([entry["id"] for entry in entries[:5]], [identifiers[0]] * 5, "who was tried while the first failed")


@test("the order outlives kill -9 in the middle")
def order_after_crash(world):
    city = world.strict.change("--slow", "0.2")
    before = len(arrivals(city))
    identifiers = [world.send("strict") for _ in range(8)]
    wait_for(lambda: len(arrivals(city)) >= before + 3, "some have arrived")
    world.main.kill()
    world.client().close()
    world.main.start()
    wait_for(lambda: len(arrivals(city)) == before + 8, "all have arrived", 20)
    equal(arrivals(city)[before:], identifiers, "the order")
    city.change()


@test("after a dead message an ordered destination goes on if the configuration lets it")
def passes_dead(world):
    city = world.lenient.change("--refuse", "400")
    dead = world.send("lenient")
    world.main.wait_for("delivery.dead", message=dead)
    city.change()
    identifiers = [world.send("lenient") for _ in range(3)]
    wait_for(lambda: len(arrivals(city)) == 3, "the others have arrived")
    equal(arrivals(city), identifiers, "the order")


@test("otherwise a dead message keeps the next ones back, also after a restart, and the log says so")
def waits_for_dead(world):
    city = world.strict.change("--refuse", "400")
    before = len(arrivals(city))
    dead = world.send("strict")
    world.main.wait_for("delivery.dead", message=dead)
    city.change()
    identifiers = [world.send("strict") for _ in range(3)]
    blocked = world.main.wait_for("destination.blocked", destination="strict")
    assert dead in blocked, blocked
    equal(world.main.stop(), 0, "exit status")
    world.client().close()
    lines = len(world.main.lines("destination.blocked"))
    world.main.start()
    wait_for(lambda: len(world.main.lines("destination.blocked")) > lines, "it is blocked after a restart too")
    equal(len(arrivals(city)), before, "arrivals")
    world.main.reload(world.text().replace('name="strict"', 'name="strict" after-dead="continue"', 1))
    wait_for(lambda: len(arrivals(city)) == before + 3, "the configuration lets the others pass")
    equal(arrivals(city)[before:], identifiers, "the order")
    world.main.reload(world.text())


@test("what a system replies at once is a message of its partner, and travels like any other")
def replies(world):
    file, uuid = world.reply()
    world.service.change("--reply", file)
    identifier = world.send("service")
    world.portal.wait_for(uuid=uuid, valid="yes", answer=200)
    line = world.main.wait_for("reply.accepted", message=identifier, destination="service")
    reply = re.search(r"reply=(\S+)", line)[1]
    report = world.client().report(identifier).expect(200).body.decode()
    assert reply in report, "the report names the reply"
    # The same reply to another message is a repetition: it is not delivered a second time.
    second = world.send("service")
    world.main.wait_for("reply.accepted", message=second)
    equal(len(world.portal.record(uuid=uuid)), 1, "deliveries of the reply")


@test("a reply that is refused for good leaves the delivery delivered, and the report tells its code")
def refused_reply(world):
    file, _ = world.reply()
    file.write_text(file.read_text(encoding="utf-8").replace("Remscheid", "Radevormwald", 1), encoding="utf-8")
    world.service.change("--reply", file)
    identifier = world.send("service")
    line = world.main.wait_for("reply.refused", message=identifier)
    assert "code=signature." in line or "code=digest" in line, line
    world.main.wait_for("delivery.delivered", message=identifier)
    report = world.client().report(identifier).expect(200).body.decode()
    assert "its reply was refused" in report, report


@test("a reply in the name of another partner's authority is refused")
def foreign_reply(world):
    message, text = world.signed("wuppertal", "wuppertal")
    file = world.folder / f"{message.uuid}.xml"
    file.write_text(text, encoding="utf-8")
    world.service.change("--reply", file)
    identifier = world.send("service")
    line = world.main.wait_for("reply.refused", message=identifier)
    assert "code=permission." in line, line


@test("a reply that comes while the gateway is killed is there once, after the delivery is repeated")
def reply_and_crash(world):
    file, uuid = world.reply()
    world.service.change("--reply", file, "--slow", "0.5")
    identifier = world.send("service")
    wait_for(lambda: world.main.lines("message.accepted", uuid=uuid) or
             world.service.record(id=identifier), "the system has the message")
    world.main.kill()
    world.client().close()
    world.main.start()
    world.portal.wait_for(uuid=uuid, answer=200, seconds=20)
    wait_for(lambda: "The reply is the message" in world.client().report(identifier).expect(200).body.decode(),
             "the delivery is recorded with its reply")
    equal(len({entry["id"] for entry in world.portal.record(uuid=uuid)}), 1, "messages that the reply became")
    world.service.change()


@test("a reply of a destination that is bound to nobody is refused, and says what to change")
def unbound(world):
    file, _ = world.reply()
    world.service.change("--reply", file)
    world.main.reload(world.text(partner=None))
    identifier = world.send("service")
    line = world.main.wait_for("reply.refused", message=identifier)
    assert "code=permission.reply" in line and "attribute partner" in line, line
    world.main.reload(world.text())


@test("a reply that is larger than reply-size ends the delivery as dead, for somebody to look at")
def large_reply(world):
    file, _ = world.reply()
    world.service.change("--reply", file)
    world.main.reload(world.text(reply_size="100"))
    identifier = world.send("service")
    line = world.main.wait_for("delivery.dead", message=identifier)
    assert "rest.reply-too-large" in line, line


if __name__ == "__main__":
    run(lambda: Registry("order"))
