#!/usr/bin/env python3
"""service: what a service manager hears from the gateway, as the unit muengstend.service lets it speak."""

import pathlib
import signal
import socket
import subprocess
import time

from harness import PATIENCE, Gateway, World, configuration, environment, equal, folder_destination, wait_for
from tap import run, test


class Managed(Gateway):
    """A gateway that speaks to the manager's socket."""

    def launch(self):
        values = {**environment(), "NOTIFY_SOCKET": str(self.options["address"]), "WATCHDOG_USEC": "1000000"}
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=values)


class Manager(World):
    """A manager with its socket, and the gateway that it has started."""

    def __enter__(self):
        address = self.folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(address))
        self.socket.settimeout(20 * PATIENCE)
        self.main = Managed(self, "gateway", self.text())
        self.main.options["address"] = address
        self.processes.append(self.main)
        return self

    def text(self, **attributes):
        return configuration(self, destinations=[
            folder_destination("remscheid", self.folder / "outbox", isolation="process", **attributes)])

    def reload(self, text):
        self.main.config_file.write_text(text, encoding="utf-8")
        self.main.signal(signal.SIGHUP)

    def hear(self, *names):
        """The next datagram that has one of these names, as a dictionary; signs of life come in between."""
        while True:
            said = dict(line.split("=", 1) for line in self.socket.recv(4096).decode().split("\n"))
            if any(name in said for name in names):
                return said
            equal(said, {"WATCHDOG": "1"}, "what is said meanwhile")


STATES = ("READY", "RELOADING", "STOPPING")


@test("the manager hears that the gateway is ready when a message would be accepted, and not before")
def ready(world):
    world.main.launch()
    said = world.hear(*STATES)
    equal(said, {"READY": "1", "STATUS": "Takes messages."}, "what is said first")
    assert world.main.lines("gateway.ready"), "the log does not know of it yet"
    _, text = world.signed()
    world.client().post(text).expect(201)


@test("signs of life come for as long as the loop turns")
def alive(world):
    for _ in range(3):
        equal(world.hear("WATCHDOG"), {"WATCHDOG": "1"}, "a sign of life")
    world.main.signal(signal.SIGSTOP)
    wait_for(lambda: pathlib.Path(f"/proc/{world.main.pid}/stat").read_text(encoding="utf-8")
             .rpartition(")")[2].split()[0] == "T", "the gateway is stopped")
    world.socket.setblocking(False)
    try:
        while True:
            world.socket.recv(4096)
    except BlockingIOError:
        pass
    world.socket.settimeout(2)
    try:
        raise AssertionError(f"a process that hangs said {world.socket.recv(4096)}")
    except TimeoutError:
        pass
    finally:
        world.socket.settimeout(20 * PATIENCE)
        world.main.signal(signal.SIGCONT)
    world.hear("WATCHDOG")


@test("a reload is told at its beginning, with its time, and at its end")
def reloaded(world):
    world.reload(world.text(concurrency="3"))
    said = world.hear(*STATES)
    equal(said.get("RELOADING"), "1", said)
    age = time.clock_gettime(time.CLOCK_MONOTONIC) - int(said["MONOTONIC_USEC"]) / 1000000
    assert 0 <= age < 20 * PATIENCE, said
    equal(world.hear(*STATES), {"READY": "1", "STATUS": "Takes messages."}, "at the end")
    assert world.main.lines("gateway.reloaded"), "the log does not know of it"


@test("a reload that is refused ends too, and the status says why")
def refused(world):
    for text, reason in ((world.text(nonsense="yes"), "nonsense"),
                         (world.text().replace("</gateway>", ""), "muengsten.xml:")):
        world.reload(text)
        equal(world.hear(*STATES).get("RELOADING"), "1", "the beginning")
        said = world.hear(*STATES)
        equal(said["READY"], "1", said)
        assert said["STATUS"].startswith("Takes messages by its former configuration; the new one is refused: ")
        assert reason in said["STATUS"], said
    _, text = world.signed()
    world.client().post(text).expect(201)
    world.reload(world.text())
    world.hear(*STATES)
    equal(world.hear(*STATES), {"READY": "1", "STATUS": "Takes messages."}, "after a good one")


@test("no process of an adapter can speak to the manager in the gateway's name")
def inherited(world):
    children = pathlib.Path(f"/proc/{world.main.pid}/task").glob("*/children")
    found = [child for file in children for child in file.read_text(encoding="ascii").split()]
    assert found, "there is no process of an adapter"
    for child in found:
        variables = pathlib.Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        names = {variable.split(b"=")[0] for variable in variables}
        assert not names & {b"NOTIFY_SOCKET", b"WATCHDOG_USEC", b"WATCHDOG_PID", b"INVOCATION_ID"}, names


@test("the stop is told when it begins, and nothing after it")
def stopped(world):
    world.main.signal(signal.SIGTERM)
    said = world.hear(*STATES)
    equal((said.get("STOPPING"), sorted(said)), ("1", ["STATUS", "STOPPING"]), said)
    equal(world.main.process.wait(30 * PATIENCE), 0, "the exit status")
    world.socket.setblocking(False)
    try:
        while True:
            equal(world.socket.recv(4096), b"WATCHDOG=1", "what is said after it")
    except BlockingIOError:
        pass


@test("a gateway that cannot start never says that it is ready")
def never_ready(world):
    # The port of its listener is taken.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        world.main.config_file.write_text(configuration(world, port=port), encoding="utf-8")
        world.main.launch()
        equal(world.main.process.wait(30 * PATIENCE), 1, "the exit status")
    assert world.main.lines("gateway.not-started"), "it was not the port"
    world.socket.setblocking(False)
    try:
        said = world.socket.recv(4096)
    except BlockingIOError:
        said = b""
    equal(said, b"", "what the manager heard")


if __name__ == "__main__":
    run(lambda: Manager("service"))
