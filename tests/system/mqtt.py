#!/usr/bin/env python3
"""mqtt: messages to and from a real Mosquitto. What a sensor has handed to the broker reaches the gateway once,
what the gateway hands to the broker is delivered when the broker says so, whoever goes away meanwhile."""

import os
import random
import signal
import threading
import time

from brokers import (PASSWORD, BrokerWorld, Folder, Mosquitto, Subscriber, conforms, large, post, post_load,
                     private_file)
from harness import PATIENCE, QUICK, configuration, element, equal, folder_destination, partner, route, wait_for
import messages
import signing
from tap import run, say, test

LOAD = 200
# How long Mosquitto is gone, in seconds; a minute and longer is as good, and takes as long.
AWAY = float(os.environ.get("MUENGSTEN_AWAY", "5"))


class Mqtt(BrokerWorld):
    """Solingen's sensors hand in by the topics in/#, and Solingen takes out by a folder; Remscheid is reached by
    MQTT."""

    adapter = "mqtt"

    def __enter__(self):
        self.broker = self.begin(Mosquitto(self))
        self.remscheid = Subscriber(self, self.broker, "remscheid", "out/remscheid").start()
        retry = element("retry", **QUICK)
        self.main = self.gateway(configuration(
            self, partners=[partner(self.pki, "solingen-registry"), partner(self.pki, "wuppertal-portal")],
            sources=[element("source", name="sensors", adapter="mqtt", partner="solingen-registry",
                             **self.plain(topics="in/# also-in"))],
            destinations=[folder_destination("solingen", self.solingen.path),
                          element("destination", retry, name="remscheid", adapter="mqtt",
                                  **self.plain(topic="out/remscheid", qos=2))],
            routes=[route("solingen", "solingen"), route("remscheid", "remscheid")]))
        self.main.wait_for("broker.ready", instance="sensors")
        return self

    def lines(self, number):
        """Signed messages for Solingen without line ends: {UUID: text}."""
        sent = {}
        for _ in range(number):
            message = messages.message("solingen", "solingen")
            sent[message.uuid] = signing.envelop(message.text.replace("\n", " "), self.signer("solingen-registry"))
        return sent


@test("a message is published with its id and facts as properties, and its seal is valid")
def published(world):
    message, identifier = post(world, "remscheid")
    [(kind, properties, body)] = world.remscheid.wait_for(identifier)
    equal(properties["uuid"], message.uuid, "uuid")
    equal(properties["author"], message.author, "author")
    equal(properties["type"], "0101", "type")
    equal(world.seals.document(kind, body), message.text, "document")
    world.main.wait_for("delivery.delivered", message=identifier)


@test("a message from a topic is accepted and delivered, whatever version and QoS the sensor speaks")
def taken(world):
    for topic, version, qos in (("in/water/7", "5", 1), ("in/light", "mqttv311", 1), ("also-in", "5", 2),
                                ("in/air", "mqttv311", 2)):
        message, text = world.signed("solingen", "solingen")
        world.broker.publish(topic, text, version=version, qos=qos)
        world.solingen.wait_for([message.uuid], f"the delivery of what came by {topic}")


@test("a large message arrives whole, out and in")
def whole(world):
    message, text = large(world, "wuppertal", "remscheid", 600)
    identifier = world.client().post(text).expect(201).id
    [(kind, _, body)] = world.remscheid.wait_for(identifier)
    equal(world.seals.document(kind, body), message.text, "document")
    message, text = large(world, "solingen", "solingen", 600)
    world.broker.publish("in/large", text)
    world.solingen.wait_for([message.uuid], "the delivery")
    equal(world.solingen.text(message.uuid), message.text, "document")


@test("a message that is published twice is delivered once")
def twice(world):
    message, text = world.signed("solingen", "solingen")
    marker, marked = world.signed("solingen", "solingen")
    world.broker.publish("in/twice", text, text, marked)
    world.solingen.wait_for([message.uuid, marker.uuid], "the deliveries")


@test("what comes while the gateway is away waits at the broker")
def away(world):
    world.main.stop()
    sent = world.lines(30)
    world.broker.publish_lines("in/away", sent.values())
    world.main.start()
    world.solingen.wait_for(sent, "30 deliveries")


