#!/usr/bin/env python3
"""operators: who watches over the gateway finds every message, sees all that happened to it, and mends it."""

import contextlib
import datetime
import http.client
import json
import re
import signal
import sqlite3
import threading
import time
import uuid as uuids

import signing
from harness import (PATIENCE, QUICK, Answer, World, client_tls, configuration, destination, element, equal,
                     folder_destination, partner, route, wait_for)
from tap import run, test

PORTAL = "wuppertal-portal"
# Whose certificates the operators show.
OPERATORS = {"anna.beispiel": "remscheid-registry", "bert.beispiel": "remscheid-planning",
             "vera.beispiel": "solingen-registry"}
ANNA, BERT, VERA = OPERATORS
DEAD_SOON = dict(QUICK, give_up="1s", first="100ms", longest="200ms")


class Watched(World):
    """A gateway with two operators and a viewer, a city system that can refuse, one that collects in order,
    and a folder."""

    def __enter__(self):
        self.city_system = self.city("city", certificate="remscheid-registry")
        self.status_port = self.free_port()
        self.outbox = self.folder / "outbox"
        self.main = self.gateway(self.text())
        return self

    def text(self, retention=None, **attributes):
        known = [destination("main", self.city_system, DEAD_SOON, **attributes),
                 destination("strict", self.city_system, DEAD_SOON, ordered="true"),
                 folder_destination("files", self.outbox)]
        operators = [
            element("operator", name=name, role="viewer" if name == VERA else "operator",
                    certificate=self.pki / f"{system}-tls.pem", contents="true" if name == ANNA else None)
            for name, system in OPERATORS.items()]
        return configuration(
            self, partners=[partner(self.pki, PORTAL), partner(self.pki, "solingen-planning")],
            destinations=known, routes=[route(f"test:{name}", name) for name in ("main", "strict", "files")],
            extra=element("status", address=f"*:{self.status_port}", hosts="localhost") +
            (element("retention", **retention) if retention else "") + "".join(operators))

    def send(self, reader="main", **changes):
        """A message for one of the destinations: (the gateway's id, its UUID)."""
        message, text = self.signed("wuppertal", f"test:{reader}", **changes)
        return self.client().post(text).expect(201).id, message.uuid

    def ask(self, path, name=ANNA, method="GET", body=None, **headers):
        """One request of an operator, on a connection of its own."""
        connection = http.client.HTTPSConnection("localhost", self.status_port, timeout=20 * PATIENCE,
                                                 context=client_tls(self.pki, OPERATORS[name]))
        try:
            if body is not None:
                body = body if isinstance(body, (str, bytes)) else json.dumps(body)
                headers.setdefault("Content_Type", "application/json")
            connection.request(method, path, body, {key.replace("_", "-"): value
                                                    for key, value in headers.items()})
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()

    def look(self, path, name=ANNA):
        return json.loads(self.ask(path, name).expect(200).body)

    def act(self, path, name=ANNA, why="because", **members):
        return self.ask(path, name, "POST", {"why": why, **members})

    def message(self, identifier, name=ANNA):
        return self.look(f"/messages/{identifier}", name)

    def delivery(self, identifier, where="main"):
        found = [one for one in self.message(identifier)["deliveries"] if one["destination"] == where]
        return found[0] if found else None

    def in_state(self, identifier, state, where="main"):
        return wait_for(lambda: (one := self.delivery(identifier, where)) and one["state"] == state and one,
                        f"{identifier} is {state}", 20)

    def dead(self, where="main"):
        """A message that was given up."""
        self.city_system.change("--refuse", "400")
        identifier, _ = self.send(where)
        self.in_state(identifier, "dead", where)
        self.city_system.change()
        return identifier

    def seen(self, identifier, where="main"):
        delivery = self.delivery(identifier, where)
        return {"state": delivery["state"], "attempts": delivery["attempts"]}

    def trail(self, **wanted):
        """The entries of the audit trail that have these members."""
        entries, place = [], 1
        while place:
            page = self.look(f"/journal?limit=1000&from={place}")
            entries += [one["line"] for one in page["entries"]]
            place = page["next"]
        return [one for one in entries if all(one.get(key) == value for key, value in wanted.items())]


