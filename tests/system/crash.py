#!/usr/bin/env python3
"""crash: the gateway is killed with SIGKILL at random moments under load, again and again. The senders keep their
receipts, the receivers their records, and the two together prove that nothing with a receipt was lost.

ROUNDS says how often [25]; SEED repeats a run. `make soak` asks for more rounds.
"""

import http.client
import os
import random
import threading
import time

from harness import (PATIENCE, Client, World, configuration, destination, equal, partner, wait_for)
from tap import run, say, test

ROUNDS = int(os.environ.get("ROUNDS", "25"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))


class Sender(threading.Thread):
    """Sends message after message. One without an answer is sent again until there is a receipt: the sender
    cannot know whether the gateway had it."""

    def __init__(self, world, author, reader, stop):
        super().__init__(daemon=True)
        self.world, self.author, self.reader, self.stop = world, author, reader, stop
        self.client = Client(world.port, world.pki, next(
            name for name in ("wuppertal-portal", "remscheid-planning") if name.startswith(author)))
        self.receipts = {}  # uuid: id
        self.repeated = self.unanswered = 0
        self.faults = []

    def run(self):
        while not self.stop.is_set():
            message, text = self.world.signed(self.author, self.reader)
            while not self.send(message.uuid, text):
                time.sleep(0.02)

    def send(self, uuid, text):
        try:
            answer = self.client.post(text)
        except (OSError, http.client.HTTPException):
            self.unanswered += 1
            return False
        if answer.status == 503:
            return False
        if answer.status not in (200, 201):
            self.faults.append(repr(answer))
        elif uuid not in answer.body.decode():
            self.faults.append(f"the receipt of {uuid} does not name it")
        self.repeated += answer.status == 200
        self.receipts[uuid] = answer.id
        return True


class Crash(World):
    """Two cities that send to each other without a pause, and a gateway that dies again and again."""

    def __enter__(self):
        say(f"ROUNDS={ROUNDS} SEED={SEED}")
        self.cities = [self.city(name, "--verify", "sample") for name in ("wuppertal", "remscheid")]
        self.main = self.gateway(configuration(
            self, partners=[partner(self.pki, name) for name in ("wuppertal-portal", "remscheid-planning")],
            destinations=[destination("wuppertal", self.cities[0]),
                          destination("remscheid", self.cities[1], seal="enveloped")]))
        stop = threading.Event()
        self.senders = [Sender(self, "wuppertal", "remscheid", stop),
                        Sender(self, "remscheid", "wuppertal", stop)]
        for sender in self.senders:
            sender.start()
        self.kill_again_and_again()
        stop.set()
        for sender in self.senders:
            sender.join(60 * PATIENCE)
        self.receipts = {uuid: i for sender in self.senders for uuid, i in sender.receipts.items()}
        self.settle()
        return self

    def kill_again_and_again(self):
        chance = random.Random(SEED)
        for _ in range(ROUNDS):
            time.sleep(chance.uniform(0.05, 1.0) * PATIENCE)
            self.main.kill()
            self.main.start()

    def settle(self):
        """Waits until everything with a receipt has arrived, or nothing more comes."""
        last, since = -1, time.monotonic()
        while time.monotonic() - since < 20 * PATIENCE:
            self.entries = [entry for city in self.cities for entry in city.record(answer=200)]
            arrived = {entry["id"] for entry in self.entries}
            if set(self.receipts.values()) <= arrived:
                break
            if len(self.entries) != last:
                last, since = len(self.entries), time.monotonic()
            time.sleep(0.2)


@test("under load and killed again and again, the gateway has given receipts")
def load(world):
    repeated = sum(sender.repeated for sender in world.senders)
    unanswered = sum(sender.unanswered for sender in world.senders)
    say(f"{len(world.receipts)} receipts, {repeated} of them for a repetition, {unanswered} requests without "
        f"an answer, {len(world.entries)} deliveries")
    assert len(world.receipts) > 4 * ROUNDS, "too few messages to prove anything"
    equal([fault for sender in world.senders for fault in sender.faults], [], "wrong answers")


@test("nothing with a receipt was lost: each has arrived")
def nothing_lost(world):
    arrived = {entry["id"] for entry in world.entries}
    lost = {uuid for uuid, identifier in world.receipts.items() if identifier not in arrived}
    equal(lost, set(), "lost")


@test("nothing was delivered that was not handed in")
def nothing_invented(world):
    equal({entry["uuid"] for entry in world.entries} - set(world.receipts), set(), "invented")


@test("a message has one id, in the receipt and in each delivery, so that a repetition is recognisable")
def one_id(world):
    wrong = {(entry["uuid"], entry["id"]) for entry in world.entries
             if world.receipts.get(entry["uuid"]) != entry["id"]}
    equal(wrong, set(), "ids that differ from the receipt's")
    equal(len(set(world.receipts.values())), len(world.receipts), "ids")


@test("a repetition carries the same bytes")
def same_bytes(world):
    digests = {}
    for entry in world.entries:
        digests.setdefault(entry["id"], set()).add(entry["digest"])
    several = {identifier for identifier, values in digests.items() if len(values) > 1}
    equal(several, set(), "ids with several contents")
    say(f"{len(world.entries) - len(digests)} repetitions")


@test("every seal that was looked at is valid")
def valid(world):
    looked = [entry["valid"] for entry in world.entries if entry["valid"] != "unchecked"]
    assert looked and set(looked) == {"yes"}, looked


@test("after the last restart nothing waits and nothing is dead")
def nothing_waits(world):
    def states():
        with world.main.database() as database:
            return dict(database.execute("SELECT state, count(*) FROM deliveries GROUP BY state"))

    wait_for(lambda: set(states()) == {3}, "all deliveries are recorded as delivered")
    equal(states()[3], len(world.receipts), "deliveries in the store")


if __name__ == "__main__":
    run(lambda: Crash("crash"), limit=int(120 + ROUNDS * 8 * PATIENCE))
