#!/usr/bin/env python3
"""amqp: messages to and from a real RabbitMQ. What it confirms is delivered, what it is told of is on disk, and
when either of the two goes away nothing is lost."""

import random
import signal
import sys
import time

from brokers import PASSWORD, BrokerWorld, Folder, Rabbit, conforms, large, post, post_load, private_file
from harness import PATIENCE, QUICK, configuration, element, equal, folder_destination, partner, route, wait_for
from tap import Skip, run, say, test

# Where Debian's packages are, if it is not Debian's Python that runs the tests.
PACKAGES = "/usr/lib/python3/dist-packages"
sys.path.append(PACKAGES)
try:
    import pika
except ImportError:
    pika = None

LOAD = 150


def user(name, password=None):
    return {"name": name, "tags": "administrator", **({"password": password} if password else {"password": ""})}


DEAD = {"x-dead-letter-exchange": "dead"}
DEFINITIONS = {
    "users": [user("gateway", PASSWORD), user("tester", "tester"), user("gateway.muengsten.example")],
    "vhosts": [{"name": "cities"}],
    "permissions": [{"user": name, "vhost": "cities", "configure": ".*", "write": ".*", "read": ".*"}
                    for name in ("gateway", "tester", "gateway.muengsten.example")],
    "queues": [{"name": name, "vhost": "cities", "durable": True, "auto_delete": False,
                "arguments": DEAD if name in ("in", "narrow") else {}}
               for name in ("in", "narrow", "out", "dead", "secure-in", "secure-out", "kit-in", "kit-out")],
    "exchanges": [{"name": name, "vhost": "cities", "type": kind, "durable": True, "auto_delete": False,
                   "internal": False, "arguments": {}}
                  for name, kind in (("dead", "fanout"), ("out", "direct"), ("void", "direct"))],
    "bindings": [{"source": source, "vhost": "cities", "destination": queue, "destination_type": "queue",
                  "routing_key": key, "arguments": {}}
                 for source, queue, key in (("dead", "dead", ""), ("out", "out", "messages"))],
}


class Broker:
    """What another program does with the broker, by pika; a connection for each use."""

    def __init__(self, port):
        self.parameters = pika.ConnectionParameters(
            "127.0.0.1", port, "cities", pika.PlainCredentials("tester", "tester"), heartbeat=30)

    def channel(self):
        connection = pika.BlockingConnection(self.parameters)
        channel = connection.channel()
        channel.confirm_delivery()
        return connection, channel

    def publish(self, *bodies, queue="in", **properties):
        connection, channel = self.channel()
        for body in bodies:
            channel.basic_publish("", queue, body.encode() if isinstance(body, str) else body,
                                  pika.BasicProperties(delivery_mode=2, **properties), mandatory=True)
        connection.close()

    def take(self, queue):
        """All messages of a queue: (properties, body)."""
        connection, channel = self.channel()
        taken = []
        while True:
            method, properties, body = channel.basic_get(queue, auto_ack=True)
            if method is None:
                connection.close()
                return taken
            taken.append((properties, body))

    def count(self, queue):
        """Messages that wait, those that somebody holds unacknowledged not among them."""
        connection, channel = self.channel()
        number = channel.queue_declare(queue, passive=True).method.message_count
        connection.close()
        return number

    def do(self, action):
        connection, channel = self.channel()
        action(channel)
        connection.close()


class Amqp(BrokerWorld):
    """Solingen hands in by the queue "in" and takes out by a folder; Remscheid is reached by AMQP."""

    adapter, path = "amqp", "/cities"

    def __enter__(self):
        if pika is None:
            raise Skip("there is no pika (package python3-pika)")
        self.rabbit = self.begin(Rabbit(self, DEFINITIONS, ["max_message_size = 500000"]))
        self.broker = Broker(self.rabbit.port)
        self.main = self.gateway(self.text())
        return self

    def text(self, destinations=(), routes=(), sources=(), **choices):
        retry = element("retry", **QUICK)
        partners = [partner(self.pki, "solingen-registry"), partner(self.pki, "wuppertal-portal")]
        return configuration(
            self, partners=partners,
            sources=[element("source", name="queue", adapter="amqp", partner="solingen-registry",
                             **self.plain(queue="in")), *sources],
            destinations=[folder_destination("solingen", self.solingen.path),
                          element("destination", retry, name="remscheid", adapter="amqp",
                                  **self.plain(exchange="out", routing_key="messages")), *destinations],
            routes=[route("solingen", "solingen"), route("remscheid", "remscheid"), *routes], **choices)


