#!/usr/bin/env python3
"""midnight: a gateway that lives on from one day to the next, under load, closes the day that is over, and no more."""

import contextlib
import datetime
import json
import shutil
import subprocess
import threading
import time

from harness import (PATIENCE, Client, World, configuration, destination, element, equal, muengstenctl, partner, route,
                     wait_for)
from tap import Skip, run, test
from trail import DAY, check_chain, entries_of, last_closed, openssl_verifies

PORTAL = "wuppertal-portal"
SENDERS = 4


def preloaded():
    """The library that lets a program believe in another time. The command itself would stand between a gateway
    and its signals."""
    if not shutil.which("faketime"):
        raise Skip("faketime is not installed")
    said = subprocess.run(["faketime", "-f", "+0", "sh", "-c", 'echo "$LD_PRELOAD"'], capture_output=True, text=True,
                          check=True).stdout.strip()
    return said.split(":")[0]


def text_of_day(milliseconds):
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc).strftime("%Y-%m-%d")


class Night(World):
    """A gateway for which it is shortly before midnight, and those who send to it until the day is closed."""

    def __enter__(self):
        self.library = preloaded()
        self.remscheid = self.city("remscheid", "--verify", "sample")
        self.control = self.folder / "control"
        self.main = self.gateway(self.text())
        self.main.stop()
        self.command = self.main.command
        self.sent = []  # (before and after the exchange in the gateway's time, answer)
        for lead in (3, 12, 48):
            if self.start_before_midnight(lead * PATIENCE):
                return self
        raise AssertionError("the gateway needs longer to start than there is time before midnight")

    def text(self):
        return configuration(self, partners=[partner(self.pki, PORTAL)],
                             destinations=[destination("remscheid", self.remscheid)],
                             routes=[route("remscheid", "remscheid")],
                             extra=element("control", socket=self.control))

    def now(self):
        """The gateway's time, in milliseconds since 1970."""
        return (time.time() + self.offset) * 1000

    def start_before_midnight(self, lead):
        """Starts with an empty store, and says whether a message has come before midnight."""
        self.main.kill()
        shutil.rmtree(self.main.folder / "store", ignore_errors=True)
        # The next midnight but a minute: its time must not lie in the past.
        self.midnight = int((time.time() * 1000 + 60000) // DAY + 1) * DAY
        self.offset = self.midnight / 1000 - lead - time.time()
        # What is not the time of day, such as the clock that timers go by, stays as it is; so do times of files.
        self.main.command = ["env", f"LD_PRELOAD={self.library}", f"FAKETIME={self.offset:+.3f}",
                             "FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1",
                             # That sanitizer wants to be the first library, and need not be for this one.
                             "ASAN_OPTIONS=verify_asan_link_order=0",
                             *self.command]
        self.main.start()
        self.sent = [self.exchange(self.client(PORTAL))]
        return self.sent[0][1] < self.midnight

    def exchange(self, client):
        _, text = self.signed("wuppertal", "remscheid")
        before = self.now()
        answer = client.post(text)
        return before, self.now(), answer

    def send_on(self, stop):
        client = Client(self.port, self.pki, PORTAL)
        with contextlib.closing(client):
            while not stop.is_set():
                self.sent.append(self.exchange(client))

    def entries(self):
        return entries_of(self.main)

    def acts(self, act):
        return [entry for entry in self.entries() if entry["line"]["act"] == act]


def same(identifiers, sent, what):
    """Fails unless these are the messages that were sent, each once."""
    wanted = [answer.id for _, _, answer in sent]
    equal((len(identifiers), set(identifiers) ^ set(wanted)), (len(wanted), set()), what)


@test("under load across midnight every message is taken and delivered")
def load(world):
    stop = threading.Event()
    threads = [threading.Thread(target=world.send_on, args=[stop], daemon=True) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    wait_for(lambda: world.acts("closed"), "the day is closed", 60, pause=0.2)
    enough = len(world.sent) + 10 * SENDERS
    wait_for(lambda: len(world.sent) >= enough, "messages of the new day", 30)
    stop.set()
    for thread in threads:
        thread.join(30 * PATIENCE)
    for _, _, answer in world.sent:
        answer.expect(201)
    world.main.check_running()
    wait_for(lambda: len(world.remscheid.record(answer=200)) >= len(world.sent), "everything is delivered", 60)
    same([record["id"] for record in world.remscheid.record(answer=200, repeated="no")], world.sent, "deliveries")
    equal(world.remscheid.record(valid="no"), [], "seals that are not good")
    world.main.settled()


@test("each acceptance, and each delivery, stands once in the trail, which hangs together")
def whole(world):
    entries = world.entries()
    check_chain(entries)
    for act in ("accepted", "delivered"):
        same([entry["line"]["message"] for entry in entries if entry["line"]["act"] == act], world.sent, act)


@test("the day is closed by one signature, which openssl verifies, over all that was written before midnight")
def closed(world):
    entries = world.entries()
    closings = [entry for entry in entries if entry["line"]["act"] == "closed"]
    equal(len(closings), 1, "closings")
    line = closings[0]["line"]
    old = [entry for entry in entries if entry["time"] < world.midnight]
    equal([entry["number"] for entry in old], list(range(1, len(old) + 1)), "what was written before midnight")
    equal((line["day"], line["first"], line["last"]), (text_of_day(world.midnight - 1), 1, len(old)), "the closed day")
    equal(line["hash"], old[-1]["hash"].hex(), "the hash that is signed")
    if not openssl_verifies(world.folder, line):
        raise AssertionError("openssl does not verify the closing")
    if openssl_verifies(world.folder, dict(line, last=line["last"] + 1)):
        raise AssertionError("openssl verifies what was not signed")


@test("what was answered before midnight belongs to the closed day, and what came after it to the new one")
def sides(world):
    entries = world.entries()
    last = next(entry["line"]["last"] for entry in entries if entry["line"]["act"] == "closed")
    number = {entry["line"]["message"]: entry["number"] for entry in entries if entry["line"]["act"] == "accepted"}
    old = [answer for _, after, answer in world.sent if after < world.midnight]
    new = [answer for before, _, answer in world.sent if before >= world.midnight]
    if not old or len(new) < 10 * SENDERS:
        raise AssertionError(f"{len(old)} before midnight, {len(new)} after it")
    equal([answer for answer in old if number[answer.id] > last], [], "of the old day, and not in it")
    equal([answer for answer in new if number[answer.id] <= last], [], "of the new day, and not in it")


@test("the status and muengstenctl audit verify name the closed day")
def verified(world):
    day = text_of_day(world.midnight - 1)
    equal(last_closed(world.control), day, "the last day that is signed")
    done = subprocess.run([muengstenctl(), "--json", "audit", "verify", "--config", world.main.config_file,
                           "--store", world.main.folder / "store"], capture_output=True, text=True, check=False)
    equal(done.returncode, 0, f"the exit status ({done.stdout}{done.stderr})")
    report = json.loads(done.stdout)
    equal((report["days"], [(signer["from"], signer["to"]) for signer in report["signers"]]), (1, [(day, day)]),
          "days that are closed, and by whom")


@test("the new day stays open, also when the gateway starts anew in it")
def open_day(world):
    world.main.stop()
    world.main.start()
    identifier = world.client(PORTAL).post(world.signed("wuppertal", "remscheid")[1]).expect(201).id
    wait_for(lambda: world.remscheid.record(id=identifier), "it is delivered")
    wait_for(lambda: last_closed(world.control), "the gateway has looked for days that are over")
    equal(len(world.acts("closed")), 1, "closings")
    check_chain(world.entries())


if __name__ == "__main__":
    run(lambda: Night("midnight"))
