#!/usr/bin/env python3
"""mailbox: messages for systems that fetch instead of being called. Nobody gets what another has, nothing that was
fetched and not acknowledged is lost, and what nobody fetches is told to those who have to know."""

import datetime
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.parse

from harness import (PATIENCE, QUICK, SOURCE, Client, World, configuration, element, environment, equal,
                     muengstend, partner, route, wait_for)
from tap import Skip, run, test

READER = "solingen-registry"
STRANGER = "remscheid-planning"
# Enough to fetch a message before, on a slow machine too.
SOON = f"{int(2 * PATIENCE)}s"
# One box for each test that must not be disturbed by another: name: (retry, attributes).
BOXES = {
    "letters": ({}, dict(path="/mailboxes/letters")),
    "sealed": ({}, dict(seal="enveloped")),
    "leases": ({}, dict(lease=1)),
    "given": ({}, {}),
    "pages": ({}, {}),
    "crowd": ({}, {}),
    "greedy": ({}, dict(lease=2)),
    "crashed": ({}, dict(lease=4)),
    "forgotten": (dict(give_up=SOON), dict(lease=1)),
    "late": (dict(give_up=SOON), {}),
    "closed": ({}, dict(paused="true")),
    "manual": ({}, {}),
    "changed": ({}, dict(lease=60)),
    "counted": ({}, {}),
    "apart": ({}, dict(isolation="process", lease=2)),
}


def mailbox(name, retry, attributes):
    return element("destination", element("retry", **{**QUICK, **retry}), name=name, adapter="mailbox",
                   listener="cities", partner=READER, **attributes)


class Fetched:
    """A message that a reader has in its hands."""

    def __init__(self, answer):
        self.id, self.claim = answer.id, answer.headers["Muengsten-Claim"]
        self.attempt = int(answer.headers["Muengsten-Attempt"])
        self.until = datetime.datetime.fromisoformat(
            answer.headers["Muengsten-Claim-Until"].replace("Z", "+00:00")).timestamp()
        self.content_type, self.body = answer.headers["Content-Type"], answer.body


class Box:
    """A reader of one box, with a connection of its own."""

    def __init__(self, world, name, system=READER):
        self.prefix = BOXES[name][1].get("path", f"/{name}")
        self.client = Client(world.port, world.pki, system)

    def ask(self, method, path="", **query):
        text = urllib.parse.urlencode({key: value for key, value in query.items() if value is not None})
        return self.client.request(method, self.prefix + path + (f"?{text}" if text else ""))

    def list(self, **query):
        return json.loads(self.ask("GET", **query).expect(200).body)

    def fetch(self, identifier=None, **query):
        """The oldest message, or a given one; None if there is none."""
        answer = self.ask("POST", f"/messages/{identifier}/fetch" if identifier else "/fetch", **query)
        if answer.status == 204:
            return None
        return Fetched(answer.expect(200))

    def acknowledge(self, fetched, claim=None):
        return self.ask("DELETE", f"/messages/{fetched.id}", claim=claim or fetched.claim)

    def give_back(self, fetched, claim=None):
        return self.ask("POST", f"/messages/{fetched.id}/return", claim=claim or fetched.claim)

    def empty(self):
        """Fetches and acknowledges until nothing is left; the ids."""
        identifiers = []
        while (fetched := self.fetch()):
            self.acknowledge(fetched).expect(204)
            identifiers.append(fetched.id)
        return identifiers