# ---- looking ----

@test("a message is found by its UUID within one question, and its trace tells who, what and how in order")
def trace(world):
    identifier, uuid = world.send()
    world.in_state(identifier, "delivered")
    found = world.look(f"/messages?uuid={uuid.upper()}")
    equal([one["id"] for one in found["messages"]], [identifier])
    equal((found["refusals"], found["cursor"]), ([], None))
    message = world.message(identifier)
    equal((message["uuid"], message["partner"], message["source"], message["reader"], message["author"]),
          (uuid, PORTAL, "submission", "test:main", "ags:05124000"))
    equal([part["kind"] for part in message["parts"]], ["content", "original", "seal", "receipt", "header"])
    assert re.fullmatch("[0-9a-f]{64}", message["digest"]) and message["created"], message
    equal([one["check"] for one in message["checks"]],
          ["form", "profile", "permission", "signature", "schema", "duplicate", "route", "seal", "receipt"])
    assert all(one["result"] == "passed" and one["microseconds"] >= 0 for one in message["checks"])
    signature, = [one for one in message["checks"] if one["check"] == "signature"]
    assert signature["detail"].startswith("enveloped: ") and signature["microseconds"] > 0, signature
    equal([(one["kind"], one["code"], one["destination"]) for one in message["trace"]],
          [("accepted", "accepted", None), ("ended", "delivered", "main")])
    assert message["trace"][1]["duration_microseconds"] > 0
    equal(len(world.trail(act="looked", message=identifier, by=ANNA)) >= 1, True, "the look is in the trail")


@test("who asks for one message by its UUID has looked at it, and who lists many at none of them")
def search_is_a_look(world):
    _, uuid = world.send()
    world.look("/messages?limit=200", VERA)
    identifier = world.look(f"/messages?uuid={uuid}", VERA)["messages"][0]["id"]
    wait_for(lambda: world.trail(act="looked", by=VERA), "the trail has the look")
    equal({one["message"] for one in world.trail(act="looked", by=VERA)}, {identifier})


def change_store(world, sql):
    """Changes the store behind the gateway's back, which is stopped meanwhile."""
    world.main.stop()
    with contextlib.closing(sqlite3.connect(world.main.folder / "store" / "store.db")) as connection:
        connection.executescript(sql)
        connection.commit()
    world.main.start()


@test("who looks at more messages in a minute than the audit trail can bear is refused, and no look is left out")
def many_looks(world):
    world.send()
    change_store(world, """INSERT INTO messages WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 700)
        SELECT 1000000 + i, randomblob(16), partner, way, 'copy-' || i, digest, profile, type, author, reader, received
        FROM n, (SELECT * FROM messages LIMIT 1)""")
    with world.main.database() as connection:
        rows = connection.execute("SELECT id FROM messages WHERE seq > 1000000").fetchall()
    bert, shown, begun = world.client(OPERATORS[BERT], world.status_port), set(), time.monotonic()
    for row in rows:
        identifier = str(uuids.UUID(bytes=row[0]))
        answer = bert.request("GET", f"/messages/{identifier}")
        if answer.status == 200:
            shown.add(identifier)
        else:
            answer.expect(429, "access.too-many-looks")
    minutes = 2 + int(time.monotonic() - begun) // 60
    assert 300 <= len(shown) <= 300 * minutes, f"{len(shown)} looks in {minutes} minutes"
    wait_for(lambda: {one["message"] for one in world.trail(act="looked", by=BERT)} >= shown, "all of them are in the trail")
    world.ask(f"/messages/{identifier}", VERA).expect(200)
    change_store(world, "DELETE FROM messages WHERE seq > 1000000")


@test("to ask for what never was leaves nothing in the audit trail, and does not make it something that was")
def never(world):
    for _ in range(3):
        identifier = str(uuids.uuid4())
        for _ in range(2):
            problem = world.ask(f"/messages/{identifier}", VERA).expect(404, "message.unknown").problem
            assert "journal" not in problem, problem
            equal(world.look(f"/journal?message={identifier}")["entries"], [])
        equal(world.trail(message=identifier), [])


