#!/usr/bin/env python3
"""backup: everything accepted before a backup is in it, and what is restored is not delivered again by itself."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import threading

import messages
import signing
from harness import (PATIENCE, World, configuration, destination, element, environment, equal, folder_destination,
                     muengstenctl, wait_for)
from tap import run, test

PORTAL = "wuppertal-portal"


class Kept(World):
    """A gateway with a control socket, a city system that takes, and one that is down."""

    def __enter__(self):
        self.city_system = self.city("city", certificate="remscheid-registry")
        self.socket = self.folder / "control"
        self.shelf = self.folder / "shelf"
        self.closed = self.free_port()
        self.file = self.folder / "a.backup"
        self.main = self.gateway(self.text())
        self.store = self.main.folder / "store"
        self.accepted = []
        return self

    def text(self, **attributes):
        return configuration(
            self,
            destinations=[destination("main", self.city_system), self.down(),
                          folder_destination("shelf", self.shelf, **attributes)],
            routes=[f'<route reader="test:{name}" to="{name}"/>' for name in ("main", "down", "shelf")],
            extra=element("control", socket=self.socket))

    def down(self):
        """A destination at which nobody listens."""
        text = destination("down", self.city_system)
        return text.replace(f":{self.city_system.port}/", f":{self.closed}/")

    def send(self, name="main", kilobytes=0):
        _, text = large(self, f"test:{name}", kilobytes) if kilobytes else self.signed("wuppertal", f"test:{name}")
        identifier = self.client().post(text).expect(201).id
        self.accepted.append(identifier)
        return identifier

    def control(self, *words, status=0, **options):
        done = subprocess.run([muengstenctl(), *map(str, words)], capture_output=True, text=True, check=False,
                              env=dict(environment(), MUENGSTEN_CONTROL=str(self.socket), LC_ALL="C.UTF-8"),
                              timeout=120 * PATIENCE, **options)
        if done.returncode != status:
            raise AssertionError(f"{words}: {done.returncode} instead of {status}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def back_up(self, *options):
        self.control("backup", self.file, "--force", "--why", "a test", *options)

    def restore(self, *options):
        """Restores, and takes what was there before out of the way."""
        account = json.loads(self.control("restore", self.file, "--store", self.store, "--json", *options))
        (self.store / account["aside"]).rename(self.folder / account["aside"])
        return account

    def held(self):
        """What health says of deliveries that are held: the sentences, by destination."""
        reasons = json.loads(self.control("status", "--json"))["health"]["reasons"]
        return {one["subject"]: one["text"] for one in reasons if one["code"] == "destination.held"}

    def states(self, name="down"):
        """The states of a destination's deliveries, by message."""
        with self.main.database() as connection:
            rows = connection.execute("SELECT message, state FROM deliveries WHERE destination = ?", (name,))
            return {row[0].hex(): row[1] for row in rows}