class Mailboxes(World):
    """A gateway with a box for each test, all of them Solingen's."""

    def __enter__(self):
        self.inspector = self.city("remscheid")
        self.status_port = self.free_port()
        self.main = self.gateway(configuration(
            self, destinations=[mailbox(name, *values) for name, values in BOXES.items()],
            partners=[partner(self.pki, name) for name in ("wuppertal-portal", READER, STRANGER)],
            routes=[route(f"test:{name}", name) for name in BOXES],
            extra=element("status", address=f"127.0.0.1:{self.status_port}")))
        return self

    def send(self, box):
        """Hands in a message for the box; (uuid, id)."""
        message, text = self.signed("wuppertal", f"test:{box}")
        return message.uuid, self.client().post(text).expect(201).id

    def fill(self, box, number):
        return [self.send(box)[1] for _ in range(number)]

    def reload(self, was, now):
        """Gives the gateway the configuration in which the one text is replaced by the other."""
        text = self.main.config_file.read_text(encoding="utf-8")
        assert was in text, was
        self.main.reload(text.replace(was, now))

    def metrics(self):
        """Every value of the metrics by its name with its labels."""
        connection = http.client.HTTPConnection("127.0.0.1", self.status_port, timeout=20 * PATIENCE)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return {name: float(value) for name, _, value in
                (line.rpartition(" ") for line in text.splitlines() if line and line[0] != "#")}

    def report(self, identifier):
        return self.client().report(identifier).expect(200).body.decode()

    def inspect(self, fetched):
        """What a city's system, which verifies seals with the xmlsec1 command, says of a fetched body."""
        Client(self.inspector.port, self.pki, "gateway").request(
            "POST", "/inbox", fetched.body,
            {"Content-Type": fetched.content_type, "Idempotency-Key": f'"{fetched.id}"',
             "Muengsten-Message-Id": fetched.id, "Muengsten-Attempt": "1"}).expect(200)
        return self.inspector.record(id=fetched.id)[-1]


def status_of(report):
    return re.search(r"<(?:\w+:)?Status>(\d)<", report)[1]


# ---- the usual day ----

@test("a message waits in its box, is listed, fetched with a valid seal and acknowledged, and is gone")
def the_usual_day(world):
    box = Box(world, "letters")
    equal(box.list(), {"number": 0, "taken": 0, "bytes": 0, "oldest": None, "messages": [], "next": None})
    uuid, identifier = world.send("letters")
    listed = box.list()
    entry, = listed["messages"]
    equal((listed["number"], listed["taken"], listed["next"]), (1, 0, None))
    equal((entry["id"], entry["uuid"], entry["reader"], entry["author"], entry["partner"]),
          (identifier, uuid, "test:letters", "ags:05124000", "wuppertal-portal"))
    equal((entry["type"], entry["attempts"], entry["size"]), ("service:0101", 0, listed["bytes"]))
    equal(entry["accepted"], listed["oldest"])
    accepted = datetime.datetime.fromisoformat(entry["accepted"].replace("Z", "+00:00")).timestamp()
    assert abs(time.time() - accepted) < 60 * PATIENCE, entry["accepted"]
    equal(status_of(world.report(identifier)), "0", "the status while it waits")

    fetched = box.fetch()
    equal((fetched.id, fetched.attempt), (identifier, 1))
    assert 250 < fetched.until - time.time() <= 301, fetched.until
    seen = world.inspect(fetched)
    equal((seen["uuid"], seen["valid"]), (uuid, "yes"), "what the receiving system sees")
    equal(box.fetch(), None, "what a second reader gets")
    listed = box.list()
    equal((listed["number"], listed["taken"], listed["messages"]), (1, 1, []), "while it is taken")

    box.acknowledge(fetched).expect(204)
    equal(box.list()["number"], 0, "afterwards")
    world.main.wait_for("delivery.collected", message=identifier, destination="letters")
    report = world.report(identifier)
    assert "collected" in report and status_of(report) != "0", report
    box.acknowledge(fetched).expect(204)


@test("a destination that wants the seal inside gets the document alone, with a valid seal")
def enveloped(world):
    uuid, _ = world.send("sealed")
    fetched = Box(world, "sealed").fetch()
    equal(fetched.content_type, "application/xml")
    seen = world.inspect(fetched)
    equal((seen["uuid"], seen["valid"]), (uuid, "yes"))