@test("what failed is in the trace with every attempt, its duration and its answer")
def attempts(world):
    world.main.settled()  # no other message shall meet the failures
    world.city_system.change("--fail", "503:2")
    identifier, _ = world.send()
    world.in_state(identifier, "delivered")
    world.city_system.change()
    kinds = [(one["kind"], one["code"]) for one in world.message(identifier)["trace"]]
    equal(kinds[0], ("accepted", "accepted"))
    equal([kind for kind, _ in kinds[1:]], ["attempt", "attempt", "ended"])
    times = [one["time"] for one in world.message(identifier)["trace"]]
    equal(times, sorted(times), "the order")
    assert all(one["text"] and one["duration_microseconds"] > 0 for one in world.message(identifier)["trace"][1:3])


@test("every filter finds what it names, alone and with others, page by page")
def filters(world):
    sent = [world.send("files")[0] for _ in range(7)]
    for one in sent:
        world.in_state(one, "delivered", "files")
    queries = ["author=ags:05124000", "reader=test:files", "type=service:0101", f"partner={PORTAL}",
               "destination=files", "state=delivered", "from=2020-01-01", "to=2100-01-01T00:00:00%2B01:00"]
    for count in range(1, len(queries) + 1):
        query = "&".join(queries[-count:] + ["reader=test:files"] * (count < 7))
        found, cursor = [], ""
        while cursor is not None:
            page = world.look(f"/messages?{query}&limit=3{cursor and '&cursor=' + cursor}")
            assert len(page["messages"]) <= 3
            found += [one["id"] for one in page["messages"]]
            cursor = page["cursor"]
        equal(found, sent[::-1], query)
    equal(world.look("/messages?reader=test:files&state=dead")["messages"], [])
    later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    equal(world.look(f"/messages?from={later}")["messages"], [])
    equal(world.look(f"/messages?id={sent[3]}")["messages"][0]["id"], sent[3])


@test("a refusal is found by the UUID of the message that was refused")
def refusals(world):
    message, text = world.signed("wuppertal", "test:nowhere")
    world.client().post(text).expect(422, "route.none")
    found = wait_for(lambda: world.look(f"/messages?uuid={message.uuid}")["refusals"], "the refusal is told")
    equal([(one["code"], one["partner"], one["uuid"]) for one in found], [("route.none", PORTAL, message.uuid)])
    assert found[0]["text"] and found[0]["time"]


NONSENSE = [("uuid=1%27%20OR%201=1", "uuid"), ("id=x", "id"), ("author=", "author"), ("author=anna", "author"),
            ("reader=a%20b:c", "reader"), ("type=0101", "type"), ("state=lost", "state"), ("from=yesterday", "from"),
            ("from=2026-02-30", "from"), ("from=2026-01-01T25:00:00Z", "from"), ("from=2026-01-01T00:00:00", "from"),
            ("to=2026-13-01", "to"), ("from=2026-01-02&to=2026-01-01", "to"), ("limit=0", "limit"),
            ("limit=201", "limit"), ("limit=-1", "limit"), ("cursor=zz", "cursor"), ("cursor=0", "cursor"),
            ("partner=" + "x" * 200, "partner"), ("destination=a%20b", "destination"), ("colour=red", "colour")]


@test("a nonsensical question is refused, and which parameter is wrong is said, with what it has to be")
def nonsense(world):
    for query, name in NONSENSE:
        answer = world.ask(f"/messages?{query}")
        assert (answer.status, answer.code) == (400, "query.invalid"), f"{query}: {answer!r}"
        equal(answer.problem["parameter"], name, query)
        assert name in answer.problem["detail"] or name == "colour", answer.problem
    world.ask("/messages?" + "x" * 5000).expect(414, "query.too-long")
    world.ask("/messages/nonsense").expect(404, "message.unknown")
    world.ask(f"/messages/{uuids.uuid4()}").expect(404, "message.unknown")


