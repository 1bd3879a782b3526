#!/usr/bin/env python3
"""audit: what happens to messages stands in the audit trail, hash-chained and signed by day, and nobody can fill it."""

import base64
import contextlib
import datetime
import json
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import threading
import urllib.request

from harness import (PATIENCE, Client, World, configuration, destination, element, equal, muengstenctl, partner, route,
                     wait_for)
from tap import Skip, run, test
from trail import backdate, check_chain, digest, entries_of, openssl_verifies

PORTAL = "wuppertal-portal"


class Audit(World):
    """A gateway with one city, whose trail each test looks at."""

    def __enter__(self):
        self.remscheid = self.city("remscheid")
        self.closed_port, self.status_port = self.free_port(), self.free_port()
        self.main = self.gateway(self.text())
        return self

    def text(self, extra=""):
        dead = element("destination", element("retry", first="100ms", give_up="1s"), name="nowhere",
                       adapter="rest", url=f"https://localhost:{self.closed_port}/inbox")
        return configuration(
            self, partners=[partner(self.pki, PORTAL)],
            extra=extra + element("status", address=f"127.0.0.1:{self.status_port}"),
            destinations=[destination("remscheid", self.remscheid), dead],
            routes=[route("test:nowhere", "nowhere"), route("remscheid", "remscheid")])

    def entries(self):
        return entries_of(self.main)

    def acts(self, act, **members):
        return [entry for entry in self.entries() if entry["line"]["act"] == act and
                all(entry["line"].get(name) == value for name, value in members.items())]

    def reasons(self):
        """The codes of what operators have to know."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status_port}/status", timeout=20 * PATIENCE) as answer:
            return [one["code"] for one in json.load(answer)["health"]["reasons"]]

    def wait_for_act(self, act, **members):
        return wait_for(lambda: self.acts(act, **members), f"the trail says {act} {members}")

    def send(self, reader="remscheid"):
        message, text = self.signed("wuppertal", reader)
        return message, self.client(PORTAL).post(text).expect(201)


@test("the start stands in the trail, with version and configuration")
def start(world):
    line = world.wait_for_act("started")[0]["line"]
    if not re.fullmatch("[0-9a-f]{64}", line["configuration"]) or not line["version"]:
        raise AssertionError(line)


@test("an accepted message stands in it with ids and digest, and its delivery after it")
def accepted(world):
    message, answer = world.send()
    first = world.wait_for_act("accepted", message=answer.id)[0]
    line = first["line"]
    equal((line["uuid"], line["partner"], line["source"]), (message.uuid, PORTAL, "submission"))
    equal((line["author"], line["reader"]), ("ags:05124000", "ags:05120000"))
    if not re.fullmatch("[0-9a-f]{64}", line["digest"]):
        raise AssertionError(line)
    equal(first["subject"], answer.id, "the subject")
    last = world.wait_for_act("delivered", message=answer.id, destination="remscheid")[0]
    equal(last["line"]["attempts"], 1)
    if last["number"] <= first["number"]:
        raise AssertionError("delivered before it was accepted")


@test("a delivery that is given up stands in it with its reason")
def given_up(world):
    _, answer = world.send("test:nowhere")
    line = world.wait_for_act("dead", message=answer.id, destination="nowhere")[0]["line"]
    equal(line["code"], "net.connect")


@test("a repetition adds nothing to it")
def repeated(world):
    _, text = world.signed("wuppertal", "remscheid")
    identifier = world.client(PORTAL).post(text).expect(201).id
    world.client(PORTAL).post(text).expect(200)
    equal(len(world.wait_for_act("accepted", message=identifier)), 1)


@test("a refusal stands in it with its code and the sender's UUID, and no word of the content")
def refused(world):
    message, text = world.signed("wuppertal", "remscheid")
    world.client(PORTAL).post("<not-xml").expect(400, "xml.malformed")
    world.wait_for_act("refused", partner=PORTAL, code="xml.malformed")
    world.client(PORTAL).post(text).expect(201)
    _, other = world.signed("wuppertal", "test:nowhere", uuid=message.uuid)
    world.client(PORTAL).post(other).expect(409, "duplicate.different-content")
    entry = world.wait_for_act("refused", code="duplicate.different-content")[0]
    equal((entry["line"]["uuid"], entry["subject"]), (message.uuid, message.uuid))


@test("a reload, and a reload that was refused, stand in it")
def reloads(world):
    world.main.reload(world.text())
    world.wait_for_act("reloaded")
    world.main.reload(world.text().replace('to="remscheid"', 'to="nobody"'), event="gateway.reload-refused")
    world.wait_for_act("reload-refused")
    world.main.reload(world.text())


def knock(port):
    """Comes without a certificate, and is refused by TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 10 * PATIENCE) as plain, \
            context.wrap_socket(plain) as secure:
        secure.recv(1)