@test("messages are fetched in the order of their acceptance, or by their id")
def order(world):
    identifiers = world.fill("given", 4)
    box = Box(world, "given")
    equal([entry["id"] for entry in box.list()["messages"]], identifiers, "the list")
    equal(box.fetch().id, identifiers[0])
    third = box.fetch(identifiers[2])
    equal(third.id, identifiers[2])
    box.ask("POST", f"/messages/{identifiers[2]}/fetch").expect(409, "box.taken")
    equal(box.fetch().id, identifiers[1])
    box.acknowledge(third).expect(204)
    box.ask("POST", f"/messages/{identifiers[2]}/fetch").expect(404, "box.unknown")
    equal(box.fetch().id, identifiers[3])


@test("a long list comes in pages that together name every message once")
def pages(world):
    identifiers = world.fill("pages", 23)
    box, listed, after, count = Box(world, "pages"), [], None, 0
    while True:
        page = box.list(limit=5, after=after)
        listed += [entry["id"] for entry in page["messages"]]
        after, count = page["next"], count + 1
        if not after:
            break
    equal(listed, identifiers)
    assert count in (5, 6), count
    equal(box.list()["number"], 23)


# ---- leases ----

@test("what is not acknowledged comes back when its lease has ended, and who is too late cannot acknowledge it")
def comes_back(world):
    box = Box(world, "leases")
    _, identifier = world.send("leases")
    first = box.fetch()
    second = wait_for(box.fetch, "the message comes back", 10)
    assert time.time() >= first.until, "it came back before its lease had ended"
    equal((second.id, second.attempt), (identifier, 2))
    assert second.claim != first.claim
    box.acknowledge(first).expect(409, "box.lost")
    box.give_back(first).expect(409, "box.lost")
    third = box.fetch(identifier) if box.acknowledge(second).status == 409 else None
    if third:  # a slow machine: the lease of the second has ended too
        box.acknowledge(third).expect(204)
    equal(box.list()["number"], 0)


@test("a reader may ask for a longer or a shorter lease, within the limit")
def own_lease(world):
    box = Box(world, "leases")
    _, identifier = world.send("leases")
    fetched = box.fetch(lease=3600)
    assert 3500 < fetched.until - time.time() <= 3601
    time.sleep(1.2)
    equal(box.fetch(), None, "after the lease that the box would have given")
    box.acknowledge(fetched).expect(204)
    for wrong in ("0", "-1", "86401", "1.5", "x", ""):
        box.ask("POST", "/fetch", lease=wrong).expect(400, "mailbox.query")
    assert identifier


@test("what a reader returns is there for the next at once, before all that is younger")
def returned(world):
    box = Box(world, "letters")
    first, second = world.fill("letters", 2)
    fetched = box.fetch()
    equal(fetched.id, first)
    box.give_back(fetched).expect(204)
    world.main.wait_for("delivery.returned", message=first)
    again = box.fetch()
    equal((again.id, again.attempt), (first, 2))
    box.acknowledge(fetched).expect(409, "box.lost")
    box.acknowledge(again).expect(204)
    equal(box.empty(), [second])