@test("hostile text in a message's header comes back as text, in JSON that nobody takes for a page")
def hostile(world):
    script = "</script><script>alert(1)</script>"
    message, _ = world.signed("wuppertal", "test:files")
    escaped = script.replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"(<(?:\w+:)?autor>.*?<(?:\w+:)?(?:organisationsname|name)>)[^<]*", rf"\g<1>{escaped}", message.text,
                  count=1, flags=re.DOTALL)
    assert escaped in text, "the sample has a name of its author"
    identifier = world.client().post(signing.envelop(text, world.signer(PORTAL))).expect(201).id
    answer = world.ask(f"/messages/{identifier}").expect(200)
    equal(answer.headers["Content-Type"], "application/json")
    equal(answer.headers["X-Content-Type-Options"], "nosniff")
    equal(json.loads(answer.body)["author_name"], script)


@test("content is shown to those alone whom the configuration allows it, and the trail knows before")
def content(world):
    identifier, uuid = world.send("files")
    world.ask(f"/messages/{identifier}/content", BERT).expect(403, "access.contents")
    world.ask(f"/messages/{identifier}/content", VERA).expect(403, "access.contents")
    answer = world.ask(f"/messages/{identifier}/content").expect(200)
    assert uuid.encode() in answer.body and answer.body.startswith(b"<"), answer.body[:100]
    equal(answer.headers["Content-Type"], "application/octet-stream")
    assert answer.headers["Content-Disposition"].startswith("attachment"), answer.headers
    equal([one["by"] for one in world.trail(act="content", message=identifier)], [ANNA])
    equal(sorted(one["by"] for one in world.trail(act="denied", code="access.contents", message=identifier)),
          [BERT, VERA])
    world.ask(f"/messages/{uuids.uuid4()}/content").expect(404, "message.unknown")


# ---- acting ----

@test("a dead message is revived, arrives, and the trace and the trail say who did it and why")
def revived(world):
    identifier = world.dead()
    answer = world.act(f"/messages/{identifier}/retry", why="the registry is back", seen=world.seen(identifier),
                       destination="main").expect(200)
    equal(json.loads(answer.body)["message"]["id"], identifier)
    world.in_state(identifier, "delivered")
    world.city_system.wait_for(id=identifier, answer=200)
    act, = [one for one in world.message(identifier)["trace"] if one["kind"] == "act"]
    equal((act["code"], act["by"], act["text"], act["destination"]),
          ("operator.retry", ANNA, "the registry is back", "main"))
    line, = world.trail(act="retry", message=identifier)
    equal((line["by"], line["why"], line["way"], line["destination"]), (ANNA, "the registry is back", "tls", "main"))


@test("a message that is cancelled is not delivered any more, and its sender learns that, but not by whom")
def cancelled(world):
    world.act("/destinations/files/pause").expect(200)
    identifier, _ = world.send("files")
    seen = world.seen(identifier, "files")
    world.act(f"/messages/{identifier}/cancel", BERT, "sent by mistake, says Ms Beispiel", seen=seen).expect(200)
    world.act("/destinations/files/resume").expect(200)
    equal(world.delivery(identifier, "files")["state"], "cancelled")
    after, _ = world.send("files")
    world.in_state(after, "delivered", "files")
    assert not list(world.outbox.glob(f"{identifier}*")), "it was delivered"
    report = world.client().report(identifier).body.decode()
    assert "cancelled" in report and "Beispiel" not in report and "bert" not in report, report


@test("a message that is moved arrives at the other destination alone")
def moved(world):
    identifier = world.dead()
    world.act(f"/messages/{identifier}/move", to="files", destination="main", seen=world.seen(identifier)).expect(200)
    world.in_state(identifier, "delivered", "files")
    equal(world.delivery(identifier)["state"], "cancelled")
    assert list(world.outbox.glob(f"{identifier}*")), "it has arrived"
    equal(world.city_system.record(id=identifier, answer=200), [])
    world.act(f"/messages/{identifier}/move", to="nowhere", destination="main",
              seen=world.seen(identifier)).expect(404, "destination.unknown")