@test("a message is published with its id, its facts as headers, persistent, and its seal is valid")
def published(world):
    message, identifier = post(world, "remscheid")
    wait_for(lambda: world.broker.count("out") == 1, "the message is in the queue")
    [(properties, body)] = world.broker.take("out")
    equal(properties.message_id, identifier, "message-id")
    equal(properties.delivery_mode, 2, "delivery mode")
    equal(properties.headers["uuid"], message.uuid, "uuid")
    equal(properties.headers["author"], message.author, "author")
    equal(properties.headers["reader"], message.reader, "reader")
    equal(properties.headers["type"], "0101", "type")
    equal(world.seals.document(properties.content_type, body), message.text, "document")


@test("a message from the queue is accepted, delivered, and acknowledged when the gateway has it")
def consumed(world):
    message, text = world.signed("solingen", "solingen")
    world.broker.publish(text, content_type="application/xml")
    world.solingen.wait_for([message.uuid], "the delivery")
    # A message that is held unacknowledged comes back when the connection ends.
    world.main.stop()
    equal(world.broker.count("in"), 0, "messages in the queue")
    world.main.start()


@test("a message that is published twice is delivered once, and both are acknowledged")
def twice(world):
    message, text = world.signed("solingen", "solingen")
    world.broker.publish(text, text, content_type="text/xml")
    world.solingen.wait_for([message.uuid], "the delivery")
    wait_for(lambda: world.broker.count("in") == 0, "the queue is empty")
    equal(world.broker.take("dead"), [], "dead letters")


@test("what the gateway refuses for good goes to the dead-letter exchange, byte by byte")
def refused(world):
    foreign = world.signed("wuppertal", "remscheid")[1]
    bodies = [b"<a><b></a>", foreign.encode(), b"", b"\x00\xff" * 10000]
    for body in bodies:
        world.broker.publish(body, content_type="application/xml")
    world.broker.publish(b"{}", content_type="application/json")
    wait_for(lambda: world.broker.count("dead") == 5, "five dead letters")
    letters = world.broker.take("dead")
    equal(sorted(body for _, body in letters), sorted(bodies + [b"{}"]), "dead letters")
    equal({properties.headers["x-death"][0]["reason"] for properties, _ in letters}, {"rejected"}, "reasons")
    equal(world.broker.count("in"), 0, "messages in the queue")


@test("what the gateway refuses for now comes again after a pause, and nothing of it is a dead letter")
def later(world):
    # The partner may have one message checked at once, and the broker hands over 16.
    gateway, _ = world.other("narrow", (), [element("source", name="queue", adapter="amqp",
                                                    partner="solingen-registry", **world.plain(queue="narrow"))])
    sent = [world.signed("solingen", "solingen") for _ in range(20)]
    world.broker.publish(*[text for _, text in sent], queue="narrow", content_type="application/xml")
    Folder(world.folder / "narrow-folder").wait_for([message.uuid for message, _ in sent], "20 deliveries", 180)
    wait_for(lambda: world.broker.count("narrow") == 0, "the queue is empty")
    equal(world.broker.take("dead"), [], "dead letters")
    assert gateway.lines("message.refused", code="quota.exceeded"), "nothing was refused for now"
    gateway.stop()


@test("by TLS, the gateway's certificate is its login, and messages go both ways")
def secure(world):
    # No password anywhere: SASL EXTERNAL.
    gateway, client = world.other(
        "secure", [dict(name="secure", adapter="amqp", **world.secure(routing_key="secure-out"))],
        [element("source", name="queue", adapter="amqp", partner="solingen-registry",
                 **world.secure(queue="secure-in"))], ["secure"])
    _, identifier = post(world, "test:secure", client)
    wait_for(lambda: world.broker.count("secure-out") == 1, "the delivery")
    equal(world.broker.take("secure-out")[0][0].message_id, identifier, "message-id")
    message, text = world.signed("solingen", "solingen")
    world.broker.publish(text, queue="secure-in")
    Folder(world.folder / "secure-folder").wait_for([message.uuid], "the message that came by TLS")
    gateway.stop()