@test("a reader that breaks its connection before it is answered leaves the message to the others")
def broken(world):
    box = Box(world, "letters")
    identifiers = world.fill("letters", 3)
    for _ in range(20):
        with box.client.raw() as connection:
            connection.sendall(b"POST /mailboxes/letters/fetch?lease=2 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    found = set()
    wait_for(lambda: found.update(box.empty()) or found == set(identifiers), "every message comes", 15)


# ---- many readers ----

class Reader(threading.Thread):
    """Fetches and acknowledges until told to stop; notes who had what when."""

    def __init__(self, world, name, stop, acknowledges=True):
        super().__init__(daemon=True)
        self.box, self.stop, self.acknowledges = Box(world, name), stop, acknowledges
        self.held, self.acknowledged, self.faults, self.unanswered = [], [], [], 0

    def run(self):
        while not self.stop.is_set():
            try:
                self.once()
            except (OSError, http.client.HTTPException):
                self.unanswered += 1
                time.sleep(0.02)
            except AssertionError as fault:
                self.faults.append(str(fault))

    def once(self):
        answer = self.when_it_can(lambda: self.box.ask("POST", "/fetch"))
        if answer.status == 204:
            time.sleep(0.02)
            return
        fetched = Fetched(answer.expect(200))
        self.held.append((fetched.id, fetched.claim))
        if not self.acknowledges:
            return
        status = self.when_it_can(lambda: self.box.acknowledge(fetched)).status
        if status == 204:
            self.acknowledged.append(fetched.id)
        elif status != 409 or time.time() < fetched.until:
            self.faults.append(f"acknowledging answered {status} while the lease lasted")

    def when_it_can(self, ask):
        """Asks again while the box says that it cannot."""
        answer = ask()
        while answer.status == 503 and not self.stop.is_set():
            self.unanswered += 1
            time.sleep(0.05)
            answer = ask()
        return answer


def start_readers(world, name, number, **choices):
    stop = threading.Event()
    readers = [Reader(world, name, stop, **choices) for _ in range(number)]
    for reader in readers:
        reader.start()
    return stop, readers


def end_readers(stop, readers):
    stop.set()
    for reader in readers:
        reader.join(30 * PATIENCE)
    equal([fault for reader in readers for fault in reader.faults], [], "faults of readers")


@test("twenty readers of one box never get the same message, and together they get each once")
def crowd(world):
    identifiers = world.fill("crowd", 150)
    stop, readers = start_readers(world, "crowd", 20)
    identifiers += world.fill("crowd", 50)
    wait_for(lambda: sum(len(reader.acknowledged) for reader in readers) >= 200, "all are collected", 60)
    end_readers(stop, readers)
    held = [identifier for reader in readers for identifier, _ in reader.held]
    equal(sorted(held), sorted(identifiers), "what they had in their hands")
    assert sum(1 for reader in readers if reader.held) > 5, "only few readers got anything"
    equal(Box(world, "crowd").list()["number"], 0)


@test("a reader that fetches for ever and never acknowledges keeps nobody from the messages, and loses none")
def greedy(world):
    identifiers = set(world.fill("greedy", 60))
    before = world.main.resident()
    stop, greedy_readers = start_readers(world, "greedy", 2, acknowledges=False)
    wait_for(lambda: sum(len(reader.held) for reader in greedy_readers) >= 60, "the greedy have them all", 30)
    stop_honest, honest = start_readers(world, "greedy", 2)
    wait_for(lambda: {i for reader in honest for i in reader.acknowledged} == identifiers,
             "the honest get every one of them", 90)
    end_readers(stop_honest, honest)
    end_readers(stop, greedy_readers)
    again = sorted(i for reader in honest for i in reader.acknowledged)
    equal(again, sorted(identifiers), "each is acknowledged once")
    assert world.main.resident() - before < 50e6, "memory grew"
    equal(Box(world, "greedy").list()["number"], 0)


@test("killed in the middle, the gateway keeps to the leases that it gave, and loses nothing")
def crashed(world):
    identifiers = set(world.fill("crashed", 40))
    box = Box(world, "crashed")
    kept = box.fetch(lease=600)
    short = box.fetch()
    stop, readers = start_readers(world, "crashed", 4)
    wait_for(lambda: sum(len(reader.acknowledged) for reader in readers) > 5, "some are collected")
    world.main.kill()
    world.main.start()
    wait_for(lambda: sum(len(reader.acknowledged) for reader in readers) > 12, "more are collected")
    world.main.kill()
    world.main.start()
    box.client.close()
    # Acknowledged under the lease that a gateway two lives ago gave.
    box.acknowledge(kept).expect(204)
    # What had been acknowledged when the gateway died may not have been answered.
    wait_for(lambda: Box(world, "crashed").list()["number"] == 0, "the box becomes empty", 60)
    end_readers(stop, readers)
    claims = [pair for reader in readers for pair in reader.held]
    equal(len(claims), len(set(claims)), "one claim each time")
    had = {identifier for identifier, _ in claims}
    assert kept.id not in had, "somebody else got a message whose lease lasted"
    assert short.id in had, "the one whose lease had ended came back"
    equal(had | {kept.id}, identifiers, "what was had")
    acknowledged = [identifier for reader in readers for identifier in reader.acknowledged]
    equal(len(acknowledged), len(set(acknowledged)), "each is acknowledged once")
    with world.main.database() as database:
        states = dict(database.execute("SELECT state, count(*) FROM deliveries "
                                       "WHERE destination = 'crashed' GROUP BY state"))
    equal(states, {4: 40}, "states in the store")


# ---- what nobody fetches ----

@test("what nobody collects in time is dead: the log raises an alarm, and the sender's report tells")
def forgotten(world):
    _, untouched = world.send("forgotten")
    _, taken = world.send("forgotten")
    Box(world, "forgotten").fetch(taken)
    for identifier, times in ((untouched, 0), (taken, 1)):
        line = world.main.wait_for("delivery.dead", 15, message=identifier, destination="forgotten")
        assert "code=mailbox.not-collected" in line and "level=error" in line, line
        report = world.report(identifier)
        equal(status_of(report), "3", "the status of the report")
        assert "mailbox.not-collected" in report and f"not acknowledged: {times}." in report, report
    listed = Box(world, "forgotten").list()
    equal((listed["number"], listed["messages"], listed["oldest"]), (0, [], None))
    Box(world, "forgotten").ask("POST", f"/messages/{taken}/fetch").expect(404, "box.unknown")


@test("a message that is taken is not given up under the reader's hands, but when its lease has ended")
def not_under_the_hands(world):
    box = Box(world, "late")
    _, first = world.send("late")
    _, second = world.send("late")
    fetched, lost = box.fetch(first, lease=600), box.fetch(second, lease=5)
    line = world.main.wait_for("delivery.dead", 20, message=second, destination="late")
    assert time.time() >= lost.until, line
    box.acknowledge(lost).expect(409, "box.lost")
    assert not world.main.lines("delivery.dead", message=first)
    box.acknowledge(fetched).expect(204)


@test("a box that is paused keeps what is in it, says so, and hands out nothing")
def paused(world):
    identifiers = world.fill("closed", 2)
    box = Box(world, "closed")
    answer = box.ask("POST", "/fetch").expect(503, "destination.paused")
    assert int(answer.headers["Retry-After"]) > 0
    equal([entry["id"] for entry in box.list()["messages"]], identifiers)


# ---- in operation ----

@test("the metrics tell how many messages are in a box, how old they are, and what becomes of them")
def counted(world):
    def seen():
        values = world.metrics()
        own = {name.partition("{")[0]: value for name, value in values.items() if '"counted"' in name}
        ends = {re.search(r'outcome="(\w+)"', name)[1]: value for name, value in values.items()
                if '"counted"' in name and "collected" in name}
        return own, ends.get("collected", 0)

    box = Box(world, "counted")
    world.fill("counted", 3)
    size = box.list()["bytes"]
    first, second = box.fetch(), box.fetch()
    own, collected = seen()
    equal((own["muengsten_destination_waiting"], own["muengsten_destination_waiting_bytes"], collected), (3, size, 0))
    assert own["muengsten_destination_oldest_age_seconds"] > 0
    box.acknowledge(first).expect(204)
    box.acknowledge(first).expect(204)
    box.give_back(second).expect(204)
    own, collected = seen()
    equal((own["muengsten_destination_waiting"], collected), (2, 1))
    equal((own["muengsten_adapter_mailbox_fetched_total"], own["muengsten_adapter_mailbox_acknowledged_total"],
           own["muengsten_adapter_mailbox_returned_total"]), (2, 2, 1))
    equal(len(world.main.lines("delivery.collected", message=first.id)), 1, "lines of the log")
    box.empty()
    own, collected = seen()
    equal((own["muengsten_destination_waiting"], own["muengsten_destination_oldest_age_seconds"], collected), (0, 0, 3))


# ---- reloads ----

@test("a reload changes a box under its readers, and none of them notices, nor is a message lost or given twice")
def changed(world):
    identifiers = world.fill("changed", 60)
    stop, readers = start_readers(world, "changed", 6)
    for lease in (50, 40, 30, 60):
        before = sum(len(reader.acknowledged) for reader in readers)
        identifiers += world.fill("changed", 10)
        was = re.search(r'lease="\d\d"', world.main.config_file.read_text(encoding="utf-8"))[0]
        world.reload(was, f'lease="{lease}"')
        identifiers += world.fill("changed", 10)
        wait_for(lambda: sum(len(reader.acknowledged) for reader in readers) > before, "it goes on")
    wait_for(lambda: sum(len(reader.acknowledged) for reader in readers) >= len(identifiers), "all are collected", 30)
    end_readers(stop, readers)
    equal([reader.unanswered for reader in readers], [0] * 6, "requests without an answer")
    equal(sorted(i for reader in readers for i, _ in reader.held), sorted(identifiers), "what they had")


@test("a box that a reload closes, removes and opens again has kept what was in it and the claims on it")
def closed_and_opened(world):
    box = Box(world, "changed")
    identifiers = world.fill("changed", 3)
    first, second = box.fetch(), box.fetch()
    world.reload('lease="60"', 'lease="60" paused="true"')
    box.ask("POST", "/fetch").expect(503, "destination.paused")
    box.acknowledge(first).expect(204)
    text = world.main.config_file.read_text(encoding="utf-8")
    whole = re.search(r'<destination name="changed".*?</destination>', text, re.DOTALL)[0]
    way = re.search(r'<route [^>]*to="changed"/>', text)[0]
    world.main.config_file.write_text(text.replace(way, ""), encoding="utf-8")
    world.reload(whole, "<!-- changed -->")
    box.ask("POST", "/fetch").expect(404, "http.path")
    world.reload("<!-- changed -->", whole.replace(' paused="true"', "") + way)
    equal([entry["id"] for entry in box.list()["messages"]], identifiers[2:])
    box.acknowledge(second).expect(204)
    equal(box.empty(), identifiers[2:])


# ---- in a process of its own ----

def hosts_of(process):
    """The processes of adapters that a gateway has started."""
    children = pathlib.Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(word) for file in children for word in file.read_text(encoding="ascii").split()]