@test("a dead message that blocks an ordered destination is revived, and the order is kept")
def unblocked(world):
    identifier = world.dead("strict")
    following = [world.send("strict")[0] for _ in range(3)]
    world.main.wait_for("destination.blocked", destination="strict", message=identifier)
    world.act(f"/messages/{identifier}/retry", seen=world.seen(identifier, "strict")).expect(200)
    for one in [identifier, *following]:
        world.in_state(one, "delivered", "strict")
    arrived = [entry["id"] for entry in world.city_system.record(answer=200)]
    equal([one for one in arrived if one in (identifier, *following)], [identifier, *following])


@test("of two operators who act on one message at once one wins, and the other is told who was first")
def at_once(world):
    identifier = world.dead()
    world.act("/destinations/main/pause").expect(200)
    seen = world.seen(identifier)
    first = world.act(f"/messages/{identifier}/retry", ANNA, seen=seen)
    second = world.act(f"/messages/{identifier}/cancel", BERT, seen=seen)
    first.expect(200)
    second.expect(409, "act.conflict")
    equal(second.problem["now"], {"state": "waiting", "attempts": seen["attempts"], "by": ANNA})
    equal(world.delivery(identifier)["state"], "waiting")
    equal((len(world.trail(act="retry", message=identifier)), len(world.trail(act="cancel", message=identifier))), (1, 0))
    world.act("/destinations/main/resume").expect(200)
    world.in_state(identifier, "delivered")
    world.act(f"/messages/{identifier}/cancel", seen=world.seen(identifier)).expect(409, "act.over")