@test("a broker whose certificate is not trusted, or names another host, gets nothing")
def distrusted(world):
    strangers = world.folder / "strangers.pem"
    strangers.write_bytes((world.pki / "solingen-registry-tls.pem").read_bytes())
    for name, change, reason in (
            ("stranger", {"authorities": strangers}, "unable to get local issuer certificate"),
            ("misnamed", {"url": f"amqps://127.0.0.2:{world.rabbit.secure_port}/cities"},
             "IP address mismatch")):
        gateway, client = world.other(
            name, [dict(name=name, adapter="amqp", **world.secure(routing_key="secure-out", **change))], (), [name])
        post(world, f"test:{name}", client)
        line = gateway.wait_for("instance.down", code="amqp.tls", seconds=20)
        assert reason in line, line
        gateway.stop()
    equal(world.broker.count("secure-out"), 0, "messages in the queue")


@test("with a wrong password nothing is lost: it is delivered once the file has the right one")
def password(world):
    file = private_file(world.folder / "other-password", "wrong\n")
    gateway, client = world.other(
        "locked", [dict(name="locked", adapter="amqp",
                        **world.plain(routing_key="secure-out", password_file=file))], (), ["locked"])
    _, identifier = post(world, "test:locked", client)
    gateway.wait_for("instance.down", code="amqp.login", seconds=20)
    equal(world.broker.count("secure-out"), 0, "messages in the queue")
    private_file(file, PASSWORD)
    wait_for(lambda: world.broker.count("secure-out") == 1, "the delivery", 60)
    equal(world.broker.take("secure-out")[0][0].message_id, identifier, "message-id")
    gateway.stop()


@test("what no queue takes is not delivered, but tried again until a queue is bound")
def unroutable(world):
    gateway, client = world.other(
        "void", [dict(name="void", adapter="amqp", **world.plain(exchange="void", routing_key="later"))], (),
        ["void"])
    _, identifier = post(world, "test:void", client)
    wait_for(lambda: "amqp.unroutable" in client.report(identifier).body.decode(), "the code in the report")
    world.broker.do(lambda channel: (channel.queue_declare("late", durable=True),
                                     channel.queue_bind("late", "void", "later")))
    wait_for(lambda: world.broker.count("late") == 1, "the delivery")
    equal(world.broker.take("late")[0][0].message_id, identifier, "message-id")
    gateway.stop()


@test("an exchange that is not there is named as the reason, and the message waits for it")
def no_exchange(world):
    gateway, client = world.other(
        "unmade", [dict(name="unmade", adapter="amqp", **world.plain(exchange="unmade", routing_key="x"))], (),
        ["unmade"])
    _, identifier = post(world, "test:unmade", client)
    gateway.wait_for("instance.down", code="amqp.exchange")
    world.broker.do(lambda channel: (channel.exchange_declare("unmade", "fanout", durable=True),
                                     channel.queue_declare("made", durable=True),
                                     channel.queue_bind("made", "unmade")))
    wait_for(lambda: world.broker.count("made") == 1, "the delivery", 30)
    equal(world.broker.take("made")[0][0].message_id, identifier, "message-id")
    gateway.stop()


@test("a message of many frames arrives whole, out and in")
def frames(world):
    message, text = large(world, "wuppertal", "remscheid", 350)
    world.client().post(text).expect(201)
    wait_for(lambda: world.broker.count("out") == 1, "the message is in the queue")
    [(properties, body)] = world.broker.take("out")
    equal(world.seals.document(properties.content_type, body), message.text, "document")
    message, text = large(world, "solingen", "solingen", 350)
    world.broker.publish(text)
    world.solingen.wait_for([message.uuid], "the delivery")
    equal(world.solingen.text(message.uuid), message.text, "document")


@test("a message larger than the broker takes is dead, and those beside it arrive")
def too_large(world):
    identifier = world.client().post(large(world, "wuppertal", "remscheid", 600)[1]).expect(201).id
    _, small = post(world, "remscheid")
    wait_for(lambda: "amqp.too-large" in world.client().report(identifier).body.decode(), "the report", 30)
    wait_for(lambda: world.broker.count("out") == 1, "the small message", 30)
    equal(world.broker.take("out")[0][0].message_id, small, "message-id")