@test("a flood of callers that nobody knows is a few lines")
def flood(world):
    before = len(world.entries())
    stranger = Client(world.port, world.pki, "solingen-registry")
    _, text = world.signed("wuppertal", "remscheid")
    for _ in range(290):
        stranger.post(text).expect(403, "partner.unknown")
    for _ in range(10):
        knock(world.port)
    world.main.stop()
    world.main.start()
    lines = [entry["line"] for entry in world.entries()[before:]]
    counted = [line for line in lines if line["act"] == "unknown-callers"]
    equal(sum(line["count"] for line in counted), 300, "callers that were counted")
    equal({line["network"] for line in counted}, {"127.0.0.0/24"})
    if len(lines) > 8:
        raise AssertionError(f"{len(lines)} new entries: {lines}")


@test("the refusals of one partner are at most 60 lines a minute, and a number")
def bounded(world):
    before = len(world.entries())
    client = world.client(PORTAL)
    for _ in range(150):
        client.post("<not-xml").expect(400, "xml.malformed")
    world.main.stop()
    world.main.start()
    lines = [entry["line"] for entry in world.entries()[before:]]
    single = [line for line in lines if line["act"] == "refused"]
    more = [line["count"] for line in lines if line["act"] == "refused-more"]
    equal(len(single) + sum(more), 150, "refusals that were written or counted")
    if len(single) > 121:
        raise AssertionError(f"{len(single)} lines")


@test("the trail hangs together by its hashes, from the first entry to the last")
def chained(world):
    check_chain(world.entries())


