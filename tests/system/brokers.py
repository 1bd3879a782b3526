"""brokers: real message brokers for the system tests, each in the world's folder, on ports of its own, on loopback.

    rabbit = Rabbit(world)          # RabbitMQ with its own Erlang port mapper
    mosquitto = Mosquitto(world)

Both are processes like all others: start waits until they can be used, and the world ends them.
"""

import importlib.machinery
import importlib.util
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import threading
import types

import messages
import signing
from conformance import conformance
from harness import (BUILD, PATIENCE, QUICK, SOURCE, Process, World, configuration, element, environment,
                     folder_destination, partner, route, wait_for)
from tap import Skip

SYSTEM = {"wuppertal": "portal", "solingen": "registry"}
RABBIT_PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
PASSWORD = "correct horse battery staple"
# Where the adapters run: "none" puts them into the gateway's own process, for sanitizers, which need more address space
# than a host process gets.
ISOLATION = os.environ.get("MUENGSTEN_ISOLATION")


def need_adapter(name):
    if not (BUILD / "adapters" / ".libs" / f"{name}.so").exists():
        raise Skip(f"muengsten was built without the adapter {name}")


def listening(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def found(name):
    """The path of a program, which may stand in a folder that only root looks into; None: it is not installed."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def private_file(path, text):
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


class PortMapper(Process):
    """epmd, which Erlang would otherwise start for itself, and leave behind."""

    def __init__(self, world):
        self.port = world.free_port()
        super().__init__("epmd", world.folder, ["epmd", "-port", self.port, "-address", "127.0.0.1"])

    def start(self):
        self.launch()
        wait_for(lambda: listening(self.port), "epmd listens")
        return self


class Rabbit(Process):
    """A RabbitMQ: users, queues and exchanges come from its definitions, other things by pika."""

    def __init__(self, world, definitions, settings=()):
        need_adapter("amqp")
        if not os.access(RABBIT_PROGRAM, os.X_OK) or not shutil.which("epmd"):
            raise Skip("RabbitMQ is not installed (package rabbitmq-server)")
        self.folder = world.folder / "rabbit"
        self.folder.mkdir()
        self.port, self.secure_port = world.free_port(), world.free_port()
        self.mapper = PortMapper(world)
        world.processes.append(self.mapper)
        self.mapper.start()
        (self.folder / "definitions.json").write_text(json.dumps(definitions), encoding="utf-8")
        (self.folder / "plugins").write_text("[rabbitmq_auth_mechanism_ssl].\n", encoding="ascii")
        pki = world.pki
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            f"listeners.ssl.1 = 127.0.0.1:{self.secure_port}",
            f"listeners.ssl.2 = 127.0.0.2:{self.secure_port}",  # an address that its certificate does not name
            f"ssl_options.cacertfile = {pki / 'authorities.pem'}",
            f"ssl_options.certfile = {pki / 'gateway-tls.pem'}",
            f"ssl_options.keyfile = {pki / 'gateway-tls.key'}",
            "ssl_options.verify = verify_peer",
            "ssl_options.fail_if_no_peer_cert = false",
            "auth_mechanisms.1 = PLAIN",
            "auth_mechanisms.2 = EXTERNAL",
            "ssl_cert_login_from = common_name",
            f"load_definitions = {self.folder / 'definitions.json'}",
            "log.console = true", "log.console.level = info", "log.file = false",
            *settings,
        ]
        (self.folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        super().__init__("rabbit", world.folder, [RABBIT_PROGRAM])
        self.values = {
            "HOME": self.folder, "RUNNING_UNDER_SYSTEMD": "yes", "ERL_EPMD_PORT": self.mapper.port,
            "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_NODENAME": f"muengsten{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": self.port,
            "RABBITMQ_DIST_PORT": world.free_port(), "RABBITMQ_CONF_ENV_FILE": self.folder / "none",
            "RABBITMQ_CONFIG_FILE": self.folder / "rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": self.folder / "none.config",
            "RABBITMQ_MNESIA_BASE": self.folder / "mnesia", "RABBITMQ_LOG_BASE": self.folder / "log",
            "RABBITMQ_SCHEMA_DIR": self.folder / "schema",
            "RABBITMQ_GENERATED_CONFIG_DIR": self.folder / "config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": self.folder / "plugins",
            "RABBITMQ_PID_FILE": self.folder / "pid", "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
        }

    def launch(self):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env=dict(environment(), **{name: str(value) for name, value in self.values.items()}))

    def start(self):
        before = self.log().count("Server startup complete")
        self.launch()
        wait_for(lambda: not self.running() or self.log().count("Server startup complete") > before,
                 "RabbitMQ starts", 90, pause=0.1)
        if not self.running():
            raise AssertionError(f"RabbitMQ ended at once:\n{self.log()[-3000:]}")
        return self


class Mosquitto(Process):
    """A Mosquitto with a port for passwords and one for certificates."""

    def __init__(self, world):
        need_adapter("mqtt")
        for name in ("mosquitto", "mosquitto_passwd", "mosquitto_pub", "mosquitto_sub"):
            if not found(name):
                raise Skip(f"there is no {name} (packages mosquitto and mosquitto-clients)")
        self.world, self.folder = world, world.folder / "mosquitto"
        self.folder.mkdir()
        self.port, self.secure_port = world.free_port(), world.free_port()
        users = private_file(self.folder / "users", "")
        for user, password in (("gateway", PASSWORD), ("sensor", "sensor")):
            subprocess.run([found("mosquitto_passwd"), "-b", str(users), user, password], check=True,
                           capture_output=True)
        pki = world.pki
        # Not by settings of each listener: with them Mosquitto 2.0.21 keeps nothing for a client that is away.
        lines = [
            "persistence true", f"persistence_location {self.folder}/", f"password_file {users}", "allow_anonymous false",
            "max_queued_messages 100000", f"user {pwd.getpwuid(os.getuid()).pw_name}",
            f"listener {self.port} 127.0.0.1",
            f"listener {self.secure_port} 127.0.0.1", f"cafile {pki / 'authorities.pem'}",
            f"certfile {pki / 'gateway-tls.pem'}", f"keyfile {pki / 'gateway-tls.key'}",
            "require_certificate true", "use_identity_as_username true",
            f"listener {self.secure_port} 127.0.0.2", f"cafile {pki / 'authorities.pem'}",
            f"certfile {pki / 'gateway-tls.pem'}", f"keyfile {pki / 'gateway-tls.key'}",
        ]
        (self.folder / "mosquitto.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        super().__init__("mosquitto", world.folder, [found("mosquitto"), "-c", self.folder / "mosquitto.conf"])

    def start(self):
        self.launch()
        wait_for(lambda: not self.running() or listening(self.port), "Mosquitto listens", 20)
        if not self.running():
            raise AssertionError(f"Mosquitto ended at once:\n{self.log()}")
        return self

    def login(self):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-u", "sensor", "-P", "sensor"]

    def publish(self, topic, *bodies, qos=1, version="5", options=()):
        """As sensors do it: one connection for each message."""
        for body in bodies:
            content = ["-s"] if body else ["-n"]
            subprocess.run([found("mosquitto_pub"), *self.login(), "-V", version, "-q", str(qos), "-t", topic,
                            *content, *options], input=body.encode() if isinstance(body, str) else body,
                           check=True, capture_output=True, timeout=60 * PATIENCE)

    def publish_lines(self, topic, lines, qos=1):
        """Many messages over one connection, as quickly as the broker takes them; none has a line's end in it."""
        subprocess.run([found("mosquitto_pub"), *self.login(), "-V", "5", "-q", str(qos), "-t", topic, "-l"],
                       input="".join(line + "\n" for line in lines).encode(), check=True, capture_output=True,
                       timeout=120 * PATIENCE)


class Subscriber(Process):
    """mosquitto_sub, which writes a line for each message: content type, user properties, content."""

    def __init__(self, world, mosquitto, name, topic, qos=1):
        super().__init__(name, world.folder, [
            found("mosquitto_sub"), *mosquitto.login(), "-V", "5", "-c", "-x", "3600", "-i", name, "-q", qos,
            "-t", topic, "-F", "%C|%P|%x"])
        world.processes.append(self)

    def start(self):
        self.launch()
        return self

    def messages(self):
        """What has come: (content type, properties, body)."""
        taken = []
        for line in self.log().split("\n")[:-1]:  # the last may be half written
            if line.count("|") == 2:
                kind, properties, body = line.split("|")
                taken.append((kind, dict(pair.split(":", 1) for pair in properties.split()), bytes.fromhex(body)))
        return taken

    def wait_for(self, identifier, seconds=30):
        """The message with this id."""
        return wait_for(lambda: [message for message in self.messages()
                                 if message[1].get("message-id") == identifier],
                        f"{self.name} gets {identifier}", seconds, pause=0.1)


class Seals:
    """Looks at what a broker got as a city's system does: by peers/city-system, which knows no gateway."""

    def __init__(self, world):
        path = str(SOURCE / "tests" / "system" / "peers" / "city-system")
        loader = importlib.machinery.SourceFileLoader("city_system", path)
        self.system = importlib.util.module_from_spec(importlib.util.spec_from_loader("city_system", loader))
        loader.exec_module(self.system)
        sealer = self.system.certificate_digest(world.pki / "gateway-seal.pem")
        self.options = types.SimpleNamespace(trusted=world.pki.trusted(), sealers={sealer: ""})

    def document(self, content_type, body):
        """The document of a body, whose seal is the gateway's and covers it."""
        content, seal, content_id = self.system.content_and_seal(content_type, body)
        assert self.system.verify(content, seal, content_id, self.options), "the seal is not valid"
        return content.decode()


def large(world, author, reader, kilobytes):
    """A signed message of that size, at most 700: (message, text)."""
    message = messages.message(author, reader)
    part = re.search(r'<service:angabe feld="steuer">.*?</service:angabe>', message.text, re.DOTALL)[0]
    value = re.search(r"<service:wert>(.*?)</service:wert>", part)[1]
    many = [part.replace("steuer", f"steuer-{number}").replace(value, "Anlage " * 500)
            for number in range(kilobytes * 1000 // 3700)]
    message.text = message.text.replace(part, "".join(many))
    return message, signing.envelop(message.text, world.signer(f"{author}-{SYSTEM[author]}"))


class Folder:
    """A folder that the gateway delivers to: what has come, by UUID."""

    def __init__(self, path):
        self.path = path

    def uuids(self):
        found = {}
        for path in self.path.glob("*.xml"):
            if not path.name.endswith(".seal.xml"):
                text = path.read_text(encoding="utf-8")
                found.setdefault(re.search(r"nachrichtenUUID>([^<]+)<", text)[1], []).append(path.stem)
        return found

    def text(self, uuid):
        return (self.path / f"{self.uuids()[uuid][0]}.xml").read_text(encoding="utf-8")

    def wait_for(self, uuids, what, seconds=30):
        """Waits until all of them have come, and checks that none has come under two ids."""
        wait_for(lambda: set(uuids) <= set(self.uuids()), what, seconds, pause=0.1)
        several = {uuid: ids for uuid, ids in self.uuids().items() if len(ids) > 1}
        assert not several, f"one message under several ids: {several}"


class BrokerWorld(World):
    """A world whose gateways reach a broker by the adapter of this name, which is also its URLs' scheme."""

    adapter, path = None, ""

    def begin(self, broker):
        self.seals = Seals(self)
        self.password = private_file(self.folder / "password", PASSWORD + "\n")
        self.solingen = Folder(self.folder / "solingen")
        self.server = broker
        self.processes.append(broker)
        broker.start()
        return broker

    def plain(self, **attributes):
        """Without TLS, with a password."""
        return {"url": f"{self.adapter}://127.0.0.1:{self.server.port}{self.path}", "user": "gateway",
                "password_file": self.password, "isolation": ISOLATION, **attributes}

    def secure(self, **attributes):
        """With TLS and the gateway's certificate as login."""
        return {"url": f"{self.adapter}s://localhost:{self.server.secure_port}{self.path}",
                "authorities": self.pki / "authorities.pem", "certificate": self.pki / "gateway-tls.pem",
                "key": self.pki / "gateway-tls.key", "isolation": ISOLATION, **attributes}

    def other(self, name, destinations=(), sources=(), readers=()):
        """Another gateway with further instances, for which nothing else is in the way."""
        port = self.free_port()
        retry = element("retry", **QUICK)
        gateway = self.gateway(configuration(
            self, port=port, partners=[partner(self.pki, "wuppertal-portal"),
                                       partner(self.pki, "solingen-registry", simultaneous=1)],
            sources=sources,
            destinations=[element("destination", retry, **values) for values in destinations] +
            [folder_destination("folder", self.folder / f"{name}-folder")],
            routes=[route(f"test:{reader}", reader) for reader in readers] + [route("solingen", "folder")]),
            name=name)
        return gateway, self.client(port=port)


def post(world, reader, client=None):
    """A message for the reader, from Wuppertal: the message, and its id at the gateway."""
    message, text = world.signed("wuppertal", reader)
    return message, (client or world.client()).post(text).expect(201).id


def post_load(world, number, meanwhile):
    """Hands in messages for Remscheid, does something meanwhile, and returns their ids."""
    identifiers = []
    for count in range(number):
        identifiers.append(post(world, "remscheid")[1])
        if count == number // 3:
            helper = threading.Thread(target=meanwhile)
            helper.start()
    helper.join()
    return identifiers


def conforms(name, url, values, source, destination, bring):
    """Holds an adapter at a broker against the conformance suite, in both roles."""
    with socket.socket() as silent, socket.socket() as dead:
        for place in (silent, dead):
            place.bind(("127.0.0.1", 0))
        silent.listen(200)  # takes connections and says nothing; the other does not even listen
        for role, own in (("source", source), ("destination", destination)):
            conformance(name, role, {"url": url, **values, **own},
                        "--dead-set", f"url={name}://127.0.0.1:{dead.getsockname()[1]}",
                        "--hang-set", f"url={name}://127.0.0.1:{silent.getsockname()[1]}",
                        "--wrong-set", f"url={name}://broker.example",
                        *(["--bring", bring] if role == "source" else []))