def load_in(world, number, meanwhile):
    sent = [world.signed("solingen", "solingen") for _ in range(number)]
    world.broker.publish(*[text for _, text in sent], content_type="application/xml")
    meanwhile()
    return [message.uuid for message, _ in sent]


def all_arrived(world, identifiers):
    """Takes from the queue until every id has come; says how often one came twice."""
    taken = {}

    def complete():
        for properties, body in world.broker.take("out"):
            taken.setdefault(properties.message_id, []).append(body)
        return set(identifiers) <= set(taken)

    wait_for(complete, "every message has arrived", 90, pause=0.2)
    say(f"{len(taken)} messages, {sum(len(bodies) - 1 for bodies in taken.values())} repetitions")
    equal(set(taken) - set(identifiers), set(), "messages that nobody sent")
    for identifier, bodies in taken.items():
        equal(len(set(bodies)), 1, f"contents of {identifier}")


@test("RabbitMQ killed under load and started again: everything arrives, and repetitions keep their id")
def killed_out(world):
    def restart():
        world.rabbit.kill()
        world.rabbit.start()

    all_arrived(world, post_load(world, LOAD, restart))
    world.main.check_running()


@test("RabbitMQ killed while the gateway takes from it: nothing is lost, nothing is delivered twice")
def killed_in(world):
    def restart():
        wait_for(lambda: world.broker.count("in") < LOAD, "the gateway takes")
        world.rabbit.kill()
        world.rabbit.start()

    uuids = load_in(world, LOAD, restart)
    world.solingen.wait_for(uuids, "every message is delivered", 90)
    wait_for(lambda: world.broker.count("in") == 0, "the queue is empty", 30)
    equal(world.broker.take("dead"), [], "dead letters")


@test("the gateway killed under load with unacknowledged messages: nothing is lost, and nothing delivered twice")
def gateway_killed(world):
    chance = random.Random(4)

    def kill():
        for _ in range(4):
            time.sleep(chance.uniform(0.02, 0.2) * PATIENCE)
            world.main.kill()
            world.main.start()

    uuids = load_in(world, 3 * LOAD, kill)
    world.solingen.wait_for(uuids, "every message is delivered", 120)
    wait_for(lambda: world.broker.count("in") == 0, "the queue is empty", 30)


@test("a broker that hangs costs a delivery its time and nobody else anything; then all of it arrives")
def hanging(world):
    world.rabbit.signal(signal.SIGSTOP)
    identifiers = [post(world, "remscheid")[1] for _ in range(5)]
    message, identifier = post(world, "solingen")
    world.solingen.wait_for([message.uuid], "the delivery to somebody else")
    assert identifier
    world.rabbit.signal(signal.SIGCONT)
    all_arrived(world, identifiers)


@test("the conformance suite finds nothing wrong, as a source and as a destination")
def conforming(world):
    # It delivers a message of eight megabytes, for which the broker has to be started anew.
    world.rabbit.kill()
    settings = world.rabbit.folder / "rabbitmq.conf"
    settings.write_text(settings.read_text(encoding="utf-8").replace("= 500000", "= 16000000"), encoding="utf-8")
    world.rabbit.start()
    program = (f"import pathlib, sys; sys.path.append('{PACKAGES}'); import pika; "
               "b = pika.BlockingConnection(pika.ConnectionParameters("
               f"'127.0.0.1', {world.rabbit.port}, 'cities', pika.PlainCredentials('tester', 'tester'))); "
               "b.channel().basic_publish('', 'kit-in', pathlib.Path(sys.argv[1]).read_bytes()); b.close()")
    conforms("amqp", f"amqp://127.0.0.1:{world.rabbit.port}/cities",
                {"user": "gateway", "password-file": world.password}, {"queue": "kit-in"},
                {"routing-key": "kit-out"}, f'{sys.executable} -c "{program}" "$DOCUMENT"')


@test("the gateway stops while the broker hangs, and waits no longer than for any delivery")
def stops(world):
    world.rabbit.signal(signal.SIGSTOP)
    post(world, "remscheid")
    begin = time.monotonic()
    status = world.main.stop(60)
    seconds = time.monotonic() - begin
    world.rabbit.signal(signal.SIGCONT)
    equal(status, 0, "exit status")
    say(f"stopped after {seconds:.1f} s")


if __name__ == "__main__":
    run(lambda: Amqp("amqp"), limit=int(600 * PATIENCE))