@test("a box whose adapter runs in a process of its own is the same to its readers")
def apart(world):
    assert hosts_of(world.main), "no process of an adapter"
    box = Box(world, "apart")
    uuid, identifier = world.send("apart")
    wait_for(lambda: box.ask("GET").status == 200, "the process is ready")
    listed = box.list(limit=5)
    equal([(entry["id"], entry["uuid"]) for entry in listed["messages"]], [(identifier, uuid)])
    fetched = box.fetch(lease=60)
    seen = world.inspect(fetched)
    equal((fetched.id, fetched.attempt, seen["uuid"], seen["valid"]), (identifier, 1, uuid, "yes"))
    equal(box.fetch(), None)
    box.ask("POST", f"/messages/{identifier}/fetch").expect(409, "box.taken")
    box.give_back(fetched).expect(204)
    fetched = box.fetch(identifier)
    box.acknowledge(fetched).expect(204)
    box.acknowledge(fetched).expect(204)
    box.give_back(fetched).expect(409, "box.lost")
    box.ask("POST", f"/messages/{identifier}/fetch").expect(404, "box.unknown")
    box.ask("GET", limit="x").expect(400, "mailbox.query")
    Box(world, "apart", STRANGER).ask("GET").expect(403, "partner.not-permitted")


@test("the process of a box may be killed again and again: no message is lost, and none is acknowledged twice")
def apart_and_killed(world):
    identifiers = world.fill("apart", 60)
    stop, readers = start_readers(world, "apart", 4)
    for number in range(1, 4):
        wait_for(lambda: sum(len(reader.acknowledged) for reader in readers) >= 12 * number, "it goes on", 30)
        for pid in hosts_of(world.main):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: Box(world, "apart").ask("GET").status == 200 and Box(world, "apart").list()["number"] == 0,
             "the box becomes empty", 60, pause=0.2)
    end_readers(stop, readers)
    acknowledged = [identifier for reader in readers for identifier in reader.acknowledged]
    equal(len(acknowledged), len(set(acknowledged)), "each is acknowledged once")
    equal({i for reader in readers for i, _ in reader.held}, set(identifiers), "what they had")


