#!/usr/bin/env python3
"""reload: a new configuration takes effect while messages travel; a bad one changes nothing and says why."""

import base64
import hashlib
import json
import re
import shutil
import signal
import time
import urllib.request

import signing
from harness import (client_tls, element, equal, folder_destination, folder_source, partner, wait_for,
                     xmlsec1_verify)
from tap import run, test
from town import PORTAL, Load, Town


@test("twenty reloads under load refuse no request, cut no connection and lose no message")
def under_load(world):
    with Load(world) as load, Load(world) as other:
        for number in range(20):
            world.main.reload(world.text(concurrency=str(2 + number % 5)))
    for identifier in load.identifiers + other.identifiers:
        world.arrived(identifier)
    world.main.check_running()


@test("a destination is changed under load: what is underway ends at the old address, the rest goes to the new one")
def changed(world):
    with Load(world) as load:
        world.main.reload(world.text(to="two"))
    for identifier in load.identifiers:
        wait_for(lambda: world.cities["one"].record(id=identifier, answer=200) or
                 world.cities["two"].record(id=identifier, answer=200), f"{identifier} has arrived")
    identifier = world.send()
    world.arrived(identifier, "two")
    equal(world.cities["one"].record(id=identifier), [], "the old address after the change")
    world.main.reload(world.text())


@test("a destination is added by a reload, and removed by another; what waits for it goes on when it comes back")
def added_and_removed(world):
    place = world.folder / "outbox"
    more = [folder_destination("archive", place)]
    world.main.reload(world.text(more=more))
    first = world.send("archive")
    wait_for(lambda: (place / f"{first}.xml").exists(), "the added destination has its message")
    world.main.reload(world.text(more=[folder_destination("archive", place, paused="true")]))
    waiting = world.send("archive")
    world.main.reload(world.text())
    _, text = world.signed("wuppertal", "test:archive")
    world.client().post(text).expect(422, "route.none")
    assert not (place / f"{waiting}.xml").exists(), "a removed destination was delivered to"
    world.main.reload(world.text(more=more))
    wait_for(lambda: (place / f"{waiting}.xml").exists(), "what waited goes on")
    world.main.reload(world.text())


@test("a paused destination keeps its queue, and delivers all of it when it is no longer paused")
def paused(world):
    world.main.reload(world.text(paused="true"))
    identifiers = [world.send() for _ in range(5)]
    world.main.reload(world.text(paused="true", concurrency="3"))
    for identifier in identifiers:
        equal(world.cities["one"].record(id=identifier), [], "a paused destination's deliveries")
    world.main.stop()
    world.main.start()
    equal(world.cities["one"].record(id=identifiers[0]), [], "deliveries after a restart")
    world.main.reload(world.text())
    for identifier in identifiers:
        world.arrived(identifier)
        equal(world.cities["one"].record(id=identifier)[0]["attempt"], "1", "attempts that the pause cost")


@test("a configuration with mistakes changes nothing and tells each with file and line")
def mistakes(world):
    wrong = world.text(to="two").replace("</gateway>", "<colour/>\n</gateway>")
    world.main.reload(wrong, "gateway.reload-refused")
    line = next(number for number, text in enumerate(wrong.splitlines(), 1) if "<colour" in text)
    problems = "\n".join(world.main.lines("gateway.configuration"))
    assert f"muengsten.xml:{line}: " in problems, problems
    world.arrived(world.send(), "one")
    world.main.reload(world.text(more=['<destination name="shelf" adapter="no-such-adapter"/>\n']), "gateway.reload-refused")
    assert "there is no adapter no-such-adapter" in world.main.log()
    world.arrived(world.send(), "one")


@test("a configuration that cannot be applied, because an address is taken, changes nothing and says why")
def taken(world):
    address = f"127.0.0.1:{world.cities['two'].port}"
    text = world.text(to="two", sources=[
        element("source", name="second", adapter="rest", listener="spare")]).replace(
            "<listener ", f'<listener name="spare" address="{address}"/>\n<listener ', 1)
    refused = world.main.reload(text, "gateway.reload-refused")
    assert "net.listen" in refused and address in refused, refused
    world.arrived(world.send(), "one")