def large(world, reader, kilobytes):
    """A signed message of that size, which is more than the store keeps in a row."""
    message = messages.message("wuppertal", reader)
    part = re.search(r'<service:angabe feld="steuer">.*?</service:angabe>', message.text, re.DOTALL)[0]
    value = re.search(r"<service:wert>(.*?)</service:wert>", part)[1]
    many = [part.replace("steuer", f"steuer-{number}").replace(value, "Anlage " * 500)
            for number in range(kilobytes * 1000 // 3700)]
    message.text = message.text.replace(part, "".join(many))
    return message, signing.envelop(message.text, world.signer(PORTAL))


class Traffic(threading.Thread):
    """Sends messages to the city system until it is told to stop."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.sent, self.over, self.problem = world, [], False, None

    def run(self):
        client = self.world.client("remscheid-planning")
        try:
            while not self.over:
                _, text = self.world.signed("remscheid", "test:main", system="remscheid-planning")
                self.sent.append(client.post(text).expect(201).id)
        except Exception as problem:  # shown by the test
            self.problem = problem

    def stop(self):
        self.over = True
        self.join()
        if self.problem:
            raise self.problem
        return self.sent


@test("a backup while messages flow has every message that was accepted before; nothing is delivered twice unasked")
def under_load(world):
    waiting = [world.send("down", kilobytes=kilobytes) for kilobytes in (0, 400, 0, 600)]
    traffic = Traffic(world)
    traffic.start()
    wait_for(lambda: len(traffic.sent) > 30, "messages flow")
    before = [*waiting, *traffic.sent]
    world.back_up()
    equal(stat.S_IMODE(world.file.stat().st_mode), 0o600)
    known = set(traffic.sent)
    after = wait_for(lambda: [one for one in traffic.sent if one not in known][5:], "messages flow on")
    sent = traffic.stop()
    for identifier in sent:
        world.city_system.wait_for(id=identifier)
    world.control("pause", "down", "--why", "nothing is attempted")
    undelivered = world.send("down")
    wait_for(lambda: set(world.states("main").values()) == {3}, "what was delivered is recorded")
    world.main.kill()
    exported = world.store / "exported"
    exported.write_text(f"{10 ** 6:020}\n", encoding="ascii")
    account = world.restore("--force")
    assert set(waiting) <= {one["id"] for one in account["held"]}, "what waited is held"
    assert set(after) <= {one["id"] for one in account["lost"]}, "what came after is told"
    assert not set(before) & {one["id"] for one in account["lost"]}, "what came before is not lost"
    arrived = {one["id"]: [(to["destination"], to["delivered"]) for to in one["deliveries"]] for one in account["lost"]}
    equal([arrived[one] for one in after], [[("main", True)]] * len(after), "what of it was delivered")
    equal(arrived[undelivered], [("down", False)])
    world.main.start()
    for identifier in before:
        name = PORTAL if identifier in waiting else "remscheid-planning"
        world.client(name).report(identifier).expect(200)
    # A message that is accepted and delivered now shows that the lanes have begun and passed the old ones by.
    world.city_system.wait_for(id=world.send("main"))
    for identifier in sent:
        equal(len(world.city_system.record(id=identifier)), 1, "deliveries of one message")
    held = {one["id"] for one in account["held"]}
    events = [line for line in world.main.lines("delivery.delivered") if any(one in line for one in held)]
    equal([line for line in events if "attempt=2" in line], [], "held ones that were delivered again")


@test("what is held after a restore is a warning until an operator lets it go, content in the spool included")
def released(world):
    held = {key for key, state in world.states().items() if state == 2}
    assert len(held) >= 4, held
    assert world.held()["down"].startswith(f"{len(held)} deliveries are held since a restore"), world.held()
    world.main.reload(world.text().replace(f":{world.closed}/", f":{world.city_system.port}/"))
    world.control("retry", "--all", "--state", "held", "--destination", "down", "--why", "checked with the city")
    for key in held:
        identifier = f"{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}"
        equal(world.city_system.wait_for(id=identifier)["valid"], "yes")
    wait_for(lambda: set(world.states().values()) == {3}, "all are delivered")
    assert "down" not in world.held(), world.held()
    world.main.reload(world.text())


@test("a trace says that the store was restored, the audit trail who did it, and its chain is whole")
def told(world):
    with world.main.database() as connection:
        rows = connection.execute("SELECT count(DISTINCT key >> 20) FROM events WHERE code = 'restore.held'")
        assert rows.fetchone()[0] >= 4, "messages with that event"
        lines = [dict(json.loads(row[1]), number=row[0]) for row in
                 connection.execute("SELECT number, line FROM journal ORDER BY number")]
    assert [line for line in lines if line["act"] == "backup" and line["why"] == "a test"], "the backup"
    restored = [line for line in lines if line["act"] == "restore" and line["way"] == "offline"]
    assert restored, "the restore"
    equal(int((world.store / "exported").read_text(encoding="ascii").split()[0]), restored[-1]["number"] - 1,
          "the last entry that counts as exported")


@test("nothing of a backup stays in the store's folder")
def clean(world):
    world.back_up()
    equal([path.name for path in world.store.iterdir() if path.name.startswith("backup-")], [])
    equal(list(world.folder.glob("*.part")), [])


@test("a backup is not written over another file, nor where nothing can be written")
def targets(world):
    before = world.file.read_bytes()
    world.control("backup", world.file, "--why", "again", status=2)
    equal(world.file.read_bytes(), before)
    world.control("backup", world.folder / "absent" / "file", "--why", "nowhere", status=2)


@test("a backup is a new file that only its owner may read, whatever somebody has put in its way")
def new_file(world):
    target, part, other = (world.folder / name for name in ("new.backup", "new.backup.part", "bystander"))
    other.write_text("kept", encoding="ascii")
    part.symlink_to(other)
    world.control("backup", target, "--why", "a test")
    equal(other.read_text(encoding="ascii"), "kept")
    assert not target.is_symlink() and not part.is_symlink()
    part.write_text("of one that was broken off", encoding="ascii")
    part.chmod(0o666)
    world.control("backup", target, "--force", "--why", "a test")
    equal(stat.S_IMODE(target.stat().st_mode), 0o600)


@test("a backup that the gateway's end breaks off leaves no file that looks whole")
def broken_off(world):
    with world.main.database() as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone()[0] > 0
    target = world.folder / "broken.backup"
    process = subprocess.Popen([muengstenctl(), "backup", str(target), "--why", "a crash"],
                               env=dict(environment(), MUENGSTEN_CONTROL=str(world.socket)),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    world.main.signal(signal.SIGSTOP)
    world.main.kill()
    process.communicate(timeout=60 * PATIENCE)
    if process.returncode == 0:
        return  # it was whole before the gateway ended
    equal(process.returncode, 3)
    assert not target.exists() and not (world.folder / "broken.backup.part").exists()


@test("nothing is restored beside a running gateway, over a store without --force, or from what is no backup")
def refused(world):
    world.main.start()
    world.back_up()
    assert "stop it" in world.control("restore", world.file, "--store", world.store, "--force", status=1)
    world.main.stop()
    before = sorted(path.name for path in world.store.rglob("*"))
    assert "--force" in world.control("restore", world.file, "--store", world.store, status=1)
    noise = world.folder / "noise"
    noise.write_bytes(os.urandom(100000))
    world.control("restore", noise, "--store", world.store, "--force", status=2)
    world.control("restore", world.folder / "absent", "--store", world.store, "--force", status=2)
    cut = world.folder / "cut"
    cut.write_bytes(world.file.read_bytes()[:-100000])
    world.control("restore", cut, "--store", world.store, "--force", status=2)
    equal(sorted(path.name for path in world.store.rglob("*")), before)


@test("of what was accepted after the backup people read where it was delivered and where not")
def arrived(world):
    world.main.start()
    world.control("pause", "down", "--why", "nothing is attempted")
    identifiers = [world.send("main"), world.send("down")]
    wait_for(lambda: world.states("main")[identifiers[0].replace("-", "")] == 3, "the one is delivered")
    world.main.stop()
    text = world.control("restore", world.file, "--store", world.store, "--force", "--why", "a test")
    lines = text.splitlines()
    told = {one: lines[next(number for number, line in enumerate(lines) if line.startswith(one)) + 1].split(maxsplit=1)
            for one in identifiers}
    equal(told, {identifiers[0]: ["main", "delivered"], identifiers[1]: ["down", "not delivered (waiting)"]})


@test("a restore into an empty place makes a store there that a gateway opens")
def elsewhere(world):
    other = world.folder / "other"
    text = world.control("restore", world.file, "--store", other)
    assert "Restored: " in text and "is not in it" in text, text
    with contextlib.closing(sqlite3.connect(other / "store.db")) as connection:
        equal(connection.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        equal(connection.execute("PRAGMA freelist_count").fetchone()[0], 0, "free pages")
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        equal(tables & {"backups", "spooled"}, set())
    equal({stat.S_IMODE(path.stat().st_mode) for path in other.rglob("*") if path.is_file()}, {0o600})
    world.main.start()


@test("two backups at once: one is made, the other is told")
def twice(world):
    with socket.socket(socket.AF_UNIX) as slow:
        slow.connect(str(world.socket))
        body = b'{"why":"slow"}'
        slow.sendall(b"POST /backup HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        assert slow.recv(12) == b"HTTP/1.1 200"
        assert "backup.running" in world.control("backup", world.folder / "second", "--why", "second", status=1)
    wait_for(lambda: not world.control_fails(), "the one that nobody reads any more has ended")


def control_fails(world):
    done = subprocess.run([muengstenctl(), "backup", str(world.folder / "third"), "--force", "--why", "third"],
                          env=dict(environment(), MUENGSTEN_CONTROL=str(world.socket)), capture_output=True, check=False)
    return done.returncode


Kept.control_fails = control_fails


if __name__ == "__main__":
    run(lambda: Kept("backup"))
