"""ends: what the bench's gateway is connected with: a real server for each adapter, started as the system tests do it.

Each function of OUTGOING and INCOMING starts what it needs and returns an End, or raises Skip with the reason why
there is none.
"""

import os
import shutil
import sys

from measure import BUILD, SOURCE, family_seconds

sys.path.insert(0, str(SOURCE / "tests" / "system"))

import amqp  # noqa: E402
import sftp  # noqa: E402
import smtp  # noqa: E402
from brokers import PASSWORD, Mosquitto, Rabbit, Subscriber, private_file  # noqa: E402
from harness import element  # noqa: E402
from tap import Skip  # noqa: E402

NULL = BUILD / "adapters" / "null" / ".libs"
READER = "remscheid-planning"


class End:
    """A destination or source of the configuration, and the processes at its other end."""

    def __init__(self, adapter, peer=None, at_once=None, put=None, **attributes):
        self.adapter, self.peer, self.at_once, self.put = adapter, peer, at_once, put
        self.attributes = attributes

    def destination(self, name, paused):
        return element("destination", name=name, adapter=self.adapter, concurrency=self.at_once,
                       paused="true" if paused else None, **self.attributes)

    def source(self, name):
        return element("source", name=name, adapter=self.adapter, partner="solingen-registry", **self.attributes)

    def peer_seconds(self):
        return sum(family_seconds(process.pid) for process in self.peer or ())


class Servers:
    """Each server is started when the first end asks for it."""

    def __init__(self, world):
        self.world, self.known = world, {}

    def get(self, name):
        if name not in self.known:
            try:
                self.known[name] = getattr(self, f"start_{name}")()
            except Skip as reason:
                self.known[name] = reason
        if isinstance(self.known[name], Skip):
            raise self.known[name]
        return self.known[name]

    def begin(self, process):
        self.world.processes.append(process)
        return process.start()

    def start_sshd(self):
        if not sftp.SSHD or not shutil.which("ssh-keygen"):
            raise Skip("OpenSSH's server is not installed (package openssh-server)")
        return self.begin(sftp.Server(self.world))

    def start_postfix(self):
        if os.geteuid() != 0:
            raise Skip("only root can start Postfix")
        if not shutil.which("postconf", path=smtp.PATH):
            raise Skip("Postfix is not installed (package postfix)")
        self.world.folder.chmod(0o711)
        return self.begin(smtp.Postfix(self.world))

    def start_rabbit(self):
        return self.begin(Rabbit(self.world, amqp.DEFINITIONS))

    def start_mosquitto(self):
        return self.begin(Mosquitto(self.world))

    def password(self):
        path = self.world.folder / "password"
        return path if path.exists() else private_file(path, PASSWORD + "\n")


def built(adapter, folder=BUILD / "adapters" / ".libs"):
    if not (folder / f"{adapter}.so").exists():
        raise Skip(f"the adapter {adapter} was not built")


# ---- out ----

def null_inside(_):
    built("null", NULL)
    return End("null", at_once=64, isolation="none")


def null_outside(_):
    built("null", NULL)
    return End("null", at_once=64, isolation="process")


def rest(servers):
    return End("rest", peer=[servers.world.load], at_once=64, url=f"https://localhost:{servers.world.receive_port}/in")


def folder(servers):
    place = servers.world.folder / "out-folder"
    place.mkdir()
    return End("folder", at_once=64, folder=place)


def sftp_login(server):
    return {"host": "127.0.0.1", "port": server.port, "user": server.user, "key": server.user_key,
            "known-hosts": server.known_hosts}


def sftp_out(servers):
    built("sftp")
    server = servers.get("sshd")
    place = servers.world.folder / "out-sftp"
    place.mkdir()
    return End("sftp", peer=[server], at_once=8, folder=place, **sftp_login(server))


def smtp_out(servers):
    built("smtp")
    world, postfix = servers.world, servers.get("postfix")
    office, mailer = (smtp.Pair(world.folder, *names) for names in (("office", smtp.OFFICE),
                                                                    ("mailer", smtp.GATEWAY)))
    return End("smtp", peer=[postfix], at_once=8, host="localhost", port=postfix.port,
               authorities=world.pki / "authorities.pem", certificate=office.certificate, to=smtp.OFFICE,
               hello="gateway.example", **{"from": smtp.GATEWAY, "signing-certificate": mailer.certificate,
                                           "signing-key": mailer.key})


def rabbit_login(servers):
    rabbit = servers.get("rabbit")
    return rabbit, {"url": f"amqp://127.0.0.1:{rabbit.port}/cities", "user": "gateway",
                    "password-file": servers.password()}


def amqp_out(servers):
    built("amqp")
    rabbit, login = rabbit_login(servers)
    return End("amqp", peer=[rabbit], at_once=64, exchange="out", routing_key="messages", **login)


def mosquitto_login(servers):
    mosquitto = servers.get("mosquitto")
    return mosquitto, {"url": f"mqtt://127.0.0.1:{mosquitto.port}", "user": "gateway",
                       "password-file": servers.password()}


def mqtt_out(servers):
    built("mqtt")
    mosquitto, login = mosquitto_login(servers)
    Subscriber(servers.world, mosquitto, "subscriber", "out/bench").start()
    return End("mqtt", peer=[mosquitto], at_once=64, topic="out/bench", **login)


def mailbox(_):
    built("mailbox")
    return End("mailbox", listener="cities", partner=READER)


OUTGOING = {"null in-process": null_inside, "null through its host": null_outside, "rest": rest, "folder": folder,
            "sftp": sftp_out, "smtp": smtp_out, "amqp": amqp_out, "mqtt": mqtt_out}


# ---- in ----

def put_into(place):
    """As another program does it: each file under another name first."""
    def put(texts):
        for number, text in enumerate(texts):
            temporary = place / f".{number}.new"
            temporary.write_text(text, encoding="utf-8")
            temporary.rename(place / f"{os.urandom(8).hex()}.xml")
    return put


def folder_in(servers):
    place = servers.world.folder / "in-folder"
    place.mkdir()
    return End("folder", put=put_into(place), folder=place, interval=1, settle=0, simultaneous=16)


def sftp_in(servers):
    built("sftp")
    server = servers.get("sshd")
    place = servers.world.folder / "in-sftp"
    place.mkdir()
    return End("sftp", peer=[server], put=put_into(place), folder=place, interval=1, settle=0, **sftp_login(server))


def amqp_in(servers):
    built("amqp")
    if amqp.pika is None:
        raise Skip("there is no pika (package python3-pika)")
    rabbit, login = rabbit_login(servers)

    def put(texts):
        """Without confirms, which would make the publisher wait for each."""
        connection = amqp.pika.BlockingConnection(amqp.Broker(rabbit.port).parameters)
        channel = connection.channel()
        for text in texts:
            channel.basic_publish("", "in", text.encode(), amqp.pika.BasicProperties(
                delivery_mode=2, content_type="application/xml"))
        connection.close()

    return End("amqp", peer=[rabbit], put=put, queue="in", **login)


def mqtt_in(servers):
    built("mqtt")
    mosquitto, login = mosquitto_login(servers)
    return End("mqtt", peer=[mosquitto], topics="in/bench", **login,
               put=lambda texts: mosquitto.publish_lines("in/bench", texts))


INCOMING = {"folder": folder_in, "sftp": sftp_in, "amqp": amqp_in, "mqtt": mqtt_in}