@test("what the gateway refuses for good does not come again, and the log says why")
def refused(world):
    for body in (b"<a><b></a>", b"", world.signed("wuppertal", "remscheid")[1]):
        world.broker.publish("in/bad", body)
    world.broker.publish("in/bad", "{}", options=["-D", "publish", "content-type", "application/json"])
    codes = ("xml.malformed", "body.empty", "permission.author", "media-type.unsupported")
    for code in codes:
        world.main.wait_for("message.refused", code=code)
    message, text = world.signed("solingen", "solingen")
    world.broker.publish("in/good", text)
    world.solingen.wait_for([message.uuid], "the delivery of the next")
    world.main.stop()
    before = len(world.main.lines("message.refused"))
    world.main.start()
    message, text = world.signed("solingen", "solingen")
    world.broker.publish("in/good", text)
    world.solingen.wait_for([message.uuid], "the delivery after the restart")
    equal(len(world.main.lines("message.refused")), before, "refusals")


@test("what the gateway refuses for now is not acknowledged, and comes again after a pause")
def later(world):
    # The partner may have one message checked at once, and the broker hands over 4.
    gateway, _ = world.other("narrow", (), [element("source", name="narrow", adapter="mqtt", simultaneous=4,
                                                    partner="solingen-registry", **world.plain(topics="narrow"))])
    gateway.wait_for("broker.ready")
    sent = world.lines(20)
    world.broker.publish_lines("narrow", sent.values())
    Folder(world.folder / "narrow-folder").wait_for(sent, "20 deliveries", 180)
    assert gateway.lines("message.refused", code="quota.exceeded"), "nothing was refused for now"
    gateway.stop()


@test("by TLS with the gateway's certificate messages go both ways")
def secure(world):
    subscriber = Subscriber(world, world.broker, "secure", "out/secure").start()
    gateway, client = world.other(
        "secure", [dict(name="secure", adapter="mqtt", **world.secure(topic="out/secure"))],
        [element("source", name="sensors-secure", adapter="mqtt", partner="solingen-registry",
                 **world.secure(topics="in-secure"))], ["secure"])
    _, identifier = post(world, "test:secure", client)
    subscriber.wait_for(identifier)
    gateway.wait_for("broker.ready", instance="sensors-secure")
    message, text = world.signed("solingen", "solingen")
    world.broker.publish("in-secure", text)
    Folder(world.folder / "secure-folder").wait_for([message.uuid], "the message that came by TLS")
    gateway.stop()


@test("a broker whose certificate is not trusted, or names another host, gets nothing")
def distrusted(world):
    strangers = world.folder / "strangers.pem"
    strangers.write_bytes((world.pki / "solingen-registry-tls.pem").read_bytes())
    for name, change, reason in (
            ("stranger", {"authorities": strangers}, "unable to get local issuer certificate"),
            ("misnamed", {"url": f"mqtts://127.0.0.2:{world.broker.secure_port}"}, "IP address mismatch")):
        gateway, client = world.other(
            name, [dict(name=name, adapter="mqtt", **world.secure(topic="out/remscheid", **change))], (), [name])
        _, identifier = post(world, f"test:{name}", client)
        line = gateway.wait_for("instance.down", code="mqtt.tls", seconds=20)
        assert reason in line, line
        gateway.stop()
        assert identifier not in [properties.get("message-id") for _, properties, _ in world.remscheid.messages()]


@test("without the certificate that the broker wants there is no connection, and the reason is told")
def no_certificate(world):
    values = world.secure(topic="out/remscheid")
    gateway, _ = world.other("bare", [dict(name="bare", adapter="mqtt", **{
        name: value for name, value in values.items() if name not in ("certificate", "key")})], (), ["bare"])
    wait_for(lambda: gateway.lines("instance.down", code="mqtt.tls") or
             gateway.lines("instance.down", code="mqtt.lost"), "the reason", 20)
    equal(gateway.lines("broker.ready"), [], "connections")
    gateway.stop()


@test("with a wrong password nothing is lost: it is delivered once the file has the right one")
def password(world):
    file = private_file(world.folder / "other-password", "wrong\n")
    gateway, client = world.other(
        "locked", [dict(name="locked", adapter="mqtt",
                        **world.plain(topic="out/remscheid", password_file=file))], (), ["locked"])
    _, identifier = post(world, "test:locked", client)
    gateway.wait_for("instance.down", code="mqtt.login", seconds=20)
    private_file(file, PASSWORD)
    world.remscheid.wait_for(identifier, 60)
    gateway.stop()