@test("after kill -9 in the middle of load every receipt has its entry, and the chain is whole")
def killed(world):
    receipts, stop = [], threading.Event()

    def load():
        client = Client(world.port, world.pki, PORTAL)
        while not stop.is_set():
            _, text = world.signed("wuppertal", "remscheid")
            try:
                answer = client.post(text)
            except Exception:  # the gateway is gone
                return
            if answer.status == 201:
                receipts.append(answer.id)

    for _ in range(3):
        stop.clear()
        threads = [threading.Thread(target=load, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        enough = len(receipts) + 40
        wait_for(lambda: len(receipts) >= enough, "forty more receipts", 60)
        world.main.kill()
        stop.set()
        for thread in threads:
            thread.join(30 * PATIENCE)
        world.main.start()
    entries = world.entries()
    check_chain(entries)
    named = [entry["line"]["message"] for entry in entries if entry["line"]["act"] == "accepted"]
    missing = set(receipts) - set(named)
    if missing:
        raise AssertionError(f"{len(missing)} of {len(receipts)} receipts have no entry")
    equal(len(named), len(set(named)), "acceptances of different messages")


@test("a day that is over is closed with a signature of the seal's key, which openssl verifies")
def closed(world):
    world.main.stop()
    count = len(world.entries())
    backdate(world.main, 2)
    world.main.start()
    entry = world.wait_for_act("closed")[0]
    line = entry["line"]
    equal((line["first"], line["last"]), (1, count), "the numbers that are closed")
    equal(line["hash"], world.entries()[count - 1]["hash"].hex(), "the hash that is signed")
    equal(line["day"], (datetime.datetime.now(datetime.timezone.utc) -
                        datetime.timedelta(days=2)).strftime("%Y-%m-%d"))
    seal = subprocess.run(["openssl", "x509", "-in", world.pki / "gateway-seal.pem", "-outform", "DER"],
                          check=True, capture_output=True).stdout
    equal(base64.b64decode(line["certificate"]), seal, "the certificate")
    if not openssl_verifies(world.folder, line):
        raise AssertionError("openssl does not verify the closing")
    if openssl_verifies(world.folder, dict(line, last=line["last"] + 1)):
        raise AssertionError("openssl verifies what was not signed")
    check_chain(world.entries())


@test("muengstenctl audit verify says who closed the day, and finds one changed letter")
def verified(world):
    def verify(store, status):
        done = subprocess.run([muengstenctl(), "--json", "audit", "verify", "--config", world.main.config_file,
                               "--store", store], capture_output=True, text=True, check=False)
        equal(done.returncode, status, f"the exit status ({done.stderr})")
        return json.loads(done.stdout)

    report = verify(world.main.folder / "store", 0)
    equal(report["days"], 1, "days that are closed")
    world.main.stop()
    copy = shutil.copytree(world.main.folder / "store", world.folder / "copy")
    world.main.start()
    with contextlib.closing(sqlite3.connect(copy / "store.db")) as connection:
        connection.execute("UPDATE journal SET line = replace(line, 'remscheid', 'remscheit') WHERE number ="
                           " (SELECT number FROM journal WHERE line LIKE '%remscheid%' LIMIT 1)")
        connection.commit()
    equal(verify(copy, 1)["wrong"]["code"], "audit.changed")


@test("a day is closed once, however often the gateway starts")
def closed_once(world):
    for _ in range(2):
        world.main.stop()
        world.main.start()
    world.send()
    equal(len(world.wait_for_act("closed")), 1)


@test("entries leave for the log, each once, with number and hash")
def exported(world):
    world.main.stop()
    started = len(world.entries())
    world.main.config_file.write_text(world.text(extra=element("audit", export="journal")), encoding="utf-8")
    world.main.start()
    _, answer = world.send()
    world.wait_for_act("delivered", message=answer.id)

    def lines():
        return world.main.lines("audit")

    wanted = [entry for entry in world.entries() if entry["number"] > started]
    wait_for(lambda: any(answer.id in line and "delivered" in line for line in lines()), "the delivery in the log")
    for entry in wanted:
        found = [line for line in lines() if f"number={entry['number']} " in line]
        equal(len(found), 1, f"lines of entry {entry['number']}")
        if f"hash={entry['hash'].hex()}" not in found[0]:
            raise AssertionError(found[0])
    world.main.stop()
    last = world.entries()[-1]["number"]
    world.main.start()
    wait_for(lambda: any(f"number={last} " in line for line in lines()), "the stop in the log of the next start")
    numbers = [int(re.search(r"number=(\d+)", line)[1]) for line in lines()]
    equal(numbers, sorted(set(numbers)), "exported numbers")


def with_syslog(world, command):
    """The command, for which a socket of ours is /dev/log; in its own mount namespace."""
    devices = world.folder / "dev"
    devices.mkdir()
    mounts = " && ".join([
        f"mount -t tmpfs none {devices}",
        f"for name in null zero full random urandom; do touch {devices}/$name && "
        f"mount --bind /dev/$name {devices}/$name || exit 1; done",
        f"ln -s {world.folder}/syslog {devices}/log", f"mount --bind {devices} /dev"])
    if subprocess.run(["unshare", "--mount", "sh", "-c", mounts], capture_output=True, check=False).returncode:
        raise Skip("the system lets no program have a /dev of its own")
    return ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh", *command]


@test("entries leave for syslog, as authpriv.notice, each once, with number and hash")
def exported_by_syslog(world):
    world.main.stop()
    command = world.main.command
    before = world.entries()[-1]["number"]
    world.main.config_file.write_text(world.text(extra=element("audit", export="syslog")), encoding="utf-8")
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as receiver:
        receiver.bind(str(world.folder / "syslog"))
        receiver.settimeout(20 * PATIENCE)
        world.main.command = with_syslog(world, command)
        world.main.start()
        received = []
        while not any('"act":"started"' in line for line in received):
            received.append(receiver.recv(65536).decode())
        world.main.stop()
    world.main.command = command
    hashes = {entry["number"]: entry["hash"].hex() for entry in world.entries()}
    numbers = [int(re.search(r" number=(\d+) ", line)[1]) for line in received]
    equal(numbers, sorted(set(numbers)), "exported numbers")
    equal(numbers[-1], before + 1, "the last of them")
    for number, line in zip(numbers, received):
        if not line.startswith("<85>") or f" hash={hashes[number]} " not in line:
            raise AssertionError(line)
    world.main.start()


def rewrite_end(world, count):
    """Puts that many new entries, well chained, in the place of what the store had after its older copy."""
    with contextlib.closing(sqlite3.connect(world.main.folder / "store" / "store.db")) as connection:
        number, before, written = connection.execute(
            "SELECT number, hash, time FROM journal ORDER BY number DESC LIMIT 1").fetchone()
        for _ in range(count):
            number, text = number + 1, '{"act":"looked","by":"nobody","way":"control"}'
            before = digest(before, number, written, None, text)
            connection.execute("INSERT INTO journal VALUES (?, ?, NULL, ?, ?)", (number, written, text, before))
        connection.commit()


@test("an older copy in the place of the store is noticed by a verification, and by the gateway at its start")
def exchanged(world):
    store, older = world.main.folder / "store", world.folder / "older"

    def verify(status):
        done = subprocess.run([muengstenctl(), "--json", "audit", "verify", "--store", store], capture_output=True,
                              text=True, check=False)
        equal(done.returncode, status, f"the exit status ({done.stdout}{done.stderr})")
        return json.loads(done.stdout)

    world.main.stop()
    world.main.config_file.write_text(world.text(extra=element("audit", export="journal")), encoding="utf-8")
    shutil.copytree(store, older)
    world.main.start()
    _, answer = world.send()
    wait_for(lambda: any(answer.id in line and "delivered" in line for line in world.main.lines("audit")), "it has left")
    world.main.stop()
    verify(0)
    last = world.entries()[-1]["number"]
    for path in store.glob("store.db*"):
        path.unlink()
    for path in older.glob("store.db*"):
        shutil.copy(path, store)
    end = world.entries()[-1]["number"]
    wrong = verify(1)["wrong"]
    equal((wrong["code"], wrong["number"]), ("audit.missing", end + 1))
    rewrite_end(world, last - end)
    equal(verify(1)["wrong"]["code"], "audit.changed")
    world.main.start()
    world.main.wait_for("audit.differs", code="audit.changed")
    wait_for(lambda: "audit.failing" in world.reasons(), "operators are told")
    world.wait_for_act("differs")
    world.main.stop()
    world.main.start()
    newest = world.acts("started")[-1]["hash"].hex()
    wait_for(lambda: any(f"hash={newest}" in line for line in world.main.lines("audit")), "the export goes on")
    equal((len(world.main.lines("audit.differs")), len(world.acts("differs"))), (1, 1), "the next start is content")
    equal("audit.failing" in world.reasons(), False, "operators are told")


@test("operators are told when entries cannot be exported")
def not_exported(world):
    exported = world.main.folder / "store" / "exported"
    world.main.stop()
    exported.unlink()
    exported.mkdir()
    world.main.start()
    wait_for(lambda: "audit.failing" in world.reasons(), "operators are told")
    world.main.stop()
    exported.rmdir()
    world.main.start()


@test("what is older than it is kept goes by whole days, and its closing stays")
def deleted(world):
    world.main.stop()
    entries = world.entries()
    closing = next(entry for entry in entries if entry["line"]["act"] == "closed")
    world.main.config_file.write_text(world.text(extra=element("audit", keep="24h")), encoding="utf-8")
    world.main.start()
    world.wait_for_act("expired", through=closing["line"]["last"])
    left = wait_for(lambda: [entry for entry in [world.entries()] if entry[0]["number"] > closing["line"]["last"]],
                    "the old entries have gone")[0]
    equal(left[0]["number"], closing["line"]["last"] + 1, "the first that is left")
    if not any(entry["number"] == closing["number"] for entry in left):
        raise AssertionError("the closing has gone")
    before = bytes.fromhex(closing["line"]["hash"])
    for entry in left:
        before = digest(before, entry["number"], entry["time"], entry["subject"], entry["text"])
        equal(entry["hash"].hex(), before.hex(), f"the hash of entry {entry['number']}")


if __name__ == "__main__":
    run(lambda: Audit("audit"))