# ---- the document ----

@test("the reader that stands in the manual page collects a box as it is written there")
def manual(world):
    if not shutil.which("curl"):
        raise Skip("curl is not there")
    page = (SOURCE / "docs" / "muengsten-mailbox.5").read_text(encoding="utf-8")
    script = re.search(r"^\.Sh EXAMPLES$.*?^\.Bd -literal$\n(.*?)^\.Ed$", page, re.DOTALL | re.MULTILINE)[1]
    folder = world.folder / "manual"
    for was, now in (("\\e", "\\"), ("https://gateway.example:8443/mailboxes/archive",
                                      f"https://localhost:{world.port}/manual"),
                     ("archive.pem", f"{world.pki / READER}-tls.pem"),
                     ("archive.key", f"{world.pki / READER}-tls.key"), ("/srv/archive", f"{folder}/archive")):
        assert was in script, was
        script = script.replace(was, now)
    (folder / "archive").mkdir(parents=True)
    identifiers = world.fill("manual", 5)
    done = subprocess.run(["sh", "-euc", script], cwd=folder, capture_output=True, text=True, check=False,
                          timeout=60 * PATIENCE,
                          env=dict(os.environ, CURL_CA_BUNDLE=str(world.pki / "authorities.pem")))
    equal(sorted(path.name for path in (folder / "archive").iterdir()), sorted(identifiers), done.stderr)
    for identifier in identifiers:
        assert identifier in (folder / "archive" / identifier).read_text(encoding="utf-8")
    equal(Box(world, "manual").list()["number"], 0)