@test("what nobody has subscribed to is not delivered, but tried again until somebody has")
def no_subscriber(world):
    gateway, client = world.other(
        "void", [dict(name="void", adapter="mqtt", **world.plain(topic="out/void"))], (), ["void"])
    _, identifier = post(world, "test:void", client)
    wait_for(lambda: "mqtt.no-subscriber" in client.report(identifier).body.decode(), "the code in the report")
    Subscriber(world, world.broker, "late", "out/void").start().wait_for(identifier)
    gateway.stop()


def all_arrived(world, identifiers, seconds=60):
    def taken():
        found = {}
        for _, properties, body in world.remscheid.messages():
            if properties.get("message-id") in identifiers:
                found.setdefault(properties["message-id"], []).append(body)
        return found

    wait_for(lambda: set(taken()) == set(identifiers), "every message has arrived", seconds, pause=0.2)
    say(f"{len(identifiers)} messages, {sum(len(bodies) - 1 for bodies in taken().values())} repetitions")
    for identifier, bodies in taken().items():
        equal(len(set(bodies)), 1, f"contents of {identifier}")


@test("Mosquitto restarted under load: everything arrives, and repetitions keep their id")
def restarted_out(world):
    def restart():
        world.broker.stop()
        world.broker.start()

    all_arrived(world, post_load(world, LOAD, restart))
    world.main.check_running()


@test("Mosquitto restarted while the gateway takes from it: nothing is lost, nothing is delivered twice")
def restarted_in(world):
    sent = world.lines(2 * LOAD)
    world.broker.publish_lines("in/load", sent.values())
    world.broker.stop()
    world.broker.start()
    world.solingen.wait_for(sent, "every message is delivered", 60)


@test("Mosquitto gone for a while: the gateway goes on accepting, and delivers when it is back")
def gone(world):
    world.broker.stop()
    identifiers = [post(world, "remscheid")[1] for _ in range(20)]
    message, _ = post(world, "solingen")
    world.solingen.wait_for([message.uuid], "the delivery to somebody else")
    time.sleep(AWAY)
    world.main.check_running()
    world.broker.start()
    all_arrived(world, identifiers, 90)
    message, text = world.signed("solingen", "solingen")
    world.broker.publish("in/back", text)
    world.solingen.wait_for([message.uuid], "the message of a sensor after that", 60)


@test("a broker that hangs for a while costs nobody else anything; then all of it arrives")
def hanging(world):
    world.broker.signal(signal.SIGSTOP)
    identifiers = [post(world, "remscheid")[1] for _ in range(10)]
    message, _ = post(world, "solingen")
    world.solingen.wait_for([message.uuid], "the delivery to somebody else")
    time.sleep(AWAY)
    world.broker.signal(signal.SIGCONT)
    all_arrived(world, identifiers, 90)


@test("the gateway killed between receipt and commit, under load: nothing is lost, and nothing delivered twice")
def gateway_killed(world):
    chance = random.Random(6)
    sent = world.lines(4 * LOAD)
    publisher = threading.Thread(target=world.broker.publish_lines, args=("in/killed", list(sent.values())))
    publisher.start()
    for _ in range(6):
        before = world.main.log().count("event=message.accepted")
        wait_for(lambda start=before: world.main.log().count("event=message.accepted") > start or
                 not publisher.is_alive(), "the gateway takes", pause=0.002)
        time.sleep(chance.uniform(0, 0.05))
        world.main.kill()
        world.main.start()
    publisher.join()
    world.solingen.wait_for(sent, "every message is delivered", 120)
    say(f"{len(world.main.lines('message.repeated'))} of {len(sent)} came again after they had been stored")


@test("the conformance suite finds nothing wrong, as a source and as a destination")
def conforming(world):
    subscriber = Subscriber(world, world.broker, "kit", "kit/out").start()
    conforms("mqtt", f"mqtt://127.0.0.1:{world.broker.port}",
                {"user": "gateway", "password-file": world.password}, {"topics": "kit/in"}, {"topic": "kit/out"},
                f'mosquitto_pub {" ".join(world.broker.login())} -V 5 -q 1 -t kit/in -f "$DOCUMENT"')
    subscriber.kill()


@test("the gateway stops while the broker hangs, and waits no longer than for any delivery")
def stops(world):
    world.broker.signal(signal.SIGSTOP)
    post(world, "remscheid")
    begin = time.monotonic()
    status = world.main.stop(60)
    world.broker.signal(signal.SIGCONT)
    equal(status, 0, "exit status")
    say(f"stopped after {time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    run(lambda: Mqtt("mqtt"), limit=int((400 + 2 * AWAY) * PATIENCE))