@test("a listener is added and removed by reloads, and the connections of the other do not notice")
def listeners(world):
    port = world.free_port()
    with Load(world):
        world.main.reload(world.text(sources=[
            element("source", name="second", adapter="rest", listener="spare")]).replace(
                "<listener ", f'<listener name="spare" address="127.0.0.1:{port}"/>\n<listener ', 1))
        _, text = world.signed("wuppertal", "test:main")
        identifier = world.client(port=port).post(text).expect(201).id
        world.arrived(identifier)
        world.main.reload(world.text())
        world.client(port=port).close()
        try:
            world.client(port=port).post(text)
            raise AssertionError("the removed listener still answers")
        except OSError:
            pass


@test("the status moves from one address of a port to all of them under load, and back; a reload that fails moves nothing")
def status_moves(world):
    port = world.free_port()

    def shown_at(address, *more, **choices):
        operator = element("operator", name="anna.beispiel", role="operator",
                           certificate=world.pki / "remscheid-registry-tls.pem")
        return world.text(**choices).replace("</gateway>", f'<status address="{address}:{port}"/>{operator}' +
                                             "".join(more) + "</gateway>")

    def plain():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            return answer.status

    def by_tls():
        context = client_tls(world.pki, "remscheid-registry")
        with urllib.request.urlopen(f"https://localhost:{port}/healthz", context=context) as answer:
            return answer.status

    world.main.reload(shown_at("127.0.0.1"))
    equal(plain(), 200)
    # Nobody knows that before the adapter is opened, when the address has been opened already.
    wrong = element("source", name="second", adapter="rest", listener="cities", path="/what?")
    refused = world.main.reload(shown_at("*", wrong), "gateway.reload-refused")
    assert "code=rest.path" in refused, refused
    equal(plain(), 200, "after a reload that failed")
    with Load(world):
        world.main.reload(shown_at("*"))
        equal(by_tls(), 200, "at every address")
        world.main.reload(shown_at("127.0.0.1"))
        equal(plain(), 200, "back at the one address")
    taken = world.cities["two"].port
    refused = world.main.reload(shown_at("*").replace(f"*:{port}", f"*:{taken}"), "gateway.reload-refused")
    assert "net.listen" in refused, refused
    equal(plain(), 200, "after an address that somebody else has")
    world.main.reload(world.text())


@test("a new certificate under the same name is shown to new connections, while the old ones go on")
def identity(world):
    def shown():
        with world.new_client().raw() as connection:
            return connection.getpeercert()["serialNumber"]

    before = shown()
    with Load(world):
        renewed = world.pki.issue("wuppertal", "renewed", "--san", "DNS:localhost,IP:127.0.0.1")
        for ending in ("pem", "key"):
            shutil.copy(world.pki / f"{renewed}-tls.{ending}", world.pki / f"gateway-tls.{ending}")
        world.main.reload(world.text())
        assert shown() != before, "the old certificate is still shown"


def sealed_by(world, name, identity="", inside=""):
    """The configuration with another seal certificate, and more said about it."""
    return re.sub(r'<identity (.*?)seal-certificate="[^"]*" seal-key="[^"]*"/>',
                  rf'<identity \1seal-certificate="{world.pki / name}.pem" seal-key="{world.pki / name}.key"{identity}>'
                  f"{inside}</identity>", world.text())


def announcing(world, name, moment):
    next_seal = element("next-seal", certificate=world.pki / f"{name}.pem", key=world.pki / f"{name}.key", **{
        "from": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))})
    return sealed_by(world, "gateway-seal", inside=next_seal)


def digest_of(certificate):
    return hashlib.sha256(base64.b64decode(signing.certificate_base64(certificate))).hexdigest()