# ---- who may, and what is wrong ----

@test("nobody but the partner of the box reaches it")
def strangers(world):
    _, identifier = world.send("letters")
    owner = Box(world, "letters")
    for system in (STRANGER, "wuppertal-portal"):
        stranger = Box(world, "letters", system)
        stranger.ask("GET").expect(403, "partner.not-permitted")
        stranger.ask("POST", "/fetch").expect(403, "partner.not-permitted")
        stranger.ask("POST", f"/messages/{identifier}/fetch").expect(403, "partner.not-permitted")
        fetched = owner.fetch()
        stranger.acknowledge(fetched).expect(403, "partner.not-permitted")
        stranger.give_back(fetched).expect(403, "partner.not-permitted")
        owner.give_back(fetched).expect(204)
    equal(owner.empty(), [identifier])


@test("a message of another box is unknown in this one, whatever its claim")
def other_box(world):
    _, identifier = world.send("letters")
    fetched = Box(world, "letters").fetch()
    other = Box(world, "given")
    other.ask("POST", f"/messages/{identifier}/fetch").expect(404, "box.unknown")
    other.acknowledge(fetched).expect(404, "box.unknown")
    other.give_back(fetched).expect(404, "box.unknown")
    Box(world, "letters").acknowledge(fetched).expect(204)


@test("claims that are none settle nothing")
def claims(world):
    box = Box(world, "letters")
    _, identifier = world.send("letters")
    fetched = box.fetch()
    for claim in ("0", "-1", "2", "01x", "99999999999999999999", "1 ", "'", "%00", "x" * 200, "1;2", "1\u00e4"):
        answer = box.acknowledge(fetched, claim)
        assert (answer.status, answer.code) in ((409, "box.lost"), (400, "mailbox.query")), (claim, answer)
    for wrong in ("", "&", "claim", "claim=", "claim=1&claim=1", "claim=1&x=1", "claim=%", "claim=%zz",
                  "claim=" + "1" * 300):
        box.client.request("DELETE", f"{box.prefix}/messages/{identifier}?{wrong}").expect(400, "mailbox.query")
    equal(box.list()["taken"], 1)
    box.acknowledge(fetched).expect(204)