@test("of eight acts that are underway at the same time exactly one is done")
def underway(world):
    identifier = world.dead()
    world.act("/destinations/main/pause").expect(200)
    seen = world.seen(identifier)
    start, answers = threading.Barrier(8), []

    def act(number):
        start.wait()
        answers.append(world.act(f"/messages/{identifier}/{('retry', 'cancel')[number % 2]}",
                                 (ANNA, BERT)[number // 2 % 2], seen=seen).status)

    threads = [threading.Thread(target=act, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(sorted(answers), [200] + 7 * [409])
    equal(len(world.trail(act="retry", message=identifier)) + len(world.trail(act="cancel", message=identifier)), 1)
    world.act("/destinations/main/resume").expect(200)


@test("a viewer who tries to act is refused, nothing happens, and the trail says so")
def viewer(world):
    identifier = world.dead()
    seen = world.seen(identifier)
    for path in (f"/messages/{identifier}/retry", f"/messages/{identifier}/cancel", f"/messages/{identifier}/move",
                 "/destinations/main/pause", "/destinations/main/retry-dead"):
        world.act(path, VERA, seen=seen).expect(403, "access.role")
    equal(world.delivery(identifier)["state"], "dead")
    wait_for(lambda: len(world.trail(act="denied", by=VERA, code="access.role")) >= 5, "the trail has the denials")
    world.ask("/journal", VERA).expect(403, "access.role")


@test("an act without a reason, with nonsense, or from another site is refused and does nothing")
def bad_acts(world):
    identifier = world.dead()
    path, seen = f"/messages/{identifier}/retry", world.seen(identifier)
    world.ask(path, method="POST", body={"seen": seen}).expect(400, "act.why")
    world.ask(path, method="POST", body="{").expect(400, "act.invalid")
    for members in ({}, {"seen": {"state": "dead"}}, {"seen": {"state": "lost", "attempts": 1}}, {"seen": 1},
                    {"seen": {"state": "dead", "attempts": -1}}, {"seen": seen, "force": True},
                    {"seen": seen, "destination": 7}, {"seen": seen, "to": "files"}):
        world.act(path, **members).expect(400, "act.invalid")
    world.ask(path, method="POST", body={"why": "x", "seen": seen}, Content_Type="text/plain").expect(
        415, "http.content-type")
    world.ask(path, method="POST", body={"why": "x", "seen": seen}, Origin="https://evil.example").expect(
        403, "access.cross-site")
    world.act(path, seen=seen, destination="files").expect(404, "act.unknown")
    world.act(f"/messages/{uuids.uuid4()}/retry", seen=seen).expect(404, "message.unknown")
    world.act("/destinations/nowhere/pause").expect(404, "destination.unknown")
    equal(world.delivery(identifier)["state"], "dead")


@test("what is still stored of a message is told, and erased with a reason that stays")
def erased(world):
    world.act("/destinations/files/pause").expect(200)
    identifier, uuid = world.send("files")
    remains = world.look(f"/messages/{identifier}/remains")
    equal((remains["message"], remains["deliveries"]), (True, 1))
    equal([part["kind"] for part in remains["parts"]], ["content", "original", "seal", "receipt", "header"])
    world.ask(f"/messages/{identifier}/remains", VERA).expect(403, "access.role")
    path = f"/messages/{identifier}/erase"
    world.act(path, VERA).expect(403, "access.role")
    world.act(path).expect(409, "act.open")
    world.act(path, cancel="yes").expect(400, "act.invalid")
    world.act(path, why="Article 17 GDPR, case 42", cancel=True).expect(200)
    world.act("/destinations/files/resume").expect(200)
    unknown = world.ask(f"/messages/{identifier}").expect(404, "message.unknown").problem
    equal([one["line"]["act"] for one in unknown["journal"] if one["line"]["act"] in ("accepted", "erase")],
          ["accepted", "erase"])
    remains = world.look(f"/messages/{identifier}/remains")
    equal((remains["message"], remains["parts"], remains["deliveries"], remains["events"]), (False, [], 0, 0))
    assert remains["journal"] >= 2 and remains["known_until"], remains
    line, = world.trail(act="erase", message=identifier)
    equal((line["by"], line["why"]), (ANNA, "Article 17 GDPR, case 42"))
    equal(world.look(f"/messages?uuid={uuid}")["messages"], [])
    world.act(path).expect(404, "message.unknown")
    world.ask(f"/messages/{uuids.uuid4()}/remains").expect(404, "message.unknown")


@test("all that died at a destination are revived by one act")
def all_dead(world):
    world.city_system.change("--refuse", "400")
    dead = [world.send()[0] for _ in range(5)]
    for one in dead:
        world.in_state(one, "dead")
    world.city_system.change()
    answer = json.loads(world.act("/destinations/main/retry-dead", why="was down").expect(200).body)
    assert answer["revived"] >= 5, answer
    for one in dead:
        world.in_state(one, "delivered")
    equal(len(world.trail(act="retry-dead", destination="main", why="was down")), 1)


@test("a destination that an operator has paused stays so through a reload and kill -9, until one resumes it")
def paused(world):
    answer = json.loads(world.act("/destinations/main/pause", why="maintenance").expect(200).body)
    equal((answer["paused_by"]["by"], answer["paused_by"]["why"]), (ANNA, "maintenance"))
    world.act("/destinations/main/pause", BERT).expect(409, "act.conflict")
    identifier, _ = world.send()
    world.main.reload()
    equal(world.delivery(identifier)["state"], "waiting")
    world.main.kill()
    world.client().close()
    world.main.start()
    status, = [one for one in world.look("/status")["destinations"] if one["name"] == "main"]
    equal((status["state"], status["paused_by"]["by"], status["paused_by"]["why"]), ("paused", ANNA, "maintenance"))
    after, _ = world.send("files")
    world.in_state(after, "delivered", "files")
    equal((world.delivery(identifier)["state"], world.delivery(identifier)["attempts"]), ("waiting", 0))
    world.act("/destinations/main/resume", BERT, "done").expect(200)
    world.in_state(identifier, "delivered")
    world.act("/destinations/main/resume").expect(409, "act.conflict")
    equal([(one["act"], one["by"]) for one in world.trail(destination="main")
           if one["act"] in ("pause", "resume")][-2:], [("pause", ANNA), ("resume", BERT)])


@test("contents are deleted after their days and traces after theirs, and the audit trail still knows")
def retention(world):
    identifier, uuid = world.send()
    world.in_state(identifier, "delivered")
    kinds = {part["kind"] for part in world.message(identifier)["parts"]}
    assert {"content", "original", "receipt"} <= kinds, kinds
    world.main.reload(world.text(retention=dict(content="1min", trace="1h", duplicates="1h")))
    wait_for(lambda: "content" not in {part["kind"] for part in world.message(identifier)["parts"]},
             "the content is gone", seconds=150, pause=1)
    equal(world.message(identifier)["uuid"], uuid)
    world.ask(f"/messages/{identifier}/content").expect(404, "message.unknown")
    world.main.reload(world.text(retention=dict(content="1min", trace="1min", duplicates="1h")))
    wait_for(lambda: world.ask(f"/messages/{identifier}").status == 404, "the trace is gone")
    gone = world.ask(f"/messages/{identifier}").expect(404, "message.unknown")
    assert any(entry["line"]["act"] == "accepted" for entry in gone.problem["journal"]), gone.problem
    world.main.reload(world.text())


@test("what is overdue by days, as if the clock were ahead, goes a day at a time")
def overdue(world):
    messages = [world.send()[0] for _ in range(3)]
    for identifier in messages:
        world.in_state(identifier, "delivered")
    changes = ""
    for identifier, days in zip(messages, (40, 39.5, 38)):
        with world.main.database() as connection:
            seq, = connection.execute("SELECT seq FROM messages WHERE id = ?", (uuids.UUID(identifier).bytes,)).fetchone()
        ended = int((time.time() - days * 86400) * 1000)
        changes += f"""UPDATE endings SET ended = {ended} WHERE seq = {seq};
            UPDATE deliveries SET ended = {ended} WHERE key >> 20 = {seq};"""

    def kept():
        return [any(part["kind"] == "content" for part in world.message(identifier)["parts"]) for identifier in messages]

    change_store(world, changes)
    wait_for(lambda: kept()[0] is False, "the oldest content is gone", 20)
    equal(kept(), [False, False, True], "which contents are kept")
    world.main.stop()
    world.main.start()
    wait_for(lambda: kept()[2] is False, "the start after that deletes the next day", 20)


@test("who asks much at once is told to ask again, and everybody else is answered")
def crowd(world):
    clients = [http.client.HTTPSConnection("localhost", world.status_port, timeout=20 * PATIENCE,
                                           context=client_tls(world.pki, OPERATORS[ANNA])) for _ in range(40)]
    for client in clients:
        client.connect()
    # Stopped, so that it finds all of them at once.
    world.main.signal(signal.SIGSTOP)
    for client in clients:
        client.request("GET", "/messages?state=cancelled&limit=200")
    world.main.signal(signal.SIGCONT)
    answers = [client.getresponse() for client in clients]
    for answer, client in zip(answers, clients):
        answer.read()
        client.close()
    refused = [answer for answer in answers if answer.status == 503]
    equal({answer.status for answer in answers}, {200, 503})
    assert len(refused) < 40 and all(int(answer.headers["Retry-After"]) >= 1 for answer in refused), refused
    world.look("/messages?state=cancelled")


@test("a stop amid questions and acts is a clean one, and what was done is in the trail")
def stopped(world):
    identifier, _ = world.send("files")
    world.in_state(identifier, "delivered", "files")
    done, ended = [], threading.Event()

    def ask(number):
        while not ended.is_set():
            try:
                if number % 4 == 0:  # whichever is not so already
                    done.extend(verb for verb in ("pause", "resume")
                                if world.act(f"/destinations/strict/{verb}").status == 200)
                elif number % 4 == 1:
                    world.act("/destinations/main/retry-dead")
                else:
                    world.ask(f"/messages/{identifier}" if number % 4 == 2 else "/messages?state=cancelled")
            except (OSError, http.client.HTTPException):
                pass  # the gateway is stopping, or not there

    crowd_of_them = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(8)]
    for thread in crowd_of_them:
        thread.start()
    try:
        for _ in range(3):
            wait_for(lambda before=len(done): len(done) > before, "acts are done", 20)
            equal(world.main.stop(), 0, "the exit status")
            world.client().close()
            world.main.start()
    finally:
        ended.set()
    for thread in crowd_of_them:
        thread.join(30 * PATIENCE)
    for verb in ("pause", "resume"):
        written = len(world.trail(act=verb, destination="strict"))
        assert written >= done.count(verb), f"{written} lines of {done.count(verb)} times {verb}"


if __name__ == "__main__":
    run(lambda: Watched("operators"))