def shown_in(text):
    """The SHA-256 of the certificate that a signature shows."""
    shown = re.findall(r"<ds:X509Certificate>([^<]+)</ds:X509Certificate>", text)
    return hashlib.sha256(base64.b64decode(shown[-1])).hexdigest()


def audit(world):
    with world.main.database() as connection:
        return [json.loads(line) for line, in connection.execute("SELECT line FROM journal ORDER BY number")]


@test("a new seal key is announced by every seal, then seals by itself: no message is lost, no partner surprised")
def seal_key(world):
    new = world.pki.issue("wuppertal", "seal") + "-signing"
    old_digest, new_digest = digest_of(world.pki / "gateway-seal.pem"), digest_of(world.pki / f"{new}.pem")
    with Load(world) as load:
        moment = int(time.time()) + 3
        world.main.reload(announcing(world, new, moment))
        first = len(load.identifiers) + 1  # the one before may have begun earlier
        world.main.wait_for("seal.announced", certificate=new_digest)
        world.main.wait_for("seal.changed", 20, certificate=new_digest, announced="yes")
        last = len(load.identifiers) + 1
    sealers = []
    for identifier in load.identifiers[first:]:
        world.arrived(identifier)
        equal(world.cities["one"].record(id=identifier, answer=200)[-1]["valid"], "yes", "the city's own look")
        seal = (world.cities["one"].folder / "messages" / f"{identifier}.seal.xml").read_text(encoding="utf-8")
        sealers.append(shown_in(seal))
        announced = re.search(r"<ms:NextCertificate>(.*)</ms:NextCertificate><ms:NextFrom>(.*)</ms:NextFrom>", seal)
        if sealers[-1] == old_digest:
            equal(announced.groups(), (new_digest, time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(moment))))
        else:
            equal(announced, None, "an announcement by the new key")
    equal(set(sealers), {old_digest, new_digest}, "who has sealed")
    equal(sealers, sorted(sealers, key=[old_digest, new_digest].index), "seals in the order of messages")
    equal(set(sealers[last - first:]), {new_digest}, "who seals after the change")
    for act in ("seal-announced", "seal-changed"):
        wait_for(lambda act=act: [line for line in audit(world) if line["act"] == act and
                                  line["reason"].startswith(f"certificate {new_digest}, ")], f"{act} in the audit trail")


@test("receipts are signed by the announced key as well, and the new key may take the former one's place")
def receipts(world):
    _, text = world.signed("wuppertal", "test:main")
    answer = world.client().post(text).expect(201)
    equal(shown_in(answer.body.decode()), digest_of(world.pki / "wuppertal-seal-signing.pem"))
    path = world.folder / "receipt.xml"
    path.write_bytes(answer.body)
    done = xmlsec1_verify(world.pki, path)
    equal(done.returncode, 0, done.stderr)
    world.main.reload(sealed_by(world, "wuppertal-seal-signing"))
    world.arrived(world.send())


@test("a seal key that no seal has announced is refused by a reload with what to do, unless that is said to be meant")
def not_announced(world):
    refused = world.main.reload(world.text(), "gateway.reload-refused")
    assert "code=identity.not-announced" in refused and "<next-seal" in refused and "unannounced" in refused, refused
    world.arrived(world.send())
    world.main.reload(sealed_by(world, "gateway-seal", ' unannounced="true"'))
    world.main.wait_for("seal.changed", announced="no", certificate=digest_of(world.pki / "gateway-seal.pem"))
    assert 'unannounced=\\"true\\" lets any key seal' in world.main.log(), "no warning in the log"
    world.arrived(world.send())
    world.main.reload(world.text())