@test("ids and paths that are none lead nowhere")
def paths(world):
    box = Box(world, "letters")
    for identifier in ("x", "00000000-0000-7000-8000-000000000000", "..", "%2e%2e", "'", "a" * 63, "%00",
                       "00000000-0000-7000-8000-00000000000g"):
        box.ask("POST", f"/messages/{identifier}/fetch").expect(404, "box.unknown")
        box.ask("DELETE", f"/messages/{identifier}", claim="1").expect(404, "box.unknown")
        box.ask("POST", f"/messages/{identifier}/return", claim="1").expect(404, "box.unknown")
    for path in ("/messages/a/b/fetch", "/messages//fetch", "/messages/a", "/messages/a/take",
                 "/messages/" + "a" * 64 + "/fetch", "/messages/" + "a" * 5000 + "/return"):
        box.ask("POST", path).expect(404, "http.path")
    for path in ("/x", "/fetch/", "/messages", "/messages/", "/../letters/fetch"):
        box.ask("POST", path).expect(404, "http.path")
    for method, path in (("PUT", ""), ("DELETE", ""), ("GET", "/fetch"), ("GET", "/messages/a")):
        box.ask(method, path).expect(405, "http.method")


@test("lists with anything wrong in their question are refused")
def lists(world):
    box = Box(world, "pages")
    for query in ("limit=0", "limit=1001", "limit=x", "limit=", "limit=1&limit=2", "after=%", "page=1", "=", "&&",
                  "limit=-5", "limit=1.0", "limit=999999999999999999999", "after=" + "1" * 300):
        box.client.request("GET", f"{box.prefix}?{query}").expect(400, "mailbox.query")
    for after in ("x", "1", "1-", "-1", "1-2-3", "1-x", "99999999999999999999-1", "1-99999999999999999999", "'"):
        box.ask("GET", after=after).expect(400, "box.place")
    equal(len(box.list(limit=1000)["messages"]), 23)
    equal(box.list(after="9223372036854775807-9223372036854775807")["messages"], [])


@test("a request with a body takes nothing, however it is sent")
def bodies(world):
    box = Box(world, "letters")
    _, identifier = world.send("letters")
    for framing in (b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                    b"Content-Length: 99999999\r\n\r\n"):
        with box.client.raw() as connection:
            connection.sendall(b"POST /mailboxes/letters/fetch HTTP/1.1\r\nHost: localhost\r\n" + framing)
            assert b" 413 " in connection.recv(1000).split(b"\r\n")[0]
    with box.client.raw() as connection:
        connection.sendall(b"POST /mailboxes/letters/fetch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n")
        time.sleep(0.2)
    listed = box.list()
    equal((listed["taken"], [entry["attempts"] for entry in listed["messages"]]), (0, [0]))
    equal(box.empty(), [identifier])


@test("a box that could not work is refused by the check of the configuration, with the line")
def checked(world):
    for change, words in (
            (('partner="solingen-registry" lease="4"', 'lease="4"'), "needs|who may collect"),
            (('listener="cities" partner="solingen-registry" lease="4"', 'partner="solingen-registry" lease="4"'),
             "needs the attribute listener"),
            (('lease="4"', 'lease="0"'), "lease"),
            (('lease="4"', 'lease="4" ordered="true"'), "ordered"),
            (('lease="4"', 'path="/messages"'), "taken by"),
            (('lease="4"', 'longest="4"'), "no parameter")):
        text = world.main.config_file.read_text(encoding="utf-8")
        assert change[0] in text, change
        file = world.main.config_file.with_name("changed.xml")
        file.write_text(text.replace(*change), encoding="utf-8")
        done = subprocess.run([muengstend(), "-t", "-c", file], capture_output=True, text=True,
                              env=environment(), check=False)
        assert done.returncode != 0 and re.search(words, done.stdout + done.stderr), (change, done)
        assert re.search(r"changed\.xml:\d+: ", done.stdout + done.stderr), done


if __name__ == "__main__":
    run(lambda: Mailboxes("mailbox"), limit=int(300 * max(1, PATIENCE)))