class Watched:
    """The gateway of the world with an address that shows its state."""

    def __init__(self, world):
        self.world, self.port = world, world.free_port()

    def with_status(self, text):
        return text.replace("</gateway>", f'<status address="127.0.0.1:{self.port}"/></gateway>')

    def restart(self, text, meanwhile=lambda: None):
        main = self.world.main
        equal(main.stop(), 0, "exit status")
        main.config_file.write_text(self.with_status(text), encoding="utf-8")
        meanwhile()
        main.start()

    def reload(self, text, event="gateway.reloaded"):
        return self.world.main.reload(self.with_status(text), event)

    def reasons(self):
        """What the health says of the seal."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status") as answer:
            health = json.load(answer)["health"]
        return [one for one in health["reasons"] if one["code"] == "seal.unannounced"]


def last_of_seal(world, act):
    """The newest entry of the audit trail about the seal, once it is that act."""
    return wait_for(lambda: [line for line in audit(world) if line["act"].startswith("seal-")][-1:]
                    if [line["act"] for line in audit(world) if line["act"].startswith("seal-")][-1:] == [act] else None,
                    f"{act} in the audit trail")[0]


@test("a start with a seal key that no seal has announced comes up, and warns until somebody says that it is meant")
def unannounced_start(world):
    new, watched = world.pki.issue("wuppertal", "lost") + "-signing", Watched(world)
    old_digest, new_digest = digest_of(world.pki / "gateway-seal.pem"), digest_of(world.pki / f"{new}.pem")
    watched.restart(world.text())
    equal(watched.reasons(), [], "before")
    watched.restart(sealed_by(world, new))
    world.main.wait_for("seal.unannounced", certificate=new_digest, known=old_digest)
    entry = last_of_seal(world, "seal-changed")
    equal((entry["certificate"], entry["known"], entry["reason"]),
          (new_digest, old_digest, f"certificate {new_digest}, unannounced"))
    reason, = watched.reasons()
    equal(reason["severity"], "warning")
    # The gateway takes messages and seals them, but the city knows as little of this certificate as is said.
    world.cities["one"].wait_for(id=world.send(), answer=422)
    watched.restart(sealed_by(world, new))
    equal([one["since"] for one in watched.reasons()], [reason["since"]], "after another start")
    watched.reload(sealed_by(world, new))
    equal(len(watched.reasons()), 1, "reasons after a reload that says nothing of it")
    watched.reload(sealed_by(world, new, ' unannounced="true"'))
    equal(watched.reasons(), [], "after it was said that it is meant")
    assert "known" not in last_of_seal(world, "seal-confirmed")
    watched.restart(sealed_by(world, new))
    equal(watched.reasons(), [], "after a start")
    watched.restart(sealed_by(world, "gateway-seal", ' unannounced="true"'))
    equal(watched.reasons(), [], "after a start that says that it is meant")
    equal(last_of_seal(world, "seal-changed")["certificate"], old_digest)


@test("a seal key whose announcement was withdrawn warns at a start, one that was announced to the end does not")
def announced_start(world):
    new, watched = world.pki.issue("wuppertal", "coming") + "-signing", Watched(world)
    new_digest = digest_of(world.pki / f"{new}.pem")
    watched.restart(sealed_by(world, "gateway-seal", ' unannounced="true"'))
    moment = int(time.time()) + 2
    watched.reload(announcing(world, new, moment))
    watched.reload(world.text())
    world.main.wait_for("seal.withdrawn", certificate=new_digest)
    watched.restart(sealed_by(world, new), lambda: wait_for(lambda: time.time() > moment, "the moment"))
    equal(len(watched.reasons()), 1, "reasons after the withdrawal")
    watched.reload(world.text())
    equal(watched.reasons(), [], "with the certificate that partners know")
    moment = int(time.time()) + 2
    watched.reload(announcing(world, new, moment))
    watched.restart(sealed_by(world, new), lambda: wait_for(lambda: time.time() > moment, "the moment"))
    world.main.wait_for("seal.changed", certificate=new_digest, announced="yes")
    equal(watched.reasons(), [], "after the announcement")
    equal(last_of_seal(world, "seal-changed")["reason"], f"certificate {new_digest}, announced")
    watched.restart(sealed_by(world, "gateway-seal", ' unannounced="true"'))
    watched.restart(world.text())


@test("a partner that the new configuration no longer has is refused on its open connection")
def partner_gone(world):
    client = world.new_client()
    _, text = world.signed("wuppertal", "test:main")
    client.post(text).expect(201)
    connection = client.connection
    world.main.reload(world.text(partners=[partner(world.pki, "remscheid-planning")]))
    client.post(text).expect(403, "partner.unknown")
    assert client.connection in (connection, None)
    world.main.reload(world.text())
    client.post(text).expect(200)


@test("a source is moved to another folder while files come in: each is accepted once")
def sources(world):
    first, second = world.folder / "first", world.folder / "second"
    def drop(folder, number):
        _, text = world.signed("wuppertal", "test:main")
        (folder / f"{number}.xml.part").write_text(text, encoding="utf-8")
        (folder / f"{number}.xml.part").rename(folder / f"{number}.xml")

    def done(folder):
        return len(list(folder.rglob("*.receipt.xml")))

    world.main.reload(world.text(sources=[folder_source("files", PORTAL, first)]))
    for number in range(40):
        drop(first, number)
    wait_for(lambda: done(first) > 0, "the source works")
    second.mkdir()
    world.main.reload(world.text(sources=[folder_source("files", PORTAL, second)]))
    for number in range(5):
        drop(second, number)
    wait_for(lambda: done(second) == 5, "the source works in the other folder", 20)
    world.main.reload(world.text(sources=[folder_source("files", PORTAL, first)]))
    wait_for(lambda: done(first) == 40, "what was left behind is taken when the source comes back", 20)
    world.main.reload(world.text())


@test("fifty reloads asked for at once are carried out as the last of them wants it")
def storm(world):
    for number in range(50):
        world.main.config_file.write_text(world.text(to="two" if number % 2 else "one"), encoding="utf-8")
        world.main.signal(signal.SIGHUP)
    wait_for(lambda: world.arrives_at("two"), "the last configuration counts")
    world.main.reload(world.text())
    world.main.check_running()


@test("what a reload cannot change is told, and everything else counts")
def restart_needed(world):
    before = world.main.log()
    world.main.reload(world.text(to="two").replace('name="gateway.muengsten.example"', 'name="other.muengsten.example"'))
    assert 'what="the gateway\'s name"' in world.main.log()[len(before):]
    world.arrived(world.send(), "two")


# A destination that keeps messages in its folder, under a name that the program's version begins; where the file
# "broken" lies beside it, it says nothing at all, and while "slow" does, nothing yet.
KEEPER = r"""#!/usr/bin/python3
import json, os, pathlib, struct, sys, time
here = pathlib.Path(__file__).resolve().parent
folder = None

def send(**header):
    data = json.dumps(header).encode()
    sys.stdout.buffer.write(struct.pack(">II", len(data), 0) + data)
    sys.stdout.buffer.flush()

if (here / "broken").exists():
    sys.exit(3)
(here / "began").touch()
while (here / "slow").exists():
    time.sleep(0.02)
while True:
    lengths = sys.stdin.buffer.read(8)
    if len(lengths) < 8:
        break
    header, content = (sys.stdin.buffer.read(length) for length in struct.unpack(">II", lengths))
    frame = json.loads(header)
    if frame["type"] == "hello":
        send(type="hello", protocol=1, adapter="keeper", version="VERSION", abilities=["take"], parameters=[
            dict(name="folder", kind="folder", use="destination", required=True, description="Where they are kept.")])
    elif frame["type"] == "open":
        folder = pathlib.Path(frame["parameters"]["folder"])
        send(type="opened")
    elif frame["type"] == "deliver":
        (folder / ("VERSION-" + frame["message"]["id"])).write_bytes(content)
        send(type="done", delivery=frame["delivery"], outcome="delivered")
    elif frame["type"] == "ping":
        send(type="pong")
    elif frame["type"] == "close":
        send(type="closed")
"""


class Keeper:
    """The program above, its folder, and a configuration with a destination of it."""

    def __init__(self, world):
        self.world, self.programs, self.kept = world, world.folder / "programs", world.folder / "kept"
        self.programs.mkdir(exist_ok=True)
        self.kept.mkdir(exist_ok=True)

    def install(self, version):
        """Puts the program into its place, as a package does: a new file under the old name."""
        file = self.programs / "keeper.new"
        file.write_text(KEEPER.replace("VERSION", version), encoding="utf-8")
        file.chmod(0o755)
        file.rename(self.programs / "keeper")

    def text(self, **attributes):
        more = element("destination", name="keeper", adapter="keeper", folder=self.kept)
        return self.world.text(more=[more], **attributes).replace(
            "<adapters ", f'<adapters folder="{self.programs}"/>\n<adapters ', 1)

    def wait_for(self, version, identifier):
        wait_for(lambda: (self.kept / f"{version}-{identifier}").exists(), f"version {version} has {identifier}")


@test("a program that was replaced is started anew by a reload, and one that was not is left alone")
def replaced(world):
    keeper = Keeper(world)
    keeper.install("1")
    world.main.reload(keeper.text())
    keeper.wait_for("1", world.send("keeper"))
    world.main.reload(keeper.text(concurrency="3"))
    keeper.wait_for("1", world.send("keeper"))
    retired = len(world.main.lines("instance.retired", instance="keeper"))
    equal(retired, 0, "how often the program that did not change was ended")
    keeper.install("2")
    world.main.reload(keeper.text())
    keeper.wait_for("2", world.send("keeper"))


@test("a program that fails when it is looked at again keeps a reload from nothing while it runs")
def fails_later(world):
    keeper = Keeper(world)
    (keeper.programs / "broken").touch()
    world.main.reload(keeper.text(concurrency="4"))
    keeper.wait_for("2", world.send("keeper"))
    world.main.reload(keeper.text().replace('name="keeper" ', 'name="keeper" timeout="30s" ', 1), "gateway.reload-refused")
    keeper.wait_for("2", world.send("keeper"))


@test("a program that fails at the start leaves its own messages waiting, and harms nobody else")
def fails_at_start(world):
    keeper = Keeper(world)
    equal(world.main.stop(), 0, "exit status")
    world.main.config_file.write_text(keeper.text(), encoding="utf-8")
    world.main.start()
    assert "adapter keeper" in world.main.log()
    waiting = world.send("keeper")
    world.arrived(world.send())
    world.main.reload(keeper.text(concurrency="2"))
    world.arrived(world.send())
    (keeper.programs / "broken").unlink()
    world.main.reload(keeper.text())
    keeper.wait_for("2", waiting)
    world.main.reload(world.text())


@test("a reload that is asked for while the gateway starts ends nothing, and is carried out once it runs")
def early(world):
    keeper = Keeper(world)
    keeper.install("1")
    text = keeper.text()
    world.main.stop()
    world.main.config_file.write_text(text, encoding="utf-8")
    slow, began = keeper.programs / "slow", keeper.programs / "began"
    slow.touch()
    began.unlink(missing_ok=True)
    before = [len(world.main.lines(event)) for event in ("gateway.ready", "gateway.reloaded")]
    world.main.launch()
    wait_for(began.exists, "the configuration is being read")
    world.main.config_file.write_text(world.text(to="two"), encoding="utf-8")
    world.main.signal(signal.SIGHUP)
    slow.unlink()
    for event, count in zip(("gateway.ready", "gateway.reloaded"), before):
        world.main.wait_for_more(event, count, 20)
    assert world.arrives_at("two"), "it was the old configuration"
    world.main.reload(world.text())


if __name__ == "__main__":
    run(lambda: Town("reload"))
